//! What a tab costs: the memory that its processes have for themselves, watched while something happens.
//!
//! The page and its service worker may share a process or have one each, so all processes of the browser
//! that run pages are added up, its idle spare one included. Counted is what is resident and in no other
//! process (`Private_Clean` and `Private_Dirty`): the program itself, some 70 MiB that all of them
//! share, is not the tab's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A watch that runs.
pub struct TabMemory {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl TabMemory {
    /// Watches all that runs pages below the process `driver`.
    pub(crate) fn watch(driver: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut peak = 0;
            while !stopped.load(Relaxed) {
                peak = peak.max(renderers(driver).into_iter().map(own_kib).sum());
                std::thread::sleep(PAUSE);
            }
            peak
        });
        Self { stop, thread }
    }

    /// Ends the watch: the most memory that there was at any look, in MiB.
    pub fn peak_mib(self) -> u64 {
        self.stop.store(true, Relaxed);
        let peak = self.thread.join().unwrap();
        assert!(peak > 0, "no tab was seen");
        peak / 1024
    }
}

/// The processes below `driver` that run pages.
fn renderers(driver: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
        memchr::memmem::find(&command, b"--type=renderer")?;
        let parent = |child: &u32| number(format!("/proc/{child}/status"), "PPid:");
        let mut ancestors =
            std::iter::successors(Some(process), |child| Some(parent(child)? as u32));
        ancestors.any(|ancestor| ancestor == driver).then_some(process)
    });
    processes.collect()
}

/// KiB of a process that are in no other. One that has just ended has none.
fn own_kib(process: u32) -> u64 {
    let file = format!("/proc/{process}/smaps_rollup");
    ["Private_Clean:", "Private_Dirty:"].iter().filter_map(|field| number(&file, field)).sum()
}

/// A number of a file of the kernel's about a process.
fn number(file: impl AsRef<Path>, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
