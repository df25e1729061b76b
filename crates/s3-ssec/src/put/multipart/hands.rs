//! The side of an upload in parts that does not leave this machine: its keys, its source, its journal.

use super::super::body::file_span;
use super::super::journal::UploadLog;
use super::super::source::SourceFile;
use super::hash::{Hashes, PartHasher};
use super::stream::Stream;
use crate::call::CallError;
use crate::carry::{Hands, Payload, Sent};
use crate::client::Client;
use crate::flight::Flight;
use crate::nonce;
use crate::watch::Watch;
use crate::write::{PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentKey;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::journal::{UploadBegun, UploadLine};
use s3_ssec_core::key::Key;
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::Span;
use s3_ssec_core::record::Content;
use s3_ssec_core::transfer::{Body, Description, JournalStep, KeyFacts, KeyRef, Outcome, Task};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The error code of a body that is not what its hash says.
const OTHER_BODY: &str = "XAmzContentSHA256Mismatch";

/// The bytes of an upload.
pub(super) enum Source {
    File(SourceFile),
    Stream(Stream),
}

/// The keys, the source and the journal of an upload.
pub(super) struct PartsHands<'a> {
    pub(super) client: &'a Client,
    pub(super) key: &'a Key,
    pub(super) name: &'a ObjectName,
    pub(super) options: &'a PutOptions,
    pub(super) watch: &'a Watch,
    pub(super) content_key: Arc<ContentKey>,
    pub(super) source: Source,
    pub(super) log: Arc<UploadLog>,
    /// The first line of the journal, but for its nonce, and the size of a stream.
    begun: UploadBegun,
    /// The noted ETags of the upload that broke off.
    stored: BTreeMap<u16, String>,
    state: Mutex<State>,
}

struct State {
    /// That of the upload that is continued, then those that were drawn.
    keys: Vec<(Nonce, Arc<TargetKeyHeaders>)>,
    hashes: Hashes,
    flight: Flight,
    upload: Option<String>,
    is_other_content: bool,
    /// The fault of the source, or of this machine.
    trouble: Option<PutError>,
}

impl<'a> PartsHands<'a> {
    pub(super) fn new(
        (client, key, name): (&'a Client, &'a Key, &'a ObjectName),
        (options, watch): (&'a PutOptions, &'a Watch),
        (source, begun): (Source, UploadBegun),
        (log, stored): (UploadLog, BTreeMap<u16, String>),
    ) -> Self {
        let content_key = Arc::new(key.content_key());
        let flight = Flight::new(options.in_flight, Instant::now());
        let state = Mutex::new(State {
            keys: Vec::new(),
            hashes: Hashes::new(&content_key),
            flight,
            upload: None,
            is_other_content: false,
            trouble: None,
        });
        let log = Arc::new(log);
        Self { client, key, name, options, watch, content_key, source, log, begun, stored, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seal of the last nonce.
    pub(super) fn seal(&self) -> Option<Seal<'a>> {
        let nonce = self.state().keys.last()?.0;
        Some(Seal::new(self.key, self.name.clone(), nonce))
    }

    /// The facts of the key of this nonce, which is used from now on.
    pub(super) fn facts(&self, nonce: Nonce) -> KeyFacts {
        let seal = Seal::new(self.key, self.name.clone(), nonce);
        let headers = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
        let facts = KeyFacts::of(&seal, &headers, &seal.record(Content::Pending));
        let mut state = self.state();
        state.keys.push((nonce, headers));
        state.hashes = Hashes::new(&self.content_key);
        facts
    }

    /// The reason why the source could not be sent.
    pub(super) fn trouble(&self) -> Option<PutError> {
        self.state().trouble.take()
    }

    /// The error where the source failed and no trouble is known: the gateway took other bytes than those that
    /// were hashed, or a request could not be sent.
    pub(super) fn changed_or(&self, error: Option<CallError>) -> PutError {
        match (&self.source, error) {
            (Source::File(file), Some(error)) if error.code() == Some(OTHER_BODY) => file.changed(),
            (_, Some(error)) => error.into(),
            (_, None) => PutError::Stopped,
        }
    }

    /// Bytes that were at the gateway before.
    pub(super) fn continued(&self) -> u64 {
        self.state().hashes.continued()
    }

    /// Bytes of the content.
    pub(super) fn size(&self) -> u64 {
        self.state().hashes.size()
    }

    fn failed(&self, error: PutError) -> Outcome {
        self.state().trouble.get_or_insert(error);
        Outcome::Failed
    }

    /// Reads and hashes a part. The noted hash of what was sent before decides whether it may be sent.
    async fn hashed(&self, part: Part<'_>) -> Result<Payload, Outcome> {
        let Span { offset, length } = part.span;
        let hasher = PartHasher::new(Arc::clone(&self.content_key), offset);
        let (hasher, body) = match &self.source {
            Source::File(file) => {
                let scanned = file.scan(offset, length, hasher, PartHasher::update).await;
                let body = file_span(file.handle(), offset, length);
                (scanned.map_err(|error| self.failed(error))?, body)
            }
            Source::Stream(stream) => {
                let Some(content) = stream.part(part.number) else { return Err(Outcome::Failed) };
                let hasher = hasher.hash_all(content.clone()).await;
                (hasher.map_err(|error| self.failed(error))?, Bytes::into(content))
            }
        };
        let (sha256, pieces) = hasher.finish();
        let hash = self.log.keyed(&sha256);
        if part.same_as.is_some_and(|before| before != hash) {
            return Err(self.another_content());
        }
        match self.state().hashes.take(part.number, &sha256, length, pieces) {
            Ok(is_new) if is_new && part.is_sent => {}
            Ok(_) => return Ok(Payload { body, length, sha256 }),
            Err(_changed) => return Err(self.another_content()),
        }
        if let Source::File(_) = self.source {
            let line = UploadLine::Sending { part: part.number, sha256: hash };
            Arc::clone(&self.log).noted(line).await;
        }
        Ok(Payload { body, length, sha256 })
    }

    /// The content is not what was sent as this part before.
    fn another_content(&self) -> Outcome {
        match &self.source {
            Source::File(file) if file.unchanged().is_ok() => {
                if !std::mem::replace(&mut self.state().is_other_content, true) {
                    let path = file.path();
                    tracing::warn!("{path:?} changed since its upload broke off: it starts anew");
                }
                Outcome::OtherContent
            }
            Source::File(file) => self.failed(file.changed()),
            Source::Stream(_) => Outcome::Failed,
        }
    }

    async fn hash(&self, number: u16, body: &Body, same_as: Option<&str>) -> Outcome {
        let Body::Range { offset, length } = *body else { return Outcome::Failed };
        let part = Part { number, span: Span { offset, length }, same_as, is_sent: false };
        match self.hashed(part).await {
            Ok(_) => {
                let mut state = self.state();
                state.hashes.count_continued(length);
                state.flight.finished(length, Instant::now());
                self.watch.moved(length);
                Outcome::Hashed
            }
            Err(outcome) => outcome,
        }
    }

    async fn journal(&self, step: JournalStep) -> Outcome {
        let is_stream = matches!(self.source, Source::Stream(_));
        let is_noted = match step {
            // A stream cannot be sent again: it is noted when its content is known.
            JournalStep::Begun if is_stream => true,
            JournalStep::Created { upload } if is_stream => {
                self.state().upload = Some(upload);
                true
            }
            JournalStep::Begun => {
                self.log.clear();
                self.note(UploadLine::Begun(self.begun())).await
            }
            JournalStep::Created { upload } => {
                self.note(UploadLine::Created { upload_id: upload }).await
            }
            JournalStep::Stored { number, etag } => self.stored(number, &etag, is_stream).await,
            JournalStep::Completing { record } if is_stream => {
                let upload_id = self.state().upload.clone().unwrap_or_default();
                self.note(UploadLine::Begun(self.begun())).await
                    && self.note(UploadLine::Created { upload_id }).await
                    && self.note(UploadLine::CompletingAs { record }).await
            }
            JournalStep::Completing { record } => {
                self.note(UploadLine::CompletingAs { record }).await
            }
            JournalStep::Over => {
                self.log.close();
                true
            }
        };
        if is_noted { Outcome::Noted } else { Outcome::Failed }
    }

    fn begun(&self) -> UploadBegun {
        let nonce = self.seal().map(|seal| seal.nonce().to_string()).unwrap_or_default();
        let size = if self.begun.size == 0 { self.size() } else { self.begun.size };
        UploadBegun { nonce, size, ..self.begun.clone() }
    }

    async fn stored(&self, number: u16, etag: &str, is_stream: bool) -> bool {
        let length = {
            let mut state = self.state();
            let length = state.hashes.stored(number, etag);
            state.flight.finished(length, Instant::now());
            length
        };
        if let Source::Stream(stream) = &self.source {
            stream.forget(number);
        }
        let line = UploadLine::Stored { part: number, etag: self.log.keyed(etag) };
        let is_noted = is_stream || self.note(line).await;
        self.watch.moved(length);
        is_noted
    }

    async fn note(&self, line: UploadLine) -> bool {
        Arc::clone(&self.log).noted(line).await
    }

    /// The record of what was hashed. Every byte sent is the byte hashed, for the gateway checked the payload
    /// hash. What remains is a change between parts.
    fn described(&self) -> Outcome {
        if let Source::File(file) = &self.source
            && let Err(error) = file.unchanged()
        {
            return self.failed(error);
        }
        let Some(seal) = self.seal() else { return Outcome::Failed };
        let mut state = self.state();
        let Some((size, digest)) = state.hashes.finish() else { return Outcome::Failed };
        let record = seal.record(self.options.content(size, digest)).to_string();
        Outcome::Described(Description { record, plain_etag: state.hashes.joined_etag() })
    }
}

impl Drop for PartsHands<'_> {
    /// Whoever drops an upload on its way may begin it again at once: a note that is being written does not keep
    /// the journal from it.
    fn drop(&mut self) {
        self.log.release();
    }
}

/// A part to read.
struct Part<'p> {
    number: u16,
    span: Span,
    same_as: Option<&'p str>,
    is_sent: bool,
}

impl Hands for PartsHands<'_> {
    fn headers(&self, key: KeyRef) -> Option<Arc<TargetKeyHeaders>> {
        let KeyRef::Write(nonce) = key else { return None };
        let state = self.state();
        let found = state.keys.iter().find(|(own, _)| *own == nonce);
        found.map(|(_, headers)| Arc::clone(headers))
    }

    fn draw(&self, name: &ObjectName, _is_described: bool) -> Option<KeyFacts> {
        match nonce::draw(self.client.state.as_ref(), name) {
            Ok(nonce) => Some(self.facts(nonce)),
            Err(error) => {
                self.failed(error.into());
                None
            }
        }
    }

    async fn payload(&self, sent: Sent<'_>) -> Result<Payload, Outcome> {
        let Sent::Part { number, body, same_as } = sent else { return Err(Outcome::Failed) };
        let Body::Range { offset, length } = *body else { return Err(Outcome::Failed) };
        let span = Span { offset, length };
        self.hashed(Part { number, span, same_as, is_sent: true }).await
    }

    fn options(&self) -> Option<&PutOptions> {
        Some(self.options)
    }

    async fn local(&self, task: Task) -> Outcome {
        match (task, &self.source) {
            (Task::Hash { number, body, same_as }, _) => {
                self.hash(number, &body, same_as.as_deref()).await
            }
            (Task::Read { number, length, .. }, Source::Stream(stream)) => {
                let read = stream.read(number, length).await;
                read.unwrap_or_else(|error| self.failed(error))
            }
            (Task::Compare { listed }, _) => {
                let is_noted =
                    |number, etag: &str| self.stored.get(number) == Some(&self.log.keyed(etag));
                let agreed = listed.iter().filter(|(number, etag)| is_noted(number, etag));
                Outcome::Agreed(agreed.map(|(number, _)| *number).collect())
            }
            (Task::Journal(step), _) => self.journal(step).await,
            (Task::Describe { .. }, _) => self.described(),
            _ => Outcome::Failed,
        }
    }

    fn room(&self) -> usize {
        self.state().flight.limit()
    }
}
