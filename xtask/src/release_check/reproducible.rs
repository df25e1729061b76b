//! The same sources give the same command: built twice, in two places and one after the other.
//!
//! Both say that they are of the time of the commit. A dependency (rust-embed, for the texts of age)
//! writes that time, or the time of its files, into the program.

use crate::{output, project};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use xshell::Shell;

/// Builds twice and compares; then compares the version with git.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let time = sh.cmd("git").args(["log", "-1", "--format=%ct"]).quiet().read()?;
    let first = build(sh, "reproducible-1", &time)?;
    let second = build(sh, "reproducible-2", &time)?;
    let (a, b) = (fs::read(&first)?, fs::read(&second)?);
    let differ = a.iter().zip(&b).filter(|(a, b)| a != b).count();
    ensure!(
        a == b,
        "two builds differ: {} and {} bytes, {differ} of them\nCompare {} and {}.",
        a.len(),
        b.len(),
        first.display(),
        second.display()
    );
    let version = sh.cmd(&first).arg("--version").quiet().read()?;
    let commit =
        sh.cmd("git").args(["log", "-1", "--format=%h %cs", "--abbrev=10"]).quiet().read()?;
    ensure!(version.contains(&commit), "the command says {version}, and git {commit}");
    output::say(format_args!("two builds are the same {} bytes: {version}", a.len()));
    Ok(())
}

fn build(sh: &Shell, name: &str, time: &str) -> Result<PathBuf> {
    let target = project::target_dir(sh)?.join(name);
    let flags = remapped(sh, &target)?;
    project::cargo(sh)
        .args(["build", "--quiet", "--profile", "dist", "--package", "s3-ssec-cli", "--target-dir"])
        .arg(&target)
        .env("SOURCE_DATE_EPOCH", time)
        .env("RUSTFLAGS", flags)
        .quiet()
        .run()?;
    Ok(target.join("dist/s3-ssec"))
}

/// Paths of this machine stand in the texts of panics; a release has the same on every machine.
fn remapped(sh: &Shell, target: &std::path::Path) -> Result<String> {
    let home = match sh.var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(sh.var_os("HOME").context("HOME is not set")?).join(".cargo"),
    };
    let map =
        |from: &std::path::Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    Ok([map(project::root(), "/s3-ssec"), map(target, "/target"), map(&home, "/cargo")].join(" "))
}
