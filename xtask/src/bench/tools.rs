//! The programs that are compared: found, or installed by name where that is allowed.

use crate::{output, project, python, test};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use xshell::Shell;

/// What the distribution has under the same name as its package.
const PACKAGES: [&str; 2] = ["curl", "rclone"];
/// Added to the Python environment of the live tests.
const S3CMD: &str = "s3cmd==2.4.0";

/// Where each program is.
pub(super) struct Tools {
    /// Our release build.
    pub(super) ours: String,
    /// The interpreter with boto3, for `peers.py`.
    pub(super) python: String,
    /// awscli of the same environment.
    pub(super) aws: String,
    /// s3cmd of the same environment.
    pub(super) s3cmd: String,
}

/// Finds or installs all of them, and says which versions they are.
pub(super) fn ensure(sh: &Shell) -> Result<Tools> {
    for package in PACKAGES {
        if project::program_in_path(package).is_none() {
            install(sh, package)?;
        }
    }
    let python = python::ensure(sh)?;
    let bin = python.parent().context("the Python environment has no directory")?.to_owned();
    let s3cmd = bin.join("s3cmd");
    if !s3cmd.exists() {
        output::say("installing s3cmd into the Python environment");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", S3CMD];
        sh.cmd(&python).args(install).quiet().run()?;
    }
    let tools = Tools {
        ours: text(test::build_command()?)?,
        python: text(python)?,
        aws: text(bin.join("aws"))?,
        s3cmd: text(s3cmd)?,
    };
    print_versions(sh, &tools)?;
    Ok(tools)
}

fn install(sh: &Shell, package: &str) -> Result<()> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root || project::program_in_path("apt-get").is_none() {
        bail!(
            "{package} is one of the tools to compare with, and is not installed\n\
             Install it: apt-get install {package}"
        );
    }
    output::say(format_args!("installing {package}"));
    let quiet = ["install", "--yes", "--quiet=2", "--no-install-recommends", package];
    let install = || sh.cmd("apt-get").args(quiet).env("DEBIAN_FRONTEND", "noninteractive").run();
    if install().is_err() {
        // A fresh machine has no package lists yet.
        sh.cmd("apt-get").args(["update", "--quiet=2"]).run()?;
        install()?;
    }
    Ok(())
}

fn print_versions(sh: &Shell, tools: &Tools) -> Result<()> {
    let commands: [&[&str]; 6] = [
        &[&tools.ours, "--version"],
        &["curl", "--version"],
        &[&tools.aws, "--version"],
        &[&tools.python, "-c", "import boto3; print('boto3', boto3.__version__)"],
        &["rclone", "version"],
        &[&tools.python, &tools.s3cmd, "--version"],
    ];
    for words in commands {
        let [program, arguments @ ..] = words else { continue };
        let text = sh.cmd(program).args(arguments).quiet().read()?;
        output::line(format_args!("  {}", text.lines().next().unwrap_or_default()));
    }
    Ok(())
}

fn text(path: PathBuf) -> Result<String> {
    let path: &Path = &path;
    let text = path.to_str().with_context(|| format!("{} is not Unicode", path.display()))?;
    Ok(text.to_owned())
}
