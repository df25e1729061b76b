//! Shows each command line, runs it, and compares its exit code with the expected one.

use crate::output;
use anyhow::{Context, Result, bail};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// How a command has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// With 0.
    Success,
    /// With this code: a refusal is part of the story.
    Code(i32),
    /// With 0, or with 1 where the gateway lacks something and the command says so.
    SuccessOrLacking,
}

impl Expect {
    fn accepts(self, code: Option<i32>) -> bool {
        match self {
            Expect::Success => code == Some(0),
            Expect::Code(wanted) => code == Some(wanted),
            Expect::SuccessOrLacking => matches!(code, Some(0 | 1)),
        }
    }
}

/// Runs the commands of the demo, all in one directory with one environment.
pub(super) struct Narrator<'a> {
    dir: &'a Path,
    command: PathBuf,
    environment: &'a [(&'static str, String)],
    steps: Cell<u32>,
}

impl<'a> Narrator<'a> {
    /// `command` is the built s3-ssec.
    pub(super) fn new(
        dir: &'a Path,
        command: &Path,
        environment: &'a [(&'static str, String)],
    ) -> Narrator<'a> {
        Narrator { dir, command: command.to_owned(), environment, steps: Cell::new(0) }
    }

    /// Begins a step of the story.
    pub(super) fn tell(&self, text: &str) {
        self.steps.set(self.steps.get() + 1);
        output::line(format_args!("\n{}. {text}", self.steps.get()));
    }

    /// Runs `s3-ssec` with `arguments`, which are words without spaces.
    pub(super) fn run(&self, arguments: &str, expect: Expect) -> Result<()> {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        self.run_program(&self.command, &words, expect)
    }

    /// Runs any program.
    pub(super) fn run_program(&self, program: &Path, words: &[&str], expect: Expect) -> Result<()> {
        let name = program.file_name().unwrap_or(program.as_os_str()).display();
        output::line(format_args!("   $ {name} {}", words.join(" ")));
        let start = Instant::now();
        let mut command = Command::new(program);
        command.args(words).current_dir(self.dir);
        for (variable, value) in self.environment {
            command.env(variable, value);
        }
        // What the demo's keys belong to is no business of the user's own state.
        command.env("XDG_STATE_HOME", self.dir.join("state"));
        // A profile or a session of the user's would be mixed with the credentials above.
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        let status = command.status().with_context(|| format!("{name} cannot be started"))?;
        if !expect.accepts(status.code()) {
            bail!("{name} ended with {status}, expected was {expect:?}\nIts message stands above.");
        }
        let seconds = start.elapsed().as_secs_f64();
        match status.code() {
            Some(0) => output::line(format_args!("   ({seconds:.1} s)")),
            _ => output::line(format_args!("   ({seconds:.1} s, {status}: as it should be)")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_not_any_failure() {
        assert!(Expect::Code(4).accepts(Some(4)));
        for other in [Some(0), Some(1), None] {
            assert!(!Expect::Code(4).accepts(other), "{other:?}");
        }
    }

    #[test]
    fn success_is_zero() {
        assert!(Expect::Success.accepts(Some(0)));
        assert!(!Expect::Success.accepts(Some(1)));
        assert!(Expect::SuccessOrLacking.accepts(Some(1)));
        assert!(!Expect::SuccessOrLacking.accepts(Some(3)));
    }
}
