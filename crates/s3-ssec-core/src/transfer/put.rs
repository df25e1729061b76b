//! One PUT: content, key and record in one request, so that they stand or fall together.

use super::ask::{Ask, Unheard, WithoutKey};
use super::link::Link;
use super::task::{
    Answer, Body, Call, Condition, KeyFacts, NoAnswer, Operation, Outcome, Task, Unreadable,
};
use super::written::{Found, Search, Write};
use crate::advice;
use crate::echo::{EchoError, EchoVerified, verify_echo};
use crate::names::ObjectName;
use crate::record::TAG_KEY;
use crate::removal::{Leftover, Remains};

/// How often the PUT is sent whose answer does not come. The same bytes under the same key: FORMAT.md
/// allows it.
const ATTEMPTS: u32 = 3;
/// Milliseconds before the second attempt; twice as many before each later one.
const PAUSE: u64 = 200;

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

/// The end of an upload in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutVerdict {
    /// It is stored, and the gateway confirmed its key.
    Stored {
        /// The proof.
        proof: EchoVerified,
        /// Where its record is.
        record: RecordPlace,
        /// The ETag, without quotes.
        etag: String,
        /// The version ID, if the gateway named one.
        version_id: Option<String>,
    },
    /// The name is taken, and the upload was to replace nothing.
    Exists,
    /// The gateway refused it.
    Refused {
        /// The status.
        status: u16,
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
    match exists(&link, &plan.name, plan.condition).await {
        Ok(false) => {}
        Ok(true) => return PutVerdict::Exists,
        Err(Unheard) => return PutVerdict::Unanswered(Leftover::Nothing),
    }
    if link.is_cancelled() {
        return PutVerdict::Stopped(Leftover::Nothing);
    }
    let drawn = link.carry(Task::DrawKey { name: plan.name.clone(), is_described: true }).await;
    let Outcome::Key(key) = drawn else { return PutVerdict::NoNonce };
    // Once the request is on its way the object may be there, and its record nowhere else.
    let is_noted = note(&link, &plan, &key, !plan.tags_kept, false).await;
    let records = vec![key.record.clone()];
    let write =
        Write { name: plan.name.clone(), key, records, plain_etag: plan.plain_etag.clone() };
    Upload { link: &link, plan: &plan, write: &write, is_noted }.send().await
}

/// True if the name is taken and the upload is to replace nothing. RGW 16 and 18 ignore the condition in
/// buckets with versions and on Complete, Garage everywhere (measured). Credentials that may write and not
/// read learn nothing here.
pub(super) async fn exists(
    link: &Link,
    name: &ObjectName,
    condition: Condition,
) -> Result<bool, Unheard> {
    if condition == Condition::Always {
        return Ok(false);
    }
    let without_key = Ask { link, name }.without_key(None).await?;
    Ok(matches!(without_key, WithoutKey::Readable(_) | WithoutKey::KeyNeeded))
}

async fn note(link: &Link, plan: &PutPlan, key: &KeyFacts, durable: bool, confirmed: bool) -> bool {
    let (name, record) = (plan.name.clone(), key.record.clone());
    link.carry(Task::Note { name, record, durable, confirmed }).await == Outcome::Noted
}

struct Upload<'a> {
    link: &'a Link,
    plan: &'a PutPlan,
    write: &'a Write,
    is_noted: bool,
}

/// One request, answered or not.
enum Attempt {
    Answered(Sent),
    Refused(u16),
    /// It may have been executed, or may still be.
    Open,
    NotSent,
}

/// A usable answer to a PUT.
struct Sent {
    etag: String,
    version_id: Option<String>,
    proof: Result<EchoVerified, EchoError>,
}

impl Upload<'_> {
    async fn send(&self) -> PutVerdict {
        let (mut open, mut is_tagged) = (0, true);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.link.sleep(PAUSE << (attempt - 1)).await;
            }
            match self.attempt(is_tagged).await {
                Attempt::Answered(sent) => return self.judge(sent, open).await,
                Attempt::Refused(status) if is_tagged && self.goes_without_tags(status) => {
                    is_tagged = false;
                    continue;
                }
                Attempt::Refused(status) => match self.find(open).await {
                    Some(found) => return found,
                    None if status == 412 => return PutVerdict::Exists,
                    None => return PutVerdict::Refused { status, leftover: leftover(open) },
                },
                Attempt::NotSent => {}
                Attempt::Open => open += 1,
            }
            if open > 0
                && let Some(found) = self.find(open - 1).await
            {
                return self.unless_stopped(found);
            }
            if self.link.is_cancelled() {
                return PutVerdict::Stopped(leftover(open));
            }
        }
        PutVerdict::Unanswered(leftover(open))
    }

    async fn attempt(&self, is_tagged: bool) -> Attempt {
        match self.link.call(self.request(is_tagged)).await {
            // What cannot be read may stand for a stored object, and so may 5xx, of a proxy for instance.
            Outcome::Answer(answer) if answer.is_success() => {
                self.read(&answer).map_or(Attempt::Open, Attempt::Answered)
            }
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                Attempt::Refused(answer.status)
            }
            Outcome::NoAnswer(NoAnswer::NotSent) => Attempt::NotSent,
            _ => Attempt::Open,
        }
    }

    /// The verdict of a cancelled upload whose object was stored all the same.
    fn unless_stopped(&self, found: PutVerdict) -> PutVerdict {
        match found {
            PutVerdict::Stored { .. } if self.link.is_cancelled() => {
                PutVerdict::Stopped(Leftover::Arrived)
            }
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
        let operation = Operation::Put { body, tags, condition: self.plan.condition };
        Call { name: self.plan.name.clone(), key: Some(self.write.key.key), operation }
    }

    /// True if the refusal may be about the tags, and this machine keeps the record.
    fn goes_without_tags(&self, status: u16) -> bool {
        matches!(status, 403 | 501) && self.is_noted
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
            Ok(proof) => self.stored(proof, sent.etag, sent.version_id, false).await,
            Err(error) => {
                let mut search = Search::new(self.link, self.write);
                let leftover = search.remove_all(sent.version_id.as_deref()).await;
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
        is_tagged: bool,
    ) -> PutVerdict {
        let ask = Ask { link: self.link, name: &self.plan.name };
        let tag = (TAG_KEY.to_owned(), self.write.key.record.clone());
        let in_tag = is_tagged
            || self.plan.tags_kept
            || matches!(ask.tags(None).await, Ok(Some(tags)) if tags.contains(&tag));
        let record = match (in_tag, self.is_noted) {
            (true, _) => RecordPlace::Tag,
            (false, true) => RecordPlace::Ledger,
            (false, false) => return PutVerdict::Unrecorded,
        };
        note(self.link, self.plan, &self.write.key, false, true).await;
        PutVerdict::Stored { proof, record, etag, version_id }
    }

    /// Looks for the object. `None` if nothing of this write is there. `open` is the number of requests
    /// that may have left another one.
    async fn find(&self, open: u32) -> Option<PutVerdict> {
        let mut search = Search::new(self.link, self.write);
        match search.newest().await {
            Ok(found) if found.remains == Remains::NotOurs => None,
            Ok(found) => Some(self.found(&mut search, found, open).await),
            Err(Unheard) => None,
        }
    }

    async fn found(&self, search: &mut Search<'_>, found: Found, open: u32) -> PutVerdict {
        if let (Remains::OursEncrypted, Some(proof), Some(head)) =
            (found.remains, found.proof, found.head.clone())
        {
            return self.stored(proof, head.etag, head.version_id, found.is_tagged).await;
        }
        let error = match found.remains {
            Remains::OursInPlaintext => EchoError::Plaintext,
            _ => EchoError::Missing,
        };
        let leftover = with_open(search.remove(found).await, open);
        PutVerdict::NotProved { error, leftover }
    }
}

/// The remains of requests of which nothing was found: one without an answer can still arrive.
pub(super) fn leftover(open: u32) -> Leftover {
    if open > 0 { Leftover::Unknown } else { Leftover::Nothing }
}

/// As [`leftover`], at a gateway that does not encrypt.
fn with_open(removed: Leftover, open: u32) -> Leftover {
    if open > 0 { Leftover::Perhaps } else { removed }
}
