//! The ledger on disk, in the state directory, for all processes at once.
//!
//! Every write has a line before its request, and another one once it was proved. Where the request may leave
//! the ledger as the sole holder of the record, the first is on the disk by then; what many writers note at
//! once is synchronised at once.

mod files;
mod sorted;
#[cfg(test)]
mod tests;

use crate::client::Client;
use crate::lines::LimitedLines;
use crate::nonce;
use crate::state::StateDir;
use crate::write::{PutError, RecordKept};
use files::Files;
pub(crate) use files::Safety;
use s3_ssec_core::key::{Key, Kind, RandomError};
use s3_ssec_core::keyring::{Keyring, OpenError, Seal};
use s3_ssec_core::ledger::Ledger as Lines;
pub use s3_ssec_core::ledger::LedgerEntry;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, Record, TAG_KEY};
use s3_ssec_core::transfer::RecordPlace;
use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a line of another ledger, at most: the longest name, escaped, is a tenth of it.
const LINE_MAX: usize = 64 << 10;

/// Lines that an import refuses one by one. Each is reported at the end.
const REFUSED_MAX: usize = 1000;

/// The records that this machine keeps of objects.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    files: Files,
    /// Objects written since it was opened whose record no tag holds.
    alone: AtomicU64,
}

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imported {
    /// Records that are new here.
    pub added: u64,
    /// Records that were here already.
    pub known: u64,
    /// Lines that were not taken in: their numbers, from 1, and why.
    pub refused: Vec<(u64, ImportRefused)>,
}

/// A line of a ledger was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportRefused {
    /// Not a line of this format.
    #[error("it is not a line of a ledger")]
    Malformed,
    /// No key at hand made its record.
    #[error(transparent)]
    Record(#[from] OpenError),
}

/// Nothing was imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// So many lines are refused that it is not a ledger of these keys.
    #[error("more than {REFUSED_MAX} lines are refused, the first of them line {line}: {why}")]
    Refused {
        /// The first of them, from 1.
        line: u64,
        /// Why that one is refused.
        why: ImportRefused,
    },
    /// It cannot be read, or the ledger of this machine cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Ledger {
    /// The ledger of a state directory, which need not exist yet.
    pub fn open(state: &StateDir) -> Self {
        Self(Arc::new(Inner { files: Files::new(state.path()), alone: AtomicU64::new(0) }))
    }

    /// Gives every entry to `take`, those of one object by age.
    pub fn for_each(&self, mut take: impl FnMut(&LedgerEntry) -> io::Result<()>) -> io::Result<()> {
        self.0.files.each(|lines| lines.entries().try_for_each(&mut take))
    }

    /// Takes in the lines of another ledger whose records were made with one of `keys`. Which tags hold them
    /// is left out: another machine saw that. An error takes nothing in, nor do more than 1,000 lines that
    /// are refused.
    pub fn import(&self, keys: &Keyring, text: impl BufRead) -> Result<Imported, ImportError> {
        let mut imported = Imported::default();
        let (mut new, mut added) = (Lines::default(), String::new());
        let mut lines = LimitedLines::new(text, LINE_MAX);
        while let Some(line) = lines.next_line().map_err(io::Error::from)? {
            let line = String::from_utf8_lossy(line);
            if line.trim().is_empty() {
                continue;
            }
            match from_elsewhere(&line, keys) {
                Err(_) if imported.refused.len() == REFUSED_MAX => {
                    let (line, why) = imported.refused[0];
                    return Err(ImportError::Refused { line, why });
                }
                Err(why) => imported.refused.push((lines.number(), why)),
                Ok(entry) if new.has(&entry) || self.has(&entry)? => imported.known += 1,
                Ok(entry) => {
                    imported.added += 1;
                    added += &entry.print();
                    new.insert(entry);
                }
            }
        }
        if !added.is_empty() {
            self.0.files.append(&added, Safety::OnDisk)?;
        }
        Ok(imported)
    }

    fn has(&self, entry: &LedgerEntry) -> io::Result<bool> {
        Ok(self.0.files.of(&entry.endpoint, &entry.object)?.has(entry))
    }

    /// The entries of an object, the newest first.
    fn of(&self, endpoint: &str, object: &ObjectName) -> Vec<LedgerEntry> {
        match self.0.files.of(endpoint, object) {
            Ok(lines) => lines.of(endpoint, object).cloned().collect(),
            Err(error) => {
                tracing::warn!("the ledger cannot be read: {error}");
                Vec::new()
            }
        }
    }

    /// Notes an entry, as safely as asked for when this returns.
    async fn note(&self, entry: &LedgerEntry, safety: Safety) -> io::Result<()> {
        let (noted, begin) = self.0.files.enqueue(&entry.print(), safety);
        if begin {
            let inner = Arc::clone(&self.0);
            tokio::task::spawn_blocking(move || inner.files.write_queue());
        }
        noted.await.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()))
    }
}

/// An entry of another machine's ledger, if one of these keys made its record. Which tag holds it that machine
/// saw, and this one did not: the line is kept here until a tag is seen.
fn from_elsewhere(line: &str, keys: &Keyring) -> Result<LedgerEntry, ImportRefused> {
    let mut entry = LedgerEntry::parse(line).ok_or(ImportRefused::Malformed)?;
    entry.check(keys)?;
    entry.in_tag = false;
    // Whoever ever had a direct key can make a line that is newer than the master's, and would so hide that
    // an object was replaced.
    entry.confirmed &= entry.record.kind() == Kind::Master;
    Ok(entry)
}

/// Where the record of a write is kept besides its tag, settled before the write is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// In the ledger, and the gateway was seen to keep the tags of such writes.
    TagTrusted,
    /// In the ledger, safely on the disk.
    InLedger,
    /// Nowhere, because there is no ledger: the write counts only if its tag is read back.
    Nowhere,
}

impl Client {
    /// The records of an object that this machine keeps, the newest first.
    pub(crate) fn noted(&self, name: &ObjectName) -> Vec<Record> {
        self.noted_entries(name).into_iter().map(|entry| entry.record).collect()
    }

    pub(crate) fn noted_entries(&self, name: &ObjectName) -> Vec<LedgerEntry> {
        let Some(ledger) = &self.ledger else { return Vec::new() };
        ledger.of(&self.endpoint().canonical(), name)
    }

    /// The kind of the key of the last write of a name that was proved, as far as this machine noted it.
    pub(crate) fn last_written(&self, keys: &Keyring, name: &ObjectName) -> Option<Kind> {
        let counts = |entry: &LedgerEntry| entry.is_proved_write() && entry.check(keys).is_ok();
        self.noted_entries(name).into_iter().find(counts).map(|entry| entry.record.kind())
    }

    /// How many objects this client and its clones wrote whose record is in the ledger alone.
    pub fn in_ledger_only(&self) -> u64 {
        self.ledger.as_ref().map_or(0, |ledger| ledger.0.alone.load(Relaxed))
    }

    /// Draws a nonce for a write of `name` that something else than [`Client::put`] will do, and notes
    /// its pending record in the ledger, if there is one.
    pub async fn fresh_seal<'k>(
        &self,
        key: &'k Key,
        name: &ObjectName,
    ) -> Result<Seal<'k>, RandomError> {
        let seal = nonce::fresh_seal(key, name, self.state.as_ref())?;
        // The record goes with the request too; it is the writer's to keep.
        let _ = self.note(name, &seal.record(Content::Pending)).await;
        Ok(seal)
    }

    fn entry(&self, name: &ObjectName, record: &Record) -> LedgerEntry {
        LedgerEntry::new(self.endpoint().canonical(), name.clone(), record.clone())
    }

    /// Notes a record in the ledger. It is on the disk when this returns.
    pub(crate) async fn note(&self, name: &ObjectName, record: &Record) -> io::Result<()> {
        self.note_as(&self.entry(name, record), Safety::OnDisk).await
    }

    async fn note_as(&self, entry: &LedgerEntry, safety: Safety) -> io::Result<()> {
        let none = || io::Error::new(io::ErrorKind::NotFound, "there is no state directory");
        self.ledger.as_ref().ok_or_else(none)?.note(entry, safety).await
    }

    /// Notes a record before the write is sent: that the write began, and no more. Where its tag is known to
    /// be kept and the record is complete in the same request, nothing waits for the disk.
    pub(crate) async fn note_before(
        &self,
        name: &ObjectName,
        record: &Record,
        tags_kept: bool,
    ) -> Noted {
        let is_trusted = tags_kept && self.state.as_ref().is_some_and(StateDir::is_writable);
        let (safety, noted) = match is_trusted {
            true => (Safety::Written, Noted::TagTrusted),
            false => (Safety::OnDisk, Noted::InLedger),
        };
        match self.note_as(&self.entry(name, record), safety).await {
            Ok(()) => noted,
            Err(error) => {
                tracing::debug!("the ledger cannot be written: {error}");
                Noted::Nowhere
            }
        }
    }

    /// Notes that a write is about to begin, and no more.
    pub(crate) async fn note_begun(
        &self,
        name: &ObjectName,
        record: &Record,
        safety: Safety,
    ) -> io::Result<()> {
        self.note_as(&self.entry(name, record), safety).await
    }

    /// Notes that the object is there under the key of this record, and whether its tag holds the record.
    pub(crate) async fn confirm(&self, name: &ObjectName, record: &Record, in_tag: bool) {
        let mut entry = self.entry(name, record);
        (entry.confirmed, entry.in_tag) = (true, in_tag);
        // Without it the write counts as one that was refused: no record is lost.
        let _ = self.note_as(&entry, Safety::Written).await;
    }

    /// Notes that a tag holds the record: then a compaction may drop it.
    pub(crate) async fn mention_in_tag(&self, name: &ObjectName, record: &Record) {
        let mut entry = self.entry(name, record);
        entry.in_tag = true;
        // Nothing is lost without it.
        let _ = self.note_as(&entry, Safety::Written).await;
    }

    /// Where the record of a write that was proved is; an error if it is nowhere. Notes both.
    pub(crate) async fn kept(
        &self,
        seal: &Seal<'_>,
        version: Option<&str>,
        record: &Record,
        noted: Noted,
    ) -> Result<RecordKept, PutError> {
        let tag = (TAG_KEY.to_owned(), record.to_string());
        let in_tag = noted == Noted::TagTrusted
            || self.tags(seal.name(), version).await.is_ok_and(|tags| tags.contains(&tag));
        if !in_tag && noted != Noted::InLedger {
            return Err(self.unrecorded(seal));
        }
        self.confirm(seal.name(), record, in_tag).await;
        Ok(self.kept_in(if in_tag { RecordPlace::Tag } else { RecordPlace::Ledger }))
    }

    /// The error for a write whose record is nowhere.
    pub(crate) fn unrecorded(&self, seal: &Seal<'_>) -> PutError {
        let line = self.entry(seal.name(), &seal.record(Content::Pending)).print();
        PutError::Unrecorded { name: seal.name().clone(), line: line.trim_end().to_owned() }
    }

    /// Counts a write whose record is in the ledger alone.
    pub(crate) fn kept_in(&self, place: RecordPlace) -> RecordKept {
        match (place, &self.ledger) {
            (RecordPlace::Tag, _) => return RecordKept::InTag,
            (RecordPlace::Ledger, Some(ledger)) => ledger.0.alone.fetch_add(1, Relaxed),
            (RecordPlace::Ledger, None) => 0,
        };
        RecordKept::InLedgerOnly
    }
}
