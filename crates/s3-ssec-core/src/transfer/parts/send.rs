//! The parts on their way: some at a time, each until its answer is there.

use super::source::Spans;
use super::{PartsHalt, Upload};
use crate::advice;
use crate::echo::verify_echo;
use crate::error_response::ErrorResponse;
use crate::transfer::TaskId;
use crate::transfer::task::{Answer, Body, Call, JournalStep, NoAnswer, Operation, Outcome, Task};
use std::collections::BTreeMap;

/// Parts that are at the gateway.
pub(super) struct Sent {
    /// In the order of their numbers.
    pub(super) etags: Vec<String>,
    /// Bytes.
    pub(super) size: u64,
}

/// A part on its way.
#[derive(Clone)]
struct Part {
    number: u16,
    body: Body,
    attempt: u32,
}

/// A task that is out.
enum Out {
    Send(Part),
    /// The pause before the next attempt.
    Pause(Part),
    /// The gateway holds it, under this ETag.
    Hash(u16, String),
    Note,
}

impl Upload<'_> {
    /// Sends what is missing, and hashes the rest. Parts that are out are waited for, whatever halted the
    /// upload: an abort would race them.
    pub(super) async fn send_parts(&self) -> Result<Sent, PartsHalt> {
        let (out, etags) = (BTreeMap::new(), BTreeMap::new());
        let mut sending = Sending { upload: self, out, etags, halt: None };
        let mut spans = Spans::of(&self.source);
        loop {
            while sending.has_room() {
                match spans.next(self.order.link).await {
                    Ok(Some((number, span))) => {
                        let body = Body::Range { offset: span.offset, length: span.length };
                        sending.begin(Part { number, body, attempt: 1 });
                    }
                    Ok(None) => break,
                    Err(halt) => sending.halt(halt),
                }
            }
            let Some((id, outcome)) = self.order.link.next_of(&sending.out).await else { break };
            sending.take(id, outcome);
            if self.order.link.is_cancelled() {
                sending.halt(PartsHalt::Stopped);
            }
        }
        match sending.halt {
            Some(halt) => Err(halt),
            None => Ok(Sent { etags: sending.etags.into_values().collect(), size: spans.size() }),
        }
    }
}

struct Sending<'a, 'u> {
    upload: &'a Upload<'u>,
    out: BTreeMap<TaskId, Out>,
    etags: BTreeMap<u16, String>,
    halt: Option<PartsHalt>,
}

impl Sending<'_, '_> {
    fn has_room(&self) -> bool {
        let flying = self.out.values().filter(|out| !matches!(out, Out::Note)).count();
        self.halt.is_none() && flying < self.upload.order.plan.at_once.max(1)
    }

    /// The first halt counts.
    fn halt(&mut self, halt: PartsHalt) {
        self.halt.get_or_insert(halt);
    }

    fn start(&mut self, task: Task, out: Out) {
        let id = self.upload.order.link.start(task);
        self.out.insert(id, out);
    }

    fn begin(&mut self, part: Part) {
        let number = part.number;
        match self.upload.agreed.get(&number) {
            Some(etag) => {
                let same_as = self.upload.sent.get(&number).cloned();
                let hash = Task::Hash { number, body: part.body, same_as };
                self.start(hash, Out::Hash(number, etag.clone()));
            }
            None => self.send(part),
        }
    }

    fn send(&mut self, part: Part) {
        let (upload, number, body) = (self.upload.id.clone(), part.number, part.body.clone());
        let same_as = self.upload.sent.get(&number).cloned();
        let operation = Operation::Part { upload, number, body, same_as };
        let name = self.upload.order.plan.name.clone();
        let call = Call { name, key: Some(self.upload.key.key), operation };
        self.start(Task::Call(call), Out::Send(part));
    }

    fn take(&mut self, id: TaskId, outcome: Outcome) {
        match self.out.remove(&id) {
            Some(Out::Send(part)) => match self.judge(outcome) {
                Ok(Some(etag)) => self.stored(part.number, etag),
                Ok(None) if part.attempt < self.upload.order.link.attempts() => self.pause(part),
                Ok(None) => self.halt(PartsHalt::Unanswered),
                Err(halt) => self.halt(halt),
            },
            Some(Out::Pause(part)) if self.halt.is_none() => self.send(part),
            Some(Out::Hash(number, etag)) => match outcome {
                Outcome::Hashed => drop(self.etags.insert(number, etag)),
                Outcome::OtherContent => self.halt(PartsHalt::OtherContent),
                Outcome::Abandoned => self.halt(PartsHalt::Stopped),
                _ => self.halt(PartsHalt::SourceFailed),
            },
            Some(Out::Pause(_) | Out::Note) | None => {}
        }
    }

    fn pause(&mut self, part: Part) {
        if self.halt.is_some() {
            return;
        }
        let ms = self.upload.order.link.pause_of(part.attempt);
        let part = Part { attempt: part.attempt + 1, ..part };
        self.start(Task::Sleep { ms }, Out::Pause(part));
    }

    fn stored(&mut self, number: u16, etag: String) {
        self.etags.insert(number, etag.clone());
        self.start(Task::Journal(JournalStep::Stored { number, etag }), Out::Note);
    }

    /// The ETag of a part; `None` if no usable answer came.
    fn judge(&self, outcome: Outcome) -> Result<Option<String>, PartsHalt> {
        match outcome {
            Outcome::Answer(answer) if answer.is_success() => self.judge_stored(&answer),
            Outcome::Answer(answer) if is_other_body(&answer) => Err(PartsHalt::SourceFailed),
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Err(PartsHalt::Refused(answer))
            }
            Outcome::Answer(_) | Outcome::NoAnswer(NoAnswer::NotSent | NoAnswer::MaybeExecuted) => {
                Ok(None)
            }
            Outcome::NoAnswer(NoAnswer::Silent) => Err(PartsHalt::Unanswered),
            Outcome::OtherContent => Err(PartsHalt::OtherContent),
            Outcome::Failed => Err(PartsHalt::SourceFailed),
            _ => Err(PartsHalt::Stopped),
        }
    }

    fn judge_stored(&self, answer: &Answer) -> Result<Option<String>, PartsHalt> {
        let (Ok(etag), Ok(echo)) = (answer.etag(), answer.echo()) else { return Ok(None) };
        match verify_echo(self.upload.key.md5, &echo) {
            Ok(_) if etag.is_empty() => Ok(None),
            Ok(_) => Ok(Some(etag)),
            Err(error) => Err(PartsHalt::NotProved(error)),
        }
    }
}

/// True if the bytes that arrived are not those that were hashed: the source changed in between.
fn is_other_body(answer: &Answer) -> bool {
    let error = ErrorResponse::parse(&answer.body);
    error.is_some_and(|error| error.code == "XAmzContentSHA256Mismatch")
}
