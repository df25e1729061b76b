//! The virtual environment with the Python tools that the live tests compare us with.

use crate::lab::{cache, hash, lock};
use crate::{output, project};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use xshell::Shell;

/// Its pinned packages, relative to the root.
const REQUIREMENTS: &str = "tests/interop/requirements.txt";

/// Returns the environment's interpreter; makes the environment if it is not there.
///
/// It stands in the user's cache under a hash of its requirements: shared by checkouts, new when
/// the requirements change.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    let requirements = project::root().join(REQUIREMENTS);
    let text = fs::read(&requirements).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let dir = cache()?.join(format!("venv-{:08x}", hash(&text)));
    let _lock = lock(&dir.with_extension("lock"))?;
    let python = dir.join("bin/python");
    let complete = dir.join("complete");
    if complete.exists() && python.exists() {
        return Ok(python);
    }
    let Some(system) = project::program_in_path("python3") else {
        bail!(
            "the tests need python3, and there is none\nInstall it: apt-get install python3-venv"
        );
    };
    output::say("making a Python environment with boto3, awscli and moto");
    sh.cmd(system).args(["-m", "venv", "--clear"]).arg(&dir).quiet().run().context(
        "python3 cannot make a virtual environment\nInstall it: apt-get install python3-venv",
    )?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    sh.cmd(&python).args(install).arg(&requirements).quiet().run()?;
    fs::write(&complete, "")?;
    Ok(python)
}
