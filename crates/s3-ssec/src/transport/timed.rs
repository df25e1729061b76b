//! A limit on the making of a connection: TCP, proxy and TLS together.
//!
//! The limit on TCP alone does not see a listener that accepts and then says nothing.

use hyper::Uri;
use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;

/// A connector that gives up.
#[derive(Clone)]
pub(crate) struct Timed<C> {
    inner: C,
    limit: Duration,
}

impl<C> Timed<C> {
    pub(crate) fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Future: Send + 'static,
    C::Response: 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, gateway: Uri) -> Self::Future {
        let (connect, limit) = (self.inner.call(gateway), self.limit);
        Box::pin(async move {
            let connected = tokio::time::timeout(limit, connect).await;
            connected.unwrap_or_else(|_| {
                let what = format!("no connection stood within {} s", limit.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, what).into())
            })
        })
    }
}
