//! `s3-ssec policy`: bucket policies that were seen to do what they say.

mod apply;
mod explain;
mod print;
mod remove;
mod show;
mod test;

use crate::args::PolicyCommand;
use crate::output::Fields;
use crate::report::Failure;
use crate::session::Session;
use s3_ssec::{Outcome, Trial};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show { bucket } => show::run(session, &bucket).await,
        PolicyCommand::Print(args) => print::run(session, &args),
        PolicyCommand::Apply(args) => apply::run(session, &args).await,
        PolicyCommand::Test(args) => test::run(session, &args).await,
        PolicyCommand::Explain { file, release } => explain::run(session, &file, release),
        PolicyCommand::Remove(args) => remove::run(session, &args).await,
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Refused => "refused",
    }
}

/// One line for each request of a trial.
fn steps(mut fields: Fields, trial: &Trial) -> Fields {
    for step in &trial.steps {
        let seen = outcome(step.seen);
        fields = match step.agrees() {
            true => fields.line(step.what, format_args!("{seen}, as it should be")),
            false => fields.line(step.what, format_args!("{seen}, and should not be")),
        };
    }
    fields
}

fn trial_json(trial: &Trial) -> Value {
    let step = |step: &s3_ssec::TrialStep| json!({ "what": step.what, "expected": outcome(step.expected), "seen": outcome(step.seen) });
    json!({
        "rule": trial.rule.sid(),
        "agrees": trial.agrees(),
        "steps": trial.steps.iter().map(step).collect::<Value>(),
    })
}
