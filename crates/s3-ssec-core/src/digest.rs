//! The keyed digest of an object's plaintext: BLAKE3 under a key derived from the person's key.
//!
//! Two ways to the same 32 bytes: [`ContentHasher`] reads from the first byte to the last;
//! [`ContentTree`] takes 4 MiB pieces in any order, for parts that are hashed in parallel.
//!
//! ```
//! use s3_ssec_core::digest::{ContentHasher, ContentTree, PIECE_LENGTH, PieceHasher};
//! use s3_ssec_core::key::{Key, Kind};
//!
//! let key = Key::from_bytes(Kind::Master, &[7; 32])?.content_key();
//! let content = vec![5; PIECE_LENGTH as usize + 1];
//! let mut whole = ContentHasher::new(&key);
//! whole.update(&content);
//!
//! let mut tree = ContentTree::new(&key);
//! for index in [1, 0] {
//!     let bytes = content.chunks(PIECE_LENGTH as usize).nth(index).unwrap();
//!     let mut piece = PieceHasher::new(&key, index as u64);
//!     assert!(piece.update(bytes).is_empty(), "it fits");
//!     tree.add(piece.finish().unwrap());
//! }
//! assert_eq!(tree.finish(), Some(whole.finish()));
//! # Ok::<(), s3_ssec_core::key::KeyLengthError>(())
//! ```

use crate::derive::{Expander, Purpose};
use crate::key::{Key, KeyLengthError};
use crate::secret::{KEY_LENGTH, Secret32, copy_secret, on_wiped_stack};
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// Bytes in one piece of a [`ContentTree`]: 4 MiB, a power of two of BLAKE3 chunks, so that pieces
/// are whole subtrees whatever the part size of the upload.
pub const PIECE_LENGTH: u64 = 4 << 20;

/// `C` of `FORMAT.md`: the keyed digest of a whole plaintext.
#[derive(Clone, Copy)]
pub struct ContentDigest(pub(crate) [u8; 32]);

impl PartialEq for ContentDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ContentDigest {}

impl ContentDigest {
    /// The digest that another hasher gave as bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes. They tell equal contents apart from unequal ones, so they stay unpublished.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentDigest(..)")
    }
}

/// The key of the content digest. The same for every object of one key, so that a file is hashed
/// before its object's nonce is known.
pub struct ContentKey(Secret32);

impl Key {
    /// The key under which contents are hashed.
    pub fn content_key(&self) -> ContentKey {
        ContentKey(Expander::of(self).expand(Purpose::Content, &[]))
    }
}

impl ContentKey {
    /// Copies 32 bytes, from [`ContentKey::expose_bytes`] in another place. The caller wipes its copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        copy_secret(bytes).map(Self)
    }

    /// The 32 bytes, for a hasher in another place: contents can be compared with them, and no object
    /// can be opened.
    pub fn expose_bytes(&self) -> &[u8; KEY_LENGTH] {
        self.0.bytes()
    }
}

/// Hashes a content from its first byte to its last.
pub struct ContentHasher(Box<blake3::Hasher>);

impl ContentHasher {
    /// Starts at byte 0.
    pub fn new(key: &ContentKey) -> Self {
        on_wiped_stack(|| Self(Box::new(blake3::Hasher::new_keyed(key.0.bytes()))))
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.0.count()
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> ContentDigest {
        on_wiped_stack(|| ContentDigest(*self.0.finalize().as_bytes()))
    }
}

impl Drop for ContentHasher {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut *self.0);
    }
}

/// Hashes one piece of a content: the bytes from `index * PIECE_LENGTH` on, at most that many.
pub struct PieceHasher {
    hasher: Box<blake3::Hasher>,
    index: u64,
}

impl PieceHasher {
    /// Starts the piece with this index.
    pub fn new(key: &ContentKey, index: u64) -> Self {
        on_wiped_stack(|| {
            let mut hasher = Box::new(blake3::Hasher::new_keyed(key.0.bytes()));
            hasher.set_input_offset(index * PIECE_LENGTH);
            Self { hasher, index }
        })
    }

    /// Takes the next bytes of the piece and gives back those that belong to the next piece.
    pub fn update<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
        let (mine, rest) = bytes.split_at(bytes.len().min(room));
        self.hasher.update(mine);
        rest
    }

    /// How many bytes the piece still takes.
    pub fn room(&self) -> u64 {
        PIECE_LENGTH - self.hasher.count()
    }

    /// The finished piece; `None` if no byte was taken, for an empty subtree has no hash.
    pub fn finish(self) -> Option<Piece> {
        let length = self.hasher.count();
        (length > 0).then(|| Piece {
            index: self.index,
            length,
            value: self.hasher.finalize_non_root(),
            // A content of one piece is finalised as a root, every other as a node.
            root: (self.index == 0).then(|| *self.hasher.finalize().as_bytes()),
        })
    }
}

impl Drop for PieceHasher {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut *self.hasher);
    }
}

/// A hashed piece.
#[derive(Clone)]
pub struct Piece {
    index: u64,
    length: u64,
    value: ChainingValue,
    root: Option<[u8; 32]>,
}

impl Piece {
    /// The piece as bytes, for a [`ContentTree`] in another thread of the same program: this is no
    /// format to keep.
    pub fn to_bytes(&self) -> Vec<u8> {
        let [index, length] = [self.index, self.length].map(u64::to_be_bytes);
        let root = self.root.as_ref().map_or(&[][..], |root| root);
        [&index[..], &length, &self.value, root].concat()
    }

    /// Reads what [`Piece::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (index, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        let [index, length] = [index, length].map(|bytes| u64::from_be_bytes(*bytes));
        let root = match (index, rest) {
            (0, root) => Some(root.try_into().ok()?),
            (_, []) => None,
            _ => return None,
        };
        (1..=PIECE_LENGTH).contains(&length).then_some(Self { index, length, value: *value, root })
    }
}

/// Collects pieces in any order and merges them as far as it can: memory stays logarithmic when
/// they come nearly in order.
pub struct ContentTree {
    key: Secret32,
    /// Chaining values by (level, index), sorted; a node of level `l` covers `2^l` pieces.
    nodes: Vec<((u32, u64), ChainingValue)>,
    only: Option<[u8; 32]>,
    pieces: u64,
    size: u64,
}

impl ContentTree {
    /// Starts without any piece.
    pub fn new(key: &ContentKey) -> Self {
        let key = Secret32::make(|copy| copy.copy_from_slice(key.0.bytes()));
        Self { key, nodes: Vec::new(), only: None, pieces: 0, size: 0 }
    }

    /// Takes one piece. The caller gives every index once.
    pub fn add(&mut self, piece: Piece) {
        self.pieces += 1;
        self.size += piece.length;
        self.only = self.only.or(piece.root);
        let (mut level, mut index, mut value) = (0, piece.index, piece.value);
        // Pairs are merged at once, except the leftmost of each level: while the end is unknown
        // that one could be the root, which is finalised differently.
        while index > 1 {
            let sibling = (level, index ^ 1);
            let Ok(place) = self.place(sibling) else { break };
            let (_, other) = self.nodes.remove(place);
            value = if index & 1 == 1 {
                self.merge(&other, &value)
            } else {
                self.merge(&value, &other)
            };
            (level, index) = (level + 1, index >> 1);
        }
        match self.place((level, index)) {
            Ok(place) => self.nodes[place].1 = value,
            Err(place) => self.nodes.insert(place, ((level, index), value)),
        }
    }

    /// Where a node is, or else where it would go.
    fn place(&self, node: (u32, u64)) -> Result<usize, usize> {
        self.nodes.binary_search_by(|(other, _)| other.cmp(&node))
    }

    /// Bytes in the pieces taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the whole content. `None` if a piece is missing.
    pub fn finish(self) -> Option<ContentDigest> {
        let digest = match self.pieces {
            0 => *blake3::Hasher::new_keyed(self.key.bytes()).finalize().as_bytes(),
            1 => self.only?,
            count => {
                let left = left_pieces(count);
                let mode = Mode::KeyedHash(self.key.bytes());
                let (left, right) = (self.node(0, left)?, self.node(left, count - left)?);
                *blake3::hazmat::merge_subtrees_root(&left, &right, mode).as_bytes()
            }
        };
        Some(ContentDigest(digest))
    }

    /// The chaining value of `count` pieces from `first` on.
    fn node(&self, first: u64, count: u64) -> Option<ChainingValue> {
        let level = count.next_power_of_two().trailing_zeros();
        if let Ok(place) = self.place((level, first >> level)) {
            return Some(self.nodes[place].1);
        }
        if count == 1 {
            return None;
        }
        let left = left_pieces(count);
        let (left, right) = (self.node(first, left)?, self.node(first + left, count - left)?);
        Some(self.merge(&left, &right))
    }

    fn merge(&self, left: &ChainingValue, right: &ChainingValue) -> ChainingValue {
        blake3::hazmat::merge_subtrees_non_root(left, right, Mode::KeyedHash(self.key.bytes()))
    }
}

/// How many of `count` (at least two) pieces stand in the left subtree: the greatest power of two
/// below `count`, as in BLAKE3's own tree.
fn left_pieces(count: u64) -> u64 {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Kind;

    fn content(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i % 251) as u8).collect()
    }

    fn pieces(key: &ContentKey, content: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = content;
        while !rest.is_empty() {
            let mut hasher = PieceHasher::new(key, pieces.len() as u64);
            rest = hasher.update(rest);
            pieces.extend(hasher.finish());
        }
        pieces
    }

    #[test]
    fn pieces_in_any_order_give_the_digest_of_the_whole() {
        let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap().content_key();
        let piece = PIECE_LENGTH as usize;
        let sizes = [0, 1, 1024, piece - 1, piece, piece + 1, 2 * piece, 3 * piece + 5, 9 * piece];
        for size in sizes {
            let content = content(size);
            let mut whole = ContentHasher::new(&key);
            whole.update(&content);
            assert_eq!(whole.size(), size as u64);
            let whole = whole.finish();
            let pieces = pieces(&key, &content);
            for stride in [1, 2, 5, 7] {
                let mut tree = ContentTree::new(&key);
                for start in 0..stride {
                    pieces.iter().skip(start).step_by(stride).for_each(|p| tree.add(p.clone()));
                }
                assert_eq!(tree.size(), size as u64);
                assert!(tree.finish() == Some(whole), "{size} bytes, stride {stride}");
            }
        }
    }

    #[test]
    fn pieces_cross_as_bytes() {
        let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap().content_key();
        let same = ContentKey::from_bytes(key.expose_bytes()).unwrap();
        let content = content(2 * PIECE_LENGTH as usize + 5);
        let mut whole = ContentHasher::new(&same);
        whole.update(&content);
        let mut tree = ContentTree::new(&key);
        for piece in pieces(&key, &content) {
            let bytes = piece.to_bytes();
            assert!(Piece::from_bytes(&bytes[1..]).is_none());
            assert!(Piece::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
            let mut too_long = bytes.clone();
            too_long[8] = 1;
            assert!(Piece::from_bytes(&too_long).is_none());
            tree.add(Piece::from_bytes(&bytes).unwrap());
        }
        let digest = tree.finish().unwrap();
        assert!(digest == whole.finish() && ContentDigest::from_bytes(*digest.bytes()) == digest);
        assert!(ContentKey::from_bytes(&[0; 31]).is_err());
    }

    #[test]
    fn a_missing_piece_has_no_digest() {
        let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap().content_key();
        let pieces = pieces(&key, &content(5 * PIECE_LENGTH as usize));
        for missing in 0..4 {
            let mut tree = ContentTree::new(&key);
            let kept = pieces.iter().enumerate().filter(|(index, _)| *index != missing);
            kept.for_each(|(_, piece)| tree.add(piece.clone()));
            assert!(tree.finish().is_none(), "without piece {missing}");
        }
    }

    #[test]
    fn memory_stays_logarithmic_in_order() {
        let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap().content_key();
        let mut tree = ContentTree::new(&key);
        for index in 0..10_000 {
            tree.add(Piece { index, length: PIECE_LENGTH, value: [1; 32], root: None });
            assert!(tree.nodes.len() <= 28, "{} nodes after {index}", tree.nodes.len());
        }
    }
}
