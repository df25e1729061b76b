//! What every write shares: its options, its result, its errors, and taking back what is not proved.

use crate::call::{CallError, Reached};
use aws_sdk_s3::types::StorageClass;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentDigest;
use s3_ssec_core::echo::{EchoError, EchoVerified};
use s3_ssec_core::key::{Fingerprint, RandomError};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::TooLarge;
use s3_ssec_core::record::{Content, KnownContent, Provenance};
use s3_ssec_core::removal;
use s3_ssec_core::transfer::Condition;
use std::io;
use std::path::PathBuf;

/// May an object of the same name be replaced?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Yes, as S3 does by default.
    #[default]
    Replace,
    /// No: `If-None-Match: *`, honoured by every gateway measured on PUT, and on Complete from 20.2.
    Keep,
}

/// Headers that a gateway keeps with an object and sends with its content, word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentHeaders {
    /// `Content-Type`, the MIME type; `application/octet-stream` where unset.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub disposition: Option<String>,
    /// `Content-Encoding`.
    pub encoding: Option<String>,
    /// `Content-Language`.
    pub language: Option<String>,
}

/// How to write an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PutOptions {
    /// MIME type and its companions.
    pub headers: ContentHeaders,
    /// User metadata: names without the `x-amz-meta-` prefix.
    pub metadata: Vec<(String, String)>,
    /// Tags besides the record. At most nine.
    pub tags: Vec<(String, String)>,
    /// What to do when the object exists.
    pub existing: Existing,
    /// Wanted size of a part in bytes; grown where 10,000 parts would not do.
    pub part_size: u64,
    /// Parts in flight, at most. It begins with 4 and takes more while that is faster.
    pub in_flight: usize,
    /// What else belongs to an object that is written anew.
    pub(crate) kept: Kept,
    /// The gateway was seen to keep the tags of such a write.
    pub(crate) tags_kept: bool,
}

/// What an object keeps when it is written anew under another key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// `Expires`, an HTTP date.
    pub(crate) expires: Option<String>,
    /// Its storage class, where that is not the usual one.
    pub(crate) storage_class: Option<String>,
    /// `If-Match`: the ETag, without quotes, of the only object that may be replaced.
    pub(crate) only: Option<String>,
    /// Where the digest of the content comes from; of the source that is uploaded where unset.
    pub(crate) provenance: Option<Provenance>,
}

impl Kept {
    /// The value of `If-Match`.
    pub(crate) fn if_match(&self) -> Option<String> {
        self.only.as_ref().map(|etag| format!("\"{etag}\""))
    }

    pub(crate) fn expires(&self) -> Option<DateTime> {
        DateTime::from_str(self.expires.as_deref()?, Format::HttpDate).ok()
    }

    pub(crate) fn class(&self) -> Option<StorageClass> {
        self.storage_class.as_deref().map(StorageClass::from)
    }
}

impl PutOptions {
    /// The condition under which the object is stored.
    pub(crate) fn condition(&self) -> Condition {
        match (&self.kept.only, self.existing) {
            (Some(etag), _) => Condition::OnlyIf(etag.clone()),
            (None, Existing::Keep) => Condition::OnlyIfAbsent,
            (None, Existing::Replace) => Condition::Always,
        }
    }

    /// The record's content for bytes of this size and digest.
    pub(crate) fn content(&self, size: u64, digest: ContentDigest) -> Content {
        let provenance = self.kept.provenance.unwrap_or(Provenance::Source);
        Content::Known(KnownContent { size, digest, provenance })
    }
}

impl Default for PutOptions {
    fn default() -> Self {
        Self {
            headers: ContentHeaders::default(),
            metadata: Vec::new(),
            tags: Vec::new(),
            existing: Existing::Replace,
            part_size: 64 << 20,
            in_flight: 16,
            kept: Kept::default(),
            tags_kept: false,
        }
    }
}

/// An object that was written, and proved to be encrypted under its customer key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Uploaded {
    /// The object.
    pub name: ObjectName,
    /// The version, on a versioned bucket.
    pub version_id: Option<String>,
    /// Size of the plaintext in bytes.
    pub size: u64,
    /// The ETag without quotes.
    pub etag: String,
    /// Which of the person's keys wrote it.
    pub key: Fingerprint,
    /// The nonce of this version.
    pub nonce: Nonce,
    /// Whether the object carries its record.
    pub record: RecordKept,
    /// Bytes that were at the gateway already, from an upload that broke off.
    pub continued: u64,
    /// The proof; without it this value cannot exist.
    pub proof: EchoVerified,
}

/// Where the record of a written object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKept {
    /// Complete, in the object's tag: read back from there, or sent with an object to a bucket whose trial
    /// saw tags kept. The ledger has it too.
    InTag,
    /// In the ledger of this machine alone, complete: the gateway keeps no tags of ours.
    InLedgerOnly,
}

/// What a write that did not succeed left at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leftover {
    /// Nothing was stored, or what was stored has been removed.
    Nothing,
    /// An object that is not proved to be encrypted may still be there: it could not be told from
    /// somebody else's.
    Perhaps,
    /// Its parts: the half-done upload could not be aborted.
    Upload,
    /// The scratch object of a trial, which could not be removed.
    Scratch,
    /// The object, whole and encrypted: it had arrived before the write was stopped.
    Arrived,
    /// Nothing by then; the gateway may have the whole request, and still be at work on it.
    MayArrive,
    /// Nobody knows: the gateway did not answer when it was asked.
    Unknown,
}

impl From<removal::Leftover> for Leftover {
    fn from(left: removal::Leftover) -> Self {
        match left {
            removal::Leftover::Nothing => Leftover::Nothing,
            removal::Leftover::NotFound => Leftover::MayArrive,
            removal::Leftover::Arrived => Leftover::Arrived,
            removal::Leftover::Unknown => Leftover::Unknown,
            removal::Leftover::Perhaps => Leftover::Perhaps,
        }
    }
}

impl Leftover {
    /// With what an earlier attempt of the same request may still leave.
    pub(crate) fn with_earlier(self, reached: &Reached) -> Self {
        match self {
            Leftover::Nothing if reached.is_unanswered() => Leftover::MayArrive,
            left => left,
        }
    }

    fn of(self, name: &ObjectName) -> String {
        match self {
            Leftover::Nothing => "nothing was left behind".to_owned(),
            Leftover::Perhaps => format!("{name} may be there in the clear"),
            Leftover::Upload => format!("the half-done upload of {name} could not be aborted"),
            Leftover::Scratch => format!("the trial object {name} could not be removed"),
            Leftover::Arrived => format!("{name} had arrived by then, encrypted"),
            Leftover::MayArrive => format!("{name} may still arrive, encrypted or not"),
            Leftover::Unknown => format!("{name} may have arrived by then"),
        }
    }
}

/// A write did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// The gateway refused, or was not reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The gateway took the write but did not prove that it encrypted.
    #[error("{name} is not proved to be encrypted: {error}{}", leftover_text(*.leftover))]
    NotProved {
        /// The object.
        name: ObjectName,
        /// What was missing.
        error: EchoError,
        /// The remains of it.
        leftover: Leftover,
    },
    /// The source could not be read.
    #[error("{path:?} cannot be read: {error}")]
    Source {
        /// The file, or `-`.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The source changed while it was read; the upload was abandoned.
    #[error("{path:?} changed while it was read")]
    SourceChanged {
        /// The file.
        path: PathBuf,
    },
    /// There is an object of that name, and it was to be kept.
    #[error("{0} exists already")]
    Exists(ObjectName),
    /// Someone else wrote the same name before the record was complete.
    #[error("{0} was overwritten by someone else while it was being finished")]
    Overwritten(ObjectName),
    /// Larger than an S3 object can be.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// Interrupted on request while the upload was being completed: the object may stand, its record
    /// does not. The journal is kept.
    #[error("interrupted before the record of {0} was complete")]
    Unfinished(ObjectName),
    /// Interrupted on request; the upload was abandoned, and nothing was left behind.
    #[error("interrupted")]
    Stopped,
    /// The upload of a large file broke off. Its journal is kept: the same upload goes on from there.
    #[error(transparent)]
    BrokenOff(CallError),
    /// It failed, and something is at the gateway, or may be, that was not taken back.
    #[error("{error}; {}", leftover.of(name))]
    Left {
        /// The object, or the scratch object of a trial.
        name: ObjectName,
        /// What is left.
        leftover: Leftover,
        /// Why the write failed.
        error: Box<PutError>,
    },
    /// The object is stored and encrypted, but its record is kept nowhere: its tag could not be read
    /// back, and there is no ledger that can be written.
    #[error(
        "{name} is stored and encrypted, but its record is lost: its tag cannot be read back, and there \
         is no ledger to keep it"
    )]
    Unrecorded {
        /// The object.
        name: ObjectName,
        /// The pending record as a line of a ledger. It is not secret, and with it the key opens the
        /// object.
        line: String,
    },
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// The MD5 of a content, as RGW has it in the ETag of one PUT.
pub(crate) fn md5_hex(content: &[u8]) -> String {
    use md5::Digest as _;
    md5::Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn leftover_text(leftover: Leftover) -> &'static str {
    match leftover {
        Leftover::Nothing => "; nothing was left behind",
        Leftover::Upload => "; its half-done upload could not be aborted",
        Leftover::Scratch => "; this trial object could not be removed",
        Leftover::Arrived => "; the object is there, and refused without its key",
        _ => "; an object of that name may be there in the clear",
    }
}

impl PutError {
    /// True if the same upload may well succeed later: the gateway was not reached, or is out of
    /// order.
    pub fn may_pass_later(&self) -> bool {
        match self {
            PutError::BrokenOff(_) => true,
            PutError::Call(error) => error.may_pass_later(),
            _ => false,
        }
    }

    /// Names what was not taken back.
    pub(crate) fn leaving(self, name: &ObjectName, leftover: Leftover) -> Self {
        match (self, leftover) {
            (error, Leftover::Nothing) => error,
            // What is not proved says in one place what is left of it.
            (PutError::NotProved { name, error, leftover: Leftover::Nothing }, leftover) => {
                PutError::NotProved { name, error, leftover }
            }
            (error, leftover) => {
                PutError::Left { name: name.clone(), leftover, error: Box::new(error) }
            }
        }
    }
}
