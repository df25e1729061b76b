//! Verdicts as JSON.

use super::json::Json;
use crate::error::Coded as _;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::removal::Leftover;
use s3_ssec_core::transfer::{
    Answer, CompleteVerdict, PartsHalt, PartsVerdict, PutVerdict, RecordPlace, ScratchLeft, Stored,
    TrialEnd, TrialVerdict,
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

/// The `TransferVerdict` of a trial. A scratch object that is left is in its words.
pub(super) fn of_trial(TrialVerdict { end, left }: TrialVerdict) -> String {
    let mut verdict = match end {
        TrialEnd::Proved { tags_kept } => {
            let mut proved = Json::of("end", "proved");
            if let Some(is_kept) = tags_kept {
                proved.flag("tagsKept", is_kept);
            }
            proved
        }
        TrialEnd::NotProved(error) => of_error(error),
        TrialEnd::Refused(answer) => of_refusal(&answer),
        TrialEnd::Unanswered => Json::of("end", "unanswered"),
        TrialEnd::NoScratch => Json::of("end", "no-nonce"),
    };
    // Where no write was answered there may be nothing.
    if let Some(ScratchLeft { name, is_stored: true }) = left {
        let mut words = name.to_string();
        words.insert_str(0, "The trial object ");
        words.push_str(" could not be removed.");
        verdict.text("words", &words);
    }
    verdict.end()
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
    left(of_refusal(answer), leftover, leftover != Leftover::Nothing)
}

#[inline(never)]
fn of_refusal(answer: &Answer) -> Json {
    let mut refused = Json::of("end", "refused");
    refused.number("status", answer.status.into());
    // Others of the order may be refused with the same status; a body names its request.
    refused.text("body", std::str::from_utf8(&answer.body).unwrap_or_default());
    refused
}

#[inline(never)]
fn not_proved(error: EchoError, leftover: Leftover) -> String {
    left(of_error(error), leftover, true)
}

#[inline(never)]
fn of_error(error: EchoError) -> Json {
    let mut not_proved = Json::of("end", "not-proved");
    not_proved.text("code", error.code());
    not_proved.text("what", &error.to_string());
    not_proved
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
