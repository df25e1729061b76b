//! One key less in a key file: what else stands in it stays as it is, comments and all.

use super::{KeyFileError, parse, significant_lines};
use crate::key::Fingerprint;
use zeroize::Zeroizing;

/// A key cannot be taken out of a key file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// The file as it is cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// No such key in it.
    #[error("the key {0} is not in it")]
    Absent(Fingerprint),
    /// It is the first: without it another key would begin to write.
    #[error("the key {0} is the first of the file, the one that writes")]
    Writes(Fingerprint),
}

/// The text of a key file without this key, its label and its date. It holds the other keys.
pub fn remove(text: &str, key: Fingerprint) -> Result<Zeroizing<String>, RemoveError> {
    let file = parse(text)?;
    let place = file.entries().iter().position(|entry| entry.key.fingerprint() == key);
    let place = match place {
        None => return Err(RemoveError::Absent(key)),
        Some(0) => return Err(RemoveError::Writes(key)),
        Some(place) => place,
    };
    let mut keys = 0;
    let mut gone = Vec::new();
    // Behind the header, what stands between two keys belongs to the first of them.
    for (line, words) in significant_lines(text).skip(1) {
        keys += usize::from(words.split_whitespace().next() == Some("key"));
        if keys == place + 1 {
            gone.push(line);
        }
    }
    // Room for everything: a growing String would leave keys behind.
    let mut new = Zeroizing::new(String::with_capacity(text.len()));
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if !gone.contains(&number) {
            new.push_str(line);
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{Key, Kind};
    use crate::keyfile::{Entry, KeyFile};

    fn entry(byte: u8, label: &str) -> Entry {
        let key = Key::from_bytes(Kind::Master, &[byte; 32]).unwrap();
        Entry { key, label: Some(label.to_owned()), created: Some("2026-11-24".to_owned()) }
    }

    fn fingerprint(byte: u8) -> Fingerprint {
        entry(byte, "").key.fingerprint()
    }

    #[test]
    fn one_key_goes_and_the_rest_stays() {
        let entries = vec![entry(1, "one"), entry(2, "two"), entry(3, "three")];
        let text = format!("# mine\n{}# the end", KeyFile::new(entries).unwrap().print().as_str());
        for (gone, left) in [(2, ["one", "three"]), (3, ["one", "two"])] {
            let new = remove(&text, fingerprint(gone)).unwrap();
            let file = KeyFile::read(new.as_bytes()).unwrap().0;
            let labels: Vec<_> =
                file.entries().iter().map(|entry| entry.label.clone().unwrap()).collect();
            assert_eq!(labels, left);
            assert!(new.starts_with("# mine\n") && new.ends_with("# the end"));
            assert_eq!(text.lines().count() - new.lines().count(), 3, "key, label, created");
        }
        assert_eq!(remove(&text, fingerprint(1)).err(), Some(RemoveError::Writes(fingerprint(1))));
        assert_eq!(remove(&text, fingerprint(9)).err(), Some(RemoveError::Absent(fingerprint(9))));
        assert!(matches!(remove("hello", fingerprint(1)), Err(RemoveError::File(_))));
    }
}
