//! `cargo xtask release-check`: what has to hold before a release, and is too long for every day.
//!
//! Each part is a file of its own and a line in [`PARTS`].

mod api;
mod changelog;
mod cluster;
mod debian;
mod deny;
mod features;
pub(crate) mod msrv;
mod packages;
mod reproducible;
mod tools;

use crate::flags;
use crate::stages::Stages;
use anyhow::{Result, ensure};
use xshell::Shell;

/// A part: its name in the table, and what checks it.
type Part = (&'static str, fn(&Shell) -> Result<()>);

/// All parts, the quick ones first.
const PARTS: &[Part] = &[
    ("changelog", changelog::check),
    ("oldest Rust", msrv::check),
    ("features of the core", features::check),
    ("Kubernetes manifest", cluster::check_manifest),
    ("Slurm job array", cluster::check_array),
    ("public items", api::check),
    ("licences and sources", deny::check),
    ("Debian package", debian::check),
    ("packages", packages::check),
    ("reproducible build", reproducible::check),
];

/// Runs `cargo xtask release-check`.
pub(crate) fn run(sh: &Shell, flags: &flags::ReleaseCheck) -> Result<()> {
    if flags.update {
        return api::update(sh);
    }
    let wanted = |name: &str| flags.only.as_deref().is_none_or(|only| name.contains(only));
    let parts: Vec<_> = PARTS.iter().filter(|(name, _)| wanted(name)).collect();
    ensure!(!parts.is_empty(), "no part has such a name\nThe parts are: {}.", names());
    let mut stages = Stages::default();
    // Every part is tried: a release is made when all hold, and one list of what does not is best.
    let mut failed = None;
    for (name, check) in parts {
        if let Err(error) = stages.run(name, || check(sh)) {
            crate::output::failure(&error);
            failed = failed.or(Some(error));
        }
    }
    stages.print_table();
    failed.map_or(Ok(()), Err)
}

fn names() -> String {
    PARTS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}
