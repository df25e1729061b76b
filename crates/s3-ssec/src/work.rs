//! The journal of a command on many objects, as a file: one for each shard.
//!
//! Lines are appended as objects are dealt with, and synchronised about once a second, less often on a
//! busy disk: what a crash of the machine takes from its end is done again. One process at a time
//! has it.

use crate::lines::{LimitedLines, LineError};
use s3_ssec_core::journal::print;
use s3_ssec_core::journal::work::{WorkBegun, WorkLine};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of a line of a journal, at most: the first holds the options of a run, others one object.
pub const WORK_LINE_MAX: usize = 16 << 20;

/// How long lines lie unsynchronised at least.
const SYNC: Duration = Duration::from_secs(1);
/// On a busy disk, how many times as long as the last synchronisation took: nine tenths of the time
/// are for work.
const PAUSE: u32 = 9;

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkError {
    /// It cannot be read or written.
    #[error("the journal {path:?} cannot be used: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process has it.
    #[error("the journal {0:?} is in use by another process")]
    Busy(PathBuf),
    /// It is of another command, place, gateway, shard or options.
    #[error("the journal {path:?} is of other work: {command} {shard} of {place}")]
    Other {
        /// Which.
        path: PathBuf,
        /// The command it is of.
        command: String,
        /// Its shard.
        shard: String,
        /// Its place.
        place: String,
    },
    /// It is something else, or damaged in the middle.
    #[error("{0:?} is no journal of this program, or is damaged")]
    Foreign(PathBuf),
}

/// Where a command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoOn {
    /// After the objects that are in the journal, wherever they are in the listing.
    AfterObjects,
    /// After the last [`WorkLine::Through`]; what stands behind it is forgotten.
    AfterListed,
}

/// A journal that is open.
pub struct WorkJournal {
    file: File,
    path: PathBuf,
    go_on: GoOn,
    next_sync: Instant,
}

impl WorkJournal {
    /// Begins the work, or goes on with it: then `told` is given every line that still counts.
    pub fn open(
        path: &Path,
        begun: &WorkBegun,
        go_on: GoOn,
        told: &mut dyn FnMut(WorkLine),
    ) -> Result<Self, WorkError> {
        let failed = |error| WorkError::File { path: path.to_owned(), error };
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.create(true).read(true).append(true).open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(WorkError::Foreign(path.to_owned()));
        }
        file.try_lock().map_err(|_| WorkError::Busy(path.to_owned()))?;
        let (path, next_sync) = (path.to_owned(), Instant::now() + SYNC);
        let mut journal = Self { file, path, go_on, next_sync };
        let end = journal.end(begun, go_on)?;
        journal.file.set_len(end).map_err(failed)?;
        journal.lines(&mut |line, _| {
            told(line);
            Ok(())
        })?;
        journal.append(&WorkLine::Begun(begun.clone()))?;
        Ok(journal)
    }

    /// Appends a line.
    pub fn append(&mut self, line: &WorkLine) -> Result<(), WorkError> {
        let written = self.file.write_all(print(line).as_bytes());
        written.map_err(|error| self.failed(error))?;
        // Where the listing says how to go on, a line between two marks is worth nothing alone.
        let waits = self.go_on == GoOn::AfterListed && matches!(line, WorkLine::Object(_));
        let ended = matches!(line, WorkLine::Ended { .. });
        if ended || (self.is_due() && !waits) {
            let begun = Instant::now();
            self.file.sync_data().map_err(|error| self.failed(error))?;
            self.next_sync = Instant::now() + (begun.elapsed() * PAUSE).max(SYNC);
        }
        Ok(())
    }

    /// True if the next line that can stand alone is synchronised: then what it speaks of has to be
    /// on the disk before it.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.next_sync
    }

    fn failed(&self, error: io::Error) -> WorkError {
        WorkError::File { path: self.path.clone(), error }
    }

    /// Up to where the journal counts, in bytes. Refuses the journal of other work.
    fn end(&mut self, begun: &WorkBegun, go_on: GoOn) -> Result<u64, WorkError> {
        let (mut at, mut end) = (0, 0);
        let path = self.path.clone();
        self.lines(&mut |line, length| {
            match &line {
                WorkLine::Begun(before) if before != begun => {
                    let WorkBegun { command, shard, place, .. } = before.clone();
                    return Err(WorkError::Other { path: path.clone(), command, shard, place });
                }
                WorkLine::Begun(_) => {}
                _ if at == 0 => return Err(WorkError::Foreign(path.clone())),
                _ => {}
            }
            let listed = matches!(line, WorkLine::Through(_));
            let counts = go_on == GoOn::AfterObjects || listed || at == 0;
            at += length;
            if counts {
                end = at;
            }
            Ok(())
        })?;
        Ok(end)
    }

    /// Calls `each` with every whole line and its length in bytes.
    fn lines(
        &mut self,
        each: &mut dyn FnMut(WorkLine, u64) -> Result<(), WorkError>,
    ) -> Result<(), WorkError> {
        self.file.rewind().map_err(|error| self.failed(error))?;
        let mut lines = LimitedLines::new(BufReader::new(&self.file), WORK_LINE_MAX);
        let foreign = || WorkError::Foreign(self.path.clone());
        let failed = |error| match error {
            LineError::Read(error) => self.failed(error),
            LineError::TooLong { .. } => foreign(),
        };
        let mut is_first = true;
        while let Some(text) = lines.next_line().map_err(failed)? {
            if text.last() != Some(&b'\n') {
                // Cut short by a crash. A first line may be, too, but only if it is one of ours.
                let ours = text.starts_with(BEGINNING) || BEGINNING.starts_with(text);
                return if is_first && !ours { Err(foreign()) } else { Ok(()) };
            }
            let line = std::str::from_utf8(text).ok().and_then(WorkLine::parse);
            each(line.ok_or_else(foreign)?, text.len() as u64)?;
            is_first = false;
        }
        Ok(())
    }
}

/// How every journal begins.
const BEGINNING: &[u8] = b"{\"begun\":";

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::journal::work::{WorkObject, WorkOutcome, WorkThrough};
    use std::fs;

    fn begun(shard: &str) -> WorkBegun {
        let text = |text: &str| text.to_owned();
        WorkBegun {
            command: text("audit"),
            endpoint: text("https://gateway"),
            place: text("s3://bucket/"),
            shard: text(shard),
            options: String::new(),
        }
    }

    fn object(key: &str) -> WorkLine {
        let (key, outcome) = (key.to_owned(), WorkOutcome::Done);
        let (version, bytes, state, exit_code, what) = (None, 0, None, None, None);
        WorkLine::Object(WorkObject { key, version, outcome, bytes, state, exit_code, what })
    }

    fn through(key: &str) -> WorkLine {
        WorkLine::Through(WorkThrough { key: key.to_owned(), version: None, out: 0 })
    }

    fn open(
        path: &Path,
        shard: &str,
        go_on: GoOn,
    ) -> Result<(WorkJournal, Vec<String>), WorkError> {
        let mut keys = Vec::new();
        let journal = WorkJournal::open(path, &begun(shard), go_on, &mut |line| match line {
            WorkLine::Object(object) => keys.push(object.key),
            WorkLine::Through(through) => keys.push(format!("through {}", through.key)),
            _ => {}
        })?;
        Ok((journal, keys))
    }

    #[test]
    fn work_goes_on_where_it_broke_off() {
        let path = std::env::temp_dir().join(format!("s3-ssec-work-{}.jsonl", std::process::id()));
        let _ = fs::remove_file(&path);
        let (mut journal, before) = open(&path, "1/2", GoOn::AfterListed).unwrap();
        assert!(before.is_empty());
        for line in [object("a"), object("b"), through("b"), object("c")] {
            journal.append(&line).unwrap();
        }
        assert!(matches!(open(&path, "1/2", GoOn::AfterListed), Err(WorkError::Busy(_))));
        drop(journal);
        // A crash in the middle of a line.
        let mut text = fs::read(&path).unwrap();
        text.extend_from_slice(b"{\"object\":{\"key\":\"d\"");
        fs::write(&path, &text).unwrap();
        assert_eq!(open(&path, "1/2", GoOn::AfterObjects).unwrap().1, ["a", "b", "through b", "c"]);
        assert_eq!(open(&path, "1/2", GoOn::AfterListed).unwrap().1, ["a", "b", "through b"]);
        let length = fs::metadata(&path).unwrap().len();
        let other = open(&path, "2/2", GoOn::AfterListed).err().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), length, "it is left alone");
        assert!(matches!(&other, WorkError::Other { shard, .. } if shard == "1/2"), "{other}");
        fs::write(&path, "key,size\na,1\n").unwrap();
        let foreign = open(&path, "1/2", GoOn::AfterObjects).err().unwrap();
        assert!(matches!(foreign, WorkError::Foreign(_)), "{foreign}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "key,size\na,1\n", "it is left alone");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(open(&path, "1/2", GoOn::AfterObjects), Err(WorkError::Foreign(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::write(&path, "{\"beg").unwrap();
        assert!(open(&path, "1/2", GoOn::AfterObjects).unwrap().1.is_empty());
        fs::remove_file(path).unwrap();
    }
}
