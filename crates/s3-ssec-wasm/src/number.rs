//! Numbers of JavaScript, checked where they come in.

use crate::error::{ArgumentError, thrown};
#[cfg(feature = "keys")]
use s3_ssec_core::timestamp::Timestamp;
use wasm_bindgen::JsValue;

/// The greatest number below which JavaScript counts every integer.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Seconds since 1970; the fraction is dropped.
#[cfg(feature = "keys")]
pub(crate) fn seconds(number: f64) -> Result<Timestamp, JsValue> {
    let error = ArgumentError("a time is in seconds since 1970: Date.now() / 1000");
    match (0.0..SAFE).contains(&number) {
        true => Ok(Timestamp::from_unix_seconds(number as u64)),
        false => Err(thrown(error)),
    }
}

/// A number of bytes.
pub(crate) fn bytes(number: f64) -> Result<u64, JsValue> {
    match (0.0..=SAFE).contains(&number) && number.fract() == 0.0 {
        true => Ok(number as u64),
        false => Err(thrown(ArgumentError("a number of bytes is a safe integer from 0 on"))),
    }
}
