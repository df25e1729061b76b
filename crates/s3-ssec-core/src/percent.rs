//! Percent-encoding, as S3 signs it.

/// Whether a slash separates segments or is a character like others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slash {
    /// In paths.
    Kept,
    /// In parameters.
    Encoded,
}

/// Percent-encodes all but letters, digits and `-._~`, once, in upper case, as S3 signs it.
pub(crate) fn encode(text: &str, slash: Slash) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain || (byte == b'/' && slash == Slash::Kept) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}
