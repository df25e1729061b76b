//! `s3-ssec policy print`: a policy, without asking a gateway.

use crate::args::PrintArgs;
use crate::report::Failure;
use crate::session::Session;
use s3_ssec::core::policy::{LegacyPage, Policy, Scope, legacy_page};
use serde_json::{Value, json};

pub(super) fn run(session: &Session, args: &PrintArgs) -> Result<(), Failure> {
    if args.legacy_page {
        return legacy(session, &legacy_page(&args.bucket));
    }
    let mut policy = Policy::new();
    for rule in args.rules.named() {
        policy.apply(rule, &Scope::bucket(args.bucket.clone()))?;
    }
    session.output.answer(&policy, &document(&policy))
}

fn legacy(session: &Session, page: &LegacyPage) -> Result<(), Failure> {
    let findings: Vec<_> = page.findings.iter().map(ToString::to_string).collect();
    let json = json!({ "policy": document(&page.policy), "findings": findings });
    session.output.answer(&page.policy, &json)?;
    session.output.note("do not use this policy: it protects nothing on RGW");
    for finding in findings {
        session.output.note(finding);
    }
    session.output.note("s3-ssec policy apply --require-ssec does what it was meant for");
    Ok(())
}

fn document(policy: &Policy) -> Value {
    // A policy prints as JSON.
    serde_json::from_str(&policy.to_string()).unwrap_or_default()
}
