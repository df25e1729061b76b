//! Does this gateway encrypt what it copies? Tried on scratch objects, once for every bucket.

use super::server::{Request, send};
use crate::call::CallError;
use crate::client::Client;
use crate::put;
use crate::trial::scratch_name;
use crate::write::{PutError, PutOptions};
use bytes::Bytes;
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::profile::Ability;
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
    /// says so, HEAD with the key agrees, and HEAD without it is refused.
    pub(crate) async fn encrypts_copies(&self, to: &ObjectName) -> Result<bool, PutError> {
        let place = format!("{} {} Copy", self.endpoint(), to.bucket);
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
        let [from, to] = [scratch_name(beside)?, scratch_name(beside)?];
        let notes = [self.note_trial(&from), self.note_trial(&to)];
        let [opens, seals] = [
            TargetKeyHeaders::of(&CustomerKey::generate()?),
            TargetKeyHeaders::of(&CustomerKey::generate()?),
        ];
        let seals = Arc::new(seals);
        let outcome = self.copy_scratch(&from, &to, &Arc::new(opens), &seals).await;
        let mut cleared = true;
        for scratch in [&from, &to] {
            cleared &= self.clear_scratch(scratch).await.is_ok();
        }
        if cleared {
            notes.into_iter().flatten().for_each(crate::state::JournalFile::remove);
        }
        match outcome {
            Ok(good) => Ok(good),
            // Refused: 501 before RGW 20.2.4, 403 without the right to write scratch objects.
            Err(error) if error.status().is_some() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn copy_scratch(
        &self,
        from: &ObjectName,
        to: &ObjectName,
        opens: &Arc<TargetKeyHeaders>,
        seals: &Arc<TargetKeyHeaders>,
    ) -> Result<bool, CallError> {
        let options = PutOptions::default();
        let content = Bytes::from_static(b"trial");
        put::send(self, from, opens, &content, None, &options).await?;
        let answer = send(
            self,
            Request {
                from,
                version: None,
                etag: None,
                source_key: opens.as_source(),
                to,
                key: seals,
                tagging: None,
                options: &options,
            },
        );
        let echo = answer.await?.echo;
        let heads = self.prove_scratch(to, seals).await?;
        Ok(verify_echo(seals.key_md5(), &echo).is_ok() && heads.is_ok())
    }
}
