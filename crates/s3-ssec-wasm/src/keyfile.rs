//! Key files: read, made, printed.

use crate::error::{ArgumentError, thrown};
use crate::key::{Key, kind_of};
use js_sys::Uint8Array;
use s3_ssec_core::key as core;
use s3_ssec_core::keyfile::{self, Entry, KEY_FILE_MAX, KeyFileError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

/// The content of a key file: at least one key. `free()` wipes it.
#[wasm_bindgen]
pub struct KeyFile {
    /// `None` once the keys are taken out.
    inner: Option<keyfile::KeyFile>,
}

#[wasm_bindgen]
impl KeyFile {
    /// Reads a key file, or the key of another tool: 32 raw bytes, base64 or hex, always a direct key.
    /// Overwrite yours afterwards. Errors name the line, never what stands in it.
    pub fn read(bytes: &Uint8Array) -> Result<KeyFile, JsValue> {
        let length = bytes.length() as usize;
        if length > KEY_FILE_MAX {
            return Err(thrown(KeyFileError::TooLong(length)));
        }
        let mut copy = Zeroizing::new(vec![0_u8; length]);
        bytes.copy_to(&mut copy);
        let (inner, _) = keyfile::KeyFile::read(&copy).map_err(thrown)?;
        Ok(Self { inner: Some(inner) })
    }

    /// Makes a key. `created` is a day, `2026-11-23`. Print and save it before it is used.
    pub fn generate(
        #[wasm_bindgen(unchecked_param_type = "Kind")] kind: &str,
        label: Option<String>,
        created: Option<String>,
    ) -> Result<KeyFile, JsValue> {
        let one_line = |text: &Option<String>| {
            text.as_ref()
                .is_none_or(|text| !text.trim().is_empty() && !text.contains(char::is_control))
        };
        if !one_line(&label) || !one_line(&created) {
            return Err(thrown(ArgumentError("a label is one line")));
        }
        let key = core::Key::generate(kind_of(kind)?).map_err(thrown)?;
        let file = keyfile::KeyFile::new(vec![Entry { key, label, created }]).map_err(thrown)?;
        Ok(Self { inner: Some(file) })
    }

    /// The text of the file, UTF-8. It holds the keys: save it, then overwrite it.
    pub fn print(&self) -> Result<Uint8Array, JsValue> {
        let file = self.inner.as_ref().ok_or_else(taken)?;
        Ok(Uint8Array::from(file.print().as_bytes()))
    }

    /// Number of keys.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> u32 {
        self.inner.as_ref().map_or(0, |file| file.entries().len() as u32)
    }

    /// What the owner calls the key at this place, from 0.
    pub fn label(&self, index: u32) -> Option<String> {
        self.inner.as_ref()?.entries().get(index as usize)?.label.clone()
    }

    /// Takes the keys out, the writing one first. The file is spent.
    pub fn keys(&mut self) -> Result<Vec<Key>, JsValue> {
        let keyring = self.inner.take().ok_or_else(taken)?.into_keyring().map_err(thrown)?;
        Ok(keyring.into_keys().into_iter().map(Key::new).collect())
    }
}

fn taken() -> JsValue {
    thrown(ArgumentError("the keys of this file were taken out"))
}
