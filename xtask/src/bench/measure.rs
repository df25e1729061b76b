//! What one command used: wall time, CPU time, memory. Read from the kernel when it has ended.
//!
//! The kernel adds up the children of a process, so each command gets a parent of its own: this
//! program again, as `cargo xtask bench -- COMMAND`.

use crate::output;
use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// This program: by this name also after it was built anew and its file replaced.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// What a command used, its children included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usage {
    /// From start to end, in seconds.
    pub(super) wall: f64,
    /// In user mode, in seconds.
    pub(super) user: f64,
    /// In the kernel, in seconds.
    pub(super) system: f64,
    /// Largest resident memory of any one of its processes, in MiB.
    pub(super) peak_mib: f64,
}

impl Usage {
    fn to_json(self) -> Value {
        json!({
            "wall": self.wall,
            "user": self.user,
            "system": self.system,
            "peak_mib": self.peak_mib,
        })
    }

    fn from_json(value: &Value) -> Option<Usage> {
        let number = |name: &str| value[name].as_f64();
        Some(Usage {
            wall: number("wall")?,
            user: number("user")?,
            system: number("system")?,
            peak_mib: number("peak_mib")?,
        })
    }
}

/// Runs `words` and prints what they used, as one line of JSON. Its output is not shown.
pub(super) fn and_print(words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().context("a command is wanted after --")?;
    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("{program} cannot be started"))?;
    let wall = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{program} ended with {status}\nIts message stands above.");
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let usage = Usage {
        wall,
        user: seconds(used.user_time()),
        system: seconds(used.system_time()),
        peak_mib: kib_to_mib(used.max_rss()),
    };
    output::line(usage.to_json());
    Ok(())
}

/// Measures `words` in `dir`, where `prepare` has set the environment.
pub(super) fn command(
    words: &[String],
    dir: &Path,
    prepare: impl FnOnce(&mut Command),
) -> Result<Usage> {
    let mut command = Command::new(OWN_PROGRAM);
    command.args(["bench", "--"]).args(words).current_dir(dir).stderr(Stdio::inherit());
    prepare(&mut command);
    let done = command.output()?;
    if !done.status.success() {
        bail!("a measured command failed: {}\nIts message stands above.", words.join(" "));
    }
    let value = serde_json::from_slice(&done.stdout).ok();
    value.as_ref().and_then(Usage::from_json).context("no figures came back from a command")
}

#[allow(clippy::cast_precision_loss, reason = "seconds of a command are far below 2^52")]
fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// Linux counts ru_maxrss in KiB (getrusage(2)).
#[allow(clippy::cast_precision_loss, reason = "KiB of a process are far below 2^52")]
fn kib_to_mib(kib: i64) -> f64 {
    kib as f64 / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_as_it_was_written() {
        let usage = Usage { wall: 1.5, user: 0.25, system: 0.5, peak_mib: 30.0 };
        assert_eq!(Usage::from_json(&usage.to_json()), Some(usage));
        assert_eq!(Usage::from_json(&json!({ "wall": 1.5 })), None);
    }
}
