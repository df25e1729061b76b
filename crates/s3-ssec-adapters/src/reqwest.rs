//! For programs that talk HTTP through `reqwest`.
//!
//! *Given*: each request its own key, values marked sensitive, no plain HTTP, no redirect, and a
//! confirmation of the key on every answer that has one ([`send`]).
//!
//! *Not given*: a signature. It covers the key headers, so they have to be there before it is made:
//! take a presigned request (`s3_ssec::Client::presign_get`, `presign_put`) and [`presigned`], or a
//! signer of your own after [`SseCustomer::sse_customer`]. Contents are not verified.

use crate::guard::{Guard, Refused};
use ::reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use ::reqwest::{Client, ClientBuilder, Request, RequestBuilder, Response, Url, redirect};
use http::Uri;
use s3_ssec_core::echo::EchoVerified;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::request::SignedRequest;

/// A request of reqwest's failed, or was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// It was not sent, or its answer is not believed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// As reqwest says.
    #[error(transparent)]
    Http(#[from] ::reqwest::Error),
    /// The address or a header of a signed request is not one for reqwest.
    #[error("the signed request is not one that can be sent: {0}")]
    Unfit(String),
}

/// The beginning of a client that is safe with keys: HTTPS only, and no redirect is followed, for the
/// headers of a request go along with it.
pub fn client_builder() -> ClientBuilder {
    Client::builder().https_only(true).redirect(redirect::Policy::none())
}

mod sealed {
    #[allow(unnameable_types, reason = "that nobody else can name it is what seals")]
    pub trait Builder {}
    impl Builder for ::reqwest::RequestBuilder {}
}

/// `.sse_customer(&key)` on reqwest's builder.
pub trait SseCustomer: sealed::Builder {
    /// Sets the three headers, marked sensitive: reqwest's `Debug` does not print them. Sign after
    /// this, and send with [`send`].
    #[must_use]
    fn sse_customer(self, key: &TargetKeyHeaders) -> Self;
}

impl SseCustomer for RequestBuilder {
    fn sse_customer(self, key: &TargetKeyHeaders) -> Self {
        let mut headers = HeaderMap::new();
        key.apply(&mut headers);
        self.headers(headers)
    }
}

/// A request of reqwest's with everything that a signed one holds, and no body.
pub fn presigned(request: SignedRequest) -> Result<Request, SendError> {
    let unfit = |error: &dyn std::fmt::Display| SendError::Unfit(error.to_string());
    let (method, address, headers) = request.into_parts();
    let address = Url::parse(&address).map_err(|error| unfit(&error))?;
    let mut request = Request::new(method, address);
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unfit(&error))?;
        let mut value = HeaderValue::from_str(&value).map_err(|error| unfit(&error))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// Sends a request, and gives its answer only if it confirms the key that was sent.
///
/// The proof is `None` where there was nothing to confirm: see [`Guard::after`]. An error status of
/// the gateway's is an answer like others. An error after a write means that the object may stand in
/// the clear.
pub async fn send(
    client: &Client,
    request: Request,
) -> Result<(Response, Option<EchoVerified>), SendError> {
    let address: Uri = request.url().as_str().parse().unwrap_or_default();
    let guard = Guard::before(request.method(), &address, request.headers())?;
    // A client that follows redirects has taken the key along by the time its answer is here.
    let asked = request.url().clone();
    let answer = client.execute(request).await?;
    let followed = *answer.url() != asked;
    let proof = match followed {
        true => guard.after(http::StatusCode::FOUND, answer.headers())?,
        false => guard.after(answer.status(), answer.headers())?,
    };
    Ok((answer, proof))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
    use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
    use s3_ssec_core::key::CustomerKey;
    use s3_ssec_core::names::S3Address;
    use s3_ssec_core::request::{Place, UnsignedRequest};
    use s3_ssec_core::sigv4::{Lifetime, Signer};
    use s3_ssec_core::timestamp::Timestamp;

    fn key() -> TargetKeyHeaders {
        TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32]).unwrap())
    }

    /// One that trusts nobody: nothing here gets as far as a connection.
    fn client() -> Client {
        client_builder().tls_certs_only([]).build().unwrap()
    }

    #[test]
    fn the_three_headers_are_set_and_not_printed() {
        let request = client().get("https://gateway/b/k").sse_customer(&key()).build().unwrap();
        for (name, value) in key().pairs() {
            assert_eq!(request.headers()[name], value);
        }
        assert!(!format!("{request:?}").contains(key().expose_key_base64()));
    }

    #[test]
    fn a_presigned_request_keeps_its_headers() {
        let gateway = Endpoint::parse("https://gateway.example.org", PlainHttp::Refuse).unwrap();
        let name = S3Address::parse("s3://bucket/a b").unwrap().object().unwrap();
        let get = UnsignedRequest::new(Method::GET, &gateway, Place::Object(&name)).unwrap();
        let secret = SecretAccessKey::from_bytes(b"secret").unwrap();
        let credentials = Credentials::new("access", secret, None).unwrap();
        let mut signer = Signer::new(credentials, "us-east-1").unwrap();
        let (now, hour) = (Timestamp::from_unix_seconds(1), Lifetime::from_seconds(3600).unwrap());
        let link = signer.presign(get.key(&key()), now, hour);
        let request = presigned(link.request).unwrap();
        assert!(request.url().as_str().contains("/bucket/a%20b?"), "{}", request.url());
        assert_eq!(request.headers().len(), 3);
        assert!(request.headers().values().all(HeaderValue::is_sensitive));
    }

    #[tokio::test]
    async fn without_tls_nothing_is_sent() {
        let request = Client::builder().tls_certs_only([]).build().unwrap();
        let request = request.get("http://127.0.0.1:1/b/k").sse_customer(&key()).build().unwrap();
        let refused = send(&client(), request).await.map(drop).unwrap_err();
        assert!(matches!(refused, SendError::Refused(Refused::PlainHttp(_))), "{refused}");
    }
}
