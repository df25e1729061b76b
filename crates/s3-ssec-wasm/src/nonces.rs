//! The high-water marks of nonces, which all writers of one browser share: keep one for each slot, and raise
//! it under a lock before the request that spends the nonce.

use crate::error::thrown;
use crate::number::{nonce_of, object_name, seconds};
use s3_ssec_core::key::random_bytes;
use s3_ssec_core::nonce_table::{self as core, Slot};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// The slot of a name, below 4096. Names that share one only draw greater nonces.
#[wasm_bindgen(js_name = nonceSlot)]
pub fn nonce_slot(bucket: &str, object_key: &str) -> Result<u16, JsValue> {
    Ok(Slot::of(&object_name(bucket, object_key)?).index())
}

/// The nonce of a write that starts now, for `ObjectSeal.resume`: greater than `mark`, that of the slot. It
/// is the new mark.
#[wasm_bindgen(js_name = drawNonce)]
pub fn draw_nonce(unix_seconds: f64, mark: Option<String>) -> Result<String, JsValue> {
    let known = mark.as_deref().map(nonce_of).transpose()?;
    let [random] = random_bytes().map_err(thrown)?;
    Ok(core::draw(seconds(unix_seconds)?.unix_seconds(), random, known).to_string())
}

/// The new mark of a slot after a genuine record with this nonce was read; undefined if it stays.
#[wasm_bindgen(js_name = nonceAfterReading)]
pub fn nonce_after_reading(
    unix_seconds: f64,
    nonce: &str,
    mark: Option<String>,
) -> Result<Option<String>, JsValue> {
    let known = mark.as_deref().map(nonce_of).transpose()?;
    let now = seconds(unix_seconds)?.unix_seconds();
    Ok(core::after_reading(now, nonce_of(nonce)?, known).map(|mark| mark.to_string()))
}
