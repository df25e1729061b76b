//! Downloads to a file: ranges in parallel, written where they belong.

use super::check::Check;
use super::fetch::{Fetched, Job, Sink, Wanted};
use super::{GetError, GetOptions, Received};
use crate::watch::Watch;
use s3_ssec_core::key::random_bytes;
use s3_ssec_core::plan::Span;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinSet;

pub(super) async fn download(
    wanted: Wanted,
    target: &Path,
    options: &GetOptions,
    watch: &Watch,
) -> Result<Received, GetError> {
    let partial = Partial::create(target)?;
    let mut check = Check::new(&wanted);
    let mut tasks = JoinSet::new();
    let mut spans = wanted.spans().into_iter();
    loop {
        while tasks.len() < options.in_flight.max(1) {
            let Some(span) = spans.next() else { break };
            tasks.spawn(fetch(wanted.job(span), partial.file.clone(), partial.path.clone()));
        }
        let Some(done) = tasks.join_next().await else { break };
        let (span, fetched) = done.unwrap_or(Err(GetError::Stopped))?;
        check.add(fetched);
        watch.moved(span.length);
    }
    let received = check.judge()?;
    partial.name(target, options.replace)?;
    Ok(received)
}

async fn fetch(job: Job, file: Arc<File>, path: PathBuf) -> Result<(Span, Fetched), GetError> {
    let span = job.span;
    let mut writer =
        Writer { file, path, start: span.offset, offset: span.offset, buffer: Vec::new() };
    let fetched = job.run(&mut writer).await?;
    writer.flush()?;
    Ok((span, fetched))
}

/// Writes a span where it belongs, some chunks of the network at a time.
struct Writer {
    file: Arc<File>,
    path: PathBuf,
    start: u64,
    offset: u64,
    buffer: Vec<u8>,
}

/// Chunks of the network are 16 KiB; system calls are dearer than memory.
const BUFFER: usize = 256 << 10;

impl Sink for Writer {
    fn restart(&mut self) {
        self.offset = self.start;
        self.buffer.clear();
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), GetError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }
}

impl Writer {
    fn flush(&mut self) -> Result<(), GetError> {
        write_all_at(&self.file, &self.buffer, self.offset)
            .map_err(|error| GetError::Target { path: self.path.clone(), error })?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// A file without its name yet; removed unless it gets one.
struct Partial {
    path: PathBuf,
    file: Arc<File>,
    named: bool,
}

impl Partial {
    /// Makes a new file beside `target`: on the same file system, so that naming it is atomic.
    fn create(target: &Path) -> Result<Self, GetError> {
        let error = |error| GetError::Target { path: target.to_owned(), error };
        let name = target.file_name().ok_or_else(|| error(io::ErrorKind::InvalidInput.into()))?;
        let random = random_bytes::<6>().map_err(|random| error(io::Error::other(random)))?;
        let random = base16ct::lower::encode_string(&random);
        // Names may have 255 bytes: a long one is cut for the time being.
        let short: String = name.to_string_lossy().chars().take(40).collect();
        let path = target.with_file_name(format!(".{short}.{random}.s3-ssec-part"));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(error)?;
        Ok(Self { path, file: Arc::new(file), named: false })
    }

    fn name(mut self, target: &Path, replace: bool) -> Result<(), GetError> {
        let error = |error| GetError::Target { path: target.to_owned(), error };
        match replace {
            true => std::fs::rename(&self.path, target).map_err(error)?,
            false => rename_new(&self.path, target).map_err(|failure| match failure.kind() {
                io::ErrorKind::AlreadyExists => GetError::Exists(target.to_owned()),
                _ => error(failure),
            })?,
        }
        self.named = true;
        Ok(())
    }
}

/// Names a file unless the name is taken. A link fails where it is; a rename would not.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Ok(()) => std::fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without links.
        Err(_) if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.named {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}
