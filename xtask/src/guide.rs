//! The guide: `web/guide`, made into a site that asks nobody else for anything.
//!
//! The live tests play its chapters (`tests/src/guide.rs`). Building needs the feature `heavy` of this
//! program; without it, it starts itself again with it.

#[cfg(feature = "heavy")]
mod book;
#[cfg(feature = "heavy")]
mod diagram;
mod gateways;
mod links;

use crate::{flags, output, project};
use anyhow::Result;
use std::path::{Path, PathBuf};
use xshell::Shell;

/// Where its sources are, relative to the root.
const SOURCES: &str = "web/guide";

/// Runs `cargo xtask guide`.
pub(crate) fn run(sh: &Shell, flags: &flags::Guide) -> Result<()> {
    match flags.gateways {
        true => gateways::write(sh),
        false => make(sh, flags.out.clone()),
    }
}

/// Builds the guide and looks at every page.
pub(crate) fn make(sh: &Shell, out: Option<PathBuf>) -> Result<()> {
    let out = out.map_or_else(|| Ok(project::target_dir(sh)?.join("guide")), anyhow::Ok)?;
    build(sh, &out)?;
    let pages = links::check(&out)?;
    output::say(format_args!("{pages} pages in {}", out.display()));
    Ok(())
}

#[cfg(feature = "heavy")]
fn build(_: &Shell, out: &Path) -> Result<()> {
    book::build(&project::root().join(SOURCES), out)
}

/// Builds with a second instance of this program that can.
#[cfg(not(feature = "heavy"))]
fn build(sh: &Shell, out: &Path) -> Result<()> {
    output::say("building what makes the guide (the first time takes minutes)");
    project::cargo(sh)
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--features",
            "heavy",
            "--",
            "guide",
            "--out",
        ])
        .arg(out)
        .quiet()
        .run()
        .map_err(Into::into)
}
