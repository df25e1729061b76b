//! Commands of cargo that the checks need, installed by name into our cache.

use crate::lab::{cache, lock};
use crate::{output, project};
use anyhow::Result;
use std::path::PathBuf;
use xshell::Shell;

/// The program `name` of this version; installs it once for all checkouts.
pub(super) fn ensure(sh: &Shell, name: &str, version: &str) -> Result<PathBuf> {
    let root = cache()?.join("tools").join(format!("{name}-{version}"));
    let program = root.join("bin").join(name);
    let _lock = lock(&root.with_extension("lock"))?;
    if !program.is_file() {
        output::say(format_args!("installing {name} {version} (once; it takes minutes)"));
        let install = ["install", "--locked", "--quiet", "--version", version, name, "--root"];
        project::cargo(sh).args(install).arg(&root).quiet().run()?;
    }
    Ok(program)
}
