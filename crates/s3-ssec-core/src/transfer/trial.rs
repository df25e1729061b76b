//! The trial of a place: a write of the same kind on a scratch object, so that an existing good object is
//! never overwritten by an unproved one.

use super::ask::{Ask, PutTags, Unheard, WithKey, WithoutKey, is_upload_gone, tags_in};
use super::link::Link;
use super::scratch::{Left, Scratch};
use super::task::{Answer, Body, Condition, KeyFacts, NoAnswer, Operation, Outcome, Unreadable};
use crate::advice;
use crate::echo::{EchoError, KeyEcho, KeylessRead, verify_by_heads, verify_echo};
use crate::names::ObjectName;
use crate::record::TAG_KEY;

/// The content of a scratch object.
pub(super) const CONTENT: &[u8] = b"trial";

/// A way to write an object; each has its own traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteKind {
    /// PutObject.
    Single,
    /// A multipart upload.
    Multipart,
}

/// The end of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialVerdict {
    /// The outcome.
    pub end: TrialEnd,
    /// The scratch object that could not be removed, may still arrive, or may be below a delete marker.
    pub left: Option<ScratchLeft>,
}

/// A scratch object that is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScratchLeft {
    /// Its name.
    pub name: ObjectName,
    /// True if a write of it was answered: it is there. Else it may be.
    pub is_stored: bool,
}

/// The outcome of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialEnd {
    /// Such a write is encrypted here: by its echo, by HEAD with the key, and by HEAD without it.
    Proved {
        /// True if the tag of such a write was seen afterwards. `None` if these credentials may not see tags.
        tags_kept: Option<bool>,
    },
    /// It is not proved.
    NotProved(EchoError),
    /// The gateway refused a request.
    Refused(Answer),
    /// No usable answer came.
    Unanswered,
    /// This machine has no random bytes.
    NoScratch,
}

/// Why a trial ends early.
enum Halt {
    NotProved(EchoError),
    Refused(Answer),
    Unanswered,
}

impl From<Unheard> for Halt {
    fn from(_: Unheard) -> Self {
        Halt::Unanswered
    }
}

/// Proves this kind of write beside an object.
pub async fn trial(link: Link, beside: ObjectName, kind: WriteKind) -> TrialVerdict {
    let Some(mut scratch) = Scratch::open(&link, beside).await else {
        return TrialVerdict { end: TrialEnd::NoScratch, left: None };
    };
    let tried = match kind {
        WriteKind::Single => Trial { scratch: &mut scratch }.single().await,
        WriteKind::Multipart => Trial { scratch: &mut scratch }.multipart().await,
    };
    let end = match tried {
        Ok(tags_kept) => TrialEnd::Proved { tags_kept },
        Err(Halt::NotProved(error)) => TrialEnd::NotProved(error),
        Err(Halt::Refused(answer)) => TrialEnd::Refused(answer),
        Err(Halt::Unanswered) => TrialEnd::Unanswered,
    };
    // Removed whatever the proof says: its name is ours alone.
    TrialVerdict { end, left: scratch.end().await }
}

impl Scratch<'_> {
    pub(super) async fn end(self) -> Option<ScratchLeft> {
        let (name, is_stored) = (self.name.clone(), self.is_stored());
        match self.remove().await {
            Left::Nothing => None,
            Left::Hidden => Some(ScratchLeft { name, is_stored: false }),
            Left::Perhaps => Some(ScratchLeft { name, is_stored }),
        }
    }
}

struct Trial<'s, 'l> {
    scratch: &'s mut Scratch<'l>,
}

impl Trial<'_, '_> {
    fn key(&self) -> &KeyFacts {
        &self.scratch.key
    }

    fn ask(&self) -> Ask<'_> {
        Ask { link: self.scratch.link, name: &self.scratch.name }
    }

    async fn single(&mut self) -> Result<Option<bool>, Halt> {
        let put = |tags| {
            let body = Body::Bytes(CONTENT.to_vec());
            Operation::Put { body, tags, condition: Condition::Always }
        };
        let (answer, is_tagged) = match self.write(put(vec![tag()])).await {
            // As in the real write: without tags, where the gateway refuses them.
            Err(Halt::Refused(refusal)) if matches!(refusal.status, 403 | 501) => {
                (self.write(put(Vec::new())).await?, false)
            }
            sent => (sent?, true),
        };
        let echoed = self.echo_of(&answer);
        let tags_kept = self.see(is_tagged).await?;
        echoed.map(|()| tags_kept)
    }

    /// With a tag that is put after Complete.
    async fn multipart(&mut self) -> Result<Option<bool>, Halt> {
        let created = self.write(Operation::Create { tags: Vec::new() }).await?;
        let upload = self.scratch.created(&created).ok_or(Halt::Unanswered)?;
        // RGW takes parts with a key into an upload without one, and stores them in plaintext.
        self.echo_of(&created)?;
        let (number, body) = (1, Body::Bytes(CONTENT.to_vec()));
        let part = self
            .write(Operation::Part { upload: upload.clone(), number, body, same_as: None })
            .await?;
        self.echo_of(&part)?;
        let etag = part.etag().map_err(|Unreadable| Halt::Unanswered)?;
        let (etags, condition) = (vec![etag], Condition::Always);
        self.complete(Operation::Complete { upload, etags, condition }).await?;
        let put = self.ask().put_tags(None, vec![tag()]).await?;
        self.see(put == PutTags::Taken).await
    }

    /// The object counts, and not the answer: an upload may have been completed by a request whose answer was
    /// lost, or by the first one of a browser that sent two.
    async fn complete(&mut self, operation: Operation) -> Result<(), Halt> {
        let Err(halt) = self.write(operation).await else { return Ok(()) };
        let may_be_there = match &halt {
            Halt::Refused(refusal) => is_upload_gone(refusal),
            Halt::Unanswered => true,
            Halt::NotProved(_) => false,
        };
        if !may_be_there || matches!(self.ask().without_key(None).await?, WithoutKey::Absent) {
            return Err(halt);
        }
        self.scratch.note_unheard_write();
        Ok(())
    }

    fn echo_of(&self, answer: &Answer) -> Result<(), Halt> {
        let echo = answer.echo().unwrap_or_default();
        verify_echo(self.key().md5, &echo).map(|_| ()).map_err(Halt::NotProved)
    }

    /// A write of the scratch object, until it is answered.
    async fn write(&mut self, operation: Operation) -> Result<Answer, Halt> {
        let link = self.scratch.link;
        for attempt in 1..=link.attempts() {
            if attempt > 1 {
                link.pause(attempt - 1).await;
            }
            match self.scratch.write(operation.clone()).await {
                Outcome::Answer(answer) if answer.is_success() => return Ok(answer),
                Outcome::Answer(answer) if advice::is_refusal(answer.status) => {
                    return Err(Halt::Refused(answer));
                }
                Outcome::Answer(_)
                | Outcome::NoAnswer(NoAnswer::NotSent | NoAnswer::MaybeExecuted) => {}
                _ => break,
            }
            if link.is_cancelled() {
                break;
            }
        }
        Err(Halt::Unanswered)
    }

    /// HEAD without the key and HEAD with it. Whether the tag is there, if it was taken (`is_tagged`).
    async fn see(&self, is_tagged: bool) -> Result<Option<bool>, Halt> {
        let judged = match self.ask().without_key(None).await? {
            WithoutKey::KeyNeeded => KeylessRead::KeyNeeded,
            WithoutKey::Absent => KeylessRead::Absent,
            WithoutKey::Readable(_) => KeylessRead::Readable,
            WithoutKey::Unclear => KeylessRead::Unclear,
            WithoutKey::Refused(answer) => return Err(Halt::Refused(answer)),
        };
        let echo = match judged {
            KeylessRead::KeyNeeded => match self.ask().with_key(self.key(), None).await? {
                WithKey::Opened(head) => head.echo,
                WithKey::Other => KeyEcho::default(),
                WithKey::Unclear => return Err(Halt::Unanswered),
            },
            _ => KeyEcho::default(),
        };
        let _proof = verify_by_heads(self.key().md5, &echo, judged).map_err(Halt::NotProved)?;
        if !is_tagged {
            return Ok(Some(false));
        }
        let answer = self.ask().answer(Operation::Tags { version: None }, None).await?;
        let tags = tags_in(&answer)?;
        Ok(tags.map(|tags| tags.contains(&tag())).or((answer.status != 403).then_some(false)))
    }
}

/// The tag of a scratch object.
fn tag() -> (String, String) {
    (TAG_KEY.to_owned(), "trial".to_owned())
}
