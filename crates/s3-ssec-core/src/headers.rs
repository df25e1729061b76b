//! The SSE-C headers: the only file in which their names stand.
//!
//! Three headers travel together or not at all. The key that seals a target and the key that opens
//! the source of a copy are different types, so that neither can stand in for the other.
//! Source: AWS "Specifying server-side encryption with customer-provided keys"; RGW's
//! `rgw_crypt.cc`, measured on 16.2, 18.2 and 20.2.
//!
//! For any client that has a `http::HeaderMap`:
//!
//! ```
//! use http::HeaderMap;
//! use s3_ssec_core::headers::{self, SourceKeyHeaders, TargetKeyHeaders};
//! use s3_ssec_core::key::CustomerKey;
//!
//! let (old, new) = (CustomerKey::from_bytes(&[1; 32])?, CustomerKey::from_bytes(&[2; 32])?);
//! let mut headers = HeaderMap::new();
//! TargetKeyHeaders::of(&new).apply(&mut headers); // what is written
//! SourceKeyHeaders::of(&old).apply(&mut headers); // what is copied from
//! assert_eq!(headers.len(), 6);
//! assert_eq!(headers[headers::ALGORITHM], "AES256");
//! assert_eq!(headers[headers::KEY].len(), 44);
//! assert!(headers[headers::KEY].is_sensitive(), "not printed by Debug");
//! # Ok::<(), s3_ssec_core::key::KeyLengthError>(())
//! ```
//!
//! Put them on before the request is signed: gateways refuse `x-amz-*` headers outside of the
//! signature (RGW 20.2.4, measured), and signed ones cannot be taken off on the way.

use crate::key::{CustomerKey, Fingerprint};
use crate::md5::KeyMd5;
use crate::secret::on_wiped_stack;
use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Target: the algorithm, always [`AES256`]. Also echoed in answers.
pub const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
/// Target: the key, standard base64 of 32 bytes (44 characters). Never echoed.
pub const KEY: &str = "x-amz-server-side-encryption-customer-key";
/// Target: the MD5 of the key, standard base64 of 16 bytes. Also echoed in answers.
pub const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";
/// Copy source: the algorithm, always [`AES256`].
pub const SOURCE_ALGORITHM: &str = "x-amz-copy-source-server-side-encryption-customer-algorithm";
/// Copy source: the key, standard base64 of 32 bytes.
pub const SOURCE_KEY: &str = "x-amz-copy-source-server-side-encryption-customer-key";
/// Copy source: the MD5 of the key, standard base64 of 16 bytes.
pub const SOURCE_KEY_MD5: &str = "x-amz-copy-source-server-side-encryption-customer-key-md5";
/// The policy condition key that RGW 20 and AWS fill from [`ALGORITHM`]. Case counts on RGW.
pub const CONDITION_KEY: &str = "s3:x-amz-server-side-encryption-customer-algorithm";
/// The one algorithm of SSE-C. RGW refuses any other spelling, lower case included.
pub const AES256: &str = "AES256";

/// Headers for the object a request writes or reads: put, get, head, create, part, complete.
pub struct TargetKeyHeaders(Triple);

/// Headers for the source object of a copy.
pub struct SourceKeyHeaders(Triple);

struct Triple {
    key: HeaderValue,
    key_md5: KeyMd5,
    key_md5_text: HeaderValue,
    origin: Fingerprint,
}

/// The key as text, wiped when the last request that carries it is gone: header maps share it.
/// Boxed, because moving it would leave copies on the stack.
struct KeyText(Box<Zeroizing<[u8; 44]>>);

impl AsRef<[u8]> for KeyText {
    fn as_ref(&self) -> &[u8] {
        &self.0[..]
    }
}

impl Triple {
    fn of(key: &CustomerKey) -> Self {
        let mut text = KeyText(Box::new(Zeroizing::new([0_u8; 44])));
        on_wiped_stack(|| {
            // 32 bytes are always 44 characters, so this cannot fail.
            let _ = Base64::encode(key.expose_bytes(), &mut text.0[..]);
        });
        let key_md5 = key.md5();
        Self {
            key: sensitive(Bytes::from_owner(text)),
            key_md5,
            key_md5_text: sensitive(Bytes::from(key_md5.to_base64())),
            origin: key.origin(),
        }
    }

    fn pairs(&self, names: [&'static str; 3]) -> [(&'static str, &str); 3] {
        let [algorithm, key, md5] = names;
        [(algorithm, AES256), (key, text(&self.key)), (md5, text(&self.key_md5_text))]
    }
}

/// A header value that `Debug` does not print. The bytes are shared, not copied.
fn sensitive(text: Bytes) -> HeaderValue {
    // Base64 is always a legal header value.
    let mut value = HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

macro_rules! role {
    ($role:ident, $algorithm:ident, $key:ident, $md5:ident) => {
        impl $role {
            /// Builds all three headers for `key`.
            pub fn of(key: &CustomerKey) -> Self {
                Self(Triple::of(key))
            }

            /// Name and value of the three headers, in the order of the AWS reference.
            pub fn pairs(&self) -> [(&'static str, &str); 3] {
                self.0.pairs([$algorithm, $key, $md5])
            }

            /// The value of the key header: standard base64, 44 characters. A secret.
            pub fn expose_key_base64(&self) -> &str {
                text(&self.0.key)
            }

            /// The MD5 of the key.
            pub fn key_md5(&self) -> KeyMd5 {
                self.0.key_md5
            }

            /// The fingerprint of the person's key behind the key: [`CustomerKey::origin`].
            pub fn origin(&self) -> Fingerprint {
                self.0.origin
            }

            /// Puts the three headers into `headers`, replacing any of the same names. Key and MD5
            /// are marked sensitive, so that `Debug` of the map does not print them; their bytes are
            /// shared with the map, and wiped when the last of both is gone.
            pub fn apply(&self, headers: &mut HeaderMap) {
                headers.insert(
                    const { HeaderName::from_static($algorithm) },
                    const { HeaderValue::from_static(AES256) },
                );
                headers.insert(const { HeaderName::from_static($key) }, self.0.key.clone());
                headers
                    .insert(const { HeaderName::from_static($md5) }, self.0.key_md5_text.clone());
            }
        }
    };
}

role!(TargetKeyHeaders, ALGORITHM, KEY, KEY_MD5);
role!(SourceKeyHeaders, SOURCE_ALGORITHM, SOURCE_KEY, SOURCE_KEY_MD5);

impl TargetKeyHeaders {
    /// The same key for the source of a copy: what opens an object also reads it for one.
    pub fn as_source(&self) -> SourceKeyHeaders {
        let Triple { key, key_md5, key_md5_text, origin } = &self.0;
        let (key, key_md5_text) = (key.clone(), key_md5_text.clone());
        SourceKeyHeaders(Triple { key, key_md5: *key_md5, key_md5_text, origin: *origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> CustomerKey {
        let bytes = Base64::decode_vec("pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=").unwrap();
        CustomerKey::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn three_headers_for_each_role() {
        let target = TargetKeyHeaders::of(&key());
        assert_eq!(
            target.pairs(),
            [
                (ALGORITHM, "AES256"),
                (KEY, "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs="),
                (KEY_MD5, "DWygnHRtgiJ77HCm+1rvHw=="),
            ]
        );
        let source = SourceKeyHeaders::of(&key());
        assert_eq!(target.as_source().pairs(), source.pairs());
        for ((source, value), (target, same)) in source.pairs().into_iter().zip(target.pairs()) {
            assert_eq!(value, same);
            assert_eq!(source.replace("copy-source-", ""), target);
        }
    }

    #[test]
    fn a_header_map_does_not_print_them() {
        let mut headers = HeaderMap::new();
        TargetKeyHeaders::of(&key()).apply(&mut headers);
        SourceKeyHeaders::of(&key()).apply(&mut headers);
        assert_eq!(headers.len(), 6);
        let printed = format!("{headers:?}");
        assert!(!printed.contains("pO3upE") && !printed.contains("DWygnH"), "{printed}");
    }

    #[test]
    fn the_condition_key_is_the_algorithm_header() {
        assert_eq!(CONDITION_KEY, format!("s3:{ALGORITHM}"));
    }
}
