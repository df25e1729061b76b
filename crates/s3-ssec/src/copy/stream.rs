//! Copies through this machine: right on every gateway, and verified to the last byte.

use super::{CopyError, CopyOptions, Source};
use crate::client::Client;
use crate::get::{GetError, GetOptions};
use crate::put::Source as PutSource;
use crate::watch::Watch;
use crate::write::Uploaded;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};
use tokio::sync::oneshot;

/// Bytes between reading and writing.
const PIPE: usize = 4 << 20;

/// Reads the source and writes the target at once. The target stands only if the source was right.
pub(super) async fn copy(
    client: &Client,
    keys: &Keyring,
    source: &Source<'_>,
    to: &ObjectName,
    options: &CopyOptions,
    watch: &Watch,
) -> Result<Uploaded, CopyError> {
    let (mut sink, stream) = tokio::io::duplex(PIPE);
    let (tell, verdict) = oneshot::channel();
    let reader = Box::new(Judged { stream, verdict: Some(verdict) });
    let options = GetOptions { read: options.read.clone(), ..GetOptions::default() };
    let silent = Watch::default();
    let download = async {
        // What was judged is read, whatever became of the name since.
        let read =
            client.stream_located(source.name, &source.located, &mut sink, &options, &silent);
        let received = read.await;
        let _ = tell.send(received.is_ok());
        // Only now does the upload see the end of the stream.
        drop(sink);
        received
    };
    let content = PutSource::Reader { reader, expected: Some(source.head.size) };
    let upload = client.put(keys.writer(), to, content, &source.put, watch);
    let (received, uploaded) = tokio::join!(download, upload);
    match (received, uploaded) {
        (Ok(_), uploaded) => Ok(uploaded?),
        // The upload broke first, and the download then had nowhere to write to.
        (Err(GetError::Target { .. }), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error.into()),
    }
}

/// A stream that ends well only if its writer says that all of it was right.
struct Judged {
    stream: DuplexStream,
    verdict: Option<oneshot::Receiver<bool>>,
}

impl AsyncRead for Judged {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before || buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let Some(verdict) = &mut self.verdict else { return Poll::Ready(Ok(())) };
        let right = ready!(Pin::new(verdict).poll(context)).unwrap_or(false);
        self.verdict = None;
        match right {
            true => Poll::Ready(Ok(())),
            false => Poll::Ready(Err(io::Error::other("the source of the copy was not right"))),
        }
    }
}
