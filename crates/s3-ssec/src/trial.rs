//! Trial writes: before the first write to a place, the same kind of write is proved on a scratch
//! object, so that an existing good object is never overwritten by an unproved one.

mod condition;
mod notes;
mod proved;
mod scratch;

pub(crate) use proved::ProvedPlaces;
pub(crate) use scratch::ScratchObject;

use crate::call::CallError;
use crate::client::Client;
use crate::ledger::Ledger;
use crate::put::{Condition, Upload, send, tagging};
use crate::state::StateDir;
use crate::watch::Watch;
use crate::write::{Existing, Leftover, PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::echo::{EchoError, EchoVerified, verify_by_heads, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, RandomError, random_bytes};
use s3_ssec_core::names::{NameError, ObjectKey, ObjectName};
use s3_ssec_core::record::TAG_KEY;
use std::sync::Arc;

/// How an object is written; each way has its own traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Single,
    Multipart,
}

pub use s3_ssec_core::names::TRIAL_PREFIX;

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
        self.proved.remember_in(state.clone());
        self.ledger = Some(Ledger::open(&state));
        self.state = Some(state);
        self
    }

    /// Proves this kind of write beside `name`, once for every bucket, and sees whether the tags of such
    /// a write are kept. Where a trial is not allowed the write goes on, but only if it overwrites
    /// nothing.
    pub(crate) async fn try_first(
        &self,
        name: &ObjectName,
        kind: WriteKind,
        options: &PutOptions,
        watch: &Watch,
    ) -> Result<PutOptions, PutError> {
        let place = |tags_kept| {
            let tags = if tags_kept { "tags kept" } else { "no tags" };
            format!("{} {} {kind:?} {tags}", self.endpoint(), name.bucket)
        };
        let mut options = options.clone();
        let known = [true, false].into_iter().find(|kept| self.proved.contains(&place(*kept)));
        if let Some(tags_kept) = known {
            options.tags_kept = tags_kept;
            return Ok(options);
        }
        match self.trial(name, kind).await {
            Ok(tags_kept) => {
                options.tags_kept = tags_kept;
                self.proved.insert(place(tags_kept));
            }
            Err(PutError::Call(error)) if error.status() == Some(403) => {
                options.existing = Existing::Keep;
            }
            Err(error) => return Err(error),
        }
        // A trial is a few small requests: it takes back what it began sooner than it can be undone.
        if watch.is_stopped() { Err(PutError::Stopped) } else { Ok(options) }
    }

    async fn trial(&self, name: &ObjectName, kind: WriteKind) -> Result<bool, PutError> {
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
            // An answer that is not understood may stand for a stored object.
            Err(Failure::Call(error)) if broken(error) && !error.is_lost() => {
                self.clear_scratch(&scratch).await.is_err()
            }
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

    /// True if the tag of the object was kept.
    async fn trial_single(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, Failure> {
        let options = PutOptions::default();
        let content = Bytes::from_static(b"trial");
        let tags = tagging(&[trial_tag()]);
        let sent = match send(self, scratch, headers, &content, Some(tags), &options).await {
            // As in the real write: without tags, where the gateway refuses them.
            Err(error) if matches!(error.status(), Some(403 | 501)) => {
                send(self, scratch, headers, &content, None, &options).await?
            }
            sent => sent?,
        };
        let (version, seen) = (sent.version_id.as_deref(), self.see(scratch, headers).await);
        let seen = seen.map(|(proof, kept)| {
            (proof.and_then(|_| verify_echo(headers.key_md5(), &sent.echo)), kept)
        });
        self.clear(scratch, version, seen).await
    }

    /// True if a tag that was put after Complete was kept.
    async fn trial_multipart(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, Failure> {
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
        let version = completed.version_id.as_deref();
        let seen = match self.put_tags(scratch, version, &[trial_tag()]).await {
            Err(error) if !is_final(&error) => Err(error),
            _ => self.see(scratch, headers).await,
        };
        self.clear(scratch, version, seen).await
    }

    /// The proof of a scratch object, and whether its tag is there.
    async fn see(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Seen, CallError> {
        let proof = self.prove_scratch(scratch, headers).await?;
        match self.tags(scratch, None).await {
            Ok(tags) => Ok((proof, tags.contains(&trial_tag()))),
            Err(error) if is_final(&error) => Ok((proof, false)),
            Err(error) => Err(error),
        }
    }

    /// HEAD with the key and HEAD without it.
    pub(crate) async fn prove_scratch(
        &self,
        scratch: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Result<EchoVerified, EchoError>, CallError> {
        let head = self.head(scratch, None, headers).await?;
        let without_key = self.head_without_key(scratch, None).await?.evidence();
        Ok(verify_by_heads(headers.key_md5(), &head.echo, without_key))
    }

    /// Removes the scratch object, whatever the proof says: its name is ours alone.
    async fn clear(
        &self,
        scratch: &ObjectName,
        version: Option<&str>,
        seen: Result<Seen, CallError>,
    ) -> Result<bool, Failure> {
        let removed = self.delete_scratch(scratch, version).await;
        let leftover = if removed.is_ok() { Leftover::Nothing } else { Leftover::Scratch };
        if let Err(error) = removed {
            tracing::warn!("the trial object {scratch} could not be removed: {error}");
        }
        let (proof, tags_kept) = seen?;
        proof.map(|_| tags_kept).map_err(|error| Failure::NotProved(error, leftover))
    }
}

/// A proof or why there is none, and whether the tag was kept.
type Seen = (Result<EchoVerified, EchoError>, bool);

/// The tag of a scratch object.
fn trial_tag() -> (String, String) {
    (TAG_KEY.to_owned(), "trial".to_owned())
}

/// True for an answer that the same request gets tomorrow too.
fn is_final(error: &CallError) -> bool {
    error.status().is_some_and(|status| status < 500 || status == 501)
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
