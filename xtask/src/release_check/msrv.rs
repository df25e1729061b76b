//! The oldest Rust that each crate promises: at least what its dependencies ask for, and tried where
//! that toolchain is installed.

use crate::{output, project};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use xshell::Shell;

/// Crates that others depend on.
const CRATES: [&str; 5] =
    ["s3-ssec-core", "s3-ssec", "s3-ssec-adapters", "s3-ssec-cli", "s3-ssec-wasm"];

/// A version of Rust: `1.94.1`.
type Version = (u32, u32, u32);

/// Compares promises with dependencies, then compiles with the toolchains that are there.
pub(super) fn check(sh: &Shell) -> Result<()> {
    declared(sh)?;
    let metadata = metadata(sh)?;
    for name in CRATES {
        let promised = promise(&metadata, name)?;
        compile(sh, name, promised)?;
    }
    Ok(())
}

/// Compares what each crate promises with what its dependencies ask for. Quick.
pub(crate) fn declared(sh: &Shell) -> Result<()> {
    let metadata = metadata(sh)?;
    for name in CRATES {
        let (promised, (floor, because)) = (promise(&metadata, name)?, floor(&metadata, name)?);
        if promised < floor {
            bail!(
                "{name} promises Rust {}, and {because} needs {}\nRaise rust-version, or take an \
                 older {because}.",
                text(promised),
                text(floor)
            );
        }
        output::say(format_args!(
            "{name}: Rust {}; {because} needs {}",
            text(promised),
            text(floor)
        ));
    }
    Ok(())
}

fn metadata(sh: &Shell) -> Result<Value> {
    let text = project::cargo(sh).args(["metadata", "--format-version", "1"]).quiet().read()?;
    serde_json::from_str(&text).context("cargo metadata printed something else than JSON")
}

fn promise(metadata: &Value, name: &str) -> Result<Version> {
    let promised = package(metadata, name).and_then(|package| version(&package["rust_version"]));
    promised.with_context(|| format!("{name} has no rust-version"))
}

fn package<'m>(metadata: &'m Value, name: &str) -> Option<&'m Value> {
    metadata["packages"].as_array()?.iter().find(|package| package["name"] == name)
}

/// The greatest version that a dependency of `name` asks for, and which; tests' own do not count.
fn floor(metadata: &Value, name: &str) -> Result<(Version, String)> {
    let by_id = |list: &'static str, id: &'static str| -> BTreeMap<&str, &Value> {
        let list = &metadata[list];
        let list = if list.is_null() { &metadata["resolve"]["nodes"] } else { list };
        list.as_array().into_iter().flatten().filter_map(|v| Some((v[id].as_str()?, v))).collect()
    };
    let (packages, nodes) = (by_id("packages", "id"), by_id("nodes", "id"));
    let root = package(metadata, name).and_then(|package| package["id"].as_str());
    let mut waiting = vec![root.with_context(|| format!("there is no crate {name}"))?];
    let mut seen = BTreeSet::from_iter(waiting.clone());
    let mut greatest = ((0, 0, 0), "nothing".to_owned());
    while let Some(id) = waiting.pop() {
        for dependency in nodes[id]["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            let needed = kinds.into_iter().any(|kind| kind["kind"] != "dev");
            let id = dependency["pkg"].as_str().unwrap_or_default();
            if !needed || !seen.insert(id) {
                continue;
            }
            waiting.push(id);
            let package = packages[id];
            if let Some(version) = version(&package["rust_version"]).filter(|v| *v > greatest.0) {
                greatest = (version, package["name"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Ok(greatest)
}

fn version(value: &Value) -> Option<Version> {
    let mut numbers = value.as_str()?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next().unwrap_or(Some(0))?))
}

fn text((major, minor, patch): Version) -> String {
    format!("{major}.{minor}.{patch}")
}

/// Compiles with exactly that toolchain, if rustup has it. None is downloaded here.
fn compile(sh: &Shell, name: &str, promised: Version) -> Result<()> {
    let (major, minor, _) = promised;
    let installed = match project::program_in_path("rustup") {
        Some(rustup) => sh.cmd(rustup).args(["toolchain", "list"]).quiet().read()?,
        None => String::new(),
    };
    let names = [text(promised), format!("{major}.{minor}")];
    let found = installed.lines().filter_map(|line| line.split(' ').next()).find(|line| {
        names.iter().any(|name| *line == name.as_str() || line.starts_with(&format!("{name}-")))
    });
    let Some(toolchain) = found else {
        output::say(format_args!(
            "{name}: not compiled with Rust {0}, which is not installed (rustup toolchain install {0})",
            text(promised)
        ));
        return Ok(());
    };
    output::say(format_args!("{name}: compiling with {toolchain}"));
    let target = project::target_dir(sh)?.join("msrv");
    sh.cmd("cargo")
        .arg(format!("+{toolchain}"))
        .args(["check", "--quiet", "--package", name, "--target-dir"])
        .arg(target)
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .quiet()
        .run()
        .map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(kind: &str) -> Value {
        let deps = json!([{ "pkg": "b#1", "dep_kinds": [{ "kind": kind }] }]);
        json!({
            "packages": [
                { "name": "a", "id": "a#1", "rust_version": "1.80" },
                { "name": "b", "id": "b#1", "rust_version": "1.81.1" },
            ],
            "resolve": { "nodes": [{ "id": "a#1", "deps": deps }, { "id": "b#1", "deps": [] }] },
        })
    }

    #[test]
    fn the_floor_is_what_dependencies_need() {
        assert_eq!(floor(&metadata("build"), "a").unwrap(), ((1, 81, 1), "b".to_owned()));
        assert_eq!(floor(&metadata("dev"), "a").unwrap().0, (0, 0, 0));
        assert!(floor(&metadata("dev"), "c").is_err());
        assert!(promise(&metadata("dev"), "a").unwrap() < (1, 81, 1));
    }

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version(&json!("1.94.1")), Some((1, 94, 1)));
        assert_eq!(version(&json!("1.9")), Some((1, 9, 0)));
        assert_eq!(version(&Value::Null), None);
        assert!(version(&json!("1.100")) > version(&json!("1.94.1")));
    }
}
