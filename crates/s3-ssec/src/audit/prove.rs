//! One object: what its record says, and what the gateway shows.

use super::entry::{AuditEntry, RecordState, State};
use super::list::Found;
use crate::call::CallError;
use crate::client::{Client, Head, WithoutKey};
use crate::locate::record_in;
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Fingerprint, Key};
use s3_ssec_core::keyring::{Keyring, OpenError};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::record::{Content, OpenedRecord, Record, RecordError};
use std::sync::Arc;

/// Asks the gateway about objects.
pub(super) struct Prover {
    client: Client,
    keys: Arc<Keyring>,
    bucket: BucketName,
    trust_records: bool,
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

    fn under(mut self, key: Option<Fingerprint>) -> Self {
        self.entry.key_fingerprint = key;
        self
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
            record: RecordState::NotAsked,
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
            Ok((key, opened)) => {
                let fingerprint = key.fingerprint();
                self.with_record(question, fingerprint, &opened).await
            }
            Err(error) => self.with_strange_record(question, &record, error).await,
        }
    }

    /// The record is genuine: does its key open what is here?
    async fn with_record(
        &self,
        question: Question,
        fingerprint: Fingerprint,
        opened: &OpenedRecord,
    ) -> Result<Question, CallError> {
        let (record, size) = match opened.content {
            Content::Pending => (RecordState::Pending, None),
            Content::Known { size, .. } => (RecordState::Complete, Some(size)),
        };
        if self.trust_records {
            let differs = question.entry.size.zip(size).is_some_and(|(here, said)| here != said);
            let record = if differs { RecordState::OtherSize } else { record };
            let question = question.is(State::OwnKey, record).under(Some(fingerprint));
            return Ok(question.unproved());
        }
        let headers = Arc::new(TargetKeyHeaders::of(&opened.customer_key));
        match self.client.head(&question.name, question.version(), &headers).await {
            Ok(head) => match verify_echo(headers.key_md5(), &head.echo) {
                Ok(_) => {
                    let differs = size.is_some_and(|size| size != head.size);
                    let record = if differs { RecordState::OtherSize } else { record };
                    Ok(question.is(State::OwnKey, record).under(Some(fingerprint)).seen(&head))
                }
                Err(error) => self.unconfirmed(question, record, fingerprint, error).await,
            },
            // Another key: somebody wrote it anew and kept the old record.
            Err(error) if error.status() == Some(400) => {
                self.without_record(question, RecordState::Outdated).await
            }
            Err(error) => Err(error),
        }
    }

    /// HEAD with the key passed and confirmed nothing: is the object readable by anybody?
    async fn unconfirmed(
        &self,
        question: Question,
        record: RecordState,
        fingerprint: Fingerprint,
        error: s3_ssec_core::echo::EchoError,
    ) -> Result<Question, CallError> {
        match self.client.head_without_key(&question.name, question.version()).await? {
            WithoutKey::Readable(head) => Ok(not_under_customer_key(question, record, &head)),
            WithoutKey::Absent => Ok(question.is(State::Gone, RecordState::NotAsked)),
            WithoutKey::KeyNeeded => {
                let question = question.is(State::Unproved, record).under(Some(fingerprint));
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
            WithoutKey::Readable(head) => Ok(not_under_customer_key(question, worth, &head)),
            WithoutKey::Absent => Ok(question.is(State::Gone, RecordState::NotAsked)),
            WithoutKey::KeyNeeded => Ok(question.is(State::OtherKey, worth).under(named)),
        }
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
            WithoutKey::KeyNeeded => {}
        }
        for (fingerprint, headers) in self.candidates(&question.name) {
            let head = self.client.head(&question.name, question.version(), &headers).await;
            match head {
                Ok(head) if verify_echo(headers.key_md5(), &head.echo).is_ok() => {
                    let question = question.is(State::OwnKey, record).under(Some(fingerprint));
                    return Ok(question.seen(&head));
                }
                Ok(_) => {
                    let question = question.is(State::Unproved, record).under(Some(fingerprint));
                    return Ok(question.unproved().noting("the answer to HEAD confirms no key"));
                }
                Err(error) if error.status() == Some(400) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(question.is(State::OtherKey, record))
    }

    /// Keys that need no record: those whose nonce this machine noted, and direct ones.
    fn candidates(&self, name: &ObjectName) -> Vec<(Fingerprint, Arc<TargetKeyHeaders>)> {
        let keys = self.keys.keys();
        let noted = match &self.client.state {
            Some(state) => state.noted(self.client.endpoint().as_str(), name),
            None => Vec::new(),
        };
        let noted = noted.into_iter().filter_map(|(fingerprint, nonce)| {
            let key = keys.iter().find(|key| key.fingerprint() == fingerprint)?;
            Some((fingerprint, TargetKeyHeaders::of(&key.customer_key(name, nonce))))
        });
        let direct = self.keys.direct_keys().filter_map(|key| match key {
            Key::Direct(customer_key) => Some((key.fingerprint(), customer_key)),
            _ => None,
        });
        let direct = direct.map(|(fingerprint, key)| (fingerprint, TargetKeyHeaders::of(key)));
        noted.chain(direct).map(|(fingerprint, headers)| (fingerprint, Arc::new(headers))).collect()
    }
}

/// HEAD without a key was answered: whatever else the object is, it is under no customer key.
fn not_under_customer_key(question: Question, record: RecordState, head: &Head) -> Question {
    let state = match head.server_side.as_deref() {
        None => State::Plain,
        Some(kind) if kind.starts_with("aws:kms") => State::SseKms,
        Some(_) => State::SseS3,
    };
    let question = question.is(state, record).under(None).seen(head);
    match record {
        RecordState::Missing | RecordState::NotReadable => question,
        _ => question.noting("it has a record all the same"),
    }
}
