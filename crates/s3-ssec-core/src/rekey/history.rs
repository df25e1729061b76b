//! An object with its history: all its versions under a new key, in the order they had.
//!
//! A version cannot be put behind another one. So each is written anew on top, the oldest first, and
//! only when all stand there, and nobody wrote in between, the old ones go:
//!
//! ```text
//! list ─► note ─► write, oldest first ─► check ─► note ─► drop the old ones ─► settle
//!                        └──────────────┴─► find what is ours ─► take it back ─► list, or settle
//! ```
//!
//! * Until the note before the first drop, all old versions are there, and whatever went wrong is
//!   undone by taking back what was written: by its version ID, so nothing of anybody else's.
//! * Readers who name no version meet an older one while this goes on. That is the price of an
//!   order that S3 gives by time alone.
//! * Delete markers between versions are not made again; one on top is. Where the answer to that is
//!   lost and somebody writes in the same moment, theirs may be behind the marker.

use super::{ATTEMPTS, Outcome, Pending, Trouble, Way};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a look at one version found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is under the target key.
    Done,
    /// It is not, and can be written anew.
    Due,
    /// It cannot, and this is what is to be said of it.
    Closed(Outcome),
}

/// All there is of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Version IDs, the oldest first, and what was seen of each.
    pub versions: Vec<(String, Seen)>,
    /// Version IDs of its delete markers.
    pub markers: Vec<String>,
    /// The newest of all is a marker: the object counts as deleted.
    pub deleted: bool,
}

/// What the journal keeps of an object whose history is rewritten.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PendingHistory {
    /// Version IDs to be replaced, the oldest first, and those of markers.
    pub old: Vec<String>,
    /// Version IDs that were written.
    #[serde(default)]
    pub new: Vec<String>,
    /// Nonces under which a version was written, or may have been.
    #[serde(default)]
    pub nonces: Vec<String>,
    /// All new ones stand; the old ones are going.
    #[serde(default)]
    pub dropping: bool,
}

/// What is noted before the next step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryMark {
    /// These versions are about to be written anew.
    Planned,
    /// All stand; the old ones are about to go.
    Dropping,
    /// There is nothing more to do.
    Settled(Outcome),
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HistoryStep {
    /// Find out which versions there are: [`History::listed`].
    List,
    /// Note it, safely on disk: [`History::done`].
    Note(HistoryMark),
    /// Write [`History::old`]`[i]` anew, as the newest version: [`History::wrote`].
    Write(usize),
    /// Put a delete marker on top: [`History::wrote`].
    Delete,
    /// List once more: [`History::checked`].
    Check,
    /// Delete [`History::old`]`[i]`: [`History::done`].
    Drop(usize),
    /// Find the versions that were written for this object, in this run or the one before:
    /// [`History::found`].
    Find,
    /// Delete [`History::new`]`[i]`: [`History::done`].
    TakeBack(usize),
    /// Let some time go by: [`History::done`].
    Wait(Duration),
    /// Nothing more.
    End(Outcome),
}

/// The rewriting of one object with all its versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct History {
    step: HistoryStep,
    /// To be replaced: versions, the oldest first, then markers.
    old: Vec<String>,
    /// How many of them are versions.
    versions: usize,
    deleted: bool,
    /// Older ones that are under the target key already.
    kept: Vec<String>,
    new: Vec<String>,
    noted: bool,
    attempt: u32,
    after_wait: AfterWait,
    /// What follows when everything written is taken back; `None` to begin anew.
    then: Option<Outcome>,
}

/// Where a wait leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum AfterWait {
    List,
    Check,
    Drop(usize),
    Find,
    TakeBack(usize),
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl History {
    /// Begins an object.
    pub fn new() -> Self {
        Self {
            step: HistoryStep::List,
            old: Vec::new(),
            versions: 0,
            deleted: false,
            kept: Vec::new(),
            new: Vec::new(),
            noted: false,
            attempt: 1,
            after_wait: AfterWait::List,
            then: None,
        }
    }

    /// Takes up an object that a crash left in the middle: forward once all new versions were seen to
    /// stand, else back, so that the newest content is on top again as soon as can be.
    pub fn recover(pending: &Pending) -> Self {
        let new = Self { noted: true, ..Self::new() };
        match &pending.history {
            Some(history) if history.dropping => {
                Self { step: HistoryStep::Drop(0), old: history.old.clone(), ..new }
            }
            _ => Self { step: HistoryStep::Find, ..new },
        }
    }

    /// What to do next.
    pub fn step(&self) -> HistoryStep {
        self.step
    }

    /// Version IDs to be replaced, in their order, and those of markers.
    pub fn old(&self) -> &[String] {
        &self.old
    }

    /// Version IDs that were written.
    pub fn new_versions(&self) -> &[String] {
        &self.new
    }

    /// True if this ID was there before, or was written here.
    pub fn knows(&self, version: &str) -> bool {
        [&self.kept, &self.old, &self.new].into_iter().flatten().any(|known| known == version)
    }

    /// Tells what a [`HistoryStep::List`] found.
    pub fn listed(&mut self, found: Versions) {
        let due = found.versions.iter().position(|(_, seen)| *seen != Seen::Done);
        let Some(due) = due else {
            let outcome =
                if found.versions.is_empty() { Outcome::Absent } else { Outcome::Already };
            return self.settle(outcome);
        };
        for (_, seen) in &found.versions[due..] {
            if let Seen::Closed(outcome) = seen {
                return self.settle(*outcome);
            }
        }
        // What is newer than the first that is due has to be written again as well, to stay newer.
        let mut ids: Vec<_> = found.versions.into_iter().map(|(id, _)| id).collect();
        self.old = ids.split_off(due);
        (self.kept, self.versions, self.deleted) = (ids, self.old.len(), found.deleted);
        self.old.extend(found.markers);
        self.new.clear();
        self.step = HistoryStep::Note(HistoryMark::Planned);
    }

    /// Tells the ID of the version or marker that was written.
    pub fn wrote(&mut self, version: String) {
        let deleted = self.step == HistoryStep::Delete;
        self.new.push(version);
        self.step = match self.new.len() {
            next if next < self.versions => HistoryStep::Write(next),
            _ if self.deleted && !deleted => HistoryStep::Delete,
            _ => HistoryStep::Check,
        };
    }

    /// Tells that a version was not written, or not under an ID that was heard, and what became of it.
    pub fn not_written(&mut self, outcome: Outcome) {
        let outcome = match outcome {
            // Somebody deleted it since it was listed.
            Outcome::Absent => Outcome::Changed,
            // Good news of a version that is taken back are none of its object.
            good if good.is_good() => Outcome::Failed,
            Outcome::Unfinished => Outcome::Failed,
            bad => bad,
        };
        // A marker that was not heard of may be there, and counts as somebody's.
        self.then = Some(outcome);
        self.wait(AfterWait::Find);
    }

    /// Tells whether, of what is there, some is neither old nor written here.
    pub fn checked(&mut self, strangers: bool) {
        if !strangers {
            self.step = HistoryStep::Note(HistoryMark::Dropping);
            return;
        }
        // Somebody wrote in between, and what we wrote after that hides it.
        self.then = (self.attempt >= ATTEMPTS).then_some(Outcome::Changed);
        self.attempt += 1;
        self.step = HistoryStep::Find;
    }

    /// Tells which versions of ours a [`HistoryStep::Find`] found, the oldest first.
    pub fn found(&mut self, ours: Vec<String>) {
        self.new = ours;
        self.take_back(0);
    }

    /// Tells that a step was taken.
    pub fn done(&mut self) {
        match self.step {
            HistoryStep::Note(HistoryMark::Planned) => {
                (self.noted, self.step) = (true, HistoryStep::Write(0));
            }
            HistoryStep::Note(HistoryMark::Dropping) => self.step = HistoryStep::Drop(0),
            HistoryStep::Note(HistoryMark::Settled(outcome)) => {
                self.step = HistoryStep::End(outcome);
            }
            HistoryStep::Drop(i) => match i + 1 < self.old.len() {
                true => self.step = HistoryStep::Drop(i + 1),
                false => self.settle(Outcome::Rekeyed(Way::Whole)),
            },
            HistoryStep::TakeBack(i) => self.take_back(i + 1),
            HistoryStep::Wait(_) => {
                self.step = match self.after_wait {
                    AfterWait::List => HistoryStep::List,
                    AfterWait::Check => HistoryStep::Check,
                    AfterWait::Drop(i) => HistoryStep::Drop(i),
                    AfterWait::Find => HistoryStep::Find,
                    AfterWait::TakeBack(i) => HistoryStep::TakeBack(i),
                };
            }
            _ => {}
        }
    }

    /// Tells that a step failed.
    pub fn failed(&mut self, trouble: Trouble) {
        let again = trouble == Trouble::MayPass && self.attempt < ATTEMPTS;
        match self.step {
            HistoryStep::Note(HistoryMark::Settled(outcome)) => {
                self.step = HistoryStep::End(outcome);
            }
            // Nothing was written yet.
            HistoryStep::Note(HistoryMark::Planned) => {
                self.step = HistoryStep::End(Outcome::Failed);
            }
            // It may be on disk all the same, so there is no way back: the next run goes where it says.
            HistoryStep::Note(HistoryMark::Dropping) => {
                self.step = HistoryStep::End(Outcome::Unfinished);
            }
            HistoryStep::List if again => self.wait(AfterWait::List),
            HistoryStep::List => self.settle(match trouble {
                Trouble::Unproved => Outcome::Unproved,
                _ => Outcome::Failed,
            }),
            HistoryStep::Check if again => self.wait(AfterWait::Check),
            HistoryStep::Drop(i) if again => self.wait(AfterWait::Drop(i)),
            HistoryStep::Find if again => self.wait(AfterWait::Find),
            HistoryStep::TakeBack(i) if again => self.wait(AfterWait::TakeBack(i)),
            HistoryStep::Write(_) | HistoryStep::Delete => self.not_written(Outcome::Failed),
            // Its note stays for the next run.
            _ => self.step = HistoryStep::End(Outcome::Unfinished),
        }
    }

    fn take_back(&mut self, next: usize) {
        if next < self.new.len() {
            // The oldest first: what is on top is the newest of them to the end.
            self.step = HistoryStep::TakeBack(next);
            return;
        }
        self.new.clear();
        match self.then.take() {
            Some(outcome) => self.settle(outcome),
            None => self.step = HistoryStep::List,
        }
    }

    fn wait(&mut self, then: AfterWait) {
        let seconds = 8_u64.saturating_pow(self.attempt.min(2) - 1);
        self.attempt += 1;
        self.after_wait = then;
        self.step = HistoryStep::Wait(Duration::from_secs(seconds));
    }

    fn settle(&mut self, outcome: Outcome) {
        self.step = match self.noted || !outcome.is_good() {
            true => HistoryStep::Note(HistoryMark::Settled(outcome)),
            false => HistoryStep::End(outcome),
        };
    }
}
