//! Proof that the gateway encrypted with our key: believe the echo, not the 200.
//!
//! RGW answers 200 and stores plaintext in at least six situations (copies onto SSE-C before 20.2.4,
//! parts of uploads that were created without a key, empty headers, query parameters, append, form
//! fields in the wrong case). In all of them the answer lacks the echo of algorithm and key MD5.
//!
//! ```
//! use http::HeaderMap;
//! use s3_ssec_core::echo::{EchoError, verify_echo};
//! use s3_ssec_core::headers::{ALGORITHM, KEY_MD5, echo_in};
//! use s3_ssec_core::key::CustomerKey;
//!
//! let key = CustomerKey::from_bytes(&[7; 32])?;
//! let mut answer = HeaderMap::new(); // of a 200
//! assert_eq!(verify_echo(key.md5(), &echo_in(&answer)), Err(EchoError::Missing));
//!
//! answer.insert(ALGORITHM, "AES256".parse()?);
//! answer.insert(KEY_MD5, key.md5().to_base64().parse()?);
//! let proof = verify_echo(key.md5(), &echo_in(&answer))?;
//! # let _ = proof;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::headers::AES256;
use crate::md5::KeyMd5;

/// What an answer says about the key it used. Borrowed text is copied; neither value is secret for
/// a random key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyEcho {
    algorithm: Option<String>,
    key_md5: Option<String>,
}

impl KeyEcho {
    /// Takes the values of the two response headers as they came.
    pub fn new(algorithm: Option<&str>, key_md5: Option<&str>) -> Self {
        Self { algorithm: algorithm.map(str::to_owned), key_md5: key_md5.map(str::to_owned) }
    }

    /// True if the answer named no customer key at all.
    pub fn is_absent(&self) -> bool {
        self.algorithm.is_none() && self.key_md5.is_none()
    }
}

/// Why an answer proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EchoError {
    /// No echo, or half of one: the object may lie there in the clear.
    #[error("the gateway did not confirm the customer key")]
    Missing,
    /// Another algorithm than AES256.
    #[error("the gateway confirmed another algorithm than AES256")]
    OtherAlgorithm,
    /// The MD5 of another key, or no MD5.
    #[error("the gateway confirmed another customer key than the one sent")]
    OtherKey,
    /// The object can be read without any key.
    #[error("the gateway hands the object out without a key")]
    Plaintext,
}

/// Proof that a gateway confirmed encryption with the customer key that was sent.
///
/// Only the checks of this module make one, so whatever holds one went through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "carry the proof in whatever says that the object is encrypted"]
pub struct EchoVerified(());

/// Compares an answer's echo with the key that was sent.
pub fn verify_echo(sent: KeyMd5, echo: &KeyEcho) -> Result<EchoVerified, EchoError> {
    match (echo.algorithm.as_deref(), echo.key_md5.as_deref()) {
        (Some(AES256), Some(md5)) if KeyMd5::from_base64(md5) == Some(sent) => Ok(EchoVerified(())),
        (Some(AES256), Some(_)) => Err(EchoError::OtherKey),
        (Some(_), Some(_)) => Err(EchoError::OtherAlgorithm),
        _ => Err(EchoError::Missing),
    }
}

/// Proves an object by two HEAD requests, for writes whose answers have no echo (UploadPartCopy and
/// Complete before 20.2.4, POST with 204).
///
/// With the key the object must echo it; without a key HEAD must be refused with 400.
pub fn verify_by_heads(
    sent: KeyMd5,
    with_key: &KeyEcho,
    status_without_key: u16,
) -> Result<EchoVerified, EchoError> {
    let proof = verify_echo(sent, with_key)?;
    match status_without_key {
        400 => Ok(proof),
        200..=299 => Err(EchoError::Plaintext),
        _ => Err(EchoError::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CustomerKey;

    fn md5(byte: u8) -> KeyMd5 {
        CustomerKey::from_bytes(&[byte; 32]).unwrap().md5()
    }

    fn echo(algorithm: &str, key_md5: &str) -> KeyEcho {
        KeyEcho::new(Some(algorithm), Some(key_md5))
    }

    #[test]
    fn only_our_own_key_proves() {
        let ours = md5(1).to_base64();
        assert!(verify_echo(md5(1), &echo("AES256", &ours)).is_ok());
        let refused = [
            (KeyEcho::default(), EchoError::Missing),
            (KeyEcho::new(Some("AES256"), None), EchoError::Missing),
            (KeyEcho::new(None, Some(&ours)), EchoError::Missing),
            (echo("aws:kms", &ours), EchoError::OtherAlgorithm),
            (echo("aes256", &ours), EchoError::OtherAlgorithm),
            (echo("AES256", &md5(2).to_base64()), EchoError::OtherKey),
            (echo("AES256", ""), EchoError::OtherKey),
        ];
        for (echo, error) in refused {
            assert_eq!(verify_echo(md5(1), &echo), Err(error), "{echo:?}");
        }
    }

    #[test]
    fn two_heads_prove_only_when_the_second_is_refused() {
        let ours = echo("AES256", &md5(1).to_base64());
        assert!(verify_by_heads(md5(1), &ours, 400).is_ok());
        assert_eq!(verify_by_heads(md5(1), &ours, 200), Err(EchoError::Plaintext));
        assert_eq!(verify_by_heads(md5(1), &ours, 404), Err(EchoError::Missing));
        assert_eq!(verify_by_heads(md5(1), &KeyEcho::default(), 400), Err(EchoError::Missing));
    }
}
