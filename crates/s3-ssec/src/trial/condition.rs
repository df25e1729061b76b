//! Whether a write that is to replace nothing leaves what exists alone: tried on a scratch object.

use super::ScratchObject;
use crate::call::CallError;
use crate::client::Client;
use crate::put::send;
use crate::write::{Existing, Leftover, PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::condition::OnlyIfAbsent;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::ObjectName;
use std::sync::Arc;

/// The outcome of a trial of `If-None-Match: *`.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConditionTrial {
    /// Whether the gateway keeps to it.
    pub condition: OnlyIfAbsent,
    /// Why the trial came to no end, and what it left.
    pub problems: Vec<PutError>,
}

impl Client {
    /// Writes a scratch object beside `name` twice with `If-None-Match: *`, under a throw-away key. A trial
    /// that fails shows nothing: [`OnlyIfAbsent::Unknown`].
    ///
    /// The result is not remembered: whether the bucket keeps versions matters, and can change.
    pub async fn try_only_if_absent(&self, name: &ObjectName) -> ConditionTrial {
        let mut problems = Vec::new();
        let tried = self.try_condition(name, &mut problems).await;
        let condition = tried.unwrap_or_else(|error| {
            problems.insert(0, error);
            OnlyIfAbsent::Unknown
        });
        ConditionTrial { condition, problems }
    }

    async fn try_condition(
        &self,
        name: &ObjectName,
        problems: &mut Vec<PutError>,
    ) -> Result<OnlyIfAbsent, PutError> {
        self.clear_trials(&name.bucket).await;
        let headers = Arc::new(TargetKeyHeaders::of(&CustomerKey::generate()?));
        let mut scratch = ScratchObject::beside(self, name)?;
        let scratch_name = scratch.name.clone();
        let tried = self.put_twice(&mut scratch, &headers).await;
        if let Err(error) = scratch.remove().await {
            problems.push(PutError::from(error).leaving(&scratch_name, Leftover::Scratch));
        }
        Ok(tried?)
    }

    async fn put_twice(
        &self,
        scratch: &mut ScratchObject,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<OnlyIfAbsent, CallError> {
        let first = self.put_if_absent(scratch, headers).await?;
        let second = match first {
            200 => Some(self.put_if_absent(scratch, headers).await?),
            _ => None,
        };
        Ok(OnlyIfAbsent::of_trial(first, second))
    }

    /// The status of one write.
    async fn put_if_absent(
        &self,
        scratch: &mut ScratchObject,
        headers: &Arc<TargetKeyHeaders>,
    ) -> Result<u16, CallError> {
        let options = PutOptions { existing: Existing::Keep, ..PutOptions::default() };
        let content = Bytes::from_static(b"trial");
        let sent = send(self, &scratch.name, headers, &content, None, &options).await;
        scratch.wrote(sent.as_ref().map(|sent| sent.version_id.clone()));
        match sent {
            Ok(_) => Ok(200),
            Err(error) => match error.status() {
                Some(status) if error.is_refusal() => Ok(status),
                _ => Err(error),
            },
        }
    }
}
