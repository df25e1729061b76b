//! A server of S3 that has never heard of customer keys: it answers 200 and stores plaintext.
//!
//! Not a stand-in for a gateway, but the thing itself that a toolkit for SSE-C has to notice.

use crate::lab::lab;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Runs until it is dropped.
pub struct Moto {
    /// Without TLS: to be put behind a proxy.
    pub address: SocketAddr,
    _process: Child,
}

impl Moto {
    pub async fn start() -> Self {
        let mut command = Command::new(&lab().python);
        command.args(["-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().expect("Python with moto starts");
        let stderr = process.stderr.take().unwrap();
        let mut lines = BufReader::new(stderr).lines();
        let address = tokio::time::timeout(Duration::from_secs(60), async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, address)) = line.split_once("Running on http://") {
                    return address.trim().parse().unwrap();
                }
            }
            panic!("moto ended at once");
        });
        let address = address.await.expect("moto starts within a minute");
        // Its pipe is emptied for as long as it lives, or it would stop at a full one.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, _process: process }
    }
}
