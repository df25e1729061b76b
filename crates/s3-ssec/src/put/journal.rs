//! The journal of one upload on disk: written before each step, gone when the object stands.

use crate::client::Client;
use crate::state::{JournalFile, StateDir};
use s3_ssec_core::digest::ContentKey;
use s3_ssec_core::journal::{UploadBegun, UploadJournal, UploadLine, keyed};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the journals of uploads are, under the state directory.
const DIRECTORY: &str = "uploads";

/// What was done before, and a place to note what is done now. Without a state directory it
/// remembers nothing.
#[derive(Default)]
pub(super) struct UploadLog {
    file: Mutex<Option<JournalFile>>,
    before: Option<UploadJournal>,
    /// Of what is noted of contents only keyed hashes reach the disk.
    key: Option<Arc<ContentKey>>,
    /// The ETags of the parts that the gateway lists and the journal confirms.
    confirmed: BTreeMap<u16, String>,
}

impl UploadLog {
    /// Opens the journal for this file and object. An upload that someone else is making right now
    /// keeps its journal to itself; this one then goes without.
    pub(super) fn open(client: &Client, object: &str, source: &str, key: &Arc<ContentKey>) -> Self {
        let Some(state) = &client.state else { return Self::default() };
        let name = [client.endpoint().as_str(), object, source];
        match state.journal(DIRECTORY, &name) {
            Ok((file, text)) => {
                let before = UploadJournal::parse(&text);
                let (key, confirmed) = (Some(Arc::clone(key)), BTreeMap::new());
                Self { file: Mutex::new(Some(file)), before, key, confirmed }
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
        self.confirmed.clear();
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

    /// Notes that a part with this SHA-256 is about to be sent.
    pub(super) fn sending(&self, part: u16, sha256: &str) {
        self.note(&UploadLine::Sending { part, sha256: self.keyed(sha256) });
    }

    /// Notes that the gateway holds a part.
    pub(super) fn has_stored(&self, part: u16, etag: &str) {
        self.note(&UploadLine::Stored { part, etag: self.keyed(etag) });
    }

    fn keyed(&self, hash: &str) -> String {
        self.key.as_ref().map(|key| keyed(key, hash)).unwrap_or_default()
    }

    /// True if another content was sent as this part before.
    pub(super) fn sent_another(&self, part: u16, sha256: &str) -> bool {
        let before = self.before.as_ref().and_then(|before| before.sent.get(&part));
        before.is_some_and(|before| *before != self.keyed(sha256))
    }

    /// Keeps, of the parts that the journal says are stored, those that the gateway lists alike.
    pub(super) fn confirm(&mut self, listed: &BTreeMap<u16, String>) {
        let Some(before) = &self.before else { return };
        let noted = |part, etag: &str| before.stored.get(part) == Some(&self.keyed(etag));
        let confirmed = listed.iter().filter(|(part, etag)| noted(part, etag));
        self.confirmed = confirmed.map(|(part, etag)| (*part, etag.clone())).collect();
    }

    /// The ETag of a part that the gateway has.
    pub(super) fn stored(&self, part: u16) -> Option<&str> {
        self.confirmed.get(&part).map(String::as_str)
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
