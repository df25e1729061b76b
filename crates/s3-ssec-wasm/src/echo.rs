//! Proof that the gateway encrypted: the echo in its answer.

use crate::error::thrown;
use crate::record::ObjectSeal;
use s3_ssec_core::echo::KeyEcho;
use s3_ssec_core::headers::{ALGORITHM, KEY_MD5};
use s3_ssec_core::key::CustomerKey;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Headers;

/// Throws unless the answer to a write confirms the key of `seal`.
///
/// A gateway can answer 200 and store plaintext; then this throws `echo-missing`. A page sees the
/// echo only if the bucket's CORS rule exposes it.
#[wasm_bindgen(js_name = verifyEcho)]
pub fn verify_echo(seal: &ObjectSeal, answer: &Headers) -> Result<(), JsValue> {
    verify(&seal.wire_key(), answer)
}

/// The echo in an answer.
#[inline(never)]
pub(crate) fn echo_in(answer: &Headers) -> Result<KeyEcho, JsValue> {
    let (algorithm, key_md5) = (answer.get(ALGORITHM)?, answer.get(KEY_MD5)?);
    Ok(KeyEcho::new(algorithm.as_deref(), key_md5.as_deref()))
}

#[inline(never)]
pub(crate) fn verify(sent: &CustomerKey, answer: &Headers) -> Result<(), JsValue> {
    let echo = echo_in(answer)?;
    // The proof cannot cross into JavaScript; not throwing is all that is left of it there.
    s3_ssec_core::echo::verify_echo(sent.md5(), &echo).map(|_proof| ()).map_err(thrown)
}
