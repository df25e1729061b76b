//! Opens connections: straight to the gateway, or by CONNECT through the proxy that the
//! environment names.
//!
//! Proxies are used for `https` only, where they see nothing but the gateway's name.

use super::stream::GatewayStream;
use super::{Acknowledge, Timeouts};
use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone)]
pub(crate) struct TcpConnector {
    tcp: HttpConnector,
    proxies: Arc<Matcher>,
    timeouts: Timeouts,
    acknowledge: Acknowledge,
}

impl TcpConnector {
    pub(crate) fn new(timeouts: Timeouts, acknowledge: Acknowledge) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(timeouts.connect));
        Self { tcp, proxies: Arc::new(Matcher::from_env()), timeouts, acknowledge }
    }

    async fn open(mut self, gateway: Uri) -> Result<GatewayStream, BoxError> {
        let proxy = match gateway.scheme_str() {
            Some("https") => self.proxies.intercept(&gateway),
            _ => None,
        };
        let Some(proxy) = proxy else {
            let stream = self.tcp.call(gateway.clone()).await?;
            if gateway.scheme_str() == Some("http") && !is_here(stream.inner().peer_addr()) {
                return Err(Box::new(NotHere));
            }
            return Ok(GatewayStream::new(stream, self.timeouts, self.acknowledge));
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.tcp);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let open = tokio::time::timeout(self.timeouts.connect, tunnel.call(gateway));
        let stream = open.await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, "the proxy opened no way to the gateway")
        })??;
        Ok(GatewayStream::new(stream, self.timeouts, self.acknowledge))
    }
}

/// Only this very machine is spoken to without TLS. A name below `localhost` is no proof: a resolver
/// may send it anywhere.
#[derive(Debug, thiserror::Error)]
#[error("without TLS only this machine is spoken to, and the name of the gateway leads elsewhere")]
pub(crate) struct NotHere;

fn is_here(peer: io::Result<SocketAddr>) -> bool {
    peer.is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
}

impl Service<Uri> for TcpConnector {
    type Response = GatewayStream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<GatewayStream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, gateway: Uri) -> Self::Future {
        Box::pin(self.clone().open(gateway))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_here() {
        for (peer, here) in [
            ("127.0.0.1:80", true),
            ("127.9.9.9:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("192.0.2.2:80", false),
            ("[::ffff:192.0.2.2]:80", false),
        ] {
            assert_eq!(is_here(Ok(peer.parse().unwrap())), here, "{peer}");
        }
        assert!(!is_here(Err(io::ErrorKind::NotConnected.into())));
    }
}
