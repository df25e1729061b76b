//! The content digest: in one go, and in pieces of 4 MiB in any order, for parts that are hashed apart.

use crate::error::{ArgumentError, thrown};
use crate::number::content_key_of;
use js_sys::Uint8Array;
use s3_ssec_core::digest as core;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::Zeroizing;

/// Bytes copied into WebAssembly memory at a time.
const COPY_LENGTH: u32 = 64 << 10;

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
    pub fn new(content_key: &Uint8Array, index: u32) -> Result<PieceHasher, JsValue> {
        let key = content_key_of(content_key)?;
        Ok(Self { inner: Some(core::PieceHasher::new(&key, index.into())) })
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
    pub fn new(content_key: &Uint8Array) -> Result<ContentTree, JsValue> {
        Ok(Self { inner: Some(core::ContentTree::new(&content_key_of(content_key)?)) })
    }

    /// Takes one piece. Give every index once.
    pub fn add(&mut self, piece: &ContentPiece) -> Result<(), JsValue> {
        self.inner.as_mut().ok_or_else(spent)?.add(piece.0.clone());
        Ok(())
    }

    /// The digest of the whole content, 32 bytes; undefined if a piece is missing. The tree is spent.
    pub fn finish(&mut self) -> Result<Option<Uint8Array>, JsValue> {
        Ok(self.inner.take().ok_or_else(spent)?.finish().map(handed_over))
    }
}

/// Hashes a content from its first byte to its last.
#[wasm_bindgen]
pub struct ContentHasher {
    /// `None` once finished.
    inner: Option<core::ContentHasher>,
    size: u64,
}

#[wasm_bindgen]
impl ContentHasher {
    /// Starts at byte 0. The same for every object of one key.
    #[wasm_bindgen(constructor)]
    pub fn new(content_key: &Uint8Array) -> Result<ContentHasher, JsValue> {
        let hasher = core::ContentHasher::new(&content_key_of(content_key)?);
        Ok(Self { inner: Some(hasher), size: 0 })
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &Uint8Array) -> Result<(), JsValue> {
        let hasher = self.inner.as_mut().ok_or_else(spent)?;
        each_copy(bytes, |copy| hasher.update(copy));
        self.size = hasher.size();
        Ok(())
    }

    /// Bytes taken so far.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> f64 {
        self.size as f64
    }

    /// The digest of all bytes taken, 32 bytes. The hasher is spent.
    pub fn finish(&mut self) -> Result<Uint8Array, JsValue> {
        let hasher = self.inner.take().ok_or_else(spent)?;
        Ok(handed_over(hasher.finish()))
    }
}

/// Hands the bytes out in pieces small enough for WebAssembly memory, which never shrinks.
fn each_copy(bytes: &Uint8Array, mut take: impl FnMut(&[u8])) {
    let mut buffer = Zeroizing::new(vec![0_u8; bytes.length().min(COPY_LENGTH) as usize]);
    let mut start = 0;
    while start < bytes.length() {
        let end = bytes.length().min(start + COPY_LENGTH);
        let copy = &mut buffer[..(end - start) as usize];
        bytes.subarray(start, end).copy_to(copy);
        take(copy);
        start = end;
    }
}

/// A digest on its way to `completeTag()` or `contentMatches()`. It tells equal contents apart from
/// unequal ones, so it is compared and put into records, never shown.
fn handed_over(digest: core::ContentDigest) -> Uint8Array {
    Uint8Array::from(&digest.bytes()[..])
}

fn spent() -> JsValue {
    thrown(ArgumentError("this one has finished: make a new one"))
}
