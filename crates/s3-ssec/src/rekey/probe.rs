//! What the gateway really does with what a run relies on: conditions, copies, ETags. Tried on scratch
//! objects with throw-away keys, at the beginning of every run.

use super::RekeyError;
use crate::call::CallError;
use crate::client::Client;
use crate::put::{Condition, Upload, send};
use crate::trial::{WriteKind, scratch_name};
use crate::watch::Watch;
use crate::write::{Existing, PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::ObjectName;
use std::sync::Arc;

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    /// Copies from one customer key to another are encrypted anew.
    pub(super) copies: bool,
    /// `If-Match` on a PUT replaces only what was named.
    pub(super) put_condition: bool,
    /// `If-Match` on Complete does.
    pub(super) complete_condition: bool,
    /// The ETag of one PUT is the MD5 of its content.
    pub(super) etag_is_md5: bool,
}

const TRIAL: &[u8] = b"trial";

impl Client {
    /// Tries what a run below `beside` relies on. An error if not even scratch objects can be written
    /// and proved: then nothing is rewritten here.
    pub(super) async fn try_abilities(
        &self,
        beside: &ObjectName,
        watch: &Watch,
    ) -> Result<Abilities, RekeyError> {
        // What a run that was killed left of its own.
        self.clear_trials(&beside.bucket).await;
        let options = PutOptions::default();
        let proved = self.try_first(beside, WriteKind::Single, &options, watch).await?;
        if proved.existing == Existing::Keep {
            return Err(RekeyError::NoTrial(beside.bucket.clone()));
        }
        let copies = self.encrypts_copies(beside).await?;
        let scratch = scratch_name(beside).map_err(PutError::from)?;
        let note = self.note_trial(&scratch);
        let tried = self.try_conditions(&scratch).await;
        let cleared = self.clear_scratch(&scratch).await;
        if let (Some(note), Ok(())) = (note, &cleared) {
            note.remove();
        }
        Ok(Abilities { copies, ..tried? })
    }

    async fn try_conditions(&self, scratch: &ObjectName) -> Result<Abilities, RekeyError> {
        let key = CustomerKey::generate().map_err(PutError::from)?;
        let key = Arc::new(TargetKeyHeaders::of(&key));
        let put = async |only: Option<String>| {
            let mut options = PutOptions::default();
            options.kept.only = only;
            send(self, scratch, &key, &Bytes::from_static(TRIAL), None, &options).await
        };
        let etag = put(None).await.map_err(PutError::from)?.etag;
        let right = put(Some(etag.clone())).await;
        let wrong = put(Some(OTHER.to_owned())).await;
        let put_condition = answered(right.map(drop))? && !answered(wrong.map(drop))?;
        let complete_condition = put_condition && !self.completes(scratch, &key).await?;
        let etag_is_md5 = etag == crate::write::md5_hex(TRIAL);
        Ok(Abilities { copies: false, put_condition, complete_condition, etag_is_md5 })
    }

    /// Whether an upload is completed onto an object that is not the one of the condition.
    async fn completes(
        &self,
        scratch: &ObjectName,
        key: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, RekeyError> {
        let mut options = PutOptions::default();
        let upload = Upload::create(self, scratch, key, None, &options).await?;
        options.kept.only = Some(OTHER.to_owned());
        let part = upload.trial_part().await?;
        let completed = upload.complete(&[part], Condition::from(&options)).await;
        Ok(answered(completed.map(drop))?)
    }
}

/// An ETag that no content of ours has.
const OTHER: &str = "00000000000000000000000000000000";

/// Taken, or refused; anything else is no answer to the question.
fn answered(answer: Result<(), CallError>) -> Result<bool, PutError> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if error.may_pass_later() => Err(error.into()),
        Err(_) => Ok(false),
    }
}
