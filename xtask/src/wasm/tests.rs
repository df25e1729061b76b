//! The tests of s3-ssec-wasm where the crate runs: in Node and in Chromium.
//!
//! They are tests of `wasm-bindgen-test`. What runs them is a library here, in an instance of this program
//! with the feature `wasm-tests`; cargo calls that instance with the module.

use super::TRIPLE;
use crate::stages::{TestRun, run_tests};
use crate::{output, project};
use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::process::Command;
use xshell::Shell;

/// The first argument of the instance that runs a module.
const RUNNER: &str = "wasm-runner";

/// Where the tests run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In Node.
    Node,
    /// In Chromium, without a window.
    Chromium,
}

/// Builds the tests and runs them.
pub(crate) fn run(sh: &Shell, place: Place) -> Result<TestRun> {
    super::ensure_target(sh)?;
    output::say("building what runs WebAssembly tests (the first time takes minutes)");
    project::build(&["--package", "xtask", "--features", "wasm-tests"])?;
    let runner = [project::own_program().to_string_lossy(), RUNNER.into()];
    let mut command = project::cargo_command();
    command.args(["test", "--package", "s3-ssec-wasm", "--test", "package", "--target", TRIPLE]);
    command.args(["--config", &format!("target.{TRIPLE}.runner={runner:?}")]);
    if place == Place::Chromium {
        in_chromium(&mut command)?;
    }
    run_tests(&mut command)
}

fn in_chromium(command: &mut Command) -> Result<()> {
    let driver = project::program_in_path("chromedriver").context("there is no chromedriver")?;
    let browser = project::root().join("crates/s3-ssec-wasm/webdriver.json");
    command.env("WASM_BINDGEN_USE_BROWSER", "1").env("CHROMEDRIVER", driver);
    command.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", browser);
    // A machine that is busy with other tests starts a browser slowly.
    let limits = ["WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "WASM_BINDGEN_TEST_TIMEOUT"];
    command.envs(limits.map(|name| (name, "120")));
    Ok(())
}

/// Runs the module that cargo hands over, if this is the instance that it calls.
pub(crate) fn run_module(arguments: &[OsString]) -> Option<Result<()>> {
    (arguments.first()? == RUNNER).then(|| run_in_library(arguments))
}

#[cfg(feature = "wasm-tests")]
fn run_in_library(arguments: &[OsString]) -> Result<()> {
    wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(arguments)
}

#[cfg(not(feature = "wasm-tests"))]
fn run_in_library(_: &[OsString]) -> Result<()> {
    anyhow::bail!("this instance runs no WebAssembly\nBuild it with the feature wasm-tests.")
}
