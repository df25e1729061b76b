//! A manifest: the object keys that somebody wants dealt with, one a line.
//!
//! Object keys may hold line ends, so a line has two forms. A line that begins with `"` is a JSON
//! string and stands for the text in it. Every other line is an object key exactly as it stands,
//! spaces included; a `\r` at its end belongs to the line end. Empty lines count for nothing. There
//! are no comments: `#` may begin an object key. Manifests are UTF-8; a mark at the very beginning
//! (U+FEFF) is skipped, because editors put it there.
//!
//! So a plain list of names is a manifest, and so is what `jq .key` prints.

use crate::names::{NameError, ObjectKey};

/// A line of a manifest names no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Begins with a quote and is no JSON string.
    #[error("it begins with a quotation mark and is no JSON string")]
    NotJson,
    /// No object key of S3.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The object key that a line names, `None` for an empty one. The line may end in `\n` or `\r\n`.
pub fn read_line(line: &[u8]) -> Result<Option<ObjectKey>, ManifestError> {
    let line = std::str::from_utf8(line).map_err(|_| ManifestError::NotUtf8)?;
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    match line.as_bytes().first() {
        None => Ok(None),
        Some(b'"') => {
            let key: String = serde_json::from_str(line).map_err(|_| ManifestError::NotJson)?;
            Ok(Some(ObjectKey::parse(&key)?))
        }
        Some(_) => Ok(Some(ObjectKey::parse(line)?)),
    }
}

/// The line that names this object, without its line end: plain where that is safe.
pub fn write_line(object_key: &ObjectKey) -> String {
    let key = object_key.as_str();
    let plain = !key.starts_with(['"', MARK]) && !key.contains(char::is_control);
    match plain {
        true => key.to_owned(),
        false => serde_json::Value::from(key).to_string(),
    }
}

/// What editors put before the first line.
const MARK: char = '\u{feff}';

/// The first line of a manifest without the mark that an editor put there.
pub fn without_mark(first_line: &[u8]) -> &[u8] {
    first_line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(first_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[u8]) -> Result<Option<String>, ManifestError> {
        read_line(line).map(|key| key.map(|key| key.as_str().to_owned()))
    }

    #[test]
    fn what_is_written_is_read() {
        for key in ["a", "a b", " a ", "#a", "{\"key\":1}", "a\nb", "a\rb", "a\r", "\"a\"", "a\"b"]
        {
            let line = write_line(&ObjectKey::parse(key).unwrap());
            assert!(!line.contains(['\n', '\r']), "{line:?}");
            for end in ["", "\n", "\r\n"] {
                assert_eq!(read(format!("{line}{end}").as_bytes()), Ok(Some(key.to_owned())));
            }
        }
        let mark = write_line(&ObjectKey::parse("\u{feff}a").unwrap());
        assert_eq!(read(without_mark(mark.as_bytes())), Ok(Some("\u{feff}a".to_owned())));
    }

    #[test]
    fn both_forms_and_nothing_else() {
        assert_eq!(read(b"data/1.csv\n"), Ok(Some("data/1.csv".to_owned())));
        assert_eq!(read(b"\"a\\nb\"\n"), Ok(Some("a\nb".to_owned())));
        assert_eq!(read("\"\\u00fc\"".as_bytes()), Ok(Some("ü".to_owned())));
        assert_eq!(read(b"\n"), Ok(None));
        assert_eq!(read(b"\r\n"), Ok(None));
        for bad in [&b"\"a"[..], b"\"", b"\"a\"b", b"\"a\" \"b\"", b"\"\\x\""] {
            assert_eq!(read(bad), Err(ManifestError::NotJson), "{bad:?}");
        }
        assert_eq!(read(b"\xff"), Err(ManifestError::NotUtf8));
        assert_eq!(read(b"\"\""), Err(NameError::ObjectKeyLength(0).into()));
        assert_eq!(read(&[b'a'; 1025]), Err(NameError::ObjectKeyLength(1025).into()));
    }

    #[test]
    fn only_the_first_line_has_a_mark() {
        assert_eq!(read(without_mark("\u{feff}a\n".as_bytes())), Ok(Some("a".to_owned())));
        assert_eq!(without_mark(b"a"), b"a");
    }
}
