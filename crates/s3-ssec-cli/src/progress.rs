//! A bar on the terminal, for who waits.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3_ssec::Watch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How many bytes will move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Total {
    /// So many.
    Bytes(u64),
    /// The transfer of one object tells when it has asked the gateway.
    OfObject,
    /// Nobody knows before the end.
    Unknown,
}

/// A transfer under way. The bar goes when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    moved: Arc<AtomicU64>,
    since: Instant,
    /// Hand this to the transfer.
    pub(crate) watch: Watch,
}

impl Progress {
    pub(crate) fn new(output: Output, total: Total) -> Self {
        let bar = match (output.shows_progress(), total) {
            (false, _) => ProgressBar::hidden(),
            (true, Total::Bytes(bytes)) => shown(Some(bytes)),
            (true, Total::OfObject | Total::Unknown) => shown(None),
        };
        let moved = Arc::new(AtomicU64::new(0));
        let (moving, count) = (bar.clone(), Arc::clone(&moved));
        let mut watch = Watch::new(Arc::new(move |bytes| {
            count.fetch_add(bytes, Relaxed);
            moving.inc(bytes);
        }));
        if total == Total::OfObject {
            let growing = bar.clone();
            watch = watch.expecting(Arc::new(move |bytes| {
                growing.set_length(bytes);
                growing.set_style(style(Some(bytes)));
            }));
        }
        Self { bar, moved, since: Instant::now(), watch }
    }

    /// Since it began.
    pub(crate) fn took(&self) -> Duration {
        self.since.elapsed()
    }

    /// Bytes so far.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Relaxed)
    }
}

fn shown(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    bar.set_style(style(total));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{spinner} {bytes} {bytes_per_sec} {elapsed}",
    };
    // The templates are right; if they were not, the default style would do.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_right() {
        for total in [None, Some(7)] {
            let bar = ProgressBar::hidden();
            bar.set_style(style(total));
        }
        assert!(ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes}").is_ok());
    }
}
