//! A second gateway on the data of one of the laboratory's, which a test may kill.

use crate::content::{ScratchDir, scratch_dir};
use crate::lab::{Gateway, lab};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Starting takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process of `radosgw`. It is killed when this is dropped.
pub struct Spare {
    /// The same users and buckets at another port.
    pub gateway: Gateway,
    port: u16,
    process: Option<Child>,
    files: ScratchDir,
}

impl Spare {
    pub async fn of(gateway: &Gateway) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut gateway = gateway.clone();
        gateway.https = format!("https://localhost:{port}");
        let mut spare = Self { gateway, port, process: None, files: scratch_dir() };
        spare.start().await;
        spare
    }

    /// Starts it, again if it was killed, and waits until it takes connections.
    pub async fn start(&mut self) {
        self.kill();
        self.process = Some(self.command().spawn().unwrap());
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.process.as_mut().is_none_or(|one| one.try_wait().unwrap().is_some());
            let messages = || std::fs::read_to_string(self.messages()).unwrap();
            assert!(!ended && Instant::now() < end, "no second gateway: {}", messages());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// As a power failure would: it ends at once, whatever it is doing.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        kill_process_group(Pid::from_child(&process), Signal::KILL).unwrap();
        process.wait().unwrap();
    }

    /// The file of what it says.
    fn messages(&self) -> PathBuf {
        self.files.join("messages")
    }

    fn command(&self) -> Command {
        let lab = lab();
        let frontend = format!(
            "--rgw_frontends=beast ssl_endpoint=127.0.0.1:{} ssl_certificate={} ssl_private_key={}",
            self.port,
            lab.server_cert.display(),
            lab.server_key.display(),
        );
        let log = format!("--log_file={}", self.files.join("rgw.log").display());
        let mut command = Command::new(&lab.xtask);
        command
            .args(["rgw", "run", &self.gateway.version, "radosgw", "-n", "client.rgw", "-f"])
            .args(["--no-mon-config", "--setuser", "", "--setgroup", "", "--admin_socket="])
            .args([frontend, log])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.messages()).unwrap())
            // `xtask` and the gateway below it.
            .process_group(0);
        command
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.kill();
    }
}
