//! Copies: the new name gets a key of its own.
//!
//! Streamed through this machine, which is right everywhere: most gateways cannot copy an object
//! under a customer key (RGW before 20.2.4 answers 501), and some store a copy in the clear.

use crate::client::Client;
use crate::get::{GetError, GetOptions};
use crate::locate::ReadOptions;
use crate::put::Source;
use crate::watch::Watch;
use crate::write::{PutError, PutOptions, Uploaded};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, DuplexStream, ReadBuf};
use tokio::sync::oneshot;

/// A copy did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source could not be read, or is not what was uploaded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The target could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
}

/// Bytes between reading and writing.
const PIPE: usize = 4 << 20;

impl Client {
    /// Copies an object under a fresh key of the writer in `keys`. Metadata, MIME type and tags go
    /// with it. The target stands only if the source was verified to its last byte.
    pub async fn copy(
        &self,
        keys: &Keyring,
        from: &ObjectName,
        to: &ObjectName,
        options: &GetOptions,
        watch: &Watch,
    ) -> Result<Uploaded, CopyError> {
        let (put, size) = self.describe_copy(keys, from, &options.read).await?;
        let (mut sink, stream) = tokio::io::duplex(PIPE);
        let (tell, verdict) = oneshot::channel();
        let reader = Box::new(Judged { stream, verdict: Some(verdict) });
        let silent = Watch::default();
        let download = async {
            let received = self.get_stream(keys, from, &mut sink, options, &silent).await;
            let _ = tell.send(received.is_ok());
            // Only now does the upload see the end of the stream.
            drop(sink);
            received
        };
        let source = Source::Reader { reader, expected: Some(size) };
        let upload = self.put(keys.writer(), to, source, &put, watch);
        let (received, uploaded) = tokio::join!(download, upload);
        match (received, uploaded) {
            (Ok(_), uploaded) => Ok(uploaded?),
            // The upload broke first, and the download then had nowhere to write to.
            (Err(GetError::Target { .. }), Err(error)) => Err(error.into()),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// What of the source goes with the copy.
    async fn describe_copy(
        &self,
        keys: &Keyring,
        from: &ObjectName,
        read: &ReadOptions,
    ) -> Result<(PutOptions, u64), CopyError> {
        let stat = self.stat(keys, from, read).await?;
        let put = PutOptions {
            content_type: stat.head.content_type,
            metadata: stat.head.metadata.into_iter().collect(),
            tags: stat.tags.unwrap_or_default(),
            ..PutOptions::default()
        };
        Ok((put, stat.head.size))
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
