//! Timed stages of a long run, the tests they execute, and the table at the end.

use crate::output;
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many tests ran and how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Tally {
    /// Executed and good.
    pub(crate) passed: u32,
    /// Executed and bad.
    pub(crate) failed: u32,
    /// Marked as ignored, or left out by a filter: not executed.
    pub(crate) skipped: u32,
    /// Named by the suite as not applicable to a server, each with its reason.
    pub(crate) inapplicable: u32,
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.inapplicable += other.inapplicable;
    }
}

struct Row {
    name: String,
    took: Duration,
    outcome: &'static str,
}

/// The stages done so far.
#[derive(Default)]
pub(crate) struct Stages {
    rows: Vec<Row>,
    tests: Tally,
}

impl Stages {
    /// Runs one stage and notes its time, also when it fails.
    pub(crate) fn run<T>(&mut self, name: &str, stage: impl FnOnce() -> Result<T>) -> Result<T> {
        output::heading(name);
        let start = Instant::now();
        let result = stage();
        let outcome = if result.is_ok() { "ok" } else { "FAILED" };
        self.rows.push(Row { name: name.to_owned(), took: start.elapsed(), outcome });
        result.with_context(|| format!("stage `{name}` failed"))
    }

    /// Runs a stage that executes tests, and counts them.
    ///
    /// A test that was left out is an error, unless `wanted` says that some were asked for.
    pub(crate) fn tests(
        &mut self,
        name: &str,
        wanted: Wanted,
        stage: impl FnOnce() -> Result<TestRun>,
    ) -> Result<Tally> {
        let mut tally = Tally::default();
        let outcome = self.run(name, || {
            let run = stage()?;
            tally = run.tally;
            run.verdict(wanted)
        });
        self.tests.add(tally);
        outcome?;
        Ok(tally)
    }

    /// Prints the table and, when tests were executed, their count as the last line.
    pub(crate) fn print_table(&self) {
        output::line("");
        for row in &self.rows {
            output::line(format_args!(
                "{:<44} {:>8.1} s  {}",
                row.name,
                row.took.as_secs_f64(),
                row.outcome
            ));
        }
        let total: Duration = self.rows.iter().map(|row| row.took).sum();
        output::line(format_args!("{:<44} {:>8.1} s", "total", total.as_secs_f64()));
        // A stage that broke off before its summary counts as one failure, never as none.
        let broken = self.rows.iter().any(|row| row.outcome != "ok");
        let failed = if broken { self.tests.failed.max(1) } else { self.tests.failed };
        if broken || self.tests != Tally::default() {
            if self.tests.inapplicable > 0 {
                output::line(format_args!("{} not applicable to Garage", self.tests.inapplicable));
            }
            output::line(format_args!("{} passed, {failed} failed", self.tests.passed));
        }
    }
}

/// Which tests of a binary were asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wanted {
    /// All: a filtered or ignored one is an error.
    All,
    /// Those whose name was given.
    Some,
}

/// What a test command did.
#[derive(Debug)]
pub(crate) struct TestRun {
    /// The sum of its summary lines.
    pub(crate) tally: Tally,
    success: bool,
}

impl TestRun {
    fn verdict(&self, wanted: Wanted) -> Result<()> {
        if !self.success || self.tally.failed > 0 {
            bail!("{} tests failed; their output stands above", self.tally.failed.max(1));
        }
        if self.tally.passed == 0 {
            bail!(
                "no test was executed: look for a wrong name, or a test file that is not registered"
            );
        }
        if wanted == Wanted::All && self.tally.skipped > 0 {
            bail!("{} tests were not executed: every test has to run", self.tally.skipped);
        }
        Ok(())
    }
}

/// Runs a command of libtest, shows its standard output, and reads its summary lines.
pub(crate) fn run_tests(command: &mut Command) -> Result<TestRun> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().context("the tests cannot be started")?;
    let mut tally = Tally::default();
    for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
        let line = line?;
        tally.inapplicable += parse_inapplicable(&line).unwrap_or_default();
        if let Some(summary) = parse_summary(&line) {
            tally.add(summary);
        }
        output::line(line);
    }
    Ok(TestRun { tally, success: child.wait()?.success() })
}

/// Reads `test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; ...`.
fn parse_summary(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| -> u32 {
        counts
            .split(';')
            .filter_map(|part| part.trim().split_once(' '))
            .find(|(_, name)| *name == what)
            .and_then(|(number, _)| number.parse().ok())
            .unwrap_or(0)
    };
    Some(Tally {
        passed: count("passed"),
        failed: count("failed"),
        skipped: count("ignored") + count("filtered out"),
        inapplicable: 0,
    })
}

/// Reads `not applicable: 12 live tests to Garage ...`, which the suite prints.
fn parse_inapplicable(line: &str) -> Option<u32> {
    line.strip_prefix("not applicable: ")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with(passed: u32, failed: u32, skipped: u32) -> TestRun {
        let tally = Tally { passed, failed, skipped, inapplicable: 0 };
        TestRun { tally, success: failed == 0 }
    }

    #[test]
    fn summaries_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 2 ignored; 0 measured; \
                    5 filtered out; finished in 0.10s";
        assert_eq!(
            parse_summary(line),
            Some(Tally { passed: 12, failed: 3, skipped: 7, inapplicable: 0 })
        );
        assert_eq!(parse_summary("running 15 tests"), None);
        assert_eq!(parse_inapplicable("not applicable: 12 live tests to Garage (why)"), Some(12));
        assert_eq!(parse_inapplicable(line), None);
    }

    #[test]
    fn no_test_is_a_failure() {
        assert!(run_with(0, 0, 0).verdict(Wanted::All).is_err());
        assert!(run_with(0, 0, 9).verdict(Wanted::Some).is_err());
    }

    #[test]
    fn a_test_left_out_is_a_failure_unless_asked_for() {
        assert!(run_with(3, 0, 1).verdict(Wanted::All).is_err());
        assert!(run_with(3, 0, 1).verdict(Wanted::Some).is_ok());
        assert!(run_with(3, 0, 0).verdict(Wanted::All).is_ok());
    }

    #[test]
    fn a_failed_test_is_a_failure() {
        assert!(run_with(3, 1, 0).verdict(Wanted::Some).is_err());
    }
}
