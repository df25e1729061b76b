//! A key split among people, so that some of them together restore it and fewer learn nothing
//! (`FORMAT.md`, "Shares").
//!
//! Shamir's scheme over GF(256), byte by byte, by the crate `vsss-rs`. What is split is the key and
//! the beginning of its fingerprint, so a result that is wrong is noticed. Each share is one line of
//! Bech32m, so a share that was mistyped is noticed alone.

mod error;
mod line;

pub use error::{CombineError, LineError, SchemeError, ShareError, SplitError};
pub use line::{SHARES_MAX, read};

use crate::key::{Key, Kind};
use crate::secret::KEY_LENGTH;
use std::convert::Infallible;
use std::fmt;
use subtle::ConstantTimeEq as _;
use vsss_rs::Gf256;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of the fingerprint that are split together with the key: with the kind found by trying
/// both, one wrong result in 2^47 would pass.
const CHECK_LENGTH: usize = 6;
const VALUE_LENGTH: usize = KEY_LENGTH + CHECK_LENGTH;
/// Random bytes that name a set of shares.
const SET_LENGTH: usize = 3;

/// How many shares there are, and how many of them restore the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    shares: u8,
    threshold: u8,
}

impl Scheme {
    /// At least two restore, at most all of them. One alone would be a copy, not a share.
    pub fn new(shares: u8, threshold: u8) -> Result<Self, SchemeError> {
        match (shares, threshold) {
            (_, 0 | 1) => Err(SchemeError::Copy),
            (shares, threshold) if threshold > shares => Err(SchemeError::TooFew),
            _ => Ok(Self { shares, threshold }),
        }
    }

    /// How many are made.
    pub fn shares(self) -> u8 {
        self.shares
    }

    /// How many restore.
    pub fn threshold(self) -> u8 {
        self.threshold
    }

    /// Random bytes that [`split`] takes.
    pub fn random_length(self) -> usize {
        SET_LENGTH + VALUE_LENGTH * usize::from(self.threshold - 1)
    }
}

/// The random name of the shares that were made together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetId([u8; SET_LENGTH]);

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetId({self})")
    }
}

/// One share of a key.
pub struct Share {
    set: SetId,
    threshold: u8,
    index: u8,
    value: Zeroizing<[u8; VALUE_LENGTH]>,
}

impl Share {
    /// The set it belongs to.
    pub fn set(&self) -> SetId {
        self.set
    }

    /// How many of the set restore the key.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Which one of the set it is, from 1.
    pub fn index(&self) -> u8 {
        self.index
    }
}

/// Splits `key`. `random` has exactly [`Scheme::random_length`] bytes that nobody knows and that are
/// used for nothing else; the caller wipes them.
pub fn split(key: &Key, scheme: Scheme, random: &[u8]) -> Result<Vec<Share>, SplitError> {
    if random.len() != scheme.random_length() {
        return Err(SplitError { got: random.len(), wanted: scheme.random_length() });
    }
    let (name, coefficients) = random.split_at(SET_LENGTH);
    let mut set = SetId([0; SET_LENGTH]);
    set.0.copy_from_slice(name);
    let mut secret = Zeroizing::new([0; VALUE_LENGTH]);
    secret[..KEY_LENGTH].copy_from_slice(key.secret().bytes());
    secret[KEY_LENGTH..].copy_from_slice(&check_of(key));
    let mut random = Given { bytes: coefficients, ran_out: false };
    let (threshold, shares) = (usize::from(scheme.threshold), usize::from(scheme.shares));
    let split = Gf256::split_bytes(threshold, shares, secret.as_slice(), &mut random);
    // Numbers that a `Scheme` allows; and one byte was taken for each coefficient.
    let split = split.ok().filter(|_| !random.ran_out && random.bytes.is_empty());
    let wrong = SplitError { got: coefficients.len(), wanted: coefficients.len() };
    let share = |mut bytes: Vec<u8>| {
        let mut value = Zeroizing::new([0; VALUE_LENGTH]);
        let [index, points @ ..] = bytes.as_slice() else { return None };
        let index = *index;
        if points.len() == VALUE_LENGTH {
            value.copy_from_slice(points);
        }
        bytes.zeroize();
        Some(Share { set, threshold: scheme.threshold, index, value })
    };
    split.ok_or(wrong)?.into_iter().map(share).collect::<Option<_>>().ok_or(wrong)
}

/// Puts a key together from at least as many shares as are needed, in any order. The result is
/// checked against the fingerprint that was split with it.
pub fn combine(shares: &[Share]) -> Result<Key, CombineError> {
    let first = shares.first().ok_or(CombineError::Nothing)?;
    for (place, share) in shares.iter().enumerate() {
        if share.set != first.set || share.threshold != first.threshold {
            return Err(CombineError::OtherSet { place: place + 1, set: share.set });
        }
        if shares[..place].iter().any(|other| other.index == share.index) {
            return Err(CombineError::Twice(share.index));
        }
    }
    let needed = usize::from(first.threshold);
    if shares.len() < needed {
        return Err(CombineError::NotEnough { have: shares.len(), needed });
    }
    let mut points: Vec<Vec<u8>> = shares.iter().map(point).collect();
    let secret = Gf256::combine_bytes(&points);
    points.iter_mut().for_each(|point| point.zeroize());
    let secret = Zeroizing::new(secret.map_err(|_| CombineError::NotGenuine)?);
    key_in(&secret).ok_or(CombineError::NotGenuine)
}

/// The index and the values, as the crate wants them. Never grows.
fn point(share: &Share) -> Vec<u8> {
    let mut point = Vec::with_capacity(1 + VALUE_LENGTH);
    point.push(share.index);
    point.extend_from_slice(share.value.as_slice());
    point
}

/// The key of the kind whose fingerprint was split with it.
fn key_in(secret: &[u8]) -> Option<Key> {
    let (bytes, check) = secret.split_at_checked(KEY_LENGTH)?;
    let kinds = [Kind::Master, Kind::Direct].into_iter();
    let mut keys = kinds.filter_map(|kind| Key::from_bytes(kind, bytes).ok());
    keys.find(|key| bool::from(check_of(key).ct_eq(check)))
}

fn check_of(key: &Key) -> [u8; CHECK_LENGTH] {
    let mut check = [0; CHECK_LENGTH];
    check.copy_from_slice(&key.fingerprint().bytes()[..CHECK_LENGTH]);
    check
}

/// Random bytes that were drawn before, as a generator: one byte for each number that is asked for.
struct Given<'r> {
    bytes: &'r [u8],
    /// Asked for more than there was: what came out must not be used.
    ran_out: bool,
}

impl Given<'_> {
    fn next(&mut self) -> u8 {
        match self.bytes {
            [first, rest @ ..] => {
                self.bytes = rest;
                *first
            }
            [] => {
                self.ran_out = true;
                0
            }
        }
    }
}

impl rand_core::TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next().into())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next().into())
    }

    fn try_fill_bytes(&mut self, target: &mut [u8]) -> Result<(), Infallible> {
        target.fill_with(|| self.next());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Given<'_> {}

#[cfg(feature = "getrandom")]
mod generate {
    //! Shares with randomness of the operating system.

    use super::{Scheme, Share, split};
    use crate::key::{Key, RandomError};
    use zeroize::Zeroizing;

    /// Splits `key` with random bytes of the operating system.
    pub fn generate(key: &Key, scheme: Scheme) -> Result<Vec<Share>, RandomError> {
        let mut random = Zeroizing::new(vec![0; scheme.random_length()]);
        crate::key::fill_random(&mut random)?;
        // As many bytes as it takes.
        Ok(split(key, scheme, &random).unwrap_or_else(|_| unreachable!()))
    }
}

#[cfg(feature = "getrandom")]
pub use generate::generate;

#[cfg(test)]
mod tests;
