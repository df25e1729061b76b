//! Licences, sources and doubled crates, by cargo-deny and `.deny.toml`.
//!
//! Not its advisories: they come from a database on the network. Whoever may fetch it runs
//! `cargo deny --config .deny.toml check advisories`.

use super::tools;
use crate::output;
use anyhow::Result;
use xshell::Shell;

const VERSION: &str = "0.20.2";

/// Runs cargo-deny.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let deny = tools::ensure(sh, "cargo-deny", VERSION)?;
    let all = ["--offline", "--all-features", "--config", ".deny.toml", "check"];
    let what = ["--hide-inclusion-graph", "bans", "licenses", "sources"];
    sh.cmd(deny).args(all).args(what).quiet().run()?;
    output::say("advisories were not looked at: their database is on the network");
    Ok(())
}
