//! Every verb against every lie of a gateway: the exit code, nothing delivered that is not what was
//! uploaded, and nothing destroyed.
//!
//! The gateway is [`Adversary`], in this process. A row of the table is a trial. In it each verb runs on
//! a fresh copy of the same objects and of the same home: `p/a`, `p/b` and `p/c`, of which `p/b` is under
//! another key of the ring, and `keep/z`.

mod cell;
mod copies;
mod plants;
mod table;

use harness::Live;
use libtest_mimic::Trial;

/// None of the live kind: a gateway of the laboratory would add nothing.
pub(crate) fn tests() -> Vec<Live> {
    Vec::new()
}

/// A trial for each row, and those of copies by the gateway.
pub(crate) fn trials() -> Vec<Trial> {
    let trial = |row: table::Row| {
        harness::alone(format!("adversary::{}", row.name), move || cell::check(row))
    };
    let mut trials: Vec<_> = table::rows().into_iter().map(trial).collect();
    trials.extend(copies::trials());
    trials
}
