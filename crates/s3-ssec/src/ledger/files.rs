//! The files of the ledger: recent lines in `ledger.jsonl`, in the order in which they came, and older
//! ones, sorted, in the directory `ledger`.
//!
//! When the recent lines take 4 MiB they are merged with the sorted files that are not much larger, so that
//! there are few of those and each line is written again only when they double. A look-up reads the recent
//! lines once and a few blocks of each sorted file: what a process holds does not grow with the ledger.

use super::sorted::{self, Cursor};
use crate::nonce::knows_no_locks;
use crate::state::{private_dir, private_file};
use s3_ssec_core::ledger::{Ledger as Lines, group};
use s3_ssec_core::names::ObjectName;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

pub(super) const RECENT: &str = "ledger.jsonl";
const SORTED: &str = "ledger";
const LOCK: &str = "ledger.lock";

/// Recent lines of this size are sorted away.
const MERGED_FROM: u64 = 4 << 20;

/// How often the sorted files are looked for. A merge takes longer than a look: a file that is missing each
/// time is not one that a merge removed.
const ROUNDS: u32 = 16;

/// How safe a line has to be before the request that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Safety {
    /// Written: a crash of the process does not lose it, a power failure may.
    Written,
    /// On the disk.
    OnDisk,
}

pub(super) struct Files {
    directory: PathBuf,
    recent: Mutex<Recent>,
    queue: Mutex<Queue>,
}

/// The recent lines, as far as they were read.
#[derive(Default)]
struct Recent {
    lines: Lines,
    bytes: u64,
    /// Open, so that its number is not given to the file that replaces it.
    file: Option<File>,
}

/// Lines that wait for the disk, and who waits for them.
#[derive(Default)]
struct Queue {
    lines: String,
    safety: Option<Safety>,
    waiting: Vec<oneshot::Sender<io::Result<()>>>,
    is_written: bool,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Self {
        let (recent, queue) = Default::default();
        Self { directory: directory.to_owned(), recent, queue }
    }

    /// Adds a line to those that wait. The first of a group has to call [`Files::write_queue`].
    pub(super) fn enqueue(
        &self,
        line: &str,
        safety: Safety,
    ) -> (oneshot::Receiver<io::Result<()>>, bool) {
        let (done, noted) = oneshot::channel();
        let mut queue = self.queue();
        queue.lines += line;
        queue.safety = queue.safety.max(Some(safety));
        queue.waiting.push(done);
        (noted, !std::mem::replace(&mut queue.is_written, true))
    }

    /// Writes what waits, with one synchronisation for all that came in the meantime.
    pub(super) fn write_queue(&self) {
        loop {
            let (lines, safety, waiting) = {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    queue.is_written = false;
                    return;
                }
                let Queue { lines, safety, waiting, .. } = std::mem::take(&mut *queue);
                queue.is_written = true;
                (lines, safety.unwrap_or(Safety::OnDisk), waiting)
            };
            let written = self.append(&lines, safety);
            for done in waiting {
                let written = written.as_ref().copied();
                // An error of the system has no copy.
                let _ = done.send(written.map_err(|e| io::Error::new(e.kind(), e.to_string())));
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends lines.
    pub(super) fn append(&self, lines: &str, safety: Safety) -> io::Result<()> {
        private_dir(&self.directory)?;
        let locked = self.lock()?;
        let path = self.directory.join(RECENT);
        let mut file = private_file().read(true).append(true).create(true).open(&path)?;
        let before = file.metadata()?.len();
        let mut last = [b'\n'];
        if before > 0 {
            file.seek(SeekFrom::Start(before - 1))?;
            file.read_exact(&mut last)?;
        }
        // Ends a line that a crash cut short.
        let end = if last == [b'\n'] { "" } else { "\n" };
        // In one piece: where there are no locks, appending is all that keeps writers apart.
        file.write_all(format!("{end}{lines}").as_bytes())?;
        if before == 0 {
            sync_directory(&self.directory)?;
        }
        if safety == Safety::OnDisk {
            file.sync_data()?;
        }
        let is_due = |file: &File| file.metadata().is_ok_and(|now| now.len() >= MERGED_FROM);
        if locked.is_some() && is_due(&file) {
            // The lines are there, merged or not.
            if let Err(error) = self.sort_away(&path) {
                tracing::warn!("the files of the ledger cannot be merged: {error}");
            }
        }
        Ok(())
    }

    /// Waits for other processes. `None` where there are no locks.
    fn lock(&self) -> io::Result<Option<File>> {
        let path = self.directory.join(LOCK);
        let file = private_file().write(true).create(true).truncate(false).open(path)?;
        match file.lock() {
            Ok(()) => Ok(Some(file)),
            Err(error) if knows_no_locks(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves the recent lines, without those that need not be kept, into a sorted file. A crash leaves
    /// some lines in two files.
    fn sort_away(&self, path: &Path) -> io::Result<()> {
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        let mut sorted = self.sorted()?;
        sorted.sort_by_key(|(_, size)| *size);
        let mut total = text.len() as u64;
        let merged: Vec<PathBuf> = sorted
            .iter()
            .take_while(|(_, size)| {
                let joins = *size <= 2 * total;
                total += size;
                joins
            })
            .map(|(path, _)| path.clone())
            .collect();
        let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
        let last = sorted.iter().filter_map(|(path, _)| number(path)).max();
        let directory = self.directory.join(SORTED);
        private_dir(&directory)?;
        let new = directory.join("new");
        write_merged(&new, &text, &merged)?;
        fs::rename(new, directory.join(format!("{}.jsonl", last.unwrap_or(0) + 1)))?;
        sync_directory(&directory)?;
        // Whoever finds it empty finds the sorted file.
        let empty = self.directory.join(format!("{RECENT}.new"));
        private_file().write(true).create(true).truncate(true).open(&empty)?.sync_data()?;
        fs::rename(empty, path)?;
        sync_directory(&self.directory)?;
        merged.iter().try_for_each(fs::remove_file)
    }

    /// The sorted files and their sizes.
    fn sorted(&self) -> io::Result<Vec<(PathBuf, u64)>> {
        let entries = match fs::read_dir(self.directory.join(SORTED)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.path().extension().is_some_and(|end| end == "jsonl") {
                found.push((entry.path(), entry.metadata()?.len()));
            }
        }
        Ok(found)
    }

    /// All sorted files, open. A merge may remove one before it is opened: then all are looked for again.
    fn open_sorted(&self) -> io::Result<Vec<File>> {
        let open = || {
            let sorted = self.sorted()?.into_iter();
            sorted.map(|(path, _)| File::open(path)).collect::<io::Result<Vec<File>>>()
        };
        for _ in 1..ROUNDS {
            match open() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened,
            }
        }
        open()
    }

    /// All lines of an object, from all files.
    pub(super) fn of(&self, endpoint: &str, object: &ObjectName) -> io::Result<Lines> {
        let mut lines = Lines::default();
        // First the recent lines: what leaves them meanwhile is in a sorted file.
        let recent = self.recent()?;
        recent.lines.of(endpoint, object).for_each(|entry| lines.insert(entry.clone()));
        drop(recent);
        let group = group(endpoint, object);
        for file in self.open_sorted()? {
            sorted::find(&file, &group, &mut lines)?;
        }
        Ok(lines)
    }

    /// Gives everything to `take`, what belongs to one object at a time.
    pub(super) fn each(&self, take: impl FnMut(&Lines) -> io::Result<()>) -> io::Result<()> {
        let recent = match fs::read(self.directory.join(RECENT)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            recent => recent?,
        };
        let whole = recent.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        merge_with(&String::from_utf8_lossy(&recent[..whole]), &self.open_sorted()?, take)
    }

    /// Reads the recent lines that came since the last time.
    fn recent(&self) -> io::Result<MutexGuard<'_, Recent>> {
        let mut read = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match File::open(self.directory.join(RECENT)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(read),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let before = read.file.as_ref().map(File::metadata).transpose()?;
        let is_same = before.is_some_and(|before| identity(&before) == identity(&metadata));
        if !is_same || metadata.len() < read.bytes {
            *read = Recent { file: Some(file.try_clone()?), ..Recent::default() };
        }
        file.seek(SeekFrom::Start(read.bytes))?;
        let mut new = Vec::new();
        file.read_to_end(&mut new)?;
        // The rest of a line may still come.
        let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        String::from_utf8_lossy(&new[..whole]).lines().for_each(|line| read.lines.take(line));
        read.bytes += whole as u64;
        Ok(read)
    }
}

fn merge_with(
    recent: &str,
    sorted: &[File],
    take: impl FnMut(&Lines) -> io::Result<()>,
) -> io::Result<()> {
    let mut sources = vec![Cursor::sorted(recent)?];
    for file in sorted {
        sources.push(Cursor::at(file, 0)?);
    }
    sorted::merge(&mut sources, take)
}

fn write_merged(path: &Path, recent: &str, sorted: &[PathBuf]) -> io::Result<()> {
    let sorted = sorted.iter().map(File::open).collect::<io::Result<Vec<_>>>()?;
    let file = private_file().write(true).create(true).truncate(true).open(path)?;
    let mut out = BufWriter::new(file);
    merge_with(recent, &sorted, |lines| {
        let text = lines.print();
        let mut kept: Vec<&str> = text.lines().collect();
        kept.sort_unstable();
        kept.iter().try_for_each(|line| writeln!(out, "{line}"))
    })?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
}

/// Distinguishes a file from the one that replaced it, while both are open.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Distinguishes a file from the one that replaced it.
#[cfg(not(unix))]
fn identity(metadata: &fs::Metadata) -> Option<std::time::SystemTime> {
    metadata.created().ok()
}

/// A name in a directory is durable only once the directory is synchronised.
fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    let _ = path;
    Ok(())
}
