//! The HTTPS client under the SDK.
//!
//! Own, for four reasons: trust comes from `AWS_CA_BUNDLE` where one is set; a silent gateway ends
//! in an error and never hangs us (module [`stream`]); small answers take 1 ms instead of 44
//! (same place); and no redirect is ever followed with a key, because nothing here follows any.

mod handshake;
mod stream;
mod tcp;
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

pub(crate) use trust::Trust;
pub use trust::TrustError;

/// How long nothing may happen on a connection before it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until TCP and TLS stand.
    pub connect: Duration,
    /// Between two bytes in either direction, while an answer is awaited.
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
    https: HttpsConnector<tcp::TcpConnector>,
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
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // RGW closes an idle connection after 65 s (measured on 16.2, 18.2 and 20.2).
            .pool_idle_timeout(Duration::from_secs(50))
            .build(https.clone());
        let connector = SharedHttpConnector::new(Connector(client));
        Self { connector, https, tls, roots, timeouts }
    }

    /// A client with connections of its own, on which the kernel acknowledges when it likes: what
    /// other programs see of the gateway.
    pub(crate) fn as_others_have_it(&self) -> Self {
        let (tls, roots) = (self.tls.clone(), Arc::clone(&self.roots));
        Self::with(tls, roots, self.timeouts, Acknowledge::InItsTime)
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

struct Connector(Client<HttpsConnector<tcp::TcpConnector>, SdkBody>);

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let answer = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await.map_err(|error| classify(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Tells the SDK what may be tried again: time-outs and broken connections, not bad certificates.
fn classify(error: Box<dyn Error + Send + Sync>) -> ConnectorError {
    if find::<rustls::Error>(&*error).is_some() {
        return ConnectorError::other(error, None);
    }
    if let Some(io) = find::<io::Error>(&*error) {
        return match io.kind() {
            io::ErrorKind::TimedOut => ConnectorError::timeout(error),
            _ => ConnectorError::io(error),
        };
    }
    // A gateway that goes away between request and answer.
    ConnectorError::other(error, Some(ErrorKind::TransientError))
}

/// Looks for an error of type `E` in the chain, also inside `io::Error`, whose `source` skips its
/// own payload.
pub(crate) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let payload = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match payload {
            Some(payload) => Some(payload as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
