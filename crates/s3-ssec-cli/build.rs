//! Gives the command its version: `0.1.0`, or `0.1.0 (13159a2cd4 2026-11-25)` where it is built from a
//! checkout. The date is the commit's, never the clock's: the same sources give the same bytes.
//!
//! A tree with changes is marked `+changes`. Development builds are not stamped, nor those with
//! `S3_SSEC_STAMP=no` in the environment, so that a commit does not build them anew.

#![allow(clippy::print_stdout, reason = "that is how cargo is told")]

use std::path::Path;
use std::process::Command;

fn main() {
    let version = env!("CARGO_PKG_VERSION");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rerun-if-env-changed=S3_SSEC_STAMP");
    let is = |variable, value: &str| std::env::var(variable).is_ok_and(|text| text == value);
    let stamped = is("PROFILE", "release") && !is("S3_SSEC_STAMP", "no");
    let stamp = stamped.then(stamp).flatten();
    let version = stamp.map_or_else(|| version.to_owned(), |stamp| format!("{version} ({stamp})"));
    println!("cargo::rustc-env=S3_SSEC_VERSION={version}");
}

/// Commit and its date, if git tracks this very file: a package that lies unpacked in somebody else's
/// checkout is not that checkout.
fn stamp() -> Option<String> {
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    for name in ["HEAD", "index", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["log", "-1", "--format=%h %cs", "--abbrev=10"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit} +changes") })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
