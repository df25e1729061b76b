//! Everything that needs no gateway, in the order in which it fails fastest.

use crate::stages::{Stages, Wanted, run_tests};
use crate::wasm::{self, Package};
use crate::{guide, output, project, release_check, tidy};
use anyhow::{Context, Result, bail, ensure};
use std::process::Command;
use xshell::Shell;

/// Packages whose tests need no gateway.
const UNIT_TESTED: [&str; 5] =
    ["s3-ssec-core", "s3-ssec", "s3-ssec-adapters", "s3-ssec-cli", "xtask"];

/// The features of the adapters, all of them off by default.
const ADAPTERS: &str = "s3-ssec-adapters/opendal,s3-ssec-adapters/store,s3-ssec-adapters/tower";

/// Crates that do IO; the core may not depend on one, however far down.
const IO_CRATES: [&str; 6] = ["tokio", "hyper", "rustls", "mio", "socket2", "reqwest"];

/// Runs `cargo xtask check`.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let mut stages = Stages::default();
    let outcome = all(sh, &mut stages);
    stages.print_table();
    outcome
}

/// Runs all the checks as stages of a longer run.
pub(crate) fn all(sh: &Shell, stages: &mut Stages) -> Result<()> {
    stages.run("format", || cargo(sh, &["fmt", "--all", "--check"]))?;
    stages.run("tidy", || tidy::run(sh))?;
    stages.run("the core does no IO", || core_does_no_io(sh))?;
    stages.run("oldest Rust, as promised", || release_check::msrv::declared(sh))?;
    stages.run("clippy", || clippy(sh))?;
    stages.tests("unit and vector tests", Wanted::All, || run_tests(&mut unit_tests()))?;
    stages.tests("fuzzing every parser", Wanted::All, || run_tests(&mut fuzzing()))?;
    stages.run("documentation", || documentation(sh))?;
    stages.run("guide", || guide::make(sh, None))?;
    stages.run("vectors on wasm32", || vectors_on_wasm(sh))?;
    let place = wasm::tests::Place::Node;
    stages.tests("JavaScript crate, in Node", Wanted::All, || wasm::tests::run(sh, place))?;
    stages.run("JavaScript package", || wasm::make_and_try(sh))
}

fn cargo(sh: &Shell, arguments: &[&str]) -> Result<()> {
    project::cargo(sh).args(arguments).quiet().run().map_err(Into::into)
}

/// `wasm-tests` and the adapters are on, so that no code stays unread.
fn clippy(sh: &Shell) -> Result<()> {
    let all = ["clippy", "--quiet", "--workspace", "--all-targets"];
    let rest = ["--features", "xtask/wasm-tests", "--features", ADAPTERS, "--", "-D", "warnings"];
    cargo(sh, &[&all[..], &rest].concat())
}

fn unit_tests() -> Command {
    let mut command = project::cargo_command();
    command.arg("test");
    for package in UNIT_TESTED {
        command.args(["--package", package]);
    }
    command.args(["--features", "xtask/heavy", "--features", ADAPTERS]);
    command
}

/// Ten seconds for each parser, two at a time: a minute.
fn fuzzing() -> Command {
    // Of the same packages as the unit tests: with fewer, all would be built anew.
    let mut command = unit_tests();
    command.args(["--test", "fuzz", "--", "--test-threads=2"]).env("S3_SSEC_FUZZ_SECONDS", "10");
    command
}

fn documentation(sh: &Shell) -> Result<()> {
    let workspace = ["doc", "--quiet", "--workspace", "--no-deps", "--features", ADAPTERS];
    let command = project::cargo(sh).args(workspace);
    command.env("RUSTDOCFLAGS", "-D warnings").quiet().run().map_err(Into::into)
}

/// Reads the core's dependency tree, without and with its one optional source of randomness.
fn core_does_no_io(sh: &Shell) -> Result<()> {
    let plain = core_tree(sh, &[])?;
    refuse_io(&plain)?;
    if plain.iter().any(|name| name == "getrandom") {
        bail!("s3-ssec-core depends on getrandom without its feature\nRandom bytes are arguments.");
    }
    refuse_io(&core_tree(sh, &["--features", "getrandom"])?)
}

fn core_tree(sh: &Shell, features: &[&str]) -> Result<Vec<String>> {
    let tree = ["tree", "--package", "s3-ssec-core", "--edges", "normal", "--prefix", "none"];
    let text = project::cargo(sh).args(tree).args(features).quiet().read()?;
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn refuse_io(tree: &[String]) -> Result<()> {
    ensure!(tree.iter().any(|name| name == "s3-ssec-core"), "cargo tree does not show the core");
    let does_io = |name: &&String| IO_CRATES.contains(&name.as_str()) || name.starts_with("aws-");
    match tree.iter().find(does_io) {
        Some(name) => bail!("s3-ssec-core depends on {name}\nIO belongs in another crate."),
        None => Ok(()),
    }
}

/// Runs the vectors that are compiled into the module: the same cases as in the native tests.
fn vectors_on_wasm(sh: &Shell) -> Result<()> {
    let package = Package::for_node(sh, "vectors")?;
    wasm::make(sh, &package)?;
    let script = "console.log(require(process.argv[1]).runVectors())";
    let node = node()?;
    let count = sh.cmd(node).args(["-e", script]).arg(&package.out).quiet().read()?;
    let cases: u32 = count.trim().parse().context("runVectors() returned no number")?;
    ensure!(cases > 0, "runVectors() ran no case");
    output::say(format_args!("{cases} vectors agree on wasm32"));
    Ok(())
}

/// Node, which runs the WebAssembly tests.
pub(crate) fn node() -> Result<std::path::PathBuf> {
    project::program_in_path("node").context(
        "the tests need Node 20 or later, and there is none\nInstall it: apt-get install nodejs",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn an_io_crate_in_the_core_is_refused() {
        for name in ["tokio", "aws-sdk-s3", "rustls"] {
            assert!(refuse_io(&tree(&["s3-ssec-core", "http", name])).is_err(), "{name}");
        }
        refuse_io(&tree(&["s3-ssec-core", "http", "sha2"])).unwrap();
    }

    #[test]
    fn a_tree_without_the_core_is_refused() {
        assert!(refuse_io(&tree(&[])).is_err());
    }
}
