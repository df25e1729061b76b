//! Trial writes: before the first write to a place, the same kind of write is proved on a scratch
//! object, so that an existing good object is never overwritten by an unproved one.

mod notes;

use crate::call::CallError;
use crate::client::{Client, WithoutKey};
use crate::put::{Condition, Upload, send};
use crate::state::StateDir;
use crate::watch::Watch;
use crate::write::{Existing, Leftover, PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::echo::{EchoError, EchoVerified, verify_by_heads, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, RandomError, random_bytes};
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::{NameError, ObjectKey, ObjectName};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// How an object is written; each way has its own traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Single,
    Multipart,
}

/// Start of the name of every scratch object and trial prefix.
pub const TRIAL_PREFIX: &str = ".s3-ssec-trial-";

const FILE: &str = "proved.json";

/// Places where a trial write was proved, remembered between commands where there is a state
/// directory. Every real write is proved all the same.
#[derive(Default)]
pub(crate) struct ProvedPlaces {
    known: Mutex<BTreeSet<String>>,
    state: Option<StateDir>,
}

impl ProvedPlaces {
    pub(crate) fn remembered_in(state: StateDir) -> Self {
        let known = match state.read(FILE) {
            serde_json::Value::Array(places) => {
                places.iter().filter_map(|place| place.as_str().map(str::to_owned)).collect()
            }
            _ => BTreeSet::new(),
        };
        Self { known: Mutex::new(known), state: Some(state) }
    }

    pub(crate) fn contains(&self, place: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(place)
    }

    pub(crate) fn insert(&self, place: String) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(place);
        if let Some(state) = &self.state {
            // Forgetting costs one more trial.
            let _ = state.write(FILE, &json!(*known));
        }
    }
}

/// A new name beside `name`, of random characters, that nobody else uses.
pub(crate) fn scratch_name(name: &ObjectName) -> Result<ObjectName, RandomError> {
    let random = base16ct::lower::encode_string(&random_bytes::<8>()?);
    let beside = |parent: &str| -> Result<ObjectName, NameError> {
        let key = ObjectKey::parse(&format!("{parent}{TRIAL_PREFIX}{random}"))?;
        Ok(ObjectName::new(name.bucket.clone(), key))
    };
    // A prefix too long for one more name leaves the bucket's root.
    Ok(beside(name.key.parent()).or_else(|_| beside("")).unwrap_or_else(|_| name.clone()))
}

impl Client {
    /// Remembers proved places, journals and ledger lines in `state`.
    #[must_use]
    pub fn with_state(mut self, state: StateDir) -> Self {
        self.proved = Arc::new(ProvedPlaces::remembered_in(state.clone()));
        self.state = Some(state);
        self
    }

    /// Proves this kind of write beside `name`, once for every bucket. Where a trial is not allowed
    /// the write goes on, but only if it overwrites nothing.
    pub(crate) async fn try_first(
        &self,
        name: &ObjectName,
        kind: WriteKind,
        options: &PutOptions,
        watch: &Watch,
    ) -> Result<PutOptions, PutError> {
        let place = format!("{} {} {kind:?}", self.endpoint(), name.bucket);
        let mut options = options.clone();
        if self.proved.contains(&place) {
            return Ok(options);
        }
        match self.trial(name, kind).await {
            Ok(_) => self.proved.insert(place),
            Err(PutError::Call(error)) if error.status() == Some(403) => {
                options.existing = Existing::Keep;
            }
            Err(error) => return Err(error),
        }
        // A trial is a few small requests: it takes back what it began sooner than it can be undone.
        if watch.is_stopped() { Err(PutError::Stopped) } else { Ok(options) }
    }

    async fn trial(&self, name: &ObjectName, kind: WriteKind) -> Result<EchoVerified, PutError> {
        self.clear_trials(&name.bucket).await;
        let scratch = scratch_name(name)?;
        let note = self.note_trial(&scratch);
        // A throw-away key: a gateway that cannot be trusted learns nothing.
        let headers = Arc::new(TargetKeyHeaders::of(&CustomerKey::generate()?));
        let outcome = match kind {
            WriteKind::Single => self.trial_single(&scratch, &headers).await,
            WriteKind::Multipart => self.trial_multipart(&scratch, &headers).await,
        };
        // Where the conversation broke something may be left; the note stays for the next trial.
        let broken = |error: &CallError| error.status().is_none_or(|status| status >= 500);
        let kept = match &outcome {
            Err(Failure::Call(error)) => broken(error),
            Err(Failure::NotProved(_, leftover)) => *leftover != Leftover::Nothing,
            _ => false,
        };
        if let (Some(note), false) = (note, kept) {
            note.remove();
        }
        outcome.map_err(|failure| match failure {
            Failure::Call(error) => PutError::Call(error),
            Failure::NotProved(error, Leftover::Nothing) => {
                PutError::NotProved { name: name.clone(), error, leftover: Leftover::Nothing }
            }
            Failure::NotProved(error, leftover) => {
                PutError::NotProved { name: scratch.clone(), error, leftover }
            }
            Failure::Other(error) => error,
        })
    }

    async fn trial_single(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<EchoVerified, Failure> {
        let options = PutOptions::default();
        let content = Bytes::from_static(b"trial");
        let sent = send(self, scratch, headers, &content, None, &options).await?;
        let proof = self.prove_scratch(scratch, headers).await;
        let proof =
            proof.map(|proof| proof.and_then(|_| verify_echo(headers.key_md5(), &sent.echo)));
        self.clear(scratch, sent.version_id.as_deref(), proof).await
    }

    async fn trial_multipart(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<EchoVerified, Failure> {
        let options = PutOptions::default();
        let upload = Upload::create(self, scratch, headers, None, &options).await;
        let upload = upload.map_err(Failure::of)?;
        let part = upload.trial_part().await;
        let completed = match part {
            Ok(part) => upload.complete(&[part], Condition::default()).await.map_err(Failure::Call),
            Err(error) => Err(Failure::of(error)),
        };
        let completed = match completed {
            Ok(completed) => completed,
            Err(failure) => {
                upload.abort().await;
                return Err(failure);
            }
        };
        let proof = self.prove_scratch(scratch, headers).await;
        self.clear(scratch, completed.version_id.as_deref(), proof).await
    }

    /// HEAD with the key and HEAD without it.
    pub(crate) async fn prove_scratch(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Result<EchoVerified, EchoError>, CallError> {
        let head = self.head(scratch, None, headers).await?;
        let status = match self.head_without_key(scratch, None).await? {
            WithoutKey::KeyNeeded => 400,
            WithoutKey::Readable(_) => 200,
            WithoutKey::Absent => 404,
        };
        Ok(verify_by_heads(headers.key_md5(), &head.echo, status))
    }

    /// Removes the scratch object, whatever the proof says: its name is ours alone.
    async fn clear(
        &self,
        scratch: &ObjectName,
        version: Option<&str>,
        proof: Result<Result<EchoVerified, EchoError>, CallError>,
    ) -> Result<EchoVerified, Failure> {
        let removed = self.delete(scratch, version).await;
        let leftover = if removed.is_ok() { Leftover::Nothing } else { Leftover::Scratch };
        if let Err(error) = removed {
            tracing::warn!("the trial object {scratch} could not be removed: {error}");
        }
        proof?.map_err(|error| Failure::NotProved(error, leftover))
    }

    /// Notes a nonce that no tag could hold.
    pub(crate) fn note_in_ledger(&self, seal: &Seal<'_>) {
        let Some(state) = &self.state else { return };
        let key = seal.key().fingerprint();
        if let Err(error) = state.note(self.endpoint().as_str(), seal.name(), key, seal.nonce()) {
            tracing::warn!("the nonce of {} could not be noted: {error}", seal.name());
        }
    }
}

enum Failure {
    Call(CallError),
    NotProved(EchoError, Leftover),
    Other(PutError),
}

impl Failure {
    fn of(error: PutError) -> Self {
        match error {
            PutError::Call(error) => Failure::Call(error),
            PutError::NotProved { error, leftover, .. } => Failure::NotProved(error, leftover),
            other => Failure::Other(other),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Failure::Call(error)
    }
}
