//! Where an examination takes place, and how nothing of it stays.
//!
//! Objects lie below a random prefix of the bucket, settings are tried in a scratch bucket with a
//! random name. A note on disk names both while it runs, so that the next run removes what one that
//! was killed left behind.

use super::{DoctorError, ProbeError};
use crate::call::CallError;
use crate::client::Client;
use crate::list::{ListingOf, ListingPages};
use crate::state::JournalFile;
use crate::trial::TRIAL_PREFIX;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::key::random_bytes;
use s3_ssec_core::listing::EntryKind;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use serde_json::{Value, json};

/// Where the notes are, under the state directory.
const DIRECTORY: &str = "examinations";
/// Start of the name of every scratch bucket.
const BUCKET_PREFIX: &str = "s3-ssec-trial-";
/// A prefix below which nothing is.
pub(super) const NOWHERE: &str = ".s3-ssec-trial-nowhere/";

/// A prefix and a bucket that nobody else uses.
pub(crate) struct ScratchPlace {
    pub(super) bucket: BucketName,
    prefix: String,
    /// Made when first needed; its name is known before, for the note.
    pub(crate) own: BucketName,
}

impl ScratchPlace {
    pub(crate) fn new(bucket: &BucketName) -> Result<Self, DoctorError> {
        let random = base16ct::lower::encode_string(&random_bytes::<8>()?);
        let own = BucketName::parse(&format!("{BUCKET_PREFIX}{random}"))?;
        Ok(Self { bucket: bucket.clone(), prefix: format!("{TRIAL_PREFIX}{random}/"), own })
    }

    /// The place of a note, if its names are of the kind that only examinations make.
    fn noted(note: &Value) -> Option<Self> {
        let text = |name: &str| note[name].as_str();
        let (bucket, own) = (BucketName::parse(text("bucket")?), BucketName::parse(text("own")?));
        let prefix = text("prefix")?.to_owned();
        let (bucket, own) = (bucket.ok()?, own.ok()?);
        let ours = own.as_str().starts_with(BUCKET_PREFIX)
            && prefix.starts_with(TRIAL_PREFIX)
            && prefix.len() > TRIAL_PREFIX.len() + 1
            && prefix.ends_with('/');
        ours.then_some(Self { bucket, prefix, own })
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn object(&self, key: &str) -> Result<ObjectName, ProbeError> {
        let key = ObjectKey::parse(&format!("{}{key}", self.prefix))?;
        Ok(ObjectName::new(self.bucket.clone(), key))
    }

    /// Removes everything, in all versions. Names what could not be removed.
    pub(crate) async fn clear(&self, client: &Client) -> Vec<String> {
        let mut left = Vec::new();
        if let Err(error) = client.clear_below(&self.bucket, &self.prefix).await {
            tracing::warn!("s3://{}/{} may be left: {error}", self.bucket, self.prefix);
            left.push(format!("s3://{}/{}", self.bucket, self.prefix));
        }
        if let Err(error) = self.clear_own(client).await {
            tracing::warn!("s3://{} may be left: {error}", self.own);
            left.push(format!("s3://{}", self.own));
        }
        left
    }

    /// Removes the scratch bucket and what is in it.
    pub(crate) async fn clear_own(&self, client: &Client) -> Result<(), CallError> {
        match client.clear_below(&self.own, "").await {
            Err(error) if error.cause() == Some(Cause::NoSuchBucket) => return Ok(()),
            done => done?,
        }
        let delete = client.s3.delete_bucket().bucket(self.own.as_str()).send().await;
        delete.map(drop).map_err(client.explain(Operation::DeleteBucket, SentKey::None))
    }
}

impl Client {
    /// Notes an examination, safely on disk when this returns.
    pub(crate) fn note_examination(&self, place: &ScratchPlace) -> Option<JournalFile> {
        let state = self.state.as_ref()?;
        let endpoint = self.endpoint().as_str();
        let (mut file, _) = state.journal(DIRECTORY, &[endpoint, place.prefix()]).ok()?;
        let line = json!({
            "endpoint": endpoint,
            "bucket": place.bucket.as_str(),
            "prefix": place.prefix,
            "own": place.own.as_str(),
        });
        file.append(&format!("{line}\n")).ok()?;
        Some(file)
    }

    /// Removes what examinations left that nobody makes any more.
    pub(crate) async fn clear_examinations(&self, bucket: &BucketName) {
        let Some(state) = &self.state else { return };
        for (file, text) in state.journals(DIRECTORY) {
            let note: Value = serde_json::from_str(text.trim_end()).unwrap_or_default();
            let Some(place) = ScratchPlace::noted(&note) else {
                // Cut short: nothing was sent before the note was whole.
                file.remove();
                continue;
            };
            let here = note["endpoint"] == self.endpoint().as_str() && place.bucket == *bucket;
            if here && place.clear(self).await.is_empty() {
                file.remove();
            }
        }
    }

    /// Removes uploads and objects below a prefix, in all versions.
    pub(crate) async fn clear_below(
        &self,
        bucket: &BucketName,
        prefix: &str,
    ) -> Result<(), CallError> {
        let pages = |of| ListingPages::new(self, of, bucket, prefix);
        for upload in pages(ListingOf::Uploads).all().await? {
            let abort = self.s3.abort_multipart_upload().bucket(bucket.as_str()).key(upload.key);
            let abort = abort.upload_id(upload.id.unwrap_or_default()).send().await;
            abort.map_err(self.explain(Operation::AbortMultipartUpload, SentKey::None))?;
        }
        // A second round for buckets whose versioning is suspended: there the first leaves markers.
        for _ in 0..2 {
            for version in pages(ListingOf::Versions).all().await? {
                let is_marker = version.kind == EntryKind::DeleteMarker;
                let id = version.id.filter(|id| is_marker || id != "null");
                self.delete_named(bucket, &version.key, id.as_deref()).await?;
            }
        }
        Ok(())
    }

    async fn delete_named(
        &self,
        bucket: &BucketName,
        key: &str,
        version: Option<&str>,
    ) -> Result<(), CallError> {
        match ObjectKey::parse(key) {
            Ok(key) => self.delete_scratch(&ObjectName::new(bucket.clone(), key), version).await,
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_examinations_are_taken_from_notes() {
        let place = ScratchPlace::new(&BucketName::parse("bucket").unwrap()).unwrap();
        let note = |bucket: &str, prefix: &str, own: &str| json!({ "bucket": bucket, "prefix": prefix, "own": own });
        let good = note("bucket", place.prefix(), place.own.as_str());
        assert!(ScratchPlace::noted(&good).is_some());
        for (prefix, own) in [
            ("", place.own.as_str()),
            ("data/", place.own.as_str()),
            (TRIAL_PREFIX, place.own.as_str()),
            (place.prefix(), "bucket"),
        ] {
            assert!(ScratchPlace::noted(&note("bucket", prefix, own)).is_none(), "{prefix} {own}");
        }
        assert!(ScratchPlace::noted(&Value::Null).is_none());
    }
}
