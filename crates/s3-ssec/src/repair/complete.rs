//! Completes records, each from the evidence that is at hand: what the writer noted, the user's own
//! file, or, on request, what the gateway holds.

use super::{RepairError, RepairOptions};
use crate::client::{Client, Head};
use crate::get::GetError;
use crate::ledger::LedgerEntry;
use crate::locate::{Located, ObjectState, ReadOptions, proved, record_in};
use crate::nonce::unix_now;
use crate::pipes::{LimitedFile, is_pipe};
use crate::watch::Watch;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::{ContentDigest, ContentHasher, ContentKey};
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Key;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};
use s3_ssec_core::record::{Content, Provenance, Record, RecordError, TAG_KEY};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

/// Bytes of a file that are hashed at once.
const CHUNK: usize = 1 << 20;

/// The result of a comparison with the user's own file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// They are the same, and the record says so now.
    Completed,
    /// They are the same, and the record said so before.
    AlreadyComplete,
}

/// The repair of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Its record is complete, or none of ours describes it.
    NotNeeded,
    /// Its record was completed with what its writer noted.
    Completed,
    /// Its content was accepted.
    Accepted,
}

/// Everything there is to know of an object before its record is written.
pub(super) struct Subject<'k> {
    pub(super) key: &'k Key,
    located: Located,
    pub(super) head: Head,
    pub(super) nonce: Nonce,
    pub(super) tags: Vec<(String, String)>,
}

impl Client {
    /// Completes the record of an object of ours with the content of the user's own file, as one of a
    /// source, if the gateway holds the same content.
    pub async fn repair_against(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        file: &Path,
        watch: &Watch,
    ) -> Result<Against, RepairError> {
        let subject = self.subject(keys, name).await?;
        let content_key = Arc::new(subject.key.content_key());
        let path = file.to_owned();
        let hashing = tokio::task::spawn_blocking(move || digest_of(&path, &content_key));
        let hashed = hashing.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let (size, digest) =
            hashed.map_err(|error| RepairError::Source { path: file.to_owned(), error })?;
        if self.digest(name, &subject.located, watch).await? != (size, digest) {
            return Err(RepairError::Differs(name.clone(), file.to_owned()));
        }
        let known = subject.located.content;
        if known.is_some_and(|known| known.provenance == Provenance::Source) {
            return Ok(Against::AlreadyComplete);
        }
        self.write_record(keys, name, &subject, Content::of_source(size, digest)).await?;
        Ok(Against::Completed)
    }

    /// Completes the record of one object of a place, if it is not complete.
    pub(super) async fn repair_one(
        &self,
        keys: &Keyring,
        place: &S3Address,
        key: &str,
        options: &RepairOptions,
        watch: &Watch,
    ) -> Result<Repair, RepairError> {
        let name = ObjectName::new(place.bucket.clone(), ObjectKey::parse(key)?);
        let tags = match self.tags(&name, None).await {
            Ok(tags) => Some(tags),
            Err(error) if error.status() == Some(404) => return Ok(Repair::NotNeeded),
            // A server without tags: its objects have their records in the ledger.
            Err(error) if error.status() == Some(501) => None,
            Err(error) => return Err(error.into()),
        };
        let noted = self.noted(&name);
        let found = record_in(tags.as_deref().unwrap_or_default());
        let is_known = |nonce| noted.iter().any(|record| record.nonce() == nonce);
        let is_strange = match &found {
            Some(Ok(record)) if record.is_pending() => false,
            _ if noted.is_empty() => return Ok(Repair::NotNeeded),
            Some(Err(RecordError::NewerFormat(_))) => return Ok(Repair::NotNeeded),
            Some(Ok(record)) if is_known(record.nonce()) => return Ok(Repair::NotNeeded),
            // Damaged, or of another version: what the ledger knows may fit.
            Some(_) => true,
            None => false,
        };
        for record in noted.iter().filter(|record| !record.is_pending()) {
            let same = match &found {
                Some(Ok(found)) if found.is_pending() => found.nonce() == record.nonce(),
                _ => true,
            };
            if same
                && keys.open(record, &name).is_ok()
                && let Some(done) = self.complete_from(keys, &name, record, tags.as_deref()).await?
            {
                return Ok(done);
            }
        }
        let is_foreign = found.is_none() && self.noted_nonce(keys, &name).await?.is_none();
        if is_strange || is_foreign {
            return Ok(Repair::NotNeeded);
        }
        let subject = self.subject(keys, &name).await?;
        if subject.located.state == ObjectState::Described {
            return Ok(Repair::NotNeeded);
        }
        if !options.accept_content {
            return Err(RepairError::NoEvidence(name));
        }
        let (size, digest) = self.digest(&name, &subject.located, watch).await?;
        let since = u32::try_from(unix_now()).unwrap_or(u32::MAX);
        self.write_record(keys, &name, &subject, Content::accepted(size, digest, since)).await?;
        Ok(Repair::Accepted)
    }

    /// Completes the record of an object with the one that a journal has. False if another object is
    /// there, or a record that needs no completion.
    pub(super) async fn complete_from_journal(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        record: &Record,
    ) -> Result<bool, RepairError> {
        let tags = match self.tags(name, None).await {
            Ok(tags) => tags,
            Err(error) if error.status() == Some(404) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        match record_in(&tags) {
            None => {}
            Some(Ok(found)) if found.is_pending() && found.nonce() == record.nonce() => {}
            Some(_) => return Ok(false),
        }
        Ok(self.complete_from(keys, name, record, Some(&tags)).await? == Some(Repair::Completed))
    }

    /// Completes the record of an object with one that its writer made before the object was complete.
    /// `tags` are those that the object has, where the server has any. `None` if another object is there.
    async fn complete_from(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        record: &Record,
        tags: Option<&[(String, String)]>,
    ) -> Result<Option<Repair>, RepairError> {
        let (_, opened) = keys.open(record, name).map_err(GetError::from)?;
        let Content::Known(known) = opened.content else { return Ok(None) };
        let headers = Arc::new(TargetKeyHeaders::of(&opened.customer_key));
        let Some(head) = self.head_if_opened(name, None, &headers).await? else {
            return Ok(None);
        };
        // Some servers echo any key, on plaintext objects too. Plaintext in the place of our object is for
        // an audit.
        match self.refused_without_key(name, &ReadOptions::default()).await {
            Ok(()) => {}
            Err(
                GetError::NotFound(_) | GetError::NotProved { error: EchoError::Plaintext, .. },
            ) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        let _ = proved(name, &headers, &head)?;
        if head.size != known.size {
            return Err(GetError::Damaged(name.clone()).into());
        }
        let Some(tags) = tags else {
            let is_noted = |entry: &LedgerEntry| entry.confirmed && entry.record == *record;
            if !self.noted_entries(name).iter().any(is_noted) {
                self.confirm(name, record, false).await;
            }
            return Ok(Some(Repair::NotNeeded));
        };
        let others = tags.iter().filter(|(tag, _)| tag != TAG_KEY).cloned().collect();
        self.put_record(keys, name, record, others, &head).await?;
        Ok(Some(Repair::Completed))
    }

    /// The nonce of an object without a record, if the ledger knows one that opens it.
    async fn noted_nonce(
        &self,
        keys: &Keyring,
        name: &ObjectName,
    ) -> Result<Option<Nonce>, RepairError> {
        if self.noted(name).is_empty() {
            return Ok(None);
        }
        let options = ReadOptions { accept_plain: true, ..ReadOptions::default() };
        let Ok(located) = self.locate(keys, name, &options).await else { return Ok(None) };
        Ok(located.noted.as_ref().map(Record::nonce))
    }

    /// An object of ours, opened. Objects that never had a record are not ours to describe.
    async fn subject<'k>(
        &self,
        keys: &'k Keyring,
        name: &ObjectName,
    ) -> Result<Subject<'k>, RepairError> {
        let (mut located, head, tags) = self.inspect(keys, name, &ReadOptions::default()).await?;
        let key = keys.keys().iter().find(|key| Some(key.fingerprint()) == located.key);
        let (Some(key), Some(headers)) = (key, &located.headers) else {
            return Err(GetError::NoKeyFits(name.clone()).into());
        };
        let _ = proved(name, headers, &head)?;
        // Before a byte is read or a tag written: some servers echo any key, on plaintext objects too.
        self.refused_without_key(name, &ReadOptions::default()).await?;
        if located.state == ObjectState::Foreign {
            return Err(GetError::NoDigest(name.clone()).into());
        }
        let mut tags = tags.unwrap_or_default();
        let nonce = match record_in(&tags).and_then(Result::ok) {
            Some(record) => Some(record.nonce()),
            None => self.noted_nonce(keys, name).await?,
        };
        let nonce = nonce.ok_or_else(|| GetError::NoKeyFits(name.clone()))?;
        tags.retain(|(tag, _)| tag != TAG_KEY);
        // What is read is what this HEAD saw.
        located.head = Some(head.clone());
        Ok(Subject { key, located, head, nonce, tags })
    }
}

/// Size and digest of a file.
fn digest_of(path: &Path, key: &ContentKey) -> io::Result<(u64, ContentDigest)> {
    let (mut file, mut hasher) = (LimitedFile::open(path)?, ContentHasher::new(key));
    let metadata = file.metadata()?;
    if !metadata.is_file() && !is_pipe(&metadata) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok((hasher.size(), hasher.finish())),
            read => hasher.update(&chunk[..read]),
        }
    }
}
