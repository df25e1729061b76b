//! Signs that a key was not drawn at random: typed, counted up, or made of a few bytes.
//!
//! A random key shows one of these signs less than once in 10^13 times, so a warning is never about
//! a good key. The other way round nothing is proved: a bad generator can look random.

use crate::key::Key;
use crate::secret::KEY_LENGTH;
use std::fmt;

/// Why a key looks as if somebody could guess it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weakness {
    /// Few different bytes, or one piece again and again.
    Repeated,
    /// Every byte is the one before it plus the same number.
    Sequence,
    /// Words with blanks or hyphens between them, or small letters alone.
    Passphrase,
    /// Hexadecimal digits as text: half of the bits are fixed.
    HexText,
    /// Letters, digits and signs of a keyboard: at most 210 of the 256 bits.
    Printable,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weakness::Repeated => "it repeats itself",
            Weakness::Sequence => "it counts up or down",
            Weakness::Passphrase => "it looks like a passphrase",
            Weakness::HexText => "it is made of hexadecimal digits as text: 128 bits at most",
            Weakness::Printable => "it is made of letters and signs as text, not of random bytes",
        })
    }
}

/// The gravest sign that a key shows.
pub fn of(key: &Key) -> Option<Weakness> {
    let bytes = key.secret().bytes();
    let all = |test: fn(&u8) -> bool| bytes.iter().all(test);
    if is_repeated(bytes) {
        Some(Weakness::Repeated)
    } else if is_sequence(bytes) {
        Some(Weakness::Sequence)
    } else if all(u8::is_ascii_hexdigit) {
        Some(Weakness::HexText)
    } else if !all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
        None
    } else if all(|byte| byte.is_ascii_lowercase()) || has_words(bytes) {
        Some(Weakness::Passphrase)
    } else {
        Some(Weakness::Printable)
    }
}

/// At most eight different bytes, or a piece of up to half the key that fills all of it.
fn is_repeated(bytes: &[u8; KEY_LENGTH]) -> bool {
    let different = (0..=u8::MAX).filter(|byte| bytes.contains(byte)).count();
    let returns = |period: usize| bytes[period..] == bytes[..KEY_LENGTH - period];
    different <= 8 || (1..=KEY_LENGTH / 2).any(returns)
}

fn is_sequence(bytes: &[u8; KEY_LENGTH]) -> bool {
    let step = bytes[1].wrapping_sub(bytes[0]);
    bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

/// Two blanks, hyphens or underscores, and letters for most of the rest.
fn has_words(bytes: &[u8; KEY_LENGTH]) -> bool {
    let between = bytes.iter().filter(|byte| matches!(byte, b' ' | b'-' | b'_')).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    between >= 2 && letters * 4 >= (KEY_LENGTH - between) * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Kind;

    fn weakness(bytes: &[u8]) -> Option<Weakness> {
        of(&Key::from_bytes(Kind::Direct, bytes).unwrap())
    }

    #[test]
    fn what_people_type_is_noticed() {
        let sequence: Vec<u8> = (0..32).collect();
        let typed: [(&[u8], Weakness); 9] = [
            (&[0; 32], Weakness::Repeated),
            (b"0123456789abcdef0123456789abcdef", Weakness::Repeated),
            (b"xyxxyxyyxyxxyxyyxyxxyxxyxyyyxyxx", Weakness::Repeated),
            (&sequence, Weakness::Sequence),
            (b"correct-horse-battery-staple-yes", Weakness::Passphrase),
            (b"thequickbrownfoxjumpsoverthelazy", Weakness::Passphrase),
            (b"9f86d081884c7d659a2feaa0c55ad015", Weakness::HexText),
            (b"Zq3nX8vR2mK7pL5wT9yB4cH6jD1fG0sA", Weakness::Printable),
            (b"32byteslongsecretkeymustbegiven1", Weakness::Printable),
        ];
        for (bytes, expected) in typed {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(weakness(bytes), Some(expected), "{shown}");
        }
    }

    #[test]
    fn random_keys_are_left_in_peace() {
        use sha2::{Digest as _, Sha256};
        for number in 0..2_000_u32 {
            assert_eq!(weakness(&Sha256::digest(number.to_be_bytes())), None, "{number}");
        }
    }
}
