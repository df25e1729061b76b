//! `cargo xtask release-check`: what has to hold before a release, and is too long for every day.
//!
//! Each part is a file of its own and a line in [`PARTS`].

mod cluster;

use crate::flags;
use crate::stages::Stages;
use anyhow::{Result, ensure};
use xshell::Shell;

/// A part: its name in the table, and what checks it.
type Part = (&'static str, fn(&Shell) -> Result<()>);

/// All parts, the quick ones first.
const PARTS: &[Part] =
    &[("Kubernetes manifest", cluster::check_manifest), ("Slurm job array", cluster::check_array)];

/// Runs `cargo xtask release-check`.
pub(crate) fn run(sh: &Shell, flags: &flags::ReleaseCheck) -> Result<()> {
    let wanted = |name: &str| flags.only.as_deref().is_none_or(|only| name.contains(only));
    let parts: Vec<_> = PARTS.iter().filter(|(name, _)| wanted(name)).collect();
    let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
    ensure!(!parts.is_empty(), "no part has such a name\nThe parts are: {}.", names.join(", "));
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
