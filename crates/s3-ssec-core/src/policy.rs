//! Bucket policies: read without loss, our statements merged in and taken out by their `Sid`.
//!
//! A bucket may have a policy already, and a policy is replaced as a whole. So a document is kept as
//! it was read, with fields and statements that mean nothing to this program, in their order; only
//! the statements with our own Sids ever change.
//!
//! A condition does not mean the same on every gateway ([`Rule`] says what was measured), so a rule
//! is tried live before it is relied on: a [`PolicyChange`] decides in which order.
//!
//! ```
//! use s3_ssec_core::names::BucketName;
//! use s3_ssec_core::policy::{Policy, PolicyError, Rule, Scope};
//!
//! let bucket = BucketName::parse("research-data")?;
//! let mut policy = Policy::parse(r#"{"Version":"2012-10-17","Statement":[]}"#)?; // what stands there
//! policy.apply(Rule::RequireSsec, &Scope::bucket(bucket.clone()))?;
//! assert_eq!(policy.rules(), [Rule::RequireSsec]);
//! assert!(policy.to_string().contains("arn:aws:s3:::research-data/*"));
//!
//! // Both at once would refuse every write.
//! let refused = policy.apply(Rule::BlockSsec, &Scope::bucket(bucket));
//! assert!(matches!(refused, Err(PolicyError::Contradiction { .. })));
//! assert_eq!(policy.remove(Rule::RequireSsec), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod change;
mod explain;
mod legacy;
#[cfg(test)]
mod model;
mod rule;
mod trial;

pub use change::{ChangeOptions, Ending, PolicyChange, Step};
pub use explain::{Finding, Problem, Release, explain, explain_for};
pub use legacy::{LegacyPage, legacy_page};
pub use rule::{Rule, Scope, Scratch};
pub use trial::{Attempt, Gap, GapAnswer, Outcome, Trial, TrialStep};

use crate::names::BucketName;
use serde_json::{Map, Value};
use std::fmt;

/// The version written into new policies. RGW and AWS also take `2008-10-17`, and nothing else.
pub const VERSION: &str = "2012-10-17";
const OLD_VERSION: &str = "2008-10-17";

/// A policy cannot be read, or a rule cannot go into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not JSON, from this place on (both counted from 1).
    #[error("the policy is not JSON: see line {line}, column {column}")]
    NotJson {
        /// Line of the first mistake.
        line: usize,
        /// Column of the first mistake.
        column: usize,
    },
    /// JSON, but a list, a text or a number.
    #[error("the policy is JSON, but not an object")]
    NotAnObject,
    /// `Statement` holds something else than statements.
    #[error("the Statement of the policy is neither an object nor a list of objects")]
    StatementType,
    /// Require and block in one policy refuse every write.
    #[error("with {present} in the policy, {wanted} would refuse every write")]
    Contradiction {
        /// The rule that is in the policy.
        present: Rule,
        /// The rule that was to be added.
        wanted: Rule,
    },
    /// A prefix with characters that a policy reads as wildcards or variables.
    #[error(
        "a policy cannot be narrowed to the prefix {0:?}: it is empty or holds '*', '?' or '$'"
    )]
    Prefix(String),
}

/// A bucket policy, with everything that was in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    fields: Map<String, Value>,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// A policy without statements, to be filled. S3 refuses it as it is.
    pub fn new() -> Self {
        let mut fields = Map::new();
        fields.insert("Version".to_owned(), VERSION.into());
        fields.insert("Statement".to_owned(), Value::Array(Vec::new()));
        Self { fields }
    }

    /// Reads a policy document. `Statement` is one statement or a list of them.
    pub fn parse(json: &str) -> Result<Self, PolicyError> {
        let document: Value = serde_json::from_str(json)
            .map_err(|error| PolicyError::NotJson { line: error.line(), column: error.column() })?;
        let Value::Object(fields) = document else { return Err(PolicyError::NotAnObject) };
        match fields.get("Statement") {
            None | Some(Value::Object(_)) => {}
            Some(Value::Array(list)) if list.iter().all(Value::is_object) => {}
            Some(_) => return Err(PolicyError::StatementType),
        }
        Ok(Self { fields })
    }

    /// The `Version` as it stands.
    pub fn version(&self) -> Option<&str> {
        self.fields.get("Version").and_then(Value::as_str)
    }

    /// All statements in their order, ours and foreign ones.
    pub fn statements(&self) -> &[Value] {
        match self.fields.get("Statement") {
            Some(Value::Array(list)) => list,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        }
    }

    /// True without any statement: such a policy is deleted, not put.
    pub fn is_empty(&self) -> bool {
        self.statements().is_empty()
    }

    /// Which of our rules have a statement in it, whole or narrowed.
    pub fn rules(&self) -> Vec<Rule> {
        let present = |rule: &Rule| self.statements().iter().any(|one| rule.owns(one));
        Rule::ALL.into_iter().filter(present).collect()
    }

    /// True if the rule stands in it exactly as [`Policy::apply`] would write it.
    pub fn holds(&self, rule: Rule, scope: &Scope) -> bool {
        let mut owned = self.statements().iter().filter(|one| rule.owns(one));
        let first = owned.next().is_some_and(|one| alike(one, &rule.statement(scope)));
        first && owned.next().is_none()
    }

    /// True if a statement under the Sid of the rule has another content than this program writes:
    /// someone edited it.
    pub fn is_edited(&self, rule: Rule, bucket: &BucketName) -> bool {
        let whole = Scope::bucket(bucket.clone());
        let mut owned = self.statements().iter().filter(|one| rule.owns(one));
        owned.any(|one| !alike(one, &rule.statement(&whole)))
    }

    /// True if both say the same, whatever the order and whether a single value stands in a list.
    pub fn says_the_same(&self, other: &Policy) -> bool {
        if self.is_empty() || other.is_empty() {
            return self.is_empty() && other.is_empty();
        }
        canonical(&Value::Object(self.fields.clone()))
            == canonical(&Value::Object(other.fields.clone()))
    }

    /// Adds the statement of a rule on trial, and leaves everything else as it is.
    fn add_trial(&mut self, rule: Rule, scratch: &Scratch) {
        let mut statements = self.take_statements();
        statements.push(rule.trial_statement(scratch));
        self.repair_version(&statements);
        self.fields.insert("Statement".to_owned(), Value::Array(statements));
    }

    /// Where trials are under way, or were interrupted.
    fn trials(&self, bucket: &BucketName) -> Vec<Scratch> {
        self.statements().iter().filter_map(|one| Scratch::of(bucket, one)).collect()
    }

    /// Takes out the statements of trials that `which` picks.
    fn remove_trials(&mut self, bucket: &BucketName, which: impl Fn(&Scratch) -> bool) {
        if self.trials(bucket).iter().any(&which) {
            let kept = |one: &Value| !Scratch::of(bucket, one).is_some_and(|found| which(&found));
            let statements = self.take_statements().into_iter().filter(kept).collect();
            self.fields.insert("Statement".to_owned(), Value::Array(statements));
        }
    }

    /// Puts the statements that `before` has under the Sid of a rule in the place of those here.
    fn restore_rule(&mut self, rule: Rule, before: &Policy) {
        let mut old: Vec<_> =
            before.statements().iter().filter(|one| rule.owns(one)).cloned().collect();
        let mut merged = Vec::new();
        for statement in self.take_statements() {
            match rule.owns(&statement) {
                true => merged.append(&mut old),
                false => merged.push(statement),
            }
        }
        merged.append(&mut old);
        self.fields.insert("Statement".to_owned(), Value::Array(merged));
    }

    /// Puts a rule in, in place of an earlier statement with its Sid. Applying the rule again with
    /// another scope narrows or widens it.
    ///
    /// A version the gateways refuse becomes [`VERSION`]. A missing one is added only to a policy
    /// without foreign statements: AWS takes a missing version for 2008-10-17, under which `${..}`
    /// in a foreign statement is plain text.
    pub fn apply(&mut self, rule: Rule, scope: &Scope) -> Result<(), PolicyError> {
        let opposite = self.rules().into_iter().find(|&present| rule.contradicts(present));
        if let Some(present) = opposite {
            return Err(PolicyError::Contradiction { present, wanted: rule });
        }
        let mut ours = Some(rule.statement(scope));
        let mut merged = Vec::new();
        for statement in self.take_statements() {
            match rule.owns(&statement) {
                true => merged.extend(ours.take()),
                false => merged.push(statement),
            }
        }
        merged.extend(ours);
        self.repair_version(&merged);
        self.fields.insert("Statement".to_owned(), Value::Array(merged));
        Ok(())
    }

    /// Takes a rule out. Returns how many statements went.
    pub fn remove(&mut self, rule: Rule) -> usize {
        if !self.statements().iter().any(|one| rule.owns(one)) {
            return 0;
        }
        let (ours, kept): (Vec<_>, Vec<_>) =
            self.take_statements().into_iter().partition(|one| rule.owns(one));
        self.fields.insert("Statement".to_owned(), Value::Array(kept));
        ours.len()
    }

    /// The statements, moved out; the field keeps its place among the others.
    fn take_statements(&mut self) -> Vec<Value> {
        match self.fields.get_mut("Statement").map(Value::take) {
            Some(Value::Array(list)) => list,
            Some(single) => vec![single],
            None => Vec::new(),
        }
    }

    fn repair_version(&mut self, statements: &[Value]) {
        let foreign = |one: &Value| !Rule::ALL.iter().any(|rule| rule.owns_or_tries(one));
        let keep = match self.fields.get("Version") {
            Some(version) => matches!(version.as_str(), Some(VERSION | OLD_VERSION)),
            None => statements.iter().any(foreign),
        };
        match (keep, self.fields.get_mut("Version")) {
            (true, _) => {}
            (false, Some(version)) => *version = VERSION.into(),
            (false, None) => {
                self.fields.shift_insert(0, "Version".to_owned(), VERSION.into());
            }
        }
    }
}

/// True if two statements say the same.
fn alike(one: &Value, other: &Value) -> bool {
    canonical(one) == canonical(other)
}

/// Gateways may hand a document back in another form than they were given: a list of one for a
/// single value, and lists in another order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().map(|(name, value)| (name.clone(), canonical(value))).collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            fields.into_iter().collect()
        }
        Value::Array(list) => {
            let mut list: Vec<_> = list.iter().map(canonical).collect();
            list.sort_by_cached_key(Value::to_string);
            if list.len() == 1 { list.swap_remove(0) } else { Value::Array(list) }
        }
        other => other.clone(),
    }
}

/// Indented JSON, fields in the order in which they were read.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", Value::Object(self.fields.clone()))
    }
}

#[cfg(test)]
mod tests;
