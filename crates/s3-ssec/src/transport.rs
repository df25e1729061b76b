//! The HTTPS client under the SDK.
//!
//! Own, for four reasons: trust comes from `AWS_CA_BUNDLE` where one is set; a silent gateway ends
//! in an error and never hangs us (module [`stream`]); small answers take 1 ms instead of 44
//! (same place); and no redirect is ever followed with a key, because nothing here follows any.

mod handshake;
mod head;
mod stream;
mod tcp;
mod timed;
mod trust;

use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) use head::TooSlow;
pub(crate) use tcp::NotHere;
pub(crate) use trust::Trust;
pub use trust::TrustError;

/// How long nothing may happen on a connection before it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until TCP and TLS stand.
    pub connect: Duration,
    /// Between two bytes in either direction, while an answer is awaited. An answer that comes with
    /// less than 1 KiB a second over this time is given up too.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(60) }
    }
}

/// When the kernel acknowledges the beginning of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    /// At once, which takes small answers from 44 ms to 1 ms.
    AtOnce,
    /// When it likes, as under every other client.
    InItsTime,
}

/// An HTTP client for the SDK, sharing one pool of connections.
#[derive(Clone)]
pub(crate) struct Transport {
    connector: SharedHttpConnector,
    https: Https,
    tls: rustls::ClientConfig,
    roots: Arc<rustls::RootCertStore>,
    timeouts: Timeouts,
}

impl Transport {
    /// Builds the client: trusts what `trust` says, gives up after `timeouts`.
    pub(crate) fn new(trust: &Trust, timeouts: Timeouts) -> Result<Self, TrustError> {
        let roots = Arc::new(trust.roots()?);
        let tls = trust::client_config(Arc::clone(&roots))?;
        Ok(Self::with(tls, roots, timeouts, Acknowledge::AtOnce))
    }

    fn with(
        tls: rustls::ClientConfig,
        roots: Arc<rustls::RootCertStore>,
        timeouts: Timeouts,
        acknowledge: Acknowledge,
    ) -> Self {
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp::TcpConnector::new(timeouts, acknowledge));
        let https = timed::Timed::new(https, timeouts.connect);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // RGW closes an idle connection after 65 s (measured on 16.2, 18.2 and 20.2).
            .pool_idle_timeout(Duration::from_secs(50))
            .build(https.clone());
        let connector = SharedHttpConnector::new(Connector { client, timeouts });
        Self { connector, https, tls, roots, timeouts }
    }

    /// A client with connections of its own, on which the kernel acknowledges when it likes: what
    /// other programs see of the gateway.
    pub(crate) fn as_others_have_it(&self) -> Self {
        let (tls, roots) = (self.tls.clone(), Arc::clone(&self.roots));
        Self::with(tls, roots, self.timeouts, Acknowledge::InItsTime)
    }

    /// How long a gateway may be silent.
    pub(crate) fn silence(&self) -> Duration {
        self.timeouts.silence
    }

    /// Sends a request as it is, without the SDK.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        self.connector.call(request).await
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.connector.clone()
    }
}

/// A transport that stands in for one that cannot be built yet: the settings that say whom to trust
/// are themselves loaded by code that wants an HTTP client.
#[derive(Clone, Default)]
pub(crate) struct Later(Arc<OnceLock<Transport>>);

impl Later {
    /// From now on requests go through `transport`.
    pub(crate) fn set(&self, transport: Transport) {
        let _ = self.0.set(transport);
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

impl HttpClient for Later {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Later {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.0.get() {
            Some(transport) => transport.connector.call(request),
            None => {
                let error = "a request before it is known whom to trust";
                HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())))
            }
        }
    }
}

/// Makes connections.
type Https = timed::Timed<HttpsConnector<tcp::TcpConnector>>;

struct Connector {
    client: Client<Https, head::Sending>,
    timeouts: Timeouts,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let attempt = Attempt::of(&request);
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let (request, sent) = head::watched(request);
        let answer = sent.head(self.client.request(request), self.timeouts);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| classify(error, attempt))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Whether the SDK has sent this request before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Later,
}

impl Attempt {
    /// Reads `amz-sdk-request: attempt=2; max=4`, which the SDK puts on every request.
    fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get("amz-sdk-request").unwrap_or_default();
        let first = header.split(';').any(|pair| pair.trim() == "attempt=1");
        if first || header.is_empty() { Attempt::First } else { Attempt::Later }
    }
}

/// Tells the SDK what may be tried again: broken connections, and silence once, so that a gateway
/// that has died is given up after two waits; not bad certificates.
fn classify(error: Box<dyn Error + Send + Sync>, attempt: Attempt) -> ConnectorError {
    // Who is slow now has already taken as long as a person is ready to wait.
    if find::<rustls::Error>(&*error).is_some() || find::<TooSlow>(&*error).is_some() {
        return ConnectorError::other(error, None);
    }
    if silence(&*error).is_some() {
        return match attempt {
            Attempt::First => ConnectorError::timeout(error),
            Attempt::Later => ConnectorError::other(error, None),
        };
    }
    if find::<io::Error>(&*error).is_some() {
        return ConnectorError::io(error);
    }
    // A gateway that goes away between request and answer.
    ConnectorError::other(error, Some(ErrorKind::TransientError))
}

/// True if no connection was made, so that nothing of the request was sent.
pub(crate) fn was_never_connected(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error).is_some_and(|error| error.is_connect())
}

/// Looks for an error of type `E` in the chain.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref::<E>())
}

/// The time-out in the chain, if that is what it was. TLS wraps it in errors of other kinds.
pub(crate) fn silence<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let errors = chain(error).filter_map(|error| error.downcast_ref::<io::Error>());
    // The innermost one has the words.
    errors.filter(|io| io.kind() == io::ErrorKind::TimedOut).last()
}

/// An error and its causes, also those inside `io::Error`, whose `source` skips its own payload.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn cause<'a>(error: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let error = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(payload) => Some(payload),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_found_wherever_it_hides_and_waited_for_twice() {
        let silent = || io::Error::new(io::ErrorKind::TimedOut, "silent for 1 s");
        let wrapped = || Box::new(io::Error::other(io::Error::other(silent())));
        assert_eq!(silence(&*wrapped()).unwrap().to_string(), "silent for 1 s");
        assert!(silence(&io::Error::other("something else")).is_none());
        assert!(classify(wrapped(), Attempt::First).is_timeout());
        let given_up = classify(wrapped(), Attempt::Later);
        assert!(!given_up.is_timeout() && given_up.as_other().is_none());
        assert!(classify(Box::new(io::Error::other("reset")), Attempt::Later).is_io());
    }

    #[test]
    fn the_attempt_stands_in_a_header() {
        let of = |value: Option<&'static str>| {
            let mut request = HttpRequest::empty();
            if let Some(value) = value {
                request.headers_mut().insert("amz-sdk-request", value);
            }
            Attempt::of(&request)
        };
        assert_eq!(of(None), Attempt::First);
        assert_eq!(of(Some("attempt=1; max=4")), Attempt::First);
        assert_eq!(of(Some("attempt=2; max=4")), Attempt::Later);
        assert_eq!(of(Some("ttl=1; attempt=11; max=12")), Attempt::Later);
    }
}
