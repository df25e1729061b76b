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
use s3_ssec::{Outcome, Trial, TrialStep};
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
        let seen = match step.seen {
            Outcome::Passed => "accepted",
            Outcome::Refused => "refused",
        };
        let expected = if step.agrees() { "expected" } else { "not expected" };
        fields = fields.line(step.attempt.what(), format_args!("{seen} ({expected})"));
    }
    fields
}

fn trial_json(trial: &Trial) -> Value {
    let step = |step: &TrialStep| {
        let (expected, seen) = (outcome(step.expected), outcome(step.seen));
        json!({ "what": step.attempt.what(), "expected": expected, "seen": seen })
    };
    json!({
        "rule": trial.rule.sid(),
        "agrees": trial.agrees(),
        "in_force": trial.in_force(),
        "steps": trial.steps.iter().map(step).collect::<Value>(),
    })
}

/// How to try a rule that was not seen to refuse anything.
fn note_untried(session: &Session, trials: &[&Trial]) {
    if trials.iter().any(|trial| trial.agrees() && !trial.in_force()) {
        session.output.note(
            "name an address of the gateway without TLS, --plain-endpoint, to try whether plain HTTP \
             is refused",
        );
    }
}
