//! Where in a line of Bech32m somebody has mistyped: the place is told, and never what stands there.

use bech32::Bech32m;
use bech32::primitives::decode::CheckedHrpstring;
use zeroize::Zeroizing;

/// The letters of Bech32m (BIP 173).
const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The code is made for lines of at most so many characters.
const LONGEST: usize = 90;

/// The character of `line` that is wrong, counted from 1, if only one is.
///
/// Every character is tried in every place: two lines with good checksums differ in more than one. The
/// corrector of bech32 0.12 would be quicker, and panics on lines with many errors.
pub(crate) fn wrong_place(line: &str) -> Option<usize> {
    let shouted = line.bytes().any(|byte| byte.is_ascii_uppercase());
    let mixed = shouted && line.bytes().any(|byte| byte.is_ascii_lowercase());
    if line.len() > LONGEST || !line.is_ascii() || mixed {
        return None;
    }
    let mut trial = Zeroizing::new(line.as_bytes().to_vec());
    trial.make_ascii_lowercase();
    let first = trial.iter().rposition(|&byte| byte == b'1')? + 1;
    for place in first..trial.len() {
        let typed = trial[place];
        for letter in LETTERS {
            trial[place] = *letter;
            let text = std::str::from_utf8(&trial).ok()?;
            if *letter != typed && CheckedHrpstring::new::<Bech32m>(text).is_ok() {
                return Some(place + 1);
            }
        }
        trial[place] = typed;
    }
    None
}

/// The end of a sentence about it.
pub(crate) fn place(near: Option<usize>) -> String {
    near.map_or(String::new(), |place| format!(", probably in character {place}"))
}
