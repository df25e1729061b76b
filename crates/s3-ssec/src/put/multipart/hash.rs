//! The hashes of the parts of an upload, and of the whole.

use super::super::single::hex;
use crate::write::PutError;
use bytes::Bytes;
use s3_ssec_core::digest::{
    ContentDigest, ContentKey, ContentTree, PIECE_LENGTH, Piece, PieceHasher,
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Hashes a part twice over: SHA-256 for the gateway, BLAKE3 pieces for the record.
pub(super) struct PartHasher {
    sha256: Sha256,
    key: Arc<ContentKey>,
    piece: PieceHasher,
    index: u64,
    pieces: Vec<Piece>,
}

impl PartHasher {
    /// Starts at `offset`, a multiple of the piece length.
    pub(super) fn new(key: Arc<ContentKey>, offset: u64) -> Self {
        let index = offset / PIECE_LENGTH;
        let piece = PieceHasher::new(&key, index);
        Self { sha256: Sha256::new(), key, piece, index, pieces: Vec::new() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        let mut rest = self.piece.update(bytes);
        while !rest.is_empty() {
            self.index += 1;
            let next = PieceHasher::new(&self.key, self.index);
            self.pieces.extend(std::mem::replace(&mut self.piece, next).finish());
            rest = self.piece.update(rest);
        }
    }

    /// Hashes a content in memory, off the async threads.
    pub(super) async fn hash_all(mut self, content: Bytes) -> Result<Self, PutError> {
        let hashing = tokio::task::spawn_blocking(move || {
            self.update(&content);
            self
        });
        hashing.await.map_err(|_| PutError::Stopped)
    }

    /// The SHA-256 in lower-case hexadecimal, and the pieces.
    pub(super) fn finish(mut self) -> (String, Vec<Piece>) {
        self.pieces.extend(self.piece.finish());
        (hex(&self.sha256.finalize()), self.pieces)
    }
}

/// All that was hashed of a content.
pub(super) struct Hashes {
    tree: Option<ContentTree>,
    parts: BTreeMap<u16, HashedPart>,
    size: u64,
    continued: u64,
}

struct HashedPart {
    sha256: String,
    length: u64,
    etag: String,
}

/// A part has another content than a moment ago.
#[derive(Debug)]
pub(super) struct Changed;

impl Hashes {
    pub(super) fn new(key: &ContentKey) -> Self {
        let (tree, parts) = (Some(ContentTree::new(key)), BTreeMap::new());
        Self { tree, parts, size: 0, continued: 0 }
    }

    /// Takes a part. True the first time; a later attempt must have the same content.
    pub(super) fn take(
        &mut self,
        number: u16,
        sha256: &str,
        length: u64,
        pieces: Vec<Piece>,
    ) -> Result<bool, Changed> {
        if let Some(before) = self.parts.get(&number) {
            return if before.sha256 == sha256 { Ok(false) } else { Err(Changed) };
        }
        if let Some(tree) = &mut self.tree {
            pieces.into_iter().for_each(|piece| tree.add(piece));
        }
        let (sha256, etag) = (sha256.to_owned(), String::new());
        self.parts.insert(number, HashedPart { sha256, length, etag });
        self.size += length;
        Ok(true)
    }

    /// Notes the ETag of a part at the gateway. Its bytes.
    pub(super) fn stored(&mut self, number: u16, etag: &str) -> u64 {
        let Some(part) = self.parts.get_mut(&number) else { return 0 };
        etag.clone_into(&mut part.etag);
        part.length
    }

    /// Counts bytes that were at the gateway before.
    pub(super) fn count_continued(&mut self, length: u64) {
        self.continued += length;
    }

    pub(super) fn continued(&self) -> u64 {
        self.continued
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Size and digest of the content, once. `None` if a piece of it is missing.
    pub(super) fn finish(&mut self) -> Option<(u64, ContentDigest)> {
        Some((self.size, self.tree.take()?.finish()?))
    }

    /// The ETag of an object in plaintext of these parts.
    pub(super) fn joined_etag(&self) -> String {
        super::joined_etag(self.parts.values().map(|part| part.etag.as_str()))
    }
}
