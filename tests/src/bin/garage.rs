//! Garage behind TLS, for a person or a program that tries commands on it.
//!
//! It finds the laboratory as the live tests do, prints its endpoint, and ends with its standard input.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of the tests: its failure is a failed run"
)]

use tokio::io::AsyncReadExt as _;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let garage = harness::Garage::start().await;
    println!("{}", garage.proxy.endpoint);
    // Its end is as good as a byte.
    let _ = tokio::io::stdin().read_u8().await;
}
