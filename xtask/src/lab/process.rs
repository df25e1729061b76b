//! Daemons of a cluster: started in the background, known by their command line.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a daemon may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take until a started program shows its command line.
const EXEC_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Starts `command` in a process group of its own, so that Ctrl-C does not reach it.
///
/// Returns the process ID. Its output goes to `output`.
pub(super) fn spawn(mut command: Command, output: &Path) -> Result<i32> {
    let file = File::create(output)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    // The kernel lets us go on a moment before the new program's command line can be read; whoever
    // looks in that moment would take the daemon for dead (seen on a loaded machine).
    let line = format!("/proc/{}/cmdline", child.id());
    wait_until(EXEC_TIMEOUT, || {
        fs::read(&line).is_ok_and(|line| !line.is_empty()) || !matches!(child.try_wait(), Ok(None))
    });
    Ok(i32::try_from(child.id())?)
}

/// Whether `pid` is alive and still our daemon: `marker` stands in its command line.
///
/// Process IDs are used again; the path of a configuration file is not.
pub(super) fn is_alive(pid: i32, marker: &Path) -> bool {
    let marker = marker.as_os_str().as_encoded_bytes();
    // A zombie has an empty command line: it counts as gone.
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.windows(marker.len()).any(|window| window == marker))
}

/// Stops `pid`: politely, then not.
pub(super) fn stop(pid: i32, marker: &Path) -> Result<()> {
    for signal in [Signal::TERM, Signal::KILL] {
        if !is_alive(pid, marker) {
            return Ok(());
        }
        let id = Pid::from_raw(pid).context("a process ID is never 0")?;
        // It may have ended since we looked; the loop below sees that.
        let _ = kill_process(id, signal);
        wait_until(STOP_TIMEOUT, || !is_alive(pid, marker));
    }
    Ok(())
}

/// Looks at `condition` until it is true or `timeout` is over; returns what it was last.
pub(super) fn wait_until(timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > timeout {
            return false;
        }
        sleep(POLL);
    }
}

/// Resident memory of `pid` in MiB.
pub(super) fn resident_mib(pid: i32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_command_line() {
        let own = i32::try_from(std::process::id()).unwrap();
        let name = std::env::args_os().next().unwrap();
        assert!(is_alive(own, Path::new(&name)));
        assert!(!is_alive(own, Path::new("/no/such/ceph.conf")));
    }

    #[test]
    fn waiting_ends() {
        assert!(!wait_until(Duration::from_millis(1), || false));
        assert!(wait_until(Duration::ZERO, || true));
    }
}
