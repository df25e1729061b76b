//! Removal of objects: only what the evidence of [`s3_ssec_core::removal`] shows to be ours.

use crate::call::{Broken, CallError, WithKey as _};
use crate::client::{Client, Head, WithoutKey};
use crate::put::send;
use crate::trial::{TRIAL_PREFIX, scratch_name};
use crate::write::{Leftover, PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::echo::{EchoError, EchoVerified, KeylessRead, verify_by_heads};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, random_bytes};
use s3_ssec_core::names::{BucketName, ObjectName};
use s3_ssec_core::removal::{
    self, Observation, Remains, TrustedVersion, UnderKey, VersionIds, WriteMarks,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many copies of one write are removed, at most.
const REMOVALS: usize = 16;

/// Whether the version IDs of each bucket name versions, as far as it was asked.
#[derive(Default)]
pub(crate) struct KnownVersionIds(Mutex<BTreeMap<String, Option<VersionIds>>>);

/// A write, for those who look for its object.
pub(crate) struct Written<'a> {
    pub(crate) name: &'a ObjectName,
    pub(crate) headers: &'a Arc<TargetKeyHeaders>,
    pub(crate) marks: WriteMarks<'a>,
}

/// The object under the name of a write.
pub(crate) struct FoundObject {
    pub(crate) remains: Remains,
    /// The answer to HEAD, and the proof if it is encrypted under the key of the write.
    pub(crate) head: Option<Head>,
    pub(crate) proof: Option<EchoVerified>,
    /// True if it carries a record of the write.
    pub(crate) is_tagged: bool,
    version: Option<TrustedVersion>,
}

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
        Ok(self.version_ids(name).await?.and_then(|ids| ids.version(id)))
    }

    async fn version_ids(&self, name: &ObjectName) -> Result<Option<VersionIds>, CallError> {
        let known = |cache: &KnownVersionIds| {
            let cache = cache.0.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(name.bucket.as_str()).copied()
        };
        if let Some(ids) = known(&self.version_ids) {
            return Ok(ids);
        }
        let ids = match self.versioning_status(&name.bucket).await {
            Ok(status) => VersionIds::of_status(status.as_deref()),
            Err(error) if is_no_answer(&error) => self.try_version_ids(name).await?,
            Err(error) => return Err(error),
        };
        let mut cache = self.version_ids.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(name.bucket.as_str().to_owned(), ids);
        Ok(ids)
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
    async fn try_version_ids(&self, beside: &ObjectName) -> Result<Option<VersionIds>, CallError> {
        let (Ok(scratch), Ok(key)) = (scratch_name(beside), CustomerKey::generate()) else {
            return Ok(None);
        };
        let (Ok(first), Ok(second)) = (random_bytes::<16>(), random_bytes::<16>()) else {
            return Ok(None);
        };
        let note = self.note_trial(&scratch);
        let headers = Arc::new(TargetKeyHeaders::of(&key));
        let mut ids = Vec::new();
        for content in [first, second] {
            let content = Bytes::copy_from_slice(&content);
            let options = PutOptions::default();
            match send(self, &scratch, &headers, &content, None, &options).await {
                Ok(sent) => ids.extend(sent.version_id),
                Err(CallError::Refused(refusal)) if refusal.status < 500 => break,
                Err(error) => return Err(error),
            }
        }
        let trusted = match ids.as_slice() {
            [one, other] if one != other => {
                let read = self.read_small(&scratch, one, &headers).await?;
                VersionIds::of_trial(&first, &second, &read)
            }
            _ => None,
        };
        for id in &ids {
            self.delete_scratch(&scratch, trusted.map(|_| id.as_str())).await?;
        }
        if ids.is_empty() {
            self.delete_scratch(&scratch, None).await?;
        }
        if let Some(note) = note {
            note.remove();
        }
        Ok(trusted)
    }

    /// The content of a version of a scratch object; empty if the gateway refuses it.
    async fn read_small(
        &self,
        name: &ObjectName,
        version: &str,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Vec<u8>, CallError> {
        let get = self.s3.get_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let answer = get.version_id(version).range("bytes=0-63").customize().key(headers);
        match answer.send().await.map_err(self.explain(Operation::GetObject, SentKey::Target)) {
            Ok(answer) => {
                let content = answer.body.collect().await;
                Ok(content.map(|content| content.to_vec()).unwrap_or_default())
            }
            Err(CallError::Refused(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Looks whether a name holds the object of a write whose answer proves nothing.
    pub(crate) async fn find_written(
        &self,
        written: &Written<'_>,
    ) -> Result<FoundObject, CallError> {
        // On the heap, as all of this: it is rare, and would make the future of every write larger.
        Box::pin(self.find_version(written, None)).await
    }

    /// As [`Client::find_written`], of one version.
    async fn find_version(
        &self,
        written: &Written<'_>,
        version: Option<&TrustedVersion>,
    ) -> Result<FoundObject, CallError> {
        let (name, headers) = (written.name, written.headers);
        let id = version.map(TrustedVersion::id);
        let (without_key, readable) = match self.head_without_key(name, id).await? {
            WithoutKey::Absent => return Ok(FoundObject::none()),
            WithoutKey::Readable(head) => (KeylessRead::Readable, Some(*head)),
            refused => (refused.evidence(), None),
        };
        let (mut under_key, mut proof, mut with_key) = (UnderKey::Refused, None, None);
        if readable.is_none() {
            match self.head(name, id, headers).await {
                Ok(head) => {
                    proof = verify_by_heads(headers.key_md5(), &head.echo, without_key).ok();
                    under_key = match proof {
                        Some(_) => UnderKey::Confirmed,
                        None => UnderKey::Unconfirmed,
                    };
                    with_key = Some(head);
                }
                Err(CallError::Refused(refusal)) if refusal.status < 500 => {}
                Err(error) => return Err(error),
            }
        }
        let head = readable.as_ref().or(with_key.as_ref());
        let version = match (version, head.and_then(|head| head.version_id.as_deref())) {
            (Some(version), _) => Some(version.clone()),
            (None, Some(id)) => self.trusted_version(name, id).await?,
            (None, None) => None,
        };
        let tags = match self.tags(name, version.as_ref().map(TrustedVersion::id)).await {
            Ok(tags) => tags,
            Err(CallError::Refused(refusal)) if refusal.status < 500 || refusal.status == 501 => {
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let without_key = match &readable {
            Some(head) => removal::WithoutKey::Readable(&head.etag),
            None if without_key == KeylessRead::KeyNeeded => removal::WithoutKey::KeyNeeded,
            None => removal::WithoutKey::Unclear,
        };
        let remains = Observation { without_key, under_key, tags: &tags }.judge(&written.marks);
        let is_tagged = tags.iter().any(|(_, value)| written.marks.records.contains(value));
        Ok(FoundObject { remains, head: readable.or(with_key), proof, is_tagged, version })
    }

    /// Removes what [`Client::find_written`] found, if that is ours and in plaintext, and looks again: an
    /// attempt that was repeated may have left a version of its own, and a gateway may say that it
    /// deleted and not do it.
    pub(crate) async fn remove_found(
        &self,
        written: &Written<'_>,
        found: &FoundObject,
    ) -> Leftover {
        let (mut remains, mut version) = (found.remains, found.version.clone());
        for _ in 0..REMOVALS {
            match remains {
                Remains::NotOurs => return Leftover::Nothing,
                Remains::OursEncrypted | Remains::PerhapsOurs => return Leftover::Perhaps,
                Remains::OursInPlaintext => {}
            }
            if self.delete(written.name, version.as_ref()).await.is_err() {
                break;
            }
            let Ok(next) = self.find_written(written).await else { break };
            (remains, version) = (next.remains, next.version);
        }
        Leftover::Perhaps
    }

    /// The error for an object that may be the plaintext of a write. Removes it if it surely is.
    pub(crate) async fn not_proved(&self, written: &Written<'_>, found: &FoundObject) -> PutError {
        let error = match found.remains {
            Remains::OursInPlaintext => EchoError::Plaintext,
            _ => EchoError::Missing,
        };
        let leftover = Box::pin(self.remove_found(written, found)).await;
        PutError::NotProved { name: written.name.clone(), error, leftover }
    }

    /// Removes an object that was just written without proof, if it can be read without a key and carries
    /// a record of this write: otherwise it could be another client's good object. (DELETE with If-Match
    /// is no guard: RGW 16 and 18 ignore it.) `id` is the version that the answer named, which may be
    /// that of another write too.
    pub(crate) async fn take_back(&self, written: &Written<'_>, id: Option<&str>) -> Leftover {
        Box::pin(self.take_back_named(written, id)).await
    }

    async fn take_back_named(&self, written: &Written<'_>, id: Option<&str>) -> Leftover {
        let named = match id {
            Some(id) => self.trusted_version(written.name, id).await,
            None => Ok(None),
        };
        let below = match named {
            Ok(Some(version)) => self.remove_version(written, &version).await,
            Ok(None) => Leftover::Nothing,
            Err(_) => Leftover::Perhaps,
        };
        let newest = match self.find_written(written).await {
            Ok(found) => self.remove_found(written, &found).await,
            Err(_) => Leftover::Perhaps,
        };
        if below == Leftover::Nothing { newest } else { below }
    }

    /// Removes one version if it is ours and in plaintext.
    async fn remove_version(&self, written: &Written<'_>, version: &TrustedVersion) -> Leftover {
        match self.find_version(written, Some(version)).await {
            Ok(found) if found.remains == Remains::OursInPlaintext => {
                let deleted = self.delete(written.name, Some(version)).await.is_ok();
                let again = self.find_version(written, Some(version)).await;
                let is_gone = again.is_ok_and(|again| again.remains == Remains::NotOurs);
                if deleted && is_gone { Leftover::Nothing } else { Leftover::Perhaps }
            }
            Ok(found) if found.remains == Remains::NotOurs => Leftover::Nothing,
            _ => Leftover::Perhaps,
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

impl FoundObject {
    fn none() -> Self {
        let (remains, is_tagged) = (Remains::NotOurs, false);
        Self { remains, head: None, proof: None, is_tagged, version: None }
    }
}
