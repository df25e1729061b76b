//! Listings, judged before they are believed.

use crate::error::{ArgumentError, thrown};
use js_sys::{JSON, Object, Uint8Array};
use s3_ssec_core::listing::{Entry, EntryKind, Listing, ListingError, PAGE_MAX, Pages};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};

/// Reads the pages of one listing, in order.
#[wasm_bindgen]
pub struct ListingPages(Pages);

#[wasm_bindgen]
impl ListingPages {
    /// A listing of the "objects" that begin with `prefix`, by ListObjectsV2, or of the "parts" of an upload.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "\"objects\" | \"parts\"")] of: &str,
        prefix: String,
    ) -> Result<ListingPages, JsValue> {
        let listing = match of {
            "objects" => Listing::Objects,
            "parts" => Listing::Parts,
            _ => return Err(thrown(ArgumentError("a listing is of objects or parts"))),
        };
        Ok(Self(Pages::new(listing, prefix)))
    }

    /// Reads the body of the next answer. Throws "listing" unless it is complete, names the next page, and has
    /// what was asked for.
    #[wasm_bindgen(unchecked_return_type = "ListingPage")]
    pub fn read(&mut self, body: &Uint8Array) -> Result<Object, JsValue> {
        if body.length() as usize > PAGE_MAX {
            return Err(thrown(ListingError::TooLarge));
        }
        let page = self.0.read(&body.to_vec()).map_err(thrown)?;
        let of = |kind: EntryKind, form: fn(&Entry) -> Value| -> Vec<Value> {
            page.entries.iter().filter(|entry| entry.kind == kind).map(form).collect()
        };
        let folders = of(EntryKind::Prefix, |entry| json!(entry.key));
        let objects =
            of(EntryKind::Object, |entry| json!({ "name": entry.key, "size": entry.size }));
        let parts =
            of(EntryKind::Part, |entry| json!({ "number": entry.number, "etag": entry.etag }));
        let mut all = json!({ "folders": folders, "objects": objects, "parts": parts });
        if let Some(next) = &page.next {
            all["next"] = json!(next.at);
        }
        // One text crosses faster than a thousand.
        Ok(JSON::parse(&all.to_string())?.unchecked_into())
    }
}

/// Bytes of a page, at most.
#[wasm_bindgen(js_name = listingPageMax)]
pub fn listing_page_max() -> u32 {
    PAGE_MAX as u32
}
