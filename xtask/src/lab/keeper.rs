//! Keeps gateways running while tests run: one that crashes is started again, and told.
//!
//! Releases do crash now and then (16.2.15 did, between two of a thousand tests), and some sickness
//! ends with a restart only. The service manager of a real cluster would start such a gateway again;
//! here, tests that ran meanwhile are repeated once, which `tests/src/trial.rs` does when the file of
//! crashes has grown.

use super::cluster::Cluster;
use super::paths::{self, Version};
use super::state::Options;
use crate::output;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
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
    let mut watched = versions.iter().map(|one| Watched::new(*one)).collect::<Result<Vec<_>>>()?;
    let mut crashes = Vec::new();
    while !done.load(Ordering::Relaxed) {
        for one in &mut watched {
            crashes.extend(one.revive()?);
        }
        thread::sleep(POLL);
    }
    Ok(crashes)
}

/// What RGW 16.2.15 logs when it takes every form for malformed, until it is restarted: its parser of
/// JSON is broken then. Seen in one of five runs of all tests; in another it crashed at the same place.
const SICK: &[u8] = b"failed to parse policy";

/// A gateway, and how far its log was read.
struct Watched {
    version: Version,
    read: u64,
}

impl Watched {
    fn new(version: Version) -> Result<Self> {
        let log = Cluster::peek(version)?.log();
        Ok(Self { version, read: fs::metadata(log).map(|log| log.len()).unwrap_or_default() })
    }

    /// Starts the gateway again if it has ended or is sick, and returns its last words.
    fn revive(&mut self) -> Result<Option<String>> {
        let cluster = Cluster::peek(self.version)?;
        let words = match (cluster.has_ended(), self.is_sick(&cluster)?) {
            (true, _) => cluster.crash(),
            (false, true) => "it takes every form for malformed".to_owned(),
            (false, false) => return Ok(None),
        };
        let words = format!("{}: {words}\n", self.version);
        let mut cluster = Cluster::open(self.version)?;
        let path = file(&paths::run_dir(self.version)?);
        OpenOptions::new().append(true).open(path)?.write_all(words.as_bytes())?;
        cluster.restart(Options::default())?;
        Ok(Some(words))
    }

    /// Reads on in the log.
    fn is_sick(&mut self, cluster: &Cluster) -> Result<bool> {
        let mut log = File::open(cluster.log())?;
        log.seek(SeekFrom::Start(self.read))?;
        let mut new = Vec::new();
        self.read += log.read_to_end(&mut new)? as u64;
        Ok(new.windows(SICK.len()).any(|window| window == SICK))
    }
}
