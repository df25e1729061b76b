//! The file of a download before it has its name, and the journal that lets it be continued.

use super::GetError;
use super::directory::Directory;
use super::fetch::{SPAN, Wanted};
use super::part;
use super::target::Target;
use crate::state::JournalFile;
use s3_ssec_core::journal::{self, DownloadBegun, DownloadJournal, DownloadLine};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// From this size on a download that breaks off is continued, not begun anew.
const WORTH_A_JOURNAL: u64 = 64 << 20;
/// Spans between two lines of the journal.
const NOTE_EVERY: usize = 8;

/// A file without its name yet. Removed, with its journal, unless it gets one or is kept for later.
pub(super) struct Partial {
    directory: Directory,
    name: OsString,
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
    pub(super) fn open(wanted: &Wanted, target: &Target) -> Result<Self, GetError> {
        let (mut journal, text) = match open_journal(wanted, target) {
            Some((journal, text)) => (Some(journal), text),
            None => (None, String::new()),
        };
        let old = DownloadJournal::parse(&text).and_then(|old| reopen(old, wanted, target));
        let (name, file, here) = match old {
            Some(old) => old,
            None => {
                let created = part::create(target, journal.is_some());
                let created =
                    created.map_err(|error| GetError::Target { path: target.path(), error });
                let (name, file) = created?;
                if let (Some(log), Some(begun)) = (&mut journal, begun(wanted, target, &name)) {
                    log.clear();
                    if log.append(&journal::print(&DownloadLine::Begun(begun))).is_err() {
                        journal = None;
                    }
                }
                (name, file, BTreeSet::new())
            }
        };
        Ok(Self {
            directory: target.directory.clone(),
            name,
            file: Arc::new(file),
            journal,
            here,
            arrived: Vec::new(),
            synchronise: wanted.digest.is_none(),
            keep: false,
        })
    }

    /// Its path, for messages.
    pub(super) fn path(&self) -> PathBuf {
        self.directory.path.join(&self.name)
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

    /// Gives the file its name: it is whole. A file that it replaces leaves it its mode.
    pub(super) fn name(mut self, target: &Target, replace: bool) -> Result<(), GetError> {
        let failed = |error| GetError::Target { path: target.path(), error };
        // What has the name may be another thing than when the download began.
        let replaced = if replace { target.may_take(true)? } else { None };
        // Another process may have put a file of its own in the place of this one.
        if !part::is_at(&self.file, &self.directory, &self.name) {
            return Err(failed(io::Error::other("its unfinished file was replaced")));
        }
        part::open_up(&self.file, replaced.map(|entry| entry.mode));
        // Its journal ends with its name: both have to last.
        let lasting = self.journal.is_some();
        if lasting {
            self.file.sync_all().map_err(failed)?;
        }
        match replace {
            true => self.directory.replace(&self.name, &target.name).map_err(failed)?,
            false => {
                self.directory.rename_new(&self.name, &target.name).map_err(|error| match error
                    .kind()
                {
                    io::ErrorKind::AlreadyExists => GetError::Exists(target.path()),
                    _ => failed(error),
                })?
            }
        }
        self.keep = true;
        if lasting {
            self.directory.sync().map_err(failed)?;
        }
        if let Some(journal) = self.journal.take() {
            journal.remove();
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            let _ = self.directory.remove(&self.name);
            if let Some(journal) = self.journal.take() {
                journal.remove();
            }
        }
    }
}

fn open_journal(wanted: &Wanted, target: &Target) -> Option<(JournalFile, String)> {
    if wanted.size < WORTH_A_JOURNAL {
        return None;
    }
    let client = &wanted.fetch.client;
    let target = std::path::absolute(target.path()).ok()?;
    let object = wanted.fetch.name.to_string();
    let names = [client.endpoint().as_str(), &object, &target.to_string_lossy()];
    client.state.as_ref()?.journal("downloads", &names).ok()
}

fn begun(wanted: &Wanted, target: &Target, name: &OsStr) -> Option<DownloadBegun> {
    Some(DownloadBegun {
        endpoint: wanted.fetch.client.endpoint().to_string(),
        object: wanted.fetch.name.to_string(),
        etag: noted_etag(wanted)?,
        size: wanted.size,
        span: SPAN,
        partial: std::path::absolute(target.directory.path.join(name)).ok()?.to_str()?.to_owned(),
    })
}

/// A stand-in on disk for the ETag, because the ETag is the MD5 of some contents.
fn noted_etag(wanted: &Wanted) -> Option<String> {
    let etag = wanted.etag.as_deref()?;
    let name = wanted.fetch.name.to_string();
    Some(match &wanted.content_key {
        Some(key) => journal::keyed(key, etag),
        None => base16ct::lower::encode_string(&Sha256::digest(format!("{name}\n{etag}"))),
    })
}

/// The file of an earlier run, if it is of the same object; else it is removed.
fn reopen(
    old: DownloadJournal,
    wanted: &Wanted,
    target: &Target,
) -> Option<(OsString, File, BTreeSet<u64>)> {
    let name = Path::new(&old.begun.partial).file_name()?;
    // Only a name of our own making is ours to remove.
    if !part::is_partial(name) {
        return None;
    }
    if begun(wanted, target, name).as_ref() != Some(&old.begun) {
        let _ = target.directory.remove(name);
        return None;
    }
    let file = target.directory.reopen(name).ok()?;
    Some((name.to_owned(), file, old.here))
}
