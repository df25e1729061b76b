//! Requests for `fetch`: made, signed, handed over whole.

use crate::error::{ArgumentError, thrown};
use crate::headers::CustomerKey;
use crate::number::{bytes, seconds};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
use s3_ssec_core::headers::SourceKeyHeaders;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::request::{self as core, Payload, Place, RequestError, UnsignedRequest};
use s3_ssec_core::sigv4::{self, Lifetime};
use std::num::NonZeroU64;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use zeroize::Zeroizing;

/// The address of a gateway.
#[wasm_bindgen]
pub struct Gateway(Endpoint);

#[wasm_bindgen]
impl Gateway {
    /// `https://host[:port]`. Plain HTTP is refused: the key would travel in the clear.
    #[wasm_bindgen(constructor)]
    pub fn new(url: &str) -> Result<Gateway, JsValue> {
        Endpoint::parse(url, PlainHttp::Refuse).map(Self).map_err(thrown)
    }

    /// As the constructor; also takes `http://localhost`, for gateways under test.
    #[wasm_bindgen(js_name = orPlainLoopback)]
    pub fn or_plain_loopback(url: &str) -> Result<Gateway, JsValue> {
        Endpoint::parse(url, PlainHttp::LoopbackOnly).map(Self).map_err(thrown)
    }

    /// A request about an object, a bucket, or all buckets. Object keys with a segment `.` or `..` are
    /// refused: browsers would rewrite the address.
    pub fn request(
        &self,
        method: &str,
        bucket: Option<String>,
        object_key: Option<String>,
    ) -> Result<S3Request, JsValue> {
        let method = method.parse().map_err(|_| thrown(ArgumentError("no such HTTP method")))?;
        let bucket = bucket.map(|name| BucketName::parse(&name).map_err(thrown)).transpose()?;
        let key = object_key.map(|key| ObjectKey::parse(&key).map_err(thrown)).transpose()?;
        let name;
        let place = match (&bucket, key) {
            (Some(bucket), Some(key)) => {
                name = ObjectName::new(bucket.clone(), key);
                Place::Object(&name)
            }
            (Some(bucket), None) => Place::Bucket(bucket),
            (None, None) => Place::Service,
            (None, Some(_)) => return Err(thrown(ArgumentError("an object is in a bucket"))),
        };
        let inner = UnsignedRequest::new(method, &self.0, place).map_err(thrown)?;
        Ok(S3Request { inner: Some(inner) })
    }
}

/// A request that may still change. Everything set here is signed. Signing spends it.
#[wasm_bindgen]
pub struct S3Request {
    /// `None` once signed, or after a refusal.
    inner: Option<UnsignedRequest>,
}

#[wasm_bindgen]
impl S3Request {
    /// Adds a parameter of the address, such as `uploadId`. Throws for names of `x-amz-` headers: no
    /// key can get into an address.
    pub fn parameter(&mut self, name: String, value: &str) -> Result<(), JsValue> {
        self.change(|request| request.parameter(name, value))
    }

    /// Sets a header that holds no key. The value is visible ASCII.
    pub fn header(&mut self, name: &str, value: &str) -> Result<(), JsValue> {
        self.change(|request| request.header(name, value))
    }

    /// Sets the three headers of the key of the object that is written or read.
    pub fn key(&mut self, key: &CustomerKey) -> Result<(), JsValue> {
        self.change(|request| Ok(request.key(key.target_headers())))
    }

    /// Sets the three headers of the key of the source of a copy.
    #[wasm_bindgen(js_name = copySourceKey)]
    pub fn copy_source_key(&mut self, key: &CustomerKey) -> Result<(), JsValue> {
        self.change(|request| Ok(request.source_key(&SourceKeyHeaders::of(key.inner()))))
    }

    /// Signs the SHA-256 of the body too, 32 bytes as `crypto.subtle.digest` gives them. Without it
    /// TLS alone protects the body.
    #[wasm_bindgen(js_name = payloadSha256)]
    pub fn payload_sha256(&mut self, digest: &Uint8Array) -> Result<(), JsValue> {
        let digest = digest.to_vec().try_into();
        let digest = digest.map_err(|_| thrown(ArgumentError("a SHA-256 has 32 bytes")))?;
        self.change(|request| Ok(request.payload(Payload::Sha256(digest))))
    }

    /// Announces a small body: a policy or a CORS document, the list of parts, tags.
    pub fn document(&mut self, body: &str) -> Result<(), JsValue> {
        self.change(|request| Ok(request.document(body, "application/xml")))
    }
}

impl S3Request {
    fn change(
        &mut self,
        change: impl FnOnce(UnsignedRequest) -> Result<UnsignedRequest, RequestError>,
    ) -> Result<(), JsValue> {
        self.inner = Some(change(self.take()?).map_err(thrown)?);
        Ok(())
    }

    fn take(&mut self) -> Result<UnsignedRequest, JsValue> {
        self.inner
            .take()
            .ok_or_else(|| thrown(ArgumentError("this request was signed or refused already")))
    }
}

/// Signs requests with one set of credentials. `free()` wipes them.
#[wasm_bindgen]
pub struct Signer(sigv4::Signer);

#[wasm_bindgen]
impl Signer {
    /// Copies the secret, UTF-8: `new TextEncoder().encode(secret)`. Overwrite yours afterwards. RGW
    /// takes any region.
    #[wasm_bindgen(constructor)]
    pub fn new(
        region: &str,
        access_key_id: &str,
        secret_access_key: &Uint8Array,
        session_token: Option<String>,
    ) -> Result<Signer, JsValue> {
        let mut copy = Zeroizing::new(vec![0_u8; secret_access_key.length() as usize]);
        secret_access_key.copy_to(&mut copy);
        let session_token = session_token.map(Zeroizing::new);
        let token = session_token.as_ref().map(|token| token.as_str());
        let secret = SecretAccessKey::from_bytes(&copy).map_err(thrown)?;
        let credentials = Credentials::new(access_key_id, secret, token).map_err(thrown)?;
        sigv4::Signer::new(credentials, region).map(Self).map_err(thrown)
    }

    /// Signs in headers, as of `unixSeconds`, `Date.now() / 1000`. Accepted for 15 minutes.
    #[wasm_bindgen(unchecked_return_type = "SignedRequest")]
    pub fn sign(&mut self, request: &mut S3Request, unix_seconds: f64) -> Result<Object, JsValue> {
        descriptor(&self.0.sign(request.take()?, seconds(unix_seconds)?))
    }

    /// As `sign`, for a content of `length` bytes, not 0, in chunks of `chunkLength` (at least 8192), the
    /// last one excepted. `sha256s` are their SHA-256s in order, 32 bytes each. The gateway refuses a body
    /// of other chunks, and nobody has to hold or hash it as a whole.
    #[wasm_bindgen(js_name = signChunked, unchecked_return_type = "ChunkedRequest")]
    pub fn sign_chunked(
        &mut self,
        request: &mut S3Request,
        unix_seconds: f64,
        length: f64,
        chunk_length: u32,
        sha256s: &Uint8Array,
    ) -> Result<Object, JsValue> {
        let (length, chunk) = (bytes(length)?, u64::from(chunk_length));
        let sha256s = sha256s.to_vec();
        let (digests, rest) = sha256s.as_chunks::<32>();
        let fits = chunk >= CHUNK_MIN && rest.is_empty();
        let fits = fits && length.div_ceil(chunk) == digests.len() as u64;
        let Some(length) = NonZeroU64::new(length).filter(|_| fits) else {
            let wanted = "there is a chunk, each has at least 8192 bytes and a SHA-256 of 32 bytes";
            return Err(thrown(ArgumentError(wanted)));
        };
        let now = seconds(unix_seconds)?;
        let (signed, mut signer) = self.0.sign_chunked(request.take()?, length, now);
        let frames = Array::new();
        let mut left = length.get();
        for digest in digests {
            frames.push(&signer.before(left.min(chunk), digest).into());
            left = left.saturating_sub(chunk);
        }
        frames.push(&signer.end().into());
        let object = descriptor(&signed)?;
        Reflect::set(&object, &"frames".into(), &frames)?;
        Ok(object)
    }

    /// Signs in the address, for somebody without credentials. Hand the headers over apart from the
    /// address: they hold the key.
    #[wasm_bindgen(unchecked_return_type = "PresignedRequest")]
    pub fn presign(
        &mut self,
        request: &mut S3Request,
        unix_seconds: f64,
        lifetime_seconds: u32,
    ) -> Result<Object, JsValue> {
        let lifetime = Lifetime::from_seconds(lifetime_seconds.into()).map_err(thrown)?;
        let presigned = self.0.presign(request.take()?, seconds(unix_seconds)?, lifetime);
        let object = descriptor(&presigned.request)?;
        let expires_at = presigned.expires_at.unix_seconds() as f64;
        Reflect::set(&object, &"expiresAt".into(), &expires_at.into())?;
        Ok(object)
    }
}

/// When a presigned address stops to work, in seconds since 1970; undefined if it is not presigned. An
/// expired link, a missing CORS rule and a wrong signature look the same to a page.
#[wasm_bindgen(js_name = linkExpiresAt)]
pub fn link_expires_at(url: &str) -> Option<f64> {
    sigv4::expiry_of(url).map(|moment| moment.unix_seconds() as f64)
}

/// Fewest bytes of a chunk that is not the last (AWS).
const CHUNK_MIN: u64 = 8192;

/// What all requests have in common, as the beginning of a JSON object.
const COMMON: &str =
    r#"{"redirect":"error","credentials":"omit","referrerPolicy":"no-referrer","method":""#;

/// The request as an object that `fetch` takes. It crosses as one JSON text, because each string that
/// crosses by itself takes as long as a hash.
fn descriptor(request: &core::SignedRequest) -> Result<Object, JsValue> {
    let (method, url, headers) = request.parts();
    // A key is in it, so it never moves: enough memory from the beginning, were all to be escaped.
    let of_header = |(name, value): (&str, &str)| name.len() + 2 * value.len() + 6;
    let fixed = COMMON.len() + method.as_str().len() + 2 * url.len() + 32;
    let capacity = fixed + headers.clone().map(of_header).sum::<usize>();
    let mut json = Zeroizing::new(String::with_capacity(capacity));
    json.push_str(COMMON);
    json.push_str(method.as_str());
    json.push_str(r#"","url":""#);
    push_escaped(&mut json, url);
    json.push_str(r#"","headers":{"#);
    for (index, (name, value)) in headers.enumerate() {
        json.push_str(if index == 0 { "\"" } else { ",\"" });
        json.push_str(name);
        json.push_str("\":\"");
        push_escaped(&mut json, value);
        json.push('"');
    }
    json.push_str("}}");
    Ok(JSON::parse(&json)?.unchecked_into())
}

/// What JSON escapes of visible ASCII, which addresses and headers are. A key has no such character.
fn is_escaped(byte: &u8) -> bool {
    matches!(byte, b'"' | b'\\')
}

fn push_escaped(json: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| is_escaped(&byte)) {
        json.push_str(&rest[..at]);
        json.push('\\');
        json.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    json.push_str(rest);
}
