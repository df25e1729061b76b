//! The crates as their users get them: packed, unpacked elsewhere, built and installed from there.

use crate::{output, project};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use xshell::Shell;

/// What is published, dependencies first.
const PUBLISHED: [&str; 4] = ["s3-ssec-core", "s3-ssec", "s3-ssec-adapters", "s3-ssec-cli"];

/// Files that have to be in every package.
const NEEDED: [&str; 3] = ["Cargo.toml", "Cargo.lock", "src"];

/// Packs all, and installs the command from the packages into an empty prefix.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let packed = pack(sh)?;
    let prefix = project::target_dir(sh)?.join("packed-prefix");
    let _ = fs::remove_dir_all(&prefix);
    install(sh, &packed, &prefix)?;
    let installed = prefix.join("bin/s3-ssec");
    let version = sh.cmd(&installed).arg("--version").quiet().read()?;
    // A package is no checkout: it must not take the commit of whatever it lies in.
    ensure!(!version.contains('('), "the packed command says that it comes from git: {version}");
    output::say(format_args!("{version} from packages: {} bytes", fs::metadata(&installed)?.len()));
    Ok(())
}

/// Packs and unpacks the crates; gives their directories.
fn pack(sh: &Shell) -> Result<Vec<PathBuf>> {
    let names = PUBLISHED.iter().flat_map(|name| ["--package", name]);
    // Verified by building them below, all at once and as an install does.
    project::cargo(sh).args(["package", "--quiet", "--no-verify"]).args(names).quiet().run()?;
    let made = project::target_dir(sh)?.join("package");
    let unpacked = made.join("unpacked");
    let _ = fs::remove_dir_all(&unpacked);
    fs::create_dir_all(&unpacked)?;
    let metadata = project::metadata(sh)?;
    let mut directories = Vec::new();
    for name in PUBLISHED {
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let package = packages.into_iter().find(|package| package["name"] == name);
        let version = package.and_then(|package| package["version"].as_str());
        let stem = format!("{name}-{}", version.context("a package has a version")?);
        let file = made.join(format!("{stem}.crate"));
        sh.cmd("tar").arg("-xzf").arg(&file).arg("-C").arg(&unpacked).quiet().run()?;
        let directory = unpacked.join(stem);
        for needed in NEEDED {
            ensure!(directory.join(needed).exists(), "the package {name} has no {needed}");
        }
        output::say(format_args!("{name}: {} bytes packed", fs::metadata(&file)?.len()));
        directories.push(directory);
    }
    Ok(directories)
}

/// Installs the last package; the others stand in for the registry.
fn install(sh: &Shell, packed: &[PathBuf], prefix: &Path) -> Result<()> {
    let (command, others) = packed.split_last().context("nothing was packed")?;
    let mut cargo = project::cargo(sh).args(["install", "--quiet", "--locked", "--root"]);
    cargo = cargo.arg(prefix).arg("--path").arg(command);
    for (name, directory) in PUBLISHED.iter().zip(others) {
        let path = directory.display();
        cargo = cargo.arg("--config").arg(format!("patch.crates-io.{name}.path='{path}'"));
    }
    let target = project::target_dir(sh)?.join("packed");
    cargo.env("CARGO_TARGET_DIR", target).quiet().run().map_err(Into::into)
}
