//! The plan and the verdict of the end of a multipart upload.

use super::put::Stored;
use super::task::{Answer, Condition, Description, KeyFacts};
use crate::echo::EchoError;
use crate::names::ObjectName;
use crate::removal::Leftover;

/// An upload whose parts are all at the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletePlan {
    /// The object.
    pub name: ObjectName,
    /// Its key, with its pending record.
    pub key: KeyFacts,
    /// The upload ID.
    pub upload: String,
    /// The ETags of all parts, in their order.
    pub etags: Vec<String>,
    /// Bytes of the content.
    pub size: u64,
    /// The description of the content.
    pub description: Description,
    /// The caller's own tags.
    pub tags: Vec<(String, String)>,
    /// The condition under which it is stored.
    pub condition: Condition,
}

/// The end of an upload whose parts were all at the gateway. Whether the upload is still there is not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompleteVerdict {
    /// It is stored, and the gateway confirmed its key.
    Stored(Stored),
    /// The name is taken, and the upload was to replace nothing.
    Exists,
    /// The gateway refused a request.
    Refused {
        /// The refusal.
        answer: Answer,
        /// The object.
        object: Leftover,
    },
    /// The gateway did not confirm the key.
    NotProved {
        /// Why there is no proof.
        error: EchoError,
        /// The object.
        object: Leftover,
    },
    /// Another writer replaced the object before it was described.
    Overwritten,
    /// It is stored and encrypted, and its record is nowhere: without a note of the nonce nothing opens it.
    Unrecorded,
    /// No usable answer came.
    Unanswered(Leftover),
    /// It was cancelled.
    Stopped(Leftover),
}
