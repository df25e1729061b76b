//! A server that answers by a table: any bytes at all, and without an end where a test wants that.

use super::Asked;
use crate::lab::lab;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The answer of the server.
#[derive(Clone, Debug)]
pub enum Says {
    /// These bytes, head and body.
    All(Vec<u8>),
    /// These bytes, and then others again and again, with a pause before each.
    Endless(Vec<u8>, Vec<u8>, Duration),
}

/// A server that runs until it is dropped.
pub struct Evil {
    /// `https://localhost:port`.
    pub endpoint: String,
    task: JoinHandle<()>,
}

impl Evil {
    pub async fn start(rule: impl Fn(&Asked) -> Says + Send + Sync + 'static) -> Self {
        let (chain, key) = super::identity(&lab().server_cert, &lab().server_key);
        let config = rustls::ServerConfig::builder_with_provider(super::wire::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let (acceptor, rule) = (TlsAcceptor::from(Arc::new(config)), Arc::new(rule));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, rule) = (acceptor.clone(), Arc::clone(&rule));
                // A client that goes away in the middle is what a test waits for.
                tokio::spawn(async move { drop(serve(acceptor, stream, &*rule).await) });
            }
        });
        Self { endpoint, task }
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    rule: &(impl Fn(&Asked) -> Says + Send + Sync),
) -> io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut received = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&received, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let asked = parse(&String::from_utf8_lossy(&received[..end]));
        let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
        while received.len() < end + length {
            stream.read_buf(&mut received).await?;
        }
        received.drain(..end + length);
        match rule(&asked) {
            Says::All(bytes) => stream.write_all(&bytes).await?,
            Says::Endless(first, again, pause) => {
                stream.write_all(&first).await?;
                loop {
                    tokio::time::sleep(pause).await;
                    stream.write_all(&again).await?;
                }
            }
        }
    }
}

fn parse(head: &str) -> Asked {
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let [method, path, query] = [method, path, query].map(str::to_owned);
    Asked { method, path, query, headers }
}
