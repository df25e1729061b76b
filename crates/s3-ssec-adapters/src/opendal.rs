//! For Apache OpenDAL.
//!
//! *Given*: one key for everything that goes through an operator. The [`Guarded`] transport under it
//! sends no key without TLS, follows no redirect, and fails every read and write whose answer does not
//! confirm the key.
//!
//! *Not given*: a key per object, records, verified contents; a write that is not confirmed is not
//! taken back. The operator's configuration holds the key as text, for as long as it lives.

use crate::guard::Guard;
use ::opendal::services::S3;
use ::opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport, HttpTransporter};
use ::opendal::{OperationContext, Operator};
use futures_util::{Stream, StreamExt as _};
use http::{Request, Response};
use s3_ssec_core::headers::{AES256, TargetKeyHeaders};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

/// Sets the customer key.
pub fn with_customer_key(service: S3, key: &TargetKeyHeaders) -> S3 {
    service
        .server_side_encryption_customer_algorithm(AES256)
        .server_side_encryption_customer_key(key.expose_key_base64())
        .server_side_encryption_customer_key_md5(&key.key_md5().to_base64())
}

/// Puts a [`Guarded`] transport under an operator. `client` is the HTTP client to use: begin it with
/// [`client_builder`](crate::reqwest::client_builder).
pub fn guarded(operator: Operator, client: ::reqwest::Client) -> Operator {
    let transport = HttpTransporter::new(Guarded(client));
    operator.with_context(OperationContext::new().with_http_transport(transport))
}

/// A transport that applies the [`Guard`] to every request.
#[derive(Clone, Debug)]
pub struct Guarded(::reqwest::Client);

impl HttpTransport for Guarded {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>, Error> {
        let refused = |error| {
            Error::new(ErrorKind::Unexpected, "a request with a customer key was refused")
                .set_source(error)
        };
        let (head, body) = request.into_parts();
        let guard = Guard::before(&head.method, &head.uri, &head.headers);
        let guard = guard.map_err(refused)?;
        let failed = |error: ::reqwest::Error| {
            // The address may hold a signature.
            Error::new(ErrorKind::Unexpected, "the request failed").set_source(error.without_url())
        };
        let request = self.0.request(head.method, head.uri.to_string()).headers(head.headers);
        let request = request.version(head.version).body(body.to_bytes());
        let answer = request.send().await.map_err(failed)?;
        guard.after(answer.status(), answer.headers()).map_err(refused)?;
        let (size, mut response) = (answer.content_length(), Response::builder());
        response = response.status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let pieces =
            answer.bytes_stream().map(move |piece| piece.map(Buffer::from).map_err(failed));
        let body = HttpBody::new(Shared(Mutex::new(pieces.boxed())), size);
        response.body(body).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "the answer is not HTTP").set_source(error)
        })
    }
}

/// A stream that may be shared, because it never is: `HttpBody` asks for `Sync`.
struct Shared<S>(Mutex<S>);

impl<S: Stream + Unpin> Stream for Shared<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let stream = self.get_mut().0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stream.poll_next_unpin(context)
    }
}
