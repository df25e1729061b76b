//! The three statements we make, and where they apply.

use super::{PolicyError, alike};
use crate::headers::{AES256, CONDITION_KEY};
use crate::names::{BucketName, TRIAL_PREFIX};
use serde_json::{Map, Value, json};
use std::fmt;

/// Start of the Sid of a statement on trial; the random characters of its prefix follow.
const TRIAL_SID: &str = "S3SsecTrial";

/// What a statement of ours demands. All of them are denials for everybody, and a denial binds the
/// owner of the bucket too.
///
/// The facts below were measured on RGW 16.2.15, 18.2.7 and 20.2.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Refuse every write without a customer key.
    ///
    /// `StringNotEqualsIfExists`, because on RGW a negated operator is false when the condition key
    /// is absent: `StringNotEquals` refuses nothing there (on AWS it would). AWS's own form, `Null`
    /// with `"true"`, lets a header with an empty value pass on 20.2.4 and stores plaintext.
    ///
    /// Only gateways from 20.x on fill the condition key. Before that **every** write is refused,
    /// encrypted or not. CopyObject never fills it: under this rule every copy is refused, on
    /// 20.2.4 too. Parts and Complete are judged by their own headers.
    RequireSsec,
    /// Refuse every write with a customer key.
    ///
    /// `StringLike "*"`, because AWS's form, `Null` with `"false"`, refuses everything before 20.x
    /// and means the opposite on 20.2.0. This form does nothing before 20.x and works from there
    /// on. A CopyObject with a customer key passes it.
    BlockSsec,
    /// Refuse every request that does not come over TLS.
    ///
    /// `BoolIfExists`, because RGW sets `aws:SecureTransport` only when it is true: AWS's `Bool`
    /// with `"false"` refuses nothing.
    ///
    /// It covers the bucket and its objects. Over TLS its condition is false, so the owner keeps
    /// the right to delete it. Behind a proxy that ends TLS and that the gateway does not trust
    /// (`rgw_trust_forwarded_https`), every request counts as plain HTTP: there this rule on a whole
    /// bucket locks the owner out, and before 20.x only an administrator undoes that. A trial on a
    /// prefix shows it first, as it leaves the operations on the bucket alone.
    RequireTls,
}

impl Rule {
    /// All rules, in the order in which they are shown.
    pub const ALL: [Rule; 3] = [Rule::RequireSsec, Rule::BlockSsec, Rule::RequireTls];

    /// The `Sid` of its statement, by which it is found again.
    pub fn sid(self) -> &'static str {
        match self {
            Rule::RequireSsec => "S3SsecRequireCustomerKey",
            Rule::BlockSsec => "S3SsecBlockCustomerKey",
            Rule::RequireTls => "S3SsecRequireTls",
        }
    }

    /// The statement of this rule for `scope`.
    pub fn statement(self, scope: &Scope) -> Value {
        self.statement_under(self.sid(), scope)
    }

    /// The statement of this rule on trial. Its Sid is its own, so that what stands under the Sid of
    /// the rule stays in force.
    pub(super) fn trial_statement(self, scratch: &Scratch) -> Value {
        let Scratch { bucket, random } = scratch;
        let scope = Scope { bucket: bucket.clone(), prefix: scratch.prefix() };
        self.statement_under(&format!("{TRIAL_SID}{random}"), &scope)
    }

    fn statement_under(self, sid: &str, scope: &Scope) -> Value {
        let action = match self {
            Rule::RequireSsec | Rule::BlockSsec => "s3:PutObject",
            Rule::RequireTls => "s3:*",
        };
        let (operator, key, value) = match self {
            Rule::RequireSsec => ("StringNotEqualsIfExists", CONDITION_KEY, AES256),
            Rule::BlockSsec => ("StringLike", CONDITION_KEY, "*"),
            Rule::RequireTls => ("BoolIfExists", "aws:SecureTransport", "false"),
        };
        let mut statement = Map::new();
        statement.insert("Sid".to_owned(), sid.into());
        statement.insert("Effect".to_owned(), "Deny".into());
        statement.insert("Principal".to_owned(), "*".into());
        statement.insert("Action".to_owned(), action.into());
        statement.insert("Resource".to_owned(), self.resource(scope));
        statement.insert("Condition".to_owned(), json!({ operator: { key: value } }));
        Value::Object(statement)
    }

    /// True for a statement with the Sid of this rule.
    pub(super) fn owns(self, statement: &Value) -> bool {
        statement.get("Sid").and_then(Value::as_str) == Some(self.sid())
    }

    /// True for a statement with the Sid of this rule, or of any trial.
    pub(super) fn owns_or_tries(self, statement: &Value) -> bool {
        let sid = statement.get("Sid").and_then(Value::as_str);
        self.owns(statement) || sid.is_some_and(|sid| sid.starts_with(TRIAL_SID))
    }

    pub(super) fn contradicts(self, other: Rule) -> bool {
        matches!(
            (self, other),
            (Rule::RequireSsec, Rule::BlockSsec) | (Rule::BlockSsec, Rule::RequireSsec)
        )
    }

    fn resource(self, scope: &Scope) -> Value {
        let Scope { bucket, prefix } = scope;
        let objects = format!("arn:aws:s3:::{bucket}/{prefix}*");
        match self {
            Rule::RequireTls if prefix.is_empty() => {
                json!([format!("arn:aws:s3:::{bucket}"), objects])
            }
            _ => objects.into(),
        }
    }
}

/// The Sid: what a person sees in the policy.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sid())
    }
}

/// Where a rule applies: a whole bucket, or the objects under a prefix while it is on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    bucket: BucketName,
    /// Empty for the whole bucket.
    prefix: String,
}

impl Scope {
    /// The whole bucket.
    pub fn bucket(bucket: BucketName) -> Self {
        Self { bucket, prefix: String::new() }
    }

    /// Only objects whose key starts with `prefix`.
    ///
    /// Refuses an empty prefix and characters that a resource reads as wildcards or variables.
    pub fn prefix(bucket: BucketName, prefix: &str) -> Result<Self, PolicyError> {
        match prefix.is_empty() || prefix.contains(['*', '?', '$']) {
            true => Err(PolicyError::Prefix(prefix.to_owned())),
            false => Ok(Self { bucket, prefix: prefix.to_owned() }),
        }
    }
}

/// Where a rule is tried: a prefix of random characters that no one else uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scratch {
    bucket: BucketName,
    /// Lower-case hex.
    random: String,
}

impl Scratch {
    /// A prefix of these random bytes.
    pub fn new(bucket: BucketName, random: [u8; 8]) -> Self {
        Self { bucket, random: base16ct::lower::encode_string(&random) }
    }

    /// The bucket.
    pub fn bucket(&self) -> &BucketName {
        &self.bucket
    }

    /// The start of the name of every object in it.
    pub fn prefix(&self) -> String {
        format!("{TRIAL_PREFIX}{}-", self.random)
    }

    /// The scratch with this prefix, if it is one.
    pub fn parse(bucket: BucketName, prefix: &str) -> Option<Self> {
        let random = prefix.strip_prefix(TRIAL_PREFIX)?.strip_suffix('-')?;
        Self::of_random(bucket, random)
    }

    fn of_random(bucket: BucketName, random: &str) -> Option<Self> {
        let is_ours = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_ours.then(|| Self { bucket, random: random.to_owned() })
    }

    /// The scratch of a statement that an interrupted trial left in the policy of `bucket`. `None`
    /// for every other statement, also if it only resembles one.
    pub(super) fn of(bucket: &BucketName, statement: &Value) -> Option<Self> {
        let random = statement.get("Sid")?.as_str()?.strip_prefix(TRIAL_SID)?;
        let scratch = Self::of_random(bucket.clone(), random)?;
        let is_trial_of = |rule: &Rule| alike(&rule.trial_statement(&scratch), statement);
        Rule::ALL.iter().any(is_trial_of).then_some(scratch)
    }
}
