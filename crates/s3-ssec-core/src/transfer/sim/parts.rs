//! Uploads in parts of the simulation, and the runs that go on with them.

use super::gateway::Lie;
use super::journal::SIZE;
use super::run::{Run, name};
use super::said::Said;
use crate::plan::MultipartPlan;
use crate::transfer::parts::{
    OnFailure, PartsLeft, PartsPlan, PartsSource, PartsVerdict, UploadLeft, put_parts,
};
use crate::transfer::task::{Call, Condition, JournalStep, Operation, Outcome};

pub(super) fn plan() -> PartsPlan {
    PartsPlan {
        name: name(),
        source: PartsSource::Known(MultipartPlan::new(SIZE, 16 << 20).unwrap()),
        tags: Vec::new(),
        condition: Condition::Always,
        at_once: 2,
        on_failure: OnFailure::KeepIfItMayPass,
        before: None,
    }
}

impl Run {
    pub(super) fn journal(&mut self, step: JournalStep) -> Outcome {
        if step == JournalStep::Begun {
            // Where it is not noted, the upload is none that is gone on with, and its pending record is of no use.
            self.noted.extend(self.drawn.iter().map(|key| key.record.clone()));
        }
        if self.faults.line > 0 && self.rng.u32(..40) == 0 {
            (self.journal.text, self.journal.is_broken) = (None, true);
            return Outcome::Failed;
        }
        if step == JournalStep::Begun {
            self.journal.begin(self.drawn.clone());
            return Outcome::Noted;
        }
        let journal = &mut self.journal;
        match (step, &mut journal.text) {
            (JournalStep::Over, text) => *text = None,
            (_, None) | (JournalStep::Begun, _) => return Outcome::Failed,
            (JournalStep::Created { upload }, Some(text)) => text.upload_id = Some(upload),
            (JournalStep::Stored { number, etag }, Some(text)) => {
                text.stored.insert(number, etag);
            }
            (JournalStep::Completing { record }, Some(text)) => {
                (text.completing, text.record) = (true, Some(record));
            }
        }
        Outcome::Noted
    }

    /// Notes a part before it is sent. The outcome if it must not be sent.
    pub(super) fn journal_part(&mut self, call: &Call) -> Option<Outcome> {
        let Operation::Part { number, same_as, .. } = &call.operation else { return None };
        if call.name != name() {
            return None;
        }
        if same_as.is_some() && self.journal.is_other_content {
            return Some(Outcome::OtherContent);
        }
        self.journal.sent += 1;
        if let Some(text) = &mut self.journal.text {
            text.sent.insert(*number, "hash".to_owned());
        }
        None
    }

    /// Hashes a part that the gateway holds.
    pub(super) fn hash(&mut self, same_as: Option<&String>) -> Outcome {
        self.journal.hashed += 1;
        match same_as {
            Some(_) if self.journal.is_other_content => Outcome::OtherContent,
            _ => Outcome::Hashed,
        }
    }

    /// A multipart upload with this run's faults; `None` if the client crashed.
    pub(super) fn put_parts(&mut self) -> Result<Option<PartsVerdict>, String> {
        let condition = self.condition();
        let is_stream = !self.faults.is_browser && self.faults.line > 0 && self.rng.u32(..4) == 0;
        let (source, on_failure) = match is_stream {
            true => (PartsSource::Stream(None), OnFailure::TakeBack),
            false => (plan().source, self.on_failure()),
        };
        self.put_parts_as(PartsPlan { condition, source, on_failure, ..plan() })
    }

    fn on_failure(&self) -> OnFailure {
        if self.faults.is_browser { OnFailure::Keep } else { OnFailure::KeepIfItMayPass }
    }

    /// A second run, without faults, which goes on where the first broke off. A person at a page begins anew
    /// where that cannot be.
    pub(super) fn put_parts_again(&mut self) -> Result<(), String> {
        self.end_faults();
        self.journal.is_other_content |= self.rng.u32(..8) == 0;
        let (before, on_failure) = (self.journal.before(), self.on_failure());
        let is_again = before.is_some();
        let again = PartsPlan { before, on_failure, ..plan() };
        let verdict = self.put_parts_as(again)?;
        let is_stored =
            |verdict: &Option<PartsVerdict>| matches!(verdict, Some(PartsVerdict::Stored(..)));
        if is_again && self.faults.is_browser && !is_stored(&verdict) {
            let verdict = self.put_parts_as(PartsPlan { on_failure, ..plan() })?;
            return self.ends_well(is_stored(&verdict), &verdict);
        }
        self.ends_well(is_stored(&verdict), &verdict)
    }

    pub(super) fn put_parts_as(&mut self, plan: PartsPlan) -> Result<Option<PartsVerdict>, String> {
        let course = |link| put_parts(link, plan);
        let verdict = self.drive(self.machine(course))?;
        // Whoever is told of it may look after it.
        self.journal.is_broken |= match &verdict {
            Some(PartsVerdict::Stored(_, left)) => *left != UploadLeft::Gone,
            Some(PartsVerdict::Failed(_, PartsLeft { upload, .. })) => {
                matches!(upload, UploadLeft::Open | UploadLeft::Unknown)
            }
            None => false,
        };
        Ok(verdict)
    }

    /// True if an upload of an earlier run is left, after one that said that none is. The notes of that run must
    /// have been kept, and what was on its way must have arrived.
    pub(super) fn lost_upload(&self, said: &Said) -> bool {
        let is_known = !self.journal.is_broken && !self.faults.is_browser && self.late.is_empty();
        let ours = |sent| self.keys.values().any(|key| Some(*key) == sent);
        is_known
            && said.is_stored
            && self.gateway.lie == Lie::None
            && self.gateway.uploads.iter().any(|upload| ours(upload.sent))
    }
}
