//! A source that is read once: the parts that are on their way are in memory.

use super::super::source::{Reader, fill};
use crate::write::PutError;
use bytes::{Bytes, BytesMut};
use s3_ssec_core::transfer::Outcome;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

pub(super) struct Stream {
    reader: tokio::sync::Mutex<(Reader, BytesMut)>,
    parts: Mutex<BTreeMap<u16, Bytes>>,
}

impl Stream {
    /// `start` is what was read already.
    pub(super) fn new(reader: Reader, start: BytesMut) -> Self {
        Self { reader: tokio::sync::Mutex::new((reader, start)), parts: Mutex::default() }
    }

    /// Reads the next part and keeps it.
    pub(super) async fn read(&self, number: u16, length: u64) -> Result<Outcome, PutError> {
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        let mut held = self.reader.lock().await;
        let (reader, pending) = &mut *held;
        // One byte more tells whether this part is the last one.
        let mut content = fill(reader, std::mem::take(pending), wanted + 1).await?;
        *pending = content.split_off(content.len().min(wanted));
        let (length, is_last) = (content.len() as u64, pending.is_empty());
        self.parts().insert(number, content.freeze());
        Ok(Outcome::Read { length, is_last })
    }

    pub(super) fn part(&self, number: u16) -> Option<Bytes> {
        self.parts().get(&number).cloned()
    }

    /// The gateway holds it.
    pub(super) fn forget(&self, number: u16) {
        self.parts().remove(&number);
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, Bytes>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
