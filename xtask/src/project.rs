//! Where this checkout is, and what cargo built: read from cargo, never from a fixed path.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use xshell::{Cmd, Shell};

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        // `cargo run` sets it; the compiled-in value is for a binary started by hand.
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        package.parent().map_or(package.clone(), Path::to_path_buf)
    });
    &ROOT
}

/// This program's own file.
///
/// To be asked for early: binding WebAssembly builds this program anew, and then the kernel calls
/// the file that runs "(deleted)", although its path is good.
pub(crate) fn own_program() -> &'static Path {
    static OWN: LazyLock<PathBuf> = LazyLock::new(|| std::env::current_exe().unwrap_or_default());
    &OWN
}

/// The cargo that runs us.
pub(crate) fn cargo(sh: &Shell) -> Cmd<'_> {
    sh.cmd(cargo_program())
}

/// The same for `std::process`, to read its output while it runs.
pub(crate) fn cargo_command() -> Command {
    let mut command = Command::new(cargo_program());
    command.current_dir(root());
    command
}

fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What `cargo metadata` says about the workspace itself.
pub(crate) fn metadata(sh: &Shell) -> Result<Value> {
    let text = cargo(sh).args(["metadata", "--no-deps", "--format-version", "1"]).quiet().read()?;
    serde_json::from_str(&text).context("cargo metadata printed something else than JSON")
}

/// The target directory in use, whatever the user's configuration says.
pub(crate) fn target_dir(sh: &Shell) -> Result<PathBuf> {
    let metadata = metadata(sh)?;
    let dir =
        metadata["target_directory"].as_str().context("cargo metadata: no target_directory")?;
    Ok(dir.into())
}

/// Where the description of the world of the live tests is written: see `test::describe`.
pub(crate) fn lab_file(sh: &Shell) -> Result<PathBuf> {
    Ok(target_dir(sh)?.join("lab.json"))
}

/// One thing that cargo has built.
#[derive(Debug, PartialEq)]
pub(crate) struct Artifact {
    /// Name of the cargo target: `s3-ssec`, `encryption`, ...
    pub(crate) name: String,
    /// Kind of the cargo target: `bin`, `example`, `cdylib`, ...
    pub(crate) kinds: Vec<String>,
    /// Every file, the executable too.
    pub(crate) files: Vec<PathBuf>,
}

/// Runs `cargo build` with `arguments` and returns what it built (or found fresh).
pub(crate) fn build(arguments: &[&str]) -> Result<Vec<Artifact>> {
    build_by(&mut cargo_command(), arguments)
}

/// The same without the commit in the command's version, so that a commit builds nothing anew.
pub(crate) fn build_unstamped(arguments: &[&str]) -> Result<Vec<Artifact>> {
    build_by(cargo_command().env("S3_SSEC_STAMP", "no"), arguments)
}

fn build_by(cargo: &mut Command, arguments: &[&str]) -> Result<Vec<Artifact>> {
    let output = cargo
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("cargo build {} failed; its messages stand above", arguments.join(" "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(artifact).collect())
}

/// The one file of the artifact `name` that `wanted` accepts.
pub(crate) fn find(
    artifacts: &[Artifact],
    kind: &str,
    name: &str,
    wanted: fn(&Path) -> bool,
) -> Result<PathBuf> {
    artifacts
        .iter()
        .filter(|a| a.name == name && a.kinds.iter().any(|k| k == kind))
        .flat_map(|a| &a.files)
        .find(|file| wanted(file))
        .cloned()
        .with_context(|| format!("cargo built no {kind} named {name}"))
}

/// Whether a file of an artifact is a program: on Unix, the one without an extension.
pub(crate) fn is_program(file: &Path) -> bool {
    file.extension().is_none()
}

fn artifact(line: &str) -> Option<Artifact> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["reason"] != "compiler-artifact" {
        return None;
    }
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect()
    };
    Some(Artifact {
        name: message["target"]["name"].as_str()?.to_owned(),
        kinds: strings(&message["target"]["kind"]),
        files: strings(&message["filenames"]).into_iter().map(PathBuf::from).collect(),
    })
}

/// The first program called `name` in `PATH`.
pub(crate) fn program_in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_message_gives_name_kind_and_files() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"s3-ssec","kind":["bin"]},
            "filenames":["/t/release/s3-ssec"]}"#;
        let artifacts: Vec<_> = artifact(line).into_iter().collect();
        let found = find(&artifacts, "bin", "s3-ssec", is_program).unwrap();
        assert_eq!(found, Path::new("/t/release/s3-ssec"));
        assert!(find(&artifacts, "example", "s3-ssec", is_program).is_err());
    }

    #[test]
    fn other_messages_are_no_artifacts() {
        assert_eq!(artifact(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(artifact("Compiling something"), None);
    }
}
