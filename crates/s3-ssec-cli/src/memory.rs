//! What this machine knows of a person's keys: where they belong, which copies of them were made,
//! and whether anybody was reminded to make one. Nothing in it is secret.
//!
//! It is one JSON file beside the other state. A damaged one is refused and never taken for an empty
//! one: then any endpoint could be the first.

use crate::keys::file::sync_name;
use crate::keys::place::Place;
use crate::report::{Exit, Failure};
use s3_ssec::StateDir;
use s3_ssec::core::key::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const FILE: &str = "keys.json";
const VERSION: u32 = 1;

/// The file, or none where a person has no home: then nothing is known, and nothing is kept.
#[derive(Clone)]
pub(crate) struct Memory(Option<PathBuf>);

/// Everything in it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    version: u32,
    /// By fingerprint.
    keys: BTreeMap<String, Notes>,
}

/// What is known of one key.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notes {
    /// Where it may be used; nowhere yet, if there is none.
    #[serde(default)]
    pub(crate) places: Vec<Place>,
    #[serde(default)]
    pub(crate) copies: Vec<Copied>,
    /// The day on which it was used without a copy, and somebody was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reminded: Option<String>,
}

/// A copy that was made, or was seen to work.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copied {
    /// `words`, `sheet`, `shares`, ...
    pub(crate) form: String,
    /// `YYYY-MM-DD`.
    pub(crate) date: String,
}

impl Default for Known {
    fn default() -> Self {
        Self { version: VERSION, keys: BTreeMap::new() }
    }
}

impl Known {
    /// What is known of a key, if anything is.
    pub(crate) fn notes(&self, key: Fingerprint) -> Option<&Notes> {
        self.keys.get(&key.to_string())
    }

    /// What is known of a key, to be changed.
    pub(crate) fn notes_mut(&mut self, key: Fingerprint) -> &mut Notes {
        self.keys.entry(key.to_string()).or_default()
    }

    /// Where a key may be used.
    pub(crate) fn places(&self, key: Fingerprint) -> &[Place] {
        self.notes(key).map_or(&[], |notes| &notes.places)
    }

    /// All keys, by fingerprint.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, &Notes)> {
        self.keys.iter().map(|(key, notes)| (key.as_str(), notes))
    }
}

impl Memory {
    /// In this directory of state.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        Self(directory.map(|directory| directory.join(FILE)))
    }

    /// True if there is a place for it, though perhaps not one that can be written.
    pub(crate) fn has_place(&self) -> bool {
        self.0.is_some()
    }

    /// All of it.
    pub(crate) fn read(&self) -> Result<Known, Failure> {
        let Some(path) = &self.0 else { return Ok(Known::default()) };
        let unusable = |problem: String| {
            let what = format!("{} {problem}", path.display());
            let todo = "It says which gateway may see which key. Mend it, or remove it to begin \
                        anew.";
            Failure::new(Exit::Unsafe, what, todo)
        };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if is_absent(&error) => return Ok(Known::default()),
            Err(error) => return Err(unusable(format!("cannot be read: {error}"))),
        };
        let known: Known = serde_json::from_slice(&text)
            .map_err(|error| unusable(format!("cannot be understood: {error}")))?;
        match known.version {
            VERSION => Ok(known),
            _ => Err(unusable("is of a newer version than this program".to_owned())),
        }
    }

    /// Changes it, alone: two commands at once both find their change in it.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Known)) -> Result<(), Failure> {
        let Some(path) = &self.0 else {
            let what = "neither HOME nor XDG_STATE_HOME is set to an absolute path";
            let todo = "Set one of them: what is known of keys is kept below it.";
            return Err(Failure::new(Exit::Failed, what, todo));
        };
        let failed = |error: io::Error| {
            let what = format!("{} cannot be written: {error}", path.display());
            Failure::new(Exit::Failed, what, "Check the directory, your rights, and the space.")
        };
        StateDir::new(path.parent().unwrap_or(path)).make().map_err(failed)?;
        let lock = private().create(true).open(path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut known = self.read()?;
        change(&mut known);
        let text = serde_json::to_string_pretty(&known).map_err(|e| failed(io::Error::from(e)))?;
        replace(path, &text).map_err(failed)
    }

    /// Notes that keys belong to a place, whose gateway confirmed them.
    pub(crate) fn bind(&self, keys: &[Fingerprint], place: &Place) -> Result<(), Failure> {
        self.change(|known| {
            for key in keys {
                let places = &mut known.notes_mut(*key).places;
                // Another command may have been first by a moment.
                if !places.contains(place) {
                    places.push(place.clone());
                }
            }
        })
    }

    /// Refuses keys that nobody can tie to a place: the next command would take any other for the
    /// first. What stands there is written again, as nothing less proves that it can be.
    pub(crate) fn want_lasting(&self) -> Result<(), Failure> {
        self.change(|_| ()).map_err(|failure| {
            let what = format!("where this key belongs cannot be remembered: {}", failure.what());
            let todo = "Set HOME or XDG_STATE_HOME to a directory that can be written, or add \
                        --any-endpoint.";
            Failure::new(Exit::Unsafe, what, todo)
        })
    }
}

/// A file in the place of the directory holds nothing either.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Options for a file that, where it is made, is for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Replaces the file, completely or not at all. Its owner alone may read it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = private().create(true).truncate(true).open(&new)?;
    file.write_all(format!("{text}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)?;
    sync_name(path);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Fingerprint {
        Fingerprint::parse("00112233aabbccdd").unwrap()
    }

    #[test]
    fn what_is_changed_is_read() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-memory-{}", std::process::id()));
        let memory = Memory::new(Some(&directory));
        assert_eq!(memory.read().ok().unwrap().keys().count(), 0);
        let copy = Copied { form: "words".to_owned(), date: "2026-11-25".to_owned() };
        memory.change(|known| known.notes_mut(key()).copies.push(copy.clone())).ok().unwrap();
        memory
            .change(|known| known.notes_mut(key()).places.push("https://a".parse().unwrap()))
            .ok()
            .unwrap();
        let known = memory.read().ok().unwrap();
        assert!(known.notes(key()).unwrap().copies == [copy]);
        assert_eq!(known.places(key())[0].to_string(), "https://a");
        let damaged = [
            "",
            "{",
            r#"{"version": 2, "keys": {}}"#,
            r#"{"version": 1, "keys": {"a": {"extra": 1}}}"#,
            r#"{"version": 1, "keys": {"a": {"places": ["nowhere"]}}}"#,
        ];
        for damaged in damaged {
            fs::write(directory.join(FILE), damaged).unwrap();
            assert_eq!(memory.read().err().unwrap().exit, Exit::Unsafe, "{damaged}");
            let change = memory.change(|known| known.keys.clear());
            assert_eq!(change.err().unwrap().exit, Exit::Unsafe, "{damaged}");
        }
        fs::remove_dir_all(directory).unwrap();
        let nowhere = Memory::new(None);
        assert_eq!(nowhere.change(|known| known.keys.clear()).err().unwrap().exit, Exit::Failed);
        assert_eq!(nowhere.read().ok().unwrap().keys().count(), 0);
    }

    #[test]
    fn what_does_not_last_is_refused() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-lasts-{}", std::process::id()));
        let memory = Memory::new(Some(&directory));
        memory.change(|known| known.notes_mut(key()).reminded = Some("now".to_owned())).unwrap();
        memory.want_lasting().unwrap();
        #[cfg(unix)]
        for entry in fs::read_dir(&directory).unwrap() {
            use std::os::unix::fs::PermissionsExt as _;
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
        assert!(memory.read().ok().unwrap().notes(key()).is_some(), "nothing is lost by asking");
        // A file is no directory, for root either.
        let below = Memory::new(Some(&directory.join(FILE)));
        for memory in [below, Memory::new(None)] {
            let refused = memory.want_lasting().unwrap_err();
            assert_eq!(refused.exit, Exit::Unsafe);
            assert!(refused.what().starts_with("where this key belongs cannot be"), "{refused}");
        }
        fs::remove_dir_all(directory).unwrap();
    }
}
