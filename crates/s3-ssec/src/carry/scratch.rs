//! The scratch object of an order: its name, its key, and the note that it is there.

use crate::client::Client;
use crate::state::JournalFile;
use crate::trial::scratch_name;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, Kind, RandomError};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::transfer::{KeyFacts, KeyRef, Outcome};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One at a time. A throw-away key: a gateway that cannot be trusted learns nothing.
#[derive(Default)]
pub(super) struct ScratchKey {
    open: Mutex<Option<Open>>,
    /// A random key under which nothing is written.
    stranger: OnceLock<Option<Arc<TargetKeyHeaders>>>,
}

struct Open {
    headers: Arc<TargetKeyHeaders>,
    /// Stays on the disk, for the next trial, unless the object is gone.
    note: Option<JournalFile>,
}

impl ScratchKey {
    pub(super) fn open(&self, client: &Client, beside: &ObjectName) -> Outcome {
        let drawn = || -> Result<_, RandomError> {
            let headers = TargetKeyHeaders::of(&CustomerKey::generate()?);
            Ok((scratch_name(beside)?, Arc::new(headers)))
        };
        let Ok((name, headers)) = drawn() else { return Outcome::Failed };
        let (key, md5, record) = (KeyRef::Scratch, headers.key_md5(), String::new());
        let facts = KeyFacts { key, md5, kind: Kind::Direct, record };
        let open = Open { headers, note: client.note_trial(&name) };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
        Outcome::Scratch { name, key: facts }
    }

    pub(super) fn headers(&self) -> Option<Arc<TargetKeyHeaders>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().map(|open| Arc::clone(&open.headers))
    }

    pub(super) fn stranger(&self) -> Option<Arc<TargetKeyHeaders>> {
        let drawn = || Some(Arc::new(TargetKeyHeaders::of(&CustomerKey::generate().ok()?)));
        self.stranger.get_or_init(drawn).clone()
    }

    pub(super) fn close(&self) -> Outcome {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(note) = open.and_then(|open| open.note) {
            note.remove();
        }
        Outcome::Noted
    }
}
