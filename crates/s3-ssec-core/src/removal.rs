//! Removal: the evidence that a program needs before it removes anything from a gateway.
//!
//! Four questions, each answered here for all callers:
//!
//! * Does a version ID name a version? Some servers put an ID on every answer although they keep no
//!   versions, and delete the object whatever version is named. [`VersionIds`] exists only where the
//!   bucket keeps versions, and it alone makes a [`TrustedVersion`].
//! * Does a name hold the object of one particular write? [`Observation::judge`] compares the record,
//!   which is different for every write. An equal ETag may belong to another client's identical file.
//! * Did a write whose answer was lost leave an object? [`Leftover`] is the answer that
//!   [`transfer`](crate::transfer) finds.
//! * Was a multipart upload created under a certain key? [`UploadProbe::judge`] reads the refusals of
//!   two parts that cannot be stored.

use crate::advice::{RefusedKey, refused_key};
use crate::record::TAG_KEY;

/// Proof that the version IDs of a bucket name versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionIds(());

impl VersionIds {
    /// Reads the status that GetBucketVersioning answered; an absent one means that the bucket never
    /// kept versions.
    pub fn of_status(status: Option<&str>) -> Option<Self> {
        matches!(status, Some("Enabled" | "Suspended")).then_some(Self(()))
    }

    /// A version of this bucket. `None` for an empty ID, which names the newest.
    pub fn version(self, id: &str) -> Option<TrustedVersion> {
        (!id.is_empty()).then(|| TrustedVersion(id.to_owned()))
    }

    /// The version that was stored while the bucket kept none.
    pub fn null(self) -> TrustedVersion {
        TrustedVersion(NULL.to_owned())
    }
}

/// The ID of a version that was stored while its bucket kept none: before versions were enabled, or
/// since they are suspended. It is a version like others, but not one of a particular write: the next
/// write on a suspended bucket replaces it.
const NULL: &str = "null";

/// The version ID of an answer, if it names the version of one write alone.
pub fn answered_version(id: Option<&str>) -> Option<&str> {
    id.filter(|id| !matches!(*id, "" | NULL))
}

/// A version ID that names a version. Only [`VersionIds`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedVersion(String);

impl TrustedVersion {
    /// The version ID in the answer to the write of a scratch object. No check: no other client uses the name
    /// of a scratch object.
    pub(crate) fn of_scratch(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// The ID as the gateway spells it.
    pub fn id(&self) -> &str {
        &self.0
    }

    /// True for `null`: a write on a suspended bucket replaced the one that was there before.
    pub fn is_null(&self) -> bool {
        self.0 == NULL
    }
}

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketVersions {
    /// It does, or did before they were suspended.
    Kept(VersionIds),
    /// It never did: the version ID of an answer names nothing.
    None,
    /// It could not be found out. Where an answer names a version, a deletion by name might only hide it
    /// below a delete marker, and one by version ID might delete the object.
    Unknown,
}

impl BucketVersions {
    /// Reads the status that GetBucketVersioning answered.
    pub fn of_status(status: Option<&str>) -> Self {
        match (VersionIds::of_status(status), status) {
            (Some(ids), _) => BucketVersions::Kept(ids),
            (None, None | Some("")) => BucketVersions::None,
            (None, Some(_)) => BucketVersions::Unknown,
        }
    }

    /// Judges a trial where GetBucketVersioning is refused: two contents were stored under one name,
    /// and `read` is what a GET returned with the version ID of the first; `None` if it was refused.
    pub fn of_trial(first: &[u8], second: &[u8], read: Option<&[u8]>) -> Self {
        match read {
            _ if first == second => BucketVersions::Unknown,
            Some(read) if read == first => BucketVersions::Kept(VersionIds(())),
            Some(read) if read == second => BucketVersions::None,
            _ => BucketVersions::Unknown,
        }
    }

    /// The IDs of the versions, where the bucket keeps any.
    pub fn ids(self) -> Option<VersionIds> {
        match self {
            BucketVersions::Kept(ids) => Some(ids),
            BucketVersions::None | BucketVersions::Unknown => None,
        }
    }
}

/// The marks of one write, by which its object is recognised.
#[derive(Clone, Copy, Debug)]
pub struct WriteMarks<'a> {
    /// The records that this write puts into the object's tag. They are different for every write.
    pub records: &'a [String],
    /// The ETag that the content would have in plaintext.
    pub plain_etag: &'a str,
    /// True if the key of this write opens no other object: it is derived from a master key.
    pub key_is_unique: bool,
}

/// The answers of a gateway about a name, after a write without a usable answer.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// HEAD without a key.
    pub without_key: WithoutKey<'a>,
    /// HEAD under the key of the write.
    pub under_key: UnderKey,
    /// The tags; empty if they cannot be read.
    pub tags: &'a [(String, String)],
}

/// The answer to HEAD without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutKey<'a> {
    /// 200: whoever may read gets the content. The ETag without quotes.
    Readable(&'a str),
    /// It is refused because a key is needed.
    KeyNeeded,
    /// It is refused for a reason that shows nothing.
    Unclear,
    /// 404.
    Absent,
}

/// The answer to HEAD under the key of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnderKey {
    /// 200 with the echo of the key.
    Confirmed,
    /// 200 without it.
    Unconfirmed,
    /// A refusal because of the key.
    Refused,
}

impl UnderKey {
    /// Reads the status of a refusal. `None` for one that does not speak of the key, such as 429: it shows
    /// nothing of the object.
    pub fn of_refusal(status: u16, without_key: WithoutKey<'_>) -> Option<Self> {
        let is_refused = match refused_key(status) {
            RefusedKey::IsAnother => true,
            RefusedKey::IsAnotherIfNeeded => without_key == WithoutKey::KeyNeeded,
            // Removed since the HEAD without a key.
            RefusedKey::NothingSaid => status == 404,
        };
        is_refused.then_some(UnderKey::Refused)
    }
}

/// Whose object a name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// The object of this write, in plaintext: it may be removed.
    OursInPlaintext,
    /// The object of this write, encrypted under its key.
    OursEncrypted,
    /// Possibly the object of this write, and not proved to be encrypted: it is reported and left.
    PerhapsOurs,
    /// No object, or that of another write.
    NotOurs,
}

impl Observation<'_> {
    /// Compares the object with the marks of a write.
    pub fn judge(&self, write: &WriteMarks<'_>) -> Remains {
        let record = self.tags.iter().find(|(key, _)| key == TAG_KEY).map(|(_, value)| value);
        let is_tagged = record.is_some_and(|record| write.records.contains(record));
        let is_tagged_by_another = record.is_some() && !is_tagged;
        match (self.without_key, self.under_key) {
            (WithoutKey::Absent, _) => Remains::NotOurs,
            (WithoutKey::Readable(_), _) if is_tagged => Remains::OursInPlaintext,
            (WithoutKey::Readable(etag), _) if etag == write.plain_etag => Remains::PerhapsOurs,
            (WithoutKey::Readable(_), _) => Remains::NotOurs,
            (WithoutKey::Unclear, _) if is_tagged_by_another => Remains::NotOurs,
            (WithoutKey::Unclear, _) => Remains::PerhapsOurs,
            (WithoutKey::KeyNeeded, UnderKey::Refused) => Remains::NotOurs,
            (WithoutKey::KeyNeeded, UnderKey::Confirmed) if is_tagged || write.key_is_unique => {
                Remains::OursEncrypted
            }
            (WithoutKey::KeyNeeded, _) if is_tagged_by_another => Remains::NotOurs,
            (WithoutKey::KeyNeeded, _) => Remains::PerhapsOurs,
        }
    }
}

/// The remains of a write at the gateway, the more serious ones last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The answers to two parts with a wrong Content-MD5, which no gateway may store.
///
/// A gateway that compares the key first refuses the part of a foreign key for its key, and that of
/// the right key for its digest.
#[derive(Clone, Copy, Debug)]
pub struct UploadProbe<'a> {
    /// Status and error code of the part under the key in question.
    pub under_key: (u16, Option<&'a str>),
    /// Status and error code of the part under a random key.
    pub under_random: (u16, Option<&'a str>),
}

/// Under which key an upload was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadOwner {
    /// Under the key in question.
    ThisKey,
    /// Under another key, or none.
    Other,
    /// The answers do not say.
    Unknown,
}

impl UploadProbe<'_> {
    /// Reads the two refusals.
    pub fn judge(&self) -> UploadOwner {
        let for_digest = |(status, code)| status == 400 && code == Some("BadDigest");
        let for_key = |(status, code): (u16, Option<&str>)| {
            matches!(status, 400 | 403)
                && matches!(code, Some("InvalidArgument" | "InvalidRequest" | "AccessDenied"))
        };
        let (key, random) = (self.under_key, self.under_random);
        match () {
            () if for_digest(key) && for_key(random) => UploadOwner::ThisKey,
            () if for_digest(key) && for_digest(random) => UploadOwner::Other,
            () if for_key(key) && for_key(random) => UploadOwner::Other,
            () => UploadOwner::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_ids_count_only_where_the_bucket_keeps_versions() {
        for status in ["Enabled", "Suspended"] {
            let ids = VersionIds::of_status(Some(status)).unwrap();
            assert_eq!(ids.version("v1").unwrap().id(), "v1");
            assert_eq!(ids.version(""), None, "an empty ID names the newest version");
        }
        for status in [None, Some(""), Some("enabled"), Some("Disabled")] {
            assert_eq!(VersionIds::of_status(status), None, "{status:?}");
        }
    }

    #[test]
    fn a_trial_decides_only_by_a_content_that_comes_back() {
        let judge = |second: &[u8], read| BucketVersions::of_trial(b"first", second, read);
        assert!(judge(b"second", Some(b"first")).ids().is_some());
        assert_eq!(judge(b"second", Some(b"second")), BucketVersions::None);
        assert_eq!(judge(b"second", Some(b"")), BucketVersions::Unknown);
        assert_eq!(judge(b"second", None), BucketVersions::Unknown);
        assert_eq!(judge(b"first", Some(b"first")), BucketVersions::Unknown);
        assert_eq!(BucketVersions::of_status(None), BucketVersions::None);
        assert_eq!(BucketVersions::of_status(Some("enabled")), BucketVersions::Unknown);
        assert!(BucketVersions::of_status(Some("Suspended")).ids().is_some());
        assert_eq!(BucketVersions::Unknown.ids(), None);
    }

    #[test]
    fn null_names_a_version_but_not_that_of_one_write() {
        let ids = VersionIds::of_status(Some("Suspended")).unwrap();
        assert_eq!(ids.version("null"), Some(ids.null()));
        assert!(ids.null().is_null() && !ids.version("v1").unwrap().is_null());
        for id in [None, Some(""), Some("null")] {
            assert_eq!(answered_version(id), None, "{id:?}");
        }
        assert_eq!(answered_version(Some("v1")), Some("v1"));
    }

    #[test]
    fn only_a_refusal_that_speaks_of_the_key_is_one_of_the_key() {
        use WithoutKey::{KeyNeeded, Unclear};
        for status in [400, 403, 404] {
            assert_eq!(UnderKey::of_refusal(status, KeyNeeded), Some(UnderKey::Refused));
        }
        for status in [301, 405, 408, 412, 429, 500, 501, 503] {
            assert_eq!(UnderKey::of_refusal(status, KeyNeeded), None, "{status}");
        }
        // Without rights everything is forbidden.
        assert_eq!(UnderKey::of_refusal(403, Unclear), None);
    }

    fn judge(
        key_is_unique: bool,
        without_key: WithoutKey<'_>,
        under_key: UnderKey,
        record: Option<&str>,
    ) -> Remains {
        let records = ["v1.ours".to_owned(), "v1.pending".to_owned()];
        let mut tags = vec![("another".to_owned(), "v1.ours".to_owned())];
        tags.extend(record.map(|record| (TAG_KEY.to_owned(), record.to_owned())));
        let write = WriteMarks { records: &records, plain_etag: "e1", key_is_unique };
        Observation { without_key, under_key, tags: &tags }.judge(&write)
    }

    #[test]
    fn only_the_record_makes_a_plaintext_ours() {
        use UnderKey::Unconfirmed;
        let readable = |etag, record| judge(true, WithoutKey::Readable(etag), Unconfirmed, record);
        assert_eq!(readable("e1", Some("v1.ours")), Remains::OursInPlaintext);
        assert_eq!(readable("e2", Some("v1.pending")), Remains::OursInPlaintext);
        // Another client's identical file, and one whose tags cannot be read.
        assert_eq!(readable("e1", Some("v1.theirs")), Remains::PerhapsOurs);
        assert_eq!(readable("e1", None), Remains::PerhapsOurs);
        assert_eq!(readable("e2", Some("v1.theirs")), Remains::NotOurs);
        assert_eq!(readable("e2", None), Remains::NotOurs);
        assert_eq!(judge(true, WithoutKey::Absent, Unconfirmed, None), Remains::NotOurs);
    }

    #[test]
    fn an_unclear_refusal_proves_no_encryption() {
        for under_key in [UnderKey::Confirmed, UnderKey::Unconfirmed, UnderKey::Refused] {
            let unclear = |record| judge(true, WithoutKey::Unclear, under_key, record);
            assert_eq!(unclear(Some("v1.ours")), Remains::PerhapsOurs, "{under_key:?}");
            assert_eq!(unclear(None), Remains::PerhapsOurs, "{under_key:?}");
            assert_eq!(unclear(Some("v1.theirs")), Remains::NotOurs, "{under_key:?}");
        }
    }

    #[test]
    fn an_encrypted_object_is_ours_if_its_key_or_its_record_is() {
        use UnderKey::{Confirmed, Refused, Unconfirmed};
        let needed =
            |unique, under_key, record| judge(unique, WithoutKey::KeyNeeded, under_key, record);
        for record in [None, Some("v1.ours"), Some("v1.theirs")] {
            assert_eq!(needed(true, Confirmed, record), Remains::OursEncrypted, "{record:?}");
            assert_eq!(needed(true, Refused, record), Remains::NotOurs, "{record:?}");
        }
        assert_eq!(needed(false, Confirmed, Some("v1.ours")), Remains::OursEncrypted);
        assert_eq!(needed(false, Confirmed, Some("v1.theirs")), Remains::NotOurs);
        assert_eq!(needed(false, Confirmed, None), Remains::PerhapsOurs, "one key, many objects");
        assert_eq!(needed(true, Unconfirmed, Some("v1.ours")), Remains::PerhapsOurs);
        assert_eq!(needed(true, Unconfirmed, None), Remains::PerhapsOurs);
        assert_eq!(needed(true, Unconfirmed, Some("v1.theirs")), Remains::NotOurs);
    }

    #[test]
    fn each_leftover_has_words_of_its_own() {
        use Leftover::{Arrived, NotFound, Nothing, Perhaps, Unknown};
        let all = [Nothing, NotFound, Arrived, Unknown, Perhaps];
        let codes = all.map(|left| (left.code(), left.words()));
        assert_eq!(
            codes.map(|(code, _)| code),
            ["nothing", "not-found", "arrived", "unknown", "perhaps"]
        );
        let words = codes.iter().map(|(_, words)| words);
        assert_eq!(words.collect::<std::collections::BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn an_upload_is_ours_only_by_both_refusals() {
        let judge = |under_key, under_random| UploadProbe { under_key, under_random }.judge();
        let (digest, key) = ((400, Some("BadDigest")), (400, Some("InvalidArgument")));
        assert_eq!(judge(digest, key), UploadOwner::ThisKey);
        assert_eq!(judge(digest, digest), UploadOwner::Other, "plaintext");
        assert_eq!(judge(key, key), UploadOwner::Other, "another key");
        assert_eq!(judge(key, digest), UploadOwner::Unknown);
        assert_eq!(judge((200, None), key), UploadOwner::Unknown, "the digest was not checked");
        assert_eq!(judge(digest, (404, Some("NoSuchUpload"))), UploadOwner::Unknown);
        assert_eq!(judge(digest, (503, Some("SlowDown"))), UploadOwner::Unknown);
    }
}
