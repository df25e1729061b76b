//! The journal of an upload that may have to go on after a reload. Holds no secret.

use crate::number::bytes;
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

/// A part is about to be sent. A part is only ever sent again with the same SHA-256, lower-case hex.
#[wasm_bindgen(js_name = journalSending)]
pub fn journal_sending(part: u16, sha256: String) -> String {
    print(&UploadLine::Sending { part, sha256 })
}

/// The gateway holds a part. The ETag without quotes.
#[wasm_bindgen(js_name = journalStored)]
pub fn journal_stored(part: u16, etag: String) -> String {
    print(&UploadLine::Stored { part, etag })
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

    /// The SHA-256 of a part of which bytes may have left.
    #[wasm_bindgen(js_name = sha256Of)]
    pub fn sha256_of(&self, part: u16) -> Option<String> {
        self.0.sent.get(&part).cloned()
    }

    /// The ETag of a part that the gateway confirmed.
    #[wasm_bindgen(js_name = etagOf)]
    pub fn etag_of(&self, part: u16) -> Option<String> {
        self.0.stored.get(&part).cloned()
    }

    /// True if the completion may have been sent.
    #[wasm_bindgen(getter)]
    pub fn completing(&self) -> bool {
        self.0.completing
    }
}
