//! Thirty-two secret bytes that never move, and a stack that forgets what was computed on it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::hint::black_box;
use zeroize::Zeroizing;

/// The bytes given were not exactly 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is exactly 32 bytes, these are {got}")]
pub struct KeyLengthError {
    /// How many bytes were given.
    pub got: usize,
}

/// Length of every key of this project, in bytes.
pub const KEY_LENGTH: usize = 32;

/// A boxed 32-byte secret, wiped when dropped.
///
/// Boxed because moving an array by value leaves copies on the stack that nobody wipes. No `Debug`,
/// `Clone` or `PartialEq`: the types that wrap it inherit its silence.
pub(crate) struct Secret32(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl Secret32 {
    /// Fills a fresh secret in place, so that no second copy of it ever exists.
    pub(crate) fn fill<E>(
        write: impl FnOnce(&mut [u8; KEY_LENGTH]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut bytes = Box::new(Zeroizing::new([0_u8; KEY_LENGTH]));
        write(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// As [`Secret32::fill`], for writers that cannot fail.
    pub(crate) fn make(write: impl FnOnce(&mut [u8; KEY_LENGTH])) -> Self {
        let mut bytes = Box::new(Zeroizing::new([0_u8; KEY_LENGTH]));
        write(&mut bytes);
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

/// Copies exactly 32 bytes into a secret of their own.
pub(crate) fn copy_secret(bytes: &[u8]) -> Result<Secret32, KeyLengthError> {
    if bytes.len() != KEY_LENGTH {
        return Err(KeyLengthError { got: bytes.len() });
    }
    Ok(Secret32::make(|secret| secret.copy_from_slice(bytes)))
}

/// HMAC-SHA256 of `parts` one after another, nothing of it left behind but the result.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Secret32 {
    Secret32::make(|out| {
        on_wiped_stack(|| {
            // HMAC takes keys of any length.
            let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
            parts.iter().for_each(|part| mac.update(part));
            out.copy_from_slice(&mac.finalize().into_bytes());
        });
    })
}

/// Machine words that [`on_wiped_stack`] overwrites: 12 KiB on 64 bits, several times what HKDF, HMAC
/// and a hash need in a build without optimisation.
const WIPED_WORDS: usize = 1536;

/// Does `work` and overwrites the stack it ran on.
///
/// Hash functions leave padded keys, chaining values and outputs that were moved in frames that
/// nobody wipes. `work` gives back a [`Secret32`] or something public, never secret bytes by value.
pub(crate) fn on_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let result = deeper(work);
    overwrite_stack();
    result
}

/// A frame of its own, so that everything in `work` lies where [`overwrite_stack`] writes.
#[inline(never)]
fn deeper<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite_stack() {
    // One `memset`, which takes a tenth of the time of volatile writes. It happens because somebody
    // might change the words; a shared reference would be to a constant elsewhere.
    black_box(&mut [0_usize; WIPED_WORDS]);
}
