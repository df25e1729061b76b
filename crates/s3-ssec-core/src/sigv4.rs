//! Signature Version 4 in the flavour of S3, in headers and in addresses.
//!
//! S3's own rules (AWS, "Signature Version 4 for S3"): the path is encoded once and never normalised,
//! and `x-amz-content-sha256` is signed. Every header of a request is signed here, not only those
//! that must be: RGW answers 403 to `x-amz-*` headers outside of the signature since its fix of
//! CVE-2026-54330 (measured on 20.2.4).
//!
//! Time is an argument. What is hashed is never put together in memory: it holds the customer key.
//!
//! ```
//! use http::Method;
//! use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
//! use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
//! use s3_ssec_core::headers::TargetKeyHeaders;
//! use s3_ssec_core::key::CustomerKey;
//! use s3_ssec_core::names::S3Address;
//! use s3_ssec_core::request::{Payload, Place, UnsignedRequest};
//! use s3_ssec_core::sigv4::{Lifetime, Signer};
//! use s3_ssec_core::timestamp::Timestamp;
//!
//! let gateway = Endpoint::parse("https://gateway.example.org", PlainHttp::Refuse)?;
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let key = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32])?);
//! let secret = SecretAccessKey::from_bytes(b"secret")?;
//! let mut signer = Signer::new(Credentials::new("access", secret, None)?, "us-east-1")?;
//! let now = Timestamp::from_unix_seconds(1_764_000_000);
//!
//! let put = UnsignedRequest::new(Method::PUT, &gateway, Place::Object(&name))?;
//! let put = put.key(&key).payload(Payload::of(b"1;2"));
//! let (method, address, headers) = signer.sign(put, now).into_parts();
//! assert_eq!((method, address.as_str()), (Method::PUT, "https://gateway.example.org/research-data/a.csv"));
//! assert!(headers.iter().any(|(name, _)| name == "authorization"));
//!
//! // For somebody without credentials. The key is in the headers, and never in the address.
//! let get = UnsignedRequest::new(Method::GET, &gateway, Place::Object(&name))?.key(&key);
//! let link = signer.presign(get, now, Lifetime::from_seconds(3600)?);
//! assert_eq!(link.expires_at.unix_seconds(), 1_764_003_600);
//! let (_, address, headers) = link.request.into_parts();
//! assert!(!address.contains(key.expose_key_base64()));
//! assert_eq!(headers.len(), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod canonical;
mod chunks;

pub use chunks::ChunkSigner;

use crate::credentials::Credentials;
use crate::request::{Header, Payload, SignedRequest, UnsignedRequest};
use crate::secret::{Secret32, hmac_sha256};
use crate::timestamp::Timestamp;
use canonical::Canonical;
use std::fmt;
use zeroize::Zeroizing;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Longest life of a presigned address (AWS; RGW takes the same).
pub const LIFETIME_MAX: u64 = 7 * 86_400;

/// A signer cannot be made, or not for so long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Not a region.
    #[error("{0:?} is not a region: letters, digits, '-', '_' and '.'")]
    Region(String),
    /// Nothing, or more than S3 takes.
    #[error("a presigned address lives 1 second to 7 days, not {0} seconds")]
    Lifetime(u64),
}

/// How long a presigned address works: 1 second to 7 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(u64);

impl Lifetime {
    /// Accepts 1 to [`LIFETIME_MAX`] seconds.
    pub fn from_seconds(seconds: u64) -> Result<Self, SignError> {
        match (1..=LIFETIME_MAX).contains(&seconds) {
            true => Ok(Self(seconds)),
            false => Err(SignError::Lifetime(seconds)),
        }
    }
}

/// A request whose signature stands in its address. It works for whoever has address and headers.
#[derive(Debug)]
pub struct PresignedRequest {
    /// What to send. The address alone is refused: the headers belong to the signature.
    pub request: SignedRequest,
    /// The first second at which it is refused.
    pub expires_at: Timestamp,
}

/// Refuses what is not a region, and what no header could hold.
pub fn check_region(region: &str) -> Result<(), SignError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    match !region.is_empty() && region.bytes().all(plain) {
        true => Ok(()),
        false => Err(SignError::Region(region.to_owned())),
    }
}

/// Signs for one region with one set of credentials. Remembers the key of the day, which is four
/// fifths of the work.
pub struct Signer {
    credentials: Credentials,
    region: String,
    service: &'static str,
    of_day: Option<(String, Secret32)>,
}

impl Signer {
    /// A signer for S3. RGW takes any region.
    pub fn new(credentials: Credentials, region: &str) -> Result<Self, SignError> {
        check_region(region)?;
        Ok(Self::for_service(credentials, region, "s3"))
    }

    /// AWS's published vectors are of a service called `service`.
    fn for_service(credentials: Credentials, region: &str, service: &'static str) -> Self {
        Self { credentials, region: region.to_owned(), service, of_day: None }
    }

    /// Signs `request` in its headers, as of `now`. Gateways accept it for 15 minutes.
    pub fn sign(&mut self, mut request: UnsignedRequest, now: Timestamp) -> SignedRequest {
        let payload = request.payload.text();
        request.set("x-amz-content-sha256".into(), &payload);
        self.sign_headers(request, &payload, now).0
    }

    /// The request, and its signature.
    fn sign_headers(
        &mut self,
        mut request: UnsignedRequest,
        payload: &str,
        now: Timestamp,
    ) -> (SignedRequest, String) {
        let moment = Moment::of(now, self);
        request.set("x-amz-date".into(), &moment.time);
        if let Some(token) = self.credentials.session_token() {
            request.set("x-amz-security-token".into(), token);
        }
        let canonical = Canonical::of(&request, Vec::new(), payload);
        let digest = canonical.digest();
        let (names, query) = canonical.into_parts();
        let signature = self.signature(&digest, &moment);
        let (id, scope) = (self.credentials.access_key_id(), &moment.scope);
        let texts = [" Credential=", id, "/", scope, ", SignedHeaders=", &names, ", Signature="];
        // Joined, because `format!` takes as long as a hash.
        let authorization = [ALGORITHM, &texts.concat(), &signature].concat();
        request.set("authorization".into(), &authorization);
        (request.into_signed(&query), signature)
    }

    /// Signs `request` in its address, as of `now`. Its headers have to be sent as they are; what is
    /// in the body is not signed.
    pub fn presign(
        &mut self,
        request: UnsignedRequest,
        now: Timestamp,
        lifetime: Lifetime,
    ) -> PresignedRequest {
        let payload = Payload::Unsigned.text();
        PresignedRequest {
            request: self.sign_address(request, &payload, now, lifetime),
            expires_at: now.plus(lifetime.0),
        }
    }

    fn sign_address(
        &mut self,
        request: UnsignedRequest,
        payload: &str,
        now: Timestamp,
        lifetime: Lifetime,
    ) -> SignedRequest {
        let moment = Moment::of(now, self);
        let credential = format!("{}/{}", self.credentials.access_key_id(), moment.scope);
        let mut own = vec![
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", credential),
            ("X-Amz-Date", moment.time.clone()),
            ("X-Amz-Expires", lifetime.0.to_string()),
            ("X-Amz-SignedHeaders", canonical::signed_names(&request)),
        ];
        if let Some(token) = self.credentials.session_token() {
            own.push(("X-Amz-Security-Token", token.to_owned()));
        }
        let canonical = Canonical::of(&request, own, payload);
        let signature = self.signature(&canonical.digest(), &moment);
        let query = format!("{}&X-Amz-Signature={signature}", canonical.query);
        request.into_signed(&query)
    }

    /// The fields of a browser form that say who signs it and when. Its policy has to name each.
    pub fn form_fields(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let moment = Moment::of(now, self);
        let credential = format!("{}/{}", self.credentials.access_key_id(), moment.scope);
        let mut fields = vec![
            ("x-amz-algorithm", ALGORITHM.to_owned()),
            ("x-amz-credential", credential),
            ("x-amz-date", moment.time),
        ];
        if let Some(token) = self.credentials.session_token() {
            fields.push(("x-amz-security-token", token.to_owned()));
        }
        fields
    }

    /// The field `x-amz-signature` of a browser form with this policy, in base64.
    pub fn sign_form(&mut self, policy: &str, now: Timestamp) -> String {
        let signature = hmac_sha256(self.key_of(&now.date()).bytes(), &[policy.as_bytes()]);
        base16ct::lower::encode_string(signature.bytes())
    }

    /// The signature over the digest of a canonical request, in hex.
    fn signature(&mut self, digest: &[u8; 32], moment: &Moment) -> String {
        let Moment { time, scope } = moment;
        let digest = base16ct::lower::encode_string(digest);
        let parts = [ALGORITHM, "\n", time, "\n", scope, "\n", &digest].map(str::as_bytes);
        let signature = hmac_sha256(self.key_of(moment.date()).bytes(), &parts);
        base16ct::lower::encode_string(signature.bytes())
    }

    /// The signing key of a day.
    fn key_of(&mut self, date: &str) -> &Secret32 {
        let known = self.of_day.take().filter(|(day, _)| day == date);
        let (day, key) = known.unwrap_or_else(|| (date.to_owned(), self.derive(date)));
        &self.of_day.insert((day, key)).1
    }

    fn derive(&self, date: &str) -> Secret32 {
        let secret = self.credentials.secret().bytes();
        let mut first = Zeroizing::new(Vec::with_capacity(secret.len() + 4));
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret);
        let mut key = hmac_sha256(&first, &[date.as_bytes()]);
        for step in [&self.region, self.service, "aws4_request"] {
            key = hmac_sha256(key.bytes(), &[step.as_bytes()]);
        }
        key
    }
}

/// When something is signed, in the words of the signature.
struct Moment {
    /// As `X-Amz-Date`.
    time: String,
    /// Day, region and service.
    scope: String,
}

impl Moment {
    fn of(now: Timestamp, signer: &Signer) -> Self {
        let time = now.to_string();
        let scope = [&time[..8], &signer.region, signer.service, "aws4_request"].join("/");
        Self { time, scope }
    }

    fn date(&self) -> &str {
        &self.time[..8]
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?}, {})", self.credentials, self.region)
    }
}

/// When a presigned address stops to work, read from the address; `None` if it is not presigned.
///
/// A page sees an expired link, a missing CORS rule and a wrong signature as the same failure, so it
/// looks here first.
pub fn expiry_of(url: &str) -> Option<Timestamp> {
    let (_, query) = url.split_once('?')?;
    let value = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
    };
    let made = Timestamp::parse(value("X-Amz-Date")?)?;
    Some(made.plus(value("X-Amz-Expires")?.parse().ok()?))
}

#[cfg(test)]
mod tests;
