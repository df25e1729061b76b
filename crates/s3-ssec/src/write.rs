//! What every write shares: its options, its result, its errors, and taking back what is not proved.

use crate::call::{Broken, CallError};
use crate::client::{Client, WithoutKey};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::echo::{EchoError, EchoVerified};
use s3_ssec_core::key::{Fingerprint, RandomError};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::TooLarge;
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
    /// In the object's tag, complete.
    InTag,
    /// The gateway takes no tags from us: only the local ledger knows the nonce.
    InLedgerOnly,
}

/// What became of an object whose encryption could not be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing was stored, or what was stored has been removed.
    Nothing,
    /// It may still be there: it could not be told from somebody else's object.
    Perhaps,
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
        /// What is left of it.
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
    /// Interrupted on request; the upload was abandoned.
    #[error("interrupted")]
    Stopped,
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

fn leftover_text(leftover: Leftover) -> &'static str {
    match leftover {
        Leftover::Nothing => "; nothing was left behind",
        Leftover::Perhaps => "; an object of that name may be there in the clear",
    }
}

impl PutError {
    /// True if the same upload may well succeed later: the gateway was not reached, or is out of
    /// order. Its journal is kept, so that it goes on where it broke off.
    pub fn may_pass_later(&self) -> bool {
        match self {
            PutError::Call(CallError::Broken(Broken::Silent(_) | Broken::Connection(_))) => true,
            PutError::Call(error) => error.status().is_some_and(|status| status >= 500),
            _ => false,
        }
    }
}

impl Client {
    /// Removes an object that was just written without proof.
    ///
    /// By its version where there is one. Else only when HEAD without a key hands it out and its
    /// ETag is the one we would have made: otherwise it could be somebody else's good object.
    /// (DELETE with If-Match is no guard: RGW 16 and 18 ignore it.)
    pub(crate) async fn take_back(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        expected_etag: &str,
    ) -> Leftover {
        let removed = match version {
            Some(version) => self.delete(name, Some(version)).await.is_ok(),
            None => match self.head_without_key(name, None).await {
                Ok(WithoutKey::Absent) => true,
                Ok(WithoutKey::Readable(head)) if head.etag == expected_etag => {
                    self.delete(name, None).await.is_ok()
                }
                _ => false,
            },
        };
        if removed { Leftover::Nothing } else { Leftover::Perhaps }
    }
}
