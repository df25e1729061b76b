//! Journals of shards, put together: what is done, what failed, what is missing, what stands double.
//!
//! Takes whole lines, one file after the other, and keeps no line: only counts, what failed, and 16
//! bytes for every object.

use super::work::{WorkBegun, WorkLine, WorkObject, WorkOutcome};
use crate::shard::Shard;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

/// A journal cannot be put together with the others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The first line does not say what was asked for.
    #[error("it does not begin as a journal")]
    NoBeginning,
    /// A line in the middle makes no sense.
    #[error("line {0} is no line of a journal")]
    Line(u64),
    /// It is of another command, place, gateway or option than the journals before it.
    #[error("it is of another work than the journals before it: {0}")]
    OtherWork(String),
}

/// One journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardReport {
    /// How the caller calls it: its file.
    pub name: String,
    /// Which shard.
    pub shard: Shard,
    /// Objects in it.
    pub objects: u64,
    /// Of these, failed.
    pub failed: u64,
    /// The exit code it ended with; `None` if it did not come to its end.
    pub exit_code: Option<u8>,
}

/// An object that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedObject {
    /// The object.
    pub object: WorkObject,
    /// In which journal.
    pub journal: String,
}

/// All journals together.
#[derive(Debug, Default)]
pub struct Merged {
    /// What was asked for, by the first journal.
    pub begun: Option<WorkBegun>,
    /// The journals, in the order in which they were taken.
    pub shards: Vec<ShardReport>,
    /// Objects by outcome.
    pub outcomes: BTreeMap<WorkOutcome, u64>,
    /// Objects by the state in which they were found.
    pub states: BTreeMap<String, u64>,
    /// Bytes of all objects that are done.
    pub bytes: u64,
    /// What failed.
    pub failed: Vec<FailedObject>,
    /// Objects in more than one journal, and in which.
    pub doubles: Vec<(String, Vec<String>)>,
}

/// Where an object stood last.
struct Seen {
    journal: u32,
    outcome: WorkOutcome,
    state: Option<u32>,
    bytes: u64,
}

/// Puts journals together, line by line.
#[derive(Default)]
pub struct Merge {
    merged: Merged,
    seen: HashMap<u128, Seen>,
    states: Vec<String>,
    failed: HashMap<u128, FailedObject>,
    lines: u64,
    open: bool,
}

impl Merge {
    /// The next lines are of this journal.
    pub fn journal(&mut self, name: &str) {
        let (objects, failed, exit_code) = (0, 0, None);
        let (name, shard) = (name.to_owned(), Shard::WHOLE);
        self.merged.shards.push(ShardReport { name, shard, objects, failed, exit_code });
        (self.lines, self.open) = (0, false);
    }

    /// The next line; must be whole.
    pub fn line(&mut self, line: &str) -> Result<(), MergeError> {
        self.lines += 1;
        match (WorkLine::parse(line), self.open) {
            (Some(WorkLine::Begun(begun)), false) => self.begin(begun),
            (_, false) => Err(MergeError::NoBeginning),
            // A command that goes on says again what it does.
            (Some(WorkLine::Begun(begun)), true) => self.begin(begun),
            (Some(WorkLine::Object(object)), true) => {
                self.object(object);
                Ok(())
            }
            (Some(WorkLine::Ended { exit_code }), true) => {
                if let Some(shard) = self.merged.shards.last_mut() {
                    shard.exit_code = Some(exit_code);
                }
                Ok(())
            }
            (Some(WorkLine::Through(_)), true) => Ok(()),
            (None, true) => Err(MergeError::Line(self.lines)),
        }
    }

    fn begin(&mut self, begun: WorkBegun) -> Result<(), MergeError> {
        let shard = Shard::parse(&begun.shard).map_err(|_| MergeError::Line(self.lines))?;
        let first = self.merged.begun.get_or_insert_with(|| begun.clone());
        if !first.is_same_work(&begun) {
            let other = format!("{} {} of {}", begun.command, begun.shard, begun.place);
            return Err(MergeError::OtherWork(other));
        }
        if let Some(report) = self.merged.shards.last_mut() {
            (report.shard, report.exit_code) = (shard, None);
        }
        self.open = true;
        Ok(())
    }

    fn object(&mut self, object: WorkObject) {
        let journal = self.merged.shards.len() as u32 - 1;
        let id = identity_of(&object.key, object.version.as_deref());
        let state = object.state.as_ref().map(|state| self.state(state));
        let now = Seen { journal, outcome: object.outcome, state, bytes: object.bytes };
        if let Some(before) = self.seen.insert(id, now)
            && before.journal != journal
        {
            let name = |index: u32| self.merged.shards[index as usize].name.clone();
            let journals = vec![name(before.journal), name(journal)];
            self.merged.doubles.push((label(&object), journals));
        }
        if object.outcome == WorkOutcome::Failed {
            let journal = self.merged.shards[journal as usize].name.clone();
            self.failed.insert(id, FailedObject { object, journal });
        } else {
            self.failed.remove(&id);
        }
    }

    /// A number for a state, so that it is not kept for every object.
    fn state(&mut self, state: &str) -> u32 {
        let known = self.states.iter().position(|known| known == state);
        known.unwrap_or_else(|| {
            self.states.push(state.to_owned());
            self.states.len() - 1
        }) as u32
    }

    /// Everything together.
    pub fn finish(mut self) -> Merged {
        for seen in self.seen.values() {
            *self.merged.outcomes.entry(seen.outcome).or_default() += 1;
            if let Some(state) = seen.state {
                *self.merged.states.entry(self.states[state as usize].clone()).or_default() += 1;
            }
            if seen.outcome != WorkOutcome::Failed {
                self.merged.bytes += seen.bytes;
            }
            let shard = &mut self.merged.shards[seen.journal as usize];
            shard.objects += 1;
            shard.failed += u64::from(seen.outcome == WorkOutcome::Failed);
        }
        self.merged.failed = self.failed.into_values().collect();
        self.merged.failed.sort_by_key(|failed| label(&failed.object));
        self.merged.doubles.sort();
        self.merged
    }
}

impl Merged {
    /// The shards of which there is no journal.
    pub fn missing(&self) -> Vec<Shard> {
        let Some(count) = self.shards.first().map(|shard| shard.shard.count()) else {
            return Vec::new();
        };
        let here = |shard: &Shard| self.shards.iter().any(|report| report.shard == *shard);
        let all = (1..=count).filter_map(|index| Shard::new(index, count).ok());
        all.filter(|shard| !here(shard)).collect()
    }

    /// The journals that did not come to their end.
    pub fn unfinished(&self) -> impl Iterator<Item = &ShardReport> {
        self.shards.iter().filter(|shard| shard.exit_code.is_none())
    }

    /// The worst exit code: of the shards, of what failed, and 1 where something is missing or
    /// stands double.
    pub fn exit_code(&self) -> u8 {
        let incomplete = !self.missing().is_empty()
            || self.unfinished().next().is_some()
            || !self.doubles.is_empty();
        let shards = self.shards.iter().filter_map(|shard| shard.exit_code);
        let objects = self.failed.iter().map(|failed| failed.object.exit_code.unwrap_or(1));
        shards.chain(objects).chain([u8::from(incomplete)]).max().unwrap_or(1)
    }
}

/// The object as people name it: its key, and its version where there is one.
pub fn label(object: &WorkObject) -> String {
    match &object.version {
        None => object.key.clone(),
        Some(version) => format!("{} (version {version})", object.key),
    }
}

/// The first 16 bytes of SHA-256 over key and version, each behind its length: tells all objects
/// apart that there are.
pub fn identity_of(key: &str, version: Option<&str>) -> u128 {
    let mut hash = Sha256::new();
    for part in [key, version.unwrap_or_default()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests;
