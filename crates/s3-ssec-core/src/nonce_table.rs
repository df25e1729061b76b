//! The high-water mark of nonces: the greatest one that was drawn for a name on this machine
//! (`FORMAT.md`, "Nonces on one machine"). A table of fixed size, because a list of names would grow
//! with every object. No IO: the slot of a name, its bytes, and the next nonce.
//!
//! ```
//! use s3_ssec_core::nonce_table::{Slot, next, parse_mark, print_mark};
//! use s3_ssec_core::names::S3Address;
//!
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let offset = Slot::of(&name).offset(); // where the eight bytes of its mark are in the file
//! # let _ = offset;
//! let first = next(1_764_000_000, 0x5a, None).ok_or("no nonce is left")?;
//! let mark = parse_mark(print_mark(first));
//! assert!(next(1_764_000_000, 0x00, mark) > Some(first)); // in the same second, by another process
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::derive::Nonce;
use crate::names::ObjectName;

/// How the file begins.
pub const HEADER: [u8; 16] = *b"s3-ssec nonces1\n";

/// Slots of the table. Names that share one only draw greater nonces than they had to.
pub const SLOTS: u16 = 4096;

/// Bytes of a mark.
const MARK: u64 = 8;

/// Where the mark of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u16);

impl Slot {
    /// The slot of a name: the first two bytes of `N`, modulo [`SLOTS`].
    pub fn of(name: &ObjectName) -> Self {
        let [high, low, ..] = name.digest();
        Self(u16::from_be_bytes([high, low]) % SLOTS)
    }

    /// Its number, from 0.
    pub fn index(self) -> u16 {
        self.0
    }

    /// Where its eight bytes begin in the file.
    pub fn offset(self) -> u64 {
        HEADER.len() as u64 + u64::from(self.0) * MARK
    }
}

/// Reads a mark. `None` where no nonce was drawn yet, and for bytes that no nonce has.
pub fn parse_mark(bytes: [u8; MARK as usize]) -> Option<Nonce> {
    let [0, 0, 0, nonce @ ..] = bytes else { return None };
    Some(Nonce::from_bytes(nonce)).filter(|_| nonce != [0; 5])
}

/// Writes a mark.
pub fn print_mark(nonce: Nonce) -> [u8; MARK as usize] {
    let [a, b, c, d, e] = nonce.bytes();
    [0, 0, 0, a, b, c, d, e]
}

/// The nonce of a write that starts now, greater than `known`. `None` if no greater one exists: a
/// repeated nonce would repeat a key.
pub fn next(unix_seconds: u64, random: u8, known: Option<Nonce>) -> Option<Nonce> {
    let nonce = Nonce::next(unix_seconds, random, known);
    known.is_none_or(|known| nonce > known).then_some(nonce)
}

/// [`next`], which every write gets: a mark beyond which there is none is damaged, for it is of the year
/// 2106, and only the clock is followed.
pub fn draw(unix_seconds: u64, random: u8, known: Option<Nonce>) -> Nonce {
    next(unix_seconds, random, known).unwrap_or_else(|| Nonce::next(unix_seconds, random, None))
}

/// The mark of a name of which a genuine record with this nonce was read; `None` if it stays as it is.
/// A nonce of the past is smaller than any drawn from now on.
pub fn after_reading(unix_seconds: u64, nonce: Nonce, known: Option<Nonce>) -> Option<Nonce> {
    let is_past = u64::from(nonce.unix_seconds()) < unix_seconds;
    (!is_past && known.is_none_or(|known| nonce > known)).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{BucketName, ObjectKey};

    fn name(key: &str) -> ObjectName {
        ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
    }

    #[test]
    fn slots_are_spread_and_stay_in_the_table() {
        let slots: std::collections::BTreeSet<u64> =
            (0..2000).map(|n| Slot::of(&name(&n.to_string())).offset()).collect();
        assert!(slots.len() > 1400, "{}", slots.len());
        let end = HEADER.len() as u64 + u64::from(SLOTS) * MARK;
        assert!(slots.iter().all(|offset| (16..end).contains(offset) && offset % MARK == 0));
        assert_eq!(Slot::of(&name("a")), Slot::of(&name("a")));
    }

    #[test]
    fn marks_are_read_as_they_are_written() {
        let nonce = Nonce::parse("6b043d805a").unwrap();
        assert_eq!(print_mark(nonce), [0, 0, 0, 0x6b, 0x04, 0x3d, 0x80, 0x5a]);
        assert_eq!(parse_mark(print_mark(nonce)), Some(nonce));
        assert_eq!(parse_mark([0; 8]), None);
        assert_eq!(parse_mark([1; 8]), None);
    }

    #[test]
    fn the_next_nonce_is_greater_or_there_is_none() {
        let last = Nonce::parse("6b043d80ff");
        assert_eq!(next(0x6b04_3d80, 7, last), Nonce::parse("6b043d8100"));
        assert_eq!(next(0x6b04_3d90, 7, last), Nonce::parse("6b043d9007"));
        assert_eq!(next(0, 0, Nonce::parse("ffffffffff")), None);
        assert_eq!(draw(0x6b04_3d80, 7, last), next(0x6b04_3d80, 7, last).unwrap());
        assert_eq!(draw(0x6b04_3d80, 7, Nonce::parse("ffffffffff")).to_string(), "6b043d8007");
    }

    #[test]
    fn records_of_the_future_raise_the_mark() {
        let nonce = |text| Nonce::parse(text);
        let read = |text, known| after_reading(0x6b04_3d80, Nonce::parse(text).unwrap(), known);
        assert_eq!(read("6b043d7fff", None), None, "past");
        assert_eq!(read("6b043d8000", None), nonce("6b043d8000"));
        assert_eq!(read("6b043d8000", nonce("6b043d8000")), None);
        assert_eq!(read("6b043d9000", nonce("6b043d8000")), nonce("6b043d9000"));
        assert_eq!(read("6b043d8100", nonce("6b043d9000")), None);
    }
}
