//! A TLS handshake by itself: which version was agreed on, and how long the certificate lasts.

use super::Transport;
use crate::call::{Broken, broken};
use hyper::Uri;
use hyper_rustls::MaybeHttpsStream;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use tower_service::Service as _;

const DAY: u64 = 86_400;
/// Farther ahead nobody looks.
const HORIZON: u64 = 400;

/// What a handshake showed. The certificate was verified, or there would be none.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    /// Such as `TLSv1_3`; `None` without TLS.
    pub(crate) version: Option<String>,
    /// Certificates that the gateway sent.
    pub(crate) chain: usize,
    /// Whole days for which the chain is still accepted, at most 400; `None` if that is not known.
    pub(crate) days_left: Option<u64>,
}

impl Transport {
    /// Opens a connection to `gateway` and looks at its TLS. Sends no request.
    pub(crate) async fn handshake(&self, gateway: &str, now: u64) -> Result<Handshake, Broken> {
        let address: Uri = gateway.parse().map_err(|error| broken(&error))?;
        let host = address.host().unwrap_or_default().to_owned();
        let stream = self.https.clone().call(address).await.map_err(|error| broken(&*error))?;
        let MaybeHttpsStream::Https(stream) = stream else {
            return Ok(Handshake { version: None, chain: 0, days_left: None });
        };
        let (_, session) = stream.inner().get_ref();
        let version = session.protocol_version().and_then(|version| version.as_str());
        let chain = session.peer_certificates().unwrap_or_default();
        let days_left = self.days_left(&host, chain, now);
        Ok(Handshake { version: version.map(str::to_owned), chain: chain.len(), days_left })
    }

    /// The last day on which the verifier would still accept the chain, found by halving.
    fn days_left(&self, host: &str, chain: &[CertificateDer<'_>], now: u64) -> Option<u64> {
        let (end_entity, intermediates) = chain.split_first()?;
        let name = ServerName::try_from(host.trim_matches(['[', ']'])).ok()?;
        let provider = Arc::clone(self.tls.crypto_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), provider);
        let verifier = verifier.build().ok()?;
        let accepted = |days: u64| {
            let then = UnixTime::since_unix_epoch(Duration::from_secs(now + days * DAY));
            verifier.verify_server_cert(end_entity, intermediates, &name, &[], then).is_ok()
        };
        if !accepted(0) {
            return None;
        }
        let (mut good, mut bad) = (0, HORIZON + 1);
        while bad - good > 1 {
            let middle = (good + bad) / 2;
            if accepted(middle) { good = middle } else { bad = middle }
        }
        Some(good)
    }
}
