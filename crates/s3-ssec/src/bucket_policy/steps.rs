//! The writes of a trial: what a rule must let pass, and what it must refuse.

use super::{Place, PolicyError, Trial};
use crate::call::CallError;
use crate::client::Client;
use crate::put::{Condition, Upload, send};
use crate::write::{PutError, PutOptions};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::{ObjectKey, ObjectName};
use s3_ssec_core::policy::Rule;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It succeeded.
    Passed,
    /// 403.
    Refused,
}

/// One request of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialStep {
    /// What was tried.
    pub what: &'static str,
    /// What the rule says.
    pub expected: Outcome,
    /// What the gateway did.
    pub seen: Outcome,
}

impl TrialStep {
    /// True if the gateway did what the rule says.
    pub fn agrees(&self) -> bool {
        self.expected == self.seen
    }
}

impl fmt::Display for TrialStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = match self.seen {
            Outcome::Passed => "passed",
            Outcome::Refused => "was refused",
        };
        write!(f, "{} {seen}", self.what)
    }
}

/// The writes that are tried, in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Plain,
    Encrypted,
    Multipart,
}

impl Attempt {
    const ALL: [Attempt; 3] = [Attempt::Plain, Attempt::Encrypted, Attempt::Multipart];

    fn what(self) -> &'static str {
        match self {
            Attempt::Plain => "an upload without a key",
            Attempt::Encrypted => "an upload with a customer key",
            Attempt::Multipart => "a multipart upload with a customer key",
        }
    }

    fn object(self) -> &'static str {
        match self {
            Attempt::Plain => "plain",
            Attempt::Encrypted => "encrypted",
            Attempt::Multipart => "multipart",
        }
    }

    fn expected(self, rule: Rule) -> Outcome {
        let encrypted = self != Attempt::Plain;
        match rule {
            Rule::RequireSsec if !encrypted => Outcome::Refused,
            Rule::BlockSsec if encrypted => Outcome::Refused,
            // Everything here goes over TLS.
            _ => Outcome::Passed,
        }
    }
}

/// Gateways that share a cluster learn of a new policy one after the other.
const PATIENCE: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

impl Client {
    /// Tries every kind of write; repeats while the gateway disagrees and may not have heard yet.
    pub(super) async fn try_rule(&self, place: &Place, rule: Rule) -> Result<Trial, PolicyError> {
        let mut trial = self.try_once(place, rule).await?;
        for pause in PATIENCE {
            if trial.agrees() {
                break;
            }
            tokio::time::sleep(pause).await;
            trial = self.try_once(place, rule).await?;
        }
        Ok(trial)
    }

    async fn try_once(&self, place: &Place, rule: Rule) -> Result<Trial, PolicyError> {
        let mut steps = Vec::new();
        for attempt in Attempt::ALL {
            let seen = match self.attempt(place, attempt).await {
                Ok(()) => Outcome::Passed,
                Err(error) if error.status() == Some(403) => Outcome::Refused,
                Err(error) => return Err(error.into()),
            };
            let step = TrialStep { what: attempt.what(), expected: attempt.expected(rule), seen };
            steps.push(step);
        }
        Ok(Trial { rule, steps })
    }

    async fn attempt(&self, place: &Place, attempt: Attempt) -> Result<(), CallError> {
        let Some(name) = place.object(attempt) else { return Ok(()) };
        // A throw-away key, so that a trial shows the gateway nothing of worth.
        let Ok(key) = CustomerKey::generate() else { return Ok(()) };
        let headers = Arc::new(TargetKeyHeaders::of(&key));
        let content = Bytes::from_static(b"trial");
        let options = PutOptions::default();
        match attempt {
            Attempt::Plain => self.put_plain(&name, content).await,
            Attempt::Encrypted => {
                send(self, &name, &headers, &content, None, &options).await.map(drop)
            }
            Attempt::Multipart => self.attempt_multipart(&name, &headers, &options).await,
        }
    }

    async fn attempt_multipart(
        &self,
        name: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
        options: &PutOptions,
    ) -> Result<(), CallError> {
        // An unproved answer is the business of the first real write; here only refusals count.
        let passed = |outcome: Result<(), PutError>| match outcome {
            Err(PutError::Call(error)) => Err(error),
            _ => Ok(()),
        };
        let upload = match Upload::create(self, name, headers, None, options).await {
            Ok(upload) => upload,
            Err(error) => return passed(Err(error)),
        };
        let outcome = match upload.trial_part().await {
            Ok(part) => upload.complete(&[part], Condition::default()).await.map(drop),
            Err(error) => passed(Err(error)),
        };
        if outcome.is_err() {
            upload.abort().await;
        }
        outcome
    }

    /// PutObject without any key: what a require rule must refuse.
    async fn put_plain(&self, name: &ObjectName, content: Bytes) -> Result<(), CallError> {
        let request = self.s3.put_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let answer = request.body(ByteStream::from(content)).send().await;
        answer.map(drop).map_err(self.explain(Operation::PutObject, SentKey::None))
    }

    /// Removes whatever the trial wrote. Deleting what is not there succeeds too.
    pub(super) async fn clear_trial(&self, place: &Place) {
        for attempt in Attempt::ALL {
            let Some(name) = place.object(attempt) else { continue };
            if let Err(error) = self.delete(&name, None).await {
                tracing::warn!("the trial object {name} could not be removed: {error}");
            }
        }
    }
}

impl Place {
    fn object(&self, attempt: Attempt) -> Option<ObjectName> {
        let key = ObjectKey::parse(&format!("{}{}", self.prefix, attempt.object())).ok()?;
        Some(ObjectName::new(self.bucket.clone(), key))
    }
}
