//! Bucket policies, tried live before they are relied on.
//!
//! The effect of a policy depends on the gateway's release, so a rule is first added for a random prefix
//! that no one uses. Only when uploads there are accepted and refused as the rule says is it widened
//! to the bucket. In every other case, and when interrupted, the old policy is left as it was. The
//! order of the steps is that of [`PolicyChange`] in the core.

mod attempts;
mod drive;
mod plain;
mod table;

pub use s3_ssec_core::policy::{Outcome, Trial, TrialStep};
pub use table::{Cell, PolicyRow, PolicyTable, Write};

use crate::call::CallError;
use crate::client::Client;
use crate::doctor::DoctorError;
use crate::presign::PresignError;
use crate::uploads::HalfDone;
use crate::uploads::UploadPages;
use crate::watch::Watch;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::key::{RandomError, random_bytes};
use s3_ssec_core::names::{BucketName, NameError, S3Address};
use s3_ssec_core::policy::{
    self, ChangeOptions, Ending, Gap, GapAnswer, Policy, PolicyChange, Rule, Scratch,
};
use s3_ssec_core::profile::Ability;
use s3_ssec_core::request::RequestError;

/// Most pages of incomplete uploads that are listed, of up to 1000 each.
const PAGES_MAX: usize = 10;

/// Options beyond a rule.
#[derive(Clone, Debug, Default)]
pub struct PolicyOptions {
    /// Replace or remove statements under the Sid of a rule of ours that were edited.
    pub edited: bool,
    /// An address of the gateway without TLS, `http://host[:port]`. Only with it can
    /// [`Rule::RequireTls`] be tried: by a presigned GET of a scratch object that is valid for five
    /// seconds.
    pub plain_endpoint: Option<String>,
}

/// A rule that is now in the policy of a bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied {
    /// The trial. [`Trial::in_force`] says whether the rule was seen to refuse anything.
    pub trial: Trial,
    /// The policy as it is.
    pub policy: Policy,
    /// False if the rule was in it before and nothing was changed.
    pub changed: bool,
    /// The uploads that a rule that requires customer keys does not refuse on this gateway, as far as it was
    /// tried.
    pub gaps: Vec<(Gap, GapAnswer)>,
    /// Incomplete uploads of the bucket, which the rule may not stop; `None` if they could not be
    /// listed, or do not matter to the rule.
    pub open_uploads: Option<Vec<HalfDone>>,
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
    /// Interrupted; the policy is as it was.
    #[error("interrupted")]
    Stopped,
    /// It ended in another way.
    #[error("{0}")]
    Ended(Ending),
    /// A statement of ours could not be taken out again.
    #[error(
        "the trial is over, but its statement in the policy of {bucket} could not be taken out"
    )]
    NotRestored {
        /// The bucket.
        bucket: BucketName,
        /// Why.
        #[source]
        error: Option<Box<PolicyError>>,
    },
    /// Not an address without TLS.
    #[error("{0:?} is not an address without TLS of the form http://host[:port]")]
    PlainEndpoint(String),
    /// The credentials have a session token, which must not travel over plain HTTP.
    #[error("the credentials have a session token, which is not sent over plain HTTP")]
    SessionToken,
    /// A presigned GET was answered by something else than an acceptance or a refusal by policy.
    #[error("a signed download over {over} was answered with {status} {code}, which says nothing \
             about the policy", over = if *.secure { "TLS" } else { "plain HTTP" })]
    NoVerdict {
        /// Over TLS.
        secure: bool,
        /// HTTP status.
        status: u16,
        /// The S3 error code; empty if there was none.
        code: String,
    },
    /// A request could not be signed.
    #[error(transparent)]
    Presign(#[from] PresignError),
    /// A request could not be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The name of a scratch object is not one.
    #[error(transparent)]
    Name(#[from] NameError),
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
    ///
    /// S3 has no conditional write for policies: a policy that another client writes between our read
    /// and our write, one request later, is lost.
    pub async fn apply_policy(
        &self,
        bucket: &BucketName,
        rule: Rule,
        options: &PolicyOptions,
        watch: &Watch,
    ) -> Result<Applied, PolicyError> {
        self.knows_condition_of(rule)?;
        let change = PolicyChange::apply(rule, scratch_in(bucket)?, of(options, true));
        let (change, ending) = self.drive(change, options, watch).await?;
        let trial = change.trial().cloned();
        match (ending, trial) {
            (Ending::Applied { changed }, Some(trial)) => Ok(Applied {
                trial,
                policy: change.policy().clone(),
                changed,
                gaps: change.gaps().to_vec(),
                open_uploads: match rule {
                    Rule::RequireSsec => self.open_uploads(bucket).await,
                    _ => None,
                },
            }),
            (Ending::NotAsSaid, Some(trial)) => Err(PolicyError::NotAsSaid(trial)),
            (ending, _) => Err(PolicyError::Ended(ending)),
        }
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

    /// Tries what the policy that is in place does under a rule, without changing it. Says what was
    /// seen, whether it agrees with the rule or not.
    pub async fn test_policy(
        &self,
        bucket: &BucketName,
        rule: Rule,
        options: &PolicyOptions,
        watch: &Watch,
    ) -> Result<Trial, PolicyError> {
        let change = PolicyChange::test(rule, scratch_in(bucket)?, of(options, false));
        let (change, ending) = self.drive(change, options, watch).await?;
        change.trial().cloned().ok_or(PolicyError::Ended(ending))
    }

    /// Takes our rules, or one of them, out of a bucket's policy, and what interrupted trials left.
    /// Foreign statements stay. Returns how many rules went.
    pub async fn remove_policy(
        &self,
        bucket: &BucketName,
        rules: &[Rule],
        options: &PolicyOptions,
    ) -> Result<usize, PolicyError> {
        let change = PolicyChange::remove(rules, scratch_in(bucket)?, of(options, false));
        match self.drive(change, options, &Watch::default()).await?.1 {
            Ending::Removed(count) => Ok(count),
            ending => Err(PolicyError::Ended(ending)),
        }
    }

    /// The incomplete uploads of a bucket, page by page up to a limit.
    async fn open_uploads(&self, bucket: &BucketName) -> Option<Vec<HalfDone>> {
        let place = S3Address { bucket: bucket.clone(), path: String::new() };
        let (mut found, mut pages) = (Vec::new(), UploadPages::new(self, &place));
        for _ in 0..PAGES_MAX {
            let Some(uploads) = pages.next().await.ok()? else { break };
            found.extend(uploads);
        }
        Some(found)
    }
}

fn scratch_in(bucket: &BucketName) -> Result<Scratch, RandomError> {
    Ok(Scratch::new(bucket.clone(), random_bytes::<8>()?))
}

fn of(options: &PolicyOptions, gaps: bool) -> ChangeOptions {
    let plain_http = options.plain_endpoint.is_some();
    ChangeOptions { edited: options.edited, plain_http, gaps }
}
