//! Numbers, names and key bytes of JavaScript, checked where they come in.

#[cfg(any(feature = "keys", feature = "documents"))]
use crate::error::ArgumentError;
use crate::error::thrown;
#[cfg(any(feature = "digest", feature = "documents"))]
use js_sys::Uint8Array;
#[cfg(any(feature = "keys", feature = "documents"))]
use s3_ssec_core::derive::Nonce;
#[cfg(any(feature = "keys", feature = "documents"))]
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
#[cfg(any(feature = "keys", feature = "documents"))]
use s3_ssec_core::timestamp::Timestamp;
#[cfg(any(feature = "digest", feature = "documents"))]
use s3_ssec_core::{KEY_LENGTH, digest::ContentKey, key::KeyLengthError};
use wasm_bindgen::JsValue;
#[cfg(any(feature = "digest", feature = "documents"))]
use zeroize::Zeroizing;

/// The greatest number below which JavaScript counts every integer.
#[cfg(any(feature = "keys", feature = "documents"))]
const SAFE: f64 = 9_007_199_254_740_991.0;

/// Seconds since 1970; the fraction is dropped.
#[cfg(any(feature = "keys", feature = "documents"))]
#[inline(never)]
pub(crate) fn seconds(number: f64) -> Result<Timestamp, JsValue> {
    let error = ArgumentError("a time is in seconds since 1970: Date.now() / 1000");
    match (0.0..SAFE).contains(&number) {
        true => Ok(Timestamp::from_unix_seconds(number as u64)),
        false => Err(thrown(error)),
    }
}

/// A number of bytes.
#[cfg(any(feature = "keys", feature = "documents"))]
#[inline(never)]
pub(crate) fn bytes(number: f64) -> Result<u64, JsValue> {
    match (0.0..=SAFE).contains(&number) && number.fract() == 0.0 {
        true => Ok(number as u64),
        false => Err(thrown(ArgumentError("a number of bytes is a safe integer from 0 on"))),
    }
}

/// Reads `key.contentKey()`.
#[cfg(any(feature = "digest", feature = "documents"))]
pub(crate) fn content_key_of(bytes: &Uint8Array) -> Result<ContentKey, JsValue> {
    let got = bytes.length() as usize;
    let mut copy = Zeroizing::new([0_u8; KEY_LENGTH]);
    if got != KEY_LENGTH {
        return Err(thrown(KeyLengthError { got }));
    }
    bytes.copy_to(&mut copy[..]);
    ContentKey::from_bytes(&copy[..]).map_err(thrown)
}

/// Reads the name of an object.
#[cfg(any(feature = "keys", feature = "documents"))]
#[inline(never)]
pub(crate) fn object_name(bucket: &str, object_key: &str) -> Result<ObjectName, JsValue> {
    let bucket = BucketName::parse(bucket).map_err(thrown)?;
    Ok(ObjectName::new(bucket, ObjectKey::parse(object_key).map_err(thrown)?))
}

/// Reads a nonce.
#[cfg(any(feature = "keys", feature = "documents"))]
#[inline(never)]
pub(crate) fn nonce_of(text: &str) -> Result<Nonce, JsValue> {
    Nonce::parse(text).ok_or_else(|| thrown(ArgumentError("a nonce is ten lower-case hex digits")))
}
