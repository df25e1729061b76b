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
    /// The right condition key in the wrong case.
    KeyCase(String),
    /// Everything is denied, to everybody, always.
    DeniesEverything,
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
            Problem::KeyCase(key) => write!(
                f,
                "{key} is an unknown key to RGW, which tells upper from lower case; \
                 write {CONDITION_KEY}"
            ),
            Problem::DeniesEverything => f.write_str(
                "it refuses everything to everybody; before RGW 20 the owner cannot even delete \
                 this policy",
            ),
        }
    }
}

/// Names what does not do what it seems to. An empty list is no promise: only a live trial is.
pub fn explain(policy: &Policy) -> Vec<Finding> {
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
        findings.extend(problems_of(statement).into_iter().map(finding));
    }
    findings
}

fn problems_of(statement: &Value) -> Vec<Problem> {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    let mut problems = Vec::new();
    if conditions.is_none_or(|conditions| conditions.is_empty()) && denies_everything(statement) {
        problems.push(Problem::DeniesEverything);
    }
    for (operator, keys) in conditions.into_iter().flatten() {
        for (key, value) in keys.as_object().into_iter().flatten() {
            problems.extend(problems_of_condition(operator, key, first_text(value)));
        }
    }
    problems
}

fn problems_of_condition(operator: &str, key: &str, value: &str) -> Vec<Problem> {
    let about_customer_keys = key.eq_ignore_ascii_case(CONDITION_KEY);
    let about_encryption = about_customer_keys || key.eq_ignore_ascii_case(SERVICE_KEY_CONDITION);
    let mut problems = Vec::new();
    if key.eq_ignore_ascii_case(SERVICE_KEY_CONDITION) {
        problems.push(Problem::WrongHeader);
    }
    if about_customer_keys && key != CONDITION_KEY {
        problems.push(Problem::KeyCase(key.to_owned()));
    }
    if about_encryption && operator.contains("Not") && !operator.ends_with("IfExists") {
        problems.push(Problem::NegatedOperator(operator.to_owned()));
    }
    if about_customer_keys && operator == "Null" {
        problems.push(Problem::Null(value.to_owned()));
    }
    if key == SECURE_TRANSPORT && operator == "Bool" && value == "false" {
        problems.push(Problem::PlainBool);
    }
    problems
}

fn denies_everything(statement: &Value) -> bool {
    let field = |name| statement.get(name).map_or("", first_text);
    let everybody = match statement.get("Principal") {
        Some(Value::Object(kinds)) => kinds.values().any(|kind| first_text(kind) == "*"),
        Some(principal) => first_text(principal) == "*",
        None => false,
    };
    field("Effect") == "Deny" && matches!(field("Action"), "s3:*" | "*") && everybody
}

/// A text, or the first of a list of them.
fn first_text(value: &Value) -> &str {
    match value {
        Value::Array(list) => list.first().and_then(Value::as_str).unwrap_or(""),
        other => other.as_str().unwrap_or(""),
    }
}
