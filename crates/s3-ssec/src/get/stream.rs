//! Downloads to a stream: ranges ahead of it in parallel, handed over in order.

use super::check::Check;
use super::fetch::{Fetched, Job, Sink, Wanted};
use super::{GetError, GetOptions, Received};
use crate::watch::Watch;
use s3_ssec_core::digest::ContentDigest;
use std::collections::VecDeque;
use std::path::PathBuf;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;

/// Ranges held in memory ahead of the stream, at most.
const AHEAD: usize = 4;

pub(super) async fn download(
    wanted: Wanted,
    writer: &mut (dyn AsyncWrite + Send + Unpin),
    options: &GetOptions,
    watch: &Watch,
) -> Result<Received, GetError> {
    read(wanted, writer, options, watch).await?.judge()
}

/// Reads all of it and gives its size and digest; `None` without a key.
pub(super) async fn digest(
    wanted: Wanted,
    options: &GetOptions,
    watch: &Watch,
) -> Result<Option<(u64, ContentDigest)>, GetError> {
    Ok(read(wanted, &mut tokio::io::sink(), options, watch).await?.digest())
}

async fn read(
    wanted: Wanted,
    writer: &mut (dyn AsyncWrite + Send + Unpin),
    options: &GetOptions,
    watch: &Watch,
) -> Result<Check, GetError> {
    let error = |error| GetError::Target { path: PathBuf::from("-"), error };
    let mut check = Check::new(&wanted);
    let mut ahead: VecDeque<Ahead> = VecDeque::new();
    let mut spans = wanted.spans();
    // The memory goes round: what an allocator gets back in such pieces it does not always reuse.
    let mut free = Vec::new();
    loop {
        while ahead.len() < options.in_flight.clamp(1, AHEAD) {
            let Some(span) = spans.next() else { break };
            let job = fetch(wanted.job(span), free.pop().unwrap_or_default());
            ahead.push_back(Ahead(tokio::spawn(job)));
        }
        let Some(mut next) = ahead.pop_front() else { break };
        let (mut content, fetched) = (&mut next.0).await.unwrap_or(Err(GetError::Stopped))?;
        writer.write_all(&content).await.map_err(error)?;
        check.add(fetched);
        watch.moved(content.len() as u64);
        content.clear();
        free.push(content);
    }
    writer.flush().await.map_err(error)?;
    Ok(check)
}

/// Appends a range to `content`.
pub(super) async fn fetch(job: Job, mut content: Vec<u8>) -> Result<(Vec<u8>, Fetched), GetError> {
    content.reserve_exact(usize::try_from(job.span.length).unwrap_or_default());
    let mut end = End { from: content.len(), content };
    let fetched = job.run(&mut end).await?;
    Ok((end.content, fetched))
}

/// A range under way, given up with whoever waits for it.
struct Ahead(JoinHandle<Result<(Vec<u8>, Fetched), GetError>>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What comes after the bytes that are there already.
struct End {
    from: usize,
    content: Vec<u8>,
}

impl Sink for End {
    fn restart(&mut self) {
        self.content.truncate(self.from);
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), GetError> {
        self.content.extend_from_slice(bytes);
        Ok(())
    }
}
