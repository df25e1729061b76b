//! The steps of a change, taken at the gateway.

use super::attempts::Attempts;
use super::plain::PlainEndpoint;
use super::{PolicyError, PolicyOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::state::JournalFile;
use crate::watch::Watch;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::policy::{Ending, Gap, GapAnswer, Outcome, PolicyChange, Scratch, Step};
use serde_json::{Value, json};

/// Where notes of trials under way are, under the state directory: what one that was killed left is
/// removed by the next.
const DIRECTORY: &str = "policy-trials";

/// The result of a step.
enum Taken {
    Read(Option<String>),
    Done,
    Tried(Outcome),
    Gap(GapAnswer),
}

impl Client {
    /// Takes the steps of a change until it ends.
    pub(super) async fn drive(
        &self,
        mut change: PolicyChange,
        options: &PolicyOptions,
        watch: &Watch,
    ) -> Result<(PolicyChange, Ending), PolicyError> {
        let plain = options.plain_endpoint.as_deref().map(PlainEndpoint::parse).transpose()?;
        if plain.is_some() {
            PlainEndpoint::check_credentials(self).await?;
        }
        let scratch = change.scratch().clone();
        self.clear_policy_trials(scratch.bucket()).await;
        let note = self.note_policy_trial(&scratch);
        let mut attempts = Attempts::new(self, &scratch, plain.as_ref())?;
        // The failure that ends it, and one on the way back.
        let (mut failed, mut not_undone, mut is_clear) = (None, None, true);
        let ending = loop {
            let step = change.step().clone();
            if let Step::End(ending) = step {
                break ending;
            }
            let work = self.take(&step, &mut attempts);
            let taken = match change.may_be_interrupted() {
                true => watch.unless_stopped(work).await,
                false => Some(work.await),
            };
            match taken {
                None => change.stop(),
                Some(Ok(Taken::Read(text))) => change.read(text),
                Some(Ok(Taken::Done)) => change.done(),
                Some(Ok(Taken::Tried(outcome))) => change.tried(outcome),
                Some(Ok(Taken::Gap(answer))) => change.gap(answer),
                Some(Err(error)) => {
                    is_clear &= !matches!(step, Step::Clear(_));
                    let place = if change.is_undoing() { &mut not_undone } else { &mut failed };
                    *place = Some(error);
                    change.failed();
                }
            }
        };
        if let (Some(note), true) = (note, is_clear) {
            note.remove();
        }
        match (ending, failed) {
            (Ending::Failed, Some(error)) => Err(error),
            (Ending::Stopped, _) => Err(PolicyError::Stopped),
            (Ending::Document(error), _) => Err(error.into()),
            (Ending::NotRestored, _) => {
                let (bucket, error) = (scratch.bucket().clone(), not_undone.map(Box::new));
                Err(PolicyError::NotRestored { bucket, error })
            }
            (ending, _) => Ok((change, ending)),
        }
    }

    async fn take(&self, step: &Step, attempts: &mut Attempts<'_>) -> Result<Taken, PolicyError> {
        let bucket = attempts.bucket().clone();
        match step {
            Step::Read => return Ok(Taken::Read(self.policy(&bucket).await?)),
            Step::Write(Some(document)) => self.put_policy(&bucket, document).await?,
            Step::Write(None) => self.delete_policy(&bucket).await?,
            Step::Begin(gap) => attempts.begin(*gap).await?,
            Step::Try(attempt) => return Ok(Taken::Tried(attempts.send(*attempt).await?)),
            Step::TryGap(gap) => return Ok(Taken::Gap(attempts.gap(*gap).await?)),
            Step::Wait(time) => tokio::time::sleep(*time).await,
            Step::Clear(places) => {
                let aborted = attempts.abort_earlier(Gap::EarlierUpload).await;
                for place in places {
                    self.clear_policy_trial(place).await?;
                }
                aborted?;
            }
            Step::End(_) => {}
        }
        Ok(Taken::Done)
    }

    async fn put_policy(&self, bucket: &BucketName, policy: &str) -> Result<(), CallError> {
        let request = self.s3.put_bucket_policy().bucket(bucket.as_str()).policy(policy);
        let answer = request.send().await;
        answer.map(drop).map_err(self.explain(Operation::PutBucketPolicy, SentKey::None))
    }

    async fn delete_policy(&self, bucket: &BucketName) -> Result<(), CallError> {
        let answer = self.s3.delete_bucket_policy().bucket(bucket.as_str()).send().await;
        answer.map(drop).map_err(self.explain(Operation::DeleteBucketPolicy, SentKey::None))
    }

    /// Removes whatever a trial wrote. Where listing is not possible its names are known.
    async fn clear_policy_trial(&self, scratch: &Scratch) -> Result<(), CallError> {
        let below = self.clear_below(scratch.bucket(), &scratch.prefix()).await;
        let Err(error) = below else { return Ok(()) };
        tracing::warn!(
            "s3://{}/{} is cleared by name: {error}",
            scratch.bucket(),
            scratch.prefix()
        );
        for name in scratch.objects() {
            let Ok(key) = ObjectKey::parse(&name) else { continue };
            self.delete(&ObjectName::new(scratch.bucket().clone(), key), None).await?;
        }
        Ok(())
    }

    fn note_policy_trial(&self, scratch: &Scratch) -> Option<JournalFile> {
        let state = self.state.as_ref()?;
        let (endpoint, prefix) = (self.endpoint().as_str(), scratch.prefix());
        let (mut file, _) = state.journal(DIRECTORY, &[endpoint, &prefix]).ok()?;
        let bucket = scratch.bucket().as_str();
        let line = json!({ "endpoint": endpoint, "bucket": bucket, "prefix": prefix });
        file.append(&format!("{line}\n")).ok()?;
        Some(file)
    }

    /// Removes what trials in this bucket left that no process is making any more.
    async fn clear_policy_trials(&self, bucket: &BucketName) {
        let Some(state) = &self.state else { return };
        for (file, text) in state.journals(DIRECTORY) {
            let note: Value = serde_json::from_str(text.trim_end()).unwrap_or_default();
            let noted = note["bucket"].as_str().and_then(|name| BucketName::parse(name).ok());
            let scratch = noted.zip(note["prefix"].as_str());
            let Some(scratch) = scratch.and_then(|(name, prefix)| Scratch::parse(name, prefix))
            else {
                // Cut short: nothing was sent before the note was complete.
                file.remove();
                continue;
            };
            let here = note["endpoint"] == self.endpoint().as_str() && scratch.bucket() == bucket;
            if here && self.clear_policy_trial(&scratch).await.is_ok() {
                file.remove();
            }
        }
    }
}
