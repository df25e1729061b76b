//! What this machine remembers between commands. Nothing in it is secret, and nothing is lost with it.
//!
//! * `proved.json`: where a trial write was already proved;
//! * `nonces`: the greatest nonce drawn for a name, for all processes;
//! * `ledger.jsonl`: records of objects, before and where no tag holds them;
//! * `uploads/`, `downloads/`, `rekeys/`: journals of what may have to go on after a crash.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// The table of nonce marks.
pub(crate) const NONCES: &str = "nonces";

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

    /// Makes the directory, readable by its owner alone, unless it exists.
    pub fn make(&self) -> io::Result<()> {
        private_dir(&self.0)
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
        private_dir(&self.0)?;
        let new = self.0.join(format!("{file}.{}", std::process::id()));
        let mut out = private_file().write(true).create(true).truncate(true).open(&new)?;
        out.write_all(format!("{value:#}\n").as_bytes())?;
        fs::rename(new, self.0.join(file))
    }

    /// True if what has to be remembered can be: a file of it can be opened for writing.
    pub(crate) fn is_writable(&self) -> bool {
        let open = || private_file().append(true).create(true).open(self.0.join(NONCES));
        private_dir(&self.0).is_ok() && open().is_ok()
    }
}

/// Makes a directory, and those above it, for their owner alone.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    let mut directory = DirBuilder::new();
    directory.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut directory, 0o700);
    directory.create(path)
}

/// Options for a file that, where it is made, is for its owner alone.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// An append-only file of lines, locked while it is open, so that one process at a time has it.
pub(crate) struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    pub(crate) fn open(path: PathBuf) -> io::Result<(Self, String)> {
        let mut file = private_file().create(true).read(true).append(true).open(&path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
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
        private_dir(&directory)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn small_files_are_written_whole() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-state-{}", std::process::id()));
        let state = StateDir::new(&directory);
        assert!(state.is_writable());
        assert_eq!(state.read("absent.json"), Value::Null);
        state.write("present.json", &json!({"a": 1})).unwrap();
        assert_eq!(state.read("present.json"), json!({"a": 1}));
        let (journal, _) = state.journal("uploads", &["a"]).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
            for made in [&directory, &directory.join("uploads")] {
                assert_eq!(mode(made), 0o700, "{made:?}");
            }
            let files = [directory.join(NONCES), directory.join("present.json"), journal.path];
            for made in files {
                assert_eq!(mode(&made), 0o600, "{made:?}");
            }
        }
        #[cfg(not(unix))]
        drop(journal);
        fs::remove_dir_all(directory).unwrap();
        assert!(!StateDir::new("/proc/self/none").is_writable());
    }
}
