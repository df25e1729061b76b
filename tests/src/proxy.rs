//! A TLS proxy in front of a gateway: it records what is asked, and lies when a test wants it to.
//!
//! It ends TLS with the laboratory's certificate and passes requests on as they are, with the `Host`
//! they came with, so signatures stay good. What it does with each request a rule decides.

pub mod evil;
pub mod garble;
pub mod link;
mod wire;

use crate::lab::{Gateway, lab};
use hyper::header::HeaderMap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Prefix of the headers that carry a customer key.
pub const CUSTOMER: &str = "x-amz-server-side-encryption-customer-";

/// One request as the proxy saw it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path as it was sent, still escaped.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
}

impl Asked {
    /// The three headers of a customer key that are on it, by the end of their names.
    pub fn key_headers(&self) -> Vec<&str> {
        let names = self.headers.keys().filter_map(|name| name.as_str().strip_prefix(CUSTOMER));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The MD5 of the key that it carries.
    pub fn key_md5(&self) -> Option<&str> {
        self.header("x-amz-server-side-encryption-customer-key-md5")
    }

    fn parameter(&self, name: &str) -> bool {
        self.query.split('&').any(|pair| pair.split('=').next() == Some(name))
    }

    /// The S3 operation, as the reference names it.
    pub fn operation(&self) -> &'static str {
        let path = self.path.trim_matches('/');
        let subresources =
            ["uploads", "uploadId", "partNumber", "tagging", "acl", "policy", "versioning"];
        let [uploads, upload_id, part, tagging, acl, policy, versioning] =
            subresources.map(|name| self.parameter(name));
        match (self.method.as_str(), path.contains('/')) {
            _ if policy || versioning => "bucket setting",
            ("PUT", _) if tagging => "PutObjectTagging",
            ("GET", _) if tagging => "GetObjectTagging",
            ("PUT", true) if acl => "PutObjectAcl",
            ("GET", true) if acl => "GetObjectAcl",
            ("GET", _) if uploads => "ListMultipartUploads",
            ("POST", true) if uploads => "CreateMultipartUpload",
            ("PUT", true) if part => "UploadPart",
            ("POST", true) if upload_id => "CompleteMultipartUpload",
            ("DELETE", true) if upload_id => "AbortMultipartUpload",
            ("GET", true) if upload_id => "ListParts",
            ("PUT", true) if self.header("x-amz-copy-source").is_some() => "CopyObject",
            ("PUT", true) => "PutObject",
            ("GET", true) => "GetObject",
            ("HEAD", true) => "HeadObject",
            ("DELETE", true) => "DeleteObject",
            ("GET", false) => "ListObjects",
            _ => "other",
        }
    }

    /// True for a write on a scratch object.
    pub fn is_trial(&self) -> bool {
        self.path.contains(s3_ssec::TRIAL_PREFIX)
    }

    /// The object's key, unescaped; empty for requests to a bucket.
    pub fn object(&self) -> String {
        let path = self.path.trim_start_matches('/');
        let key = path.split_once('/').map_or("", |(_, key)| key);
        percent_encoding::percent_decode_str(key).decode_utf8().unwrap().into_owned()
    }
}

/// What the proxy does with a request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Passes request and answer on.
    Pass,
    /// Passes the request on, and takes the echo of the key out of the answer.
    StripEcho,
    /// Passes the request on, and forges the echo into the answer.
    ForgeEcho,
    /// Passes the request on, and refuses an object that is there as one that needs a customer key.
    ForgeNeed,
    /// Answers itself, after it has read the request: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Passes the request on, and answers it with this status and these headers, whose values are bytes.
    Instead(u16, Vec<(String, Vec<u8>)>),
    /// Passes the request on, and closes the connection in the place of an answer.
    HangUp,
    /// Passes the request on, and adds a header to the answer.
    Add(&'static str, String),
    /// Keeps the body of the request here, and answers 204 itself.
    Keep(Arc<Mutex<Option<String>>>),
    /// Passes the request on, and ends the body of the answer after so many bytes.
    Truncate(u64),
    /// Passes the request on, and stops for ever after so many bytes of the answer's body.
    Stall(u64),
    /// Takes the request, and says nothing, ever.
    Silence,
    /// Passes the request on, takes the whole answer, tells so here, and says nothing, ever.
    Swallow(Arc<Notify>),
    /// Passes the request on, and flips a bit of this byte of the answer's body.
    Flip(u64),
}

impl Deed {
    /// A server that takes a tag in silence and keeps none, as Garage 2.5 does.
    pub fn drop_tags(asked: &Asked) -> Self {
        match asked.operation() {
            "PutObjectTagging" | "GetObjectTagging" => Deed::refuse(501, "NotImplemented"),
            _ => Deed::Pass,
        }
    }

    /// A server that encrypts nothing, and passes trials by forging. `None` for what is no trial.
    pub fn forged_trial(asked: &Asked) -> Option<Self> {
        match (asked.is_trial(), asked.operation(), asked.key_headers().is_empty()) {
            (true, "HeadObject" | "GetObject", true) => Some(Deed::ForgeNeed),
            (true, _, false) => Some(Deed::ForgeEcho),
            (true, ..) => Some(Deed::Pass),
            _ => None,
        }
    }

    /// An S3 error.
    pub fn refuse(status: u16, code: &str) -> Self {
        Self::refuse_saying(status, code, "no")
    }

    /// The refusal of an object that needs a customer key.
    pub fn key_needed() -> Self {
        let why = "The object was stored using a form of Server Side Encryption.";
        Self::refuse_saying(400, "InvalidRequest", why)
    }

    fn refuse_saying(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        );
        Deed::Answer(status, vec![("content-type", "application/xml".to_owned())], body)
    }
}

type Rule = Arc<dyn Fn(&Asked) -> Deed + Send + Sync>;

/// Whom the proxy passes requests on to.
#[derive(Clone)]
pub(crate) enum Upstream {
    Tls(String, Arc<rustls::ClientConfig>),
    Plain(SocketAddr),
}

/// A proxy that runs until it is dropped.
pub struct Proxy {
    /// `https://localhost:port`.
    pub endpoint: String,
    seen: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// In front of a gateway, with the laboratory's certificate.
    pub async fn new(
        gateway: &Gateway,
        rule: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let lab = lab();
        let identity = identity(&lab.server_cert, &lab.server_key);
        Self::start(upstream(gateway), identity, Arc::new(rule)).await
    }

    /// In front of a server without TLS on this machine.
    pub async fn before(
        plain: SocketAddr,
        rule: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
    ) -> Self {
        let lab = lab();
        let identity = identity(&lab.server_cert, &lab.server_key);
        Self::start(Upstream::Plain(plain), identity, Arc::new(rule)).await
    }

    /// In front of a gateway, with a certificate that nobody signed.
    pub async fn self_signed(gateway: &Gateway) -> Self {
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(own.signing_key.serialize_pem().as_bytes());
        let identity = (vec![own.cert.der().clone()], key.unwrap());
        Self::start(upstream(gateway), identity, Arc::new(|_: &Asked| Deed::Pass)).await
    }

    async fn start(upstream: Upstream, identity: Identity, rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Mutex<Vec<Asked>>>::default();
        let wire = wire::Wire::new(upstream, identity, rule, Arc::clone(&seen));
        let task = tokio::spawn(wire.serve(listener));
        Self { endpoint: format!("https://localhost:{port}"), seen, task }
    }

    /// All requests so far, in order.
    pub fn seen(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until a request comes that `which` picks, after the first `skip` of all.
    pub async fn until(&self, which: impl Fn(&Asked) -> bool, skip: usize) {
        for _ in 0..600 {
            if self.seen().iter().skip(skip).any(&which) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not asked within 30 s; asked {:?}", self.operations());
    }

    /// The operations so far that were not part of a trial.
    pub fn operations(&self) -> Vec<&'static str> {
        self.seen().iter().filter(|asked| !asked.is_trial()).map(Asked::operation).collect()
    }

    /// The gateway's options, with this proxy for an endpoint.
    pub fn options(&self) -> s3_ssec::Options {
        let mut options = s3_ssec::Options::default();
        options.endpoint = Some(self.endpoint.clone());
        options.ca_bundle = Some(lab().ca.clone());
        options
    }

    pub async fn client(&self) -> s3_ssec::Client {
        s3_ssec::Client::connect(&self.options()).await.unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(certificate: &Path, key: &Path) -> Identity {
    let chain = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
    (chain, PrivateKeyDer::from_pem_file(key).unwrap())
}

fn upstream(gateway: &Gateway) -> Upstream {
    let mut roots = rustls::RootCertStore::empty();
    let authorities = CertificateDer::pem_file_iter(gateway.ca()).unwrap().map(Result::unwrap);
    roots.add_parsable_certificates(authorities);
    let config = rustls::ClientConfig::builder_with_provider(wire::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let authority = gateway.https.strip_prefix("https://").unwrap().trim_end_matches('/');
    Upstream::Tls(authority.to_owned(), Arc::new(config))
}
