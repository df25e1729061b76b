//! A `tower` layer, for HTTP clients that are services over `http::Request` (hyper-util's, for one).
//!
//! *Given*: the key on every request that goes through, and the rules of the [`Guard`] on the way down
//! and on the way up.
//!
//! *Not given*: a signature. Put the layer **above** the service that signs, so that the key headers
//! are covered. Put nothing below it that follows redirects: the layer would see only the last answer.

use crate::guard::{Guard, Refused};
use http::{Request, Response};
use s3_ssec_core::headers::TargetKeyHeaders;
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// A request failed below the layer, or was refused by it.
#[derive(Debug)]
pub enum KeyedError<E> {
    /// It was not sent, or its answer is not believed.
    Refused(Refused),
    /// As the service below says.
    Below(E),
}

impl<E: fmt::Display> fmt::Display for KeyedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyedError::Refused(refused) => refused.fmt(f),
            KeyedError::Below(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for KeyedError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            KeyedError::Refused(refused) => Some(refused),
            KeyedError::Below(error) => Some(error),
        }
    }
}

/// Puts one key on every request, and guards them.
#[derive(Clone)]
pub struct KeyLayer(Arc<TargetKeyHeaders>);

impl KeyLayer {
    /// With this key, on every request that goes through.
    pub fn new(key: TargetKeyHeaders) -> Self {
        Self(Arc::new(key))
    }
}

impl fmt::Debug for KeyLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLayer(..)")
    }
}

impl<S> Layer<S> for KeyLayer {
    type Service = Keyed<S>;

    fn layer(&self, below: S) -> Keyed<S> {
        Keyed { below, key: Arc::clone(&self.0) }
    }
}

/// The service that [`KeyLayer`] makes.
#[derive(Clone)]
pub struct Keyed<S> {
    below: S,
    key: Arc<TargetKeyHeaders>,
}

impl<S> fmt::Debug for Keyed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(..)")
    }
}

impl<S, Sent, Got> Service<Request<Sent>> for Keyed<S>
where
    S: Service<Request<Sent>, Response = Response<Got>>,
    S::Future: Send + 'static,
{
    type Response = Response<Got>;
    type Error = KeyedError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Got>, KeyedError<S::Error>>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.below.poll_ready(context).map_err(KeyedError::Below)
    }

    fn call(&mut self, mut request: Request<Sent>) -> Self::Future {
        self.key.apply(request.headers_mut());
        let guard = match Guard::before(request.method(), request.uri(), request.headers()) {
            Ok(guard) => guard,
            Err(refused) => return Box::pin(async { Err(KeyedError::Refused(refused)) }),
        };
        let answer = self.below.call(request);
        Box::pin(async move {
            let answer = answer.await.map_err(KeyedError::Below)?;
            let proof = guard.after(answer.status(), answer.headers());
            proof.map(|_| answer).map_err(KeyedError::Refused)
        })
    }
}
