//! Downloads: the echo checked before the first byte is used, the digest before the file has a name.

mod check;
mod directory;
mod fetch;
mod file;
mod part;
mod partial;
mod spans;
mod stream;
mod target;

use crate::call::CallError;
use crate::client::Client;
use crate::locate::{Located, ObjectState, ReadOptions};
use crate::watch::Watch;
pub(crate) use directory::Directory;
use fetch::{Fetch, Wanted};
pub(crate) use part::clear;
use s3_ssec_core::digest::ContentDigest;
use s3_ssec_core::echo::{EchoError, EchoVerified};
use s3_ssec_core::evidence::{Evidence, Verification};
use s3_ssec_core::key::{Fingerprint, Kind};
use s3_ssec_core::keyring::{Keyring, OpenError};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Provenance, RecordError};
pub(crate) use spans::Reading;
use std::io;
use std::path::{Path, PathBuf};
pub(crate) use target::Target;
use tokio::io::AsyncWrite;

/// How much proof a content needs to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trusted {
    /// Our own objects must match their record; those of other tools, which have none, are
    /// delivered and reported as not verified.
    #[default]
    Records,
    /// Everything must match a record, accepted digests included.
    OnlyVerified,
    /// Everything must match a record whose digest the writer computed from its own source.
    OnlySource,
    /// Objects whose record is pending or gone are delivered too.
    Anything,
}

impl Trusted {
    /// True if nothing is delivered without a digest to compare with.
    pub fn needs_digest(self) -> bool {
        matches!(self, Trusted::OnlyVerified | Trusted::OnlySource)
    }
}

/// How to read an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetOptions {
    /// Which object.
    pub read: ReadOptions,
    /// What is delivered.
    pub trusted: Trusted,
    /// Replace an existing file. Links, directories, devices and pipes are never replaced.
    pub replace: bool,
    /// Requests in flight, at most. It begins with 4 and takes more while that is faster; to a
    /// stream it stays there, because what is ahead of the stream is held in memory.
    pub in_flight: usize,
    /// Ask without a key too: what is said to be encrypted has to be refused then.
    pub(crate) prove_encrypted: bool,
}

impl Default for GetOptions {
    fn default() -> Self {
        Self {
            read: ReadOptions::default(),
            trusted: Trusted::default(),
            replace: false,
            in_flight: 16,
            prove_encrypted: false,
        }
    }
}

/// A content that was delivered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// Size in bytes.
    pub size: u64,
    /// Which key of the person opened it; `None` for a plain object.
    pub key: Option<Fingerprint>,
    /// The kind of that key.
    pub kind: Option<Kind>,
    /// What is known of the content.
    pub verification: Verification,
    /// That the gateway confirmed the key; `None` for a plain object.
    pub proof: Option<EchoVerified>,
}

/// A read did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The gateway refused, or was not reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There is no such object.
    #[error("{0} does not exist")]
    NotFound(ObjectName),
    /// The tag is no record of this format.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// No key in scope opens the record.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The object has no record, and no direct key in scope opens it.
    #[error("{0} is under a customer key, has no record, and none of your direct keys opens it")]
    NoKeyFits(ObjectName),
    /// The record is genuine, but the gateway says that the object is under another key.
    #[error("{0} is not under the key that its record names")]
    OtherKey(ObjectName),
    /// The object can be read without any key.
    #[error("{0} is not encrypted with a customer key")]
    NotEncrypted(ObjectName),
    /// The gateway handed the object out without confirming the key.
    #[error("{name} is not proved to be encrypted: {error}")]
    NotProved {
        /// The object.
        name: ObjectName,
        /// What was missing.
        error: EchoError,
    },
    /// Its record was never completed, because it came by a link or the upload broke off, or the
    /// record was removed.
    #[error("{0} cannot be verified: its record is {1}")]
    Undescribed(ObjectName, &'static str),
    /// Not ours, and only verified content was wanted.
    #[error("{0} cannot be verified: another tool wrote it, without a digest")]
    NoDigest(ObjectName),
    /// Its digest was taken from what a gateway held, and only one of a source was wanted.
    #[error("{name} is not proved to be as it was uploaded: it is {}", .evidence.verification())]
    Accepted {
        /// The object.
        name: ObjectName,
        /// Its record.
        evidence: Evidence,
    },
    /// Only objects under a master key were wanted.
    #[error("{name} is not under a master key of yours but {}", not_master(*.key))]
    NotMaster {
        /// The object.
        name: ObjectName,
        /// The direct key that opens it; `None` for a plaintext object.
        key: Option<Fingerprint>,
    },
    /// It is under a direct key, and this machine last wrote that name under a master key.
    #[error("{name} is under the direct key {key}, and was last written here under a master key")]
    Replaced {
        /// The object.
        name: ObjectName,
        /// The direct key that opens it.
        key: Fingerprint,
    },
    /// The content is not what was uploaded.
    #[error("the content of {0} is not what was uploaded: its digest does not match")]
    Damaged(ObjectName),
    /// Somebody overwrote the object during the download.
    #[error("{0} changed while it was downloaded")]
    Changed(ObjectName),
    /// The answer ended early, again and again.
    #[error("the gateway sent only a part of {0}")]
    Truncated(ObjectName),
    /// The file exists, and was not to be replaced.
    #[error("{0:?} exists already")]
    Exists(PathBuf),
    /// A symbolic link stands there: never replaced.
    #[error("{0:?} is a symbolic link")]
    Link(PathBuf),
    /// A directory stands there.
    #[error("{0:?} is a directory")]
    Directory(PathBuf),
    /// A device, pipe or socket stands there: never replaced.
    #[error("{0:?} is no regular file")]
    NotAFile(PathBuf),
    /// The file or stream cannot be written.
    #[error("{path:?} cannot be written: {error}")]
    Target {
        /// The file, or `-`.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The download of a large file broke off. What has arrived is kept, with its journal: the same
    /// download goes on from there.
    #[error(transparent)]
    BrokenOff(Box<GetError>),
    /// Interrupted on request; nothing was left behind.
    #[error("interrupted")]
    Stopped,
}

fn not_master(key: Option<Fingerprint>) -> String {
    match key {
        Some(key) => format!("under the direct key {key}, which others may hold"),
        None => "plaintext".to_owned(),
    }
}

impl GetError {
    /// True if the same download may well succeed later: the gateway was not reached, is out of
    /// order, or sent too little.
    pub fn may_pass_later(&self) -> bool {
        match self {
            GetError::Call(error) => error.may_pass_later(),
            GetError::Truncated(_) | GetError::BrokenOff(_) => true,
            _ => false,
        }
    }
}

impl Client {
    /// Downloads an object to a file. The file appears whole and verified, or not at all.
    pub async fn get_file(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        target: &Path,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let target = Target::of(target)?;
        clear(&target.directory);
        self.get_target(keys, name, &target, options, watch).await
    }

    /// Downloads an object to a name in a directory that is held open.
    pub(crate) async fn get_target(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        target: &Target,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        target.may_take(options.replace)?;
        let work = self.to_file(keys, name, target, options, watch);
        watch.unless_stopped(work).await.ok_or(GetError::Stopped)?
    }

    /// Downloads an object to a stream, in order.
    ///
    /// The content is verified when all of it has gone by: what was written before an error must
    /// not be trusted.
    pub async fn get_stream(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let located = self.located(keys, name, options).await?;
        self.stream_located(name, &located, writer, options, watch).await
    }

    /// Downloads an object that was located before. Its state is not judged here.
    pub(crate) async fn stream_located(
        &self,
        name: &ObjectName,
        located: &Located,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let wanted = self.want(name, located, options).await?;
        watch.to_come(wanted.size);
        let work = stream::download(wanted, writer, options, watch);
        watch.unless_stopped(work).await.ok_or(GetError::Stopped)?
    }

    /// Reads an object to its end and compares it with its record. Delivers nothing.
    pub async fn verify(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let options = GetOptions { prove_encrypted: true, ..options.clone() };
        self.get_stream(keys, name, &mut tokio::io::sink(), &options, watch).await
    }

    /// Reads an object that was located before to its end: size and digest of what is there.
    pub(crate) async fn digest(
        &self,
        name: &ObjectName,
        located: &Located,
        watch: &Watch,
    ) -> Result<(u64, ContentDigest), GetError> {
        let options = &GetOptions::default();
        let wanted = self.want(name, located, options).await?;
        watch.to_come(wanted.size);
        let work = stream::digest(wanted, options, watch);
        let digest = watch.unless_stopped(work).await.ok_or(GetError::Stopped)??;
        digest.ok_or_else(|| GetError::Truncated(name.clone()))
    }

    /// A get is not atomic with its record: when the gateway says that the key is another one, the
    /// object may have been overwritten in between, so the record is read once more.
    async fn to_file(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        target: &Target,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let first = self.located(keys, name, options).await?;
        match self.file_once(name, &first, target, options, watch).await {
            Err(GetError::OtherKey(_)) => {}
            done => return done,
        }
        let second = self.located(keys, name, options).await?;
        let md5 = |located: &Located| located.headers.as_ref().map(|headers| headers.key_md5());
        if md5(&first) == md5(&second) {
            return Err(GetError::OtherKey(name.clone()));
        }
        self.file_once(name, &second, target, options, watch).await
    }

    async fn file_once(
        &self,
        name: &ObjectName,
        located: &Located,
        target: &Target,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Received, GetError> {
        let wanted = self.want(name, located, options).await?;
        watch.to_come(wanted.size);
        file::download(&wanted, target, options, watch).await
    }

    /// Finds the key, and refuses what may not be delivered before a byte of it is read.
    pub(crate) async fn located(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &GetOptions,
    ) -> Result<Located, GetError> {
        let located = self.locate(keys, name, &options.read).await?;
        // A digest that matches needs no more than the echo: the content is ours.
        let said_to_be = located.headers.is_some();
        if said_to_be && (options.prove_encrypted || located.content.is_none()) {
            self.refused_without_key(name, &options.read).await?;
        }
        let anything = options.trusted == Trusted::Anything;
        match located.state {
            ObjectState::Pending if !anything => {
                let broken = "not complete: it came by a link, or its upload broke off";
                Err(GetError::Undescribed(name.clone(), broken))
            }
            ObjectState::Stripped if !anything => Err(GetError::Undescribed(name.clone(), "gone")),
            ObjectState::Foreign | ObjectState::Plain if options.trusted.needs_digest() => {
                Err(GetError::NoDigest(name.clone()))
            }
            _ => match located.evidence() {
                Some(evidence)
                    if options.trusted == Trusted::OnlySource
                        && evidence.provenance != Provenance::Source =>
                {
                    Err(GetError::Accepted { name: name.clone(), evidence })
                }
                _ => Ok(located),
            },
        }
    }

    /// Settles size and ETag, so that every range comes from one and the same object.
    pub(crate) async fn want(
        &self,
        name: &ObjectName,
        located: &Located,
        options: &GetOptions,
    ) -> Result<Wanted, GetError> {
        let version = options.read.version.clone();
        let fetch = Fetch {
            client: self.clone(),
            name: name.clone(),
            version,
            headers: located.headers.clone(),
        };
        let pinned = match (&located.head, &located.headers, located.content) {
            // Small and known: one request brings it all.
            (None, _, Some(known)) if known.size <= fetch::SPAN => None,
            (Some(head), _, _) => Some((head.size, head.etag.clone())),
            (None, Some(headers), _) => {
                let head = self.head(name, fetch.version.as_deref(), headers).await;
                let head = match head {
                    Ok(head) => head,
                    Err(error) => return Err(fetch.explain(error).await),
                };
                let _ = crate::locate::proved(name, headers, &head)?;
                Some((head.size, head.etag))
            }
            (None, None, _) => return Err(GetError::NotFound(name.clone())),
        };
        let recorded = located.content.map(|known| known.size);
        let size = pinned.as_ref().map(|(size, _)| *size).or(recorded).unwrap_or_default();
        if recorded.is_some_and(|recorded| recorded != size) {
            return Err(GetError::Damaged(name.clone()));
        }
        Ok(Wanted {
            fetch,
            size,
            etag: pinned.map(|(_, etag)| etag),
            key: located.key.zip(located.kind),
            evidence: located.evidence(),
            content_key: located.content_key.clone(),
            digest: located.content.map(|known| known.digest),
        })
    }
}
