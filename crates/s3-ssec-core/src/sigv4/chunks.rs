//! Bodies that are signed in chunks.
//!
//! Each chunk carries a signature over its SHA-256 and the signature before it, so that a gateway
//! refuses a body of which one byte, or the order, is another (AWS, "Signature Version 4 for S3:
//! transferring a payload in multiple chunks"). Unlike the SHA-256 of a whole body it can be made
//! without holding the body: what a sender keeps is 32 bytes for each chunk.
//!
//! The header `Content-Encoding: aws-chunked` is left out on purpose: RGW (16.2.15, 18.2.7, 20.2.4
//! measured) goes by `x-amz-content-sha256` and would store it as part of the object's encoding.
//!
//! ```
//! # use http::Method;
//! # use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
//! # use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
//! # use s3_ssec_core::names::S3Address;
//! # use s3_ssec_core::request::{Place, UnsignedRequest};
//! # use s3_ssec_core::sigv4::Signer;
//! # use s3_ssec_core::timestamp::Timestamp;
//! # use sha2::{Digest as _, Sha256};
//! # let gateway = Endpoint::parse("https://gateway.example.org", PlainHttp::Refuse)?;
//! # let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! # let put = UnsignedRequest::new(Method::PUT, &gateway, Place::Object(&name))?;
//! # let secret = SecretAccessKey::from_bytes(b"secret")?;
//! # let mut signer = Signer::new(Credentials::new("access", secret, None)?, "us-east-1")?;
//! # let now = Timestamp::from_unix_seconds(1_764_000_000);
//! let content = vec![7; 20_000];
//! let length = content.len() as u64;
//! let (request, mut frames) = signer.sign_chunked(put, length.try_into()?, now);
//! let mut body = Vec::new();
//! for chunk in content.chunks(16_384) {
//!     body.extend_from_slice(frames.before(chunk.len() as u64, &Sha256::digest(chunk).into()).as_bytes());
//!     body.extend_from_slice(chunk);
//! }
//! body.extend_from_slice(frames.end().as_bytes());
//! assert!(body.ends_with(b"\r\n\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::{Moment, Signer};
use crate::request::{SignedRequest, UnsignedRequest};
use crate::secret::{Secret32, copy_secret, hmac_sha256};
use crate::timestamp::Timestamp;
use std::fmt;
use std::num::NonZeroU64;

/// What stands in the place of the payload's hash.
const PAYLOAD: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const ALGORITHM: &str = "AWS4-HMAC-SHA256-PAYLOAD";
/// SHA-256 of nothing: of the headers of a chunk, which has none, and of the chunk that ends a body.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Makes what stands between the chunks of one body. Chunks have at least 8 KiB, the last one
/// excepted (AWS).
pub struct ChunkSigner {
    /// The signing key of the day.
    key: Secret32,
    time: String,
    scope: String,
    /// The signature that the next one continues, in hex.
    before: String,
    begun: bool,
}

impl Signer {
    /// As [`Signer::sign`], for a body with `length` bytes of content that is sent in chunks; what frames
    /// them. An empty content has no chunk: RGW 16.2.15 answers 400 to such a body.
    pub fn sign_chunked(
        &mut self,
        mut request: UnsignedRequest,
        length: NonZeroU64,
        now: Timestamp,
    ) -> (SignedRequest, ChunkSigner) {
        request.set("x-amz-content-sha256".into(), PAYLOAD);
        request.set("x-amz-decoded-content-length".into(), &length.to_string());
        let (request, before) = self.sign_headers(request, PAYLOAD, now);
        let Moment { time, scope } = Moment::of(now, self);
        let of_day = self.key_of(&now.date()).bytes();
        // A signing key has the length of every key here.
        let key = copy_secret(of_day).unwrap_or_else(|_| unreachable!());
        (request, ChunkSigner { key, time, scope, before, begun: false })
    }
}

impl ChunkSigner {
    /// What is sent before a chunk of `length` bytes with this SHA-256. ASCII.
    pub fn before(&mut self, length: u64, sha256: &[u8; 32]) -> String {
        let [length, digest] =
            [&length.to_be_bytes()[..], sha256].map(base16ct::lower::encode_string);
        self.frame(length.trim_start_matches('0'), &digest)
    }

    /// What is sent behind the last chunk. ASCII.
    pub fn end(mut self) -> String {
        self.frame("0", NOTHING) + "\r\n"
    }

    fn frame(&mut self, length: &str, digest: &str) -> String {
        let lines = [ALGORITHM, &self.time, &self.scope, &self.before, NOTHING, digest].join("\n");
        let signature = hmac_sha256(self.key.bytes(), &[lines.as_bytes()]);
        self.before = base16ct::lower::encode_string(signature.bytes());
        // The line that ends the chunk before.
        let ended = if std::mem::replace(&mut self.begun, true) { "\r\n" } else { "" };
        [ended, length, ";chunk-signature=", &self.before, "\r\n"].concat()
    }
}

impl fmt::Debug for ChunkSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkSigner({})", self.scope)
    }
}
