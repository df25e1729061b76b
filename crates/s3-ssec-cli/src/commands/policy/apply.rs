//! `s3-ssec policy apply`: tries a rule, and lets it stand if it does what it says.

use super::{steps, trial_json};
use crate::args::OneRuleArgs;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Failure};
use crate::session::Session;
use s3_ssec::Applied;
use serde_json::json;

pub(super) async fn run(session: &Session, args: &OneRuleArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let progress = session.progress(Total::Unknown);
    let mut applied = Vec::new();
    for rule in args.rules.named() {
        applied
            .push(client.apply_policy(&args.bucket, rule, &progress.watch).await.about(&address)?);
    }
    drop(progress);
    let text: Vec<_> = applied.iter().map(|one| fields(&address, one).to_string()).collect();
    let rules: Vec<_> = applied
        .iter()
        .map(|one| json!({ "changed": one.changed, "trial": trial_json(&one.trial) }))
        .collect();
    session.output.report(text.join("\n"), &json!({ "bucket": address, "rules": rules }))
}

fn fields(address: &str, applied: &Applied) -> Fields {
    let stands = match applied.changed {
        true => "stands now",
        false => "stood already",
    };
    steps(Fields::new(format_args!("{address}: {} {stands}", applied.trial.rule)), &applied.trial)
}
