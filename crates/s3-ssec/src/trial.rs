//! Trial writes: before the first write to a place, the same kind of write is proved on a scratch
//! object, so that an existing good object is never overwritten by an unproved one.

mod condition;
mod notes;
mod proved;
mod scratch;

pub use condition::ConditionTrial;
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
        let mut scratch = ScratchObject::beside(self, name)?;
        let scratch_name = scratch.name.clone();
        // A throw-away key: a gateway that cannot be trusted learns nothing.
        let headers = Arc::new(TargetKeyHeaders::of(&CustomerKey::generate()?));
        let outcome = match kind {
            WriteKind::Single => self.trial_single(&mut scratch, &headers).await,
            WriteKind::Multipart => self.trial_multipart(&mut scratch, &headers).await,
        };
        let is_stored = scratch.is_stored();
        if let Err(PutError::Call(error)) = &outcome
            && error.is_lost()
            && !is_stored
        {
            scratch.leave();
            return outcome.map(|(_, tags_kept)| tags_kept);
        }
        // Removed whatever the proof says: its name is ours alone.
        let is_removed = match scratch.remove().await {
            Ok(()) => true,
            Err(error) => {
                // Where no write was answered there may be nothing, and the next trial looks for it.
                if is_stored {
                    tracing::warn!("the trial object {scratch_name} could not be removed: {error}");
                }
                false
            }
        };
        let (error, left) = match outcome {
            Ok((Ok(_), tags_kept)) => return Ok(tags_kept),
            Ok((Err(error), _)) => (error, Leftover::Nothing),
            Err(PutError::NotProved { error, leftover, .. }) => (error, leftover),
            Err(error) => return Err(error),
        };
        let leftover = if is_removed { left } else { Leftover::Scratch };
        let name = if leftover == Leftover::Nothing { name.clone() } else { scratch_name };
        Err(PutError::NotProved { name, error, leftover })
    }

    async fn trial_single(
        &self,
        scratch: &mut ScratchObject,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Seen, PutError> {
        let options = PutOptions::default();
        let content = Bytes::from_static(b"trial");
        let put = |tags| send(self, &scratch.name, headers, &content, tags, &options);
        let sent = match put(Some(tagging(&[trial_tag()]))).await {
            // As in the real write: without tags, where the gateway refuses them.
            Err(error) if matches!(error.status(), Some(403 | 501)) => put(None).await,
            sent => sent,
        };
        scratch.wrote(sent.as_ref().map(|sent| sent.version_id.clone()));
        let sent = sent?;
        let (proof, kept) = self.see(&scratch.name, headers).await?;
        Ok((proof.and_then(|_| verify_echo(headers.key_md5(), &sent.echo)), kept))
    }

    /// With a tag that is put after Complete.
    async fn trial_multipart(
        &self,
        scratch: &mut ScratchObject,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<Seen, PutError> {
        let options = PutOptions::default();
        let created = Upload::create(self, &scratch.name, headers, None, &options).await;
        if let Err(PutError::Call(error)) = &created {
            scratch.wrote(Err(error));
        }
        let upload = created?;
        let completed = match upload.trial_part().await {
            Ok(part) => {
                let completed = upload.complete(&[part], Condition::default()).await;
                scratch.wrote(completed.as_ref().map(|completed| completed.version_id.clone()));
                completed.map_err(PutError::Call)
            }
            Err(error) => Err(error),
        };
        let completed = match completed {
            Ok(completed) => completed,
            Err(error) => {
                if upload.abort().await != Leftover::Nothing {
                    scratch.doubt();
                }
                return Err(error);
            }
        };
        let version = completed.version_id.as_deref();
        match self.put_tags(&scratch.name, version, &[trial_tag()]).await {
            Err(error) if !error.is_refusal() => Err(error.into()),
            _ => Ok(self.see(&scratch.name, headers).await?),
        }
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
            Err(error) if error.is_refusal() => Ok((proof, false)),
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
}

/// A proof or why there is none, and whether the tag was kept.
type Seen = (Result<EchoVerified, EchoError>, bool);

/// The tag of a scratch object.
fn trial_tag() -> (String, String) {
    (TAG_KEY.to_owned(), "trial".to_owned())
}
