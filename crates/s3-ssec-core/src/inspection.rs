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

pub use words::Tone;

use crate::advice::{RefusedKey, refused_key};
use crate::derive::Nonce;
use crate::digest::ContentDigest;
use crate::echo::{EchoError, KeyEcho, KeylessRead, verify_echo};
use crate::evidence::{Damaged, Evidence, RecordSource, Verification};
use crate::key::{CustomerKey, Fingerprint, Key, Kind};
use crate::keyring::{KeyringError, OpenError, clash, open_with};
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
    /// The content of the record that named it.
    content: Option<Content>,
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
    nonce: Option<Nonce>,
    size: Option<u64>,
}

impl Inspection {
    /// Begins with the object's tags. The same bytes under both kinds would send a master key.
    pub fn new(name: ObjectName, keys: Vec<Arc<Key>>) -> Result<Self, KeyringError> {
        let both = Some(KeyringError::BothKinds);
        if keys.iter().any(|key| keys.iter().any(|other| clash(other, key) == both)) {
            return Err(KeyringError::BothKinds);
        }
        Ok(Self {
            name,
            keys,
            question: Question::Tags,
            candidates: Vec::new(),
            otherwise: Question::Nothing(State::OtherKey),
            named: None,
            nonce: None,
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
                    self.nonce = Some(opened.nonce);
                    let (customer_key, content) = (opened.customer_key, Some(opened.content));
                    self.candidates.push(Candidate { index, customer_key, content });
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
                Some(Candidate { index, customer_key, content: None })
            }
            Key::Master(_) => None,
        });
        self.candidates = direct.collect();
        // The last one is tried first.
        self.candidates.reverse();
        self.otherwise = otherwise;
        self.question = Question::FirstByte;
    }

    /// Takes the answer to the first byte without a key. No key goes to a gateway that does not ask for one.
    pub fn first_byte(&mut self, status: u16, code: Option<&str>, message: Option<&str>) {
        self.question = match KeylessRead::of_get(status, code, message) {
            KeylessRead::Readable => Question::HeadWithoutKey,
            KeylessRead::Absent => self.end(State::Absent),
            KeylessRead::KeyNeeded => self.next_key(),
            KeylessRead::Unclear if status == 400 => self.end(State::Unproved(EchoError::Unclear)),
            KeylessRead::Unclear => Question::Refused,
        };
    }

    fn next_key(&self) -> Question {
        match self.candidates.is_empty() {
            false => Question::Head,
            true => self.otherwise,
        }
    }

    /// The end. A key that does not open the object is forgotten, and with it what its record says of the
    /// content.
    fn end(&mut self, state: State) -> Question {
        use State::{Described, OtherSize, Pending, Undescribed};
        if !matches!(state, Described | Pending | Undescribed | OtherSize) {
            self.candidates.clear();
        }
        Question::Nothing(state)
    }

    /// Takes the answer to HEAD, with or without a key. A success without a size is none: the caller
    /// refuses it.
    pub fn head(&mut self, status: u16, echo: &KeyEcho, size: Option<u64>) {
        let is_success = (200..300).contains(&status);
        if is_success {
            self.size = size;
        }
        self.question = match (self.question, self.candidates.last()) {
            (Question::HeadWithoutKey, _) if is_success => self.end(State::Plain),
            (Question::HeadWithoutKey | Question::Head, _) if status == 404 => {
                self.end(State::Absent)
            }
            (Question::Head, Some(candidate)) if is_success => {
                let state = self.opened(candidate, echo);
                self.end(state)
            }
            // The gateway has said that a key is needed, so this one is another.
            (Question::Head, _) if refused_key(status) != RefusedKey::NothingSaid => {
                self.candidates.pop();
                self.next_key()
            }
            _ => Question::Refused,
        };
    }

    fn opened(&self, candidate: &Candidate, echo: &KeyEcho) -> State {
        if let Err(error) = verify_echo(candidate.customer_key.md5(), echo) {
            return State::Unproved(error);
        }
        match candidate.content {
            None => State::Undescribed,
            Some(Content::Pending) => State::Pending,
            Some(Content::Known(known)) if Some(known.size) == self.size => State::Described,
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

    /// The nonce of a genuine record, whether or not the object is under its key.
    pub fn nonce(&self) -> Option<Nonce> {
        self.nonce
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
        let content = self.candidates.last()?.content?;
        let (_, key) = self.key()?;
        let source = RecordSource::Tag;
        Some(Evidence { provenance: content.provenance()?, kind: key.kind(), source })
    }

    /// The verdict on a content that was read to its end. Without a record `digest` means nothing.
    pub fn judge(&self, size: u64, digest: Option<ContentDigest>) -> Result<Verification, Damaged> {
        let content = self.candidates.last().and_then(|candidate| candidate.content);
        let matches =
            content.zip(digest).is_some_and(|(content, digest)| content.matches(size, digest));
        Verification::judge(self.evidence(), matches)
    }

    fn has_master(&self) -> bool {
        self.keys.iter().any(|key| key.kind() == Kind::Master)
    }
}

#[cfg(test)]
mod tests;
