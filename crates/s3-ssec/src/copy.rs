//! Copies: the new name gets a key of its own.
//!
//! The gateway copies where a trial showed that it encrypts copies under the new key (RGW from 20.2.4), and
//! its copy is read back and compared; everywhere else the content goes through this machine: earlier
//! releases answer 501 to a source under a customer key, and store a plain source as plaintext
//! (measured).

mod server;
mod stream;
mod trial;

use crate::client::{Client, Head};
use crate::get::{GetError, GetOptions};
use crate::locate::{Located, ObjectState, ReadOptions};
use crate::nonce::unix_now;
use crate::watch::Watch;
use crate::write::{Kept, Leftover, PutError, PutOptions, Uploaded};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Key;
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{KnownContent, Provenance, TAG_KEY};
pub(crate) use server::{LARGEST, Request as CopyRequest, send as send_copy};
use std::sync::Arc;
pub(crate) use trial::CopyTrials;

/// How to copy an object.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CopyOptions {
    /// The source. Plaintext is encrypted only where [`ReadOptions::accept_plain`] is set.
    pub read: ReadOptions,
    /// Copy also an encrypted object whose content nothing describes: its record is pending or gone,
    /// or another tool wrote it. The copy counts as accepted, not as verified.
    pub accept_content: bool,
}

/// A copy did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// Nothing describes the content of the source, and it was not to be accepted as it is.
    #[error("{0} cannot be verified: {1}")]
    Unverified(ObjectName, &'static str),
    /// The gateway's copy is not the same as its source.
    #[error("{name}, a copy by the gateway, is not the same as its source{}", left(*.leftover))]
    Garbled {
        /// The copy.
        name: ObjectName,
        /// The remains of it.
        leftover: Leftover,
    },
    /// The source could not be read, or is not what was uploaded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The target could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
}

fn left(leftover: Leftover) -> &'static str {
    match leftover {
        Leftover::Nothing => "; nothing of it is left",
        Leftover::Arrived => "; it is still there under its key, and could not be removed",
        _ => "; it may still be there",
    }
}

/// Who moved the bytes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopiedBy {
    /// The gateway.
    Gateway,
    /// This machine.
    ThisMachine,
}

/// An object that was copied, and proved to be encrypted under its own customer key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied {
    /// The new object.
    pub uploaded: Uploaded,
    /// Who moved the bytes.
    pub by: CopiedBy,
    /// Where the digest of the copy comes from.
    pub provenance: Provenance,
}

/// What is copied, and what goes with it.
struct Source<'a> {
    name: &'a ObjectName,
    located: Located,
    head: Head,
    put: PutOptions,
    /// Of the copy.
    provenance: Provenance,
}

impl Client {
    /// Copies an object under a fresh key of the writer in `keys`. Metadata, content headers and
    /// tags go with it. A content that its record describes is verified; anything else is copied on
    /// request alone.
    pub async fn copy(
        &self,
        keys: &Keyring,
        from: &ObjectName,
        to: &ObjectName,
        options: &CopyOptions,
        watch: &Watch,
    ) -> Result<Copied, CopyError> {
        let source = self.copy_source(keys, from, options).await?;
        let provenance = source.provenance;
        if server::fits(&source, keys) {
            let copied = server::copy(self, keys, &source, to, options, watch).await?;
            if let Some(uploaded) = copied {
                watch.moved(uploaded.size);
                return Ok(Copied { uploaded, by: CopiedBy::Gateway, provenance });
            }
        }
        let uploaded = stream::copy(self, keys, &source, to, options, watch).await?;
        Ok(Copied { uploaded, by: CopiedBy::ThisMachine, provenance })
    }

    /// What of the source goes with the copy.
    async fn copy_source<'a>(
        &self,
        keys: &Keyring,
        name: &'a ObjectName,
        options: &CopyOptions,
    ) -> Result<Source<'a>, CopyError> {
        let (mut located, head, tags) = self.inspect(keys, name, &options.read).await?;
        // What is read is what this HEAD saw.
        located.head = Some(head.clone());
        if located.headers.is_some() && located.content.is_none() {
            self.refused_without_key(name, &options.read).await?;
        }
        if let (Some(why), false) = (undescribed(located.state), options.accept_content) {
            return Err(CopyError::Unverified(name.clone(), why));
        }
        let provenance = provenance_of_copy(&located, keys);
        let kept = Kept { provenance: Some(provenance), ..Kept::default() };
        let put = PutOptions {
            kept,
            headers: head.headers.clone(),
            metadata: head.metadata.clone().into_iter().collect(),
            tags: tags.unwrap_or_default().into_iter().filter(|(key, _)| key != TAG_KEY).collect(),
            ..PutOptions::default()
        };
        Ok(Source { name, located, head, put, provenance })
    }
}

impl Client {
    /// Reads an object that the gateway just copied and compares it with the content that its record
    /// describes. False if it is another one.
    pub(crate) async fn reads_back(
        &self,
        seal: &Seal<'_>,
        version: Option<&str>,
        content: KnownContent,
    ) -> Result<bool, GetError> {
        let key = seal.key();
        let located = Located {
            state: ObjectState::Described,
            key: Some(key.fingerprint()),
            kind: Some(key.kind()),
            headers: Some(Arc::new(TargetKeyHeaders::of(&seal.customer_key()))),
            content_key: Some(Arc::new(key.content_key())),
            content: Some(content),
            head: None,
            noted: None,
        };
        let read = ReadOptions { version: version.map(str::to_owned), ..ReadOptions::default() };
        let options = GetOptions { read, ..GetOptions::default() };
        let (mut sink, silent) = (tokio::io::sink(), Watch::default());
        let read = self.stream_located(seal.name(), &located, &mut sink, &options, &silent);
        match Box::pin(read).await {
            Ok(_) => Ok(true),
            Err(GetError::Damaged(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Why an encrypted object cannot be verified; `None` where it can. (Plaintext is refused where it is
/// located.)
fn undescribed(state: ObjectState) -> Option<&'static str> {
    match state {
        ObjectState::Described | ObjectState::Plain => None,
        ObjectState::Pending => Some("its record was never completed"),
        ObjectState::Stripped => Some("its record is gone"),
        ObjectState::Foreign => Some("another tool wrote it, without a digest"),
    }
}

/// The provenance of a copy under the writing key that is made now: no copy raises that of its source.
pub(crate) fn provenance_of_copy(source: &Located, keys: &Keyring) -> Provenance {
    let now = u32::try_from(unix_now()).unwrap_or(u32::MAX);
    let from = keys.keys().iter().find(|key| Some(key.fingerprint()) == source.key);
    match (source.content, from.map(Key::kind)) {
        (Some(known), Some(from)) => known.provenance.of_copy(from, keys.writer().kind(), now),
        _ => Provenance::Accepted { since: now },
    }
}
