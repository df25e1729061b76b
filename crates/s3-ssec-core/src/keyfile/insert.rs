//! One more key in a key file: what stood in it stays as it is, comments and all.

use super::{Entry, KEY_FILE_MAX, KeyFile, KeyFileError, parse, print_entry, significant_lines};
use crate::key::Fingerprint;
use crate::keyring::{KeyringError, clash};
use zeroize::Zeroizing;

/// Where a key goes in a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before all others: it writes from now on.
    First,
    /// Behind all others: it reads.
    Last,
}

/// A key cannot be put into a key file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InsertError {
    /// The file as it is cannot be used, or would become too long.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The key is there already, or the same bytes under the other kind.
    #[error("{0}")]
    Keyring(#[from] KeyringError),
    /// Another key of the file has that label.
    #[error("the key {0} has that label already")]
    LabelTaken(Fingerprint),
}

/// The text of a key file with one more key in it. It holds the keys, as [`KeyFile::print`] does.
pub fn insert(
    text: &str,
    entry: &Entry,
    position: Position,
) -> Result<Zeroizing<String>, InsertError> {
    let file = parse(text)?;
    if let Some(clash) = file.entries().iter().find_map(|other| clash(&other.key, &entry.key)) {
        return Err(clash.into());
    }
    if let Some(taken) = same_label(&file, entry) {
        return Err(InsertError::LabelTaken(taken));
    }
    let at = match position {
        Position::First => end_of_header(text),
        Position::Last => text.len(),
    };
    let label = entry.label.as_ref().map_or(0, String::len);
    // Room for everything: a growing String would leave keys behind.
    let mut new = Zeroizing::new(String::with_capacity(text.len() + 512 + label));
    new.push_str(&text[..at]);
    if !new.ends_with('\n') {
        new.push('\n');
    }
    print_entry(&mut new, entry);
    new.push_str(&text[at..]);
    if new.len() > KEY_FILE_MAX {
        return Err(KeyFileError::TooLong(new.len()).into());
    }
    Ok(new)
}

fn same_label(file: &KeyFile, entry: &Entry) -> Option<Fingerprint> {
    let same = |known: &&Entry| entry.label.is_some() && known.label == entry.label;
    file.entries().iter().find(same).map(|known| known.key.fingerprint())
}

/// Where the line after the header begins.
fn end_of_header(text: &str) -> usize {
    let header = significant_lines(text).next().map_or(0, |(line, _)| line);
    text.split_inclusive('\n').take(header).map(str::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, Kind};
    use crate::keyfile::{HEADER, LineError};

    fn entry(byte: u8, label: &str) -> Entry {
        let key = Key::from_bytes(Kind::Master, &[byte; 32]).unwrap();
        Entry { key, label: Some(label.to_owned()), created: Some("2026-11-24".to_owned()) }
    }

    fn text() -> String {
        let printed = KeyFile::new(vec![entry(1, "one"), entry(2, "two")]).unwrap().print();
        format!("# mine\n{}# the end", printed.as_str())
    }

    fn labels(text: &str) -> Vec<String> {
        let (file, _) = KeyFile::read(text.as_bytes()).unwrap();
        file.entries().iter().map(|entry| entry.label.clone().unwrap()).collect()
    }

    #[test]
    fn everything_stays_and_the_order_is_as_wanted() {
        for (position, order) in
            [(Position::First, ["three", "one", "two"]), (Position::Last, ["one", "two", "three"])]
        {
            let new = insert(&text(), &entry(3, "three"), position).unwrap();
            assert_eq!(labels(&new), order);
            assert!(text().lines().all(|line| new.contains(line)), "{}", new.as_str());
            let alone = insert(&text(), &entry(3, "three"), position).unwrap();
            assert_eq!(new.as_str(), alone.as_str());
        }
        let windows = text().replace('\n', "\r\n");
        let new = insert(&windows, &entry(3, "three"), Position::First).unwrap();
        assert_eq!(labels(&new), ["three", "one", "two"]);
    }

    #[test]
    fn what_cannot_stand_beside_the_others_is_refused() {
        let error = |text: &str, entry: &Entry| insert(text, entry, Position::First).err().unwrap();
        let one = entry(1, "other").key.fingerprint();
        assert_eq!(error(&text(), &entry(1, "other")), KeyringError::Repeated(one).into());
        let direct =
            Entry { key: Key::from_bytes(Kind::Direct, &[1; 32]).unwrap(), ..entry(1, "d") };
        assert_eq!(error(&text(), &direct), KeyringError::BothKinds.into());
        let two = entry(2, "two").key.fingerprint();
        assert_eq!(error(&text(), &entry(3, "two")), InsertError::LabelTaken(two));
        let damaged = format!("{HEADER} 1\nkey x\n");
        let line = KeyFileError::Line { line: 2, error: LineError::Checksum { near: None } };
        assert_eq!(error(&damaged, &entry(3, "c")), line.into());
        let newer = format!("{HEADER} 2\n");
        assert_eq!(error(&newer, &entry(3, "c")), KeyFileError::NewerFormat.into());
        let long = format!("{}\n# {}\n", text(), "x".repeat(KEY_FILE_MAX));
        assert!(matches!(
            error(&long, &entry(3, "c")),
            InsertError::File(KeyFileError::TooLong(length)) if length > KEY_FILE_MAX
        ));
    }
}
