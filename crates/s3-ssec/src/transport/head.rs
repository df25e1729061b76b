//! A limit on the head of an answer: a gateway that sends it byte by byte, or one provisional answer
//! after the other, is never silent.

use super::Timeouts;
use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::time::Instant;

type BoxError = Box<dyn Error + Send + Sync>;

/// An answer comes too slowly to wait for its end.
#[derive(Debug, thiserror::Error)]
#[error("{what} in {seconds} s")]
pub(crate) struct TooSlow {
    /// Bytes that came in this time.
    pub(crate) what: &'static str,
    pub(crate) seconds: u64,
}

/// When the last piece of a request's body was taken to be sent.
#[derive(Clone)]
pub(super) struct Sent {
    last: Arc<Mutex<Instant>>,
    has_body: bool,
}

/// A request, and how far it was sent.
pub(super) fn watched(request: http::Request<SdkBody>) -> (http::Request<Sending>, Sent) {
    let has_body = !request.body().is_end_stream() && request.body().size_hint().exact() != Some(0);
    let sent = Sent { last: Arc::new(Mutex::new(Instant::now())), has_body };
    let watch = sent.clone();
    (request.map(|inner| Sending { inner, sent: watch }), sent)
}

impl Sent {
    /// Waits for an answer to begin: no longer than for a silent gateway, connecting included. Behind a
    /// body that was taken, twice as long, because the system may still be sending it.
    pub(super) async fn head<T, E: Into<BoxError>>(
        self,
        answer: impl Future<Output = Result<T, E>>,
        timeouts: Timeouts,
    ) -> Result<T, BoxError> {
        let times = if self.has_body { 2 } else { 1 };
        let limit = timeouts.connect + timeouts.silence * times;
        let mut answer = pin!(answer);
        loop {
            let end = self.last() + limit;
            match tokio::time::timeout_at(end, answer.as_mut()).await {
                Ok(answer) => return answer.map_err(Into::into),
                Err(_) if self.last() + limit > end => {}
                Err(_) => {
                    return Err(TooSlow {
                        what: "its answer did not begin",
                        seconds: limit.as_secs(),
                    }
                    .into());
                }
            }
        }
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of a request under way.
pub(super) struct Sending {
    inner: SdkBody,
    sent: Sent,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        *self.sent.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.inner)
    }
}
