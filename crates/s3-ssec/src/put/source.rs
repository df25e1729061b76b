//! Where an upload's bytes come from.

use crate::pipes::is_pipe;
use crate::positioned::read_exact_at;
use crate::write::PutError;
use bytes::{Bytes, BytesMut};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A stream of bytes of any origin.
pub(crate) type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// What to upload.
#[non_exhaustive]
pub enum Source {
    /// A file, read twice: once for its hashes, once for the wire.
    Path(PathBuf),
    /// A stream, read once. `expected` is its size in bytes where it is known: it plans the parts.
    Reader {
        /// The stream.
        reader: Reader,
        /// Its size, if known.
        expected: Option<u64>,
    },
    /// Bytes in memory.
    Bytes(Bytes),
}

impl Source {
    /// A stream of unknown length.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Source::Reader { reader: Box::new(reader), expected: None }
    }
}

/// A source that is open, its first bytes known.
pub(crate) enum Opened {
    /// All of it.
    Small(Bytes),
    /// A file too large for one PUT.
    File { file: SourceFile, size: u64 },
    /// A stream too large for one PUT, with what was already read of it.
    Stream { start: BytesMut, reader: Reader, expected: Option<u64> },
}

impl Source {
    pub(crate) async fn open(self, small: u64) -> Result<Opened, PutError> {
        match self {
            Source::Bytes(bytes) if bytes.len() as u64 <= small => Ok(Opened::Small(bytes)),
            Source::Bytes(bytes) => {
                let expected = Some(bytes.len() as u64);
                let reader = Box::new(io::Cursor::new(bytes));
                Ok(Opened::Stream { start: BytesMut::new(), reader, expected })
            }
            Source::Path(path) => open_file(path, small).await,
            Source::Reader { reader, expected } => open_reader(reader, expected, small).await,
        }
    }
}

async fn open_file(path: PathBuf, small: u64) -> Result<Opened, PutError> {
    let error = |error| PutError::Source { path: path.clone(), error };
    // Opening one waits for a writer, who may never come. What a shell opened, in /dev, is open.
    let named_pipe = std::fs::metadata(&path).is_ok_and(|found| is_pipe(&found));
    if named_pipe && !path.starts_with("/dev") {
        let what = "it is a named pipe, which is uploaded as standard input";
        return Err(error(io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    let file = File::open(&path).map_err(error)?;
    let metadata = file.metadata().map_err(error)?;
    if metadata.is_dir() {
        return Err(error(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    if !metadata.is_file() || metadata.len() == 0 {
        // A FIFO, a device, or a file that the system makes up: what it holds is known only by reading it.
        let reader = Box::new(tokio::fs::File::from_std(file));
        return open_reader(reader, None, small).await;
    }
    let size = metadata.len();
    let file = SourceFile { file: Arc::new(file), path: Arc::new(path), before: stamp(&metadata) };
    if size > small {
        return Ok(Opened::File { file, size });
    }
    let content = file.read(0, usize::try_from(size).unwrap_or(usize::MAX)).await?;
    file.unchanged()?;
    Ok(Opened::Small(content.into()))
}

async fn open_reader(
    mut reader: Reader,
    expected: Option<u64>,
    small: u64,
) -> Result<Opened, PutError> {
    let limit = usize::try_from(small).unwrap_or(usize::MAX);
    let start = fill(&mut reader, BytesMut::new(), limit + 1).await?;
    Ok(match start.len() > limit {
        true => Opened::Stream { start, reader, expected },
        false => Opened::Small(start.freeze()),
    })
}

/// Reads until `buffer` has `length` bytes or the stream ends.
pub(crate) async fn fill(
    reader: &mut Reader,
    mut buffer: BytesMut,
    length: usize,
) -> Result<BytesMut, PutError> {
    buffer.reserve(length.saturating_sub(buffer.len()));
    while buffer.len() < length {
        let room = (length - buffer.len()) as u64;
        let read = (&mut *reader).take(room).read_buf(&mut buffer).await;
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(PutError::Source { path: PathBuf::from("-"), error }),
        }
    }
    Ok(buffer)
}

/// A file under upload, with what it looked like when that began.
#[derive(Clone)]
pub(crate) struct SourceFile {
    file: Arc<File>,
    path: Arc<PathBuf>,
    before: Stamp,
}

/// Size and time of change: whoever alters both back has gone to some trouble.
type Stamp = (u64, Option<SystemTime>);

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

impl SourceFile {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself: another one of its name is another file.
    pub(crate) fn handle(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    /// Its size when the upload began.
    pub(crate) fn size(&self) -> u64 {
        self.before.0
    }

    /// An error if the file is not as it was when the upload began.
    pub(crate) fn unchanged(&self) -> Result<(), PutError> {
        let now = self.file.metadata().map_err(|error| self.error(error))?;
        let is_longer = read_exact_at(&self.file, &mut [0], self.size()).is_ok();
        if stamp(&now) == self.before && !is_longer { Ok(()) } else { Err(self.changed()) }
    }

    pub(crate) fn changed(&self) -> PutError {
        PutError::SourceChanged { path: self.path().to_owned() }
    }

    fn error(&self, error: io::Error) -> PutError {
        match error.kind() {
            // The file is shorter than it was.
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => PutError::Source { path: self.path().to_owned(), error },
        }
    }

    /// Reads exactly `length` bytes from `offset` on, off the async threads.
    async fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, PutError> {
        let file = Arc::clone(&self.file);
        let read = tokio::task::spawn_blocking(move || {
            let mut content = vec![0; length];
            read_exact_at(&file, &mut content, offset).map(|()| content)
        });
        read.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_err(|e| self.error(e))
    }

    /// Hands the bytes of a span to `take`, a block at a time, off the async threads.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        offset: u64,
        length: u64,
        mut state: T,
        mut take: impl FnMut(&mut T, &[u8]) + Send + 'static,
    ) -> Result<T, PutError> {
        let file = Arc::clone(&self.file);
        let scan = tokio::task::spawn_blocking(move || {
            let mut block = vec![0; BLOCK.min(usize::try_from(length).unwrap_or(BLOCK))];
            let (mut offset, end) = (offset, offset + length);
            while offset < end {
                let size = block.len().min(usize::try_from(end - offset).unwrap_or(BLOCK));
                read_exact_at(&file, &mut block[..size], offset)?;
                take(&mut state, &block[..size]);
                offset += size as u64;
            }
            Ok(state)
        });
        scan.await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into())).map_err(|e| self.error(e))
    }
}

/// Bytes read at a time: small enough for the processor's cache, large enough to hash in parallel
/// lanes.
const BLOCK: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_file_without_a_size_is_read_to_its_end() {
        let path = PathBuf::from("/proc/version");
        assert_eq!(path.metadata().unwrap().len(), 0);
        let content = std::fs::read(&path).unwrap();
        let Opened::Small(read) = Source::Path(path).open(1 << 20).await.unwrap() else {
            panic!("a stream of one piece")
        };
        assert!(!content.is_empty() && read == content);
    }

    #[tokio::test]
    async fn a_file_that_has_more_than_its_size_is_noticed() {
        let path = std::env::temp_dir().join(format!("s3-ssec-longer-{}", std::process::id()));
        std::fs::write(&path, [7; 100]).unwrap();
        let file = File::open(&path).unwrap();
        let before = stamp(&file.metadata().unwrap());
        let whole = SourceFile { file: Arc::new(file), path: Arc::new(path.clone()), before };
        assert!(whole.unchanged().is_ok());
        let shorter = SourceFile { before: (99, before.1), ..whole };
        assert!(matches!(shorter.unchanged(), Err(PutError::SourceChanged { .. })));
        std::fs::remove_file(path).unwrap();
    }
}
