//! Removal of objects: only what the evidence of [`s3_ssec_core::removal`] shows to be ours.

mod written;

pub(crate) use written::{Removable, Written};

use crate::call::{Broken, CallError, WithKey as _};
use crate::client::Client;
use crate::put::send;
use crate::trial::{ScratchObject, TRIAL_PREFIX};
use crate::write::PutOptions;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, random_bytes};
use s3_ssec_core::names::{BucketName, ObjectName};
use s3_ssec_core::removal::{BucketVersions, TrustedVersion};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

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
        let versions = match self.versioning_status(&name.bucket).await {
            Ok(status) => BucketVersions::of_status(status.as_deref()),
            Err(error) if is_no_answer(&error) => Box::pin(self.try_versions(name)).await?,
            Err(error) => return Err(error),
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

    /// Writes a scratch object twice and reads the first content by its version ID. Credentials that
    /// may not do so learn nothing, and nothing is believed.
    async fn try_versions(&self, beside: &ObjectName) -> Result<BucketVersions, CallError> {
        let (Ok(mut scratch), Ok(key)) =
            (ScratchObject::beside(self, beside), CustomerKey::generate())
        else {
            return Ok(BucketVersions::Unknown);
        };
        let headers = Arc::new(TargetKeyHeaders::of(&key));
        let tried = self.write_and_read(&mut scratch, &headers).await;
        if !matches!(tried, Ok(BucketVersions::Kept(_))) {
            scratch.distrust_ids();
        }
        scratch.remove().await?;
        tried
    }

    async fn write_and_read(
        &self,
        scratch: &mut ScratchObject,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<BucketVersions, CallError> {
        let (Ok(first), Ok(second)) = (random_bytes::<16>(), random_bytes::<16>()) else {
            return Ok(BucketVersions::Unknown);
        };
        let mut ids = Vec::new();
        for content in [first, second] {
            let (content, options) = (Bytes::copy_from_slice(&content), PutOptions::default());
            let sent = send(self, &scratch.name, headers, &content, None, &options).await;
            scratch.wrote(sent.as_ref().map(|sent| sent.version_id.clone()));
            match sent {
                Ok(sent) => ids.extend(sent.version_id),
                Err(error) if error.is_refusal() => break,
                Err(error) => return Err(error),
            }
        }
        let read = match ids.as_slice() {
            [one, other] if one != other => self.read_small(&scratch.name, one, headers).await?,
            _ => None,
        };
        Ok(BucketVersions::of_trial(&first, &second, read.as_deref()))
    }

    /// The content of a version of a scratch object; `None` if the gateway refuses it.
    async fn read_small(
        &self,
        name: &ObjectName,
        version: &str,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Option<Vec<u8>>, CallError> {
        let get = self.s3.get_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let answer = get.version_id(version).range("bytes=0-63").customize().key(headers);
        match answer.send().await.map_err(self.explain(Operation::GetObject, SentKey::Target)) {
            Ok(answer) => Ok(answer.body.collect().await.ok().map(|content| content.to_vec())),
            Err(error) if error.is_refusal() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// True if GetBucketVersioning is refused, or answered with something else (moto 5.2 has another root
/// element).
fn is_no_answer(error: &CallError) -> bool {
    match error {
        CallError::Refused(refusal) => {
            matches!(refusal.status, 200..=299 | 400..=403 | 405 | 501)
        }
        CallError::Broken(broken) => matches!(broken, Broken::Answer(_)),
    }
}
