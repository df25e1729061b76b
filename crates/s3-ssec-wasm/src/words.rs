//! A key from its 24 words: what is left when the key file is lost and the paper is not.

use crate::error::{ArgumentError, thrown};
use js_sys::Uint8Array;
use s3_ssec_core::key::Kind;
use s3_ssec_core::keyfile::{Entry, KEY_FILE_MAX, KeyFile};
use s3_ssec_core::words::{self, Known};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

/// The key file that these words are: read it with `KeyFile.read`, save it, overwrite it.
///
/// `typed` is UTF-8: 24 English words in any case, on any number of lines, with or without their numbers,
/// the fingerprint among them. Overwrite it afterwards. The fingerprint shows the kind of the key and finds
/// typing errors; without it `kind` has to be given, and for a master key `withoutFingerprint`: if a word is
/// wrong, or they are a direct key's, the new file opens nothing. Errors name places, never what was typed.
#[wasm_bindgen(js_name = keyFileOfWords)]
pub fn key_file_of_words(
    typed: &Uint8Array,
    #[wasm_bindgen(unchecked_optional_param_type = "Kind")] kind: Option<String>,
    #[wasm_bindgen(unchecked_optional_param_type = "boolean")] without_fingerprint: Option<bool>,
) -> Result<Uint8Array, JsValue> {
    let length = typed.length() as usize;
    if length > KEY_FILE_MAX {
        return Err(thrown(ArgumentError("this is too long for 24 words")));
    }
    let kind = match kind.as_deref() {
        None => None,
        Some("master") => Some(Kind::Master),
        Some("direct") => Some(Kind::Direct),
        Some(_) => return Err(thrown(ArgumentError("a key is \"master\" or \"direct\""))),
    };
    let mut copy = Zeroizing::new(vec![0_u8; length]);
    typed.copy_to(&mut copy);
    let text = str::from_utf8(&copy).map_err(|_| thrown(ArgumentError("words are UTF-8")))?;
    let known = Known { kind, fingerprint: None };
    let key = words::read(text, known).map_err(thrown)?;
    if without_fingerprint != Some(true) {
        words::confirm(&key, text, known).map_err(thrown)?;
    }
    let file = KeyFile::new(vec![Entry { key, label: None, created: None }]).map_err(thrown)?;
    Ok(Uint8Array::from(file.print().as_bytes()))
}
