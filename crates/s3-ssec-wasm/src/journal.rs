//! The journal of an upload that may have to resume after a reload. Holds no secret, and
//! hashes that show nothing about a content without the key.

use crate::number::{bytes, content_key_of};
use js_sys::Uint8Array;
use s3_ssec_core::journal::{self as core, UploadBegun, UploadLine, print};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// The first line, before CreateMultipartUpload. `object` is `s3://bucket/key`, `key` a fingerprint.
#[wasm_bindgen(js_name = journalBegun)]
pub fn journal_begun(
    endpoint: String,
    object: String,
    source: String,
    size: f64,
    part_size: f64,
    key: String,
    nonce: String,
) -> Result<String, JsValue> {
    let (size, part_size) = (bytes(size)?, bytes(part_size)?);
    let begun = UploadBegun { endpoint, object, source, size, part_size, key, nonce };
    Ok(print(&UploadLine::Begun(begun)))
}

/// The upload was created and its key proved by the echo.
#[wasm_bindgen(js_name = journalCreated)]
pub fn journal_created(upload_id: String) -> String {
    print(&UploadLine::Created { upload_id })
}

/// A part is about to be sent. A part is only ever sent again with the same SHA-256, lower-case hex; the
/// line holds a keyed hash of it. `contentKey` is `key.contentKey()`.
#[wasm_bindgen(js_name = journalSending)]
pub fn journal_sending(
    content_key: &Uint8Array,
    part: u16,
    sha256: &str,
) -> Result<String, JsValue> {
    let sha256 = core::keyed(&content_key_of(content_key)?, sha256);
    Ok(print(&UploadLine::Sending { part, sha256 }))
}

/// The gateway holds a part. The ETag without quotes: it is a hash of the plaintext, and the line holds a
/// keyed hash of it.
#[wasm_bindgen(js_name = journalStored)]
pub fn journal_stored(content_key: &Uint8Array, part: u16, etag: &str) -> Result<String, JsValue> {
    let etag = core::keyed(&content_key_of(content_key)?, etag);
    Ok(print(&UploadLine::Stored { part, etag }))
}

/// About to complete the upload.
#[wasm_bindgen(js_name = journalCompleting)]
pub fn journal_completing() -> String {
    print(&UploadLine::Completing)
}

/// What is known of an upload that broke off.
#[wasm_bindgen]
pub struct UploadJournal(core::UploadJournal);

#[wasm_bindgen]
impl UploadJournal {
    /// Reads a journal; undefined if it makes no sense, and the upload is not to be continued.
    pub fn parse(text: &str) -> Option<UploadJournal> {
        core::UploadJournal::parse(text).map(Self)
    }

    /// The gateway.
    #[wasm_bindgen(getter)]
    pub fn endpoint(&self) -> String {
        self.0.begun.endpoint.clone()
    }

    /// The object, `s3://bucket/key`.
    #[wasm_bindgen(getter)]
    pub fn object(&self) -> String {
        self.0.begun.object.clone()
    }

    /// The file, as it was named.
    #[wasm_bindgen(getter)]
    pub fn source(&self) -> String {
        self.0.begun.source.clone()
    }

    /// Its size in bytes.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> f64 {
        self.0.begun.size as f64
    }

    /// Bytes in every part but the last.
    #[wasm_bindgen(getter, js_name = partSize)]
    pub fn part_size(&self) -> f64 {
        self.0.begun.part_size as f64
    }

    /// The fingerprint of the key it is under.
    #[wasm_bindgen(getter)]
    pub fn key(&self) -> String {
        self.0.begun.key.clone()
    }

    /// The nonce, for `ObjectSeal.resume`; undefined if it is not one.
    #[wasm_bindgen(getter)]
    pub fn nonce(&self) -> Option<String> {
        self.0.nonce().map(|nonce| nonce.to_string())
    }

    /// The upload ID; undefined if it broke off around the creation.
    #[wasm_bindgen(getter, js_name = uploadId)]
    pub fn upload_id(&self) -> Option<String> {
        self.0.upload_id.clone()
    }

    /// True if another content than this one may have left as this part.
    #[wasm_bindgen(js_name = sentAnother)]
    pub fn sent_another(
        &self,
        content_key: &Uint8Array,
        part: u16,
        sha256: &str,
    ) -> Result<bool, JsValue> {
        let key = content_key_of(content_key)?;
        let before = self.0.sent.get(&part);
        Ok(before.is_some_and(|before| *before != core::keyed(&key, sha256)))
    }

    /// True if the gateway confirmed this part with this ETag.
    #[wasm_bindgen(js_name = hasStored)]
    pub fn has_stored(
        &self,
        content_key: &Uint8Array,
        part: u16,
        etag: &str,
    ) -> Result<bool, JsValue> {
        Ok(self.0.stored.get(&part) == Some(&core::keyed(&content_key_of(content_key)?, etag)))
    }

    /// How many parts the gateway confirmed.
    #[wasm_bindgen(getter, js_name = storedCount)]
    pub fn stored_count(&self) -> u32 {
        // At most 10,000.
        self.0.stored.len() as u32
    }

    /// True if the completion may have been sent.
    #[wasm_bindgen(getter)]
    pub fn completing(&self) -> bool {
        self.0.completing
    }
}
