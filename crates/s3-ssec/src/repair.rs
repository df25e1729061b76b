//! Repair: finishes what broke off, and finds nonces that were lost.
//!
//! * uploads named in our own journals are aborted, other half-done uploads are listed;
//! * objects whose record is pending are read, and their record completed;
//! * a lost nonce of a named object is searched for, on request only: the search shows the gateway
//!   candidate keys.

mod search;

pub use search::{SearchOptions, Searched};

use crate::call::CallError;
use crate::client::Client;
use crate::get::GetError;
use crate::locate::{ObjectState, ReadOptions, record_in};
use crate::put::broken_off;
use crate::tree::Pages;
use crate::watch::Watch;
use crate::{GetOptions, Trusted};
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{NameError, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::record::{Content, Record, TAG_KEY};
use std::io;

/// A half-done upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HalfDone {
    /// The object it would have become.
    pub key: String,
    /// Its upload ID.
    pub upload_id: String,
    /// When it began, in seconds since 1970.
    pub initiated: Option<i64>,
    /// True if it was aborted now.
    pub aborted: bool,
}

/// What a repair did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Repaired {
    /// Uploads of our own journals, aborted.
    pub own_uploads: Vec<HalfDone>,
    /// Other half-done uploads.
    pub other_uploads: Vec<HalfDone>,
    /// Objects whose record was completed.
    pub completed: Vec<String>,
    /// Objects that could not be repaired, and why.
    pub failed: Vec<(String, RepairError)>,
}

/// An object could not be repaired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The object cannot be read.
    #[error(transparent)]
    Get(#[from] GetError),
    /// What this machine remembers could not be written.
    #[error("the ledger cannot be written: {0}")]
    State(io::Error),
    /// A key that is no object key of S3.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Client {
    /// Repairs what `place` holds: an object, or what is below its path.
    ///
    /// Half-done uploads that are not ours are aborted only if they began before `abort_before`
    /// (seconds since 1970).
    pub async fn repair(
        &self,
        keys: &Keyring,
        place: &S3Address,
        abort_before: Option<i64>,
        watch: &Watch,
    ) -> Result<Repaired, RepairError> {
        let mut repaired = Repaired::default();
        self.abort_own(place, &mut repaired).await?;
        self.clear_trials(&place.bucket).await;
        self.other_uploads(place, abort_before, &mut repaired).await?;
        let mut pages = Pages::new(self, place);
        while let Some(page) = pages.next().await? {
            for (key, _) in page {
                if watch.is_stopped() {
                    return Ok(repaired);
                }
                if !place.holds(&key) {
                    continue;
                }
                match self.complete_record(keys, place, &key, watch).await {
                    Ok(true) => repaired.completed.push(key),
                    Ok(false) => {}
                    Err(error) => repaired.failed.push((key, error)),
                }
            }
        }
        Ok(repaired)
    }

    /// Aborts the uploads that our journals name, and forgets the journals.
    async fn abort_own(
        &self,
        place: &S3Address,
        repaired: &mut Repaired,
    ) -> Result<(), RepairError> {
        let Some(state) = &self.state else { return Ok(()) };
        for (file, journal) in broken_off(state) {
            let begun = &journal.begun;
            let Ok(object) = S3Address::parse(&begun.object) else { continue };
            let here = object.bucket == place.bucket && place.holds(&object.path);
            if begun.endpoint != self.endpoint().as_str() || !here {
                continue;
            }
            if let Some(upload_id) = journal.upload_id {
                // It may have been completed: then the nonce is nowhere else on RGW 16 and 18.
                let nonce = (Fingerprint::parse(&begun.key), Nonce::parse(&begun.nonce));
                if let (true, (Some(key), Some(nonce))) = (journal.completing, nonce) {
                    let name = ObjectName::new(object.bucket, ObjectKey::parse(&object.path)?);
                    let noted = state.note(&begun.endpoint, &name, key, nonce);
                    noted.map_err(RepairError::State)?;
                }
                let aborted = self.abort_upload(place, &object.path, &upload_id).await?;
                let (key, initiated) = (object.path, None);
                repaired.own_uploads.push(HalfDone { key, upload_id, initiated, aborted });
            }
            file.remove();
        }
        Ok(())
    }

    async fn other_uploads(
        &self,
        place: &S3Address,
        abort_before: Option<i64>,
        repaired: &mut Repaired,
    ) -> Result<(), RepairError> {
        let mut next = Some((None, None));
        while let Some(mark) = next {
            let (uploads, more) = self.uploads_page(place, mark).await?;
            for mut upload in uploads {
                let began = upload.initiated.zip(abort_before);
                if began.is_some_and(|(began, limit)| began < limit) {
                    let (key, id) = (&upload.key, &upload.upload_id);
                    upload.aborted = self.abort_upload(place, key, id).await?;
                }
                repaired.other_uploads.push(upload);
            }
            next = more;
        }
        Ok(())
    }

    /// True if the upload is gone, also when it was gone before.
    async fn abort_upload(
        &self,
        place: &S3Address,
        key: &str,
        upload_id: &str,
    ) -> Result<bool, CallError> {
        let abort = self.s3.abort_multipart_upload().bucket(place.bucket.as_str()).key(key);
        let answer = abort.upload_id(upload_id).send().await;
        match answer.map_err(self.explain(Operation::AbortMultipartUpload, SentKey::None)) {
            Err(error) if error.cause() != Some(Cause::NoSuchUpload) => Err(error),
            _ => Ok(true),
        }
    }

    /// Completes the record of an object if it is ours and pending. From then on the content that is
    /// there now counts as what was uploaded: its upload was checked part by part by the gateway.
    async fn complete_record(
        &self,
        keys: &Keyring,
        place: &S3Address,
        key: &str,
        watch: &Watch,
    ) -> Result<bool, RepairError> {
        let name = ObjectName::new(place.bucket.clone(), ObjectKey::parse(key)?);
        let tags = self.tags(&name, None).await?;
        let nonce = match record_in(&tags) {
            Some(Ok(record)) if record.is_pending() => record.nonce(),
            Some(_) => return Ok(false),
            None => match self.noted_nonce(keys, &name).await? {
                Some(nonce) => nonce,
                None => return Ok(false),
            },
        };
        self.describe(keys, &name, nonce, watch).await?;
        Ok(true)
    }

    /// The nonce of an object without a record, if the ledger knows one that opens it.
    async fn noted_nonce(
        &self,
        keys: &Keyring,
        name: &ObjectName,
    ) -> Result<Option<Nonce>, RepairError> {
        let Some(state) = &self.state else { return Ok(None) };
        let noted = state.noted(self.endpoint().as_str(), name);
        if noted.is_empty() {
            return Ok(None);
        }
        let options = ReadOptions { accept_plain: true, ..ReadOptions::default() };
        let Ok(located) = self.locate(keys, name, &options).await else { return Ok(None) };
        let opens = located.key_headers().map(TargetKeyHeaders::key_md5);
        let fits = |(fingerprint, nonce): &(Fingerprint, Nonce)| {
            let key = keys.keys().iter().find(|key| key.fingerprint() == *fingerprint);
            key.is_some_and(|key| Some(key.customer_key(name, *nonce).md5()) == opens)
        };
        Ok(noted.into_iter().find(fits).map(|(_, nonce)| nonce))
    }

    /// Reads an object of ours and writes its complete record.
    pub(crate) async fn describe(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        nonce: Nonce,
        watch: &Watch,
    ) -> Result<(), RepairError> {
        let options = GetOptions { trusted: Trusted::Anything, ..GetOptions::default() };
        let located = self.locate(keys, name, &ReadOptions::default()).await?;
        let (ObjectState::Pending | ObjectState::Stripped, Some(fingerprint)) =
            (located.state, located.key)
        else {
            return Err(GetError::NoDigest(name.clone()).into());
        };
        let stat = self.stat(keys, name, &ReadOptions::default()).await?;
        let (size, digest) = self.digest(keys, name, &options, watch).await?;
        let Some(key) = keys.keys().iter().find(|key| key.fingerprint() == fingerprint) else {
            return Err(GetError::NoKeyFits(name.clone()).into());
        };
        let record = Record::write(key, name, nonce, Content::Known { size, digest });
        let mut tags = vec![(TAG_KEY.to_owned(), record.to_string())];
        tags.extend(stat.tags.unwrap_or_default());
        self.put_tags(name, stat.head.version_id.as_deref(), &tags).await?;
        // The tag may have landed on a newer object: our key must still open what is there.
        let after = self.stat(keys, name, &ReadOptions::default()).await?;
        match after.state == ObjectState::Described && after.head.etag == stat.head.etag {
            true => Ok(()),
            false => Err(GetError::Changed(name.clone()).into()),
        }
    }
}
