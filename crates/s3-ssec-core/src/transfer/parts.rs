//! A multipart upload: every step under the key, the record completed last. One that broke off is gone on with.

mod again;
mod create;
mod owner;
mod plan;
mod send;
mod source;

pub use owner::drop_uploads;
pub use plan::{Before, OnFailure, PartsHalt, PartsLeft, PartsPlan, PartsVerdict, UploadLeft};
pub use source::PartsSource;

use super::ask::{Ask, Unheard, is_upload_gone};
use super::before::{BeforeWrite, look_first};
use super::complete::{complete_parts, describe_parts};
use super::completion::{CompletePlan, CompleteVerdict};
use super::link::Link;
use super::task::{Answer, JournalStep, KeyFacts, Outcome, Task};
use crate::removal::Leftover;
use again::TakenUp;
use owner::{drop_late, drop_unheard};
use send::Sent;
use std::collections::BTreeMap;

/// Uploads in parts.
pub async fn put_parts(link: Link, plan: PartsPlan) -> PartsVerdict {
    let order = Order { link: &link, plan: &plan };
    match order.take_up().await {
        TakenUp::Nothing(left) => order.anew(left).await,
        TakenUp::Ended(verdict) => verdict,
        TakenUp::GoOn(upload) => match upload.run().await {
            Ok(verdict) => verdict,
            Err(OtherContent(left)) => order.anew(left).await,
        },
    }
}

#[derive(Clone, Copy)]
struct Order<'a> {
    link: &'a Link,
    plan: &'a PartsPlan,
}

impl<'a> Order<'a> {
    fn ask(self) -> Ask<'a> {
        Ask { link: self.link, name: &self.plan.name }
    }

    /// True if the step is noted.
    async fn journal(self, step: JournalStep) -> bool {
        self.link.carry(Task::Journal(step)).await == Outcome::Noted
    }

    fn keeps_all(self) -> bool {
        self.plan.on_failure == OnFailure::Keep
    }

    /// The halt of an order whose last answer did not come.
    fn unanswered(self) -> PartsHalt {
        if self.link.is_cancelled() { PartsHalt::Stopped } else { PartsHalt::Unanswered }
    }

    async fn abort(self, upload: &str) -> UploadLeft {
        if self.ask().abort(upload).await { UploadLeft::Gone } else { UploadLeft::Open }
    }

    /// `left` is what is left of an earlier upload.
    async fn anew(self, left: UploadLeft) -> PartsVerdict {
        let looked = look_first(self.link, &self.plan.name, &self.plan.condition).await;
        if self.link.is_cancelled() {
            return PartsHalt::Stopped.nothing_left();
        }
        match looked {
            Ok(BeforeWrite::Free) => {}
            Ok(BeforeWrite::Taken) => return PartsHalt::Exists.nothing_left(),
            Ok(BeforeWrite::Refused(answer)) => return PartsHalt::Refused(answer).nothing_left(),
            Err(Unheard) => return PartsHalt::Unanswered.nothing_left(),
        }
        let name = self.plan.name.clone();
        let drawn = self.link.carry(Task::DrawKey { name, is_described: false }).await;
        let Outcome::Key(key) = drawn else { return PartsHalt::NoNonce.nothing_left() };
        // The nonce of an upload that is killed is nowhere else: RGW 16 and 18 drop the tags of Create.
        let is_begun = self.journal(JournalStep::Begun).await;
        let (halt, left) = match self.create(&key, left).await {
            Ok((id, unheard)) => {
                let created = JournalStep::Created { upload: id.clone() };
                let is_noted = is_begun && self.journal(created).await;
                let upload = Upload::new(self, key, id, unheard, is_noted);
                let other =
                    |OtherContent(left)| PartsHalt::OtherContent.leaving(Leftover::Nothing, left);
                return upload.run().await.unwrap_or_else(other);
            }
            Err(halted) => halted,
        };
        if left == UploadLeft::Gone || self.keeps_all() {
            self.journal(JournalStep::Over).await;
        }
        halt.leaving(Leftover::Nothing, left)
    }
}

/// The source is not what it was when the upload broke off: it is sent anew. With what is left of the upload.
struct OtherContent(UploadLeft);

/// An upload that was created.
struct Upload<'a> {
    order: Order<'a>,
    key: KeyFacts,
    id: String,
    source: PartsSource,
    /// The noted hash of each part that was sent before.
    sent: BTreeMap<u16, String>,
    /// The ETags of the parts that journal and gateway agree on.
    agreed: BTreeMap<u16, String>,
    /// The version ID of its object, if it was completed before.
    completed: Option<Option<String>>,
    /// An earlier one whose creation was not answered.
    unheard: UploadLeft,
    /// True if a later run could go on from the journal.
    is_noted: bool,
}

impl<'a> Upload<'a> {
    fn new(
        order: Order<'a>,
        key: KeyFacts,
        id: String,
        unheard: UploadLeft,
        is_noted: bool,
    ) -> Self {
        let (sent, agreed, source) = (BTreeMap::new(), BTreeMap::new(), order.plan.source.clone());
        Self { order, key, id, source, sent, agreed, completed: None, unheard, is_noted }
    }

    async fn run(mut self) -> Result<PartsVerdict, OtherContent> {
        let sent = match self.send_parts().await {
            Ok(sent) => sent,
            Err(PartsHalt::OtherContent) if !self.order.keeps_all() => {
                return Err(OtherContent(self.order.abort_all(Some(&self.id), &self.key).await));
            }
            Err(halt) => return Ok(self.give_up(halt, Leftover::Nothing, false).await),
        };
        let described = self.order.link.carry(Task::Describe { key: self.key.key }).await;
        let Outcome::Described(description) = described else {
            return Ok(self.give_up(PartsHalt::SourceFailed, Leftover::Nothing, false).await);
        };
        let record = description.record.clone();
        if self.completed.is_none() {
            if let Err(halt) = self.look_again().await {
                return Ok(self.give_up(halt, Leftover::Nothing, false).await);
            }
            self.is_noted &= self.order.journal(JournalStep::Completing { record }).await;
        }
        let Sent { etags, size } = sent;
        let plan = CompletePlan {
            name: self.order.plan.name.clone(),
            key: self.key.clone(),
            upload: self.id.clone(),
            etags,
            size,
            description,
            tags: self.order.plan.tags.clone(),
            condition: self.order.plan.condition.clone(),
        };
        let verdict = match self.completed.take() {
            Some(version_id) => describe_parts(self.order.link, &plan, version_id).await,
            None => complete_parts(self.order.link, &plan).await,
        };
        Ok(self.ended(verdict).await)
    }

    /// An upload that broke off may have been away for days: its name is looked at once more, for gateways that
    /// ignore the condition of Complete.
    async fn look_again(&self) -> Result<(), PartsHalt> {
        let Order { link, plan } = self.order;
        if plan.before.is_none() {
            return Ok(());
        }
        match look_first(link, &plan.name, &plan.condition).await {
            Ok(BeforeWrite::Free) => Ok(()),
            Ok(BeforeWrite::Taken) => Err(PartsHalt::Exists),
            Ok(BeforeWrite::Refused(answer)) => Err(PartsHalt::Refused(answer)),
            Err(Unheard) => Err(PartsHalt::Unanswered),
        }
    }

    async fn ended(&self, verdict: CompleteVerdict) -> PartsVerdict {
        let (halt, object) = match verdict {
            CompleteVerdict::Stored(stored) => {
                let unheard = self.settle_unheard().await;
                self.order.journal(JournalStep::Over).await;
                return PartsVerdict::Stored(stored, unheard);
            }
            CompleteVerdict::Exists => (PartsHalt::Exists, Leftover::Nothing),
            CompleteVerdict::Refused { answer, object: Leftover::Nothing }
                if self.order.keeps_all() && is_upload_gone(&answer) =>
            {
                (PartsHalt::UploadGone, Leftover::Nothing)
            }
            CompleteVerdict::Refused { answer, object } => (PartsHalt::Refused(answer), object),
            CompleteVerdict::NotProved { error, object } => (PartsHalt::NotProved(error), object),
            CompleteVerdict::Overwritten => (PartsHalt::Overwritten, Leftover::Nothing),
            CompleteVerdict::Unrecorded => (PartsHalt::Unrecorded, Leftover::Nothing),
            CompleteVerdict::Unanswered(object) => (PartsHalt::Unanswered, object),
            CompleteVerdict::Stopped(object) => (PartsHalt::Stopped, object),
        };
        self.give_up(halt, object, true).await
    }

    /// Keeps the upload or aborts it, as the plan says. `is_completing` if its object may stand by now: then its
    /// journal says what its content is.
    async fn give_up(
        &self,
        halt: PartsHalt,
        object: Leftover,
        is_completing: bool,
    ) -> PartsVerdict {
        let halt = match halt {
            PartsHalt::Unanswered | PartsHalt::SourceFailed => self.stopped_or(halt),
            halt => halt,
        };
        let may_pass = halt == PartsHalt::Unanswered;
        let keeps = self.is_noted
            && match self.order.plan.on_failure {
                OnFailure::Keep => true,
                OnFailure::KeepIfItMayPass => {
                    may_pass || (is_completing && halt == PartsHalt::Stopped)
                }
                OnFailure::TakeBack => false,
            };
        if keeps {
            return halt.leaving(object, UploadLeft::Kept);
        }
        let upload = self.order.abort(&self.id).await;
        let unheard = self.settle_unheard().await;
        // While parts are left, the journal tells a repair that they are ours.
        if upload == UploadLeft::Gone && !(is_completing && may_pass) {
            self.order.journal(JournalStep::Over).await;
        }
        halt.leaving(object, upload.or(unheard))
    }

    /// Looks for an earlier upload whose creation came late. A run before this one may have sent it.
    async fn settle_unheard(&self) -> UploadLeft {
        let (link, name) = (self.order.link, &self.order.plan.name);
        match self.unheard {
            UploadLeft::Unknown => drop_late(link, name, &self.key).await,
            UploadLeft::Gone if self.order.plan.before.is_some() => {
                drop_unheard(link, name, &self.key).await.left
            }
            left => left,
        }
    }

    fn stopped_or(&self, halt: PartsHalt) -> PartsHalt {
        if self.order.link.is_cancelled() { PartsHalt::Stopped } else { halt }
    }
}
