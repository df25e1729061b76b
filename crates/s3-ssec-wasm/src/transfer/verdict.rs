//! Verdicts as JSON.

use super::json::Json;
use crate::error::Coded as _;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::removal::Leftover;
use s3_ssec_core::transfer::{
    Answer, CompleteVerdict, PartsHalt, PartsVerdict, PutVerdict, RecordPlace, Stored,
};

/// The `TransferVerdict` of an upload in one request.
pub(super) fn of_put(verdict: PutVerdict) -> String {
    match verdict {
        PutVerdict::Stored(object) => stored(object),
        PutVerdict::Exists => end("exists"),
        PutVerdict::Refused { answer, leftover } => refused(&answer, leftover),
        PutVerdict::NotProved { error, leftover } => not_proved(error, leftover),
        PutVerdict::Unrecorded => end("unrecorded"),
        PutVerdict::Unanswered(leftover) => leaving("unanswered", leftover),
        PutVerdict::Stopped(leftover) => leaving("stopped", leftover),
        PutVerdict::NoNonce => end("no-nonce"),
    }
}

/// The `TransferVerdict` of the end of an upload in parts.
pub(super) fn of_complete(verdict: CompleteVerdict) -> String {
    match verdict {
        CompleteVerdict::Stored(object) => stored(object),
        CompleteVerdict::Exists => end("exists"),
        CompleteVerdict::Refused { answer, object } => refused(&answer, object),
        CompleteVerdict::NotProved { error, object } => not_proved(error, object),
        CompleteVerdict::Overwritten => end("overwritten"),
        CompleteVerdict::Unrecorded => end("unrecorded"),
        CompleteVerdict::Unanswered(object) => leaving("unanswered", object),
        CompleteVerdict::Stopped(object) => leaving("stopped", object),
    }
}

/// The `TransferVerdict` of an upload in parts. Whether the upload itself is left, its journal says.
pub(super) fn of_parts(verdict: PartsVerdict) -> String {
    let (halt, object) = match verdict {
        PartsVerdict::Stored(object, _) => return stored(object),
        PartsVerdict::Failed(halt, left) => (halt, left.object),
    };
    match halt {
        PartsHalt::Exists => end("exists"),
        PartsHalt::Refused(answer) => refused(&answer, object),
        PartsHalt::NotProved(error) => not_proved(error, object),
        PartsHalt::Unanswered => leaving("unanswered", object),
        PartsHalt::SourceFailed => end("source-failed"),
        PartsHalt::OtherContent => end("other-content"),
        PartsHalt::UploadGone => end("upload-gone"),
        PartsHalt::Overwritten => end("overwritten"),
        PartsHalt::Unrecorded => end("unrecorded"),
        PartsHalt::Stopped => leaving("stopped", object),
        PartsHalt::NoNonce => end("no-nonce"),
    }
}

#[inline(never)]
fn end(end: &str) -> String {
    Json::of("end", end).end()
}

#[inline(never)]
fn stored(object: Stored) -> String {
    let mut stored = Json::of("end", "stored");
    stored.flag("isInTag", object.record == RecordPlace::Tag);
    if let Some(id) = object.version_id {
        stored.text("versionId", &id);
    }
    stored.end()
}

#[inline(never)]
fn refused(answer: &Answer, leftover: Leftover) -> String {
    let mut refused = Json::of("end", "refused");
    refused.number("status", answer.status.into());
    left(refused, leftover, leftover != Leftover::Nothing)
}

#[inline(never)]
fn not_proved(error: EchoError, leftover: Leftover) -> String {
    let mut not_proved = Json::of("end", "not-proved");
    not_proved.text("code", error.code());
    not_proved.text("what", &error.to_string());
    left(not_proved, leftover, true)
}

#[inline(never)]
fn leaving(end: &str, leftover: Leftover) -> String {
    left(Json::of("end", end), leftover, leftover != Leftover::Nothing)
}

/// Adds the remains; in words too, where there may be any, or something was stored.
fn left(mut verdict: Json, leftover: Leftover, in_words: bool) -> String {
    verdict.text("leftover", leftover.code());
    if in_words {
        verdict.text("words", leftover.words());
    }
    verdict.end()
}
