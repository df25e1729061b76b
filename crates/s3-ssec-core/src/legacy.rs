//! Keys as other tools keep them: 32 raw bytes, base64, or hex.
//!
//! A legacy key is always a direct key: it was made to be sent as it is.

use crate::key::CustomerKey;
use crate::secret::{KEY_LENGTH, Secret32};
use base64ct::{Base64Unpadded, Encoding as _};
use std::fmt;
use zeroize::Zeroizing;

/// How the bytes of a key file were understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// The text format of this project.
    KeyFile,
    /// 32 bytes, taken as they are.
    Raw,
    /// 32 bytes and a line end.
    RawWithNewline,
    /// Standard base64 of 32 bytes.
    Base64,
    /// 64 hexadecimal digits.
    Hex,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoding::KeyFile => "key file",
            Encoding::Raw => "32 raw bytes",
            Encoding::RawWithNewline => "32 raw bytes and a line end",
            Encoding::Base64 => "base64",
            Encoding::Hex => "hex",
        })
    }
}

/// The bytes are no key in any encoding. Says lengths and positions, never content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Base64, but not of 32 bytes.
    #[error("it is base64 of {0} bytes, a key has 32")]
    Base64Length(usize),
    /// Hex, but for one character.
    #[error("it looks like hex, but character {0} is not a hexadecimal digit")]
    HexDigit(usize),
    /// Hex, but not of 32 bytes.
    #[error("it is hex of {0} digits, a key has 64")]
    HexLength(usize),
    /// Several lines of text where one key should be.
    #[error("it has {0} lines, and one key is one line")]
    Lines(usize),
    /// Something else where base64 has to be.
    #[error("it is not base64 of 32 bytes")]
    NotBase64,
    /// None of the encodings.
    #[error("it has {0} bytes, a raw key has exactly 32")]
    Length(usize),
}

/// Reads a key in any legacy encoding and says which it was.
///
/// Exactly 32 bytes are always the raw key, whatever they look like: also when the last one is a
/// newline, also when all of them are base64 characters. One line end is tolerated otherwise.
pub fn read(bytes: &[u8]) -> Result<(CustomerKey, Encoding), LegacyError> {
    if let Ok(key) = CustomerKey::from_bytes(bytes) {
        return Ok((key, Encoding::Raw));
    }
    let line = without_line_end(bytes);
    if let Ok(key) = CustomerKey::from_bytes(line) {
        return Ok((key, Encoding::RawWithNewline));
    }
    if line.is_empty() {
        return Err(LegacyError::Empty);
    }
    if let Some(lines) = several_lines(line) {
        return Err(LegacyError::Lines(lines));
    }
    if looks_like_hex(line) {
        return hex(line).map(|key| (key, Encoding::Hex));
    }
    base64(line).map(|key| (key, Encoding::Base64))
}

fn without_line_end(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// How many lines a text has that are not blank, if they are several.
fn several_lines(text: &[u8]) -> Option<usize> {
    let is_text = text.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    Some(lines.count()).filter(|lines| is_text && *lines > 1)
}

/// Nearly all digits: random base64 has a hexadecimal digit in about every third place.
fn looks_like_hex(line: &[u8]) -> bool {
    let digits = line.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    line.len() >= 48 && digits * 10 >= line.len() * 9
}

fn hex(line: &[u8]) -> Result<CustomerKey, LegacyError> {
    if let Some(stray) = line.iter().position(|byte| !byte.is_ascii_hexdigit()) {
        return Err(LegacyError::HexDigit(stray + 1));
    }
    if line.len() != KEY_LENGTH * 2 {
        return Err(LegacyError::HexLength(line.len()));
    }
    Secret32::fill(|key| base16ct::mixed::decode(line, key).map(drop))
        .map(CustomerKey::from_secret)
        .map_err(|_| LegacyError::HexLength(line.len()))
}

fn base64(line: &[u8]) -> Result<CustomerKey, LegacyError> {
    let unpadded = line.strip_suffix(b"==").or(line.strip_suffix(b"=")).unwrap_or(line);
    let mut decoded = Zeroizing::new(vec![0_u8; unpadded.len()]);
    match Base64Unpadded::decode(unpadded, &mut decoded) {
        // Anything of 16 bytes and more was meant to be base64; less is chance.
        Ok(key) if key.len() >= 16 => {
            CustomerKey::from_bytes(key).map_err(|wrong| LegacyError::Base64Length(wrong.got))
        }
        _ => Err(LegacyError::Length(line.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(bytes: &[u8]) -> Result<Encoding, LegacyError> {
        let (key, encoding) = read(bytes)?;
        assert_eq!(key.expose_bytes().len(), 32);
        Ok(encoding)
    }

    #[test]
    fn every_encoding_is_named() {
        let base64 = b"pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
        let hex = "00ff".repeat(16).into_bytes();
        let mut raw = [0_u8; 32];
        assert_eq!(seen(&raw), Ok(Encoding::Raw), "a key of zeros, NUL first");
        raw[31] = b'\n';
        assert_eq!(seen(&raw), Ok(Encoding::Raw), "the last byte is a newline");
        assert_eq!(seen(&[b'A'; 32]), Ok(Encoding::Raw), "base64 characters only");
        assert_eq!(seen(base64), Ok(Encoding::Base64));
        assert_eq!(seen(&base64[..43]), Ok(Encoding::Base64), "no padding");
        assert_eq!(seen(&hex), Ok(Encoding::Hex));
        assert_eq!(seen(&hex.to_ascii_uppercase()), Ok(Encoding::Hex));
        for end in [&b"\n"[..], b"\r\n"] {
            assert_eq!(seen(&[&[7; 32], end].concat()), Ok(Encoding::RawWithNewline));
            assert_eq!(seen(&[&base64[..], end].concat()), Ok(Encoding::Base64));
            assert_eq!(seen(&[&hex[..], end].concat()), Ok(Encoding::Hex));
        }
    }

    #[test]
    fn the_encodings_agree() {
        let raw: Vec<u8> = (0..32).collect();
        let hex = base16ct::lower::encode_string(&raw);
        let base64 = base64ct::Base64::encode_string(&raw);
        for text in [hex, base64] {
            assert_eq!(read(text.as_bytes()).unwrap().0.expose_bytes()[..], raw);
        }
    }

    #[test]
    fn refusals_say_what_was_seen() {
        let stray = "00ff".repeat(16).replacen("ff", "fg", 1);
        let two = b"pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=\nand a remark\n";
        let refused: [(&[u8], LegacyError); 10] = [
            (two, LegacyError::Lines(2)),
            (b"", LegacyError::Empty),
            (b"\n", LegacyError::Empty),
            (&[1; 31], LegacyError::Length(31)),
            (&[1; 33], LegacyError::Length(33)),
            (&[b'\n'; 35], LegacyError::Length(34)),
            (b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", LegacyError::Length(32)),
            (b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=", LegacyError::Base64Length(26)),
            (stray.as_bytes(), LegacyError::HexDigit(4)),
            (&[b'0'; 62], LegacyError::HexLength(62)),
        ];
        for (bytes, error) in refused {
            if bytes.len() == 32 {
                continue; // Exactly 32 bytes are a raw key, also the base64 of 24 bytes.
            }
            assert_eq!(read(bytes).err(), Some(error), "{} bytes", bytes.len());
        }
        let base64_of_24 = b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3\n\n";
        assert_eq!(read(base64_of_24).err(), Some(LegacyError::Length(33)));
    }
}
