//! The customer key of one object version, as headers for `fetch`.

use crate::echo;
use js_sys::Array;
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::key as core;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Headers;

/// The key of one object version, as it goes on the wire. `free()` wipes it.
#[wasm_bindgen]
pub struct CustomerKey {
    inner: core::CustomerKey,
    /// Made once: every request of an object has them.
    headers: TargetKeyHeaders,
}

#[wasm_bindgen]
impl CustomerKey {
    /// The three headers for the object that a request writes or reads. They hold the key.
    pub fn headers(&self) -> Result<Headers, JsValue> {
        headers_of(&self.headers)
    }

    /// As `headers()`, as pairs of name and value: what a signature needs.
    #[wasm_bindgen(unchecked_return_type = "[string, string][]")]
    pub fn pairs(&self) -> Array {
        array_of(&self.headers.pairs())
    }

    /// The three headers for the object that a copy reads, as pairs of name and value.
    #[wasm_bindgen(js_name = copySourcePairs, unchecked_return_type = "[string, string][]")]
    pub fn copy_source_pairs(&self) -> Array {
        array_of(&SourceKeyHeaders::of(&self.inner).pairs())
    }

    /// Throws unless the answer confirms this key: the only proof of encryption there is.
    #[wasm_bindgen(js_name = verifyEcho)]
    pub fn verify_echo(&self, answer: &Headers) -> Result<(), JsValue> {
        echo::verify(&self.inner, answer)
    }
}

impl CustomerKey {
    pub(crate) fn new(inner: core::CustomerKey) -> Self {
        let headers = TargetKeyHeaders::of(&inner);
        Self { inner, headers }
    }

    pub(crate) fn target_headers(&self) -> &TargetKeyHeaders {
        &self.headers
    }

    pub(crate) fn inner(&self) -> &core::CustomerKey {
        &self.inner
    }
}

pub(crate) fn target_headers(key: &core::CustomerKey) -> Result<Headers, JsValue> {
    headers_of(&TargetKeyHeaders::of(key))
}

fn headers_of(key: &TargetKeyHeaders) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in key.pairs() {
        headers.set(name, value)?;
    }
    Ok(headers)
}

pub(crate) fn target_pairs(key: &core::CustomerKey) -> Array {
    array_of(&TargetKeyHeaders::of(key).pairs())
}

fn array_of(pairs: &[(&'static str, &str)]) -> Array {
    let pair = |(name, value): &(&'static str, &str)| {
        Array::of2(&JsValue::from_str(name), &JsValue::from_str(value))
    };
    pairs.iter().map(pair).collect()
}
