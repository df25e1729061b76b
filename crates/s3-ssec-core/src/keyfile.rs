//! The key file: text that a person can read, comment, and type in again (`FORMAT.md`, "Key file").
//!
//! ```text
//! # comments and empty lines are allowed anywhere
//! s3-ssec-keys 1
//!
//! key      s3-ssec-master1...        Bech32m of 32 bytes: a typing error is noticed
//! label    lab data                  optional
//! created  2026-11-23                optional
//! ```
//!
//! The first key writes, all of them read. Errors name the line, never what stands in it.
//!
//! ```
//! use s3_ssec_core::key::{Key, Kind};
//! use s3_ssec_core::keyfile::{Entry, KeyFile};
//! use s3_ssec_core::legacy::Encoding;
//!
//! let key = Key::from_bytes(Kind::Master, &[7; 32])?;
//! let entry = Entry { key, label: Some("lab data".to_owned()), created: None };
//! let text = KeyFile::new(vec![entry])?.print(); // for a file of mode 0600
//! let (file, encoding) = KeyFile::read(text.as_bytes())?;
//! assert_eq!((file.entries().len(), encoding), (1, Encoding::KeyFile));
//!
//! // 32 raw bytes, hex or base64 of another tool are a direct key.
//! let (old, _) = KeyFile::read(&[7; 32])?;
//! assert_eq!(old.entries()[0].key.kind(), Kind::Direct);
//! assert!(KeyFile::read(b"no key at all").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod insert;
mod remove;

pub use insert::{InsertError, Position, insert};
pub use remove::{RemoveError, remove};

use crate::key::{Key, Kind};
use crate::keyring::{Keyring, KeyringError, clash};
use crate::legacy::{self, Encoding, LegacyError};
use crate::secret::{KEY_LENGTH, Secret32};
use crate::typing::{place, wrong_place};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use std::fmt::Write as _;
use zeroize::Zeroizing;

const HEADER: &str = "s3-ssec-keys";
const VERSION: &str = "1";
/// Longest key file that is read, in bytes: some hundred keys.
pub const KEY_FILE_MAX: usize = 64 << 10;

/// A key with what its owner wrote beside it.
pub struct Entry {
    /// The key.
    pub key: Key,
    /// What the owner calls it.
    pub label: Option<String>,
    /// The day it was made, `YYYY-MM-DD`.
    pub created: Option<String>,
}

/// The content of a key file: at least one key, none of them twice.
pub struct KeyFile(Vec<Entry>);

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A word that this format does not know.
    #[error("starts with a word that is not one of key, label, created")]
    UnknownField,
    /// `label` or `created` before any `key`, or twice for one.
    #[error("does not belong to a key above it, or says again what was said")]
    Misplaced,
    /// The key's checksum fails: it was mistyped or cut.
    #[error("holds a key with a typing error{}", place(*near))]
    Checksum {
        /// The character of the key that is wrong, counted from 1 without blanks, if only one is.
        near: Option<usize>,
    },
    /// Neither a master nor a direct key, or not of 32 bytes.
    #[error("holds something that is not a key of this format")]
    NotAKey,
    /// The same key twice, or one key under both kinds.
    #[error("holds a key that cannot stand here: {0}")]
    Keyring(KeyringError),
}

/// A key file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Not UTF-8 text.
    #[error("it is not text")]
    NotText,
    /// More than [`KEY_FILE_MAX`] bytes.
    #[error("it has {0} bytes, more than a key file can have")]
    TooLong(usize),
    /// Written by a newer format; never guessed at.
    #[error("it is of a newer format than this program knows")]
    NewerFormat,
    /// A line is wrong.
    #[error("line {line} {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        error: LineError,
    },
    /// No key in it, or two that cannot stand together.
    #[error("{0}")]
    Keyring(#[from] KeyringError),
    /// Neither a key file nor a key of another tool.
    #[error("it is no key: {0}")]
    Legacy(#[from] LegacyError),
}

impl KeyFile {
    /// Collects entries.
    pub fn new(entries: Vec<Entry>) -> Result<Self, KeyringError> {
        let (mut keys, mut notes) = (Vec::new(), Vec::new());
        for Entry { key, label, created } in entries {
            keys.push(key);
            notes.push((label, created));
        }
        let keys = Keyring::new(keys)?.into_keys();
        let entry = |(key, (label, created))| Entry { key, label, created };
        Ok(Self(keys.into_iter().zip(notes).map(entry).collect()))
    }

    /// Reads a key file of this format, or a key in any legacy encoding, and says which it was.
    pub fn read(bytes: &[u8]) -> Result<(Self, Encoding), KeyFileError> {
        if !Self::is_key_file(bytes) {
            let (key, encoding) = legacy::read(bytes)?;
            let entry = Entry { key: Key::Direct(key), label: None, created: None };
            return Ok((Self(vec![entry]), encoding));
        }
        if bytes.len() > KEY_FILE_MAX {
            return Err(KeyFileError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| KeyFileError::NotText)?;
        parse(text).map(|file| (file, Encoding::KeyFile))
    }

    /// True for the text format of this project, in whatever version; all else is another tool's.
    pub fn is_key_file(bytes: &[u8]) -> bool {
        // 32 bytes are a raw key whatever they look like; no key file is that short.
        bytes.len() != KEY_LENGTH && starts_like_a_key_file(bytes)
    }

    /// Takes the entries out again, the writing key first.
    pub fn into_entries(self) -> Vec<Entry> {
        self.0
    }

    /// The entries, the writing key first.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The keys, and what their owner calls them.
    pub fn into_keyring(self) -> Result<Keyring, KeyringError> {
        Keyring::labelled(self.0.into_iter().map(|entry| (entry.key, entry.label)).collect())
    }

    /// A label that stands at two keys. Such a file is read; it is only awkward for its owner.
    pub fn repeated_label(&self) -> Option<&str> {
        let labels = || self.0.iter().filter_map(|entry| entry.label.as_deref());
        labels().enumerate().find_map(|(index, label)| {
            labels().take(index).any(|before| before == label).then_some(label)
        })
    }

    /// The text of the file. It holds the keys: it goes to a file of mode 0600 and nowhere else.
    pub fn print(&self) -> Zeroizing<String> {
        // Room for everything: a growing String would leave keys behind.
        let notes = |entry: &Entry| entry.label.as_ref().map_or(0, String::len);
        let room = 256 + self.0.iter().map(|entry| 256 + notes(entry)).sum::<usize>();
        let mut text = Zeroizing::new(String::with_capacity(room));
        text.push_str("# Keys of s3-ssec. Without them nobody can read the data: keep a copy.\n");
        text.push_str("# The first key writes, all of them read.\n");
        let _ = writeln!(text, "{HEADER} {VERSION}");
        for entry in &self.0 {
            print_entry(&mut text, entry);
        }
        text
    }
}

fn print_entry(text: &mut String, entry: &Entry) {
    let fingerprint = entry.key.fingerprint();
    let _ = writeln!(text, "\n# {} key, fingerprint {fingerprint}", entry.key.kind());
    text.push_str("key      ");
    append_key(text, &entry.key);
    text.push('\n');
    if let Some(label) = &entry.label {
        let _ = writeln!(text, "label    {label}");
    }
    if let Some(created) = &entry.created {
        let _ = writeln!(text, "created  {created}");
    }
}

/// A key alone, in Bech32m: what stands behind `key` in a file, and in a QR code. It is the key: it
/// goes to paper or a file of mode 0600 and nowhere else.
pub fn print_key(key: &Key) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    append_key(&mut text, key);
    text
}

fn append_key(text: &mut String, key: &Key) {
    // A 32-byte key is far below Bech32m's limit of length.
    let _ =
        bech32::encode_lower_to_fmt::<Bech32m, _>(text, prefix(key.kind()), key.secret().bytes());
}

/// The human-readable part of a key's Bech32m text.
fn prefix(kind: Kind) -> Hrp {
    Hrp::parse_unchecked(match kind {
        Kind::Master => "s3-ssec-master",
        Kind::Direct => "s3-ssec-direct",
    })
}

fn starts_like_a_key_file(bytes: &[u8]) -> bool {
    significant_lines(&String::from_utf8_lossy(&bytes[..bytes.len().min(KEY_FILE_MAX)]))
        .next()
        .is_some_and(|(_, line)| line.starts_with(HEADER))
}

/// Lines that are neither empty nor comments, with their numbers from 1.
fn significant_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn parse(text: &str) -> Result<KeyFile, KeyFileError> {
    let mut lines = significant_lines(text);
    let version = lines.next().and_then(|(_, line)| line.strip_prefix(HEADER)).map(str::trim);
    if version != Some(VERSION) {
        return Err(KeyFileError::NewerFormat);
    }
    let mut entries: Vec<Entry> = Vec::new();
    for (line, text) in lines {
        let error = |error| KeyFileError::Line { line, error };
        let (field, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let value = value.trim();
        if field == "key" {
            let key = parse_key(value).map_err(error)?;
            if let Some(clash) = entries.iter().find_map(|entry| clash(&entry.key, &key)) {
                return Err(error(LineError::Keyring(clash)));
            }
            entries.push(Entry { key, label: None, created: None });
            continue;
        }
        let entry = entries.last_mut();
        let slot = match field {
            "label" => entry.map(|entry| &mut entry.label),
            "created" => entry.map(|entry| &mut entry.created),
            _ => return Err(error(LineError::UnknownField)),
        };
        let slot = slot.filter(|slot| slot.is_none());
        *slot.ok_or_else(|| error(LineError::Misplaced))? = Some(value.to_owned());
    }
    Ok(KeyFile::new(entries)?)
}

/// Reads one key in Bech32m. Blanks between its characters are ignored, for those who type in groups.
pub fn parse_key(text: &str) -> Result<Key, LineError> {
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.chars().filter(|character| !character.is_whitespace()));
    let checked = CheckedHrpstring::new::<Bech32m>(&compact)
        .map_err(|_| LineError::Checksum { near: wrong_place(&compact) })?;
    let kind = [Kind::Master, Kind::Direct]
        .into_iter()
        .find(|kind| prefix(*kind) == checked.hrp())
        .ok_or(LineError::NotAKey)?;
    let secret = Secret32::fill(|key| {
        let mut bytes = checked.byte_iter();
        key.iter_mut().try_for_each(|slot| bytes.next().map(|byte| *slot = byte).ok_or(()))?;
        if bytes.next().is_some() { Err(()) } else { Ok(()) }
    });
    let secret = secret.map_err(|()| LineError::NotAKey)?;
    Key::from_bytes(kind, secret.bytes()).map_err(|_| LineError::NotAKey)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, byte: u8, label: Option<&str>) -> Entry {
        Entry {
            key: Key::from_bytes(kind, &[byte; 32]).unwrap(),
            label: label.map(str::to_owned),
            created: Some("2026-11-23".to_owned()),
        }
    }

    fn text() -> String {
        let file = KeyFile::new(vec![
            entry(Kind::Master, 1, Some("lab data, 2026")),
            entry(Kind::Direct, 2, None),
        ]);
        file.unwrap().print().to_string()
    }

    fn error(text: &str) -> KeyFileError {
        KeyFile::read(text.as_bytes()).err().unwrap()
    }

    #[test]
    fn what_is_printed_is_read() {
        let (file, encoding) = KeyFile::read(text().as_bytes()).unwrap();
        assert_eq!(encoding, Encoding::KeyFile);
        let [master, direct] = file.entries() else { panic!("two keys") };
        assert_eq!(master.key.kind(), Kind::Master);
        assert_eq!(master.label.as_deref(), Some("lab data, 2026"));
        assert_eq!(direct.key.kind(), Kind::Direct);
        assert_eq!((&direct.label, direct.created.as_deref()), (&None, Some("2026-11-23")));
        assert!(master.key.same_bytes(&entry(Kind::Master, 1, None).key));
        assert_eq!(file.print().as_str(), text());
    }

    /// The line of `FORMAT.md`, made by an independent program.
    #[test]
    fn the_vector_of_the_format_is_written_and_read() {
        let bytes: Vec<u8> = (0..32).collect();
        let key = Key::from_bytes(Kind::Master, &bytes).unwrap();
        let file = KeyFile::new(vec![Entry { key, label: None, created: None }]).unwrap();
        let line =
            "key      s3-ssec-master1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqdm95e";
        assert!(file.print().lines().any(|printed| printed == line));
    }

    #[test]
    fn people_may_space_shout_and_use_windows() {
        let key = text().lines().find(|line| line.starts_with("key")).unwrap()[9..].to_owned();
        let grouped: Vec<&str> =
            key.as_bytes().chunks(4).map(|c| str::from_utf8(c).unwrap()).collect();
        for key in [grouped.join(" "), key.to_uppercase()] {
            let text = format!("s3-ssec-keys 1\r\n\r\nkey {key}\r\n");
            assert!(KeyFile::read(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn a_typing_error_is_noticed_and_never_repeated() {
        let good = text();
        let start = good.find("master1").unwrap() + 7;
        for position in start..start + 58 {
            let mut typed = good.clone().into_bytes();
            typed[position] = if typed[position] == b'q' { b'p' } else { b'q' };
            let error = error(std::str::from_utf8(&typed).unwrap());
            let near = Some(position - start + "s3-ssec-master1".len() + 1);
            assert_eq!(error, KeyFileError::Line { line: 6, error: LineError::Checksum { near } });
            assert!(error.to_string().len() < 80, "{error}");
        }
    }

    #[test]
    fn refusals_name_the_line() {
        let line = |line, error| KeyFileError::Line { line, error };
        assert_eq!(error("s3-ssec-keys 1\n"), KeyringError::Empty.into());
        assert_eq!(error("s3-ssec-keys 2\nkey x\n"), KeyFileError::NewerFormat);
        assert_eq!(error("s3-ssec-keys 1\n\nlabel a\n"), line(3, LineError::Misplaced));
        assert_eq!(error("s3-ssec-keys 1\nsecret a\n"), line(2, LineError::UnknownField));
        assert_eq!(error("s3-ssec-keys 1\nkey\n"), line(2, LineError::Checksum { near: None }));
        assert_eq!(error(&text().replace("label ", "created ")), line(8, LineError::Misplaced));
        let other = bech32::encode::<Bech32m>(Hrp::parse("age").unwrap(), &[1; 32]).unwrap();
        assert_eq!(error(&format!("s3-ssec-keys 1\nkey {other}")), line(2, LineError::NotAKey));
        let short = bech32::encode::<Bech32m>(prefix(Kind::Master), &[1; 31]).unwrap();
        assert_eq!(error(&format!("s3-ssec-keys 1\nkey {short}")), line(2, LineError::NotAKey));
        let both = bech32::encode::<Bech32m>(prefix(Kind::Direct), &[1; 32]).unwrap();
        let both = format!("{}\nkey {both}\n", text());
        assert_eq!(error(&both), line(14, LineError::Keyring(KeyringError::BothKinds)));
    }

    #[test]
    fn legacy_keys_are_direct() {
        let (file, encoding) = KeyFile::read(&[7; 32]).unwrap();
        assert_eq!(encoding, Encoding::Raw);
        assert_eq!(file.entries()[0].key.kind(), Kind::Direct);
        assert_eq!(error("hello"), LegacyError::Length(5).into());
    }
}
