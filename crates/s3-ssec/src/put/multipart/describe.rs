//! The end of a multipart upload: the proof that its object is there, then its record.
//!
//! Tags have no condition, and without a version ID they go to whatever is newest. So the object is
//! proved to be ours before they are written and again afterwards, and what was there is kept.

use super::{Completed, Transferred, Upload, Writing, joined_etag};
use crate::call::{Broken, CallError};
use crate::client::Head;
use crate::ledger::Noted;
use crate::removal::{Removable, Written};
use crate::write::{PutError, Uploaded};
use s3_ssec_core::echo::{EchoVerified, verify_by_heads, verify_echo};
use s3_ssec_core::record::{Content, TAG_KEY};
use s3_ssec_core::removal::{Remains, TrustedVersion};

type Tags = Vec<(String, String)>;

/// How often a record is written that another writer replaces.
const ATTEMPTS: usize = 3;

/// Proves that the object is the one of this upload, and writes its record.
pub(super) async fn describe(
    writing: &Writing<'_>,
    upload: &Upload,
    transferred: Transferred,
    completed: Completed,
    noted: Noted,
) -> Result<Uploaded, PutError> {
    let Transferred { parts, size, digest, continued } = transferred;
    let complete = writing.seal.record(writing.options.content(size, digest));
    let records = [complete.to_string(), writing.seal.record(Content::Pending).to_string()];
    let plain_etag = joined_etag(&parts);
    let written = writing.written(&records, &plain_etag);
    // The ID of a server without versions would be taken for that of a version.
    let version = match &completed.version_id {
        Some(id) => writing.client.trusted_version(writing.name(), id).await.unwrap_or_default(),
        None => None,
    };
    let version_id = version.as_ref().map(TrustedVersion::id);
    let (etag, proof) = upload.prove(&written, version_id, size).await?;
    let in_tag = write_record(writing, upload, version_id, &records).await?;
    let record = writing.client.settle(&writing.seal, &complete, noted, in_tag).await?;
    Ok(Uploaded {
        name: writing.name().clone(),
        version_id: completed.version_id,
        size,
        etag,
        key: writing.seal.key().fingerprint(),
        nonce: writing.seal.nonce(),
        record,
        continued,
        proof,
    })
}

/// The object of a Complete that was carried out although its answer does not say so; an error if it may
/// be there in plaintext.
pub(super) async fn completed_unheard(
    writing: &Writing<'_>,
    transferred: &Transferred,
    error: &CallError,
) -> Result<Option<Completed>, PutError> {
    let may_be_done = match error {
        // S3 may answer 200 first and fail afterwards.
        CallError::Refused(refusal) => refusal.status == 404 || !error.is_refusal(),
        CallError::Broken(broken) => matches!(broken, Broken::Answer(_) | Broken::Connection(_)),
    };
    if !may_be_done {
        return Ok(None);
    }
    let records = [writing.seal.record(Content::Pending).to_string()];
    let plain_etag = joined_etag(&transferred.parts);
    let written = writing.written(&records, &plain_etag);
    let Ok(found) = writing.client.find_written(&written).await else { return Ok(None) };
    match (found.remains, &found.head) {
        (Remains::OursEncrypted, Some(head)) if head.size == transferred.size => {
            Ok(Some(Completed { version_id: head.version_id.clone() }))
        }
        (Remains::NotOurs | Remains::OursEncrypted, _) => Ok(None),
        _ => Err(writing.client.not_proved(&written, &found).await),
    }
}

/// Merges the record into the tags of the object, and reads it back. True if it is there.
async fn write_record(
    writing: &Writing<'_>,
    upload: &Upload,
    version: Option<&str>,
    records: &[String],
) -> Result<bool, PutError> {
    let (client, name) = (writing.client, writing.name());
    for _ in 0..ATTEMPTS {
        let before = match client.tags(name, version).await {
            Ok(tags) => tags,
            Err(error) if matches!(error.status(), Some(403 | 501)) => Tags::new(),
            Err(error) => return Err(error.into()),
        };
        // The record of another writer: of one who has replaced the object, or of the object that
        // this one has replaced.
        let foreign = before.iter().any(|(key, value)| key == TAG_KEY && !records.contains(value));
        if foreign {
            upload.is_still_ours(version).await?;
        }
        match client.put_tags(name, version, &merged(writing, &records[0], &before)).await {
            Ok(()) => {}
            Err(error) if matches!(error.status(), Some(403 | 501)) => break,
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = upload.is_still_ours(version).await {
            if let PutError::Overwritten(_) = error {
                put_back(writing, version, records, before).await;
            }
            return Err(error);
        }
        match client.tags(name, version).await {
            Ok(tags) if tags.contains(&(TAG_KEY.to_owned(), records[0].clone())) => {
                return Ok(true);
            }
            Ok(_) => {}
            // Whoever may write tags and not read them cannot check this.
            Err(_) => break,
        }
    }
    Ok(false)
}

fn merged(writing: &Writing<'_>, record: &str, before: &[(String, String)]) -> Tags {
    let mut tags = vec![(TAG_KEY.to_owned(), record.to_owned())];
    tags.extend(writing.options.tags.iter().cloned());
    let others = before.iter().filter(|(key, _)| !tags.iter().any(|(ours, _)| ours == key));
    let others: Tags = others.cloned().collect();
    tags.extend(others);
    tags
}

/// The tags went to another writer's object: what was there before returns, without our record.
async fn put_back(
    writing: &Writing<'_>,
    version: Option<&str>,
    records: &[String],
    mut before: Tags,
) {
    before.retain(|(_, value)| !records.contains(value));
    if let Err(error) = writing.client.put_tags(writing.name(), version, &before).await {
        tracing::warn!("the tags of {} could not be put back: {error}", writing.name());
    }
}

impl Upload {
    /// HEAD with the key of this upload. An object that it does not open is another writer's.
    async fn head_ours(&self, version: Option<&str>) -> Result<Head, PutError> {
        let head = self.client.head_if_opened(&self.name, version, &self.headers).await?;
        head.ok_or_else(|| PutError::Overwritten(self.name.clone()))
    }

    /// Looks whether the proved object is still there. Another writer's plaintext is answered under any
    /// key, and has no echo.
    async fn is_still_ours(&self, version: Option<&str>) -> Result<(), PutError> {
        let head = self.head_ours(version).await?;
        match verify_echo(self.headers.key_md5(), &head.echo) {
            Ok(_) => Ok(()),
            Err(_) => Err(PutError::Overwritten(self.name.clone())),
        }
    }

    /// Proves a completed upload by HEAD with the key and HEAD without it. Gives the ETag too: RGW
    /// 16 leaves it out of the answer to Complete.
    async fn prove(
        &self,
        written: &Written<'_>,
        version: Option<&str>,
        size: u64,
    ) -> Result<(String, EchoVerified), PutError> {
        let with_key = self.head_ours(version).await?;
        let without_key = self.client.head_without_key(&self.name, version).await?.evidence();
        match verify_by_heads(self.headers.key_md5(), &with_key.echo, without_key) {
            Ok(_) if with_key.size != size => Err(PutError::Overwritten(self.name.clone())),
            Ok(proof) => Ok((with_key.etag, proof)),
            Err(error) => {
                let plain = Removable::Plaintext;
                let leftover = self.client.remove_written(written, version, plain).await;
                Err(PutError::NotProved { name: self.name.clone(), error, leftover })
            }
        }
    }
}
