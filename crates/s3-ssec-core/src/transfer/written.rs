//! The object of one write: found by its record or its key, and removed where it is provably this write's
//! and plaintext.

use super::ask::{Ask, Head, Unheard, Versioning, WithKey, WithoutKey};
use super::link::Link;
use super::task::KeyFacts;
use crate::echo::{EchoVerified, KeylessRead, verify_by_heads};
use crate::key::Kind;
use crate::names::ObjectName;
use crate::record::TAG_KEY;
use crate::removal::{
    self, BucketVersions, Leftover, Observation, Remains, TrustedVersion, UnderKey, WriteMarks,
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

/// The object, or one version, under the name of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) remains: Remains,
    /// The answer to HEAD, and the proof if it is encrypted under the key of the write.
    pub(super) head: Option<Head>,
    pub(super) proof: Option<EchoVerified>,
    /// True if it carries the record of the write.
    pub(super) is_tagged: bool,
    place: Place,
}

/// By which name an object is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// By this version ID.
    Version(TrustedVersion),
    /// By its name: the bucket keeps no versions.
    Name,
    /// Not at all: the name would only be hidden below a delete marker, or the ID may name the object
    /// whatever version it shows.
    Unsafe,
}

/// A search for the object of a write, with what it learned of the bucket.
pub(super) struct Search<'a> {
    ask: Ask<'a>,
    write: &'a Write,
    bucket: Option<BucketVersions>,
}

impl<'a> Search<'a> {
    pub(super) fn new(link: &'a Link, write: &'a Write) -> Self {
        Self { ask: Ask { link, name: &write.name }, write, bucket: None }
    }

    /// Looks at the newest version.
    pub(super) async fn newest(&mut self) -> Result<Found, Unheard> {
        self.look(None).await
    }

    async fn bucket(&mut self) -> BucketVersions {
        if let Some(known) = self.bucket {
            return known;
        }
        let bucket = match self.ask.versioning().await {
            Ok(Versioning::Status(status)) => BucketVersions::of_status(status.as_deref()),
            Ok(Versioning::Refused) | Err(Unheard) => BucketVersions::Unknown,
        };
        self.bucket = Some(bucket);
        bucket
    }

    async fn place(&mut self, shown: Option<&str>) -> Place {
        match (self.bucket().await, shown) {
            (BucketVersions::Kept(ids), Some(id)) => {
                ids.version(id).map_or(Place::Unsafe, Place::Version)
            }
            (BucketVersions::None, _) | (BucketVersions::Unknown, None) => Place::Name,
            (BucketVersions::Kept(_), None) | (BucketVersions::Unknown, Some(_)) => Place::Unsafe,
        }
    }

    /// The version that the answer to a write named, if IDs name versions here.
    pub(super) async fn answered(&mut self, id: Option<&str>) -> Option<TrustedVersion> {
        match self.place(Some(id?)).await {
            Place::Version(version) => Some(version),
            Place::Name | Place::Unsafe => None,
        }
    }

    pub(super) async fn look(
        &mut self,
        version: Option<&TrustedVersion>,
    ) -> Result<Found, Unheard> {
        let (without_key, readable) = match self.ask.without_key(version).await? {
            WithoutKey::Absent => return Ok(Found::none()),
            WithoutKey::Readable(head) => (KeylessRead::Readable, Some(head)),
            WithoutKey::KeyNeeded => (KeylessRead::KeyNeeded, None),
            WithoutKey::Unclear => (KeylessRead::Unclear, None),
        };
        let (mut under_key, mut proof, mut with_key) = (UnderKey::Refused, None, None);
        // The key goes only to where one is needed.
        if without_key == KeylessRead::KeyNeeded {
            (under_key, proof, with_key) = self.under_key(version, without_key).await?;
        }
        let head = readable.as_ref().or(with_key.as_ref());
        let place = match version {
            Some(version) => Place::Version(version.clone()),
            None => {
                let shown = head.and_then(|head| head.version_id.clone());
                self.place(shown.as_deref()).await
            }
        };
        let tagged = match &place {
            Place::Version(version) => Some(version),
            Place::Name | Place::Unsafe => None,
        };
        let tags = self.ask.tags(tagged).await?.unwrap_or_default();
        let without_key = match &readable {
            Some(head) => removal::WithoutKey::Readable(&head.etag),
            None if without_key == KeylessRead::KeyNeeded => removal::WithoutKey::KeyNeeded,
            None => removal::WithoutKey::Unclear,
        };
        let records = &self.write.records;
        let marks = WriteMarks {
            records,
            plain_etag: &self.write.plain_etag,
            key_is_unique: self.write.key.kind == Kind::Master,
        };
        let remains = Observation { without_key, under_key, tags: &tags }.judge(&marks);
        let is_tagged = tags.iter().any(|(key, value)| key == TAG_KEY && records.contains(value));
        Ok(Found { remains, head: readable.or(with_key), proof, is_tagged, place })
    }

    async fn under_key(
        &self,
        version: Option<&TrustedVersion>,
        without_key: KeylessRead,
    ) -> Result<(UnderKey, Option<EchoVerified>, Option<Head>), Unheard> {
        Ok(match self.ask.with_key(&self.write.key, version).await? {
            WithKey::Opened(head) => {
                let proof = verify_by_heads(self.write.key.md5, &head.echo, without_key).ok();
                let under_key = match proof {
                    Some(_) => UnderKey::Confirmed,
                    None => UnderKey::Unconfirmed,
                };
                (under_key, proof, Some(head))
            }
            WithKey::Other => (UnderKey::Refused, None, None),
            // Not the key was refused: the object may be this one.
            WithKey::Unclear => (UnderKey::Unconfirmed, None, None),
        })
    }

    /// Removes what was found, if that is this write's and plaintext, and looks again: a repeated attempt
    /// may have left a version of its own, and a gateway may say that it deleted and not do it.
    pub(super) async fn remove(&mut self, found: Found) -> Leftover {
        match self.remove_from_top(found).await {
            Ok(_) => Leftover::Nothing,
            Err(Remaining) => Leftover::Perhaps,
        }
    }

    /// True if something was removed.
    async fn remove_from_top(&mut self, found: Found) -> Result<bool, Remaining> {
        let mut found = found;
        for removed in 0..REMOVALS {
            if found.remains == Remains::NotOurs {
                return Ok(removed > 0);
            }
            self.remove_one(&found).await?;
            found = self.newest().await.map_err(|Unheard| Remaining)?;
        }
        Err(Remaining)
    }

    /// Removes one object if it is this write's and plaintext.
    async fn remove_one(&self, found: &Found) -> Result<(), Remaining> {
        let version = match (found.remains, &found.place) {
            (Remains::OursInPlaintext, Place::Version(version)) => Some(version),
            (Remains::OursInPlaintext, Place::Name) => None,
            _ => return Err(Remaining),
        };
        if !matches!(self.ask.delete(version).await, Ok(true)) {
            return Err(Remaining);
        }
        let Some(version) = version else { return Ok(()) };
        // Another writer's version may lie above this one by now, and the newest would not show it.
        match self.ask.without_key(Some(version)).await {
            Ok(WithoutKey::Absent) => Ok(()),
            _ => Err(Remaining),
        }
    }

    /// Looks at the version that the answer to the write named, and then at the newest, and removes what
    /// is this write's and plaintext.
    pub(super) async fn remove_all(&mut self, answered: Option<&str>) -> Leftover {
        let below = match answered {
            Some(id) => self.remove_named(id).await,
            None => Ok(false),
        };
        let newest = match self.newest().await {
            Ok(found) => self.remove_from_top(found).await,
            Err(Unheard) => Err(Remaining),
        };
        let is_flat = self.bucket().await == BucketVersions::None;
        match (below, newest) {
            (Err(Remaining), _) | (_, Err(Remaining)) => Leftover::Perhaps,
            // The gateway took the write, and its object was not seen: it may lie below another version.
            (Ok(false), Ok(false)) if !is_flat => Leftover::Perhaps,
            (Ok(_), Ok(_)) => Leftover::Nothing,
        }
    }

    /// True if that version was removed.
    async fn remove_named(&mut self, id: &str) -> Result<bool, Remaining> {
        // Where IDs name no versions, the newest is all there is, and it is looked at next.
        let Some(version) = self.answered(Some(id)).await else { return Ok(false) };
        let found = self.look(Some(&version)).await.map_err(|Unheard| Remaining)?;
        match found.remains {
            Remains::NotOurs => Ok(false),
            _ => self.remove_one(&found).await.map(|()| true),
        }
    }
}

/// Something of the write may be left.
struct Remaining;

impl Found {
    fn none() -> Self {
        let (remains, place) = (Remains::NotOurs, Place::Name);
        Self { remains, head: None, proof: None, is_tagged: false, place }
    }
}

/// Looks for the object of a write without proof and removes it, if it can be read without a key and
/// carries the record of this write: otherwise it could be another client's good object. `answered` is the
/// version that the answer named, which may be that of another write too.
pub async fn find_and_remove(link: &Link, write: &Write, answered: Option<&str>) -> Leftover {
    Search::new(link, write).remove_all(answered).await
}
