//! Garage: another S3 server that takes customer keys, without tags, versions or policies.
//!
//! It comes by name from the Rust registry and is built once for all checkouts. Its licence is the AGPL:
//! it is a process of its own, and nothing here links it. The live tests start it and put TLS in front
//! (`tests/src/garage.rs`).

use super::packages;
use super::paths::{cache, lock};
use crate::{output, project};
use anyhow::Result;
use std::path::PathBuf;
use xshell::Shell;

/// The release that is tried.
pub(crate) const RELEASE: &str = "2.5.0";

/// Built to start soon: its build takes 10 minutes of processor time this way, and it moves little data.
const PROFILE: [(&str, &str); 4] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

/// The program; built if it is not there.
pub(crate) fn ensure(sh: &Shell) -> Result<PathBuf> {
    let dir = cache()?.join("garage");
    let root = dir.join(RELEASE);
    let program = root.join("bin").join("garage");
    let _lock = lock(&dir.join("lock"))?;
    if !program.is_file() {
        output::say(format_args!("building Garage {RELEASE} (once; it takes minutes)"));
        // 700 MiB that nothing needs afterwards.
        let target = dir.join("target");
        let features = ["--no-default-features", "--features", "bundled-libs,sqlite"];
        let built = project::cargo(sh)
            .args(["install", "--locked", "--quiet", "--version", RELEASE, "garage"])
            .args(features)
            .arg("--root")
            .arg(&root)
            .env("CARGO_TARGET_DIR", &target)
            .envs(PROFILE)
            .quiet()
            .run();
        packages::remove(&target)?;
        built?;
    }
    Ok(program)
}
