//! The keys a person holds.

use crate::error::{ArgumentError, thrown};
use crate::{echo, headers};
use js_sys::{Array, Uint8Array};
use s3_ssec_core::KEY_LENGTH;
use s3_ssec_core::key::{self as core, KeyLengthError, Kind};
use std::sync::Arc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Headers;
use zeroize::Zeroizing;

/// A master key or a direct key: 32 bytes that stay in WebAssembly memory.
///
/// They are wiped when the key and all seals made from it are freed.
#[wasm_bindgen]
pub struct Key {
    inner: Arc<core::Key>,
}

#[wasm_bindgen]
impl Key {
    /// Makes a master key from the platform's random source.
    #[wasm_bindgen(js_name = generateMaster)]
    pub fn generate_master() -> Result<Key, JsValue> {
        Self::generate(Kind::Master)
    }

    /// Makes a direct key from the platform's random source.
    #[wasm_bindgen(js_name = generateDirect)]
    pub fn generate_direct() -> Result<Key, JsValue> {
        Self::generate(Kind::Direct)
    }

    /// Copies 32 bytes into a key. Overwrite yours afterwards: `bytes.fill(0)`.
    #[wasm_bindgen(js_name = fromBytes)]
    pub fn from_bytes(
        #[wasm_bindgen(unchecked_param_type = "Kind")] kind: &str,
        bytes: &Uint8Array,
    ) -> Result<Key, JsValue> {
        let kind = kind_of(kind)?;
        let got = bytes.length() as usize;
        if got != KEY_LENGTH {
            return Err(thrown(KeyLengthError { got }));
        }
        // Copied straight into a box that is wiped: a slice argument would leave its copy behind.
        let mut copy = Box::new(Zeroizing::new([0_u8; KEY_LENGTH]));
        bytes.copy_to(&mut copy[..]);
        let key = core::Key::from_bytes(kind, &copy[..]).map_err(thrown)?;
        Ok(Self::new(key))
    }

    /// The public name of the key: 16 hex digits. Safe to show.
    #[wasm_bindgen(getter)]
    pub fn fingerprint(&self) -> String {
        self.inner.fingerprint().to_string()
    }

    /// "master" or "direct".
    #[wasm_bindgen(getter, unchecked_return_type = "Kind")]
    pub fn kind(&self) -> String {
        self.inner.kind().to_string()
    }

    /// The key of content digests: 32 bytes, to be posted to a worker that hashes. It opens no object,
    /// but tells equal contents apart. Overwrite it afterwards: `bytes.fill(0)`.
    #[wasm_bindgen(js_name = contentKey)]
    pub fn content_key(&self) -> Uint8Array {
        Uint8Array::from(&self.inner.content_key().expose_bytes()[..])
    }

    /// A direct key as it goes on the wire. Throws for a master key, which is never sent.
    #[wasm_bindgen(js_name = customerKey)]
    pub fn customer_key(&self) -> Result<headers::CustomerKey, JsValue> {
        let key = core::CustomerKey::from_bytes(self.direct()?.expose_bytes()).map_err(thrown)?;
        Ok(headers::CustomerKey::new(key))
    }

    /// The three headers of a direct key, for objects without a record. Throws for a master key,
    /// which is never sent.
    #[wasm_bindgen(js_name = directHeaders)]
    pub fn direct_headers(&self) -> Result<Headers, JsValue> {
        headers::target_headers(self.direct()?)
    }

    /// As `directHeaders()`, as pairs of name and value: what a signature needs.
    #[wasm_bindgen(js_name = directPairs, unchecked_return_type = "[string, string][]")]
    pub fn direct_pairs(&self) -> Result<Array, JsValue> {
        Ok(headers::target_pairs(self.direct()?))
    }

    /// Throws unless the answer confirms this direct key.
    #[wasm_bindgen(js_name = verifyDirectEcho)]
    pub fn verify_direct_echo(&self, answer: &Headers) -> Result<(), JsValue> {
        echo::verify(self.direct()?, answer)
    }
}

impl Key {
    pub(crate) fn new(key: core::Key) -> Self {
        Self { inner: Arc::new(key) }
    }

    fn generate(kind: Kind) -> Result<Key, JsValue> {
        let key = core::Key::generate(kind).map_err(thrown)?;
        Ok(Self::new(key))
    }

    fn direct(&self) -> Result<&core::CustomerKey, JsValue> {
        match &*self.inner {
            core::Key::Direct(key) => Ok(key),
            core::Key::Master(_) => {
                Err(thrown(ArgumentError("a master key is never sent: make an ObjectSeal from it")))
            }
        }
    }

    pub(crate) fn shared(&self) -> Arc<core::Key> {
        Arc::clone(&self.inner)
    }

    pub(crate) fn inner(&self) -> &core::Key {
        &self.inner
    }
}

pub(crate) fn kind_of(text: &str) -> Result<Kind, JsValue> {
    match text {
        "master" => Ok(Kind::Master),
        "direct" => Ok(Kind::Direct),
        _ => Err(thrown(ArgumentError("a key is \"master\" or \"direct\""))),
    }
}
