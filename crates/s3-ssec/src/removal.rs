//! Removal of objects: only what the evidence of [`s3_ssec_core::removal`] shows to be ours.

mod written;

pub(crate) use written::Written;

use crate::call::{Broken, CallError};
use crate::carry::{NoHands, carry};
use crate::client::Client;
use crate::trial::TRIAL_PREFIX;
use crate::watch::Watch;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::{BucketName, ObjectName};
use s3_ssec_core::removal::{BucketVersions, TrustedVersion};
use s3_ssec_core::transfer::bucket_versions;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Which buckets keep versions, as far as it was asked.
#[derive(Default)]
pub(crate) struct KnownVersions(Mutex<BTreeMap<String, BucketVersions>>);

impl Client {
    /// Deletes an object, or one version of it.
    pub async fn delete(
        &self,
        name: &ObjectName,
        version: Option<&TrustedVersion>,
    ) -> Result<(), CallError> {
        self.delete_by_id(name, version.map(TrustedVersion::id)).await
    }

    /// Deletes a scratch object by the version ID that its writer got, whatever that ID names: no
    /// one else uses such a name. Without effect on versions of other names.
    pub(crate) async fn delete_scratch(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<(), CallError> {
        let scratch_bucket = TRIAL_PREFIX.trim_start_matches('.');
        let is_scratch = name.bucket.as_str().starts_with(scratch_bucket)
            || name.key.as_str().split('/').any(|part| part.starts_with(TRIAL_PREFIX));
        self.delete_by_id(name, version.filter(|_| is_scratch)).await
    }

    async fn delete_by_id(&self, name: &ObjectName, id: Option<&str>) -> Result<(), CallError> {
        let delete = self.s3.delete_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let answer = delete.set_version_id(id.map(str::to_owned)).send().await;
        answer.map(drop).map_err(self.explain(Operation::DeleteObject, SentKey::None))
    }

    /// The version `id` of an object. `None` if the IDs of its bucket are not known to name versions:
    /// then a server may delete the object itself, whatever version is named.
    ///
    /// Asks GetBucketVersioning, once for each bucket. Where that is refused, a scratch object beside
    /// the object shows whether the gateway keeps its first content under its first ID.
    pub async fn trusted_version(
        &self,
        name: &ObjectName,
        id: &str,
    ) -> Result<Option<TrustedVersion>, CallError> {
        Ok(self.bucket_versions(name).await?.ids().and_then(|ids| ids.version(id)))
    }

    pub(crate) async fn bucket_versions(
        &self,
        name: &ObjectName,
    ) -> Result<BucketVersions, CallError> {
        let known = |cache: &KnownVersions| {
            let cache = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(name.bucket.as_str()).copied()
        };
        if let Some(versions) = known(&self.versions) {
            return Ok(versions);
        }
        let course = |link| bucket_versions(link, name.clone());
        let mut carried = Box::pin(carry(self, &NoHands, &Watch::default(), course)).await;
        let Some(versions) = carried.verdict else {
            let unread = || Broken::Answer("it is not one to GetBucketVersioning".to_owned());
            return Err(carried.unanswered().unwrap_or_else(|| unread().into()));
        };
        let mut cache = self.versions.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(name.bucket.as_str().to_owned(), versions);
        Ok(versions)
    }

    /// The status of GetBucketVersioning; `None` for a bucket that never kept versions.
    pub(crate) async fn versioning_status(
        &self,
        bucket: &BucketName,
    ) -> Result<Option<String>, CallError> {
        let answer = self.s3.get_bucket_versioning().bucket(bucket.as_str()).send().await;
        let answer = answer.map_err(self.explain(Operation::GetBucketVersioning, SentKey::None))?;
        Ok(answer.status().map(|status| status.as_str().to_owned()))
    }
}
