//! A TCP relay in front of a gateway. TLS goes through it unread, so it knows nothing of requests:
//! it counts bytes, and breaks, holds or delays the connection at a chosen one.

use crate::lab::Gateway;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Where bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the gateway.
    Up,
    /// From the gateway to the client.
    Down,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Both sides get a reset.
    Reset,
    /// Both sides see the end, as if the other one had closed.
    Close,
    /// Nothing moves any more, and nobody is told.
    Stall,
    /// Nothing moves in this direction for a while.
    Delay(Duration),
    /// The gateway is gone: all connections end, and no new one is taken until it is up again.
    Outage,
}

/// How often it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    Once,
    /// To every connection, until the link is healed.
    Always,
}

/// A fault that waits for its byte.
#[derive(Clone, Copy, Debug)]
pub struct Trap {
    pub way: Way,
    /// Bytes that pass in this direction, on all connections from now on, before it happens.
    pub after: u64,
    pub fault: Fault,
    pub times: Times,
}

/// A relay that runs until it is dropped.
pub struct Link {
    /// `https://localhost:port`, with the gateway's own certificate behind it.
    pub endpoint: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    gateway: String,
    address: SocketAddr,
    traffic: Mutex<Traffic>,
    /// How often a trap has closed on a connection.
    sprung: watch::Sender<u64>,
    /// False during an outage.
    up: watch::Sender<bool>,
}

#[derive(Default)]
struct Traffic {
    up: u64,
    down: u64,
    /// Its byte counted from the beginning of all traffic.
    trap: Option<Trap>,
}

impl Traffic {
    fn passed(&mut self, way: Way) -> &mut u64 {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// Of `length` bytes, how many pass, and what happens after them.
    fn pass(&mut self, way: Way, length: usize) -> (usize, Option<Fault>) {
        let passed = *self.passed(way);
        let trap = self.trap.filter(|trap| trap.way == way);
        let caught = trap.filter(|trap| passed + length as u64 > trap.after);
        let allowed = caught.map_or(length, |trap| {
            usize::try_from(trap.after.saturating_sub(passed)).unwrap_or(length)
        });
        *self.passed(way) += allowed as u64;
        if caught.is_some_and(|trap| trap.times == Times::Once) {
            self.trap = None;
        }
        (allowed, caught.map(|trap| trap.fault))
    }
}

impl Link {
    pub async fn new(gateway: &Gateway) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let authority = gateway.https.strip_prefix("https://").unwrap().trim_end_matches('/');
        let state = Arc::new(State {
            gateway: authority.to_owned(),
            address,
            traffic: Mutex::default(),
            sprung: watch::Sender::new(0),
            up: watch::Sender::new(true),
        });
        let task = tokio::spawn(Arc::clone(&state).serve(listener));
        let endpoint = format!("https://localhost:{}", address.port());
        Self { endpoint, state, task }
    }

    /// Sets a trap, in place of the one that was there.
    pub fn set(&self, trap: Trap) {
        let mut traffic = self.state.traffic.lock().unwrap();
        let after = *traffic.passed(trap.way) + trap.after;
        traffic.trap = Some(Trap { after, ..trap });
        self.state.sprung.send_replace(0);
    }

    /// Waits until the trap has closed.
    pub async fn sprung(&self) {
        let mut sprung = self.state.sprung.subscribe();
        let closed = sprung.wait_for(|times| *times > 0);
        tokio::time::timeout(Duration::from_secs(60), closed).await.expect("it closes").unwrap();
    }

    /// True if the trap has closed.
    pub fn has_sprung(&self) -> bool {
        *self.state.sprung.borrow() > 0
    }

    /// Takes the trap away, and ends an outage.
    pub fn heal(&self) {
        self.state.traffic.lock().unwrap().trap = None;
        self.state.up.send_replace(true);
    }

    /// Bytes that have passed in this direction.
    pub fn passed(&self, way: Way) -> u64 {
        *self.state.traffic.lock().unwrap().passed(way)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut listener = Some(listener);
        loop {
            let open = match listener.take() {
                Some(open) => open,
                None => TcpListener::bind(self.address).await.unwrap(),
            };
            let mut connections = JoinSet::new();
            let mut up = self.up.subscribe();
            loop {
                tokio::select! {
                    accepted = open.accept() => {
                        connections.spawn(Arc::clone(&self).connection(accepted.unwrap().0));
                    }
                    _ = up.wait_for(|up| !up) => break,
                }
            }
            drop((open, connections));
            let _ = up.wait_for(|up| *up).await;
        }
    }

    async fn connection(self: Arc<Self>, mut client: TcpStream) {
        let Ok(mut gateway) = TcpStream::connect(&self.gateway).await else { return };
        for stream in [&client, &gateway] {
            stream.set_nodelay(true).unwrap();
        }
        let ((mut from_client, mut to_client), (mut from_gateway, mut to_gateway)) =
            (client.split(), gateway.split());
        let fault = tokio::select! {
            fault = self.pump(Way::Up, &mut from_client, &mut to_gateway) => fault,
            fault = self.pump(Way::Down, &mut from_gateway, &mut to_client) => fault,
        };
        match fault {
            Some(Fault::Reset) => {
                for stream in [&client, &gateway] {
                    stream.set_zero_linger().unwrap();
                }
            }
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Outage) => drop(self.up.send_replace(false)),
            _ => {}
        }
    }

    /// Carries bytes until an end, or until a fault ends the connection.
    async fn pump(
        &self,
        way: Way,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Option<Fault> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = from.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
            let (allowed, fault) = self.traffic.lock().unwrap().pass(way, length);
            to.write_all(&buffer[..allowed]).await.ok()?;
            match fault {
                None => {}
                Some(Fault::Delay(time)) => {
                    self.sprung.send_modify(|times| *times += 1);
                    tokio::time::sleep(time).await;
                    self.traffic.lock().unwrap().pass(way, length - allowed);
                    to.write_all(&buffer[allowed..length]).await.ok()?;
                }
                Some(fault) => {
                    self.sprung.send_modify(|times| *times += 1);
                    return Some(fault);
                }
            }
        }
    }
}
