//! Repair: finishes what broke off, and finds nonces that were lost.
//!
//! * uploads named in our own journals are aborted, other half-done uploads are listed;
//! * pending records are completed from what this machine noted before it completed their uploads; on
//!   request from the user's own file, or from what the gateway holds, which is then accepted;
//! * a lost nonce of a named object is searched for, on request only: the search shows the gateway
//!   candidate keys.

mod complete;
mod search;
mod write;

pub use complete::Against;
pub use search::{SearchOptions, Searched};

use crate::call::CallError;
use crate::client::Client;
use crate::get::GetError;
use crate::list::ObjectPages;
use crate::put::broken_off;
use crate::uploads::{HalfDone, UploadPages};
use crate::watch::Watch;
use complete::Repair;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{NameError, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::record::Record;
use std::io;
use std::path::PathBuf;

/// How to repair.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RepairOptions {
    /// Incomplete uploads that are not ours are aborted if they began before, in seconds since 1970.
    pub abort_before: Option<i64>,
    /// Complete records also from the content that the gateway holds. They count as accepted from then
    /// on, not as verified.
    pub accept_content: bool,
}

/// What a repair did.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Repaired {
    /// Uploads of our own journals, aborted.
    pub own_uploads: Vec<HalfDone>,
    /// Other half-done uploads.
    pub other_uploads: Vec<HalfDone>,
    /// Objects whose record was completed from what this machine had noted.
    pub completed: Vec<String>,
    /// Objects whose content was accepted as it is.
    pub accepted: Vec<String>,
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
    /// The record is pending or gone, and this machine noted no digest of the content.
    #[error("the record of {0} cannot be completed: this machine has no note of its content")]
    NoEvidence(ObjectName),
    /// The user's file and the object are not the same.
    #[error("{0} and the file {1:?} have different contents")]
    Differs(ObjectName, PathBuf),
    /// The user's file cannot be read.
    #[error("{path:?} cannot be read: {error}")]
    Source {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// What this machine remembers could not be written.
    #[error("the ledger cannot be written: {0}")]
    State(io::Error),
    /// A key that is no object key of S3.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Client {
    /// Repairs what `place` holds: an object, or what is below its path.
    pub async fn repair(
        &self,
        keys: &Keyring,
        place: &S3Address,
        options: &RepairOptions,
        watch: &Watch,
    ) -> Result<Repaired, RepairError> {
        let mut repaired = Repaired::default();
        self.finish_own(keys, place, &mut repaired).await?;
        self.clear_trials(&place.bucket).await;
        self.other_uploads(place, options.abort_before, &mut repaired).await?;
        let mut pages = ObjectPages::new(self, place);
        while let Some(page) = pages.next().await? {
            for (key, _) in page {
                if watch.is_stopped() {
                    return Ok(repaired);
                }
                if !place.holds(&key) {
                    continue;
                }
                match self.repair_one(keys, place, &key, options, watch).await {
                    Ok(Repair::NotNeeded) => {}
                    Ok(Repair::Completed) => repaired.completed.push(key),
                    Ok(Repair::Accepted) => repaired.accepted.push(key),
                    Err(error) => repaired.failed.push((key, error)),
                }
            }
        }
        Ok(repaired)
    }

    /// Aborts the uploads that our journals name, or completes the records of those that were completed,
    /// and forgets the journals.
    async fn finish_own(
        &self,
        keys: &Keyring,
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
                // If it was completed all the same, its record is in the ledger too.
                let aborted = self.abort_upload(place, &object.path, &upload_id).await?;
                let (key, initiated) = (object.path, None);
                let record = journal.record.and_then(|record| Record::parse(&record).ok());
                if let Some(record) = record {
                    let name = ObjectName::new(place.bucket.clone(), ObjectKey::parse(&key)?);
                    match self.complete_from_journal(keys, &name, &record).await {
                        Ok(true) => repaired.completed.push(key.clone()),
                        Ok(false) => {}
                        // The journal is the only evidence: it stays.
                        Err(error) => {
                            repaired.failed.push((key, error));
                            continue;
                        }
                    }
                }
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
        let mut pages = UploadPages::new(self, place);
        while let Some(uploads) = pages.next().await? {
            for mut upload in uploads {
                let began = upload.initiated.zip(abort_before);
                if began.is_some_and(|(began, limit)| began < limit) {
                    let (key, id) = (&upload.key, &upload.upload_id);
                    upload.aborted = self.abort_upload(place, key, id).await?;
                }
                repaired.other_uploads.push(upload);
            }
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
}
