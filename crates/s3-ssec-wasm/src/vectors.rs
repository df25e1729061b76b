//! The test vectors, on the platform that the package runs on.

use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs every test vector. Returns how many there were; throws with a line for each that failed.
#[wasm_bindgen(js_name = runVectors)]
pub fn run_vectors() -> Result<usize, JsError> {
    s3_ssec_core::vectors::run().map_err(|failures| JsError::new(&failures))
}
