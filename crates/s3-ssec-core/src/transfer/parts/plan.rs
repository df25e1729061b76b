//! The plan and the verdict of an upload in parts.

use super::PartsSource;
use crate::echo::EchoError;
use crate::journal::UploadJournal;
use crate::names::ObjectName;
use crate::plan::MultipartPlan;
use crate::removal::Leftover;
use crate::transfer::put::Stored;
use crate::transfer::task::{Answer, Condition, KeyFacts};
use std::collections::{BTreeMap, BTreeSet};

/// A multipart upload.
#[derive(Clone, Debug)]
pub struct PartsPlan {
    /// The object.
    pub name: ObjectName,
    /// Its content.
    pub source: PartsSource,
    /// The caller's own tags.
    pub tags: Vec<(String, String)>,
    /// The condition under which it is stored.
    pub condition: Condition,
    /// Parts that are handed out at a time.
    pub at_once: usize,
    /// What becomes of the upload if it fails.
    pub on_failure: OnFailure,
    /// An earlier upload of this source to this name.
    pub before: Option<Before>,
}

/// What becomes of an upload that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// It stays, with its journal: a person decides.
    Keep,
    /// It stays where a later run can go on with it; else it is aborted.
    KeepIfItMayPass,
    /// It is aborted: nobody can send the rest.
    TakeBack,
}

/// An upload that broke off, as its journal has it.
#[derive(Clone, Debug)]
pub struct Before {
    /// The facts of its key, with the pending record. `None` if this run has another key: the upload is aborted.
    pub(super) key: Option<KeyFacts>,
    /// Its ID; `None` if it broke off around Create.
    pub(super) upload: Option<String>,
    /// Its parts; `None` if the source has another size now.
    pub(super) parts: Option<MultipartPlan>,
    /// The noted hash of each part that was sent.
    pub(super) sent: BTreeMap<u16, String>,
    /// The numbers of the parts that were stored.
    pub(super) stored: BTreeSet<u16>,
    pub(super) is_completing: bool,
}

impl Before {
    /// What a journal says. `size` is that of the source today, in bytes; `key` the facts of the journal's key and
    /// nonce, if this run has that key.
    pub fn of(journal: &UploadJournal, size: u64, key: Option<KeyFacts>) -> Self {
        let begun = &journal.begun;
        let parts = MultipartPlan::new(begun.size, begun.part_size).ok();
        Self {
            key,
            upload: journal.upload_id.clone(),
            parts: parts.filter(|_| begun.size == size),
            sent: journal.sent.clone(),
            stored: journal.stored.keys().copied().collect(),
            is_completing: journal.completing,
        }
    }
}

/// The end of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartsVerdict {
    /// It is stored, and the gateway confirmed its key. The second value is an earlier upload, whose creation was
    /// not answered.
    Stored(Stored, UploadLeft),
    /// It is not, or not known to be.
    Failed(PartsHalt, PartsLeft),
}

/// The remains of a multipart upload that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsLeft {
    /// The object.
    pub object: Leftover,
    /// The upload.
    pub upload: UploadLeft,
}

/// An upload that was created, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadLeft {
    /// Completed, aborted, or never created.
    Gone,
    /// It is there on purpose, and its journal with it.
    Kept,
    /// It could not be aborted.
    Open,
    /// The answer to Create did not come: there may be one whose upload ID is not known.
    Unknown,
}

impl UploadLeft {
    /// This, or what another one leaves.
    pub(super) fn or(self, other: Self) -> Self {
        if self == UploadLeft::Gone { other } else { self }
    }
}

/// Why an upload ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartsHalt {
    /// The name is taken, and the upload was to replace nothing.
    Exists,
    /// The gateway refused a request.
    Refused(Answer),
    /// The gateway did not confirm the key.
    NotProved(EchoError),
    /// No usable answer came.
    Unanswered,
    /// The source could not be read to its end as it was, or this machine cannot send.
    SourceFailed,
    /// The source is not what it was when the upload broke off.
    OtherContent,
    /// The gateway does not know the upload that broke off, and its object is not there.
    UploadGone,
    /// Another writer replaced the object before it was described.
    Overwritten,
    /// It is stored and encrypted, and its record is nowhere: without a note of the nonce nothing opens it.
    Unrecorded,
    /// It was cancelled.
    Stopped,
    /// This machine could not draw a nonce.
    NoNonce,
}

impl PartsHalt {
    pub(super) fn nothing_left(self) -> PartsVerdict {
        self.leaving(Leftover::Nothing, UploadLeft::Gone)
    }

    pub(super) fn leaving(self, object: Leftover, upload: UploadLeft) -> PartsVerdict {
        PartsVerdict::Failed(self, PartsLeft { object, upload })
    }
}
