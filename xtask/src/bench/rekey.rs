//! `cargo xtask bench --rekey`: a rekey through this machine, beside a bare upload and download of the
//! same bytes with the same program.

use super::{Bench, DEFAULT_RUNS, VERSION, files, measure};
use crate::lab::{self, Options, Store};
use crate::{flags, output, test};
use anyhow::{Context, Result};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};
use xshell::Shell;

/// Number of files and their size, for both kinds.
const SMALL: (u64, u64) = (2_000, 64 << 10);
const LARGE: (u64, u64) = (20, 64 << 20);
/// What is moved, and where it comes back.
const TREE: &str = "tree";
const BACK: &str = "tree-back";

/// Runs it.
pub(super) fn run(sh: &Shell, flags: &flags::Bench) -> Result<()> {
    let ours = test::build_command()?;
    let was_up = lab::running(VERSION)?.is_some();
    let gateway = lab::up(sh, VERSION, Options::default(), Store::Disk)?;
    let outcome = Bench::new(sh, &gateway).and_then(|bench| {
        let ours = bench.own_copy(ours.to_str().context("the checkout's path is not Unicode")?)?;
        let outcome = rounds(&bench, &ours, flags);
        lab::remove_dir(&bench.dir).and(outcome)
    });
    if !was_up {
        lab::down(VERSION)?;
    }
    outcome
}

fn rounds(bench: &Bench, ours: &str, flags: &flags::Bench) -> Result<()> {
    let part = if flags.quick { 10 } else { 1 };
    let runs = flags.runs.unwrap_or(if flags.quick { 1 } else { DEFAULT_RUNS });
    output::say("making files");
    for ((count, size), name) in [(SMALL, "small"), (LARGE, "large")] {
        files::make_tree(&bench.dir.join(TREE).join(name), count / part, size)?;
    }
    let time = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let bucket = format!("s3://bench-rekey-{time}");
    let words = |more: &[&str]| {
        let all = [ours].into_iter().chain(more.iter().copied()).chain(["--quiet"]);
        all.map(str::to_owned).collect::<Vec<_>>()
    };
    for key in ["old.key", "new.key"] {
        bench.plain(&words(&["key", "new", "--out", key]))?;
    }
    let old = ["--key-file", "old.key"];
    bench.plain(&words(&["bucket", "create", &bucket]))?;
    let mut ratios = Vec::new();
    output::line("round    put -r s    get -r s    rekey s    (get + put) / rekey    peak MiB");
    for round in 1..=runs {
        let place = format!("{bucket}/{round}/");
        let took = |more: &[&str]| measure::command(&words(more), &bench.dir, |c| bench.set_up(c));
        let put = took(&[["put", "-r", TREE, &place].as_slice(), &old].concat())?;
        fs::create_dir(bench.dir.join(BACK))?;
        let get = took(&[["get", "-r", &place, BACK].as_slice(), &old].concat())?;
        fs::remove_dir_all(bench.dir.join(BACK))?;
        let rekey = took(&[["rekey", &place, "--to", "new.key"].as_slice(), &old].concat())?;
        let ratio = (get.wall + put.wall) / rekey.wall;
        output::line(format_args!(
            "{round:5}    {:8.1}    {:8.1}    {:7.1}    {ratio:19.2}    {:8.0}",
            put.wall, get.wall, rekey.wall, rekey.peak_mib
        ));
        ratios.push(ratio);
        bench.plain(&words(&["verify", "-r", &place, "--key-file", "new.key"]))?;
        bench.plain(&words(&["rm", "-r", &place]))?;
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    output::line(format_args!("median {median:.2}; wanted: at least 0.80"));
    Ok(())
}
