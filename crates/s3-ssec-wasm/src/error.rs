//! Errors as JavaScript sees them: an `Error` for people with a `code` for programs.

use js_sys::{Error, Reflect};
use s3_ssec_core::cors::{CorsError, OriginError};
use s3_ssec_core::credentials::CredentialError;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::endpoint::EndpointError;
use s3_ssec_core::evidence::Damaged;
use s3_ssec_core::key::{KeyLengthError, RandomError};
use s3_ssec_core::keyfile::KeyFileError;
use s3_ssec_core::keyring::KeyringError;
use s3_ssec_core::listing::ListingError;
use s3_ssec_core::names::NameError;
use s3_ssec_core::plan::TooLarge;
use s3_ssec_core::policy::PolicyError;
use s3_ssec_core::record::{ForeignRecord, RecordError};
use s3_ssec_core::request::RequestError;
use s3_ssec_core::sigv4::SignError;
use std::fmt::Display;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const SECTION: &str = include_str!("types.d.ts");

/// A misuse by the caller, in the caller's words.
#[derive(Debug)]
pub(crate) struct ArgumentError(pub(crate) &'static str);

impl Display for ArgumentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// An error of the core with its code.
pub(crate) trait Coded: Display {
    /// One of the codes of `SsecErrorCode`.
    fn code(&self) -> &'static str;
}

impl Coded for ArgumentError {
    fn code(&self) -> &'static str {
        "argument"
    }
}

impl Coded for KeyLengthError {
    fn code(&self) -> &'static str {
        "key-length"
    }
}

impl Coded for RandomError {
    fn code(&self) -> &'static str {
        "random"
    }
}

impl Coded for NameError {
    fn code(&self) -> &'static str {
        "name"
    }
}

impl Coded for RecordError {
    fn code(&self) -> &'static str {
        match self {
            RecordError::Malformed => "record-malformed",
            RecordError::NewerFormat(_) => "record-newer-format",
            _ => "other",
        }
    }
}

/// One code for all of a type: the message says the rest.
macro_rules! coded {
    ($($error:ty: $code:literal),+ $(,)?) => {
        $(impl Coded for $error {
            fn code(&self) -> &'static str {
                $code
            }
        })+

        /// The codes of the types above.
        #[cfg(test)]
        const CODES: &[&str] = &[$($code),+];
    };
}

coded! {
    CorsError: "cors",
    CredentialError: "credential",
    Damaged: "damaged",
    EndpointError: "endpoint",
    KeyFileError: "key-file",
    KeyringError: "keyring",
    ListingError: "listing",
    OriginError: "origin",
    PolicyError: "policy",
    RequestError: "request",
    SignError: "sign",
    TooLarge: "too-large",
}

#[cfg(feature = "words")]
impl Coded for s3_ssec_core::words::WordsError {
    fn code(&self) -> &'static str {
        match self {
            Self::KindUnknown => "words-kind",
            _ => "words",
        }
    }
}

impl Coded for ForeignRecord {
    fn code(&self) -> &'static str {
        "record-foreign"
    }
}

impl Coded for EchoError {
    fn code(&self) -> &'static str {
        match self {
            EchoError::Missing => "echo-missing",
            EchoError::OtherAlgorithm => "echo-other-algorithm",
            EchoError::OtherKey => "echo-other-key",
            EchoError::Plaintext => "echo-plaintext",
            EchoError::Unclear => "echo-unclear",
            _ => "other",
        }
    }
}

#[cfg(feature = "words")]
impl Coded for s3_ssec_core::words::Unconfirmed {
    fn code(&self) -> &'static str {
        "words-unconfirmed"
    }
}

/// Makes the JavaScript error. Takes its argument by value to fit `map_err`.
pub(crate) fn thrown(error: impl Coded) -> JsValue {
    of_code(&error, error.code())
}

/// Once for all types: the module is loaded before anything else of the page.
#[inline(never)]
fn of_code(error: &dyn Display, code: &str) -> JsValue {
    let thrown = Error::new(&error.to_string());
    // A fresh Error takes any property.
    let _ = Reflect::set(&thrown, &"code".into(), &code.into());
    thrown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_declared_and_stands_for_one_error() {
        let echo = [
            EchoError::Missing,
            EchoError::OtherAlgorithm,
            EchoError::OtherKey,
            EchoError::Plaintext,
        ];
        let mut codes: Vec<_> = echo.iter().map(Coded::code).collect();
        codes.extend([
            ArgumentError("").code(),
            KeyLengthError { got: 0 }.code(),
            NameError::ObjectKeyLength(0).code(),
            RecordError::Malformed.code(),
            RecordError::NewerFormat(String::new()).code(),
            ForeignRecord.code(),
            #[cfg(feature = "words")]
            s3_ssec_core::words::WordsError::KindUnknown.code(),
            #[cfg(feature = "words")]
            s3_ssec_core::words::WordsError::Checksum.code(),
            #[cfg(feature = "words")]
            s3_ssec_core::words::Unconfirmed.code(),
        ]);
        codes.extend(CODES);
        for code in &codes {
            assert!(
                *code != "other" && include_str!("types.d.ts").contains(&format!("| \"{code}\"")),
                "{code}"
            );
        }
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
    }
}
