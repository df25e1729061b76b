//! A gateway that lies: a small server of S3 in this process, honest until a test picks a [`Lie`].
//!
//! It keeps what it was sent in memory, so a test can compare what is stored after a command with what
//! was stored before. Customer keys are checked as RGW checks them; contents are kept as they came.

mod answers;
mod bucket;
mod lies;
mod store;
mod write;
mod xml;

pub use lies::Lie;
pub use store::{CustomerKey, Object, Store};

use crate::lab::Gateway;
use crate::proxy::{Asked, Deed, Proxy};
use answers::Answer;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The one bucket it has.
pub const BUCKET: &str = "adversary";

/// Runs until it is dropped.
pub struct Adversary {
    state: Arc<Mutex<State>>,
    /// TLS in front of it.
    pub proxy: Proxy,
    task: JoinHandle<()>,
}

struct State {
    store: Store,
    lie: Lie,
}

impl Adversary {
    /// Honest, and empty.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { store: Store::default(), lie: Lie::None }));
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        let proxy = Proxy::before(address, |_| Deed::Pass).await;
        Self { state, proxy, task }
    }

    /// From now on it lies like this; what is stored stays.
    pub fn lie(&self, lie: Lie) {
        self.lock().lie = lie;
    }

    /// A copy of all that is stored.
    pub fn stored(&self) -> Store {
        self.lock().store.clone()
    }

    /// Puts this in the place of all that is stored.
    pub fn restore(&self, store: Store) {
        self.lock().store = store;
    }

    /// Described as a gateway of the laboratory.
    pub fn gateway(&self) -> Gateway {
        Gateway::own("adversary", &self.proxy.endpoint)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Adversary {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    // Dropped with the server, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, state: Arc<Mutex<State>>) {
    stream.set_nodelay(true).unwrap();
    let service = hyper::service::service_fn(|request| answer(request, &state));
    let server = hyper::server::conn::http1::Builder::new();
    // A cut answer is an error here, and one of the lies.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: &Mutex<State>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
    };
    let answer: Option<Answer> = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let lie = state.lie;
        lie.answer(&mut state.store, &asked, body)
    };
    answer.map(Answer::into_response).ok_or_else(|| "the connection ends here".into())
}
