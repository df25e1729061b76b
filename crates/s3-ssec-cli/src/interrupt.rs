//! Ctrl-C and SIGTERM: the first one lets a transfer take back what it began, the second one ends
//! the process at once.

use crate::output::Output;
use s3_ssec::Watch;
use std::io;

/// What a shell reports for a program ended by SIGINT.
const INTERRUPTED: i32 = 130;

/// Stops `watch` on the first signal.
pub(crate) fn stop_on_signal(watch: &Watch, output: Output) {
    let watch = watch.clone();
    tokio::spawn(async move {
        // Without a handler the signal ends the process, as it does by default.
        let Ok(mut signals) = Signals::new() else { return };
        signals.next().await;
        watch.stop();
        output.note("stopping, and taking back what was begun; once more ends it at once");
        signals.next().await;
        std::process::exit(INTERRUPTED);
    });
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
