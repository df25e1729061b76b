//! One test on one gateway.
#![allow(clippy::print_stderr, reason = "a repeated test has to be told where its output is read")]

use crate::lab::Gateway;
use libtest_mimic::Trial;
use std::future::Future;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Within this time a crash is in the keeper's file: see `xtask/src/lab/keeper.rs`.
const NOTICED: Duration = Duration::from_secs(2);
/// Within this time a gateway that crashed answers again.
const REVIVED: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// The trial `name`. When the gateway itself crashed while it failed, it is repeated, once: what
/// makes a gateway crash each time is still a failure.
pub(crate) fn trial<F: Future<Output = ()>>(
    name: String,
    gateway: &'static Gateway,
    run: impl Fn() -> F + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let crashes = gateway.crashes();
        wait_for(gateway);
        let Err(failure) = catch_unwind(AssertUnwindSafe(|| block_on(run()))) else {
            return Ok(());
        };
        if !has_crashed_since(gateway, crashes) {
            resume_unwind(failure);
        }
        eprintln!("gateway {} crashed meanwhile: the test is repeated", gateway.version);
        wait_for(gateway);
        block_on(run());
        Ok(())
    })
}

pub(crate) fn block_on(run: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(run);
}

fn has_crashed_since(gateway: &Gateway, crashes: u64) -> bool {
    let end = Instant::now() + NOTICED;
    while gateway.crashes() == crashes {
        if Instant::now() > end {
            return false;
        }
        sleep(POLL);
    }
    true
}

/// Waits until one of our gateways, started again after a crash, takes connections.
fn wait_for(gateway: &Gateway) {
    let Some(http) = gateway.http.as_deref().and_then(|url| url.strip_prefix("http://")) else {
        return;
    };
    let end = Instant::now() + REVIVED;
    while TcpStream::connect(http).is_err() {
        assert!(Instant::now() < end, "gateway {} does not come back", gateway.version);
        sleep(POLL);
    }
}
