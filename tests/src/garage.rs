//! Garage, an S3 server of other people: it encrypts with customer keys, and knows no tags, no versions
//! and no bucket policies.

use crate::content::{ScratchDir, scratch_dir};
use crate::lab::{Gateway, lab};
use crate::proxy::{Asked, Deed, Proxy};
use std::fs::File;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// Starting takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server with nothing on it, behind TLS. It runs until it is dropped.
pub struct Garage {
    pub proxy: Proxy,
    _process: Child,
    _files: ScratchDir,
}

impl Garage {
    pub async fn start() -> Self {
        Self::behind(|_| Deed::Pass).await
    }

    /// Behind a proxy that does this with each request.
    pub async fn behind(rule: impl Fn(&Asked) -> Deed + Send + Sync + 'static) -> Self {
        let files = scratch_dir();
        let [api, rpc] = [free_address().await, free_address().await];
        files.file("garage.toml", configuration(&files, api, rpc).as_bytes());
        let mut process = command(&files).spawn().expect("Garage starts");
        let started = tokio::time::timeout(PATIENCE, async {
            while TcpStream::connect(api).await.is_err() {
                let messages = || std::fs::read_to_string(files.join("messages")).unwrap();
                assert!(process.try_wait().unwrap().is_none(), "Garage ended: {}", messages());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        started.await.expect("Garage starts within a minute");
        Self { proxy: Proxy::before(api, rule).await, _process: process, _files: files }
    }

    /// Described as a gateway of the laboratory.
    pub fn gateway(&self) -> Gateway {
        Gateway::own("garage", &self.proxy.endpoint)
    }
}

/// A port that was free a moment ago.
async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn configuration(files: &ScratchDir, api: SocketAddr, rpc: SocketAddr) -> String {
    let files = files.path().display();
    format!(
        "metadata_dir = \"{files}/metadata\"
data_dir = \"{files}/data\"
db_engine = \"sqlite\"
replication_factor = 1
compression_level = \"none\"
rpc_bind_addr = \"{rpc}\"
rpc_public_addr = \"{rpc}\"
rpc_secret = \"{}\"
[s3_api]
api_bind_addr = \"{api}\"
s3_region = \"us-east-1\"
",
        "0".repeat(64)
    )
}

fn command(files: &ScratchDir) -> Command {
    let program = lab().garage.as_ref().expect("no Garage: `cargo xtask test` builds it");
    let messages = File::create(files.join("messages")).unwrap();
    let gateway = &lab().gateways[0];
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(files.join("garage.toml"))
        .args(["server", "--single-node", "--default-access-key"])
        .env("GARAGE_DEFAULT_ACCESS_KEY", &gateway.access_key)
        .env("GARAGE_DEFAULT_SECRET_KEY", &gateway.secret_key)
        .stdin(Stdio::null())
        .stdout(messages.try_clone().unwrap())
        .stderr(messages)
        .kill_on_drop(true);
    command
}
