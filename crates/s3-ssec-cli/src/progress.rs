//! A bar on the terminal, for who waits.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use s3_ssec::Watch;
use std::sync::Arc;
use std::time::Duration;

/// A transfer under way. The bar goes when this is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Hand this to the transfer.
    pub(crate) watch: Watch,
}

impl Progress {
    /// `total` is in bytes, where it is known.
    pub(crate) fn new(output: Output, total: Option<u64>) -> Self {
        if !output.shows_progress() {
            return Self { bar: ProgressBar::hidden(), watch: Watch::default() };
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        bar.set_style(style(total));
        bar.enable_steady_tick(Duration::from_millis(200));
        let moving = bar.clone();
        Self { bar, watch: Watch::new(Arc::new(move |bytes| moving.inc(bytes))) }
    }
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
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
        assert!(ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}").is_ok());
    }
}
