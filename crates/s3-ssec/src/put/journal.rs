//! The journal of one upload on disk: written before each step, gone when the object stands.

use crate::client::Client;
use crate::state::{JournalFile, StateDir};
use s3_ssec_core::digest::ContentKey;
use s3_ssec_core::journal::{UploadJournal, UploadLine, keyed, print};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the journals of uploads are, under the state directory.
const DIRECTORY: &str = "uploads";

/// A place to note what is done. Without a state directory it remembers nothing.
pub(super) struct UploadLog {
    file: Mutex<Option<JournalFile>>,
    /// Of what is noted of contents only keyed hashes reach the disk.
    key: Arc<ContentKey>,
}

impl UploadLog {
    /// Opens the journal for this file and object, and reads what was done before. An upload that someone else
    /// is making right now keeps its journal to itself; this one then goes without.
    pub(super) fn open(
        client: &Client,
        object: &str,
        source: &str,
        key: &Arc<ContentKey>,
    ) -> (Self, Option<UploadJournal>) {
        let names = [client.endpoint().as_str(), object, source];
        let opened = client.state.as_ref().map(|state| state.journal(DIRECTORY, &names));
        let (file, before) = match opened {
            None => (None, None),
            Some(Ok((file, text))) => (Some(file), UploadJournal::parse(&text)),
            Some(Err(error)) => {
                tracing::warn!("this upload cannot be continued if it breaks off: {error}");
                (None, None)
            }
        };
        (Self { file: Mutex::new(file), key: Arc::clone(key) }, before)
    }

    /// Forgets what was done before.
    pub(super) fn clear(&self) {
        if let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            file.clear();
        }
    }

    /// Notes a step, safely on disk when this returns. False if no later run can read it.
    pub(super) fn note(&self, line: &UploadLine) -> bool {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = file.as_mut() else { return false };
        let Err(error) = open.append(&print(line)) else { return true };
        tracing::warn!("this upload cannot be continued if it breaks off: {error}");
        // A journal with a gap would lie.
        open.clear();
        *file = None;
        false
    }

    /// As [`UploadLog::note`], off the async threads.
    pub(super) async fn noted(self: Arc<Self>, line: UploadLine) -> bool {
        let noting = tokio::task::spawn_blocking(move || self.note(&line));
        noting.await.unwrap_or(false)
    }

    /// A hash as the journal has it.
    pub(super) fn keyed(&self, hash: &str) -> String {
        keyed(&self.key, hash)
    }

    /// Lets another run have the journal.
    pub(super) fn release(&self) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
