//! The inspection of one object under the keys at hand: the package decides, the page asks.

use crate::echo::echo_in;
use crate::error::{ArgumentError, thrown};
use crate::headers::CustomerKey;
use crate::key::Key;
use crate::number::{bytes, object_name};
use crate::record::digest_of;
use js_sys::{Object, Reflect, Uint8Array};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::echo::KeyEcho;
use s3_ssec_core::inspection::{self as core, Question, State};
use s3_ssec_core::key;
use s3_ssec_core::names::ObjectName;
use std::sync::Arc;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Headers;

/// Finds the key that opens an object and says what its record and the gateway show. Add the keys, then
/// send what `step()` names and give it the answer, until it is "done" or "refused".
#[wasm_bindgen]
pub struct Inspection {
    name: ObjectName,
    keys: Vec<Arc<key::Key>>,
    labels: Vec<Option<String>>,
    inner: Option<core::Inspection>,
}

#[wasm_bindgen]
impl Inspection {
    /// Begins with an object of a bucket.
    #[wasm_bindgen(constructor)]
    pub fn new(bucket: &str, object_key: &str) -> Result<Inspection, JsValue> {
        Ok(Self {
            name: object_name(bucket, object_key)?,
            keys: Vec::new(),
            labels: Vec::new(),
            inner: None,
        })
    }

    /// Adds a key, before the first step. The first ones are tried first. `label` is what the owner calls it.
    #[wasm_bindgen(js_name = addKey)]
    pub fn add_key(&mut self, key: &Key, label: Option<String>) {
        self.keys.push(key.shared());
        self.labels.push(label);
    }

    #[inline(never)]
    fn begun(&mut self) -> Result<&mut core::Inspection, JsValue> {
        if self.inner.is_none() {
            let keys = std::mem::take(&mut self.keys);
            self.inner = Some(core::Inspection::new(self.name.clone(), keys).map_err(thrown)?);
        }
        self.inner.as_mut().ok_or_else(not_done)
    }

    /// The next request: "tags"; "first-byte", a GET of the range 0-0 without a key, or of all where there
    /// is no first byte (416); "head-without-key"; "head" with `customerKey()`. "done"; or "refused": the
    /// last refusal is the answer. Throws "keyring" if the same bytes are among the keys under both kinds.
    #[wasm_bindgen(unchecked_return_type = "InspectionStep")]
    pub fn step(&mut self) -> Result<String, JsValue> {
        let step = match self.begun()?.question() {
            Question::Tags => "tags",
            Question::FirstByte => "first-byte",
            Question::HeadWithoutKey => "head-without-key",
            Question::Head => "head",
            Question::Nothing(_) => "done",
            Question::Refused => "refused",
        };
        Ok(step.to_owned())
    }

    /// The values of all tags whose key is `recordTagKey()`; or the status with which the gateway refused to
    /// show the tags.
    pub fn records(
        &mut self,
        records: Vec<String>,
        #[wasm_bindgen(unchecked_optional_param_type = "number")] refused: Option<u16>,
    ) -> Result<(), JsValue> {
        match refused {
            None => self.begun()?.records(&records),
            Some(status) => self.begun()?.tags_refused(status),
        }
        Ok(())
    }

    /// The answer to "first-byte", with code and message of the XML of a refusal.
    #[wasm_bindgen(js_name = firstByte)]
    pub fn first_byte(
        &mut self,
        status: u16,
        code: Option<String>,
        message: Option<String>,
    ) -> Result<(), JsValue> {
        self.begun()?.first_byte(status, code.as_deref(), message.as_deref());
        Ok(())
    }

    /// The answer to "head" or "head-without-key". `size` is its Content-Length; refuse a success that has
    /// none. A refusal has no headers to look at.
    pub fn head(
        &mut self,
        status: u16,
        size: Option<f64>,
        headers: Option<Headers>,
    ) -> Result<(), JsValue> {
        let echo = headers.map_or(Ok(KeyEcho::default()), |headers| echo_in(&headers))?;
        let size = size.map(bytes).transpose()?;
        self.begun()?.head(status, &echo, size);
        Ok(())
    }

    /// The key to ask with, and at the end the one that opens the object; undefined if none does.
    #[wasm_bindgen(js_name = customerKey)]
    pub fn customer_key(&self) -> Option<CustomerKey> {
        let inner = self.inner.as_ref()?;
        inner.customer_key()?;
        let (_, key) = inner.key()?;
        // A direct key is the same under every nonce.
        let nonce = inner.nonce().unwrap_or_else(|| Nonce::from_bytes([0; 5]));
        Some(CustomerKey::new(key.customer_key(&self.name, nonce)))
    }

    #[inline(never)]
    fn ended(&self) -> Result<(&core::Inspection, State), JsValue> {
        let inner = self.inner.as_ref().ok_or_else(not_done)?;
        match inner.question() {
            Question::Nothing(state) => Ok((inner, state)),
            _ => Err(not_done()),
        }
    }

    /// The state of the object, such as "open" or "other-key".
    #[wasm_bindgen(unchecked_return_type = "Inspected")]
    pub fn result(&self) -> Result<Object, JsValue> {
        let (inner, state) = self.ended()?;
        let index = inner.key().map(|(index, _)| index);
        let label = index.and_then(|index| self.labels.get(index)?.as_deref());
        object_of(&[
            ("state", state.code().into()),
            ("tone", inner.tone(state).code().into()),
            ("words", inner.words(state, label).into()),
            ("isDescribed", inner.evidence().is_some().into()),
            ("isDelivered", state.is_delivered().into()),
            ("keyIndex", index.map(|index| index as u32).into()),
            ("nonce", inner.nonce().map(|nonce| nonce.to_string()).into()),
        ])
    }

    /// The verdict on a content that was read to its end; `digest` where the object is described. Throws
    /// "damaged" if it is not the content of the record.
    #[wasm_bindgen(unchecked_return_type = "Verdict")]
    pub fn judge(&self, size: f64, digest: Option<Uint8Array>) -> Result<Object, JsValue> {
        let (inner, _) = self.ended()?;
        let digest = digest.map(|digest| digest_of(&digest)).transpose()?;
        let verdict = inner.judge(bytes(size)?, digest).map_err(thrown)?;
        object_of(&[
            ("code", verdict.code().into()),
            ("isVerified", verdict.is_verified().into()),
            ("words", verdict.to_string().into()),
        ])
    }
}

#[inline(never)]
fn object_of(fields: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

#[inline(never)]
fn not_done() -> JsValue {
    thrown(ArgumentError("the inspection is not done"))
}
