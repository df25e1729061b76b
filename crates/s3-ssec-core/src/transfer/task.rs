//! Tasks that a machine hands out, and their outcomes.

use crate::derive::Nonce;
use crate::echo::KeyEcho;
use crate::headers::{ALGORITHM, KEY_MD5, TargetKeyHeaders};
use crate::key::Kind;
use crate::keyring::Seal;
use crate::md5::KeyMd5;
use crate::names::ObjectName;
use crate::record::Record;
use crate::removal::TrustedVersion;
use std::collections::{BTreeMap, BTreeSet};

/// One thing to do for a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Sends a request. The executor does not repeat it: a second PUT or Complete that the machine does
    /// not know of would falsify what it concludes.
    Call(Call),
    /// Draws a nonce for a write and derives its key. The outcome is [`Outcome::Key`].
    DrawKey {
        /// The object to write.
        name: ObjectName,
        /// True if the content is known by now, and its record complete; else the record is pending.
        is_described: bool,
    },
    /// Reads the next bytes of a source that can be read once, and keeps them until [`JournalStep::Stored`]. The
    /// outcome is [`Outcome::Read`].
    Read {
        /// The number of the part that they are for, from 1.
        number: u16,
        /// Where they begin.
        offset: u64,
        /// How many, at most.
        length: u64,
    },
    /// Hashes a part that the gateway holds. The outcome is [`Outcome::Hashed`] or [`Outcome::OtherContent`].
    Hash {
        /// Its number, from 1.
        number: u16,
        /// Its content.
        body: Body,
        /// The noted hash that it must have: see [`Operation::Part`].
        same_as: Option<String>,
    },
    /// Compares the parts that the gateway lists with those that the journal notes as stored. The outcome is
    /// [`Outcome::Agreed`].
    Compare {
        /// The ETag of each part, by number.
        listed: BTreeMap<u16, String>,
    },
    /// Makes the complete record of the content that was sent or hashed. The outcome is [`Outcome::Described`].
    Describe {
        /// The key of the write.
        key: KeyRef,
    },
    /// Notes a step of an upload in its journal. The outcome is [`Outcome::Noted`], or [`Outcome::Failed`] where a
    /// later run could not go on from there.
    Journal(JournalStep),
    /// Keeps a record of `name` on this machine, before the request that may make it the only copy.
    Note {
        /// The object.
        name: ObjectName,
        /// The value of its tag.
        record: String,
        /// How far the write is.
        stage: Stage,
    },
    /// Draws a new name beside `beside` that no other client uses, and a key that is thrown away afterwards, and
    /// notes the name on the disk: a trial that is killed leaves something there. The outcome is
    /// [`Outcome::Scratch`].
    OpenScratch {
        /// The object beside which it is.
        beside: ObjectName,
    },
    /// Forgets the note of a scratch object: nothing of it is left.
    CloseScratch {
        /// The scratch object.
        name: ObjectName,
    },
    /// Waits.
    Sleep {
        /// Milliseconds.
        ms: u64,
    },
}

/// A request, without its key, its date and its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The object.
    pub name: ObjectName,
    /// The key in its headers, by name. `None` for a request without a key.
    pub key: Option<KeyRef>,
    /// The rest.
    pub operation: Operation,
}

/// A request, apart from its name and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// HeadObject.
    Head {
        /// The version; the newest without it.
        version: Option<TrustedVersion>,
    },
    /// GetObject of the first byte, or of the whole object, of whose body no more than an error document
    /// is kept.
    GetStart {
        /// The version; the newest without it.
        version: Option<TrustedVersion>,
        /// True for `Range: bytes=0-0`.
        ranged: bool,
    },
    /// GetObject of the first bytes, which are the body of the answer.
    GetSmall {
        /// The version; the newest without it.
        version: Option<TrustedVersion>,
        /// How many bytes, at most.
        length: u64,
    },
    /// PutObject.
    Put {
        /// The content.
        body: Body,
        /// The object's tags.
        tags: Vec<(String, String)>,
        /// Under which condition it replaces what is there.
        condition: Condition,
    },
    /// CreateMultipartUpload.
    Create {
        /// The object's tags.
        tags: Vec<(String, String)>,
    },
    /// UploadPart. An executor that keeps a journal notes the hash of the content before the first byte leaves.
    Part {
        /// The upload.
        upload: String,
        /// From 1.
        number: u16,
        /// Its content.
        body: Body,
        /// The hash of the content that was sent as this part before, as the journal notes it
        /// ([`keyed`](crate::journal::keyed)). Another content is not sent, for they share a key: the outcome is
        /// [`Outcome::OtherContent`].
        same_as: Option<String>,
    },
    /// UploadPart of nothing, with the Content-MD5 of something else: no gateway may store it. It is refused
    /// for its key where that is not the upload's, and else for its digest (measured on RGW 16, 18 and 20).
    WrongPart {
        /// The upload.
        upload: String,
    },
    /// ListParts, one page.
    ListParts {
        /// The upload.
        upload: String,
        /// After this part; from the first one on without it.
        after: Option<String>,
    },
    /// CompleteMultipartUpload.
    Complete {
        /// The upload.
        upload: String,
        /// The ETags of all parts, in their order.
        etags: Vec<String>,
        /// Under which condition it replaces what is there.
        condition: Condition,
    },
    /// AbortMultipartUpload.
    Abort {
        /// The upload.
        upload: String,
    },
    /// PutObjectTagging: replaces all tags.
    PutTags {
        /// The version; the newest without it.
        version: Option<TrustedVersion>,
        /// All tags.
        tags: Vec<(String, String)>,
    },
    /// GetObjectTagging.
    Tags {
        /// The version; the newest without it.
        version: Option<TrustedVersion>,
    },
    /// DeleteObject.
    Delete {
        /// The version; without it the object, which versions outlive.
        version: Option<TrustedVersion>,
    },
    /// GetBucketVersioning.
    Versioning,
    /// ListObjectVersions with the name as prefix, the first page.
    ListVersions,
    /// ListMultipartUploads with the name as prefix, the first page.
    ListUploads,
}

impl Operation {
    /// The name of the request in the S3 API.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::Head { .. } => "HeadObject",
            Operation::GetStart { .. } | Operation::GetSmall { .. } => "GetObject",
            Operation::Put { .. } => "PutObject",
            Operation::Create { .. } => "CreateMultipartUpload",
            Operation::Part { .. } | Operation::WrongPart { .. } => "UploadPart",
            Operation::ListParts { .. } => "ListParts",
            Operation::Complete { .. } => "CompleteMultipartUpload",
            Operation::Abort { .. } => "AbortMultipartUpload",
            Operation::PutTags { .. } => "PutObjectTagging",
            Operation::Tags { .. } => "GetObjectTagging",
            Operation::Delete { .. } => "DeleteObject",
            Operation::Versioning => "GetBucketVersioning",
            Operation::ListVersions => "ListObjectVersions",
            Operation::ListUploads => "ListMultipartUploads",
        }
    }
}

/// A content to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// These bytes of the source.
    Range {
        /// Where they begin.
        offset: u64,
        /// How many.
        length: u64,
    },
    /// These bytes.
    Bytes(Vec<u8>),
}

/// The condition of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It replaces what is there.
    Always,
    /// `If-None-Match: *`.
    OnlyIfAbsent,
    /// `If-Match`: it replaces the object of this ETag, without quotes, and no other.
    OnlyIf(String),
}

/// How far a write is whose record is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is about to be sent, and its tag is known to be kept: the note may reach the disk later.
    Begun,
    /// It is about to be sent, and this note may become the only copy of its record: it has to be on the
    /// disk when the task is done.
    BegunAlone,
    /// The gateway confirmed it.
    Confirmed {
        /// True if the object's tag was seen to hold the record.
        in_tag: bool,
    },
}

/// The name of a key that the executor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef {
    /// The writing key, for the version of this nonce.
    Write(Nonce),
    /// The key of a scratch object.
    Scratch,
    /// A random key under which nothing was written.
    Stranger,
}

/// The facts about a drawn key that are no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its name.
    pub key: KeyRef,
    /// The MD5 that the gateway has to echo.
    pub md5: KeyMd5,
    /// The kind of the person's key: a direct key opens other objects too.
    pub kind: Kind,
    /// The record of the content under this key, complete or pending.
    pub record: String,
}

impl KeyFacts {
    /// The facts about the key of a write whose record is now this one.
    pub fn of(seal: &Seal<'_>, headers: &TargetKeyHeaders, record: &Record) -> Self {
        Self {
            key: KeyRef::Write(seal.nonce()),
            md5: headers.key_md5(),
            kind: seal.key().kind(),
            record: record.to_string(),
        }
    }
}

/// A step of an upload in parts, for its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalStep {
    /// It is about to be created. An earlier journal of the same source and object ends here.
    Begun,
    /// It was created, and its key proved by the echo.
    Created {
        /// Its ID.
        upload: String,
    },
    /// The gateway holds a part. Nothing waits for this note.
    Stored {
        /// Its number, from 1.
        number: u16,
        /// Its ETag, without quotes.
        etag: String,
    },
    /// It is about to be completed.
    Completing {
        /// The complete record.
        record: String,
    },
    /// Nothing is left to go on from.
    Over,
}

/// The description of a content that was sent in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The complete record.
    pub record: String,
    /// The ETag that the object would have in plaintext: of the MD5s of its parts.
    pub plain_etag: String,
}

/// The outcome of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway answered.
    Answer(Answer),
    /// It did not.
    NoAnswer(NoAnswer),
    /// A key was drawn, for a [`KeyRef::Write`].
    Key(KeyFacts),
    /// The content was described.
    Described(Description),
    /// The next bytes of the source are there.
    Read {
        /// How many.
        length: u64,
        /// True if the source ends with them.
        is_last: bool,
    },
    /// A part was hashed.
    Hashed,
    /// The source is not what it was when the part was sent before. It can be read, and has not changed since
    /// this upload began.
    OtherContent,
    /// The numbers of the parts whose ETag the journal notes.
    Agreed(BTreeSet<u16>),
    /// The record is kept, as safely as asked for.
    Noted,
    /// A scratch object. Its record is not used.
    Scratch {
        /// Its name.
        name: ObjectName,
        /// Its key.
        key: KeyFacts,
    },
    /// The time has passed.
    Slept,
    /// This machine could not do it, and could not a moment later: no nonce, no place to note anything, no
    /// credentials, a certificate that is not accepted.
    Failed,
    /// It was given up after [`Machine::cancel`](super::Machine::cancel).
    Abandoned,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoAnswer {
    /// No byte of the request left this machine.
    NotSent,
    /// The gateway may execute it, now or later.
    MaybeExecuted,
    /// As `MaybeExecuted`, and the executor has waited for as long as it waits: the same request would take
    /// as long again.
    Silent,
}

/// An answer as it came: nothing of it is judged yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// All headers, doubled ones too, with names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The start of the body, of errors and of small documents.
    pub body: Vec<u8>,
}

/// A header that cannot be believed: it is there twice, or is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a header of the answer cannot be read")]
pub struct Unreadable;

impl Answer {
    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header that may be there once.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Unreadable> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => std::str::from_utf8(value).map(Some).map_err(|_| Unreadable),
            (Some(_), Some(_)) => Err(Unreadable),
        }
    }

    /// The echo of the customer key.
    pub fn echo(&self) -> Result<KeyEcho, Unreadable> {
        Ok(KeyEcho::new(self.header(ALGORITHM)?, self.header(KEY_MD5)?))
    }

    /// The ETag without its quotes; empty if there is none.
    pub fn etag(&self) -> Result<String, Unreadable> {
        Ok(self.header("etag")?.unwrap_or_default().trim_matches('"').to_owned())
    }

    /// The version ID, unless it is empty.
    pub fn version_id(&self) -> Result<Option<String>, Unreadable> {
        let id = self.header("x-amz-version-id")?;
        Ok(id.filter(|id| !id.is_empty()).map(str::to_owned))
    }
}
