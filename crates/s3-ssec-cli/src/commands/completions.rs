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
    session.output.raw(script(shell).as_bytes())
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "s3-ssec", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Shell::Bash => mended(&script),
        _ => script.into_owned(),
    }
}

/// clap_complete 4.6 spells the hyphen of the name in two ways: where it finds out which command is
/// being typed, and where it says what that one takes. The second is made like the first.
fn mended(bash: &str) -> String {
    bash.replace("s3__subcmd__ssec", "s3__ssec")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bash_is_told_of_no_command_that_it_never_comes_to() {
        let bash = script(Shell::Bash);
        for branch in ["s3__ssec__subcmd__put)", "s3__ssec__subcmd__key__subcmd__scope)"] {
            assert!(bash.contains(branch), "{branch}");
        }
        assert!(!bash.contains("s3__subcmd__ssec"));
    }
}
