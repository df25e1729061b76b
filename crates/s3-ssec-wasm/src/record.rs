//! Object versions: their seals when written, their records when read.

use crate::error::{ArgumentError, thrown};
use crate::headers::CustomerKey;
use crate::key::Key;
use crate::number::{bytes, nonce_of, object_name};
use js_sys::{Array, Uint8Array};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentDigest;
use s3_ssec_core::key;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{self as core, Content, TAG_KEY};
use std::sync::Arc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Headers;

/// The key of the object tag that holds the record: "s3-ssec".
#[wasm_bindgen(js_name = recordTagKey)]
pub fn record_tag_key() -> String {
    TAG_KEY.to_owned()
}

/// Everything the writer of one object version needs. A seal is for one write: make a new one to
/// write other content.
#[wasm_bindgen]
pub struct ObjectSeal {
    key: Arc<key::Key>,
    name: ObjectName,
    nonce: Nonce,
}

#[wasm_bindgen]
impl ObjectSeal {
    /// Draws the nonce of a write that starts now. `unixSeconds` is `Date.now() / 1000`;
    /// `lastNonce` is the greatest nonce known for this name, if any: the new one is greater.
    #[wasm_bindgen(constructor)]
    pub fn new(
        key: &Key,
        bucket: &str,
        object_key: &str,
        unix_seconds: f64,
        last_nonce: Option<String>,
    ) -> Result<ObjectSeal, JsValue> {
        if !(0.0..=f64::from(u32::MAX)).contains(&unix_seconds) {
            return Err(thrown(ArgumentError("unixSeconds counts seconds since 1970")));
        }
        let last = last_nonce.as_deref().map(nonce_of).transpose()?;
        let name = object_name(bucket, object_key)?;
        let [random] = key::random_bytes().map_err(thrown)?;
        // In range, as checked above; the fraction is dropped.
        let nonce = Nonce::next(unix_seconds as u64, random, last);
        Ok(Self { key: key.shared(), name, nonce })
    }

    /// The seal of an upload that broke off: with the nonce of its journal, for the same bytes only.
    pub fn resume(
        key: &Key,
        bucket: &str,
        object_key: &str,
        nonce: &str,
    ) -> Result<ObjectSeal, JsValue> {
        let nonce = nonce_of(nonce)?;
        Ok(Self { key: key.shared(), name: object_name(bucket, object_key)?, nonce })
    }

    /// The three headers for PutObject, or for every call of a multipart upload. They hold the key.
    pub fn headers(&self) -> Result<Headers, JsValue> {
        self.customer_key().headers()
    }

    /// As `headers()`, as pairs of name and value: what a signature needs.
    #[wasm_bindgen(unchecked_return_type = "[string, string][]")]
    pub fn pairs(&self) -> Array {
        self.customer_key().pairs()
    }

    /// The key of this object version.
    #[wasm_bindgen(js_name = customerKey)]
    pub fn customer_key(&self) -> CustomerKey {
        CustomerKey::new(self.wire_key())
    }

    /// The nonce: ten hex digits, not secret.
    #[wasm_bindgen(getter)]
    pub fn nonce(&self) -> String {
        self.nonce.to_string()
    }

    /// The value of the record's tag while the content is not known: for CreateMultipartUpload.
    #[wasm_bindgen(js_name = pendingTag)]
    pub fn pending_tag(&self) -> String {
        self.tag(Content::Pending)
    }

    /// The value of the record's tag: for PutObject, or after the upload is complete. `size` is in
    /// bytes, `digest` what the hasher of `s3-ssec/digest` gave. Needs no escaping in `x-amz-tagging`.
    #[wasm_bindgen(js_name = completeTag)]
    pub fn complete_tag(&self, size: f64, digest: &Uint8Array) -> Result<String, JsValue> {
        Ok(self.tag(Content::of_source(bytes(size)?, digest_of(digest)?)))
    }
}

impl ObjectSeal {
    pub(crate) fn wire_key(&self) -> key::CustomerKey {
        self.key.customer_key(&self.name, self.nonce)
    }

    fn tag(&self, content: Content) -> String {
        core::Record::write(&self.key, &self.name, self.nonce, content).to_string()
    }
}

/// A record as it was found in an object's tag: well formed, but not trusted until a key opens it.
#[wasm_bindgen]
pub struct Record {
    inner: core::Record,
}

#[wasm_bindgen]
impl Record {
    /// Reads the value of the tag. Throws `record-malformed` or `record-newer-format`.
    pub fn parse(tag: &str) -> Result<Record, JsValue> {
        Ok(Self { inner: core::Record::parse(tag).map_err(thrown)? })
    }

    /// "master" or "direct".
    #[wasm_bindgen(getter, unchecked_return_type = "Kind")]
    pub fn kind(&self) -> String {
        self.inner.kind().to_string()
    }

    /// Which master key opens it; undefined for direct keys.
    #[wasm_bindgen(getter)]
    pub fn fingerprint(&self) -> Option<String> {
        self.inner.fingerprint().map(|fingerprint| fingerprint.to_string())
    }

    /// The nonce: ten hex digits.
    #[wasm_bindgen(getter)]
    pub fn nonce(&self) -> String {
        self.inner.nonce().to_string()
    }

    /// True if the upload broke off before the record was completed.
    #[wasm_bindgen(getter, js_name = isPending)]
    pub fn is_pending(&self) -> bool {
        self.inner.is_pending()
    }
}

/// A record that a key of ours confirmed.
#[wasm_bindgen]
pub struct OpenedRecord {
    key: Arc<key::Key>,
    name: ObjectName,
    nonce: Nonce,
    content: Content,
}

#[wasm_bindgen]
impl OpenedRecord {
    /// The key that opens the object.
    #[wasm_bindgen(js_name = customerKey)]
    pub fn customer_key(&self) -> CustomerKey {
        CustomerKey::new(self.key.customer_key(&self.name, self.nonce))
    }

    /// Size of the content in bytes; undefined while the record is pending.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> Option<f64> {
        match self.content {
            Content::Pending => None,
            Content::Known(known) => Some(known.size as f64),
        }
    }

    /// Time at which the digest was taken from what a gateway held, in seconds since 1970; undefined
    /// where the writer computed it from its own source, and while the record is pending.
    #[wasm_bindgen(getter, js_name = acceptedSince)]
    pub fn accepted_since(&self) -> Option<f64> {
        Some(f64::from(self.content.provenance()?.accepted_since()?))
    }

    /// True if the record promises exactly this content. False while it is pending.
    #[wasm_bindgen(js_name = contentMatches)]
    pub fn content_matches(&self, size: f64, digest: &Uint8Array) -> Result<bool, JsValue> {
        Ok(self.content.matches(bytes(size)?, digest_of(digest)?))
    }
}

/// Opens the record in `tag` with `key`, for the object it was found at. Sends nothing anywhere.
/// Throws `record-foreign` if it was made with another key or for another name, or altered.
#[wasm_bindgen(js_name = openRecord)]
pub fn open_record(
    key: &Key,
    bucket: &str,
    object_key: &str,
    tag: &str,
) -> Result<OpenedRecord, JsValue> {
    let name = object_name(bucket, object_key)?;
    let record = core::Record::parse(tag).map_err(thrown)?;
    let opened = record.open(key.inner(), &name).map_err(thrown)?;
    Ok(OpenedRecord { key: key.shared(), name, nonce: opened.nonce, content: opened.content })
}

/// Reads the 32 bytes of a digest.
#[inline(never)]
pub(crate) fn digest_of(bytes: &Uint8Array) -> Result<ContentDigest, JsValue> {
    let mut copy = [0_u8; 32];
    if bytes.length() as usize != copy.len() {
        return Err(thrown(ArgumentError("a digest has 32 bytes")));
    }
    bytes.copy_to(&mut copy);
    Ok(ContentDigest::from_bytes(copy))
}
