//! The search for the object of a write whose answer was lost, cannot be read, or confirms no key. No IO:
//! the next step out, its answer in.
//!
//! The version that the answer named is looked at first, then the newest: by HEAD without a key, by what a
//! GET says of the key, by HEAD with it, and by the tags. Only an object that is proved to be this write's
//! and in plaintext is removed, and each removal is followed by another look: an attempt that a browser
//! repeated may have left a version of its own, and a gateway may say that it deleted and not do it.

use super::{Observation, Remains, TrustedVersion, UnderKey, VersionIds, WithoutKey, WriteMarks};
use crate::advice::{RefusedKey, refused_key};
use crate::echo::KeylessRead;

/// How many copies of one write are removed, at most.
const REMOVALS: usize = 16;

/// The next step. All but the first are about this version, or the newest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AftermathStep {
    /// GetBucketVersioning.
    Versioning,
    /// HEAD without a key.
    HeadWithoutKey(Option<TrustedVersion>),
    /// GET of the first byte without a key, or of all where there is none (416).
    FirstByte(Option<TrustedVersion>),
    /// HEAD with the key of the write.
    Head(Option<TrustedVersion>),
    /// GetObjectTagging.
    Tags(Option<TrustedVersion>),
    /// DeleteObject.
    Remove(Option<TrustedVersion>),
    /// The end.
    End(Leftover),
}

/// The answer to the write itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    /// None, or a 5xx: the write may still be carried out.
    Lost,
    /// A refusal.
    Refused,
    /// A success that does not prove the encryption, and the version ID in it.
    Unproved(Option<String>),
}

/// The remains of a write at the gateway, the more serious ones last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leftover {
    /// Nothing was stored, or what was stored has been removed.
    Nothing,
    /// Nothing was found, and the write may still be carried out.
    NotFound,
    /// The object, complete and encrypted under the key of the write.
    Arrived,
    /// The gateway did not say.
    Unknown,
    /// An object that is not proved to be encrypted may still be there.
    Perhaps,
}

impl Leftover {
    /// The machine-readable name.
    pub fn code(self) -> &'static str {
        match self {
            Leftover::Nothing => "nothing",
            Leftover::NotFound => "not-found",
            Leftover::Arrived => "arrived",
            Leftover::Unknown => "unknown",
            Leftover::Perhaps => "perhaps",
        }
    }

    /// A sentence for a person.
    pub fn words(self) -> &'static str {
        match self {
            Leftover::Nothing => "Nothing of it is left at the gateway.",
            Leftover::NotFound => {
                "Nothing of it was found at the gateway, but it may still arrive: look before you \
                 upload it again."
            }
            Leftover::Arrived => "It had arrived by then, encrypted.",
            Leftover::Unknown => "Whether it arrived is unknown: look before you upload it again.",
            Leftover::Perhaps => {
                "An object of that name may be there in plaintext: look, and remove it."
            }
        }
    }
}

/// Whether version IDs name versions here.
#[derive(Clone, Copy)]
enum Versions {
    NotAsked,
    Kept(VersionIds),
    None,
    Unknown,
}

/// A search under way.
pub struct Aftermath {
    /// The records that the write puts into the tag.
    records: Vec<String>,
    /// Bytes of the content.
    size: u64,
    key_is_unique: bool,
    answer: WriteAnswer,
    versions: Versions,
    /// The version that is looked at; the newest if `None`.
    target: Option<TrustedVersion>,
    /// The object that the last look found there.
    found: Option<Found>,
    removals: usize,
    /// The outcome of the version that the answer named.
    below: Leftover,
    step: AftermathStep,
}

struct Found {
    without_key: KeylessRead,
    under_key: UnderKey,
    etag: String,
    /// `None` if no answer stated it.
    size: Option<u64>,
    version_id: Option<String>,
}

impl Aftermath {
    /// Begins after a write of `size` bytes that was answered so. `key_is_unique` says that its key opens
    /// no other object.
    pub fn new(records: Vec<String>, size: u64, key_is_unique: bool, answer: WriteAnswer) -> Self {
        let step = match answer {
            WriteAnswer::Unproved(Some(_)) => AftermathStep::Versioning,
            _ => AftermathStep::HeadWithoutKey(None),
        };
        Self {
            records,
            size,
            key_is_unique,
            answer,
            versions: Versions::NotAsked,
            target: None,
            found: None,
            removals: 0,
            below: Leftover::Nothing,
            step,
        }
    }

    /// The next step.
    pub fn step(&self) -> &AftermathStep {
        &self.step
    }

    /// Takes the status of GetBucketVersioning; `None` if the bucket never kept versions.
    pub fn versioning(&mut self, status: Option<&str>) {
        self.versions = VersionIds::of_status(status).map_or(Versions::None, Versions::Kept);
        self.after_versioning();
    }

    fn after_versioning(&mut self) {
        if self.found.is_some() {
            self.step = AftermathStep::Tags(self.version());
            return;
        }
        let WriteAnswer::Unproved(id) = &self.answer else { return self.look() };
        self.target = self.trusted(id.as_deref());
        self.look();
    }

    fn trusted(&self, id: Option<&str>) -> Option<TrustedVersion> {
        match self.versions {
            Versions::Kept(ids) => ids.version(id?),
            _ => None,
        }
    }

    /// The version that was looked at, as far as it can be named.
    fn version(&self) -> Option<TrustedVersion> {
        let found = || self.trusted(self.found.as_ref()?.version_id.as_deref());
        self.target.clone().or_else(found)
    }

    fn look(&mut self) {
        self.found = None;
        self.step = AftermathStep::HeadWithoutKey(self.target.clone());
    }

    /// Takes the answer to HEAD without a key: status, and of a success size, ETag and version ID.
    pub fn without_key(&mut self, status: u16, size: u64, etag: &str, version_id: Option<&str>) {
        match KeylessRead::of_head(status) {
            None => self.step = AftermathStep::FirstByte(self.target.clone()),
            Some(KeylessRead::Absent) => self.settled(Leftover::Nothing),
            Some(without_key @ KeylessRead::Readable) => self.find(Found {
                without_key,
                under_key: UnderKey::Refused,
                etag: etag.to_owned(),
                size: Some(size),
                version_id: version_id.map(str::to_owned),
            }),
            Some(KeylessRead::KeyNeeded | KeylessRead::Unclear) => self.unanswered(),
        }
    }

    /// Takes the answer to the first byte without a key: status, and of a refusal code and message.
    pub fn first_byte(&mut self, status: u16, code: Option<&str>, message: Option<&str>) {
        match KeylessRead::of_get(status, code, message) {
            KeylessRead::KeyNeeded => self.step = AftermathStep::Head(self.target.clone()),
            KeylessRead::Absent => self.settled(Leftover::Nothing),
            KeylessRead::Unclear if status >= 500 => self.unanswered(),
            // HEAD and GET contradict each other, or neither says anything.
            KeylessRead::Readable | KeylessRead::Unclear => self.find(Found {
                without_key: KeylessRead::Unclear,
                under_key: UnderKey::Refused,
                etag: String::new(),
                size: None,
                version_id: None,
            }),
        }
    }

    /// Takes the answer to HEAD with the key; `is_confirmed` says that it echoes the key.
    pub fn under_key(
        &mut self,
        status: u16,
        is_confirmed: bool,
        size: u64,
        version_id: Option<&str>,
    ) {
        match status {
            200..=299 => self.find(Found {
                without_key: KeylessRead::KeyNeeded,
                under_key: match is_confirmed {
                    true => UnderKey::Confirmed,
                    false => UnderKey::Unconfirmed,
                },
                etag: String::new(),
                size: Some(size),
                version_id: version_id.map(str::to_owned),
            }),
            // Removed in between.
            404 => self.settled(Leftover::Nothing),
            _ if refused_key(status) == RefusedKey::NothingSaid => self.unanswered(),
            _ => self.settled(Leftover::Nothing),
        }
    }

    fn find(&mut self, found: Found) {
        self.found = Some(found);
        self.step = match self.versions {
            Versions::NotAsked => AftermathStep::Versioning,
            _ => AftermathStep::Tags(self.version()),
        };
    }

    /// Takes the tags; `None` if they cannot be read.
    pub fn tags(&mut self, tags: Option<&[(String, String)]>) {
        let Some(found) = &self.found else { return };
        let is_as_large = found.size == Some(self.size);
        // The MD5 of the content is not known. An object of another size and without our record is not this
        // write's; of one whose tags cannot be read that is not known: a server may have stored the frames
        // of the signed body with it.
        let may_be_ours = is_as_large || tags.is_none();
        let marks = WriteMarks {
            records: &self.records,
            plain_etag: if may_be_ours { &found.etag } else { "" },
            key_is_unique: self.key_is_unique,
        };
        let without_key = match found.without_key {
            KeylessRead::Readable => WithoutKey::Readable(&found.etag),
            KeylessRead::KeyNeeded => WithoutKey::KeyNeeded,
            KeylessRead::Absent | KeylessRead::Unclear => WithoutKey::Unclear,
        };
        let under_key = found.under_key;
        let tags = tags.unwrap_or_default();
        match (Observation { without_key, under_key, tags }.judge(&marks), self.removable()) {
            (Remains::NotOurs, _) => self.settled(Leftover::Nothing),
            (Remains::OursInPlaintext, Some(version)) if self.removals < REMOVALS => {
                self.removals += 1;
                self.step = AftermathStep::Remove(version);
            }
            (Remains::OursEncrypted, _) if is_as_large => self.settled(Leftover::Arrived),
            // Encrypted for certain, and not certainly this object.
            (Remains::OursEncrypted, _) => self.settled(Leftover::Unknown),
            (Remains::PerhapsOurs, _) if under_key == UnderKey::Confirmed => {
                self.settled(Leftover::Unknown);
            }
            (Remains::OursInPlaintext | Remains::PerhapsOurs, _) => self.settled(Leftover::Perhaps),
        }
    }

    /// The version to remove, or the object where the bucket never kept versions. `None` where a deletion
    /// might hide the plaintext below a delete marker and keep it.
    fn removable(&self) -> Option<Option<TrustedVersion>> {
        match self.versions {
            Versions::Kept(_) => self.version().map(Some),
            Versions::None => Some(None),
            Versions::NotAsked | Versions::Unknown => None,
        }
    }

    /// The gateway says that it removed the object, or the version. A version is looked at by its ID first:
    /// another client's may be above it by now.
    pub fn removed(&mut self) {
        self.target = self.version();
        self.look();
    }

    /// The step failed, or its answer cannot be read.
    pub fn failed(&mut self) {
        match self.step {
            AftermathStep::Versioning => {
                self.versions = Versions::Unknown;
                self.after_versioning();
            }
            AftermathStep::Tags(_) => self.tags(None),
            AftermathStep::Remove(_) => self.settled(Leftover::Perhaps),
            AftermathStep::HeadWithoutKey(_)
            | AftermathStep::FirstByte(_)
            | AftermathStep::Head(_) => self.unanswered(),
            AftermathStep::End(_) => {}
        }
    }

    /// The look shows nothing.
    fn unanswered(&mut self) {
        let is_stored = self.removals > 0 || matches!(self.answer, WriteAnswer::Unproved(_));
        self.settled(if is_stored { Leftover::Perhaps } else { Leftover::Unknown });
    }

    /// The version that was looked at is dealt with.
    fn settled(&mut self, leftover: Leftover) {
        if self.target.take().is_some() {
            self.below = self.below.max(leftover);
            return self.look();
        }
        let leftover = leftover.max(self.below);
        let is_unseen = leftover == Leftover::Nothing && self.removals == 0;
        let leftover = match (&self.answer, self.versions) {
            _ if !is_unseen => leftover,
            (WriteAnswer::Refused, _) | (WriteAnswer::Unproved(_), Versions::None) => leftover,
            (WriteAnswer::Lost, _) => Leftover::NotFound,
            (WriteAnswer::Unproved(_), Versions::NotAsked) => {
                self.step = AftermathStep::Versioning;
                return;
            }
            // The gateway took the write: its object may be below another client's version.
            (WriteAnswer::Unproved(_), Versions::Kept(_) | Versions::Unknown) => Leftover::Perhaps,
        };
        self.step = AftermathStep::End(leftover);
    }
}

#[cfg(test)]
mod tests;
