//! Trial writes: before the first write to a place, the same kind of write is proved on a scratch
//! object, so that an existing good object is never overwritten by an unproved one.

mod condition;
mod notes;
mod proved;
mod scratch;

pub use condition::ConditionTrial;
pub(crate) use proved::ProvedPlaces;
pub(crate) use scratch::ScratchObject;

use crate::call::{Broken, CallError};
use crate::carry::{Carried, NoHands, carry};
use crate::client::Client;
use crate::ledger::Ledger;
use crate::state::StateDir;
use crate::watch::Watch;
use crate::write::{Existing, Leftover, PutError, PutOptions};
use s3_ssec_core::echo::{EchoError, EchoVerified, verify_by_heads};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{CustomerKey, RandomError, random_bytes};
use s3_ssec_core::names::ObjectName;
pub(crate) use s3_ssec_core::transfer::WriteKind;
use s3_ssec_core::transfer::{ScratchLeft, TrialEnd, TrialVerdict, trial};
use std::sync::Arc;

pub use s3_ssec_core::names::TRIAL_PREFIX;

/// 16 characters that no other client has.
pub(crate) fn random_name() -> Result<String, RandomError> {
    Ok(base16ct::lower::encode_string(&random_bytes::<8>()?))
}

/// A new name beside `name`, of random characters, that no other client uses.
pub(crate) fn scratch_name(name: &ObjectName) -> Result<ObjectName, RandomError> {
    Ok(name.scratch_beside(random_bytes()?))
}

impl<V> Carried<V> {
    /// The error behind a scratch object that is left: that of the last request that failed, or that all
    /// were answered and the object is still there.
    fn not_removed(&mut self) -> PutError {
        let kept = || Broken::Answer("it says that it deleted the trial object".to_owned());
        self.last().unwrap_or_else(|| kept().into()).into()
    }

    /// The error behind a trial that came to no end.
    pub(crate) fn failed_trial(&mut self, end: &TrialEnd) -> PutError {
        let error = match end {
            TrialEnd::Refused(answer) => self.refused(answer),
            // Its name and its key are random.
            TrialEnd::NoScratch => {
                return CustomerKey::generate().map_or_else(PutError::from, |_| PutError::Stopped);
            }
            _ => self.unanswered(),
        };
        let unread = || Broken::Answer("it is not one to a trial".to_owned());
        error.unwrap_or_else(|| unread().into()).into()
    }
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
        let beside = name.clone();
        // Not cancelled: a trial is a few small requests, and cleans up by itself.
        let course = |link| trial(link, beside, kind);
        let mut carried = Box::pin(carry(self, &NoHands, &Watch::default(), course)).await;
        let TrialVerdict { end, left } = carried.verdict.clone();
        // Where no write was answered there may be nothing, and the next trial looks for it.
        if let Some(ScratchLeft { name, is_stored: true }) = &left {
            tracing::warn!("the trial object {name} could not be removed");
        }
        match end {
            TrialEnd::Proved { tags_kept } => Ok(tags_kept == Some(true)),
            TrialEnd::NotProved(error) => {
                let leftover = left.as_ref().map_or(Leftover::Nothing, |_| Leftover::Scratch);
                let name = left.map_or_else(|| name.clone(), |left| left.name);
                Err(PutError::NotProved { name, error, leftover })
            }
            end => Err(carried.failed_trial(&end)),
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
