//! Files in which other tools keep customer keys, one or many.
//!
//! | tool | what is read |
//! | --- | --- |
//! | rclone | `sse_customer_key` and `sse_customer_key_base64` of every remote in its configuration |
//! | s3fs | the lines of `use_sse=custom:FILE`: 32 characters as they are, or base64; `#` comments |
//! | mc | `ALIAS/BUCKET/PREFIX=KEY`, parted by commas or line ends, as in `MC_ENC_C` |
//! | aws, boto, s3cmd | one key: 32 raw bytes, base64 or hex ([`legacy`]) |
//!
//! All of them are direct keys. Errors name the line, never what stands in it.

use crate::key::{CustomerKey, Key};
use crate::keyfile::Entry;
use crate::legacy::{self, Encoding, LegacyError};
use std::fmt;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// One key in an encoding of its own, as aws, boto and s3cmd keep it.
    OneKey(Encoding),
    /// The configuration of rclone.
    Rclone,
    /// A key in every line, as s3fs reads it: the first writes, all read.
    S3fs,
    /// Prefixes and keys of mc.
    Mc,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::OneKey(encoding) => encoding.fmt(f),
            Form::Rclone => f.write_str("the configuration of rclone"),
            Form::S3fs => f.write_str("a list of keys, as s3fs reads it"),
            Form::Mc => f.write_str("prefixes and keys of mc"),
        }
    }
}

/// What was found: every key once, in the order of the file.
pub struct Found {
    /// Whose file it is.
    pub form: Form,
    /// At least one key; labelled where the tool has a name for it.
    pub entries: Vec<Entry>,
    /// How many more times a key stood there again.
    pub repeated: usize,
}

/// No key can be taken from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForeignError {
    /// Not one key in any encoding.
    #[error("it is no key: {0}")]
    Key(#[from] LegacyError),
    /// A line that should hold a key does not.
    #[error("line {line} holds no key: {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        error: LegacyError,
    },
    /// A configuration of rclone without a customer key.
    #[error("it is a configuration of rclone without sse_customer_key")]
    NoKey,
    /// A configuration of rclone under a password.
    #[error("it is a configuration of rclone under a password")]
    Encrypted,
}

const RCLONE_RAW: &str = "sse_customer_key";
const RCLONE_BASE64: &str = "sse_customer_key_base64";
/// Longest label that is made of a name of another tool, in characters.
const LABEL_MAX: usize = 100;

/// Reads the keys of another tool and says whose file it seems to be.
///
/// 32 bytes are always one raw key, whatever they look like.
pub fn read(bytes: &[u8]) -> Result<Found, ForeignError> {
    if let Ok(found) = one_key(bytes) {
        return Ok(found);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return one_key(bytes) };
    if text.lines().any(|line| line.trim() == "RCLONE_ENCRYPT_V0:") {
        return Err(ForeignError::Encrypted);
    }
    if text.lines().any(|line| line.trim_start().starts_with('[')) {
        return rclone(text);
    }
    if text.lines().any(|line| mc_items(line).any(|(prefix, key)| is_mc(prefix, key))) {
        return mc(text);
    }
    match key_lines(text).count() {
        0 | 1 if !text.lines().any(is_comment) => one_key(bytes),
        _ => s3fs(text),
    }
}

fn one_key(bytes: &[u8]) -> Result<Found, ForeignError> {
    let (key, encoding) = legacy::read(bytes)?;
    Ok(Found { form: Form::OneKey(encoding), entries: vec![entry(key, None)], repeated: 0 })
}

fn entry(key: CustomerKey, label: Option<&str>) -> Entry {
    let clean = |label: &str| {
        let printable = label.chars().filter(|c| !c.is_control());
        printable.take(LABEL_MAX).collect::<String>().trim().to_owned()
    };
    let label = label.map(clean).filter(|label| !label.is_empty());
    Entry { key: Key::Direct(key), label, created: None }
}

/// Collects keys, every one once.
struct Collector(Found);

impl Collector {
    fn new(form: Form) -> Self {
        Self(Found { form, entries: Vec::new(), repeated: 0 })
    }

    fn add(
        &mut self,
        line: usize,
        key: Result<CustomerKey, LegacyError>,
        label: Option<&str>,
    ) -> Result<(), ForeignError> {
        let key = key.map_err(|error| ForeignError::Line { line, error })?;
        let entry = entry(key, label);
        match self.0.entries.iter().any(|known| known.key.same_bytes(&entry.key)) {
            true => self.0.repeated += 1,
            false => self.0.entries.push(entry),
        }
        Ok(())
    }

    fn finish(self) -> Result<Found, ForeignError> {
        if self.0.entries.is_empty() { Err(ForeignError::NoKey) } else { Ok(self.0) }
    }
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()))
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

fn key_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text).filter(|(_, line)| !line.is_empty() && !is_comment(line))
}

fn s3fs(text: &str) -> Result<Found, ForeignError> {
    let mut found = Collector::new(Form::S3fs);
    for (line, text) in key_lines(text) {
        found.add(line, legacy::read(text.as_bytes()).map(|(key, _)| key), None)?;
    }
    found.finish().map_err(|_| LegacyError::Empty.into())
}

fn rclone(text: &str) -> Result<Found, ForeignError> {
    let mut found = Collector::new(Form::Rclone);
    let mut remote = None;
    for (line, text) in key_lines(text) {
        if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            remote = Some(name);
        }
        let Some((name, value)) = text.split_once('=') else { continue };
        let value = value.trim();
        match name.trim() {
            _ if value.is_empty() => {}
            RCLONE_RAW => found.add(line, unquoted(value, raw_text), remote)?,
            RCLONE_BASE64 => found.add(line, unquoted(value, base64_text), remote)?,
            _ => {}
        }
    }
    found.finish()
}

/// A value as it stands, or else without the quotes that are put around odd characters.
fn unquoted(
    value: &str,
    read: fn(&str) -> Result<CustomerKey, LegacyError>,
) -> Result<CustomerKey, LegacyError> {
    let without = |quote: &str| value.strip_prefix(quote)?.strip_suffix(quote);
    read(value).or_else(|error| {
        let bare = ["\"\"\"", "\"", "`"].into_iter().find_map(without);
        bare.map_or(Err(error), read)
    })
}

/// rclone sends these characters as they are; base64 in this place would be refused by a gateway.
fn raw_text(value: &str) -> Result<CustomerKey, LegacyError> {
    CustomerKey::from_bytes(value.as_bytes()).map_err(|wrong| LegacyError::Length(wrong.got))
}

fn base64_text(value: &str) -> Result<CustomerKey, LegacyError> {
    match legacy::read(value.as_bytes())? {
        (key, Encoding::Base64) => Ok(key),
        _ => Err(LegacyError::NotBase64),
    }
}

/// The pieces of a line of mc: `PREFIX=KEY`, between commas, also out of a shell's `export`.
fn mc_items(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut line = line.trim();
    for word in ["export ", "MC_ENC_C=", "MC_ENCRYPT_KEY=", "--enc-c ", "--encrypt-key "] {
        line = line.strip_prefix(word).unwrap_or(line).trim_start();
    }
    let line = line.trim_matches(['"', '\'']);
    line.split(',').filter_map(|item| item.split_once('='))
}

/// Base64 has `=` at its end only, and every prefix of mc begins with an alias and a slash.
fn is_mc(prefix: &str, key: &str) -> bool {
    prefix.contains('/') && !key.trim_matches('=').is_empty()
}

fn mc(text: &str) -> Result<Found, ForeignError> {
    let mut found = Collector::new(Form::Mc);
    for (line, text) in key_lines(text) {
        let mut items = mc_items(text).peekable();
        if items.peek().is_none() {
            found.add(line, Err(LegacyError::Length(text.len())), None)?;
        }
        for (prefix, key) in items {
            let key = legacy::read(key.as_bytes()).map(|(key, _)| key);
            found.add(line, key, Some(prefix))?;
        }
    }
    found.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Kind;

    const BASE64: &str = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
    const TYPED: &str = "32byteslongsecretkeymustbegiven1";

    fn found(text: &str) -> Found {
        read(text.as_bytes()).map_err(|error| error.to_string()).unwrap()
    }

    fn labels(found: &Found) -> Vec<Option<&str>> {
        found.entries.iter().map(|entry| entry.label.as_deref()).collect()
    }

    fn error(text: &str) -> ForeignError {
        read(text.as_bytes()).err().unwrap()
    }

    fn at(line: usize, error: LegacyError) -> ForeignError {
        ForeignError::Line { line, error }
    }

    fn typed() -> Key {
        Key::from_bytes(Kind::Direct, TYPED.as_bytes()).unwrap()
    }

    #[test]
    fn one_key_is_one_key() {
        assert_eq!(found(TYPED).form, Form::OneKey(Encoding::Raw));
        assert_eq!(found(&format!("{BASE64}\n")).form, Form::OneKey(Encoding::Base64));
        assert_eq!(found(&"0f".repeat(32)).form, Form::OneKey(Encoding::Hex));
        assert_eq!(read(&[0xff; 33]).err(), Some(LegacyError::Length(33).into()));
        assert_eq!(error(""), LegacyError::Empty.into());
        let mut counted: Vec<u8> = (1..=32).collect();
        counted.push(b'\n');
        assert_eq!(read(&counted).unwrap().form, Form::OneKey(Encoding::RawWithNewline));
        // 32 bytes, whatever they look like.
        assert_eq!(found("[remote]\nsse_customer_key = 1234").form, Form::OneKey(Encoding::Raw));
    }

    #[test]
    fn rclone_has_a_key_for_every_remote() {
        let text = format!(
            "[lab]\ntype = s3\nsse_customer_algorithm = AES256\nsse_customer_key = {TYPED}\n\n\
             [archive]\nsse_customer_key_base64 = {BASE64}\nsse_customer_key =\n\
             [copy]\nsse_customer_key = `{TYPED}`\n"
        );
        let all = found(&text);
        assert_eq!((all.form, all.repeated), (Form::Rclone, 1));
        assert_eq!(labels(&all), [Some("lab"), Some("archive")]);
        assert!(all.entries[0].key.same_bytes(&typed()));
        let misplaced = text.replace(TYPED, BASE64);
        assert_eq!(error(&misplaced), at(4, LegacyError::Length(44)));
        let misplaced = text.replace(BASE64, TYPED);
        assert_eq!(error(&misplaced), at(7, LegacyError::NotBase64));
        assert_eq!(error("[lab]\ntype = s3\nprovider = RadosGateway\n"), ForeignError::NoKey);
        let encrypted = "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabcdef==\n";
        assert_eq!(error(encrypted), ForeignError::Encrypted);
    }

    #[test]
    fn s3fs_has_a_key_in_every_line() {
        let all = found(&format!("# newest first\n{TYPED}\n\n  {BASE64}  \n{TYPED}\n"));
        assert_eq!((all.form, all.repeated), (Form::S3fs, 1));
        assert_eq!(labels(&all), [None, None]);
        assert!(all.entries[0].key.same_bytes(&typed()));
        assert_eq!(error(&format!("{BASE64}\nshort\n")), at(2, LegacyError::Length(5)));
        assert_eq!(error("# nothing\n# at all, but long\n"), LegacyError::Empty.into());
    }

    #[test]
    fn mc_has_a_key_for_every_prefix() {
        for text in [
            format!("play/bucket/a={TYPED},play/bucket/b/={BASE64}"),
            format!("export MC_ENC_C=\"play/bucket/a={TYPED},play/bucket/b/={BASE64}\"\n"),
            format!("--enc-c \"play/bucket/a={TYPED}\"\n--enc-c \"play/bucket/b/={BASE64}\"\n"),
        ] {
            let all = found(&text);
            assert_eq!(all.form, Form::Mc, "{text}");
            assert_eq!(labels(&all), [Some("play/bucket/a"), Some("play/bucket/b/")], "{text}");
        }
        assert_eq!(error("play/bucket/a=tooshort"), at(1, LegacyError::Length(8)));
        let second = format!("play/a={BASE64}\nnonsense\n");
        assert_eq!(error(&second), at(2, LegacyError::Length(8)));
    }
}
