//! A span of a file as the body of a request.
//!
//! Blocks are handed on without a copy, from buffers that go round: sending a gigabyte by the SDK's
//! own file stream copies it once more and takes fresh memory for every block. What is in memory is
//! read on the spot, which is the rule, because a part was hashed just before; else another thread
//! reads one block ahead.

use crate::positioned::{read_cached_at, read_exact_at};
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

/// Bytes in a block: what TLS has to encrypt before the next one is needed.
const BLOCK: usize = 256 << 10;

/// `length` bytes of `file` from `offset` on; can be sent again.
pub(super) fn file_span(file: Arc<File>, offset: u64, length: u64) -> ByteStream {
    let body = move || {
        let file = Arc::clone(&file);
        let (end, pool) = (offset + length, Arc::default());
        SdkBody::from_body_1_x(FileBody { file, offset, end, unread: offset, ahead: None, pool })
    };
    ByteStream::new(SdkBody::retryable(body))
}

struct FileBody {
    file: Arc<File>,
    /// First byte that was not handed on.
    offset: u64,
    end: u64,
    /// First byte that nobody has begun to read.
    unread: u64,
    ahead: Option<JoinHandle<io::Result<Block>>>,
    pool: Arc<Pool>,
}

impl FileBody {
    /// Bytes of the next block.
    fn next_size(&self) -> usize {
        usize::try_from(self.end - self.unread).unwrap_or(BLOCK).min(BLOCK)
    }

    /// The next block, if nobody has to wait for it.
    fn read_now(&mut self) -> Option<Block> {
        let size = self.next_size();
        if self.ahead.is_some() || size == 0 {
            return None;
        }
        let mut block = Arc::clone(&self.pool).block(size);
        read_cached_at(&self.file, &mut block.bytes[..size], self.unread).then(|| {
            self.unread += size as u64;
            self.offset = self.unread;
            block
        })
    }

    fn read_ahead(&mut self) {
        let size = self.next_size();
        if size == 0 {
            return;
        }
        let (file, pool, at) = (Arc::clone(&self.file), Arc::clone(&self.pool), self.unread);
        self.unread += size as u64;
        self.ahead = Some(tokio::task::spawn_blocking(move || {
            let mut block = pool.block(size);
            read_exact_at(&file, &mut block.bytes[..size], at).map(|()| block)
        }));
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(block) = self.read_now() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(block)))));
        }
        if self.ahead.is_none() {
            self.read_ahead();
        }
        let Some(ahead) = &mut self.ahead else { return Poll::Ready(None) };
        let read = ready!(Pin::new(ahead).poll(context));
        self.ahead = None;
        let block = match read.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())) {
            Ok(block) => block,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        self.offset += block.size as u64;
        self.read_ahead();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(block)))))
    }

    fn is_end_stream(&self) -> bool {
        self.offset == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.offset)
    }
}

/// A buffer on its way; it goes back to its pool when the last byte of it is encrypted.
struct Block {
    bytes: Vec<u8>,
    size: usize,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Ok(mut spare) = self.pool.spare.lock() {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// Buffers of one body: as many as are in flight at once, two or three.
#[derive(Default)]
struct Pool {
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    fn block(self: Arc<Self>, size: usize) -> Block {
        let spare = self.spare.lock().ok().and_then(|mut spare| spare.pop());
        Block { bytes: spare.unwrap_or_else(|| vec![0; BLOCK]), size, pool: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(file: &Arc<File>, offset: u64, length: u64) -> Result<Bytes, String> {
        let body = file_span(Arc::clone(file), offset, length);
        body.collect().await.map(|all| all.into_bytes()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_span_is_read_whole_and_again_and_no_further() {
        let content: Vec<u8> = (0..3 * BLOCK + 17).map(|index| (index % 251) as u8).collect();
        let path = std::env::temp_dir().join(format!("s3-ssec-body-{}", std::process::id()));
        std::fs::write(&path, &content).unwrap();
        let file = Arc::new(File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        for (offset, length) in [(0, content.len()), (5, BLOCK), (BLOCK, 2 * BLOCK), (7, 0), (0, 1)]
        {
            let wanted = &content[offset..offset + length];
            assert_eq!(read(&file, offset as u64, length as u64).await.unwrap(), wanted);
        }
        let body = file_span(Arc::clone(&file), 3, 1000).into_inner();
        let again = body.try_clone().unwrap();
        for body in [body, again] {
            let bytes = ByteStream::new(body).collect().await.unwrap().into_bytes();
            assert_eq!(bytes, content[3..1003]);
        }
        // A file that has become shorter is an error, not a shorter body.
        read(&file, 9, content.len() as u64).await.unwrap_err();
    }
}
