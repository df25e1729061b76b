//! The object of a write whose answer proves nothing: looked for, and removed where that is ours to do.

use crate::call::CallError;
use crate::client::{Client, Head, WithoutKey};
use crate::write::{Leftover, PutError};
use s3_ssec_core::echo::{EchoError, EchoVerified, KeylessRead, verify_by_heads};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::Record;
use s3_ssec_core::removal::{
    self, BucketVersions, Observation, Remains, TrustedVersion, UnderKey, WriteMarks,
    answered_version,
};
use std::sync::Arc;

/// How many copies of one write are removed, at most.
const REMOVALS: usize = 16;

/// A write, for those who look for its object.
pub(crate) struct Written<'a> {
    pub(crate) name: &'a ObjectName,
    pub(crate) headers: &'a Arc<TargetKeyHeaders>,
    pub(crate) marks: WriteMarks<'a>,
}

/// Which objects of a write are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removable {
    /// Those in plaintext.
    Plaintext,
    /// Encrypted ones too: their content is not the one that was to be written.
    Any,
    /// As `Any`, but only by the ID of a version of this write alone. An object without one has replaced
    /// what was there before, and may be all that is left of its content.
    AnyVersion,
}

/// The object under the name of a write.
pub(crate) struct FoundObject {
    pub(crate) remains: Remains,
    /// The answer to HEAD, and the proof if it is encrypted under the key of the write.
    pub(crate) head: Option<Head>,
    pub(crate) proof: Option<EchoVerified>,
    /// True if it carries a record of the write.
    pub(crate) is_tagged: bool,
    target: Target,
}

/// The version that a deletion of a found object has to name.
enum Target {
    Version(TrustedVersion),
    /// No version was named, or the bucket keeps none.
    Newest,
    /// A version was named, and it could not be found out whether the bucket keeps any.
    Unclear,
}

/// The outcome of a removal.
struct Removed {
    left: Leftover,
    /// True if anything was removed.
    any: bool,
}

impl Removed {
    const NONE: Self = Self::left(Leftover::Nothing);

    const fn left(left: Leftover) -> Self {
        Self { left, any: false }
    }
}

impl Removable {
    fn takes(self, remains: Remains) -> bool {
        match remains {
            Remains::OursInPlaintext => true,
            Remains::OursEncrypted => self != Removable::Plaintext,
            Remains::NotOurs | Remains::PerhapsOurs => false,
        }
    }
}

impl FoundObject {
    fn none() -> Self {
        let (remains, is_tagged, target) = (Remains::NotOurs, false, Target::Newest);
        Self { remains, head: None, proof: None, is_tagged, target }
    }

    fn leftover(&self) -> Leftover {
        match self.remains {
            Remains::NotOurs => Leftover::Nothing,
            Remains::OursEncrypted => Leftover::Arrived,
            Remains::OursInPlaintext | Remains::PerhapsOurs => Leftover::Perhaps,
        }
    }
}

impl Client {
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
        let (keyless, readable) = match self.head_without_key(name, id).await? {
            WithoutKey::Absent => return Ok(FoundObject::none()),
            WithoutKey::Readable(head) => (KeylessRead::Readable, Some(*head)),
            refused => (refused.evidence(), None),
        };
        let without_key = match &readable {
            Some(head) => removal::WithoutKey::Readable(&head.etag),
            None if keyless == KeylessRead::KeyNeeded => removal::WithoutKey::KeyNeeded,
            None => removal::WithoutKey::Unclear,
        };
        let (mut under_key, mut proof, mut with_key) = (UnderKey::Refused, None, None);
        if readable.is_none() {
            match self.head(name, id, headers).await {
                Ok(head) => {
                    proof = verify_by_heads(headers.key_md5(), &head.echo, keyless).ok();
                    under_key = match proof {
                        Some(_) => UnderKey::Confirmed,
                        None => UnderKey::Unconfirmed,
                    };
                    with_key = Some(head);
                }
                Err(error) => {
                    let judged = |status| UnderKey::of_refusal(status, without_key);
                    under_key = error.status().and_then(judged).ok_or(error)?;
                }
            }
        }
        let head = readable.as_ref().or(with_key.as_ref());
        let target = match (version, head.and_then(|head| head.version_id.as_deref())) {
            (Some(version), _) => Target::Version(version.clone()),
            (None, Some(id)) => self.target(name, id).await?,
            (None, None) => Target::Newest,
        };
        let tags = match self.tags(name, target.id()).await {
            Ok(tags) => tags,
            Err(error) if error.is_refusal() => Vec::new(),
            Err(error) => return Err(error),
        };
        let remains = Observation { without_key, under_key, tags: &tags }.judge(&written.marks);
        let is_tagged = tags.iter().any(|(_, value)| written.marks.records.contains(value));
        Ok(FoundObject { remains, head: readable.or(with_key), proof, is_tagged, target })
    }

    /// The target of a deletion where HEAD named this version.
    async fn target(&self, name: &ObjectName, id: &str) -> Result<Target, CallError> {
        Ok(match self.bucket_versions(name).await? {
            BucketVersions::Kept(ids) => ids.version(id).map_or(Target::Unclear, Target::Version),
            BucketVersions::None => Target::Newest,
            BucketVersions::Unknown => Target::Unclear,
        })
    }

    /// Removes the object of a write, if its record or its key shows that it is ours: otherwise it could be
    /// another client's good object. (DELETE with If-Match is no guard: RGW 16 and 18 ignore it.)
    ///
    /// First the version `id` that the answer named, which may be that of another write too, then the
    /// newest, until it is another one: an attempt that was repeated may have left a version of its own,
    /// and a gateway may say that it deleted and not do it.
    pub(crate) async fn remove_written(
        &self,
        written: &Written<'_>,
        id: Option<&str>,
        what: Removable,
    ) -> Leftover {
        Box::pin(async {
            let named = match answered_version(id) {
                Some(id) => self.remove_named(written, id, what).await,
                None => Removed::NONE,
            };
            let newest = self.remove_until_gone(written, None, what).await;
            let left = if named.left == Leftover::Nothing { newest.left } else { named.left };
            // The gateway took the write, and its object was not seen: it may be below another version.
            let is_unseen = left == Leftover::Nothing && !named.any && !newest.any;
            let is_flat = || self.bucket_versions(written.name);
            match is_unseen && !matches!(is_flat().await, Ok(BucketVersions::None)) {
                true => Leftover::Perhaps,
                false => left,
            }
        })
        .await
    }

    async fn remove_named(&self, written: &Written<'_>, id: &str, what: Removable) -> Removed {
        match self.bucket_versions(written.name).await {
            Ok(BucketVersions::Kept(ids)) => {
                self.remove_until_gone(written, ids.version(id).as_ref(), what).await
            }
            Ok(BucketVersions::None) => Removed::NONE,
            // It may be below the newest.
            Ok(BucketVersions::Unknown) | Err(_) => Removed::left(Leftover::Perhaps),
        }
    }

    /// Removes one version, or the newest, as long as it is ours.
    async fn remove_until_gone(
        &self,
        written: &Written<'_>,
        version: Option<&TrustedVersion>,
        what: Removable,
    ) -> Removed {
        let mut removed = Removed::left(Leftover::Perhaps);
        for _ in 0..REMOVALS {
            let Ok(found) = self.find_version(written, version).await else {
                return Removed { left: Leftover::Perhaps, ..removed };
            };
            removed.left = found.leftover();
            if !what.takes(found.remains) || !self.delete_found(written, &found, what).await {
                break;
            }
            removed.any = true;
        }
        removed
    }

    /// Deletes an object that was looked at. False if that is not possible, or refused, or not done.
    async fn delete_found(
        &self,
        written: &Written<'_>,
        found: &FoundObject,
        what: Removable,
    ) -> bool {
        let name = written.name;
        let version = match &found.target {
            Target::Version(version) => version.clone(),
            Target::Unclear => return false,
            Target::Newest if what == Removable::AnyVersion => return false,
            Target::Newest => match self.bucket_versions(name).await {
                Ok(BucketVersions::Kept(ids)) => {
                    // Suspended: by name it would get a delete marker, which hides older versions. The
                    // newest may be another one by now.
                    let null = ids.null();
                    match self.find_version(written, Some(&null)).await {
                        Ok(found) if what.takes(found.remains) => null,
                        _ => return false,
                    }
                }
                Ok(_) => return self.delete(name, None).await.is_ok(),
                Err(_) => return false,
            },
        };
        let is_left_alone = what == Removable::AnyVersion && version.is_null();
        if is_left_alone || self.delete(name, Some(&version)).await.is_err() {
            return false;
        }
        // Another client's version may be above it by now, and the newest would not show it.
        let again = self.head_without_key(name, Some(version.id())).await;
        matches!(again, Ok(WithoutKey::Absent))
    }

    /// The error for an object that may be the plaintext of a write. Removes it if it surely is.
    pub(crate) async fn not_proved(&self, written: &Written<'_>, found: &FoundObject) -> PutError {
        let error = match found.remains {
            Remains::OursInPlaintext => EchoError::Plaintext,
            _ => EchoError::Missing,
        };
        let leftover = match found.remains {
            Remains::OursInPlaintext => {
                self.remove_written(written, None, Removable::Plaintext).await
            }
            _ => found.leftover(),
        };
        PutError::NotProved { name: written.name.clone(), error, leftover }
    }

    /// The error for a write that was given up on request: whether its object had arrived. An encrypted
    /// one is left where it is, for what it replaced is gone.
    pub(crate) async fn stopped(&self, written: &Written<'_>, record: &Record) -> PutError {
        let leftover = match self.find_written(written).await {
            Err(_) => Leftover::Unknown,
            Ok(found) => match found.remains {
                // The gateway may still be at work on it.
                Remains::NotOurs => Leftover::MayArrive,
                Remains::OursEncrypted => {
                    self.confirm(written.name, record, found.is_tagged).await;
                    Leftover::Arrived
                }
                Remains::OursInPlaintext | Remains::PerhapsOurs => {
                    return self.not_proved(written, &found).await;
                }
            },
        };
        PutError::Stopped.leaving(written.name, leftover)
    }
}

impl Target {
    fn id(&self) -> Option<&str> {
        match self {
            Target::Version(version) => Some(version.id()),
            Target::Newest | Target::Unclear => None,
        }
    }
}
