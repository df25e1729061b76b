//! A multipart upload: every step under the key, the record completed last.

use super::ask::{Ask, Unheard};
use super::before::{BeforeWrite, look_first, note};
use super::complete::complete_parts;
use super::completion::{CompletePlan, CompleteVerdict};
use super::link::Link;
use super::put::Stored;
use super::task::{
    Answer, Body, Call, Condition, KeyFacts, NoAnswer, Operation, Outcome, Stage, Task, Unreadable,
};
use crate::advice;
use crate::echo::{EchoError, verify_echo};
use crate::error_response::ErrorResponse;
use crate::names::ObjectName;
use crate::plan::MultipartPlan;
use crate::record::TAG_KEY;
use crate::removal::Leftover;
use crate::transfer::TaskId;
use std::collections::BTreeMap;

/// A multipart upload of a source of known size.
#[derive(Clone, Debug)]
pub struct PartsPlan {
    /// The object.
    pub name: ObjectName,
    /// The parts.
    pub parts: MultipartPlan,
    /// The caller's own tags.
    pub tags: Vec<(String, String)>,
    /// The condition under which it is stored.
    pub condition: Condition,
    /// Parts that are handed out at a time.
    pub at_once: usize,
}

/// The remains of a multipart upload that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartsLeft {
    /// The object.
    pub object: Leftover,
    /// The upload.
    pub upload: UploadLeft,
}

/// The upload that was created, at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadLeft {
    /// Completed, aborted, or never created.
    Gone,
    /// It could not be aborted. Its upload ID.
    Open(String),
    /// The answer to Create did not come: there may be one whose upload ID is not known.
    Unknown,
}

/// The end of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartsVerdict {
    /// It is stored, and the gateway confirmed its key.
    Stored(Stored),
    /// The name is taken, and the upload was to replace nothing.
    Exists(UploadLeft),
    /// The gateway refused a request.
    Refused {
        /// The refusal.
        answer: Answer,
        /// The remains.
        left: PartsLeft,
    },
    /// The gateway did not confirm the key.
    NotProved {
        /// Why there is no proof.
        error: EchoError,
        /// The remains.
        left: PartsLeft,
    },
    /// Another writer replaced the object before it was described.
    Overwritten,
    /// It is stored and encrypted, and its record is nowhere: without a note of the nonce nothing opens it.
    Unrecorded,
    /// No usable answer came.
    Unanswered(PartsLeft),
    /// The source could not be read to its end as it was.
    SourceFailed(UploadLeft),
    /// It was cancelled.
    Stopped(PartsLeft),
    /// This machine could not draw a nonce.
    NoNonce,
}

/// Why an upload ends early.
enum Halt {
    Refused(Answer),
    NotProved(EchoError),
    Unanswered,
    SourceFailed,
    Stopped,
}

/// Uploads in parts.
pub async fn put_parts(link: Link, plan: PartsPlan) -> PartsVerdict {
    let looked = look_first(&link, &plan.name, &plan.condition).await;
    if link.is_cancelled() {
        return PartsVerdict::Stopped(PartsLeft::nothing());
    }
    match looked {
        Ok(BeforeWrite::Free) => {}
        Ok(BeforeWrite::Taken) => return PartsVerdict::Exists(UploadLeft::Gone),
        Ok(BeforeWrite::Refused(answer)) => {
            return PartsVerdict::Refused { answer, left: PartsLeft::nothing() };
        }
        Err(Unheard) => return PartsVerdict::Unanswered(PartsLeft::nothing()),
    }
    let drawn = link.carry(Task::DrawKey { name: plan.name.clone(), is_described: false }).await;
    let Outcome::Key(key) = drawn else { return PartsVerdict::NoNonce };
    // The nonce of an upload that is killed may be nowhere else: RGW 16 and 18 drop the tags of Create.
    note(&link, &plan.name, &key.record, Stage::BegunAlone).await;
    let opening = Opening { link: &link, plan: &plan, key: &key };
    let upload = match opening.create().await {
        Ok(upload) => upload,
        Err((halt, upload)) => return ended(halt, Leftover::Nothing, upload),
    };
    Upload { link: &link, plan: &plan, key: &key, upload }.send().await
}

fn ended(halt: Halt, object: Leftover, upload: UploadLeft) -> PartsVerdict {
    let left = PartsLeft { object, upload };
    match halt {
        Halt::Refused(answer) if answer.status == 412 => PartsVerdict::Exists(left.upload),
        Halt::Refused(answer) => PartsVerdict::Refused { answer, left },
        Halt::NotProved(error) => PartsVerdict::NotProved { error, left },
        Halt::Unanswered => PartsVerdict::Unanswered(left),
        Halt::SourceFailed => PartsVerdict::SourceFailed(left.upload),
        Halt::Stopped => PartsVerdict::Stopped(left),
    }
}

impl PartsLeft {
    fn nothing() -> Self {
        Self { object: Leftover::Nothing, upload: UploadLeft::Gone }
    }
}

struct Opening<'a> {
    link: &'a Link,
    plan: &'a PartsPlan,
    key: &'a KeyFacts,
}

impl Opening<'_> {
    /// CreateMultipartUpload, once: a second one would leave the first. Its echo is compared before any
    /// byte of data leaves: RGW takes parts with a key into an upload without one, and stores them in
    /// plaintext.
    async fn create(&self) -> Result<String, (Halt, UploadLeft)> {
        let mut tags = self.plan.tags.clone();
        tags.insert(0, (TAG_KEY.to_owned(), self.key.record.clone()));
        let mut outcome = self.call(tags).await;
        // Rights without PutObjectTagging, or a gateway without tags.
        if let Outcome::Answer(answer) = &outcome
            && matches!(answer.status, 403 | 501)
        {
            outcome = self.call(Vec::new()).await;
        }
        match outcome {
            Outcome::Answer(answer) if answer.is_success() => self.opened(&answer).await,
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Err((Halt::Refused(answer), UploadLeft::Gone))
            }
            Outcome::NoAnswer(NoAnswer::NotSent) | Outcome::Failed => {
                Err((self.stop(), UploadLeft::Gone))
            }
            _ => Err((self.stop(), UploadLeft::Unknown)),
        }
    }

    fn stop(&self) -> Halt {
        if self.link.is_cancelled() { Halt::Stopped } else { Halt::Unanswered }
    }

    async fn call(&self, tags: Vec<(String, String)>) -> Outcome {
        let operation = Operation::Create { tags };
        let (name, key) = (self.plan.name.clone(), Some(self.key.key));
        self.link.call(Call { name, key, operation }).await
    }

    async fn opened(&self, answer: &Answer) -> Result<String, (Halt, UploadLeft)> {
        let Ok(upload) = upload_id(&answer.body) else {
            return Err((Halt::Unanswered, UploadLeft::Unknown));
        };
        let error = match answer.echo().map(|echo| verify_echo(self.key.md5, &echo)) {
            Ok(Ok(_)) => return Ok(upload),
            Ok(Err(error)) => error,
            Err(Unreadable) => EchoError::Missing,
        };
        let left = abort(self.link, &self.plan.name, &upload).await;
        Err((Halt::NotProved(error), left))
    }
}

fn upload_id(body: &[u8]) -> Result<String, Unreadable> {
    let mut id = String::new();
    crate::xml::read(body, Some("InitiateMultipartUploadResult"), |path, text| {
        if path == ["UploadId"] {
            text.clone_into(&mut id);
        }
        Ok::<(), crate::xml::XmlError>(())
    })
    .map_err(|_| Unreadable)?;
    if id.is_empty() { Err(Unreadable) } else { Ok(id) }
}

/// AbortMultipartUpload. An upload that is not there was completed, or aborted before.
async fn abort(link: &Link, name: &ObjectName, upload: &str) -> UploadLeft {
    let operation = Operation::Abort { upload: upload.to_owned() };
    match (Ask { link, name }).answer(operation, None).await {
        Ok(answer) if answer.is_success() || is_gone(&answer) => UploadLeft::Gone,
        _ => UploadLeft::Open(upload.to_owned()),
    }
}

fn is_gone(answer: &Answer) -> bool {
    let error = ErrorResponse::parse(&answer.body);
    answer.status == 404 && error.is_some_and(|error| error.code == "NoSuchUpload")
}

struct Upload<'a> {
    link: &'a Link,
    plan: &'a PartsPlan,
    key: &'a KeyFacts,
    upload: String,
}

impl Upload<'_> {
    async fn send(&self) -> PartsVerdict {
        let etags = match self.parts().await {
            Ok(etags) => etags,
            Err(halt) => return self.give_up(halt, Leftover::Nothing).await,
        };
        let described = self.link.carry(Task::Describe { key: self.key.key }).await;
        let Outcome::Described(description) = described else {
            return self.give_up(Halt::SourceFailed, Leftover::Nothing).await;
        };
        let plan = CompletePlan {
            name: self.plan.name.clone(),
            key: self.key.clone(),
            upload: self.upload.clone(),
            etags,
            size: self.plan.parts.size(),
            description,
            tags: self.plan.tags.clone(),
            condition: self.plan.condition.clone(),
        };
        self.ended(complete_parts(self.link, &plan).await).await
    }

    async fn ended(&self, verdict: CompleteVerdict) -> PartsVerdict {
        match verdict {
            CompleteVerdict::Stored(stored) => PartsVerdict::Stored(stored),
            CompleteVerdict::Exists => PartsVerdict::Exists(self.abort().await),
            CompleteVerdict::Refused { answer, object } => {
                let left = PartsLeft { object, upload: self.abort().await };
                PartsVerdict::Refused { answer, left }
            }
            CompleteVerdict::NotProved { error, object } => {
                let left = PartsLeft { object, upload: self.abort().await };
                PartsVerdict::NotProved { error, left }
            }
            CompleteVerdict::Overwritten => PartsVerdict::Overwritten,
            CompleteVerdict::Unrecorded => PartsVerdict::Unrecorded,
            CompleteVerdict::Unanswered(object) => {
                PartsVerdict::Unanswered(PartsLeft { object, upload: self.abort().await })
            }
            CompleteVerdict::Stopped(object) => {
                PartsVerdict::Stopped(PartsLeft { object, upload: self.abort().await })
            }
        }
    }

    async fn abort(&self) -> UploadLeft {
        abort(self.link, &self.plan.name, &self.upload).await
    }

    async fn give_up(&self, halt: Halt, object: Leftover) -> PartsVerdict {
        let halt = if self.link.is_cancelled() { Halt::Stopped } else { halt };
        ended(halt, object, self.abort().await)
    }

    /// All parts, some at a time, each until its answer is there.
    async fn parts(&self) -> Result<Vec<String>, Halt> {
        let mut waiting = self.plan.parts.parts();
        let mut out: BTreeMap<TaskId, (u16, Body, u32)> = BTreeMap::new();
        let mut etags = BTreeMap::new();
        let mut halt = None;
        loop {
            while halt.is_none() && out.len() < self.plan.at_once.max(1) {
                let Some(part) = waiting.next() else { break };
                let span = part.span;
                let body = Body::Range { offset: span.offset, length: span.length };
                let number = part.number.number();
                out.insert(self.start(number, &body), (number, body, 1));
            }
            // Parts that are out are waited for, whatever halted the upload: an abort would race them.
            let Some((id, outcome)) = self.link.next_of(&out).await else { break };
            let Some((number, body, attempt)) = out.remove(&id) else { break };
            match self.judge_part(outcome) {
                Ok(Some(etag)) => drop(etags.insert(number, etag)),
                Ok(None) if attempt < self.link.attempts() && halt.is_none() => {
                    self.link.pause(attempt).await;
                    out.insert(self.start(number, &body), (number, body, attempt + 1));
                }
                Ok(None) => halt = halt.or(Some(Halt::Unanswered)),
                Err(reason) => halt = halt.or(Some(reason)),
            }
            if self.link.is_cancelled() {
                halt = Some(Halt::Stopped);
            }
        }
        match halt {
            Some(halt) => Err(halt),
            None => Ok(etags.into_values().collect()),
        }
    }

    fn start(&self, number: u16, body: &Body) -> TaskId {
        let operation = Operation::Part { upload: self.upload.clone(), number, body: body.clone() };
        let (name, key) = (self.plan.name.clone(), Some(self.key.key));
        self.link.start(Task::Call(Call { name, key, operation }))
    }

    /// The ETag of a part; `None` if no usable answer came.
    fn judge_part(&self, outcome: Outcome) -> Result<Option<String>, Halt> {
        match outcome {
            Outcome::Answer(answer) if answer.is_success() => self.stored_part(&answer),
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Err(Halt::Refused(answer))
            }
            Outcome::Answer(_) | Outcome::NoAnswer(NoAnswer::NotSent | NoAnswer::MaybeExecuted) => {
                Ok(None)
            }
            Outcome::NoAnswer(NoAnswer::Silent) => Err(Halt::Unanswered),
            Outcome::Failed => Err(Halt::SourceFailed),
            _ => Err(Halt::Stopped),
        }
    }

    fn stored_part(&self, answer: &Answer) -> Result<Option<String>, Halt> {
        let (Ok(etag), Ok(echo)) = (answer.etag(), answer.echo()) else { return Ok(None) };
        match verify_echo(self.key.md5, &echo) {
            Ok(_) if etag.is_empty() => Ok(None),
            Ok(_) => Ok(Some(etag)),
            Err(error) => Err(Halt::NotProved(error)),
        }
    }
}
