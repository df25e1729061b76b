//! `cargo xtask test`: sets up all that the live tests need, and runs them. Nothing is skipped.

use crate::lab::{self, Gateway, LAB, Options, REGION, Store, Version};
use crate::stages::{Stages, TestRun, Wanted, run_tests};
use crate::wasm::{self, Package};
use crate::{check, flags, output, project, python, web};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use xshell::Shell;

/// The variable that tells the live tests where their description of the world is.
const LAB_VARIABLE: &str = "S3_SSEC_LAB";

/// Live tests at a time: each moves data through one gateway on the same two cores.
const THREADS: &str = "--test-threads=6";

/// Variables of the user's that would change what the live tests do.
const FOREIGN_VARIABLES: [&str; 7] = [
    "AWS_CA_BUNDLE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "S3_SSEC_KEY_FILE",
];

/// Runs `cargo xtask test`.
pub(crate) fn run(sh: &Shell, flags: flags::Test) -> Result<()> {
    let mut stages = Stages::default();
    let outcome = all(sh, &flags, &mut stages);
    stages.print_table();
    outcome
}

fn all(sh: &Shell, flags: &flags::Test, stages: &mut Stages) -> Result<()> {
    // Missing credentials are noticed before anything is built.
    let foreign = flags.endpoint.as_deref().map(|url| foreign_gateway(sh, url)).transpose()?;
    if flags.only.is_none() {
        check::all(sh, stages)?;
    }
    let tools = prepare(sh, stages)?;
    if flags.only.is_none() {
        let place = wasm::tests::Place::Chromium;
        let name = "JavaScript crate, in Chromium";
        stages.tests(name, Wanted::All, || wasm::tests::run(sh, place))?;
    }
    let before = running_versions()?;
    let gateways = foreign.map_or_else(|| start_gateways(sh, stages), |one| Ok(vec![one]));
    let outcome = gateways.and_then(|gateways| live_tests(sh, flags, stages, &tools, gateways));
    // What ran before goes on running; what we started ends with us.
    for version in Version::ALL.into_iter().filter(|version| !before.contains(version)) {
        lab::down(version)?;
    }
    outcome
}

/// What the live tests call.
pub(crate) struct Tools {
    command: PathBuf,
    python: PathBuf,
    node: PathBuf,
    package: PathBuf,
    /// The folder of the built examples; `None` where nobody runs them.
    examples: Option<PathBuf>,
    /// The program of Garage; `None` where it is not tried.
    garage: Option<PathBuf>,
}

impl Tools {
    /// With Garage, built if it is not there.
    pub(crate) fn with_garage(self, sh: &Shell) -> Result<Tools> {
        Ok(Tools { garage: Some(lab::garage::ensure(sh)?), ..self })
    }

    /// The command.
    pub(crate) fn command(&self) -> &Path {
        &self.command
    }
}

fn prepare(sh: &Shell, stages: &mut Stages) -> Result<Tools> {
    let node = check::node()?;
    let command = stages.run("the command, release build", build_command)?;
    stages.run("live tests, build", || {
        project::build(&["--package", "integration", "--tests"]).map(drop)
    })?;
    let examples = Some(stages.run("examples, build", build_examples)?);
    let python = stages.run("Python tools", || python::ensure(sh))?;
    stages.run("Chromium", || web::ensure_browser(sh))?;
    let garage = Some(stages.run("Garage", || lab::garage::ensure(sh))?);
    Ok(Tools { command, python, node, package: Package::for_the_page().out, examples, garage })
}

/// What the live tests call, without the stages.
pub(crate) fn tools(sh: &Shell) -> Result<Tools> {
    let (node, command, python) = (check::node()?, build_command()?, python::ensure(sh)?);
    let package = Package::for_the_page().out;
    Ok(Tools { command, python, node, package, examples: None, garage: None })
}

/// Lets `command` find the laboratory and the credentials of its gateways.
pub(crate) fn describe_to(
    sh: &Shell,
    command: &mut Command,
    tools: &Tools,
    gateways: Vec<Value>,
) -> Result<()> {
    command.env(LAB_VARIABLE, write_lab(sh, tools, gateways)?);
    use_test_credentials(command);
    Ok(())
}

/// Builds the command as its users do, and returns where it is.
pub(crate) fn build_command() -> Result<PathBuf> {
    let artifacts = project::build_unstamped(&["--release", "--package", "s3-ssec-cli"])?;
    project::find(&artifacts, "bin", "s3-ssec", project::is_program)
}

/// Builds the examples, which `tests/it/examples.rs` runs, and returns their folder.
fn build_examples() -> Result<PathBuf> {
    let packages = ["--package", "s3-ssec", "--package", "s3-ssec-adapters"];
    let artifacts = project::build(&[&packages[..], &["--all-features", "--examples"]].concat())?;
    let one = project::find(&artifacts, "example", "encryption", project::is_program)?;
    Ok(one.parent().context("an example stands in a folder")?.to_owned())
}

fn running_versions() -> Result<Vec<Version>> {
    let mut running = Vec::new();
    for version in Version::ALL {
        if lab::running(version)?.is_some() {
            running.push(version);
        }
    }
    Ok(running)
}

fn start_gateways(sh: &Shell, stages: &mut Stages) -> Result<Vec<Value>> {
    let mut gateways = Vec::new();
    for version in Version::ALL {
        let gateway = stages.run(&format!("gateway {version}, up"), || {
            lab::up(sh, version, Options::default(), Store::Disk)
        })?;
        describe_release(&gateway);
        gateways.push(gateway.to_json()?);
    }
    Ok(gateways)
}

fn describe_release(gateway: &Gateway) {
    output::say(format_args!(
        "{}: release {} at {}",
        gateway.version, gateway.release, gateway.https
    ));
}

/// A gateway of the user's, in the words of the lab: what we do not know of it is null.
fn foreign_gateway(sh: &Shell, endpoint: &str) -> Result<Value> {
    let variable = |name: &str| sh.var(name).ok();
    let needed = |name: &str| {
        variable(name).with_context(|| {
            format!("{name} is not set\nSet the credentials for {endpoint}, as for any AWS tool.")
        })
    };
    Ok(json!({
        "version": "foreign",
        "release": null,
        "https": endpoint,
        "http": null,
        "access_key": needed("AWS_ACCESS_KEY_ID")?,
        "secret_key": needed("AWS_SECRET_ACCESS_KEY")?,
        "access_key_2": variable("S3_SSEC_ACCESS_KEY_2"),
        "secret_key_2": variable("S3_SSEC_SECRET_KEY_2"),
        "region": variable("AWS_REGION").unwrap_or_else(|| REGION.to_owned()),
        "ca": variable("AWS_CA_BUNDLE"),
        "log": null,
        "crashes": null,
        "run_dir": null,
    }))
}

fn live_tests(
    sh: &Shell,
    flags: &flags::Test,
    stages: &mut Stages,
    tools: &Tools,
    gateways: Vec<Value>,
) -> Result<()> {
    let file = write_lab(sh, tools, gateways)?;
    let wanted = if flags.only.is_some() { Wanted::Some } else { Wanted::All };
    // A gateway of the user's is for the user to keep.
    let ours: &[Version] = if flags.endpoint.is_some() { &[] } else { &Version::ALL };
    stages.tests("live tests", wanted, || lab::keep(ours, || run_live_tests(&file, flags)))?;
    Ok(())
}

/// Writes the laboratory's description and gives its path.
fn write_lab(sh: &Shell, tools: &Tools, gateways: Vec<Value>) -> Result<PathBuf> {
    let file = project::lab_file(sh)?;
    std::fs::write(&file, format!("{:#}\n", describe(tools, gateways)?))?;
    Ok(file)
}

/// All that the live tests have to know, as one JSON value.
fn describe(tools: &Tools, gateways: Vec<Value>) -> Result<Value> {
    let tls = lab::tls()?;
    Ok(json!({
        "gateways": gateways,
        "ca": tls.ca,
        "ca_key": tls.ca_key,
        "server_cert": tls.server_cert,
        "server_key": tls.server_key,
        "command": tools.command,
        "xtask": project::own_program(),
        "python": tools.python,
        "package": tools.package,
        "node": tools.node,
        "examples": tools.examples,
        "garage": tools.garage,
    }))
}

fn run_live_tests(lab_file: &Path, flags: &flags::Test) -> Result<TestRun> {
    let mut command = project::cargo_command();
    command.args(["test", "--package", "integration", "--test", "it"]);
    command.args(&flags.only).args(["--", THREADS]).env(LAB_VARIABLE, lab_file);
    if flags.endpoint.is_none() {
        use_test_credentials(&mut command);
    }
    run_tests(&mut command)
}

/// Gives the tests the credentials of our gateways where AWS tools look, and nothing of the
/// user's that would be mixed with them.
fn use_test_credentials(command: &mut Command) {
    for name in FOREIGN_VARIABLES {
        command.env_remove(name);
    }
    command.env("AWS_ACCESS_KEY_ID", LAB.access_key);
    command.env("AWS_SECRET_ACCESS_KEY", LAB.secret_key);
    command.env("AWS_REGION", REGION);
}
