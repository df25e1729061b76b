//! The package as its users get it: packed, installed into an empty project, run in Node.

use super::Package;
use crate::{check, output, project};
use anyhow::{Context, Result, ensure};
use std::fs;
use xshell::Shell;

/// Packs `package`, installs it into an empty project and runs its test there.
pub(super) fn check(sh: &Shell, package: &Package) -> Result<()> {
    let node = check::node()?;
    let npm = project::program_in_path("npm").context(
        "the package is tested with npm, and there is none\nInstall it: apt-get install npm",
    )?;
    let empty = project::target_dir(sh)?.join("wasm-package").join("empty-project");
    let _ = fs::remove_dir_all(&empty);
    fs::create_dir_all(&empty)?;
    let dir = sh.push_dir(&package.out);
    let tarball =
        sh.cmd(&npm).args(["pack", "--silent", "--pack-destination"]).arg(&empty).read()?;
    drop(dir);
    let _dir = sh.push_dir(&empty);
    sh.write_file("package.json", "{ \"private\": true, \"type\": \"module\" }\n")?;
    let tarball = format!("./{}", tarball.trim());
    let quiet = ["--offline", "--no-audit", "--no-fund", "--silent"];
    sh.cmd(&npm).arg("install").args(quiet).arg(&tarball).quiet().run()?;
    let test = project::root().join("crates/s3-ssec-wasm/package/test.mjs");
    fs::copy(test, empty.join("test.mjs"))?;
    let said = sh.cmd(node).arg("test.mjs").quiet().read()?;
    ensure!(said.trim() == "done", "the test of the package said: {said}");
    output::say("the package works in an empty project");
    Ok(())
}
