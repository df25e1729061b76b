//! Files that a person named. One of them may be a pipe that no one writes to, and reading it must not
//! hang.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a writer of a pipe is waited for.
const WRITER: Duration = Duration::from_secs(10);
/// How long a writer of a pipe may be silent.
const SILENCE: Duration = Duration::from_secs(300);

/// A file or pipe to read that never hangs: a pipe needs a writer within ten seconds, and some byte in
/// every five minutes.
#[derive(Debug)]
pub struct LimitedFile {
    file: File,
    pipe: Option<Pipe>,
}

/// How far a pipe is.
#[derive(Debug)]
struct Pipe {
    /// Something came, or a writer is known to be there.
    has_writer: bool,
    /// When all of it must have come.
    until: Option<Instant>,
}

impl LimitedFile {
    /// Opens a file without waiting.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            let flags = rustix::fs::OFlags::NONBLOCK.bits();
            // The flags of the kernel are the same bits, signed or not.
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.cast_signed());
        }
        let file = options.open(path)?;
        let pipe = is_pipe(&file.metadata()?).then_some(Pipe { has_writer: false, until: None });
        Ok(Self { file, pipe })
    }

    /// Wants all of it within this time, if it is a pipe.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        if let Some(pipe) = &mut self.pipe {
            pipe.until = Some(Instant::now() + time);
        }
        self
    }

    /// Of the file that was opened: what its name stands for may change.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

/// True for a pipe, with a name or without.
#[cfg(unix)]
pub(crate) fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

/// True for a pipe, with a name or without.
#[cfg(not(unix))]
pub(crate) fn is_pipe(_: &Metadata) -> bool {
    false
}

impl Read for LimitedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.pipe {
            None => self.file.read(buffer),
            Some(pipe) => pipe.read(&mut self.file, buffer),
        }
    }
}

impl Pipe {
    fn read(&mut self, file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waited = false;
        loop {
            match file.read(buffer) {
                // No writer yet, or none any more: the wait says which.
                Ok(0) if !self.has_writer && !waited => {}
                Ok(0) if !self.has_writer => return Err(silent("no one writes to this pipe")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if waited && self.has_writer {
                        return Err(silent("nothing comes out of this pipe"));
                    }
                    // A writer holds it open: the time limit starts again.
                    self.has_writer = true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                done => {
                    self.has_writer = true;
                    return done;
                }
            }
            let patience = if self.has_writer { SILENCE } else { WRITER };
            let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
            waited = match wait(file, left.map_or(patience, |left| left.min(patience)))? {
                true => {
                    // There are bytes, or the last writer went away.
                    self.has_writer = true;
                    false
                }
                false => true,
            };
        }
    }
}

fn silent(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

/// True when there is something to read, or the end; false after this time.
#[cfg(unix)]
fn wait(file: &File, time: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let time =
        Timespec { tv_sec: time.as_secs().cast_signed(), tv_nsec: time.subsec_nanos().into() };
    match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&time)) {
        Ok(ready) => Ok(ready > 0),
        // A signal: the next read says whether there is more to wait for.
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn wait(_: &File, _: Duration) -> io::Result<bool> {
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::fs::{FileType, Mode};
    use std::io::Write as _;
    use std::path::PathBuf;

    fn pipe(name: &str) -> PathBuf {
        let name = format!("s3-ssec-pipe-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let made = rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RWXU, 0);
        assert_eq!(made, Ok(()));
        path
    }

    fn read(path: &Path, within: Duration) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        LimitedFile::open(path)?.within(within).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn a_pipe_that_no_one_writes_to_is_an_error() {
        let path = pipe("alone");
        let error = read(&path, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "no one writes to this pipe");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_silent_writer_is_an_error() {
        let path = pipe("silent");
        let reader = LimitedFile::open(&path).unwrap();
        let writer = OpenOptions::new().write(true).open(&path).unwrap();
        let error = reader.within(Duration::from_millis(50)).read_to_end(&mut Vec::new());
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "nothing comes out of this pipe");
        drop(writer);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let path = pipe("read");
        let writing = path.clone();
        let writer = std::thread::spawn(move || {
            // The reader waits for this one.
            std::thread::sleep(Duration::from_millis(100));
            let mut pipe = OpenOptions::new().write(true).open(writing).unwrap();
            pipe.write_all(b"one ").unwrap();
            std::thread::sleep(Duration::from_millis(100));
            pipe.write_all(b"two").unwrap();
        });
        assert_eq!(read(&path, Duration::from_secs(20)).unwrap(), b"one two");
        writer.join().unwrap();
        // Opened, closed and nothing written: the end, and no error.
        let reader = LimitedFile::open(&path).unwrap();
        drop(OpenOptions::new().write(true).open(&path).unwrap());
        let mut bytes = Vec::new();
        reader.within(Duration::from_secs(20)).read_to_end(&mut bytes).unwrap();
        assert!(bytes.is_empty());
        std::fs::remove_file(path).unwrap();
    }
}
