//! `s3-ssec policy test`: tries what the policy of a bucket does, without changing it.

use super::{note_untried, outcome, steps, trial_json};
use crate::args::{TestArgs, option_of};
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::core::policy::{Policy, Rule};
use s3_ssec::{Cell, Client, PolicyRow, PolicyTable, Trial};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: &TestArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let rules = match args.rules.named() {
        named if named.is_empty() => standing(&client, args, &address).await?,
        named => named,
    };
    let second = match &args.second_profile {
        Some(profile) => Some(session.client_of(profile, &client).await?),
        None => None,
    };
    let progress = session.progress(Total::Unknown);
    let watch = &progress.watch;
    let mut trials = Vec::new();
    let options = args.plain.options(false);
    for rule in &rules {
        let trial = client.test_policy(&args.bucket, *rule, &options, watch).await;
        trials.push(trial.about(&address)?);
    }
    let absent = |trial: &&Trial| !trial.in_force() && !trial.in_policy;
    if let Some(trial) = trials.iter().find(|trial| !trial.agrees() || absent(trial)) {
        return Err(failed(&address, trial));
    }
    let table = client.policy_table(&args.bucket, &rules, second.as_ref(), watch).await;
    drop(progress);
    let table = table.about(&address)?;
    let json = json!({
        "bucket": address,
        "rules": trials.iter().map(trial_json).collect::<Value>(),
        "table": table.rows.iter().map(row_json).collect::<Value>(),
        "second_user": second.is_some(),
        "left": table.left,
    });
    session.output.report(text(&address, &trials, &table), &json)?;
    note_untried(session, &trials.iter().collect::<Vec<_>>());
    if second.is_none() {
        session.output.note(
            "as one user only: name a profile with another user's credentials, --second-profile, \
             to try as them too",
        );
    }
    match failure(&address, &table) {
        None => Ok(()),
        Some(failure) => {
            session.output.complaint(&failure);
            Err(Failure::reported(failure.exit))
        }
    }
}

/// The rules of ours in the policy. None is an error only where there is no policy at all, for then
/// there is nothing to test.
async fn standing(client: &Client, args: &TestArgs, address: &str) -> Result<Vec<Rule>, Failure> {
    let text = client.policy(&args.bucket).await.about(&address)?;
    match text.as_deref().map(Policy::parse).transpose().about(&address)? {
        Some(policy) => Ok(policy.rules()),
        None => Err(Failure::new(
            Exit::Failed,
            format!("{address}: no rule of s3-ssec is in the policy"),
            "Name the rule to try, or put one in place with s3-ssec policy apply.",
        )),
    }
}

fn failed(address: &str, trial: &Trial) -> Failure {
    let why = if trial.agrees() { "it is not in the policy".to_owned() } else { trial.to_string() };
    let what = format!("{address}: {} is not in force: {why}", trial.rule);
    let option = option_of(trial.rule);
    Failure::new(Exit::Failed, what, format!("Try s3-ssec policy apply {address} {option}."))
}

fn failure(address: &str, table: &PolicyTable) -> Option<Failure> {
    let surprises: Vec<_> = table.surprises().map(request).collect();
    if !surprises.is_empty() {
        let what =
            format!("{address} does something else than its rules say: {}", surprises.join(", "));
        let todo =
            "Look at the other statements with s3-ssec policy show: one of them lets it pass.";
        return Some(Failure::new(Exit::Failed, what, todo));
    }
    (!table.left.is_empty()).then(|| {
        let what = format!("{address}: could not be removed: {}", table.left.join(", "));
        Failure::new(Exit::Failed, what, "Remove it: s3-ssec rm -r.")
    })
}

fn request(row: &PolicyRow) -> String {
    let key = if row.with_key { "with a key" } else { "without a key" };
    format!("{} {key}", row.write.as_str())
}

fn text(address: &str, trials: &[Trial], table: &PolicyTable) -> String {
    let mut parts: Vec<_> = trials.iter().map(|trial| fields(address, trial)).collect();
    let two = table.rows.iter().any(|row| row.second.is_some());
    let second = if two { "second user  " } else { "" };
    let mut lines = format!("{address}: what the policy does\n");
    lines += &format!("  {:24}{:14}{second}{}", "request", "owner", "the rules say");
    for row in &table.rows {
        let second = row.second.map_or(String::new(), |cell| format!("{:13}", cell.to_string()));
        lines +=
            &format!("\n  {:24}{:14}{second}{}", request(row), row.owner.to_string(), said(row));
    }
    parts.push(lines);
    parts.join("\n")
}

/// What the rules say, and what to make of the difference.
fn said(row: &PolicyRow) -> String {
    let Some(said) = row.said.map(outcome) else { return "nothing".to_owned() };
    let differs = match (row.said, row.owner) {
        (Some(s3_ssec::Outcome::Passed), Cell::Refused) => true,
        (Some(s3_ssec::Outcome::Refused), Cell::Passed) => true,
        _ => row.surprises(),
    };
    match (row.is_known_gap() && differs, differs) {
        (true, _) => format!("{said}; RGW tells no policy whether a copy gets a key"),
        (false, true) => format!("{said}  <-- not so"),
        (false, false) => said.to_owned(),
    }
}

fn row_json(row: &PolicyRow) -> Value {
    json!({
        "request": row.write.as_str(),
        "with_key": row.with_key,
        "owner": row.owner.to_string(),
        "second": row.second.map(|cell| cell.to_string()),
        "said": row.said.map(outcome),
        "surprises": row.surprises(),
    })
}

fn fields(address: &str, trial: &Trial) -> String {
    steps(Fields::new(format_args!("{address}: {}", trial.claim())), trial).to_string()
}
