//! Bucket policies, tried live before they are relied on.
//!
//! What a policy does depends on the gateway's release, so a rule first stands for a random prefix
//! that nobody uses. Only when writes there pass and are refused as the rule says is it widened to
//! the bucket. In every other case, and when interrupted, the old policy stands as it was.

mod steps;
mod table;

pub use steps::{Outcome, TrialStep};
pub use table::{Cell, PolicyRow, PolicyTable, Write};

use crate::call::CallError;
use crate::client::Client;
use crate::doctor::DoctorError;
use crate::trial::TRIAL_PREFIX;
use crate::watch::Watch;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::key::{RandomError, random_bytes};
use s3_ssec_core::names::BucketName;
use s3_ssec_core::policy::{self, Policy, Rule, Scope};
use s3_ssec_core::profile::Ability;
use std::fmt;

/// What a trial saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The rule on trial.
    pub rule: Rule,
    /// Every request that was tried.
    pub steps: Vec<TrialStep>,
}

impl Trial {
    /// True if every step came out as the rule says.
    pub fn agrees(&self) -> bool {
        self.steps.iter().all(TrialStep::agrees)
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let surprises = self.steps.iter().filter(|step| !step.agrees()).map(TrialStep::to_string);
        f.write_str(&surprises.collect::<Vec<_>>().join("; "))
    }
}

/// A rule that now stands for a bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// What was tried before.
    pub trial: Trial,
    /// The policy as it stands.
    pub policy: Policy,
    /// False if the rule stood already and nothing was changed.
    pub changed: bool,
}

/// A policy could not be read, tried or put in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The gateway refused, or was not reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The bucket's policy cannot be read, or the rule cannot go into it.
    #[error(transparent)]
    Document(#[from] policy::PolicyError),
    /// On this gateway the rule does something else than it says. Nothing was changed.
    #[error("on this gateway {rule} does not do what it says: {0}", rule = .0.rule)]
    NotAsSaid(Trial),
    /// The doctor saw that this gateway does not know the condition of the rule. Nothing was tried.
    #[error(
        "this gateway cannot tell whether a customer key was sent, so {rule} would not do what it says"
    )]
    NotKnownHere {
        /// The rule.
        rule: Rule,
        /// When the doctor saw it, in seconds since 1970.
        seen_at: u64,
    },
    /// The table could not be made.
    #[error(transparent)]
    Scratch(#[from] DoctorError),
    /// Interrupted; the old policy stands.
    #[error("interrupted")]
    Stopped,
    /// The old policy could not be put back.
    #[error("the trial is over, but the old policy of {bucket} could not be put back: {error}")]
    NotRestored {
        /// The bucket, whose policy now names a random prefix that nobody uses.
        bucket: BucketName,
        /// Why.
        error: CallError,
    },
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Client {
    /// The policy of a bucket; `None` if it has none.
    pub async fn policy(&self, bucket: &BucketName) -> Result<Option<String>, CallError> {
        let answer = self.s3.get_bucket_policy().bucket(bucket.as_str()).send().await;
        match answer.map_err(self.explain(Operation::GetBucketPolicy, SentKey::None)) {
            Ok(answer) => Ok(answer.policy().map(str::to_owned)),
            Err(error) if error.cause() == Some(Cause::NoSuchSetting) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts a rule in place for a whole bucket, after a trial.
    pub async fn apply_policy(
        &self,
        bucket: &BucketName,
        rule: Rule,
        watch: &Watch,
    ) -> Result<Applied, PolicyError> {
        self.knows_condition_of(rule)?;
        let old = self.policy(bucket).await?;
        let parsed = old.as_deref().map(Policy::parse).transpose()?.unwrap_or_default();
        let whole = Scope::bucket(bucket.clone());
        let place = Place::new(bucket)?;
        if parsed.holds(rule, &whole) {
            let trial = watch.unless_stopped(self.try_rule(&place, rule)).await;
            self.clear_trial(&place).await;
            let trial = judged(trial.ok_or(PolicyError::Stopped)??)?;
            return Ok(Applied { trial, policy: parsed, changed: false });
        }
        let mut narrow = parsed.clone();
        narrow.apply(rule, &place.scope()?)?;
        let mut wide = parsed;
        wide.apply(rule, &whole)?;
        let work = self.try_and_widen(&place, rule, &narrow, &wide);
        let outcome = watch.unless_stopped(work).await.unwrap_or(Err(PolicyError::Stopped));
        if outcome.is_err() {
            self.restore(bucket, old.as_deref()).await?;
        }
        self.clear_trial(&place).await;
        outcome.map(|trial| Applied { trial, policy: wide, changed: true })
    }

    /// An error if the doctor saw that the rule cannot work here. What it saw work is tried all the
    /// same: only a trial proves.
    fn knows_condition_of(&self, rule: Rule) -> Result<(), PolicyError> {
        let profile = self.profile().filter(|_| rule != Rule::RequireTls);
        match profile.map(|profile| (profile.can(Ability::ConditionKey), profile.probed_at)) {
            Some((Some(false), seen_at)) => Err(PolicyError::NotKnownHere { rule, seen_at }),
            _ => Ok(()),
        }
    }

    /// Tries what the policy that stands does under a rule, without changing it. Says what was seen,
    /// whether it agrees with the rule or not.
    pub async fn test_policy(
        &self,
        bucket: &BucketName,
        rule: Rule,
        watch: &Watch,
    ) -> Result<Trial, PolicyError> {
        let place = Place::new(bucket)?;
        let trial = watch.unless_stopped(self.try_rule(&place, rule)).await;
        self.clear_trial(&place).await;
        trial.unwrap_or(Err(PolicyError::Stopped))
    }

    async fn try_and_widen(
        &self,
        place: &Place,
        rule: Rule,
        narrow: &Policy,
        wide: &Policy,
    ) -> Result<Trial, PolicyError> {
        self.put_policy(&place.bucket, &narrow.to_string()).await?;
        judged(self.try_rule(place, rule).await?)?;
        self.put_policy(&place.bucket, &wide.to_string()).await?;
        // The same writes once more, now that the rule stands for everybody.
        judged(self.try_rule(place, rule).await?)
    }

    /// Takes our rules, or one of them, out of a bucket's policy. Foreign statements stay. Returns
    /// how many statements went.
    pub async fn remove_policy(
        &self,
        bucket: &BucketName,
        rules: &[Rule],
    ) -> Result<usize, PolicyError> {
        let Some(old) = self.policy(bucket).await? else { return Ok(0) };
        let mut policy = Policy::parse(&old)?;
        let removed = rules.iter().map(|rule| policy.remove(*rule)).sum();
        if removed > 0 {
            let text = policy.to_string();
            self.restore(bucket, (!policy.is_empty()).then_some(text.as_str())).await?;
        }
        Ok(removed)
    }

    async fn put_policy(&self, bucket: &BucketName, policy: &str) -> Result<(), CallError> {
        let request = self.s3.put_bucket_policy().bucket(bucket.as_str()).policy(policy);
        let answer = request.send().await;
        answer.map(drop).map_err(self.explain(Operation::PutBucketPolicy, SentKey::None))
    }

    async fn restore(&self, bucket: &BucketName, old: Option<&str>) -> Result<(), PolicyError> {
        let restored = match old {
            Some(old) => self.put_policy(bucket, old).await,
            None => {
                let answer = self.s3.delete_bucket_policy().bucket(bucket.as_str()).send().await;
                let explain = self.explain(Operation::DeleteBucketPolicy, SentKey::None);
                answer.map(drop).map_err(explain)
            }
        };
        restored.map_err(|error| PolicyError::NotRestored { bucket: bucket.clone(), error })
    }
}

fn judged(trial: Trial) -> Result<Trial, PolicyError> {
    if trial.agrees() { Ok(trial) } else { Err(PolicyError::NotAsSaid(trial)) }
}

/// Where a trial takes place: a prefix of random characters.
struct Place {
    bucket: BucketName,
    prefix: String,
}

impl Place {
    fn new(bucket: &BucketName) -> Result<Self, RandomError> {
        let random = base16ct::lower::encode_string(&random_bytes::<8>()?);
        Ok(Self { bucket: bucket.clone(), prefix: format!("{TRIAL_PREFIX}{random}/") })
    }

    fn scope(&self) -> Result<Scope, policy::PolicyError> {
        Scope::prefix(self.bucket.clone(), &self.prefix)
    }
}
