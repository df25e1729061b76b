//! Thirty-two secret bytes that never move: the storage under every key type.

use zeroize::Zeroizing;

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
