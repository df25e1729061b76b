//! `s3-ssec policy test`: tries what the standing policy does, without changing it.

use super::{steps, trial_json};
use crate::args::{RuleArgs, option_of};
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::core::policy::{Policy, Rule};
use s3_ssec::{Client, Trial};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: &RuleArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let rules = match args.rules.named() {
        named if named.is_empty() => standing(&client, args, &address).await?,
        named => named,
    };
    let progress = session.progress(Total::Unknown);
    let mut trials = Vec::new();
    for rule in rules {
        trials.push(client.test_policy(&args.bucket, rule, &progress.watch).await.about(&address)?);
    }
    drop(progress);
    match trials.iter().find(|trial| !trial.agrees()) {
        Some(trial) => Err(failed(&address, trial)),
        None => {
            let text: Vec<_> = trials.iter().map(|trial| fields(&address, trial)).collect();
            let trials: Value = trials.iter().map(trial_json).collect();
            session.output.report(text.join("\n"), &json!({ "bucket": address, "rules": trials }))
        }
    }
}

/// The rules of ours that stand; an error if none does, for then there is nothing to test.
async fn standing(client: &Client, args: &RuleArgs, address: &str) -> Result<Vec<Rule>, Failure> {
    let text = client.policy(&args.bucket).await.about(&address)?;
    let policy = text.as_deref().map(Policy::parse).transpose().about(&address)?;
    let rules = policy.map(|policy| policy.rules()).unwrap_or_default();
    match rules.is_empty() {
        false => Ok(rules),
        true => Err(Failure::new(
            Exit::Failed,
            format!("{address}: no rule of s3-ssec stands"),
            "Name the rule to try, or put one in place with s3-ssec policy apply.",
        )),
    }
}

fn failed(address: &str, trial: &Trial) -> Failure {
    let what = format!("{address}: {} is not in force: {trial}", trial.rule);
    let option = option_of(trial.rule);
    Failure::new(Exit::Failed, what, format!("Try s3-ssec policy apply {address} {option}."))
}

fn fields(address: &str, trial: &Trial) -> String {
    let headline = format_args!("{address}: {} is in force", trial.rule).to_string();
    steps(Fields::new(headline), trial).to_string()
}
