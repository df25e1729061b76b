//! Rekey: what is done to one object, step by step, so that it is never lost. No IO.
//!
//! A [`Rewrite`] says what to do next, and is told what came of it. Whoever drives it looks, reads,
//! writes and notes; the order is decided here:
//!
//! ```text
//! look ─► read, and verify ─► confirm that it is still the same ─► note ─► replace ─► check ─► settle
//!      └► large: note, open an upload, note ─► read into its parts ─┘        ├► describe ─► check
//!                                                              a copy: read, and compare ┘
//! ```
//!
//! * The old content goes only when the new one is whole at the gateway or in memory, and was equal
//!   to its record.
//! * Whatever replaces it was noted before, with its nonce and its tags, so that a crash at any point
//!   leaves an object that the next run can finish or begin anew.
//! * What somebody else wrote in between is left alone.
//!
//! A [`History`] does this to every version of an object, one after the other.

mod history;
#[cfg(test)]
mod history_model;
mod journal;
#[cfg(test)]
mod model;
mod pace;
mod step;

pub use history::{History, HistoryMark, HistoryStep, PendingHistory, Seen, Versions};
pub use journal::{Grant, Pending, RekeyBegun, RekeyJournal, RekeyLine, Replacing, whole};
pub use pace::Pace;
pub use step::{
    Content, Description, Mark, Outcome, Plaintext, Rules, Sight, Standing, Step, Trouble, Way,
};

use std::time::Duration;

/// Tries for one object before it is given up for this run.
pub const ATTEMPTS: u32 = 3;

/// The rewriting of one object, or of one version of it into a new one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rewrite {
    rules: Rules,
    step: Step,
    way: Way,
    /// An upload is open, or may be.
    uploading: bool,
    /// Tags or access list are still to be written, after a check.
    describe: bool,
    /// It stands in the journal as begun.
    noted: bool,
    /// Taken up after a crash: what is there may be anything.
    recovering: bool,
    /// The gateway refused the replacement: asking again would not help.
    refused: bool,
    /// A replacement was sent and not heard of: it may arrive at any time.
    sent: bool,
    /// The outcome of reading the gateway's copy.
    copy: Copied,
    attempt: u32,
    after_wait: AfterWait,
    after_abort: AfterAbort,
}

/// The state of a copy that the gateway made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Copied {
    Unread,
    Same,
    Garbled,
}

/// Where a wait leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AfterWait {
    Look,
    Check,
}

/// Where an abort leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AfterAbort {
    Look,
    Wait(Duration),
    /// Complete was sent and not heard: only now it cannot happen any more.
    Check,
    Settle(Outcome),
}

impl Rewrite {
    /// Begins an object.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            step: Step::Look,
            way: Way::Whole,
            uploading: false,
            describe: false,
            noted: false,
            recovering: false,
            refused: false,
            sent: false,
            copy: Copied::Unread,
            attempt: 1,
            after_wait: AfterWait::Look,
            after_abort: AfterAbort::Look,
        }
    }

    /// Takes up an object that a crash left in the middle.
    pub fn recover(rules: Rules, pending: &Pending) -> Self {
        let new = Self { noted: true, uploading: pending.may_upload(), ..Self::new(rules) };
        match &pending.replacing {
            None => Self { step: Step::Abort, ..new },
            Some(Replacing { way, .. }) => {
                let (step, way) = (Step::Check, *way);
                Self { step, way, describe: true, recovering: true, sent: true, ..new }
            }
        }
    }

    /// The next step.
    pub fn step(&self) -> Step {
        self.step
    }

    /// How the object gets its new key, once that is decided.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Tells what a [`Step::Look`] found.
    pub fn looked(&mut self, sight: Sight) {
        match self.rules.decide(sight) {
            Err(outcome) => self.settle(outcome),
            Ok(way) => {
                self.way = way;
                self.step = match way {
                    Way::Parts => Step::Note(Mark::Opening),
                    Way::Whole | Way::Copy => Step::Read(way),
                };
            }
        }
    }

    /// Tells what a [`Step::Read`] found. `more`: the replacement cannot carry all of what belongs to
    /// the object, so that it has to be described afterwards.
    pub fn read(&mut self, content: Content, more: bool) {
        self.describe = more || self.way == Way::Parts;
        match content {
            Content::Verified | Content::Unverified => self.step = Step::Confirm,
            Content::Damaged => self.give_up(Outcome::Damaged),
            Content::Changed => self.changed(),
        }
    }

    /// Tells whether what is there is still what was read.
    pub fn confirmed(&mut self, same: bool) {
        match same {
            true => self.step = Step::Note(Mark::Replacing),
            false => self.changed(),
        }
    }

    /// Tells who is there after a [`Step::Check`].
    pub fn checked(&mut self, standing: Standing) {
        match standing {
            Standing::Ours => {
                self.uploading = false;
                match self.way == Way::Copy && self.copy != Copied::Same {
                    true => self.step = Step::Compare,
                    false => self.complete(),
                }
            }
            // By the ID of its version alone: an object without versions may be all that is left.
            Standing::Unproved => (self.uploading, self.step) = (false, Step::TakeBack),
            Standing::Old | Standing::Others if self.uploading => self.abort(AfterAbort::Check),
            // The replacement did not arrive, or was overwritten since: what is there is looked at
            // like any other object.
            _ if self.recovering => {
                (self.recovering, self.describe, self.step) = (false, false, Step::Look);
            }
            Standing::Old if self.refused => self.settle(Outcome::Failed),
            Standing::Old => self.try_again(),
            Standing::Others => self.changed(),
        }
    }

    /// Takes the result of a [`Step::Compare`]: whether the copy is the same as its source.
    pub fn compared(&mut self, same: bool) {
        match same {
            true => {
                self.copy = Copied::Same;
                self.complete();
            }
            // The source is whole in the version before. Without versions nothing is removed.
            false => (self.copy, self.step) = (Copied::Garbled, Step::TakeBack),
        }
    }

    /// The new object is there, and what was written is right.
    fn complete(&mut self) {
        match std::mem::take(&mut self.describe) {
            true => self.step = Step::Describe,
            false => self.settle(Outcome::Rekeyed(self.way)),
        }
    }

    /// The outcome of an object whose replacement is removed.
    fn removed(&self) -> Outcome {
        if self.copy == Copied::Garbled { Outcome::Garbled } else { Outcome::Unproved }
    }

    /// Tells that a step was taken. For [`Step::Replace`] that it is proved, as far as its answer says.
    pub fn done(&mut self) {
        self.step = match self.step {
            Step::Note(Mark::Opening) => {
                (self.noted, self.uploading) = (true, true);
                Step::Open
            }
            Step::Open => Step::Note(Mark::Opened),
            Step::Note(Mark::Opened) => Step::Read(Way::Parts),
            Step::Note(Mark::Replacing) => {
                (self.noted, self.copy) = (true, Copied::Unread);
                Step::Replace(self.way)
            }
            // With a condition nobody else's can have gone; there is nothing to look for.
            Step::Replace(Way::Whole) if self.rules.conditional && !self.describe => {
                return self.settle(Outcome::Rekeyed(self.way));
            }
            Step::Replace(_) => Step::Check,
            // Somebody may have written it meanwhile, and have got our tags.
            Step::Describe => Step::Check,
            Step::TakeBack => return self.settle(self.removed()),
            Step::Abort => {
                self.uploading = false;
                match self.after_abort {
                    AfterAbort::Look => Step::Look,
                    AfterAbort::Wait(time) => Step::Wait(time),
                    AfterAbort::Check => Step::Check,
                    AfterAbort::Settle(outcome) => return self.settle(outcome),
                }
            }
            Step::Wait(_) => match self.after_wait {
                AfterWait::Look => Step::Look,
                AfterWait::Check => Step::Check,
            },
            Step::Note(Mark::Settled(outcome)) => Step::End(outcome),
            other => other,
        };
    }

    /// Tells that a step failed.
    pub fn failed(&mut self, trouble: Trouble) {
        match (self.step, trouble) {
            // What was begun stands in the journal, for the next run.
            (Step::Note(Mark::Settled(outcome)), _) => self.step = Step::End(outcome),
            // Without a journal nothing more may be done.
            (Step::Note(_), _) => self.give_up(Outcome::Failed),
            // Its note stays, so that the next run aborts it.
            (Step::Abort, _) => {
                self.step = Step::End(match self.after_abort {
                    AfterAbort::Settle(outcome) => outcome,
                    AfterAbort::Check => Outcome::Unfinished,
                    AfterAbort::Look | AfterAbort::Wait(_) => Outcome::Failed,
                });
            }
            (Step::Replace(_), Trouble::MayPass) => {
                self.sent = true;
                self.wait(AfterWait::Check);
            }
            (Step::Replace(_), Trouble::Unproved) => {
                (self.uploading, self.step) = (false, Step::TakeBack);
            }
            // An earlier try of the same request may have been heard, and this one refused for that.
            (Step::Replace(_), trouble) => {
                self.refused = trouble == Trouble::Refused;
                self.step = Step::Check;
            }
            // It stands as it is, perhaps good; its note says what it is.
            (Step::TakeBack, _) => self.step = Step::End(self.removed()),
            (Step::Describe, trouble) => {
                self.describe = true;
                self.unfinished(trouble);
            }
            // Replaced while it was read: the check says by whom.
            (Step::Compare, Trouble::Condition) => self.unfinished(Trouble::MayPass),
            (Step::Check | Step::Compare, trouble) => self.unfinished(trouble),
            (_, Trouble::MayPass) => self.try_again(),
            (_, Trouble::Condition) => self.give_up(Outcome::Changed),
            (_, Trouble::Unproved) => self.give_up(Outcome::Unproved),
            (_, Trouble::Refused) => self.give_up(Outcome::Failed),
        }
    }

    /// After a replacement: asked again a few times, then left to the next run with its note.
    fn unfinished(&mut self, trouble: Trouble) {
        match trouble == Trouble::MayPass && self.attempt < ATTEMPTS {
            true => self.wait(AfterWait::Check),
            false => self.step = Step::End(Outcome::Unfinished),
        }
    }

    fn try_again(&mut self) {
        if self.attempt >= ATTEMPTS {
            return self.give_up(Outcome::Failed);
        }
        (self.describe, self.refused) = (false, false);
        self.wait(AfterWait::Look);
        if let (true, Step::Wait(time)) = (self.uploading, self.step) {
            self.abort(AfterAbort::Wait(time));
        }
    }

    /// Another object is there than the one that was looked at: somebody's, or ours that was late.
    fn changed(&mut self) {
        match self.sent {
            true => self.try_again(),
            false => self.give_up(Outcome::Changed),
        }
    }

    fn wait(&mut self, then: AfterWait) {
        // 1 and 8 s: a gateway that restarts is away for some seconds.
        let seconds = 8_u64.saturating_pow(self.attempt - 1);
        self.attempt += 1;
        (self.after_wait, self.step) = (then, Step::Wait(Duration::from_secs(seconds)));
    }

    fn abort(&mut self, then: AfterAbort) {
        (self.after_abort, self.step) = (then, Step::Abort);
    }

    /// Ends it with the old object where it was.
    fn give_up(&mut self, outcome: Outcome) {
        match self.uploading {
            true => self.abort(AfterAbort::Settle(outcome)),
            false => self.settle(outcome),
        }
    }

    /// What was begun in the journal is ended in it; bad news is noted too.
    fn settle(&mut self, outcome: Outcome) {
        self.step = match self.noted || !outcome.is_good() {
            true => Step::Note(Mark::Settled(outcome)),
            false => Step::End(outcome),
        };
    }
}
