//! The object of one write: found by its record or its key, and removed where that is this write's to do.

use super::ask::{Ask, Head, Unheard, WithKey, WithoutKey};
use super::link::Link;
use super::task::KeyFacts;
use crate::echo::{EchoError, EchoVerified, KeylessRead, verify_by_heads};
use crate::key::Kind;
use crate::names::ObjectName;
use crate::record::TAG_KEY;
use crate::removal::{
    self, BucketVersions, Leftover, Observation, Remains, TrustedVersion, UnderKey, WriteMarks,
    answered_version,
};

/// How many copies of one write are removed, at most.
const REMOVALS: usize = 16;

/// A write, for those who look for its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The object.
    pub name: ObjectName,
    /// Its key.
    pub key: KeyFacts,
    /// All records that it puts into the object's tag.
    pub records: Vec<String>,
    /// The ETag that its content would have in plaintext; empty if that is not known.
    pub plain_etag: String,
}

/// Which objects of a write are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removable {
    /// Those in plaintext.
    Plaintext,
    /// Encrypted ones too: their content is not the one that was to be written.
    Any,
    /// As `Any`, but only by the ID of a version of this write alone. An object without one has replaced
    /// the one that was there before, and may be all that is left of its content.
    AnyVersion,
}

/// The object of a write, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is not there, or another writer's is.
    NotOurs,
    /// It is there, encrypted under the key of the write.
    Encrypted {
        /// The proof.
        proof: EchoVerified,
        /// The ETag, without quotes.
        etag: String,
        /// The version ID, if the gateway named one.
        version_id: Option<String>,
        /// Bytes; `None` if the answer does not state them.
        size: Option<u64>,
        /// True if its tag holds a record of the write.
        is_tagged: bool,
    },
    /// It is not proved to be encrypted. It was removed if it surely was this write's and plaintext.
    NotProved {
        /// Why there is no proof.
        error: EchoError,
        /// Its remains.
        leftover: Leftover,
    },
    /// The gateway did not say.
    Unheard,
}

/// Looks for the object of a write whose answer proves nothing, and removes it if it can be read without a
/// key and carries the record of this write: otherwise it could be another client's good object.
pub async fn find_written(link: &Link, write: &Write) -> Finding {
    Search::new(link, write).finding().await
}

/// Removes the object of a write, if its record or its key shows that it is this write's. `answered` is the
/// version that the answer to the write named, which may be that of another write too.
pub async fn remove_written(
    link: &Link,
    write: &Write,
    answered: Option<&str>,
    which: Removable,
) -> Leftover {
    Search::new(link, write).remove_all(answered, which).await
}

/// The object, or one version, under the name of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) remains: Remains,
    /// The answer to HEAD, and the proof if it is encrypted under the key of the write.
    pub(super) head: Option<Head>,
    pub(super) proof: Option<EchoVerified>,
    /// True if it carries a record of the write.
    pub(super) is_tagged: bool,
    place: Place,
}

/// The version that a deletion of a found object has to name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Version(TrustedVersion),
    /// No version was named, or the bucket keeps none.
    Newest,
    /// A version was named, and it could not be found out whether the bucket keeps any: the name might only
    /// be hidden below a delete marker, and the ID might name the object whatever version it shows.
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

impl Found {
    fn none() -> Self {
        let (remains, place) = (Remains::NotOurs, Place::Newest);
        Self { remains, head: None, proof: None, is_tagged: false, place }
    }

    fn leftover(&self) -> Leftover {
        match self.remains {
            Remains::NotOurs => Leftover::Nothing,
            Remains::OursEncrypted => Leftover::Arrived,
            Remains::PerhapsOurs if self.proof.is_some() => Leftover::Unknown,
            Remains::OursInPlaintext | Remains::PerhapsOurs => Leftover::Perhaps,
        }
    }
}

/// A search for the object of a write, with the facts that it learned of the bucket.
pub(super) struct Search<'a> {
    ask: Ask<'a>,
    write: &'a Write,
    /// Bytes of the content, if known.
    size: Option<u64>,
    bucket: Option<BucketVersions>,
}

impl<'a> Search<'a> {
    pub(super) fn new(link: &'a Link, write: &'a Write) -> Self {
        Self { ask: Ask { link, name: &write.name }, write, size: None, bucket: None }
    }

    /// As [`Search::new`], for a content of this many bytes. Where the ETag that it would have in plaintext is
    /// not known, a plaintext of the same size may be this write's.
    pub(super) fn sized(link: &'a Link, write: &'a Write, size: u64) -> Self {
        Self { size: Some(size), ..Self::new(link, write) }
    }

    pub(super) async fn finding(&mut self) -> Finding {
        let Ok(found) = self.look(None).await else { return Finding::Unheard };
        let error = match (found.remains, &found.proof, &found.head) {
            (Remains::NotOurs, ..) => return Finding::NotOurs,
            (Remains::OursEncrypted, Some(proof), Some(head)) => {
                return Finding::Encrypted {
                    proof: *proof,
                    etag: head.etag.clone(),
                    version_id: head.version_id.clone(),
                    size: head.size,
                    is_tagged: found.is_tagged,
                };
            }
            (Remains::OursInPlaintext, ..) => EchoError::Plaintext,
            // Encrypted for certain, under a key that opens other objects too, and not certainly this one.
            (Remains::PerhapsOurs, Some(_), _) => return Finding::Unheard,
            _ => EchoError::Missing,
        };
        let leftover = match found.remains {
            Remains::OursInPlaintext => self.remove_all(None, Removable::Plaintext).await,
            _ => found.leftover(),
        };
        Finding::NotProved { error, leftover }
    }

    pub(super) async fn bucket(&mut self) -> Result<BucketVersions, Unheard> {
        if let Some(known) = self.bucket {
            return Ok(known);
        }
        let bucket = self.ask.versions().await?;
        self.bucket = Some(bucket);
        Ok(bucket)
    }

    /// The version that an answer named, if IDs name versions here.
    pub(super) async fn answered(&mut self, id: Option<&str>) -> Option<TrustedVersion> {
        let id = id?;
        self.bucket().await.ok()?.ids()?.version(id)
    }

    async fn place(&mut self, shown: Option<&str>) -> Place {
        let Some(id) = shown else { return Place::Newest };
        match self.bucket().await {
            Ok(BucketVersions::Kept(ids)) => ids.version(id).map_or(Place::Unclear, Place::Version),
            Ok(BucketVersions::None) => Place::Newest,
            Ok(BucketVersions::Unknown) | Err(Unheard) => Place::Unclear,
        }
    }

    /// Looks at a version; at the newest without one.
    async fn look(&mut self, version: Option<&TrustedVersion>) -> Result<Found, Unheard> {
        let (keyless, readable) = match self.ask.without_key(version).await? {
            WithoutKey::Absent => return Ok(Found::none()),
            WithoutKey::Readable(head) => (KeylessRead::Readable, Some(head)),
            WithoutKey::KeyNeeded => (KeylessRead::KeyNeeded, None),
            WithoutKey::Unclear => (KeylessRead::Unclear, None),
            WithoutKey::Refused(_) => return Err(Unheard),
        };
        let (mut under_key, mut proof, mut with_key) = (UnderKey::Refused, None, None);
        // The key goes only to where one is needed.
        if keyless == KeylessRead::KeyNeeded {
            (under_key, proof, with_key) = self.under_key(version).await?;
        }
        let head = readable.as_ref().or(with_key.as_ref());
        let place = match version {
            Some(version) => Place::Version(version.clone()),
            None => {
                let shown = head.and_then(|head| head.version_id.clone());
                self.place(shown.as_deref()).await
            }
        };
        let tags = self.ask.tags(place.version()).await?;
        let plain_etag = self.plain_etag(readable.as_ref(), tags.is_some());
        let tags = tags.unwrap_or_default();
        let without_key = match &readable {
            Some(head) => removal::WithoutKey::Readable(&head.etag),
            None if keyless == KeylessRead::KeyNeeded => removal::WithoutKey::KeyNeeded,
            None => removal::WithoutKey::Unclear,
        };
        let marks = WriteMarks {
            records: &self.write.records,
            plain_etag: &plain_etag,
            key_is_unique: self.write.key.kind == Kind::Master,
        };
        let remains = Observation { without_key, under_key, tags: &tags }.judge(&marks);
        let ours = |value| self.write.records.contains(value);
        let is_tagged = tags.iter().any(|(key, value)| key == TAG_KEY && ours(value));
        Ok(Found { remains, head: readable.or(with_key), proof, is_tagged, place })
    }

    /// The ETag of a plaintext that may be this write's. One of another size, whose tags can be read, is not;
    /// of one whose tags cannot be read that is not known: a server may have stored the frames of a signed
    /// body with it.
    fn plain_etag(&self, readable: Option<&Head>, has_tags: bool) -> String {
        match (readable, self.size) {
            (Some(head), Some(size)) if self.write.plain_etag.is_empty() => {
                let may_be_ours = !has_tags || head.size.is_none_or(|stored| stored == size);
                if may_be_ours { head.etag.clone() } else { String::new() }
            }
            _ => self.write.plain_etag.clone(),
        }
    }

    /// HEAD with the key, where one is needed.
    async fn under_key(
        &self,
        version: Option<&TrustedVersion>,
    ) -> Result<(UnderKey, Option<EchoVerified>, Option<Head>), Unheard> {
        let (key, needed) = (&self.write.key, KeylessRead::KeyNeeded);
        Ok(match self.ask.with_key(key, version).await? {
            WithKey::Opened(head) => {
                let proof = verify_by_heads(key.md5, &head.echo, needed).ok();
                let confirmed = UnderKey::Confirmed;
                (proof.map_or(UnderKey::Unconfirmed, |_| confirmed), proof, Some(head))
            }
            WithKey::Other => (UnderKey::Refused, None, None),
            // Not the key was refused.
            WithKey::Unclear => return Err(Unheard),
        })
    }

    /// First the version that the answer named, then the newest, until it is another one: an attempt that
    /// was repeated may have left a version of its own, and a gateway may say that it deleted and not do it.
    /// (DELETE with If-Match would not help: RGW 16 and 18 ignore it.)
    pub(super) async fn remove_all(
        &mut self,
        answered: Option<&str>,
        which: Removable,
    ) -> Leftover {
        let named = match answered_version(answered) {
            Some(id) => self.remove_named(id, which).await,
            None => Removed::NONE,
        };
        let newest = self.remove_until_gone(None, which).await;
        let left = if named.left == Leftover::Nothing { newest.left } else { named.left };
        // The gateway took the write, and its object was not seen: it may be below another version.
        let is_unseen = left == Leftover::Nothing && !named.any && !newest.any;
        match is_unseen && self.bucket().await != Ok(BucketVersions::None) {
            true => Leftover::Perhaps,
            false => left,
        }
    }

    async fn remove_named(&mut self, id: &str, which: Removable) -> Removed {
        match self.bucket().await {
            Ok(BucketVersions::Kept(ids)) => match ids.version(id) {
                Some(version) => self.remove_until_gone(Some(&version), which).await,
                None => Removed::NONE,
            },
            Ok(BucketVersions::None) => Removed::NONE,
            // It may be below the newest.
            Ok(BucketVersions::Unknown) | Err(Unheard) => Removed::left(Leftover::Perhaps),
        }
    }

    /// Removes one version, or the newest, as long as it is this write's.
    async fn remove_until_gone(
        &mut self,
        version: Option<&TrustedVersion>,
        which: Removable,
    ) -> Removed {
        let mut removed = Removed::left(Leftover::Perhaps);
        for _ in 0..REMOVALS {
            let Ok(found) = self.look(version).await else {
                return Removed { left: Leftover::Perhaps, ..removed };
            };
            removed.left = found.leftover();
            if !which.takes(found.remains) || !self.delete(&found, which).await {
                break;
            }
            removed.any = true;
        }
        removed
    }

    /// Deletes an object that was looked at. False if that is not possible, or refused, or not done.
    async fn delete(&mut self, found: &Found, which: Removable) -> bool {
        let version = match &found.place {
            Place::Version(version) => version.clone(),
            Place::Unclear => return false,
            Place::Newest if which == Removable::AnyVersion => return false,
            Place::Newest => match self.bucket().await {
                Ok(BucketVersions::Kept(ids)) => {
                    // Suspended: by name it would get a delete marker, which hides older versions. The
                    // newest may be another one by now.
                    let null = ids.null();
                    match self.look(Some(&null)).await {
                        Ok(found) if which.takes(found.remains) => null,
                        _ => return false,
                    }
                }
                Ok(_) => return matches!(self.ask.delete(None).await, Ok(true)),
                Err(Unheard) => return false,
            },
        };
        let is_left_alone = which == Removable::AnyVersion && version.is_null();
        if is_left_alone || !matches!(self.ask.delete(Some(&version)).await, Ok(true)) {
            return false;
        }
        // Another writer's version may be above it by now, and the newest would not show it.
        matches!(self.ask.without_key(Some(&version)).await, Ok(WithoutKey::Absent))
    }
}

impl Place {
    fn version(&self) -> Option<&TrustedVersion> {
        match self {
            Place::Version(version) => Some(version),
            Place::Newest | Place::Unclear => None,
        }
    }
}
