//! Verdicts as JSON.

use crate::error::Coded as _;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::removal::Leftover;
use s3_ssec_core::transfer::{Answer, CompleteVerdict, PutVerdict, RecordPlace};
use serde_json::{Value, json};

/// The `TransferVerdict` of an upload in one request.
pub(super) fn of_put(verdict: PutVerdict) -> Value {
    match verdict {
        PutVerdict::Stored { record, version_id, .. } => stored(record, version_id),
        PutVerdict::Exists => end("exists"),
        PutVerdict::Refused { answer, leftover } => refused(&answer, leftover),
        PutVerdict::NotProved { error, leftover } => not_proved(error, leftover),
        PutVerdict::Unrecorded(_) => end("unrecorded"),
        PutVerdict::Unanswered(leftover) => left(end("unanswered"), leftover),
        PutVerdict::Stopped(leftover) => left(end("stopped"), leftover),
        PutVerdict::NoNonce => end("no-nonce"),
    }
}

/// The `TransferVerdict` of the end of an upload in parts.
pub(super) fn of_complete(verdict: CompleteVerdict) -> Value {
    match verdict {
        CompleteVerdict::Stored { record, version_id, .. } => stored(record, version_id),
        CompleteVerdict::Exists => end("exists"),
        CompleteVerdict::Refused { answer, object } => refused(&answer, object),
        CompleteVerdict::NotProved { error, object } => not_proved(error, object),
        CompleteVerdict::Overwritten => end("overwritten"),
        CompleteVerdict::Unrecorded => end("unrecorded"),
        CompleteVerdict::Unanswered(object) => left(end("unanswered"), object),
        CompleteVerdict::Stopped(object) => left(end("stopped"), object),
    }
}

fn end(end: &str) -> Value {
    json!({ "end": end })
}

fn stored(record: RecordPlace, version_id: Option<String>) -> Value {
    let mut stored = end("stored");
    stored["isInTag"] = json!(record == RecordPlace::Tag);
    if let Some(id) = version_id {
        stored["versionId"] = json!(id);
    }
    stored
}

fn refused(answer: &Answer, leftover: Leftover) -> Value {
    let mut refused = end("refused");
    refused["status"] = json!(answer.status);
    left(refused, leftover)
}

fn not_proved(error: EchoError, leftover: Leftover) -> Value {
    let mut not_proved = end("not-proved");
    not_proved["code"] = json!(error.code());
    not_proved["what"] = json!(error.to_string());
    not_proved["words"] = json!(leftover.words());
    left(not_proved, leftover)
}

/// Adds the remains; in words too, where there may be any.
fn left(mut verdict: Value, leftover: Leftover) -> Value {
    verdict["leftover"] = json!(leftover.code());
    if leftover != Leftover::Nothing {
        verdict["words"] = json!(leftover.words());
    }
    verdict
}
