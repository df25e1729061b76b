//! The MD5 of a customer key: S3's check value for the key header, and the echo.

use crate::secret::on_wiped_stack;
use base64ct::{Base64, Base64Unpadded, Encoding as _};
use std::fmt;
use zeroize::Zeroizing;

/// MD5 of a 32-byte customer key: 16 bytes, in headers as standard base64 (24 characters).
///
/// S3 uses it to detect a damaged key, not for security. It is shown on demand only: for a typed
/// key it could be tested against guesses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyMd5([u8; 16]);

impl KeyMd5 {
    pub(crate) fn of(key: &[u8; 32]) -> Self {
        on_wiped_stack(|| Self::compute(key))
    }

    fn compute(key: &[u8; 32]) -> Self {
        // The usual hasher keeps its last block, the key, in memory that is never wiped. The key
        // is one block, so the block function on a buffer of our own is all that is needed.
        let mut block = Zeroizing::new([0_u8; 64]);
        block[..32].copy_from_slice(key);
        block[32] = 0x80;
        block[56..].copy_from_slice(&256_u64.to_le_bytes());
        let mut state: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
        md5::block_api::compress(&mut state, std::slice::from_ref(&*block));
        let mut digest = [0; 16];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(digest)
    }

    /// Reads the base64 form that S3 sends. `None` if it is not 16 bytes of base64.
    ///
    /// Padding is optional, as it is for RGW (measured on 16.2, 18.2 and 20.2).
    pub fn from_base64(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let read = Base64Unpadded::decode(text.trim_end_matches('='), &mut bytes).ok()?;
        (read.len() == 16).then_some(Self(bytes))
    }

    /// The base64 form for headers: 24 characters.
    pub fn to_base64(self) -> String {
        Base64::encode_string(&self.0)
    }
}

impl fmt::Debug for KeyMd5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMd5(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CustomerKey;

    #[test]
    fn agrees_with_the_pairs_of_cephs_own_tests() {
        for (key, md5) in [
            ("pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=", "DWygnHRtgiJ77HCm+1rvHw=="),
            ("6b+WOZ1T3cqZMxgThRcXAQBrS5mXKdDUphvpxptl9/4=", "arxBvwY2V4SiOne6yppVPQ=="),
        ] {
            let key = CustomerKey::from_bytes(&Base64::decode_vec(key).unwrap()).unwrap();
            assert_eq!(key.md5().to_base64(), md5);
            assert_eq!(KeyMd5::from_base64(md5), Some(key.md5()));
        }
    }

    #[test]
    fn reads_padded_and_unpadded_base64_of_16_bytes_only() {
        let md5 = KeyMd5([9; 16]);
        assert_eq!(KeyMd5::from_base64(md5.to_base64().trim_end_matches('=')), Some(md5));
        for wrong in ["", "====", "0cc175b9c0f1b6a831c399e269772661", "DWygnHRtgiJ77HCm+1rv", "é"]
        {
            assert_eq!(KeyMd5::from_base64(wrong), None, "{wrong}");
        }
    }
}
