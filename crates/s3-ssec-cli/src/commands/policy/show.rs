//! `s3-ssec policy show`: the policy that stands, and what in it does nothing.

use crate::report::{About as _, Failure};
use crate::session::Session;
use s3_ssec::core::names::BucketName;
use s3_ssec::core::policy::{Policy, Release, explain_for};
use s3_ssec::core::profile::Ability;
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, bucket: &BucketName) -> Result<(), Failure> {
    let address = format!("s3://{bucket}");
    let client = session.client().await?;
    let text = client.policy(bucket).await.about(&address)?;
    let Some(text) = text else {
        let json = json!({ "bucket": address, "policy": null, "rules": [], "findings": [] });
        return session.output.answer(format_args!("{address} has no policy"), &json);
    };
    let policy = Policy::parse(&text).about(&address)?;
    let knows = client.profile().and_then(|profile| profile.can(Ability::ConditionKey));
    let release = match knows {
        None => Release::Any,
        Some(false) => Release::WithoutConditionKey,
        Some(true) => Release::WithConditionKey,
    };
    let findings: Vec<_> = explain_for(&policy, release).iter().map(ToString::to_string).collect();
    let rules: Vec<_> = policy.rules().into_iter().map(|rule| rule.sid()).collect();
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let json = json!({
        "bucket": address,
        "policy": document,
        "rules": rules,
        "findings": findings,
    });
    session.output.answer(&policy, &json)?;
    match rules.is_empty() {
        true => session.output.note(format_args!("{address}: no rule of s3-ssec is in the policy")),
        false => session.output.note(format_args!(
            "{address}: {} in the policy; s3-ssec policy test tries it",
            rules.join(", ")
        )),
    }
    for finding in findings {
        session.output.note(finding);
    }
    Ok(())
}
