//! Downloads to a file: ranges in parallel, written where they belong.

use super::check::Check;
use super::fetch::{Fetched, Job, Sink, Wanted};
use super::partial::Partial;
use super::target::Target;
use super::{GetError, GetOptions, Received};
use crate::flight::Flight;
use crate::positioned::{read_exact_at, write_all_at};
use crate::watch::Watch;
use s3_ssec_core::plan::Span;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

pub(super) async fn download(
    wanted: &Wanted,
    target: &Target,
    options: &GetOptions,
    watch: &Watch,
) -> Result<Received, GetError> {
    loop {
        let mut partial = Partial::open(wanted, target)?;
        let continued = !partial.here.is_empty();
        match fill(wanted, &mut partial, options, watch).await {
            Ok(received) => {
                partial.name(target, options.replace)?;
                return Ok(received);
            }
            // A power cut can take bytes away that the journal saw: once more, from the start.
            Err(GetError::Damaged(name)) if continued => {
                tracing::warn!("what was there of {name} is damaged: it is downloaded anew");
            }
            Err(error) if error.may_pass_later() => return Err(partial.keep_for_later(error)),
            Err(error) => return Err(error),
        }
    }
}

async fn fill(
    wanted: &Wanted,
    partial: &mut Partial,
    options: &GetOptions,
    watch: &Watch,
) -> Result<Received, GetError> {
    let mut check = Check::new(wanted);
    let mut tasks = JoinSet::new();
    let mut spans = wanted.spans();
    let mut flight = Flight::new(options.in_flight, Instant::now());
    loop {
        while tasks.len() < flight.limit() {
            let Some(span) = spans.next() else { break };
            let (job, file) = (wanted.job(span), Arc::clone(&partial.file));
            let path = partial.path();
            match partial.here.contains(&job.index()) {
                true => tasks.spawn(reread(job, file, path)),
                false => tasks.spawn(fetch(job, file, path)),
            };
        }
        let Some(done) = tasks.join_next().await else { break };
        let (span, fetched) = done.unwrap_or(Err(GetError::Stopped))?;
        flight.finished(span.length, Instant::now());
        check.add(fetched);
        partial.arrived(span.offset);
        watch.moved(span.length);
    }
    check.judge()
}

async fn fetch(job: Job, file: Arc<File>, path: PathBuf) -> Result<(Span, Fetched), GetError> {
    let span = job.span;
    let (start, offset) = (span.offset, span.offset);
    let mut writer = Writer { file, path, start, offset, buffer: Vec::new() };
    let fetched = job.run(&mut writer).await?;
    writer.flush()?;
    Ok((span, fetched))
}

/// Hashes a span that is in the file from an earlier run.
async fn reread(job: Job, file: Arc<File>, path: PathBuf) -> Result<(Span, Fetched), GetError> {
    let span = job.span;
    let read = tokio::task::spawn_blocking(move || {
        let mut content = vec![0; usize::try_from(span.length).unwrap_or_default()];
        read_exact_at(&file, &mut content, span.offset)
            .map_err(|error| GetError::Target { path, error })?;
        Ok((span, job.hash(&content)))
    });
    read.await.unwrap_or(Err(GetError::Stopped))
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
