//! What the gateway really does with what a run relies on: conditions, copies, ETags. Tried on scratch
//! objects with throw-away keys, at the beginning of every run.

use super::RekeyError;
use crate::call::CallError;
use crate::client::Client;
use crate::put::{Condition, Upload, send};
use crate::trial::{ScratchObject, WriteKind};
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
    /// The tags of one PUT are kept.
    pub(super) tags_kept: bool,
}

const TRIAL: &[u8] = b"trial";

impl Client {
    /// Tries what a run below `beside` relies on. An error if not even scratch objects can be written
    /// and proved: then nothing is rewritten here. `copies`: the gateway may copy.
    pub(super) async fn try_abilities(
        &self,
        beside: &ObjectName,
        copies: bool,
        watch: &Watch,
    ) -> Result<Abilities, RekeyError> {
        // What a run that was killed left of its own.
        self.clear_trials(&beside.bucket).await;
        let options = PutOptions::default();
        let proved = self.try_first(beside, WriteKind::Single, &options, watch).await?;
        if proved.existing == Existing::Keep {
            return Err(RekeyError::NoTrial(beside.bucket.clone()));
        }
        let copies = copies && self.encrypts_copies(beside).await?;
        let mut scratch = ScratchObject::beside(self, beside).map_err(PutError::from)?;
        let tried = self.try_conditions(&mut scratch).await;
        if let Err(error) = scratch.remove().await {
            tracing::warn!("a trial object beside {beside} may be left: {error}");
        }
        Ok(Abilities { copies, tags_kept: proved.tags_kept, ..tried? })
    }

    async fn try_conditions(&self, scratch: &mut ScratchObject) -> Result<Abilities, RekeyError> {
        let key = CustomerKey::generate().map_err(PutError::from)?;
        let key = Arc::new(TargetKeyHeaders::of(&key));
        let mut put = async |only: Option<String>| {
            let mut options = PutOptions::default();
            options.kept.only = only;
            let content = Bytes::from_static(TRIAL);
            let sent = send(self, &scratch.name, &key, &content, None, &options).await;
            scratch.wrote(sent.as_ref().map(|sent| sent.version_id.clone()));
            sent
        };
        let etag = put(None).await.map_err(PutError::from)?.etag;
        let right = put(Some(etag.clone())).await;
        let wrong = put(Some(OTHER.to_owned())).await;
        let put_condition = answered(right.map(drop))? && !answered(wrong.map(drop))?;
        let complete_condition = put_condition && !self.completes(scratch, &key).await?;
        let etag_is_md5 = etag == crate::write::md5_hex(TRIAL);
        Ok(Abilities { put_condition, complete_condition, etag_is_md5, ..Abilities::default() })
    }

    /// Whether an upload is completed onto an object that is not the one of the condition.
    async fn completes(
        &self,
        scratch: &mut ScratchObject,
        key: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, RekeyError> {
        let mut options = PutOptions::default();
        let created = Upload::create(self, &scratch.name, key, None, &options).await;
        if let Err(PutError::Call(error)) = &created {
            scratch.wrote(Err(error));
        }
        let upload = created?;
        options.kept.only = Some(OTHER.to_owned());
        let completed = match upload.trial_part().await {
            Ok(part) => Ok(upload.complete(&[part], Condition::from(&options)).await),
            Err(error) => Err(error),
        };
        if let Ok(answer) = &completed {
            scratch.wrote(answer.as_ref().map(|completed| completed.version_id.clone()));
        }
        if !matches!(completed, Ok(Ok(_))) {
            upload.abort().await;
        }
        Ok(answered(completed?.map(drop))?)
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
