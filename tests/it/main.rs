//! The live suite. Every test runs on every gateway of the laboratory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "tests: a failure is a failed test"
)]

mod adapters;
mod adversary;
mod aftermath;
mod answers;
mod audit;
mod browser;
mod chunks;
mod command;
mod compat;
mod copy_repair;
mod doctor;
mod evidence;
mod examples;
mod executors;
mod faults;
mod garage;
mod hard;
mod interop;
mod interrupted;
mod keyless;
mod keys;
mod leaks;
mod ledger;
mod leftovers;
mod liars;
mod links;
mod memory;
mod odd_inputs;
mod page_evidence;
mod page_lies;
mod page_remains;
mod page_transfers;
mod policy;
mod policy_change;
mod policy_table;
mod put_get;
mod records;
mod refusals;
mod rekey;
mod removal;
mod resume;
mod sdk;
mod sdk_keyed;
mod second;
mod shards;
mod targets;
mod trees;
mod wasm;
mod wire;
mod wrong_key;

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
    adversary,
    aftermath,
    answers,
    audit,
    browser,
    chunks,
    command,
    compat,
    copy_repair,
    doctor,
    evidence,
    examples,
    executors,
    faults,
    garage,
    hard,
    interop,
    interrupted,
    keyless,
    keys,
    leaks,
    ledger,
    leftovers,
    liars,
    links,
    memory,
    odd_inputs,
    page_evidence,
    page_lies,
    page_remains,
    page_transfers,
    policy,
    policy_change,
    policy_table,
    put_get,
    records,
    refusals,
    rekey,
    removal,
    resume,
    sdk,
    sdk_keyed,
    second,
    shards,
    targets,
    trees,
    wasm,
    wire,
    wrong_key
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
    trials.extend(adversary::trials());
    trials.extend(garage::trials(tests()));
    trials.extend(harness::transcripts());
    trials.extend(harness::guide());
    trials.push(libtest_mimic::Trial::test("every_file_is_listed", every_file_is_listed));
    libtest_mimic::run(&arguments, trials).exit();
}
