//! One object under the keys at hand: what to ask the gateway, and what its answers show. No IO: the next
//! question out, an answer in.
//!
//! The order keeps keys at home: first the record in the tag, which needs no key to be read, then the first
//! byte without a key, and only where the gateway says that a key is needed a HEAD with one. The key is the
//! one that the record names. Direct keys are tried only where there is no record: one that is damaged, or
//! that does not fit the object, is reported and never passed over.
//!
//! ```
//! use s3_ssec_core::echo::KeyEcho;
//! use s3_ssec_core::inspection::{Inspection, Question, State};
//! use s3_ssec_core::key::{Key, Kind};
//! use s3_ssec_core::names::S3Address;
//!
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let key = Key::from_bytes(Kind::Master, &[7; 32])?;
//! let mut inspection = Inspection::new(name, vec![key.into()])?;
//! assert_eq!(inspection.question(), Question::Tags);
//! inspection.records(&[]);
//! assert_eq!(inspection.question(), Question::FirstByte);
//! inspection.first_byte(206, None, None);
//! assert_eq!(inspection.question(), Question::HeadWithoutKey);
//! inspection.head(200, &KeyEcho::default(), Some(5));
//! assert_eq!(inspection.question(), Question::Nothing(State::Plain));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod words;

pub use words::{Tone, refusal};

use crate::advice::{RefusedKey, refused_key};
use crate::derive::Nonce;
use crate::digest::ContentDigest;
use crate::echo::{EchoError, KeyEcho, KeylessRead, verify_echo};
use crate::evidence::{Damaged, Evidence, RecordSource, Verification};
use crate::key::{CustomerKey, Fingerprint, Key, Kind};
use crate::keyring::{KeyringError, OpenError, open_with};
use crate::names::ObjectName;
use crate::record::{Content, Record, RecordError};
use std::sync::Arc;

/// The next question to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// GetObjectTagging.
    Tags,
    /// GET of the first byte without a key, or of all where there is none (416).
    FirstByte,
    /// HEAD without a key.
    HeadWithoutKey,
    /// HEAD with [`Inspection::customer_key`].
    Head,
    /// None: this is what the object is.
    Nothing(State),
    /// None: the last refusal is the answer.
    Refused,
}

/// An object, as far as its record and the gateway show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Under a key of ours, with a complete record.
    Described,
    /// Under a key of ours, and its record was never completed.
    Pending,
    /// Under a direct key of ours, without a record.
    Undescribed,
    /// Under a key of ours, and of another size than its record says.
    OtherSize,
    /// Under none of our keys.
    OtherKey,
    /// Under another key than its record says, which is genuine.
    Outdated,
    /// Its record names a key of ours that did not make it.
    NotGenuine,
    /// Its record is damaged.
    DamagedRecord,
    /// Its record is of a newer format.
    NewerRecord,
    /// The gateway takes a key of ours and does not prove that it is needed.
    Unproved(EchoError),
    /// Readable without a key.
    Plain,
    /// There is no such object.
    Absent,
}

/// A key that may open the object.
struct Candidate {
    /// Its place among the keys.
    index: usize,
    customer_key: CustomerKey,
    /// The content and the nonce of the record that named it.
    record: Option<(Content, Nonce)>,
}

/// An inspection under way. The first keys are tried first.
pub struct Inspection {
    name: ObjectName,
    keys: Vec<Arc<Key>>,
    question: Question,
    candidates: Vec<Candidate>,
    /// The state of an object that needs a key, where no candidate opens it.
    otherwise: Question,
    named: Option<Fingerprint>,
    without_key: KeylessRead,
    size: Option<u64>,
}

impl Inspection {
    /// Begins with the object's tags. The same bytes under both kinds would send a master key.
    pub fn new(name: ObjectName, keys: Vec<Arc<Key>>) -> Result<Self, KeyringError> {
        let keys_of =
            |kind| keys.iter().map(Arc::as_ref).filter(move |key: &&Key| key.kind() == kind);
        if keys_of(Kind::Master).any(|key| keys_of(Kind::Direct).any(|other| key.same_bytes(other)))
        {
            return Err(KeyringError::BothKinds);
        }
        Ok(Self {
            name,
            keys,
            question: Question::Tags,
            candidates: Vec::new(),
            otherwise: Question::Nothing(State::OtherKey),
            named: None,
            without_key: KeylessRead::Unclear,
            size: None,
        })
    }

    /// The question.
    pub fn question(&self) -> Question {
        self.question
    }

    /// Takes the values of all tags whose key is [`TAG_KEY`](crate::record::TAG_KEY). Two records are as
    /// bad as a damaged one.
    pub fn records(&mut self, records: &[String]) {
        let record = match records {
            [] => return self.without_record(Question::Nothing(State::OtherKey)),
            [record] => Record::parse(record),
            _ => Err(RecordError::Malformed),
        };
        self.question = Question::FirstByte;
        let keys = self.keys.iter().map(Arc::as_ref);
        let state = match record {
            Err(RecordError::NewerFormat(_)) => State::NewerRecord,
            Err(_) => State::DamagedRecord,
            Ok(record) => match open_with(keys, &record, &self.name) {
                Ok((index, opened)) => {
                    let record = Some((opened.content, opened.nonce));
                    let customer_key = opened.customer_key;
                    self.candidates.push(Candidate { index, customer_key, record });
                    State::Outdated
                }
                Err(OpenError::NotGenuine) => State::NotGenuine,
                Err(_) => {
                    self.named = record.fingerprint();
                    State::OtherKey
                }
            },
        };
        self.otherwise = Question::Nothing(state);
    }

    /// The tags may not be read (403), or do not exist (404, 501). Keys that need no record are tried;
    /// where none fits, 403 is the answer: there may be a record.
    pub fn tags_refused(&mut self, status: u16) {
        match status {
            403 => self.without_record(Question::Refused),
            404 | 501 => self.without_record(Question::Nothing(State::OtherKey)),
            _ => self.question = Question::Refused,
        }
    }

    fn without_record(&mut self, otherwise: Question) {
        let direct = self.keys.iter().enumerate().filter_map(|(index, key)| match key.as_ref() {
            // A direct key is the same under every nonce.
            key @ Key::Direct(_) => {
                let customer_key = key.customer_key(&self.name, Nonce::from_bytes([0; 5]));
                Some(Candidate { index, customer_key, record: None })
            }
            Key::Master(_) => None,
        });
        self.candidates = direct.collect();
        // The last one is tried first.
        self.candidates.reverse();
        self.otherwise = otherwise;
        self.question = Question::FirstByte;
    }

    /// Takes the answer to the first byte without a key.
    pub fn first_byte(&mut self, status: u16, code: Option<&str>, message: Option<&str>) {
        self.without_key = KeylessRead::of_get(status, code, message);
        self.question = match self.without_key {
            KeylessRead::Readable => Question::HeadWithoutKey,
            KeylessRead::Absent => Question::Nothing(State::Absent),
            KeylessRead::KeyNeeded => self.next_key(),
            KeylessRead::Unclear if status == 400 => self.next_key(),
            KeylessRead::Unclear => Question::Refused,
        };
    }

    fn next_key(&self) -> Question {
        match (self.candidates.is_empty(), self.without_key) {
            (false, _) => Question::Head,
            (true, KeylessRead::KeyNeeded) => self.otherwise,
            (true, _) => Question::Nothing(State::Unproved(EchoError::Unclear)),
        }
    }

    /// Takes the answer to HEAD, with or without a key. A success without a size is none: the caller
    /// refuses it.
    pub fn head(&mut self, status: u16, echo: &KeyEcho, size: Option<u64>) {
        let is_success = (200..300).contains(&status);
        self.question = match (self.question, self.candidates.last()) {
            (Question::HeadWithoutKey, _) if is_success => {
                self.size = size;
                Question::Nothing(State::Plain)
            }
            (Question::HeadWithoutKey, _) if status == 404 => Question::Nothing(State::Absent),
            (Question::Head, _) if status == 404 => Question::Nothing(State::Absent),
            (Question::Head, Some(candidate)) if is_success => {
                self.size = size;
                Question::Nothing(self.opened(candidate, echo))
            }
            (Question::Head, _) if self.is_another(status) => {
                self.candidates.pop();
                self.next_key()
            }
            _ => Question::Refused,
        };
    }

    fn is_another(&self, status: u16) -> bool {
        match refused_key(status) {
            RefusedKey::IsAnother => true,
            RefusedKey::IsAnotherIfNeeded => self.without_key == KeylessRead::KeyNeeded,
            RefusedKey::NothingSaid => false,
        }
    }

    fn opened(&self, candidate: &Candidate, echo: &KeyEcho) -> State {
        if let Err(error) = verify_echo(candidate.customer_key.md5(), echo) {
            return State::Unproved(error);
        }
        if self.without_key != KeylessRead::KeyNeeded {
            return State::Unproved(EchoError::Unclear);
        }
        match candidate.record {
            None => State::Undescribed,
            Some((Content::Pending, _)) => State::Pending,
            Some((Content::Known(known), _)) if Some(known.size) == self.size => State::Described,
            Some(_) => State::OtherSize,
        }
    }

    /// The key to ask with, and the one that opens the object at the end.
    pub fn customer_key(&self) -> Option<&CustomerKey> {
        self.candidates.last().map(|candidate| &candidate.customer_key)
    }

    /// The place of that key among the keys, and the key.
    pub fn key(&self) -> Option<(usize, &Key)> {
        let index = self.candidates.last()?.index;
        Some((index, self.keys.get(index)?.as_ref()))
    }

    /// The nonce of a genuine record.
    pub fn nonce(&self) -> Option<Nonce> {
        Some(self.candidates.last()?.record?.1)
    }

    /// The size that HEAD stated, in bytes.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The master key that the record names, where it is none of ours.
    pub fn named(&self) -> Option<Fingerprint> {
        self.named
    }

    /// The evidence of the record; `None` where there is none.
    pub fn evidence(&self) -> Option<Evidence> {
        let (content, _) = self.candidates.last()?.record?;
        let (_, key) = self.key()?;
        let source = RecordSource::Tag;
        Some(Evidence { provenance: content.provenance()?, kind: key.kind(), source })
    }

    /// The verdict on a content that was read to its end. Without a record `digest` means nothing.
    pub fn judge(&self, size: u64, digest: Option<ContentDigest>) -> Result<Verification, Damaged> {
        let content = self.candidates.last().and_then(|candidate| candidate.record);
        let matches =
            content.zip(digest).is_some_and(|((content, _), digest)| content.matches(size, digest));
        Verification::judge(self.evidence(), matches)
    }

    fn has_master(&self) -> bool {
        self.keys.iter().any(|key| key.kind() == Kind::Master)
    }
}

#[cfg(test)]
mod tests;
