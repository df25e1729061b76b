//! What a policy found in the field does not do, though it looks as if it did.

use super::{OLD_VERSION, Policy, VERSION};
use crate::headers::CONDITION_KEY;
use serde_json::Value;
use std::fmt;

/// The condition key of encryption with the service's own keys. Another header than a customer
/// key's.
const SERVICE_KEY_CONDITION: &str = "s3:x-amz-server-side-encryption";
const SECURE_TRANSPORT: &str = "aws:SecureTransport";

/// One problem and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The statement's Sid, or `statement N` (from 1); `None` for the whole document.
    pub statement: Option<String>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.statement {
            Some(statement) => write!(f, "{statement}: {}", self.problem),
            None => self.problem.fmt(f),
        }
    }
}

/// Why a policy does not protect. Measured on RGW 16.2.15, 18.2.7 and 20.2.4 where RGW is named.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A version that is refused with 400.
    Version(String),
    /// A condition on the header of SSE-S3 and SSE-KMS.
    WrongHeader,
    /// A negated operator without `IfExists`.
    NegatedOperator(String),
    /// `Null` on the algorithm header, with this value.
    Null(String),
    /// `Bool` on `aws:SecureTransport` with `"false"`.
    PlainBool,
    /// A condition key in the wrong case.
    KeyCase {
        /// As it stands.
        found: String,
        /// As RGW knows it.
        known: &'static str,
    },
    /// A header of a customer key that is no condition key of RGW.
    UnknownKey(String),
    /// JSON `true` or `false` where a text is wanted.
    NotText(String),
    /// An Allow with a condition on encryption.
    AllowCondition,
    /// PutObject is denied on the bucket itself, not on the objects in it.
    NoObjects,
    /// The operations on the policy are denied to everybody.
    LocksOut,
    /// Everything is denied, to everybody, always.
    DeniesEverything,
    /// On a release that does not fill the condition key, the condition is never true.
    NoOpBefore20(String),
    /// On a release that does not fill the condition key, the condition is always true.
    AlwaysBefore20(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Version(version) => write!(
                f,
                "gateways refuse the Version {version:?}; only {VERSION} and {OLD_VERSION} exist"
            ),
            Problem::WrongHeader => write!(
                f,
                "{SERVICE_KEY_CONDITION} is the header of encryption with the service's own keys \
                 (SSE-S3); it says nothing about a customer key, which {CONDITION_KEY} does"
            ),
            Problem::NegatedOperator(operator) => write!(
                f,
                "{operator} is false on RGW when the request lacks the header, so it refuses none \
                 of the requests it is meant for; use {operator}IfExists"
            ),
            Problem::Null(value) if value == "true" => f.write_str(
                "Null \"true\" lets an empty algorithm header pass on RGW 20, which stores \
                 plaintext, and refuses every write before 20; use StringNotEqualsIfExists",
            ),
            Problem::Null(value) => write!(
                f,
                "RGW ignores the value {value:?} of Null before 20.2.4: this refuses every write \
                 before 20 and the wrong ones on 20.2.0; use StringLike \"*\""
            ),
            Problem::PlainBool => write!(
                f,
                "RGW sets {SECURE_TRANSPORT} only when it is true, so Bool \"false\" refuses \
                 nothing; use BoolIfExists"
            ),
            Problem::KeyCase { found, known } => write!(
                f,
                "{found} is an unknown key to RGW, which tells upper from lower case; write {known}"
            ),
            Problem::UnknownKey(key) => write!(
                f,
                "RGW never fills {key}, so a condition on it decides nothing; {CONDITION_KEY} is \
                 the only key about customer keys"
            ),
            Problem::NotText(operator) => write!(
                f,
                "a value of {operator} is true or false without quotes, which RGW refuses; write \
                 \"true\" or \"false\""
            ),
            Problem::AllowCondition => write!(
                f,
                "an Allow on condition takes no right from anybody who has it otherwise, the owner \
                 first; before RGW 20 it grants nothing. Only a Deny requires customer keys"
            ),
            Problem::NoObjects => f.write_str(
                "it names the bucket and not the objects in it, so it refuses no upload; write \
                 arn:aws:s3:::BUCKET/*",
            ),
            Problem::LocksOut => f.write_str(
                "it refuses everybody the operations on the policy itself; before RGW 20 the owner \
                 cannot take it back, only an administrator can",
            ),
            Problem::NoOpBefore20(operator) => write!(
                f,
                "this release does not fill {CONDITION_KEY}, so {operator} is never true and the \
                 statement does nothing"
            ),
            Problem::AlwaysBefore20(operator) => write!(
                f,
                "this release does not fill {CONDITION_KEY}, so {operator} is always true and the \
                 statement is for every write, encrypted or not"
            ),
            Problem::DeniesEverything => f.write_str(
                "it refuses everything to everybody; before RGW 20 the owner cannot even delete \
                 this policy",
            ),
        }
    }
}

/// What is known of the gateway that a policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// Nothing.
    #[default]
    Any,
    /// It does not fill the condition key of customer keys: RGW before 20.
    WithoutConditionKey,
    /// It fills it.
    WithConditionKey,
}

/// Names what does not do what it seems to. An empty list is no promise: only a live trial is.
pub fn explain(policy: &Policy) -> Vec<Finding> {
    explain_for(policy, Release::Any)
}

/// As [`explain`], for a gateway of which something is known.
pub fn explain_for(policy: &Policy, release: Release) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(version) = policy.fields.get("Version") {
        let text = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
        if text != VERSION && text != OLD_VERSION {
            findings.push(Finding { statement: None, problem: Problem::Version(text) });
        }
    }
    for (index, statement) in policy.statements().iter().enumerate() {
        let name = match statement.get("Sid").and_then(Value::as_str) {
            Some(sid) => sid.to_owned(),
            None => format!("statement {}", index + 1),
        };
        let finding = |problem| Finding { statement: Some(name.clone()), problem };
        findings.extend(problems_of(statement, release).into_iter().map(finding));
    }
    findings
}

fn problems_of(statement: &Value, release: Release) -> Vec<Problem> {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let denies = texts(statement.get("Effect")).any(|effect| effect == "Deny");
    let unconditional = conditions.is_none_or(|conditions| conditions.is_empty());
    let mut problems = Vec::new();
    match denies && unconditional && is_for_everybody(statement) {
        true if is_about(statement, |action| matches!(action, "s3:*" | "*")) => {
            problems.push(Problem::DeniesEverything);
        }
        true if is_about(statement, rules_the_policy) => problems.push(Problem::LocksOut),
        _ => {}
    }
    let writes = is_about(statement, |action| action.eq_ignore_ascii_case("s3:PutObject"));
    let mut resources = texts(statement.get("Resource")).peekable();
    if denies
        && writes
        && resources.peek().is_some()
        && resources.all(|one| !one.contains(['/', '*']))
    {
        problems.push(Problem::NoObjects);
    }
    for (operator, keys) in conditions.into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            problems.extend(problems_of_condition(operator, key, value, denies));
            problems.extend(problem_on(release, operator, key).filter(|_| denies));
        }
    }
    problems
}

fn problems_of_condition(operator: &str, key: &str, value: &Value, denies: bool) -> Vec<Problem> {
    let text = first_text(value);
    let about_customer_keys = key.eq_ignore_ascii_case(CONDITION_KEY);
    let about_service_keys = key.eq_ignore_ascii_case(SERVICE_KEY_CONDITION);
    let about_encryption = about_customer_keys || about_service_keys;
    let mut problems = Vec::new();
    if about_service_keys {
        problems.push(Problem::WrongHeader);
    }
    let known = [CONDITION_KEY, SECURE_TRANSPORT].into_iter();
    let mut meant = known.filter(|known| key.eq_ignore_ascii_case(known) && key != *known);
    if let Some(known) = meant.next() {
        problems.push(Problem::KeyCase { found: key.to_owned(), known });
    }
    // Other headers of a customer key look like condition keys, and are none.
    let family = CONDITION_KEY.trim_end_matches("algorithm");
    let customer_header = key.to_ascii_lowercase().starts_with(family);
    if customer_header && !about_customer_keys {
        problems.push(Problem::UnknownKey(key.to_owned()));
    }
    if value.is_boolean() || value.as_array().is_some_and(|list| list.iter().any(Value::is_boolean))
    {
        problems.push(Problem::NotText(operator.to_owned()));
    }
    if about_encryption && !denies {
        problems.push(Problem::AllowCondition);
        return problems;
    }
    if about_encryption && operator.contains("Not") && !operator.ends_with("IfExists") {
        problems.push(Problem::NegatedOperator(operator.to_owned()));
    }
    if about_customer_keys && operator == "Null" {
        problems.push(Problem::Null(text.to_owned()));
    }
    if key == SECURE_TRANSPORT && operator == "Bool" && text == "false" {
        problems.push(Problem::PlainBool);
    }
    problems
}

/// What a condition on the customer key is worth where the condition key is never filled. Measured on
/// RGW 16.2.15 and 18.2.7: an absent key makes `Null` true whatever its value, `...IfExists` true,
/// and everything else false.
fn problem_on(release: Release, operator: &str, key: &str) -> Option<Problem> {
    if release != Release::WithoutConditionKey || key != CONDITION_KEY {
        return None;
    }
    Some(match operator == "Null" || operator.ends_with("IfExists") {
        true => Problem::AlwaysBefore20(operator.to_owned()),
        false => Problem::NoOpBefore20(operator.to_owned()),
    })
}

fn is_for_everybody(statement: &Value) -> bool {
    match statement.get("Principal") {
        Some(Value::Object(kinds)) => {
            kinds.values().any(|kind| texts(Some(kind)).any(|one| one == "*"))
        }
        principal => texts(principal).any(|one| one == "*"),
    }
}

fn is_about(statement: &Value, which: impl Fn(&str) -> bool) -> bool {
    texts(statement.get("Action")).any(which)
}

/// Without these nobody takes a policy back.
fn rules_the_policy(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let all = ["s3:putbucketpolicy", "s3:deletebucketpolicy"];
    all.iter().any(|one| match action.split_once('*') {
        Some((start, end)) => one.starts_with(start) && one.ends_with(end) && action.len() > 4,
        None => action == *one,
    })
}

/// A text, or all texts of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// A text, or the first of a list of them; of `true` and `false` what was meant.
fn first_text(value: &Value) -> &str {
    match value {
        Value::Array(list) => list.first().map_or("", first_text),
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        other => other.as_str().unwrap_or(""),
    }
}
