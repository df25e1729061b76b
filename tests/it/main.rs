//! The live suite. Every test runs on every gateway of the laboratory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests: a failure is a failed test"
)]

mod adapters;
mod audit;
mod browser;
mod chunks;
mod command;
mod compat;
mod copy_repair;
mod doctor;
mod examples;
mod executors;
mod faults;
mod hard;
mod interop;
mod interrupted;
mod keys;
mod leaks;
mod liars;
mod memory;
mod page_transfers;
mod policy;
mod policy_table;
mod put_get;
mod records;
mod refusals;
mod rekey;
mod resume;
mod sdk;
mod sdk_keyed;
mod second;
mod shards;
mod targets;
mod trees;
mod wasm;
mod wire;

/// The tests of these modules; a module that is missing here fails [`every_file_is_listed`].
macro_rules! rooms {
    ($($room:ident),+ $(,)?) => {
        const ROOMS: &[&str] = &[$(stringify!($room)),+];

        fn tests() -> Vec<harness::Live> {
            [$($room::tests()),+].into_iter().flatten().collect()
        }
    };
}

rooms![
    adapters,
    audit,
    browser,
    chunks,
    command,
    compat,
    copy_repair,
    doctor,
    examples,
    executors,
    faults,
    hard,
    interop,
    interrupted,
    keys,
    leaks,
    liars,
    memory,
    page_transfers,
    policy,
    policy_table,
    put_get,
    records,
    refusals,
    rekey,
    resume,
    sdk,
    sdk_keyed,
    second,
    shards,
    targets,
    trees,
    wasm,
    wire
];

/// A file of tests that nobody runs is worse than none.
fn every_file_is_listed() -> Result<(), libtest_mimic::Failed> {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/it"))?;
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let rooms = names.filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned()));
    let lost: Vec<_> =
        rooms.filter(|name| name != "main" && !ROOMS.contains(&name.as_str())).collect();
    if lost.is_empty() { Ok(()) } else { Err(format!("not listed in main.rs: {lost:?}").into()) }
}

fn main() {
    if memory::child() {
        return;
    }
    let arguments = libtest_mimic::Arguments::from_args();
    let mut trials = harness::trials(tests());
    trials.extend(harness::transcripts());
    trials.extend(harness::guide());
    trials.push(libtest_mimic::Trial::test("every_file_is_listed", every_file_is_listed));
    libtest_mimic::run(&arguments, trials).exit();
}
