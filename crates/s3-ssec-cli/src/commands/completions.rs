//! `s3-ssec completions`: what the shell offers on Tab.

use crate::args::Cli;
use crate::report::{Exit, Failure};
use crate::session::Session;
use clap::CommandFactory as _;
use clap_complete::Shell;

pub(super) fn run(session: &Session, shell: Shell) -> Result<(), Failure> {
    if session.output.is_json() {
        let what = "completions are a script, not JSON";
        return Err(Failure::new(Exit::Usage, what, "Leave --output json out."));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "s3-ssec", &mut script);
    session.output.raw(&script)
}
