//! One object: what its record says, and what the gateway shows.

use super::entry::{AuditEntry, RecordState, State};
use super::list::Found;
use crate::call::CallError;
use crate::client::{Client, Head, WithoutKey};
use crate::locate::record_in;
use s3_ssec_core::echo::{EchoError, KeylessRead, verify_echo};
use s3_ssec_core::evidence::replaces_master;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, Fingerprint, Key, Kind};
use s3_ssec_core::keyring::{Keyring, OpenError};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::record::{Content, KnownContent, OpenedRecord, Provenance, Record, RecordError};
use std::sync::Arc;

/// Asks the gateway about objects.
pub(super) struct Prover {
    client: Client,
    keys: Arc<Keyring>,
    bucket: BucketName,
    trust_records: bool,
}

/// One of our keys, without its bytes.
#[derive(Clone, Copy)]
struct OwnKey {
    fingerprint: Fingerprint,
    kind: Kind,
}

impl OwnKey {
    fn of(key: &Key) -> Self {
        Self { fingerprint: key.fingerprint(), kind: key.kind() }
    }
}

/// An object under question: its name, its version, and what is said of it so far.
struct Question {
    name: ObjectName,
    entry: AuditEntry,
}

impl Question {
    fn version(&self) -> Option<&str> {
        self.entry.version.as_deref()
    }

    fn is(mut self, state: State, record: RecordState) -> Self {
        (self.entry.state, self.entry.record) = (state, record);
        self.entry.is_proved = true;
        self
    }

    /// Under this key, which may be none of ours: a record named it.
    fn under(mut self, key: Option<Fingerprint>) -> Self {
        (self.entry.key_fingerprint, self.entry.key_kind) = (key, None);
        self
    }

    /// Under this key of ours.
    fn under_own(self, key: OwnKey) -> Self {
        let mut question = self.under(Some(key.fingerprint));
        question.entry.key_kind = Some(key.kind);
        question
    }

    fn unproved(mut self) -> Self {
        self.entry.is_proved = false;
        self
    }

    fn seen(mut self, head: &Head) -> Self {
        self.entry.size = Some(head.size);
        self.entry.last_modified = head.last_modified.or(self.entry.last_modified);
        self
    }

    fn noting(mut self, note: impl ToString) -> Self {
        self.entry.note = Some(note.to_string());
        self
    }
}

impl Prover {
    pub(super) fn new(
        client: &Client,
        keys: &Arc<Keyring>,
        place: &S3Address,
        trust_records: bool,
    ) -> Self {
        let (client, keys) = (client.clone(), Arc::clone(keys));
        Self { client, keys, bucket: place.bucket.clone(), trust_records }
    }

    /// Everything that can be found out about one object without its body.
    pub(super) async fn entry(&self, found: Found) -> AuditEntry {
        let entry = AuditEntry {
            key: found.key,
            version: found.version,
            is_latest: found.is_latest,
            size: found.size,
            last_modified: found.last_modified,
            state: State::Failed,
            is_proved: false,
            key_fingerprint: None,
            key_kind: None,
            claimed_key: None,
            record: RecordState::NotAsked,
            accepted: None,
            note: None,
        };
        if let Some(error) = found.broken {
            return AuditEntry { note: Some(error.to_string()), ..entry };
        }
        if found.is_marker {
            return AuditEntry { state: State::DeleteMarker, is_proved: true, ..entry };
        }
        let name = match ObjectKey::parse(&entry.key) {
            Ok(key) => ObjectName::new(self.bucket.clone(), key),
            Err(error) => return AuditEntry { note: Some(error.to_string()), ..entry },
        };
        let unasked = entry.clone();
        match self.answer(Question { name, entry }).await {
            Ok(question) => question.entry,
            Err(error) if error.status() == Some(404) => {
                AuditEntry { state: State::Gone, is_proved: true, ..unasked }
            }
            Err(error) => AuditEntry { note: Some(error.to_string()), ..unasked },
        }
    }

    async fn answer(&self, question: Question) -> Result<Question, CallError> {
        let tags = match self.client.tags(&question.name, question.version()).await {
            Ok(tags) => tags,
            Err(error) if matches!(error.status(), Some(403 | 501)) => {
                return self.without_record(question, RecordState::NotReadable).await;
            }
            Err(error) => return Err(error),
        };
        let record = match record_in(&tags) {
            None => return self.without_record(question, RecordState::Missing).await,
            Some(Ok(record)) => record,
            Some(Err(RecordError::NewerFormat(_))) => {
                return self.without_record(question, RecordState::Newer).await;
            }
            Some(Err(_)) => return self.without_record(question, RecordState::Damaged).await,
        };
        let opened = self.keys.open(&record, &question.name);
        match opened {
            Ok((key, opened)) => self.with_record(question, OwnKey::of(key), &opened).await,
            Err(error) => self.with_strange_record(question, &record, error).await,
        }
    }

    /// The record is genuine: does its key open what is here?
    async fn with_record(
        &self,
        mut question: Question,
        key: OwnKey,
        opened: &OpenedRecord,
    ) -> Result<Question, CallError> {
        let accepted = opened.content.provenance().and_then(Provenance::accepted_since);
        question.entry.accepted = accepted;
        let (record, size) = match (opened.content, accepted) {
            (Content::Pending, _) => (RecordState::Pending, None),
            (Content::Known(known), None) => (RecordState::Complete, Some(known.size)),
            (Content::Known(known), Some(_)) => (RecordState::Accepted, Some(known.size)),
        };
        let state = self.state(&question, key.kind);
        if self.trust_records {
            let differs = question.entry.size.zip(size).is_some_and(|(here, said)| here != said);
            let record = if differs { RecordState::OtherSize } else { record };
            return Ok(question.is(state, record).under_own(key).unproved());
        }
        let headers = Arc::new(TargetKeyHeaders::of(&opened.customer_key));
        match self.client.head(&question.name, question.version(), &headers).await {
            Ok(head) => match verify_echo(headers.key_md5(), &head.echo) {
                Ok(_) => {
                    let differs = size.is_some_and(|size| size != head.size);
                    let record = if differs { RecordState::OtherSize } else { record };
                    let question = question.is(state, record).under_own(key).seen(&head);
                    self.refused_without_key(question, &head).await
                }
                Err(error) => self.unconfirmed(question, record, key, error).await,
            },
            // Another key: somebody wrote it anew and kept the old record.
            Err(error) => match self.is_of_other_key(&question, &error).await? {
                true => {
                    question.entry.accepted = None;
                    self.without_record(question, RecordState::Outdated).await
                }
                false => Err(error),
            },
        }
    }

    /// HEAD with the key passed and confirmed nothing: is the object readable by anybody?
    async fn unconfirmed(
        &self,
        question: Question,
        record: RecordState,
        key: OwnKey,
        error: EchoError,
    ) -> Result<Question, CallError> {
        match self.client.head_without_key(&question.name, question.version()).await? {
            WithoutKey::Readable(head) => {
                Ok(not_under_customer_key(question.under_own(key), record, &head))
            }
            WithoutKey::Absent => Ok(question.is(State::Gone, RecordState::NotAsked)),
            WithoutKey::KeyNeeded | WithoutKey::Unclear => {
                let question = question.is(State::Unproved, record).under_own(key);
                Ok(question.unproved().noting(error))
            }
        }
    }

    /// A record that no key of ours opens. No key is sent for it.
    async fn with_strange_record(
        &self,
        question: Question,
        record: &Record,
        error: OpenError,
    ) -> Result<Question, CallError> {
        let worth = match error {
            OpenError::NotGenuine => RecordState::NotGenuine,
            _ => RecordState::OfOtherKey,
        };
        // Whose record is not genuine says nothing of the key either.
        let named = record.fingerprint().filter(|_| worth == RecordState::OfOtherKey);
        if self.trust_records && worth == RecordState::OfOtherKey {
            return Ok(question.is(State::OtherKey, worth).under(named).unproved());
        }
        match self.client.head_without_key(&question.name, question.version()).await? {
            WithoutKey::Readable(head) => {
                Ok(not_under_customer_key(question.under(named), worth, &head))
            }
            WithoutKey::Absent => Ok(question.is(State::Gone, RecordState::NotAsked)),
            WithoutKey::KeyNeeded => Ok(question.is(State::OtherKey, worth).under(named)),
            WithoutKey::Unclear => Ok(unclear(question.under(named), worth)),
        }
    }

    /// The negative half of what was found: the gateway has to say that the object needs a key. `head` is
    /// its answer to the key.
    async fn refused_without_key(
        &self,
        question: Question,
        head: &Head,
    ) -> Result<Question, CallError> {
        let record = question.entry.record;
        let read = self.client.read_without_key(&question.name, question.version()).await?;
        Ok(match read {
            KeylessRead::KeyNeeded => question,
            KeylessRead::Absent => question.is(State::Gone, RecordState::NotAsked),
            KeylessRead::Readable => not_under_customer_key(question, record, head),
            KeylessRead::Unclear => unclear(question, record),
        })
    }

    /// No record that says which key: what the ledger knows and the direct keys are tried.
    async fn without_record(
        &self,
        question: Question,
        record: RecordState,
    ) -> Result<Question, CallError> {
        match self.client.head_without_key(&question.name, question.version()).await? {
            WithoutKey::Readable(head) => {
                return Ok(not_under_customer_key(question, record, &head));
            }
            WithoutKey::Absent => return Ok(question.is(State::Gone, RecordState::NotAsked)),
            WithoutKey::Unclear => return Ok(unclear(question, record)),
            WithoutKey::KeyNeeded => {}
        }
        for Candidate { key, headers, content } in self.candidates(&question.name) {
            let head = self.client.head(&question.name, question.version(), &headers).await;
            match head {
                Ok(head) if verify_echo(headers.key_md5(), &head.echo).is_ok() => {
                    // A record that is there and does not fit stays what it is: a read refuses it.
                    let is_absent =
                        matches!(record, RecordState::Missing | RecordState::NotReadable);
                    let content = content.filter(|_| is_absent);
                    let record = content.map_or(record, |known| noted(known, &head));
                    let state = self.state(&question, key.kind);
                    let question = question.is(state, record).under_own(key).seen(&head);
                    return Ok(question);
                }
                Ok(_) => {
                    let question = question.is(State::Unproved, record).under_own(key);
                    return Ok(question.unproved().noting("the answer to HEAD confirms no key"));
                }
                Err(error) if self.is_of_other_key(&question, &error).await? => {}
                Err(error) => return Err(error),
            }
        }
        Ok(question.is(State::OtherKey, record))
    }

    async fn is_of_other_key(
        &self,
        question: &Question,
        refused: &CallError,
    ) -> Result<bool, CallError> {
        self.client.is_of_other_key(&question.name, question.version(), refused).await
    }

    /// Keys that need no tag: those of records in the ledger of this machine, and direct ones.
    fn candidates(&self, name: &ObjectName) -> Vec<Candidate> {
        let noted = self.client.noted(name);
        let noted = noted.iter().filter_map(|record| {
            let (key, opened) = self.keys.open(record, name).ok()?;
            let content = match opened.content {
                Content::Known(known) => Some(known),
                Content::Pending => None,
            };
            Some(Candidate::new(key, &opened.customer_key, content))
        });
        let direct = self.keys.direct_keys().filter_map(|key| match key {
            Key::Direct(customer_key) => Some(Candidate::new(key, customer_key, None)),
            _ => None,
        });
        noted.chain(direct).collect()
    }

    /// The state of an object that a key of ours opens. What the last write was says nothing of older
    /// versions.
    fn state(&self, question: &Question, kind: Kind) -> State {
        let last_written = || self.client.last_written(&self.keys, &question.name);
        match kind {
            Kind::Master => State::OwnKey,
            Kind::Direct if question.entry.is_latest && replaces_master(kind, last_written()) => {
                State::Replaced
            }
            Kind::Direct => State::DirectKey,
        }
    }
}

/// The worth of a record that the ledger has and no tag.
fn noted(known: KnownContent, head: &Head) -> RecordState {
    match known.provenance {
        _ if known.size != head.size => RecordState::OtherSize,
        Provenance::Source => RecordState::InLedger,
        Provenance::Accepted { .. } => RecordState::Accepted,
    }
}

/// A key that may open an object, and what the ledger knows of its content.
struct Candidate {
    key: OwnKey,
    headers: Arc<TargetKeyHeaders>,
    content: Option<KnownContent>,
}

impl Candidate {
    fn new(key: &Key, customer_key: &CustomerKey, content: Option<KnownContent>) -> Self {
        let headers = Arc::new(TargetKeyHeaders::of(customer_key));
        Self { key: OwnKey::of(key), headers, content }
    }
}

/// It is refused without a key, and nothing says that one is needed.
fn unclear(question: Question, record: RecordState) -> Question {
    question.is(State::Unproved, record).unproved().noting(EchoError::Unclear)
}

/// HEAD without a key was answered: whatever else the object is, it is under no customer key.
fn not_under_customer_key(question: Question, record: RecordState, head: &Head) -> Question {
    let state = match head.server_side.as_deref() {
        None => State::Plain,
        Some(kind) if kind.starts_with("aws:kms") => State::SseKms,
        Some(_) => State::SseS3,
    };
    let claimed = question.entry.key_fingerprint;
    let mut question = question.is(state, record).under(None).seen(head);
    question.entry.claimed_key = claimed;
    match record {
        RecordState::Missing | RecordState::NotReadable => question,
        _ => question.noting("it has a record all the same"),
    }
}
