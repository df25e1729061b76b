//! Bucket policies and CORS configurations.

use super::{Report, same, text};
use crate::cors::{AnyOrigin, CorsConfiguration, Origin};
use crate::names::BucketName;
use crate::policy::{Policy, Rule, Scope};
use serde::Deserialize;
use serde_json::Value;

pub(super) fn run(report: &mut Report) {
    let policies: Option<File<PolicyCase>> =
        report.file("policy", include_str!("../../../../tests/vectors/policy.json"));
    let cors: Option<File<CorsCase>> =
        report.file("cors", include_str!("../../../../tests/vectors/cors.json"));
    policies.inspect(|file| report.cases("policy", &file.cases, PolicyCase::check));
    cors.inspect(|file| report.cases("cors", &file.cases, CorsCase::check));
}

#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    why: String,
    bucket: String,
    existing: Option<Value>,
    steps: Vec<Step>,
    /// The printed policy, line by line.
    after: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(rename = "do")]
    action: Action,
    rule: RuleName,
    prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Apply,
    Remove,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleName {
    RequireSsec,
    BlockSsec,
    RequireTls,
}

impl PolicyCase {
    fn check(&self) -> Result<(), String> {
        let mut policy = match &self.existing {
            Some(document) => Policy::parse(&document.to_string()).map_err(text)?,
            None => Policy::new(),
        };
        for step in &self.steps {
            step.take(&self.bucket, &mut policy)?;
        }
        same(&self.why, policy.to_string(), self.after.join("\n"))
    }
}

impl Step {
    fn take(&self, bucket: &str, policy: &mut Policy) -> Result<(), String> {
        let rule = match self.rule {
            RuleName::RequireSsec => Rule::RequireSsec,
            RuleName::BlockSsec => Rule::BlockSsec,
            RuleName::RequireTls => Rule::RequireTls,
        };
        let bucket = BucketName::parse(bucket).map_err(text)?;
        let scope = match self.prefix.as_str() {
            "" => Scope::bucket(bucket),
            prefix => Scope::prefix(bucket, prefix).map_err(text)?,
        };
        match self.action {
            Action::Apply => policy.apply(rule, &scope).map_err(text),
            Action::Remove => same("removed", policy.remove(rule), 1),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorsCase {
    why: String,
    origin: String,
    /// Documents line by line.
    existing: Option<Vec<String>>,
    /// Foreign rules that the origin was taken out of.
    displaced: usize,
    after: Vec<String>,
}

impl CorsCase {
    fn check(&self) -> Result<(), String> {
        let mut cors = match &self.existing {
            Some(lines) => CorsConfiguration::parse(&lines.join("\n")).map_err(text)?,
            None => CorsConfiguration::default(),
        };
        let origin = Origin::parse(&self.origin, AnyOrigin::Refuse).map_err(text)?;
        let displaced = cors.apply(&origin).map_err(text)?;
        same(&self.why, cors.to_xml().trim_end().to_owned(), self.after.join("\n"))?;
        same("displaced rules", displaced.len(), self.displaced)
    }
}
