//! One PUT: content, key and record in one request, so that they stand or fall together.

use super::ask::{Ask, Unheard};
use super::before::{BeforeWrite, look_first, note};
use super::link::Link;
use super::task::{
    Answer, Body, Call, Condition, NoAnswer, Operation, Outcome, Stage, Task, Unreadable,
};
use super::written::{Finding, Removable, Search, Write};
use crate::advice;
use crate::echo::{EchoError, EchoVerified, verify_echo};
use crate::names::ObjectName;
use crate::record::TAG_KEY;
use crate::removal::Leftover;

/// An upload in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutPlan {
    /// The object.
    pub name: ObjectName,
    /// Bytes of the content.
    pub size: u64,
    /// The MD5 of the content in lower-case hexadecimal: the ETag that it would have in plaintext.
    pub plain_etag: String,
    /// The caller's own tags.
    pub tags: Vec<(String, String)>,
    /// The condition under which it is stored.
    pub condition: Condition,
    /// True if a trial showed that the tags of such a write are kept.
    pub tags_kept: bool,
}

/// The place of a record after its write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordPlace {
    /// In the object's tag.
    Tag,
    /// On this machine alone.
    Ledger,
}

/// An object that is stored, and whose key the gateway confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The proof.
    pub proof: EchoVerified,
    /// Where its record is.
    pub record: RecordPlace,
    /// The ETag, without quotes.
    pub etag: String,
    /// The version ID, if the gateway named one.
    pub version_id: Option<String>,
}

/// The end of an upload in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutVerdict {
    /// It is stored, and the gateway confirmed its key.
    Stored(Stored),
    /// The name is taken, and the upload was to replace nothing.
    Exists,
    /// The gateway refused it.
    Refused {
        /// The refusal.
        answer: Answer,
        /// The remains of an earlier attempt.
        leftover: Leftover,
    },
    /// The gateway stored it, or may have, without proof of encryption.
    NotProved {
        /// Why there is no proof.
        error: EchoError,
        /// Its remains.
        leftover: Leftover,
    },
    /// It is stored and encrypted, and its record is nowhere: without a note of the nonce nothing opens it.
    Unrecorded,
    /// No usable answer came.
    Unanswered(Leftover),
    /// It was cancelled.
    Stopped(Leftover),
    /// This machine could not draw a nonce.
    NoNonce,
}

/// Uploads in one request.
pub async fn put(link: Link, plan: PutPlan) -> PutVerdict {
    let looked = look_first(&link, &plan.name, &plan.condition).await;
    if link.is_cancelled() {
        return PutVerdict::Stopped(Leftover::Nothing);
    }
    match looked {
        Ok(BeforeWrite::Free) => {}
        Ok(BeforeWrite::Taken) => return PutVerdict::Exists,
        Ok(BeforeWrite::Refused(answer)) => {
            return PutVerdict::Refused { answer, leftover: Leftover::Nothing };
        }
        Err(Unheard) => return PutVerdict::Unanswered(Leftover::Nothing),
    }
    let drawn = link.carry(Task::DrawKey { name: plan.name.clone(), is_described: true }).await;
    let Outcome::Key(key) = drawn else { return PutVerdict::NoNonce };
    let stage = if plan.tags_kept { Stage::Begun } else { Stage::BegunAlone };
    // Once the request is on its way the object may be there, and its record nowhere else.
    let is_noted = note(&link, &plan.name, &key.record, stage).await;
    let records = vec![key.record.clone()];
    let write =
        Write { name: plan.name.clone(), key, records, plain_etag: plan.plain_etag.clone() };
    let kept = if plan.tags_kept { TagOf::Trusted } else { TagOf::Unknown };
    Upload { link: &link, plan: &plan, write: &write, is_noted, tag: kept }.send().await
}

/// The evidence that the tag of a write was stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagOf {
    /// It was sent, and the tags of such writes are kept.
    Trusted,
    /// It was seen.
    Seen,
    Unknown,
}

struct Upload<'a> {
    link: &'a Link,
    plan: &'a PutPlan,
    write: &'a Write,
    is_noted: bool,
    tag: TagOf,
}

/// One request, answered or not.
enum Attempt {
    Answered(Sent),
    Refused(Answer),
    /// It may have been executed, or may still be. False if it is not to be sent again.
    Open(bool),
    /// As `Open`, and the gateway says that it was executed. The version ID that it named.
    Taken(Option<String>),
    NotSent,
    /// This machine cannot send it.
    Failed,
}

/// A usable answer to a PUT.
struct Sent {
    etag: String,
    version_id: Option<String>,
    proof: Result<EchoVerified, EchoError>,
}

impl Upload<'_> {
    async fn send(mut self) -> PutVerdict {
        let (mut open, mut is_tagged, mut attempts, mut taken) = (0, true, 0, Vec::new());
        loop {
            let mut is_last = false;
            match self.attempt(is_tagged).await {
                Attempt::Answered(sent) => return self.judge(sent, open).await,
                Attempt::Refused(answer) if is_tagged && self.goes_without_tags(&answer).await => {
                    is_tagged = false;
                    continue;
                }
                Attempt::Refused(answer) => return self.refused(answer, open).await,
                Attempt::Failed => return PutVerdict::Unanswered(leftover(open)),
                Attempt::NotSent => {}
                Attempt::Open(again) => (open, is_last) = (open + 1, !again),
                Attempt::Taken(id) => {
                    taken.push(id);
                    open += 1;
                }
            }
            attempts += 1;
            let finding = match open {
                0 => Finding::NotOurs,
                _ => self.look().await,
            };
            let left = match finding {
                Finding::NotOurs => leftover(open),
                Finding::Unheard => Leftover::Unknown,
                found => return self.unless_stopped(found, open).await,
            };
            if self.link.is_cancelled() {
                return PutVerdict::Stopped(left);
            }
            if is_last || attempts == self.link.attempts() {
                return PutVerdict::Unanswered(self.unseen(&taken, left, open).await);
            }
            self.link.pause(attempts).await;
            if self.link.is_cancelled() {
                return PutVerdict::Stopped(left);
            }
        }
    }

    async fn attempt(&self, is_tagged: bool) -> Attempt {
        match self.link.call(self.request(is_tagged)).await {
            // What cannot be read may stand for a stored object, and so may 5xx, of a proxy for instance.
            Outcome::Answer(answer) if answer.is_success() => {
                let taken = |_| Attempt::Taken(answer.version_id().unwrap_or_default());
                self.read(&answer).map_or_else(taken, Attempt::Answered)
            }
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Attempt::Refused(answer)
            }
            Outcome::NoAnswer(NoAnswer::NotSent) => Attempt::NotSent,
            Outcome::NoAnswer(NoAnswer::Silent) => Attempt::Open(false),
            Outcome::Failed => Attempt::Failed,
            _ => Attempt::Open(true),
        }
    }

    /// The remains where the gateway took writes, and their object is not seen: it may be below the version
    /// of another writer.
    async fn unseen(&self, taken: &[Option<String>], left: Leftover, open: u32) -> Leftover {
        let mut unseen = None;
        for id in taken {
            let removed = self.search().remove_all(id.as_deref(), Removable::Plaintext).await;
            unseen = unseen.filter(|left| *left != Leftover::Nothing).or(Some(removed));
        }
        unseen.map_or(left, |unseen| with_open(unseen, open))
    }

    /// The search for the object of a PUT.
    fn search(&self) -> Search<'_> {
        Search::sized(self.link, self.write, self.plan.size)
    }

    async fn look(&self) -> Finding {
        match self.search().finding().await {
            // The gateway says another size than that of the content.
            Finding::Encrypted { size, .. } if size != Some(self.plan.size) => Finding::Unheard,
            finding => finding,
        }
    }

    /// A refusal says nothing of earlier attempts. Behind a 412 may be the object of one of them, or of this
    /// one: browsers and proxies repeat a request whose connection was closed.
    async fn refused(&self, answer: Answer, open: u32) -> PutVerdict {
        let is_taken = answer.status == 412;
        let finding = if open > 0 || is_taken { self.look().await } else { Finding::NotOurs };
        match finding {
            Finding::NotOurs if is_taken => PutVerdict::Exists,
            // Only an object that is certainly of this upload shows that it was repeated.
            Finding::Unheard | Finding::NotProved { error: EchoError::Missing, .. }
                if is_taken && open == 0 =>
            {
                PutVerdict::Exists
            }
            Finding::NotOurs => PutVerdict::Refused { answer, leftover: leftover(open) },
            Finding::Unheard => PutVerdict::Refused { answer, leftover: Leftover::Unknown },
            found => self.unless_stopped(found, open).await,
        }
    }

    /// The verdict for an object that was found. One that is stored all the same is left where it is when
    /// the upload was cancelled, for the object that it replaced is gone.
    async fn unless_stopped(&self, found: Finding, open: u32) -> PutVerdict {
        let is_stopped = self.link.is_cancelled();
        match self.found(found, open).await {
            PutVerdict::Stored { .. } if is_stopped => PutVerdict::Stopped(Leftover::Arrived),
            found => found,
        }
    }

    fn request(&self, is_tagged: bool) -> Call {
        let mut tags = self.plan.tags.clone();
        tags.insert(0, (TAG_KEY.to_owned(), self.write.key.record.clone()));
        if !is_tagged {
            tags.clear();
        }
        let body = Body::Range { offset: 0, length: self.plan.size };
        let operation = Operation::Put { body, tags, condition: self.plan.condition.clone() };
        Call { name: self.plan.name.clone(), key: Some(self.write.key.key), operation }
    }

    /// True if the refusal may be about the tags (rights without PutObjectTagging, or a gateway without
    /// tags; if the reason is another one, the second answer says so), and this machine keeps the record:
    /// without its tag it would be lost.
    async fn goes_without_tags(&mut self, refusal: &Answer) -> bool {
        if !matches!(refusal.status, 403 | 501) {
            return false;
        }
        if self.tag == TagOf::Trusted {
            self.is_noted = self.note_alone().await;
            self.tag = TagOf::Unknown;
        }
        self.is_noted
    }

    async fn note_alone(&self) -> bool {
        let (name, record) = (&self.plan.name, &self.write.key.record);
        note(self.link, name, record, Stage::BegunAlone).await
    }

    fn read(&self, answer: &Answer) -> Result<Sent, Unreadable> {
        let (etag, version_id) = (answer.etag()?, answer.version_id()?);
        // S3 has an ETag on every PUT: an answer without one is not to this request.
        if etag.is_empty() {
            return Err(Unreadable);
        }
        Ok(Sent { etag, version_id, proof: verify_echo(self.write.key.md5, &answer.echo()?) })
    }

    async fn judge(&self, sent: Sent, open: u32) -> PutVerdict {
        match sent.proof {
            Ok(proof) => {
                self.stored(proof, sent.etag, sent.version_id, self.tag, self.is_noted).await
            }
            Err(error) => {
                let (mut search, id) = (self.search(), sent.version_id);
                let leftover = search.remove_all(id.as_deref(), Removable::Plaintext).await;
                PutVerdict::NotProved { error, leftover: with_open(leftover, open) }
            }
        }
    }

    /// A proved write: where its record is.
    async fn stored(
        &self,
        proof: EchoVerified,
        etag: String,
        version_id: Option<String>,
        tag: TagOf,
        is_noted: bool,
    ) -> PutVerdict {
        let name = &self.plan.name;
        let in_tag = match tag {
            TagOf::Seen => true,
            // Without a note on this machine nothing but the tag itself is believed.
            TagOf::Trusted if is_noted => true,
            _ => self.is_in_tag(version_id.as_deref()).await,
        };
        let is_alone = is_noted && tag != TagOf::Trusted;
        let record = match (in_tag, is_alone) {
            (true, _) => RecordPlace::Tag,
            (false, true) => RecordPlace::Ledger,
            (false, false) => return PutVerdict::Unrecorded,
        };
        note(self.link, name, &self.write.key.record, Stage::Confirmed { in_tag }).await;
        PutVerdict::Stored(Stored { proof, record, etag, version_id })
    }

    /// True if the tag of the version of this write holds its record.
    async fn is_in_tag(&self, version_id: Option<&str>) -> bool {
        let version = self.search().answered(version_id).await;
        let ask = Ask { link: self.link, name: &self.plan.name };
        let tag = (TAG_KEY.to_owned(), self.write.key.record.clone());
        matches!(ask.tags(version.as_ref()).await, Ok(Some(tags)) if tags.contains(&tag))
    }

    async fn found(&self, found: Finding, open: u32) -> PutVerdict {
        match found {
            Finding::Encrypted { proof, etag, version_id, is_tagged, .. } => {
                let tag = if is_tagged { TagOf::Seen } else { TagOf::Unknown };
                let is_noted = match (is_tagged, self.tag) {
                    (false, TagOf::Trusted) => self.note_alone().await,
                    _ => self.is_noted,
                };
                self.stored(proof, etag, version_id, tag, is_noted).await
            }
            // One of the attempts is found here: the others may still arrive.
            Finding::NotProved { error, leftover } => PutVerdict::NotProved {
                error,
                leftover: with_open(leftover, open.saturating_sub(1)),
            },
            Finding::NotOurs | Finding::Unheard => PutVerdict::Unanswered(leftover(open)),
        }
    }
}

/// The remains of requests of which nothing was found: one without an answer can still arrive.
pub(super) fn leftover(open: u32) -> Leftover {
    if open > 0 { Leftover::NotFound } else { Leftover::Nothing }
}

/// As [`leftover`], after a removal. `open` counts the requests that may have left another object.
pub(super) fn with_open(removed: Leftover, open: u32) -> Leftover {
    match removed {
        Leftover::Nothing => leftover(open),
        left => left,
    }
}
