//! What this machine remembers between commands. Nothing in it is secret, and nothing is lost with it.
//!
//! * `proved.json`: where a trial write was already proved;
//! * `ledger.jsonl`: nonces of objects whose gateway took no tag;
//! * `uploads/`, `downloads/`, `rekeys/`: journals of what may have to go on after a crash.

use s3_ssec_core::derive::Nonce;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::names::ObjectName;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A directory of small files, made when first needed.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Uses `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A small JSON file; `Null` where it is missing or damaged: all of it can be made again.
    pub(crate) fn read(&self, file: &str) -> Value {
        fs::read(self.0.join(file))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or(Value::Null)
    }

    /// Replaces a small JSON file, whole or not at all.
    pub(crate) fn write(&self, file: &str, value: &Value) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let new = self.0.join(format!("{file}.{}", std::process::id()));
        fs::write(&new, format!("{value:#}\n"))?;
        fs::rename(new, self.0.join(file))
    }

    /// Notes the nonce of an object that could not carry its record.
    pub(crate) fn note(
        &self,
        endpoint: &str,
        name: &ObjectName,
        key: Fingerprint,
        nonce: Nonce,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let line = json!({
            "endpoint": endpoint,
            "object": name.to_string(),
            "key": key.to_string(),
            "nonce": nonce.to_string(),
        });
        let mut file = OpenOptions::new().create(true).append(true).open(self.0.join(LEDGER))?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }

    /// The nonces noted for an object, the newest first.
    pub(crate) fn noted(&self, endpoint: &str, name: &ObjectName) -> Vec<(Fingerprint, Nonce)> {
        let text = fs::read_to_string(self.0.join(LEDGER)).unwrap_or_default();
        let object = name.to_string();
        let line = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            let same = line["endpoint"] == endpoint && line["object"] == object.as_str();
            let key = Fingerprint::parse(line["key"].as_str()?)?;
            let nonce = Nonce::parse(line["nonce"].as_str()?)?;
            same.then_some((key, nonce))
        };
        text.lines().rev().filter_map(line).collect()
    }
}

/// An append-only file of lines, locked while it is open, so that one process at a time has it.
pub(crate) struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    pub(crate) fn open(path: PathBuf) -> io::Result<(Self, String)> {
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        file.try_lock().map_err(|_| io::Error::other("another process is at it"))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok((Self { file, path }, text))
    }

    /// Appends a line; it is on the disk when this returns.
    pub(crate) fn append(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.file.sync_data()
    }

    /// Empties the file.
    pub(crate) fn clear(&mut self) {
        let _ = self.file.set_len(0);
    }

    /// Cuts off what comes after so many bytes: a line that a crash cut short.
    pub(crate) fn cut(&mut self, length: usize) -> io::Result<()> {
        self.file.set_len(length as u64)
    }

    /// Removes the file.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl StateDir {
    /// Opens the journal that belongs to these names, and reads what is in it.
    pub(crate) fn journal(
        &self,
        directory: &str,
        names: &[&str],
    ) -> io::Result<(JournalFile, String)> {
        let mut hash = Sha256::new();
        for name in names {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        let name = base16ct::lower::encode_string(&hash.finalize()[..16]);
        let directory = self.0.join(directory);
        fs::create_dir_all(&directory)?;
        JournalFile::open(directory.join(format!("{name}.jsonl")))
    }

    /// All journals of a kind that no other process has open.
    pub(crate) fn journals(&self, directory: &str) -> Vec<(JournalFile, String)> {
        let entries = fs::read_dir(self.0.join(directory)).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let paths = paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
        paths.filter_map(|path| JournalFile::open(path).ok()).collect()
    }
}

const LEDGER: &str = "ledger.jsonl";

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::names::{BucketName, ObjectKey};

    #[test]
    fn the_ledger_finds_what_was_noted_last() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-state-{}", std::process::id()));
        let state = StateDir::new(&directory);
        let name = |key: &str| {
            ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
        };
        let key = Fingerprint::parse("00112233aabbccdd").unwrap();
        let nonces: Vec<_> = (1..4).map(|time| Nonce::next(time, 7, None)).collect();
        for nonce in &nonces {
            state.note("https://a", &name("x"), key, *nonce).unwrap();
        }
        let found: Vec<_> =
            state.noted("https://a", &name("x")).into_iter().map(|(_, nonce)| nonce).collect();
        assert_eq!(found, [nonces[2], nonces[1], nonces[0]]);
        assert!(state.noted("https://b", &name("x")).is_empty());
        assert!(state.noted("https://a", &name("y")).is_empty());
        assert_eq!(state.read("absent.json"), Value::Null);
        state.write("present.json", &json!({"a": 1})).unwrap();
        assert_eq!(state.read("present.json"), json!({"a": 1}));
        fs::remove_dir_all(directory).unwrap();
    }
}
