//! The journal of an upload in parts of the simulation, and its source.

use crate::journal::{UploadBegun, UploadJournal, UploadLine, print};
use crate::transfer::parts::Before;
use crate::transfer::task::{KeyFacts, KeyRef, Outcome};
use std::collections::BTreeMap;

/// 40 MiB in parts of 16.
pub(super) const SIZE: u64 = 40 << 20;

/// The journal of one upload.
#[derive(Default)]
pub(super) struct Journal {
    begun: Option<KeyFacts>,
    pub(super) text: Option<UploadJournal>,
    /// True if notes were lost: nobody knows any more what there is.
    pub(super) is_broken: bool,
    /// True if the source is not what it was when its parts were sent.
    pub(super) is_other_content: bool,
    /// Parts that were sent, and parts that were hashed.
    pub(super) sent: u32,
    pub(super) hashed: u32,
}

impl Journal {
    pub(super) fn compare(&self, listed: &BTreeMap<u16, String>) -> Outcome {
        let stored = |number: &u16| self.text.as_ref().and_then(|text| text.stored.get(number));
        let agreed = listed.iter().filter(|(number, etag)| stored(number) == Some(etag));
        Outcome::Agreed(agreed.map(|(number, _)| *number).collect())
    }

    /// The next bytes of a stream of this size.
    pub(super) fn read(offset: u64, length: u64) -> Outcome {
        let length = length.min(SIZE - offset);
        Outcome::Read { length, is_last: offset + length == SIZE }
    }

    pub(super) fn before(&self) -> Option<Before> {
        Some(Before::of(self.text.as_ref()?, SIZE, self.begun.clone()))
    }

    pub(super) fn begin(&mut self, key: Option<KeyFacts>) {
        let nonce = match key.as_ref().map(|key| key.key) {
            Some(KeyRef::Write(nonce)) => nonce.to_string(),
            _ => String::new(),
        };
        let begun = UploadBegun {
            endpoint: String::new(),
            object: "s3://bucket/a".to_owned(),
            source: String::new(),
            size: SIZE,
            part_size: 16 << 20,
            key: String::new(),
            nonce,
        };
        self.begun = key;
        self.text = UploadJournal::parse(&print(&UploadLine::Begun(begun)));
    }
}
