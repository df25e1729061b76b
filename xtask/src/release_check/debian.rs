//! The Debian package: command, manual pages, completions; built, unpacked and used.

use super::tools;
use crate::{output, project, test};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use xshell::Shell;

const VERSION: &str = "3.8.0";

/// What has to be in it, and is looked at.
const CONTENT: [&str; 7] = [
    "./usr/bin/s3-ssec",
    "./usr/share/man/man1/s3-ssec.1.gz",
    "./usr/share/man/man1/s3-ssec-key-new.1.gz",
    "./usr/share/bash-completion/completions/s3-ssec",
    "./usr/share/zsh/vendor-completions/_s3-ssec",
    "./usr/share/fish/vendor_completions.d/s3-ssec.fish",
    "./usr/share/doc/s3-ssec/copyright",
];

/// Where `[package.metadata.deb]` takes what the command makes of itself.
const MADE: &str = "target/debian-assets";

/// Builds the package, lists it, unpacks it into an empty directory and runs the command from there.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let deb = build(sh)?;
    let list = sh.cmd("dpkg-deb").arg("-c").arg(&deb).quiet().read()?;
    for path in CONTENT {
        let there = list.lines().any(|line| line.split(' ').any(|word| word == path));
        ensure!(there, "{} does not hold {path}\nIt holds:\n{list}", deb.display());
    }
    let root = project::root().join("target/debian-root");
    let _ = fs::remove_dir_all(&root);
    sh.cmd("dpkg").arg("-x").arg(&deb).arg(&root).quiet().run()?;
    let installed = root.join("usr/bin/s3-ssec");
    let version = sh.cmd(&installed).arg("--version").quiet().read()?;
    ensure!(version.starts_with("s3-ssec "), "the installed command says: {version}");
    complete(sh, &root)?;
    let size = fs::metadata(&deb)?.len();
    output::say(format_args!("{}: {size} bytes, {version}", deb.display()));
    Ok(())
}

/// Makes the package with the command that the tests use.
fn build(sh: &Shell) -> Result<PathBuf> {
    let command = test::build_command()?;
    assets(sh, &command)?;
    let tool = tools::ensure(sh, "cargo-deb", VERSION)?;
    let out = project::root().join("target/debian");
    let _ = fs::remove_dir_all(&out);
    let arguments = ["--package", "s3-ssec-cli", "--no-build", "--quiet", "--output"];
    let path = tool.parent().context("a program has a directory")?;
    let path = std::env::join_paths(
        [path.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&sh.var_os("PATH").unwrap_or_default())),
    )?;
    project::cargo(sh)
        .arg("deb")
        .args(arguments)
        .arg(format!("{}/", out.display()))
        .env("PATH", path)
        .quiet()
        .run()?;
    let files = fs::read_dir(&out)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packages = files.filter(|path| path.extension().is_some_and(|ending| ending == "deb"));
    match (packages.next(), packages.next()) {
        (Some(one), None) => Ok(one),
        _ => bail!("cargo-deb made no package in {}, or several", out.display()),
    }
}

/// Lets the command write its manual pages and completions.
fn assets(sh: &Shell, command: &Path) -> Result<()> {
    let made = project::root().join(MADE);
    let _ = fs::remove_dir_all(&made);
    sh.cmd(command).arg("man").arg(made.join("man")).args(["--quiet"]).quiet().run()?;
    for (shell, file) in [("bash", "s3-ssec"), ("zsh", "_s3-ssec"), ("fish", "s3-ssec.fish")] {
        let script = sh.cmd(command).args(["completions", shell]).quiet().read()?;
        sh.write_file(made.join("completions").join(file), script + "\n")?;
    }
    Ok(())
}

/// Loads the completions in bash and asks them for a command.
fn complete(sh: &Shell, root: &Path) -> Result<()> {
    let file = root.join("usr/share/bash-completion/completions/s3-ssec");
    let script = "source \"$0\"; COMP_WORDS=(s3-ssec rep); COMP_CWORD=1; COMP_LINE='s3-ssec rep'; \
                  _s3__ssec s3-ssec rep s3-ssec; echo \"${COMPREPLY[@]}\"";
    let offered = sh.cmd("bash").args(["-c", script]).arg(file).quiet().read()?;
    ensure!(offered.split(' ').any(|word| word == "repair"), "Tab behind `rep` offers: {offered}");
    Ok(())
}
