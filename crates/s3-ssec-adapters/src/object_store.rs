//! For Apache `object_store`, and all that reads and writes through it (DataFusion, Delta, Polars...).
//!
//! Two ways. `SsecStore` (feature `store`) gives every object a key of its own, with proof, record and
//! verified contents, on the native client of `s3-ssec`. [`with_customer_key`] puts one direct key
//! under the S3 store of `object_store` itself; of that way the rest of this page speaks.
//!
//! *Given*: one key for everything that goes through a store. The [`Guarded`] connector under it sends
//! no key without TLS, follows no redirect, and fails every read and write whose answer does not
//! confirm the key.
//!
//! *Not given*: a key per object. The store signs above the connector, where no object's name is seen,
//! so all objects share the key, with the limits that the crate's page names. No record, no verified
//! contents, and a write that is not confirmed is not taken back. A direct key is what `s3_ssec` reads
//! and writes in the same bucket, too.
//!
//! The store's builder holds the key as text: do not log builders.

#[cfg(feature = "store")]
mod store;

#[cfg(feature = "store")]
pub use store::SsecStore;

use crate::guard::Guard;
use crate::reqwest::client_builder;
use ::object_store::Error;
use ::object_store::aws::AmazonS3Builder;
use ::object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};
use async_trait::async_trait;
use http::HeaderMap;
use s3_ssec_core::headers::TargetKeyHeaders;

/// Sets the customer key, refuses plain HTTP, and puts a [`Guarded`] connector under the store.
///
/// `client` is the HTTP client to use: begin it with [`client_builder`]. The `ClientOptions` of the
/// builder are replaced, and their certificates, proxies and time-outs would not reach it. They carry
/// the key a second time, so that CompleteMultipartUpload has it, too: RGW 20.2.4 and buckets that
/// require a key refuse it otherwise (measured).
pub fn with_customer_key(
    builder: AmazonS3Builder,
    key: &TargetKeyHeaders,
    client: ::reqwest::Client,
) -> AmazonS3Builder {
    let mut headers = HeaderMap::new();
    key.apply(&mut headers);
    builder
        .with_client_options(ClientOptions::new().with_default_headers(headers))
        .with_ssec_encryption(key.expose_key_base64())
        .with_allow_http(false)
        .with_http_connector(Guarded(client))
}

/// A connector that applies the [`Guard`] to every request.
#[derive(Clone, Debug)]
pub struct Guarded(::reqwest::Client);

impl Guarded {
    /// Through a client with the settings of [`client_builder`] and nothing more.
    pub fn new() -> Result<Self, ::reqwest::Error> {
        client_builder().build().map(Self)
    }

    /// Through this client. One that follows redirects is not safe: see [`client_builder`].
    pub fn through(client: ::reqwest::Client) -> Self {
        Self(client)
    }
}

impl HttpConnector for Guarded {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient, Error> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // Unknown is a kind that object_store does not try again.
        let refused = |error| HttpError::new(HttpErrorKind::Unknown, error);
        let guard = Guard::before(request.method(), request.uri(), request.headers());
        let guard = guard.map_err(refused)?;
        let answer = HttpService::call(&self.0, request).await?;
        guard.after(answer.status(), answer.headers()).map_err(refused)?;
        Ok(answer)
    }
}
