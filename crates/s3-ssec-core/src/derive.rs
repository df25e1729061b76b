//! Derivation of per-object keys (`FORMAT.md`, "Derivation").
//!
//! RGW encrypts with the customer key as it is and a fixed IV, so one key for many objects shows
//! equal blocks and gives short tails a two-time pad. A key for every object version avoids both.
//!
//! ```
//! use s3_ssec_core::derive::Nonce;
//! use s3_ssec_core::key::{Key, Kind};
//! use s3_ssec_core::names::S3Address;
//!
//! let key = Key::from_bytes(Kind::Master, &[7; 32])?;
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let first = Nonce::next(1_764_000_000, 0x5a, None); // seconds since 1970, a random byte
//! let second = Nonce::next(1_764_000_000, 0x10, Some(first)); // greater than any known one
//! assert!(second > first);
//!
//! let wire = key.customer_key(&name, first); // what goes into the three headers
//! assert_ne!(wire.md5(), key.customer_key(&name, second).md5());
//! assert_eq!(wire.md5(), key.customer_key(&name, Nonce::parse("692481005a").unwrap()).md5());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::key::{CustomerKey, Key};
use crate::names::ObjectName;
use crate::secret::{Secret32, on_wiped_stack};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroize as _;

/// Five bytes that make the key of one object version unlike any other of the same name: the time
/// in seconds, then one random byte.
///
/// By time, so that a lost nonce can be found again from Last-Modified by a bounded search.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce([u8; 5]);

impl Nonce {
    /// The nonce of a write that starts now: `unix_seconds` since 1970 (valid until 2106) and a
    /// random byte, but always greater than `last`, the greatest nonce known for the name.
    ///
    /// A repeated nonce would repeat a key, so a clock that stands still or runs backwards must
    /// not cause one.
    pub fn next(unix_seconds: u64, random: u8, last: Option<Nonce>) -> Nonce {
        let seconds = u32::try_from(unix_seconds).unwrap_or(u32::MAX);
        let drawn = u64::from(seconds) << 8 | u64::from(random);
        let number = last.map_or(drawn, |last| drawn.max(last.number().saturating_add(1)));
        Nonce::from_number(number)
    }

    /// The time in it, in seconds since 1970.
    pub fn unix_seconds(self) -> u32 {
        (self.number() >> 8) as u32
    }

    /// The five bytes.
    pub fn bytes(self) -> [u8; 5] {
        self.0
    }

    /// The nonce of these five bytes.
    pub fn from_bytes(bytes: [u8; 5]) -> Self {
        Self(bytes)
    }

    /// Every nonce whose second is `unix_seconds`: 256 candidates, for the search of a lost one.
    pub fn candidates(unix_seconds: u32) -> impl Iterator<Item = Nonce> {
        (0..=255).map(move |random| Nonce::from_number(u64::from(unix_seconds) << 8 | random))
    }

    /// Parses ten lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 5];
        (text.len() == 10).then(|| base16ct::lower::decode(text, &mut bytes).ok())??;
        Some(Self(bytes))
    }

    fn number(self) -> u64 {
        self.0.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    fn from_number(number: u64) -> Self {
        let [_, _, _, bytes @ ..] = number.to_be_bytes();
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// What a derived value is for: the label of `X(l, c)`.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    ObjectKey,
    Content,
    Mask,
    Record,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Purpose::ObjectKey => b"object-key",
            Purpose::Content => b"content",
            Purpose::Mask => b"mask",
            Purpose::Record => b"record",
        }
    }
}

/// The pseudo-random key of HKDF, from which everything about one key is expanded.
pub(crate) struct Expander(Secret32);

impl Expander {
    pub(crate) fn of(key: &Key) -> Self {
        Self(Secret32::make(|prk| {
            on_wiped_stack(|| {
                let (mut extracted, _) =
                    Hkdf::<Sha256>::extract(Some(b"s3-ssec/v1"), key.secret().bytes());
                prk.copy_from_slice(&extracted);
                extracted.zeroize();
            });
        }))
    }

    /// `X(label, context)` of `FORMAT.md`: 32 bytes.
    pub(crate) fn expand(&self, purpose: Purpose, context: &[&[u8]]) -> Secret32 {
        let mut info: [&[u8]; 7] = [b"s3-ssec/v1/", purpose.label(), b"\0", b"", b"", b"", b""];
        for (slot, part) in info[3..].iter_mut().zip(context) {
            *slot = part;
        }
        Secret32::make(|out| {
            on_wiped_stack(|| {
                // HKDF-SHA256 refuses only a shorter key, and more than 8,160 bytes of output.
                let hkdf =
                    Hkdf::<Sha256>::from_prk(self.0.bytes()).unwrap_or_else(|_| unreachable!());
                hkdf.expand_multi_info(&info, out).unwrap_or_else(|_| unreachable!());
            });
        })
    }
}

impl Key {
    /// The customer key for the version of `name` that was written under `nonce`.
    ///
    /// Derived for a master key; a direct key is its own customer key.
    pub fn customer_key(&self, name: &ObjectName, nonce: Nonce) -> CustomerKey {
        match self {
            Key::Master(_) => CustomerKey::derived(
                Expander::of(self).expand(Purpose::ObjectKey, &[&name.digest(), &nonce.bytes()]),
                self.fingerprint(),
            ),
            Key::Direct(key) => CustomerKey::from_secret(Secret32::make(|copy| {
                copy.copy_from_slice(key.expose_bytes());
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_only_grow() {
        let first = Nonce::next(0x6b04_3d80, 0x5a, None);
        assert_eq!(first.to_string(), "6b043d805a");
        assert_eq!(first.unix_seconds(), 0x6b04_3d80);
        let same_second = Nonce::next(0x6b04_3d80, 0x10, Some(first));
        assert_eq!(same_second.to_string(), "6b043d805b");
        let clock_back = Nonce::next(0, 0, Some(first));
        assert!(clock_back > first);
        let carry = Nonce::next(0, 0, Nonce::parse("6b043d80ff"));
        assert_eq!(carry.to_string(), "6b043d8100");
        assert_eq!(Nonce::next(u64::MAX, 255, None).to_string(), "ffffffffff");
    }

    #[test]
    fn candidates_are_one_second() {
        let all: Vec<_> = Nonce::candidates(7).collect();
        assert_eq!(all.len(), 256);
        assert!(all.iter().all(|nonce| nonce.unix_seconds() == 7));
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
