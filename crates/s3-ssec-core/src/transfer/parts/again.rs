//! An upload that broke off is taken up: journal and gateway together say how far it came.

use super::owner::drop_unheard;
use super::{Before, Order, PartsHalt, PartsSource, PartsVerdict, Upload, UploadLeft};
use crate::echo::verify_echo;
use crate::listing::{Listing, Pages};
use crate::plan::{MultipartPlan, PARTS_MAX};
use crate::removal::Leftover;
use crate::transfer::ask::{Unheard, WithKey, WithoutKey};
use crate::transfer::task::{Answer, KeyFacts, Operation, Outcome, Task};
use std::collections::BTreeMap;

/// What becomes of an upload that broke off.
pub(super) enum TakenUp<'a> {
    /// There is none, or it cannot be gone on with. The value is what is left of it.
    Nothing(UploadLeft),
    GoOn(Upload<'a>),
    Ended(PartsVerdict),
}

/// The parts of an upload, as the gateway lists them.
enum Listed {
    Parts(BTreeMap<u16, String>),
    /// It was completed or aborted. RGW names the object or the upload, once an upload is complete.
    UploadGone,
    Refused(Answer),
}

impl<'a> Order<'a> {
    pub(super) async fn take_up(self) -> TakenUp<'a> {
        let Some(before) = &self.plan.before else { return TakenUp::Nothing(UploadLeft::Gone) };
        // The journal proves that it is ours to abort.
        let Some(key) = &before.key else {
            return self.begin_anew(before, PartsHalt::OtherContent).await;
        };
        let Some(parts) = before.parts else {
            return self.begin_anew(before, PartsHalt::OtherContent).await;
        };
        let Some(id) = &before.upload else {
            return self.begin_anew(before, PartsHalt::UploadGone).await;
        };
        match self.list_parts(key, id).await {
            Ok(Listed::Parts(listed)) => self.go_on(before, key, id, parts, listed).await,
            Ok(Listed::UploadGone) if before.is_completing => {
                self.completed(before, key, id, parts).await
            }
            Ok(Listed::UploadGone) => self.begin_anew(before, PartsHalt::UploadGone).await,
            Ok(Listed::Refused(answer)) => kept(PartsHalt::Refused(answer)),
            Err(Unheard) => kept(self.unanswered()),
        }
    }

    /// Aborts it, and others under its key. Where a person decides, it ends instead.
    async fn begin_anew(self, before: &Before, halt: PartsHalt) -> TakenUp<'a> {
        if self.keeps_all() {
            return kept(halt);
        }
        TakenUp::Nothing(match (&before.upload, &before.key) {
            (Some(id), None) => self.abort(id).await,
            (id, Some(key)) => self.abort_all(id.as_deref(), key).await,
            (None, None) => UploadLeft::Gone,
        })
    }

    /// Aborts an upload, and those under its key whose creation was not answered.
    pub(super) async fn abort_all(self, id: Option<&str>, key: &KeyFacts) -> UploadLeft {
        let left = match id {
            Some(id) => self.abort(id).await,
            None => UploadLeft::Gone,
        };
        left.or(drop_unheard(self.link, &self.plan.name, key).await.left)
    }

    async fn go_on(
        self,
        before: &Before,
        key: &KeyFacts,
        id: &str,
        parts: MultipartPlan,
        mut listed: BTreeMap<u16, String>,
    ) -> TakenUp<'a> {
        let compared = self.link.carry(Task::Compare { listed: listed.clone() }).await;
        let Outcome::Agreed(agreed) = compared else { return kept(self.unanswered()) };
        listed.retain(|number, _| agreed.contains(number));
        TakenUp::GoOn(Upload {
            source: PartsSource::Known(parts),
            sent: before.sent.clone(),
            agreed: listed,
            ..Upload::new(self, key.clone(), id.to_owned(), UploadLeft::Gone, true)
        })
    }

    /// Complete was sent, and its answer was not heard: the object stands if our key opens it. No key goes to an
    /// object that does not ask for one, as another writer's may be.
    async fn completed(
        self,
        before: &Before,
        key: &KeyFacts,
        id: &str,
        parts: MultipartPlan,
    ) -> TakenUp<'a> {
        let head = match self.ask().without_key(None).await {
            Ok(WithoutKey::KeyNeeded) => self.ask().with_key(key, None).await,
            Ok(WithoutKey::Refused(answer)) => return kept(PartsHalt::Refused(answer)),
            Ok(WithoutKey::Readable(_) | WithoutKey::Absent) => Ok(WithKey::Other),
            Ok(WithoutKey::Unclear) => Ok(WithKey::Unclear),
            Err(Unheard) => Err(Unheard),
        };
        let head = match head {
            Ok(WithKey::Opened(head)) => Some(head),
            Ok(WithKey::Other) => None,
            Ok(WithKey::Unclear) | Err(Unheard) => return kept(self.unanswered()),
        };
        let is_known =
            |number| before.sent.contains_key(&number) && before.stored.contains(&number);
        let numbers: Vec<u16> = parts.parts().map(|part| part.number.number()).collect();
        match head.filter(|head| verify_echo(key.md5, &head.echo).is_ok()) {
            Some(head) if numbers.iter().all(|number| is_known(*number)) => {
                TakenUp::GoOn(Upload {
                    source: PartsSource::Known(parts),
                    sent: before.sent.clone(),
                    // Their ETags are noted as hashes, and are not needed any more.
                    agreed: numbers.into_iter().map(|number| (number, String::new())).collect(),
                    completed: Some(head.version_id),
                    ..Upload::new(self, key.clone(), id.to_owned(), UploadLeft::Gone, true)
                })
            }
            _ => self.begin_anew(before, PartsHalt::UploadGone).await,
        }
    }

    async fn list_parts(self, key: &KeyFacts, id: &str) -> Result<Listed, Unheard> {
        let mut pages = Pages::new(Listing::Parts, self.plan.name.key.as_str());
        let (mut listed, mut after) = (BTreeMap::new(), None);
        loop {
            let list = Operation::ListParts { upload: id.to_owned(), after };
            // Needs no key. It is sent all the same: a policy may ask for it.
            let answer = self.ask().answer(list, Some(key)).await?;
            if answer.status == 404 {
                return Ok(Listed::UploadGone);
            }
            if !answer.is_success() {
                return Ok(Listed::Refused(answer));
            }
            let page = pages.read(&answer.body).map_err(|_| Unheard)?;
            listed.extend(page.entries.into_iter().map(|part| (part.number, part.etag)));
            let is_possible = listed.len() as u64 <= PARTS_MAX;
            match page.next {
                None if is_possible => return Ok(Listed::Parts(listed)),
                Some(next) if is_possible => after = Some(next.at),
                _ => return Err(Unheard),
            }
        }
    }
}

/// The journal stays, and the upload with it.
fn kept<'a>(halt: PartsHalt) -> TakenUp<'a> {
    TakenUp::Ended(halt.leaving(Leftover::Nothing, UploadLeft::Kept))
}
