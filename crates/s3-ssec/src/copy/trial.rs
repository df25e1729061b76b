//! Does this gateway encrypt what it copies, and copy it right? Tried on scratch objects, once for every
//! bucket. The source is a multipart upload whose parts have odd sizes: where parts begin is what a
//! gateway has to get right when it decrypts them.

use super::server::{Request, send};
use crate::call::Reached;
use crate::client::Client;
use crate::get::{GetError, GetOptions};
use crate::locate::{Located, ObjectState};
use crate::put::Upload;
use crate::trial::ScratchObject;
use crate::watch::Watch;
use crate::write::{PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::PART_MIN;
use s3_ssec_core::profile::Ability;
use s3_ssec_core::transfer::Condition;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Places where a copy was tried and was not encrypted anew. Not kept between commands, so that an
/// upgrade of the gateway is noticed.
#[derive(Default)]
pub(crate) struct CopyTrials(Mutex<BTreeSet<String>>);

impl CopyTrials {
    fn failed(&self, place: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(place)
    }

    fn note_failed(&self, place: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
    }
}

impl Client {
    /// True if a copy to a name like `to` is encrypted under the key that is sent for it: the echo
    /// says so, HEAD with the key agrees, HEAD without it is refused, and the content is the same.
    pub(crate) async fn encrypts_copies(&self, to: &ObjectName) -> Result<bool, PutError> {
        let place = format!("{} {} CopyRead", self.endpoint(), to.bucket);
        if self.proved.contains(&place) {
            return Ok(true);
        }
        if self.copies.failed(&place) {
            return Ok(false);
        }
        // What the doctor saw fail is not tried again. What it saw succeed is: only a trial proves.
        let profile = self.profile();
        if profile.is_some_and(|profile| profile.can(Ability::CopyChangesKey) == Some(false)) {
            return Ok(false);
        }
        self.clear_trials(&to.bucket).await;
        let good = self.try_copy(to).await?;
        match good {
            true => self.proved.insert(place),
            false => self.copies.note_failed(place),
        }
        Ok(good)
    }

    async fn try_copy(&self, beside: &ObjectName) -> Result<bool, PutError> {
        let mut from = ScratchObject::beside(self, beside)?;
        let mut to = ScratchObject::beside(self, beside)?;
        let [opens, seals] = [
            TargetKeyHeaders::of(&CustomerKey::generate()?),
            TargetKeyHeaders::of(&CustomerKey::generate()?),
        ];
        let seals = Arc::new(seals);
        let outcome = self.copy_scratch(&mut from, &mut to, &Arc::new(opens), &seals).await;
        for scratch in [from, to] {
            if let Err(error) = scratch.remove().await {
                tracing::warn!("a trial object beside {beside} may be left: {error}");
            }
        }
        match outcome {
            Ok(good) => Ok(good),
            // Refused: 501 before RGW 20.2.4, 403 without the right to write scratch objects.
            Err(PutError::Call(error)) if error.status().is_some() => Ok(false),
            Err(PutError::NotProved { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn copy_scratch(
        &self,
        from: &mut ScratchObject,
        to: &mut ScratchObject,
        opens: &Arc<TargetKeyHeaders>,
        seals: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, PutError> {
        let options = PutOptions::default();
        let [first, second] = [content(PART_MIN as usize + 321), content(12_345)];
        let created = Upload::create(self, &from.name, opens, None, &options).await;
        if let Err(PutError::Call(error)) = &created {
            from.wrote(Err(error));
        }
        let upload = created?;
        let sent = async {
            let parts = [
                upload.small_part(1, first.clone()).await?,
                upload.small_part(2, second.clone()).await?,
            ];
            let completed = upload.complete(&parts, Condition::Always).await;
            from.wrote(completed.as_ref().map(|completed| completed.version_id.clone()));
            Ok::<_, PutError>(completed?)
        };
        if let Err(error) = sent.await {
            return Err(error.leaving(&from.name, upload.abort().await));
        }
        let (from, to_name) = (&from.name, &to.name);
        let answer = send(
            self,
            Request {
                from,
                version: None,
                etag: None,
                source_key: opens.as_source(),
                to: to_name,
                key: seals,
                tagging: None,
                options: &options,
                reached: Reached::default(),
            },
        )
        .await;
        let version = answer.as_ref().map(|answer| answer.version_id.clone());
        to.wrote(version);
        let (echo, to) = (answer?.echo, &to.name);
        let heads = self.prove_scratch(to, seals).await?;
        let encrypted = verify_echo(seals.key_md5(), &echo).is_ok() && heads.is_ok();
        Ok(encrypted && self.read_scratch(to, seals).await? == Some([first, second].concat()))
    }

    /// The content of a scratch object; `None` if it cannot be read to its end.
    async fn read_scratch(
        &self,
        scratch: &ObjectName,
        key: &Arc<TargetKeyHeaders>,
    ) -> Result<Option<Vec<u8>>, PutError> {
        let located = Located {
            state: ObjectState::Foreign,
            key: None,
            kind: None,
            headers: Some(Arc::clone(key)),
            content_key: None,
            content: None,
            head: None,
            noted: None,
        };
        let (mut content, options) = (Vec::new(), GetOptions::default());
        let silent = Watch::default();
        match self.stream_located(scratch, &located, &mut content, &options, &silent).await {
            Ok(_) => Ok(Some(content)),
            Err(GetError::Call(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}

/// Bytes that do not repeat themselves (a linear congruential generator, Knuth's constants).
fn content(length: usize) -> Bytes {
    let mut state = length as u64;
    let bytes = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    });
    bytes.take(length).collect()
}
