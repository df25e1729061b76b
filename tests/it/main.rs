//! The live suite. Every test runs on every gateway of the laboratory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests: a failure is a failed test"
)]

mod put_get;
mod records;
mod refusals;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let tests = [put_get::tests(), records::tests(), refusals::tests()];
    let trials = harness::trials(tests.into_iter().flatten().collect());
    libtest_mimic::run(&arguments, trials).exit();
}
