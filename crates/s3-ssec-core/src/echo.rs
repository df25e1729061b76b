//! Proof that the gateway encrypted with our key: believe the echo, not the 200.
//!
//! RGW answers 200 and stores plaintext in at least six situations (copies onto SSE-C before 20.2.4,
//! parts of uploads that were created without a key, empty headers, query parameters, append, form
//! fields in the wrong case). In all of them the answer lacks the echo of algorithm and key MD5.
//!
//! ```
//! use http::HeaderMap;
//! use s3_ssec_core::echo::{EchoError, echo_in, verify_echo};
//! use s3_ssec_core::headers::{ALGORITHM, KEY_MD5};
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

use crate::headers::{AES256, ALGORITHM, KEY_MD5};
use crate::md5::KeyMd5;
use http::HeaderMap;

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
    /// The gateway refuses the object without a key, but not because a key is needed.
    #[error("the gateway does not say that the object needs a key")]
    Unclear,
}

/// The answer to a request without a key: the negative half of a proof.
///
/// Some servers echo whatever key they are sent, on plaintext objects too. An object needs a key only
/// if the gateway says so to a request that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeylessRead {
    /// It was answered: the object is plaintext to everyone who may read it.
    Readable,
    /// It was refused because a customer key is needed.
    KeyNeeded,
    /// There is no such object.
    Absent,
    /// It was refused for another reason, which shows nothing.
    Unclear,
}

impl KeylessRead {
    /// Judges the answer to a GET of the first byte.
    pub fn of_get(status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        match status {
            400 if names_key(code, message) => KeylessRead::KeyNeeded,
            200..=299 => KeylessRead::Readable,
            404 => KeylessRead::Absent,
            _ => KeylessRead::Unclear,
        }
    }

    /// Judges a GET that was sent because HEAD is refused with 400: the two contradict each other where it is
    /// answered.
    #[must_use]
    pub fn after_refused_head(self) -> Self {
        if self == KeylessRead::Readable { KeylessRead::Unclear } else { self }
    }

    /// Judges the answer to a HEAD. `None` for 400: it has no body that could say why, some servers
    /// answer so to any odd request, and only a GET shows whether a key is needed.
    pub fn of_head(status: u16) -> Option<Self> {
        (status != 400).then(|| Self::of_get(status, None, None))
    }
}

/// Reads the echo of a gateway from the headers of its answer. A header that is there twice, or has
/// other bytes than text, counts as absent: it proves nothing.
pub fn echo_in(headers: &HeaderMap) -> KeyEcho {
    let text = |name| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        value.to_str().ok()
    };
    KeyEcho::new(text(ALGORITHM), text(KEY_MD5))
}

/// True if a refusal is about a missing customer key. RGW has no message with `InvalidRequest` where
/// it takes the connection for one without TLS.
fn names_key(code: Option<&str>, message: Option<&str>) -> bool {
    let message = message.unwrap_or_default().to_ascii_lowercase();
    let names_encryption = message.contains("encrypt");
    match code {
        Some("InvalidRequest") => names_encryption || message.is_empty(),
        Some("InvalidArgument") => names_encryption,
        _ => false,
    }
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

/// Proves an object by two requests, for writes whose answers have no echo (UploadPartCopy and
/// Complete before 20.2.4, POST with 204), and wherever an object is said to be encrypted.
///
/// With the key the object must echo it; without a key it must be refused because one is needed.
pub fn verify_by_heads(
    sent: KeyMd5,
    with_key: &KeyEcho,
    without_key: KeylessRead,
) -> Result<EchoVerified, EchoError> {
    match without_key {
        KeylessRead::KeyNeeded => verify_echo(sent, with_key),
        KeylessRead::Readable => Err(EchoError::Plaintext),
        KeylessRead::Absent => Err(EchoError::Missing),
        KeylessRead::Unclear => Err(EchoError::Unclear),
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
    fn an_echo_proves_only_when_a_key_is_needed() {
        let ours = echo("AES256", &md5(1).to_base64());
        let proved = |echo: &KeyEcho, read| verify_by_heads(md5(1), echo, read).map(drop);
        assert_eq!(proved(&ours, KeylessRead::KeyNeeded), Ok(()));
        assert_eq!(proved(&ours, KeylessRead::Readable), Err(EchoError::Plaintext));
        assert_eq!(proved(&ours, KeylessRead::Absent), Err(EchoError::Missing));
        assert_eq!(proved(&ours, KeylessRead::Unclear), Err(EchoError::Unclear));
        assert_eq!(proved(&KeyEcho::default(), KeylessRead::KeyNeeded), Err(EchoError::Missing));
    }

    #[test]
    fn a_400_to_head_shows_nothing() {
        assert_eq!(KeylessRead::of_head(400), None);
        assert_eq!(KeylessRead::of_head(200), Some(KeylessRead::Readable));
        assert_eq!(KeylessRead::of_head(404), Some(KeylessRead::Absent));
        assert_eq!(KeylessRead::of_head(403), Some(KeylessRead::Unclear));
        assert_eq!(KeylessRead::Readable.after_refused_head(), KeylessRead::Unclear);
        assert_eq!(KeylessRead::KeyNeeded.after_refused_head(), KeylessRead::KeyNeeded);
    }

    #[test]
    fn a_doubled_echo_is_no_echo() {
        let md5 = "DWygnHRtgiJ77HCm+1rvHw==";
        let mut answer = HeaderMap::new();
        answer.append(ALGORITHM, "AES256".parse().unwrap());
        answer.append(KEY_MD5, md5.parse().unwrap());
        assert_eq!(echo_in(&answer), KeyEcho::new(Some("AES256"), Some(md5)));
        answer.append(KEY_MD5, md5.parse().unwrap());
        assert_eq!(echo_in(&answer), KeyEcho::new(Some("AES256"), None));
        answer.append(ALGORITHM, "none".parse().unwrap());
        assert!(echo_in(&answer).is_absent());
    }

    #[test]
    fn only_a_refusal_about_the_key_means_that_one_is_needed() {
        let stored = "The object was stored using a form of Server Side Encryption. The correct \
                      parameters must be provided to retrieve the object.";
        let algorithm = "Requests specifying Server Side Encryption with Customer provided keys must \
                         provide a valid encryption algorithm.";
        let cases = [
            (206, None, None, KeylessRead::Readable),
            (400, Some("InvalidRequest"), Some(stored), KeylessRead::KeyNeeded),
            (400, Some("InvalidRequest"), None, KeylessRead::KeyNeeded),
            (400, Some("InvalidRequest"), Some("Object is encrypted"), KeylessRead::KeyNeeded),
            (400, Some("InvalidArgument"), Some(algorithm), KeylessRead::KeyNeeded),
            (400, Some("InvalidArgument"), Some("Invalid version id"), KeylessRead::Unclear),
            (400, Some("InvalidArgument"), None, KeylessRead::Unclear),
            (400, Some("InvalidRequest"), Some("no such parameter"), KeylessRead::Unclear),
            (400, Some("BadRequest"), Some("Server Side Encryption"), KeylessRead::Unclear),
            (400, None, None, KeylessRead::Unclear),
            (403, Some("AccessDenied"), None, KeylessRead::Unclear),
            (404, Some("NoSuchKey"), None, KeylessRead::Absent),
        ];
        for (status, code, message, expected) in cases {
            assert_eq!(
                KeylessRead::of_get(status, code, message),
                expected,
                "{code:?} {message:?}"
            );
        }
    }
}
