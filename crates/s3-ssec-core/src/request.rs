//! An S3 request before and after it is signed.
//!
//! Unsigned becomes signed by value ([`sigv4`](crate::sigv4)), and what is signed comes out as method,
//! address and headers together: there is no way to keep the address and lose the key headers. A key
//! goes into headers only: no parameter of the query may have a name that starts with `x-amz-`.

mod distort;

pub use distort::KeyHeader;

use crate::endpoint::Endpoint;
use crate::headers::{self, SourceKeyHeaders, TargetKeyHeaders};
use crate::names::{BucketName, ObjectName};
use crate::percent::{Slash, encode};
use base64ct::{Base64, Encoding as _};
use http::Method;
use md5::Digest as _;
use sha2::Sha256;
use std::borrow::Cow;
use std::fmt;
use zeroize::Zeroizing;

/// A request cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Browsers and curl rewrite such addresses, and would then ask for another object.
    #[error("the object key {0:?} has a segment that is \".\" or \"..\": addresses lose those")]
    DotSegment(String),
    /// A parameter of the signer's, or a header that would be seen in logs as a parameter.
    #[error("{0:?} cannot be a parameter of the address: it belongs in a header")]
    Parameter(String),
    /// Not a header, one the signer or the browser sets, or one of a customer key.
    #[error("{0:?} cannot be set as a header here")]
    HeaderName(String),
    /// Not text that a header can hold. The value is not repeated.
    #[error("the value of the header {0:?} is not visible ASCII")]
    HeaderValue(String),
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// All buckets.
    Service,
    /// A bucket.
    Bucket(&'a BucketName),
    /// An object.
    Object(&'a ObjectName),
}

/// What the signature says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing: TLS protects it.
    Unsigned,
    /// Its SHA-256, which the gateway compares.
    Sha256([u8; 32]),
    /// Nothing of its chunks; a checksum follows them as a trailer (`aws-chunked`).
    Trailer,
}

impl Payload {
    /// The payload of these bytes.
    pub fn of(body: &[u8]) -> Self {
        Payload::Sha256(Sha256::digest(body).into())
    }

    pub(crate) fn text(self) -> Cow<'static, str> {
        match self {
            Payload::Unsigned => "UNSIGNED-PAYLOAD".into(),
            Payload::Trailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER".into(),
            Payload::Sha256(digest) => base16ct::lower::encode_string(&digest).into(),
        }
    }
}

/// A header: lower-case name and value. Values may be secrets, so all are wiped.
pub(crate) struct Header {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Zeroizing<String>,
}

/// A request that may still change.
///
/// Headers replace one of the same name. Everything set here is signed.
pub struct UnsignedRequest {
    pub(crate) method: Method,
    /// `https://host:port`, without the scheme's own port, as browsers and `Host` have it.
    pub(crate) origin: String,
    /// Encoded.
    pub(crate) path: String,
    /// Not encoded.
    pub(crate) query: Vec<(Cow<'static, str>, String)>,
    pub(crate) headers: Vec<Header>,
    pub(crate) payload: Payload,
}

impl UnsignedRequest {
    /// A request with the path style address of `place`, an unsigned body and no header.
    pub fn new(
        method: Method,
        endpoint: &Endpoint,
        place: Place<'_>,
    ) -> Result<Self, RequestError> {
        let (origin, base) = origin_and_path(endpoint);
        let path = match place {
            Place::Service => [base, "/"].concat(),
            Place::Bucket(bucket) => [base, "/", bucket.as_str()].concat(),
            Place::Object(name) => {
                let key = name.key.as_str();
                if key.split('/').any(|segment| segment == "." || segment == "..") {
                    return Err(RequestError::DotSegment(key.to_owned()));
                }
                [base, "/", name.bucket.as_str(), "/", &encode(key, Slash::Kept)].concat()
            }
        };
        let (query, headers) = (Vec::new(), Vec::new());
        Ok(Self { method, origin, path, query, headers, payload: Payload::Unsigned })
    }

    /// Adds a parameter; `?policy` is one with an empty value.
    pub fn parameter(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: &str,
    ) -> Result<Self, RequestError> {
        let name = name.into();
        if name.to_ascii_lowercase().starts_with("x-amz-") {
            return Err(RequestError::Parameter(name.into_owned()));
        }
        self.query.push((name, value.to_owned()));
        Ok(self)
    }

    /// Sets a header that holds no key.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let lower = name.to_ascii_lowercase();
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if lower.is_empty() || !lower.bytes().all(token) || is_reserved(&lower) {
            return Err(RequestError::HeaderName(name.to_owned()));
        }
        let visible = |b: u8| b.is_ascii_graphic() || b == b' ';
        if !value.bytes().all(visible) || value.trim() != value {
            return Err(RequestError::HeaderValue(name.to_owned()));
        }
        self.set(lower.into(), value);
        Ok(self)
    }

    /// Sets the three headers of the key of the object that is written or read.
    #[must_use]
    pub fn key(mut self, key: &TargetKeyHeaders) -> Self {
        key.pairs().into_iter().for_each(|(name, value)| self.set(name.into(), value));
        self
    }

    /// Sets the three headers of the key of the source of a copy.
    #[must_use]
    pub fn source_key(mut self, key: &SourceKeyHeaders) -> Self {
        key.pairs().into_iter().for_each(|(name, value)| self.set(name.into(), value));
        self
    }

    /// Says what the signature holds of the body.
    #[must_use]
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Announces `body`, a document: its hash, and the `Content-MD5` that S3 wants of some.
    #[must_use]
    pub fn document(mut self, body: &str, content_type: &'static str) -> Self {
        let md5 = Base64::encode_string(&md5::Md5::digest(body));
        self.set("content-md5".into(), &md5);
        self.set("content-type".into(), content_type);
        self.payload(Payload::of(body.as_bytes()))
    }

    pub(crate) fn set(&mut self, name: Cow<'static, str>, value: &str) {
        self.headers.retain(|header| header.name != name);
        self.headers.push(Header { name, value: Zeroizing::new(value.to_owned()) });
    }

    /// The value of `Host`.
    pub(crate) fn host(&self) -> &str {
        self.origin.rsplit_once('/').map_or("", |(_, host)| host)
    }

    pub(crate) fn into_signed(self, query: &str) -> SignedRequest {
        let mark = if query.is_empty() { "" } else { "?" };
        let url = [&self.origin, &self.path, mark, query].concat();
        SignedRequest { method: self.method, url, headers: self.headers }
    }
}

/// A request that a gateway will believe. It can be sent and nothing else.
pub struct SignedRequest {
    method: Method,
    url: String,
    headers: Vec<Header>,
}

impl SignedRequest {
    /// As [`Self::into_parts`], to be read.
    pub fn parts(&self) -> (&Method, &str, impl Iterator<Item = (&str, &str)> + Clone) {
        let headers = self.headers.iter().map(|header| (&*header.name, header.value.as_str()));
        (&self.method, &self.url, headers)
    }

    /// All that has to be sent: method, address, and headers without `Host`, which follows from the
    /// address. Where a customer key is used, the headers hold it.
    pub fn into_parts(self) -> (Method, String, Vec<(String, Zeroizing<String>)>) {
        let headers = self.headers.into_iter();
        let headers = headers.map(|header| (header.name.into_owned(), header.value)).collect();
        (self.method, self.url, headers)
    }
}

/// Method, address without its parameters, and names of headers.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.url.split('?').next().unwrap_or_default();
        let names: Vec<_> = self.headers.iter().map(|header| &header.name).collect();
        write!(f, "SignedRequest({} {address} {names:?})", self.method)
    }
}

impl fmt::Debug for UnsignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|header| &header.name).collect();
        write!(f, "UnsignedRequest({} {}{} {names:?})", self.method, self.origin, self.path)
    }
}

/// Headers that the signer sets, that follow from the address, or that hold a customer key.
fn is_reserved(name: &str) -> bool {
    let own = ["host", "authorization", "x-amz-date", "x-amz-security-token"];
    let keys = [headers::ALGORITHM, headers::KEY, headers::KEY_MD5];
    let sources = [headers::SOURCE_ALGORITHM, headers::SOURCE_KEY, headers::SOURCE_KEY_MD5];
    name == "x-amz-content-sha256"
        || own.contains(&name)
        || keys.contains(&name)
        || sources.contains(&name)
}

/// `https://host[:port]`, and the path before the bucket, if there is one.
fn origin_and_path(endpoint: &Endpoint) -> (String, &str) {
    let (scheme, authority, path) = endpoint.scheme_authority_path();
    let own_port = if endpoint.is_secure() { ":443" } else { ":80" };
    let host = authority.to_ascii_lowercase();
    let host = host.strip_suffix(own_port).unwrap_or(&host);
    ([scheme, "://", host].concat(), path)
}

#[cfg(test)]
mod tests;
