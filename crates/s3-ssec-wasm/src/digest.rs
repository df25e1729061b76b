//! The content digest in pieces of 4 MiB, in any order: for parts that are hashed apart.

use crate::error::{ArgumentError, thrown};
use crate::key::Key;
use crate::record::{ContentDigest, each_copy};
use js_sys::Uint8Array;
use s3_ssec_core::digest as core;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Bytes in one piece: 4 MiB. Parts of a `MultipartPlan` begin at whole pieces.
#[wasm_bindgen(js_name = pieceLength)]
pub fn piece_length() -> u32 {
    core::PIECE_LENGTH as u32
}

/// Hashes the bytes from `index * pieceLength()` on, at most that many.
#[wasm_bindgen]
pub struct PieceHasher {
    /// `None` once finished.
    inner: Option<core::PieceHasher>,
}

#[wasm_bindgen]
impl PieceHasher {
    /// Starts the piece with this index, from 0.
    #[wasm_bindgen(constructor)]
    pub fn new(key: &Key, index: u32) -> PieceHasher {
        let key = key.inner().content_key();
        Self { inner: Some(core::PieceHasher::new(&key, index.into())) }
    }

    /// Takes the next bytes. Throws if they reach beyond the piece.
    pub fn update(&mut self, bytes: &Uint8Array) -> Result<(), JsValue> {
        let hasher = self.inner.as_mut().ok_or_else(spent)?;
        if u64::from(bytes.length()) > hasher.room() {
            return Err(thrown(ArgumentError("the bytes reach beyond the piece")));
        }
        each_copy(bytes, |copy| {
            hasher.update(copy);
        });
        Ok(())
    }

    /// The finished piece; undefined if no byte was taken. The hasher is spent.
    pub fn finish(&mut self) -> Result<Option<ContentPiece>, JsValue> {
        Ok(self.inner.take().ok_or_else(spent)?.finish().map(ContentPiece))
    }
}

/// A hashed piece.
#[wasm_bindgen]
pub struct ContentPiece(core::Piece);

/// Collects pieces in any order.
#[wasm_bindgen]
pub struct ContentTree {
    /// `None` once finished.
    inner: Option<core::ContentTree>,
}

#[wasm_bindgen]
impl ContentTree {
    /// Starts without any piece.
    #[wasm_bindgen(constructor)]
    pub fn new(key: &Key) -> ContentTree {
        Self { inner: Some(core::ContentTree::new(&key.inner().content_key())) }
    }

    /// Takes one piece. Give every index once.
    pub fn add(&mut self, piece: &ContentPiece) -> Result<(), JsValue> {
        self.inner.as_mut().ok_or_else(spent)?.add(piece.0.clone());
        Ok(())
    }

    /// The digest of the whole content; undefined if a piece is missing. The tree is spent.
    pub fn finish(&mut self) -> Result<Option<ContentDigest>, JsValue> {
        Ok(self.inner.take().ok_or_else(spent)?.finish().map(ContentDigest::new))
    }
}

fn spent() -> JsValue {
    thrown(ArgumentError("this one has finished: make a new one"))
}
