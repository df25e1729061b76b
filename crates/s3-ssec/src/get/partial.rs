//! The file of a download before it has its name, and the journal that lets it be continued.

use super::GetError;
use super::fetch::{SPAN, Wanted};
use super::may_take;
use super::part::{self, PARTIAL};
use crate::state::JournalFile;
use s3_ssec_core::journal::{self, DownloadBegun, DownloadJournal, DownloadLine};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// From this size on a download that breaks off is continued, not begun anew.
const WORTH_A_JOURNAL: u64 = 64 << 20;
/// Spans between two lines of the journal.
const NOTE_EVERY: usize = 8;

/// A file without its name yet. Removed, with its journal, unless it gets one or is kept for later.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    pub(super) file: Arc<File>,
    journal: Option<JournalFile>,
    /// Spans that were there from an earlier run.
    pub(super) here: BTreeSet<u64>,
    arrived: Vec<u64>,
    /// Without a digest nothing else would notice bytes that a power cut took away.
    synchronise: bool,
    keep: bool,
}

impl Partial {
    /// Takes up the download of `wanted` to `target` that broke off, or begins it.
    pub(super) fn open(wanted: &Wanted, target: &Path) -> Result<Self, GetError> {
        let synchronise = wanted.digest.is_none();
        let (mut journal, text) = match open_journal(wanted, target) {
            Some((journal, text)) => (Some(journal), text),
            None => (None, String::new()),
        };
        if let Some((old, file)) = DownloadJournal::parse(&text).and_then(|old| reopen(old, wanted))
        {
            let (path, here) = (PathBuf::from(old.begun.partial), old.here);
            let file = Arc::new(file);
            return Ok(Self {
                path,
                file,
                journal,
                here,
                arrived: vec![],
                synchronise,
                keep: false,
            });
        }
        let created = part::create(target, journal.is_some());
        let (path, file) =
            created.map_err(|error| GetError::Target { path: target.to_owned(), error })?;
        if let (Some(log), Some(begun)) = (&mut journal, begun(wanted, &path)) {
            log.clear();
            if log.append(&journal::print(&DownloadLine::Begun(begun))).is_err() {
                journal = None;
            }
        }
        let (file, here) = (Arc::new(file), BTreeSet::new());
        Ok(Self { path, file, journal, here, arrived: Vec::new(), synchronise, keep: false })
    }

    /// Notes that a span has arrived.
    pub(super) fn arrived(&mut self, offset: u64) {
        let Some(log) = &mut self.journal else { return };
        self.arrived.push(offset / SPAN);
        if self.arrived.len() < NOTE_EVERY {
            return;
        }
        if self.synchronise && self.file.sync_data().is_err() {
            return;
        }
        let spans = std::mem::take(&mut self.arrived);
        let line = DownloadLine::Here { spans };
        if let Err(error) = log.append(&journal::print(&line)) {
            tracing::warn!("this download cannot be continued if it breaks off: {error}");
            self.journal = None;
        }
    }

    /// Leaves everything for a later run, if there is a journal to continue from, and says so.
    pub(super) fn keep_for_later(mut self, error: GetError) -> GetError {
        self.keep = self.journal.is_some();
        if self.keep { GetError::BrokenOff(Box::new(error)) } else { error }
    }

    /// Gives the file its name: it is whole.
    pub(super) fn name(mut self, target: &Path, replace: bool) -> Result<(), GetError> {
        let error = |error| GetError::Target { path: target.to_owned(), error };
        part::open_up(&self.file);
        match replace {
            true => {
                // What stands there may be another thing than when the download began.
                may_take(target, true)?;
                std::fs::rename(&self.path, target).map_err(error)?;
            }
            false => rename_new(&self.path, target).map_err(|failure| match failure.kind() {
                io::ErrorKind::AlreadyExists => GetError::Exists(target.to_owned()),
                _ => error(failure),
            })?,
        }
        self.keep = true;
        if let Some(journal) = self.journal.take() {
            journal.remove();
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path);
            if let Some(journal) = self.journal.take() {
                journal.remove();
            }
        }
    }
}

fn open_journal(wanted: &Wanted, target: &Path) -> Option<(JournalFile, String)> {
    if wanted.size < WORTH_A_JOURNAL {
        return None;
    }
    let client = &wanted.fetch.client;
    let target = std::path::absolute(target).ok()?;
    let object = wanted.fetch.name.to_string();
    let names = [client.endpoint().as_str(), &object, &target.to_string_lossy()];
    client.state.as_ref()?.journal("downloads", &names).ok()
}

fn begun(wanted: &Wanted, partial: &Path) -> Option<DownloadBegun> {
    Some(DownloadBegun {
        endpoint: wanted.fetch.client.endpoint().to_string(),
        object: wanted.fetch.name.to_string(),
        etag: wanted.etag.clone()?,
        size: wanted.size,
        span: SPAN,
        partial: std::path::absolute(partial).ok()?.to_str()?.to_owned(),
    })
}

/// The file of an earlier run, if it is of the same object; else it is removed.
fn reopen(old: DownloadJournal, wanted: &Wanted) -> Option<(DownloadJournal, File)> {
    let path = PathBuf::from(&old.begun.partial);
    if begun(wanted, &path).as_ref() != Some(&old.begun) {
        // Only a name of our own making is ours to remove.
        if path.extension().is_some_and(|end| end == PARTIAL) {
            let _ = std::fs::remove_file(path);
        }
        return None;
    }
    let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
    Some((old, file))
}

/// Names a file unless the name is taken. A link fails where it is; a rename would not.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without links.
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}
