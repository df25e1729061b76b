//! Which part of a bucket is whose, when several processes or machines share the work.
//!
//! An object belongs to the shard that a hash of its key says, and to no other; nobody has to
//! coordinate. The hash is the first 8 bytes of SHA-256 over the key's UTF-8 bytes, read as a
//! big-endian number. Shard I of N has the keys whose hash is I - 1 modulo N. It never changes: a
//! shard that is started again, with any release of this program, has the same objects. In Python:
//!
//! ```text
//! int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % n + 1
//! ```

use crate::names::ObjectKey;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// More shards than any scheduler has tasks for.
const MOST: u32 = 100_000;

/// Text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Not of the form I/N.
    #[error("{0:?} is no shard; write I/N, such as 1/4 for the first of four")]
    Form(String),
    /// No shards, or too many.
    #[error("{0} shards are not possible: from 1 to 100000 are")]
    Count(u32),
    /// Shards count from 1.
    #[error("there is no shard {index} of {count}: they are numbered from 1 to {count}")]
    Index {
        /// The number given.
        index: u32,
        /// How many shards there are.
        count: u32,
    },
}

/// One of N shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// The only shard: everything.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Shard `index` of `count`, numbered from 1.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        match (index, count) {
            (_, count) if count == 0 || count > MOST => Err(ShardError::Count(count)),
            (1.., _) if index <= count => Ok(Self { index, count }),
            _ => Err(ShardError::Index { index, count }),
        }
    }

    /// Parses `I/N`, as it stands on the command line.
    pub fn parse(text: &str) -> Result<Self, ShardError> {
        let form = || ShardError::Form(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(form)?;
        Self::new(number(index).ok_or_else(form)?, number(count).ok_or_else(form)?)
    }

    /// Its number, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many shards there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// True if everything is in it.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// True if the object is this shard's.
    pub fn contains(self, object_key: &ObjectKey) -> bool {
        hash(object_key) % u64::from(self.count) == u64::from(self.index - 1)
    }
}

/// `I/N`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        Self::parse(text)
    }
}

/// Digits only: `u32` would take a sign.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// The hash that tells shards apart, as described above.
fn hash(object_key: &ObjectKey) -> u64 {
    let digest = Sha256::digest(object_key.as_str().as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ObjectKey {
        ObjectKey::parse(text).unwrap()
    }

    /// Made with the line of Python above.
    #[test]
    fn the_hash_is_what_others_compute() {
        for (text, wanted, of_four, of_thousand) in [
            ("a", 0xca97_8112_ca1b_bdca_u64, 3, 251),
            ("data/0001.csv", 0x9865_97f9_1af2_8859_u64, 2, 642),
            ("Größe/a b+c%.bin", 0x4117_2392_52c9_193e_u64, 3, 215),
            ("a\nb", 0x7e18_f737_311b_2dc3_u64, 4, 404),
        ] {
            assert_eq!(hash(&key(text)), wanted, "{text:?}");
            assert!(Shard::new(of_four, 4).unwrap().contains(&key(text)));
            assert!(Shard::new(of_thousand, 1000).unwrap().contains(&key(text)));
        }
    }

    #[test]
    fn every_object_is_in_one_shard() {
        let mut sizes = [0; 7];
        for number in 0..7000 {
            let key = key(&format!("data/{number:05}"));
            let mine: Vec<_> =
                (1..=7).filter(|index| Shard::new(*index, 7).unwrap().contains(&key)).collect();
            assert_eq!(mine.len(), 1);
            sizes[mine[0] as usize - 1] += 1;
            assert!(Shard::WHOLE.contains(&key));
        }
        assert!(sizes.iter().all(|size| (900..1100).contains(size)), "{sizes:?}");
    }

    #[test]
    fn one_spelling() {
        for good in ["1/1", "1/4", "4/4", "100000/100000"] {
            assert_eq!(Shard::parse(good).unwrap().to_string(), good);
        }
        for bad in
            ["", "1", "/", "1/", "/4", "+1/4", "1/-4", "1/4/2", "one/4", " 1/4", "1/9999999999"]
        {
            assert_eq!(Shard::parse(bad), Err(ShardError::Form(bad.to_owned())), "{bad}");
        }
        assert_eq!(Shard::parse("0/4"), Err(ShardError::Index { index: 0, count: 4 }));
        assert_eq!(Shard::parse("5/4"), Err(ShardError::Index { index: 5, count: 4 }));
        assert_eq!(Shard::parse("1/0"), Err(ShardError::Count(0)));
        assert_eq!(Shard::parse("1/100001"), Err(ShardError::Count(100_001)));
    }
}
