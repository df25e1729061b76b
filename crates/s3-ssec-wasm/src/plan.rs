//! How a content is cut into parts.

use crate::error::{ArgumentError, thrown};
use crate::number::bytes;
use s3_ssec_core::plan::{self as core, Span};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// How an upload of known size is cut: equal parts, the last one shorter.
#[wasm_bindgen]
pub struct MultipartPlan(core::MultipartPlan);

/// One part of an upload: `blob.slice(part.offset, part.offset + part.length)`.
#[wasm_bindgen]
pub struct Part(core::Part);

#[wasm_bindgen]
impl MultipartPlan {
    /// Plans parts of `wanted` bytes, or of more where 10,000 of them would not do.
    #[wasm_bindgen(constructor)]
    pub fn new(size: f64, wanted: f64) -> Result<MultipartPlan, JsValue> {
        core::MultipartPlan::new(bytes(size)?, bytes(wanted)?).map(Self).map_err(thrown)
    }

    /// Bytes in every part but the last.
    #[wasm_bindgen(getter, js_name = partSize)]
    pub fn part_size(&self) -> f64 {
        self.0.part_size() as f64
    }

    /// Number of parts, 1 to 10,000; an empty content has one empty part.
    #[wasm_bindgen(getter, js_name = partCount)]
    pub fn part_count(&self) -> u32 {
        // At most 10,000.
        self.0.part_count() as u32
    }

    /// The part with this number, from 1; undefined if there is none.
    pub fn part(&self, number: u32) -> Option<Part> {
        let index = number.checked_sub(1)?;
        self.0.parts().nth(index as usize).map(Part)
    }
}

#[wasm_bindgen]
impl Part {
    /// Its number, from 1.
    #[wasm_bindgen(getter)]
    pub fn number(&self) -> u32 {
        self.0.number.number().into()
    }

    /// First byte.
    #[wasm_bindgen(getter)]
    pub fn offset(&self) -> f64 {
        self.0.span.offset as f64
    }

    /// Number of bytes.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> f64 {
        self.0.span.length as f64
    }
}

/// The value of a `Range` header for `length` bytes from `offset` on.
#[wasm_bindgen(js_name = rangeHeader)]
pub fn range_header(offset: f64, length: f64) -> Result<String, JsValue> {
    let span = Span { offset: bytes(offset)?, length: bytes(length)? };
    match span.length {
        0 => Err(thrown(ArgumentError("a range has at least one byte"))),
        _ => Ok(span.range_header()),
    }
}
