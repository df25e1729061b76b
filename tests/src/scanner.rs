//! Looks for a secret in any form in which a program could have let it out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::path::Path;

/// The forms of one secret.
pub struct Scanner {
    needles: Vec<(String, Vec<u8>)>,
}

impl Scanner {
    /// Looks for a key: raw, base64, hex, lists of numbers, byte strings. A good part of it counts.
    pub fn of_key(label: &str, key: &[u8]) -> Self {
        assert_eq!(key.len(), 32, "keys have 32 bytes");
        let numbers = |separator: &str, number: fn(&u8) -> String| {
            key[..12].iter().map(number).collect::<Vec<_>>().join(separator).into_bytes()
        };
        // Base64 without its last characters, so that padding does not matter.
        let base64 = |engine: &dyn Fn(&[u8]) -> String| engine(&key[..24]).into_bytes();
        let hex = base16ct::lower::encode_string(&key[..16]);
        let forms = [
            ("raw", key[..16].to_vec()),
            ("base64", base64(&|bytes| STANDARD.encode(bytes))),
            ("base64url", base64(&|bytes| URL_SAFE.encode(bytes))),
            ("hex", hex.clone().into_bytes()),
            ("upper hex", hex.to_uppercase().into_bytes()),
            ("numbers", numbers(", ", u8::to_string)),
            ("lines of numbers", numbers(",\n    ", u8::to_string)),
            ("close numbers", numbers(",", u8::to_string)),
            ("hex numbers", numbers(", ", |byte| format!("{byte:#x}"))),
            ("padded hex numbers", numbers(", ", |byte| format!("0x{byte:02x}"))),
            ("byte string", key[..16].escape_ascii().to_string().into_bytes()),
            ("escaped text", String::from_utf8_lossy(&key[..16]).escape_debug().to_string().into()),
        ];
        let needles = forms.into_iter().map(|(form, bytes)| (format!("{label}, {form}"), bytes));
        Self { needles: needles.collect() }
    }

    /// Looks for a text as it is.
    #[must_use]
    pub fn and_text(mut self, label: &str, text: &str) -> Self {
        self.needles.push((label.to_owned(), text.as_bytes().to_vec()));
        self
    }

    /// Adds what another one looks for.
    #[must_use]
    pub fn and(mut self, other: Scanner) -> Self {
        self.needles.extend(other.needles);
        self
    }

    /// The forms found.
    pub fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let stands = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let found = self.needles.iter().filter(|(_, needle)| stands(needle));
        found.map(|(label, _)| label.as_str()).collect()
    }

    #[track_caller]
    pub fn assert_clean(&self, place: &str, bytes: &[u8]) {
        assert_eq!(self.found(bytes), Vec::<&str>::new(), "in {place}");
    }

    /// Looks through all files below a directory; returns how many there were.
    pub fn assert_clean_below(&self, directory: &Path) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap();
            self.assert_clean("a name", name.as_bytes());
            if path.is_dir() {
                files += self.assert_clean_below(&path);
            } else {
                self.assert_clean(name, &std::fs::read(&path).unwrap());
                files += 1;
            }
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Vec<u8> {
        crate::content(7, 32)
    }

    #[test]
    fn planted_leaks_are_found() {
        let (key, scanner) = (key(), Scanner::of_key("key", &key()));
        let hex = base16ct::lower::encode_string(&key);
        let planted = [
            key.clone(),
            STANDARD.encode(&key).into_bytes(),
            STANDARD.encode(&key).trim_end_matches('=').as_bytes().to_vec(),
            URL_SAFE.encode(&key).into_bytes(),
            hex.clone().into_bytes(),
            hex.to_uppercase().into_bytes(),
            format!("{key:?}").into_bytes(),
            format!("{key:#?}").into_bytes(),
            format!("{key:#x?}").replace('\n', "").replace("    ", " ").into_bytes(),
            key.escape_ascii().to_string().into_bytes(),
        ];
        for leak in planted {
            let place = [b"before ".as_slice(), &leak, b" after"].concat();
            let shown = String::from_utf8_lossy(&leak);
            assert!(!scanner.found(&place).is_empty(), "{shown} is not found");
        }
    }

    #[test]
    fn nothing_else_is_found() {
        let scanner = Scanner::of_key("key", &key()).and_text("word", "hush");
        assert_eq!(scanner.found(&crate::content(8, 1 << 16)), Vec::<&str>::new());
        assert_eq!(scanner.found(b"do hush now"), ["word"]);
        let fingerprint = format!("{:?}", &key()[..8]);
        assert_eq!(scanner.found(fingerprint.as_bytes()), Vec::<&str>::new());
    }

    #[test]
    fn files_are_looked_through() {
        let directory = crate::scratch_dir();
        std::fs::create_dir(directory.join("deep")).unwrap();
        directory.file("deep/a", b"clean");
        let scanner = Scanner::of_key("key", &key());
        assert_eq!(scanner.assert_clean_below(directory.path()), 1);
        directory.file("deep/b", &key());
        let caught = std::panic::catch_unwind(|| scanner.assert_clean_below(directory.path()));
        assert!(caught.is_err());
    }
}
