//! Writes: each through one upload of our client, proved, or taken back.

use super::Inner;
use super::error::{self, other};
use ::object_store::path::Path;
use ::object_store::{
    Attribute, Attributes, Error, MultipartUpload, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, Result, UploadPart,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use s3_ssec::core::names::ObjectName;
use s3_ssec::{Existing, PutError, Source, Uploaded, Watch};
use std::fmt;
use std::io;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::io::StreamReader;

pub(super) async fn put(
    inner: &Inner,
    location: &Path,
    payload: PutPayload,
    options: PutOptions,
) -> Result<PutResult> {
    let mut put = with(&options.attributes, options.tags.encoded());
    put.existing = match options.mode {
        PutMode::Overwrite => Existing::Replace,
        PutMode::Create => Existing::Keep,
        PutMode::Update(_) => {
            return Err(Error::NotImplemented {
                operation: "put in mode Update".to_owned(),
                implementer: error::STORE.to_owned(),
            });
        }
    };
    let (name, key) = (inner.name(location)?, inner.keys.writer());
    let source = Source::Bytes(payload.into());
    let uploaded = inner.client.put(key, &name, source, &put, &Watch::default()).await;
    uploaded.map(result).map_err(|error| error::put(location.as_ref(), error))
}

/// Attributes and tags as our client takes them. The storage class is the gateway's choice.
fn with(attributes: &Attributes, tags: &str) -> s3_ssec::PutOptions {
    let mut options = s3_ssec::PutOptions::default();
    for (attribute, value) in attributes {
        let value = value.as_ref().to_owned();
        match attribute {
            Attribute::ContentType => options.headers.content_type = Some(value),
            Attribute::CacheControl => options.headers.cache_control = Some(value),
            Attribute::ContentDisposition => options.headers.disposition = Some(value),
            Attribute::ContentEncoding => options.headers.encoding = Some(value),
            Attribute::ContentLanguage => options.headers.language = Some(value),
            Attribute::Metadata(name) => options.metadata.push((name.to_string(), value)),
            _ => {}
        }
    }
    let tags = form_urlencoded::parse(tags.as_bytes());
    options.tags.extend(tags.map(|(name, value)| (name.into_owned(), value.into_owned())));
    options
}

fn result(uploaded: Uploaded) -> PutResult {
    PutResult {
        e_tag: Some(uploaded.etag),
        version: uploaded.version_id,
        extensions: Default::default(),
    }
}

/// A piece of the content, and who waits until it is taken.
type Piece = (io::Result<Bytes>, oneshot::Sender<()>);

/// A content that arrives in pieces. What our client uploads of it, it cuts itself.
pub(super) struct Upload {
    path: String,
    pieces: Option<mpsc::UnboundedSender<Piece>>,
    work: Option<JoinHandle<Result<Uploaded, PutError>>>,
}

impl Upload {
    pub(super) fn begin(
        inner: &Arc<Inner>,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Self> {
        let (name, put) =
            (inner.name(location)?, with(&options.attributes, options.tags.encoded()));
        let (pieces, arriving) = mpsc::unbounded_channel();
        let work = tokio::spawn(upload(Arc::clone(inner), name, put, arriving));
        let path = location.as_ref().to_owned();
        Ok(Self { path, pieces: Some(pieces), work: Some(work) })
    }

    async fn ended(&mut self) -> Result<Uploaded> {
        let Some(work) = self.work.take() else {
            return Err(other(io::Error::other("this upload is over")));
        };
        let done = work.await.map_err(|source| Error::JoinError { source })?;
        done.map_err(|error| error::put(&self.path, error))
    }

    /// Says that no more comes, and that what came is not all.
    fn give_up(&mut self) {
        if let Some(pieces) = self.pieces.take() {
            let given_up = io::Error::new(io::ErrorKind::Interrupted, "the upload was given up");
            // Who does not listen any more has ended already.
            let _ = pieces.send((Err(given_up), oneshot::channel().0));
        }
    }
}

async fn upload(
    inner: Arc<Inner>,
    name: ObjectName,
    options: s3_ssec::PutOptions,
    arriving: mpsc::UnboundedReceiver<Piece>,
) -> Result<Uploaded, PutError> {
    let pieces = stream::unfold(arriving, |mut arriving| async {
        let (piece, taken) = arriving.recv().await?;
        let _ = taken.send(());
        Some((piece, arriving))
    });
    let source = Source::reader(StreamReader::new(Box::pin(pieces)));
    inner.client.put(inner.keys.writer(), &name, source, &options, &Watch::default()).await
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({})", self.path)
    }
}

#[async_trait]
impl MultipartUpload for Upload {
    /// The future is done when the content so far is taken: who waits for it holds little in memory.
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let gone = || other(io::Error::other("the upload has failed: complete tells why"));
        let (taken, waiting) = oneshot::channel();
        let sent = match &self.pieces {
            Some(pieces) => pieces.send((Ok(data.into()), taken)).map_err(|_| gone()),
            None => Err(gone()),
        };
        Box::pin(async move {
            sent?;
            waiting.await.map_err(|_| gone())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        // The end of the pieces is the end of the content.
        self.pieces = None;
        self.ended().await.map(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.give_up();
        match self.ended().await {
            // It was complete already, or it failed as it should.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.give_up();
    }
}
