//! The journal of one upload on disk: written before each step, gone when the object stands.

use crate::client::Client;
use crate::state::{JournalFile, StateDir};
use s3_ssec_core::journal::{UploadBegun, UploadJournal, UploadLine};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Where the journals of uploads are, under the state directory.
const DIRECTORY: &str = "uploads";

/// What was done before, and a place to note what is done now. Without a state directory it
/// remembers nothing.
#[derive(Default)]
pub(super) struct UploadLog {
    file: Mutex<Option<JournalFile>>,
    before: Option<UploadJournal>,
}

impl UploadLog {
    /// Opens the journal for this file and object. An upload that someone else is making right now
    /// keeps its journal to itself; this one then goes without.
    pub(super) fn open(client: &Client, object: &str, source: &str) -> Self {
        let Some(state) = &client.state else { return Self::default() };
        let name = [client.endpoint().as_str(), object, source];
        match state.journal(DIRECTORY, &name) {
            Ok((file, text)) => {
                let before = UploadJournal::parse(&text);
                Self { file: Mutex::new(Some(file)), before }
            }
            Err(error) => {
                tracing::warn!("this upload cannot be continued if it breaks off: {error}");
                Self::default()
            }
        }
    }

    /// The upload that broke off.
    pub(super) fn before(&self) -> Option<&UploadJournal> {
        self.before.as_ref()
    }

    /// Bytes in a part of the upload that is continued; `new` for one that is not.
    pub(super) fn part_size(&self, new: u64) -> u64 {
        self.before.as_ref().map_or(new, |before| before.begun.part_size)
    }

    /// True if what is noted can be read by a later run.
    pub(super) fn remembers(&self) -> bool {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Forgets what was done before and starts a new upload.
    pub(super) fn begin(&mut self, begun: UploadBegun) {
        self.before = None;
        if let Some(file) = self.file.get_mut().unwrap_or_else(PoisonError::into_inner) {
            file.clear();
        }
        self.note(&UploadLine::Begun(begun));
    }

    /// Notes a step, safely on disk when this returns.
    pub(super) fn note(&self, line: &UploadLine) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = file.as_mut() else { return };
        if let Err(error) = open.append(&s3_ssec_core::journal::print(line)) {
            tracing::warn!("this upload cannot be continued if it breaks off: {error}");
            // A journal with a gap would lie.
            open.clear();
            *file = None;
        }
    }

    /// The hash of the content that was sent as this part before.
    pub(super) fn sent(&self, part: u16) -> Option<&str> {
        self.before.as_ref()?.sent.get(&part).map(String::as_str)
    }

    /// Keeps, of the parts that the journal says are stored, those that the gateway lists alike.
    pub(super) fn confirm(&mut self, listed: &BTreeMap<u16, String>) {
        if let Some(before) = &mut self.before {
            before.stored.retain(|part, etag| listed.get(part) == Some(etag));
        }
    }

    /// The ETag of a part that the gateway has.
    pub(super) fn stored(&self, part: u16) -> Option<&str> {
        self.before.as_ref()?.stored.get(&part).map(String::as_str)
    }

    /// The upload is over, one way or another: nothing is left to continue.
    pub(super) fn close(&self) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(file) = file {
            file.remove();
        }
    }
}

/// The journals of all uploads that broke off and that nobody is making right now.
pub(crate) fn broken_off(state: &StateDir) -> Vec<(JournalFile, UploadJournal)> {
    let journals = state.journals(DIRECTORY).into_iter();
    journals.filter_map(|(file, text)| Some((file, UploadJournal::parse(&text)?))).collect()
}
