//! Keeps gateways running while tests run: one that crashes is started again, and told.
//!
//! Releases do crash now and then (16.2.15 did, between two of a thousand tests). The service
//! manager of a real cluster would start such a gateway again; here, tests that ran meanwhile are
//! repeated once, which `tests/src/trial.rs` does when the file of crashes has grown.

use super::cluster::Cluster;
use super::paths::{self, Version};
use super::state::{Options, Store};
use crate::output;
use anyhow::{Context, Result, ensure};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How often it looks.
const POLL: Duration = Duration::from_millis(200);

/// With more crashes than these, what the tests say about a gateway is worth little.
const BEARABLE: usize = 3;

/// The file of crashes of the cluster at `run`: one entry for each, the lines of its log.
pub(super) fn file(run: &Path) -> PathBuf {
    run.join("crashes.log")
}

/// Runs `work`, and meanwhile starts each of `versions` again that ends by itself.
///
/// # Errors
///
/// When there were many crashes, or a gateway could not be started again.
pub(crate) fn keep<T>(versions: &[Version], work: impl FnOnce() -> Result<T>) -> Result<T> {
    for version in versions {
        fs::write(file(&paths::run_dir(*version)?), "")?;
    }
    let done = AtomicBool::new(false);
    let (result, crashes) = thread::scope(|scope| {
        let keeper = scope.spawn(|| watch(versions, &done));
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, keeper.join())
    });
    let crashes = crashes.ok().context("the keeper of the gateways panicked")??;
    for crash in &crashes {
        output::say(format_args!("a gateway crashed while the tests ran, and was started again"));
        output::say(crash);
    }
    let result = result?;
    ensure!(crashes.len() <= BEARABLE, "gateways crashed {} times", crashes.len());
    Ok(result)
}

fn watch(versions: &[Version], done: &AtomicBool) -> Result<Vec<String>> {
    let mut crashes = Vec::new();
    while !done.load(Ordering::Relaxed) {
        for version in versions {
            crashes.extend(revive(*version)?);
        }
        thread::sleep(POLL);
    }
    Ok(crashes)
}

/// Starts the gateway again if it has ended, and returns its last words.
fn revive(version: Version) -> Result<Option<String>> {
    if !Cluster::peek(version)?.has_ended() {
        return Ok(None);
    }
    let mut cluster = Cluster::open(version)?;
    let words = format!("{version}: {}\n", cluster.crash());
    let path = file(&paths::run_dir(version)?);
    OpenOptions::new().append(true).open(path)?.write_all(words.as_bytes())?;
    cluster.up(Options::default(), Store::Disk)?;
    Ok(Some(words))
}
