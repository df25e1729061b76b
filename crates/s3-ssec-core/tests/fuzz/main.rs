//! Fuzzing on a stable compiler: every parser reads mutated inputs for some time. It may refuse them; it
//! may not panic, take long, or break what is asserted of it in `targets.rs`.
//!
//! The inputs begin with good ones. What changes the kind of answer (another error, another form) is
//! kept and mutated further: a coarse stand-in for coverage, which needs no instrumented build. A run
//! prints its seed when it finds something, and is repeated with it:
//!
//! ```text
//! S3_SSEC_FUZZ_SECONDS=10 S3_SSEC_FUZZ_SEED=17 cargo test -p s3-ssec-core --test fuzz -- rules
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests: a failure is a failed test"
)]

mod mutate;
mod targets;

use libtest_mimic::{Arguments, Failed, Trial};
use mutate::Mutator;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

/// Seconds for each target where nothing is said: it shows that the targets run.
const SECONDS: f64 = 0.3;
/// No input of at most 4 KiB may take longer. Words that fit nothing are compared with 49,152 others, in
/// a build without optimisation, and the machine may be busy.
const SLOW: Duration = Duration::from_secs(60);
/// Inputs that are kept.
const CORPUS_MAX: usize = 400;

fn main() {
    let seconds = number("S3_SSEC_FUZZ_SECONDS").unwrap_or(SECONDS);
    let seed = number("S3_SSEC_FUZZ_SEED").map_or_else(clock, |seed| seed as u64);
    let trials = TARGETS.iter().map(|target| {
        Trial::test(format!("fuzz::{}", target.name), move || fuzz(target, seed, seconds))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn number(variable: &str) -> Option<f64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Another one in every run.
fn clock() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn fuzz(target: &Target, seed: u64, seconds: f64) -> Result<(), Failed> {
    let mut corpus = (target.seeds)();
    let mut answers = BTreeSet::new();
    for input in &corpus {
        answers.insert(try_one(target, input, seed)?);
    }
    assert!(answers.len() > 1, "the first inputs of {} all get the same answer", target.name);
    let mut mutator = Mutator::new(seed, target.dictionary);
    let (start, mut inputs) = (Instant::now(), 0_u64);
    while start.elapsed().as_secs_f64() < seconds {
        let input = mutator.next(&corpus);
        inputs += 1;
        if answers.insert(try_one(target, &input, seed)?) && corpus.len() < CORPUS_MAX {
            corpus.push(input);
        }
    }
    eprintln!("{}: {inputs} inputs, {} kinds of answers, seed {seed}", target.name, answers.len());
    Ok(())
}

/// The kind of answer: its text without the digits.
fn try_one(target: &Target, input: &[u8], seed: u64) -> Result<String, Failed> {
    let start = Instant::now();
    let answer = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let found = |what: &str| {
        let shown = input.escape_ascii();
        Failed::from(format!("{} {what}, seed {seed}, input:\n{shown}", target.name))
    };
    let answer = answer.map_err(|_| found("panics"))?;
    if start.elapsed() > SLOW {
        return Err(found(&format!("takes {:?}", start.elapsed())));
    }
    Ok(answer.chars().filter(|c| !c.is_ascii_digit()).take(80).collect())
}
