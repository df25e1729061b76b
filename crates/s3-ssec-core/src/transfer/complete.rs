//! The end of a multipart upload: Complete, its proof, its record.

use super::ask::Ask;
use super::before::note;
use super::completion::{CompletePlan, CompleteVerdict};
use super::describe::Finish;
use super::link::Link;
use super::put::{leftover, with_open};
use super::task::{Answer, Call, NoAnswer, Operation, Outcome, Stage, Unreadable};
use super::written::{Finding, Search, Write};
use crate::advice;
use crate::echo::EchoError;
use crate::removal::Leftover;

/// Completes an upload, proves its object, and puts the record into its tag.
pub async fn complete_parts(link: &Link, plan: &CompletePlan) -> CompleteVerdict {
    let write = plan.write();
    let is_noted = plan.note(link).await;
    match (Completing { link, plan, write: &write }).complete().await {
        Ok(version_id) => plan.finish(link, &write, is_noted, version_id).await,
        Err(verdict) => verdict,
    }
}

/// As [`complete_parts`], of an upload that was completed already: proves its object, and puts the record
/// into its tag. `version_id` is the ID that the gateway named.
pub async fn describe_parts(
    link: &Link,
    plan: &CompletePlan,
    version_id: Option<String>,
) -> CompleteVerdict {
    let is_noted = plan.note(link).await;
    plan.finish(link, &plan.write(), is_noted, version_id).await
}

impl CompletePlan {
    /// From Complete on this machine may be the sole holder of the record.
    async fn note(&self, link: &Link) -> bool {
        note(link, &self.name, &self.description.record, Stage::BegunAlone).await
    }

    fn write(&self) -> Write {
        Write {
            name: self.name.clone(),
            key: self.key.clone(),
            records: vec![self.description.record.clone(), self.key.record.clone()],
            plain_etag: self.description.plain_etag.clone(),
        }
    }

    async fn finish(
        &self,
        link: &Link,
        write: &Write,
        is_noted: bool,
        version_id: Option<String>,
    ) -> CompleteVerdict {
        let ask = Ask { link, name: &self.name };
        Finish { ask, plan: self, write, is_noted }.finish(version_id).await
    }
}

struct Completing<'a> {
    link: &'a Link,
    plan: &'a CompletePlan,
    write: &'a Write,
}

/// One Complete, answered or not.
enum Attempt {
    /// It was carried out. The version ID that the gateway named.
    Done(Option<String>),
    Refused(Answer),
    /// It may have been carried out, or may still be.
    Open,
    /// As `Open`, and it is not to be sent again.
    Silent,
    NotSent,
    /// This machine cannot send it.
    Failed,
}

impl Completing<'_> {
    /// Complete, until it is known to be carried out or refused. The version ID that the gateway named.
    async fn complete(&self) -> Result<Option<String>, CompleteVerdict> {
        let mut open = 0;
        let attempts = self.link.attempts();
        for attempt in 1..=attempts {
            let sent = self.send().await;
            open += u32::from(matches!(sent, Attempt::Open | Attempt::Silent));
            let is_last = attempt == attempts || matches!(sent, Attempt::Silent | Attempt::Failed);
            let refusal = match sent {
                Attempt::Done(id) => return Ok(id),
                Attempt::Refused(answer) => Some(answer),
                _ => None,
            };
            // Of an upload that is not there, and of a name that is taken, a refusal may say that an attempt
            // was carried out: also of one request, which browsers and proxies repeat.
            let is = |status| refusal.as_ref().is_some_and(|answer| answer.status == status);
            let (is_gone, is_taken) = (is(404), is(412));
            let left = match open > 0 || is_gone || is_taken {
                true => match self.look(open, is_taken).await? {
                    Looked::Completed(id) => return Ok(id),
                    Looked::Left(left) => left,
                },
                false => Leftover::Nothing,
            };
            match refusal {
                _ if self.link.is_cancelled() => return Err(CompleteVerdict::Stopped(left)),
                Some(_) if is_taken => return Err(CompleteVerdict::Exists),
                Some(_) if is_gone && open > 0 => return Err(CompleteVerdict::Unanswered(left)),
                Some(answer) => return Err(CompleteVerdict::Refused { answer, object: left }),
                None if is_last => return Err(CompleteVerdict::Unanswered(left)),
                None => self.link.pause(attempt).await,
            }
        }
        Err(CompleteVerdict::Unanswered(leftover(open)))
    }

    async fn send(&self) -> Attempt {
        match self.link.call(self.request()).await {
            // S3 may answer 200 first and fail afterwards.
            Outcome::Answer(answer) if answer.is_success() => {
                completed(&answer).map_or(Attempt::Open, Attempt::Done)
            }
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Attempt::Refused(answer)
            }
            Outcome::NoAnswer(NoAnswer::NotSent) => Attempt::NotSent,
            Outcome::NoAnswer(NoAnswer::Silent) => Attempt::Silent,
            Outcome::Failed => Attempt::Failed,
            _ => Attempt::Open,
        }
    }

    fn request(&self) -> Call {
        let (upload, etags) = (self.plan.upload.clone(), self.plan.etags.clone());
        let condition = self.plan.condition.clone();
        let operation = Operation::Complete { upload, etags, condition };
        Call { name: self.plan.name.clone(), key: Some(self.plan.key.key), operation }
    }

    /// Looks for the object of a Complete without an answer. An error if it may be there in plaintext.
    async fn look(&self, open: u32, is_taken: bool) -> Result<Looked, CompleteVerdict> {
        Ok(match Search::sized(self.link, self.write, self.plan.size).finding().await {
            Finding::Encrypted { version_id, size, .. } if size == Some(self.plan.size) => {
                Looked::Completed(version_id)
            }
            // Another object under the same direct key, or a gateway that says another size.
            Finding::Encrypted { .. } | Finding::Unheard => Looked::Left(Leftover::Unknown),
            Finding::NotOurs => Looked::Left(leftover(open)),
            // Only an object that is certainly of this upload shows that Complete was repeated.
            Finding::NotProved { error: EchoError::Missing, .. } if is_taken && open == 0 => {
                Looked::Left(Leftover::Nothing)
            }
            Finding::NotProved { error, leftover } => {
                let object = with_open(leftover, open.saturating_sub(1));
                return Err(CompleteVerdict::NotProved { error, object });
            }
        })
    }
}

enum Looked {
    /// It was carried out. The version ID of the object.
    Completed(Option<String>),
    Left(Leftover),
}

/// The version ID of an answer to Complete that says that it was carried out.
fn completed(answer: &Answer) -> Result<Option<String>, Unreadable> {
    let read = crate::xml::read(&answer.body, Some("CompleteMultipartUploadResult"), |_, _| {
        Ok::<(), crate::xml::XmlError>(())
    });
    read.map_err(|_| Unreadable)?;
    answer.version_id()
}
