//! One ranged GET: echo checked, object pinned, repeated when the answer breaks off.

use super::GetError;
use crate::call::{Broken, CallError, WithKey as _, silence};
use crate::client::{Client, bare_etag};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::digest::{ContentDigest, ContentKey, PIECE_LENGTH, Piece, PieceHasher};
use s3_ssec_core::echo::{EchoVerified, KeyEcho, verify_echo};
use s3_ssec_core::evidence::Evidence;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Fingerprint, Kind};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::Span;
use std::sync::Arc;

/// Bytes of one range: two pieces of the digest.
pub(super) const SPAN: u64 = 2 * PIECE_LENGTH;
/// How often a range is asked for when its answer breaks off.
const ATTEMPTS: u32 = 4;

/// An object to read, with everything its requests need.
#[derive(Clone)]
pub(crate) struct Fetch {
    pub(super) client: Client,
    pub(super) name: ObjectName,
    pub(super) version: Option<String>,
    pub(super) headers: Option<Arc<TargetKeyHeaders>>,
}

/// An object whose size is known, and what its content must be.
pub(crate) struct Wanted {
    pub(super) fetch: Fetch,
    pub(super) size: u64,
    pub(super) etag: Option<String>,
    pub(super) key: Option<(Fingerprint, Kind)>,
    pub(super) evidence: Option<Evidence>,
    pub(super) content_key: Option<Arc<ContentKey>>,
    pub(super) digest: Option<ContentDigest>,
}

/// A span that arrived.
pub(super) struct Fetched {
    pub(super) pieces: Vec<Piece>,
    /// That the gateway confirmed the key; `None` for a plain object.
    pub(super) proof: Option<EchoVerified>,
    /// The ETag of the object it is of; `None` if it was not just fetched.
    pub(super) etag: Option<String>,
}

/// Receives the bytes of one span.
pub(super) trait Sink {
    /// Forgets what came so far: the span starts anew.
    fn restart(&mut self);
    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), GetError>;
}

impl Wanted {
    /// The spans of the object. An empty object has one empty span, so that its key is proved too.
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> + Send + use<> {
        let empty = (self.size == 0).then_some(Span { offset: 0, length: 0 });
        empty.into_iter().chain(s3_ssec_core::plan::ranges(self.size, SPAN))
    }

    /// Starts the work on one span, for a task of its own.
    pub(super) fn job(&self, span: Span) -> Job {
        Job {
            fetch: self.fetch.clone(),
            etag: self.etag.clone(),
            size: self.size,
            content_key: self.content_key.clone(),
            span,
        }
    }
}

/// One span to fetch.
pub(super) struct Job {
    fetch: Fetch,
    etag: Option<String>,
    /// Of the whole object.
    size: u64,
    content_key: Option<Arc<ContentKey>>,
    pub(super) span: Span,
}

impl Job {
    /// Where the span stands among all spans, from 0.
    pub(super) fn index(&self) -> u64 {
        self.span.offset / SPAN
    }

    /// True if the span is all of the object. It is asked for without a range: RGW has none of an
    /// empty object.
    fn is_whole(&self) -> bool {
        self.span.length == self.size
    }

    /// The `Content-Range` that an answer to this span has.
    fn content_range(&self) -> Option<String> {
        let Span { offset, length } = self.span;
        (!self.is_whole()).then(|| format!("bytes {offset}-{}/{}", offset + length - 1, self.size))
    }

    /// Hashes the span's content as if it had just arrived. It proves nothing about the gateway.
    pub(super) fn hash(&self, content: &[u8]) -> Fetched {
        let mut pieces = Pieces::new(self.content_key.clone(), self.span.offset);
        pieces.update(content);
        Fetched { pieces: pieces.finish(), proof: None, etag: None }
    }

    /// Fetches the span into `sink` and hashes it on the way.
    pub(super) async fn run(&self, sink: &mut impl Sink) -> Result<Fetched, GetError> {
        let (mut short, mut silent) = (0, 0);
        loop {
            let (answer, proof) = self.request().await?;
            let etag = Some(bare_etag(answer.e_tag()));
            match self.receive(answer, sink).await {
                Ok(pieces) => return Ok(Fetched { pieces, proof, etag }),
                Err(GetError::Truncated(_)) if short + 1 < ATTEMPTS => short += 1,
                // Each silence lasts as long as a person is ready to wait: twice is enough.
                Err(GetError::Call(_)) if silent == 0 => silent += 1,
                Err(error) => return Err(error),
            }
            sink.restart();
        }
    }

    /// Reads the body. One that breaks off is [`GetError::Truncated`], one that falls silent
    /// [`GetError::Call`].
    async fn receive(
        &self,
        mut answer: GetObjectOutput,
        sink: &mut impl Sink,
    ) -> Result<Vec<Piece>, GetError> {
        let truncated = || GetError::Truncated(self.fetch.name.clone());
        let mut pieces = Pieces::new(self.content_key.clone(), self.span.offset);
        let mut left = self.span.length;
        while let Some(chunk) = answer.body.next().await {
            let chunk = chunk.map_err(|error| {
                tracing::debug!("the answer broke off: {error}");
                match silence(&error) {
                    Some(words) => CallError::Broken(Broken::Silent(words)).into(),
                    None => truncated(),
                }
            })?;
            // More than was asked for: the object is not the one that was pinned.
            left = left.checked_sub(chunk.len() as u64).ok_or_else(|| self.changed())?;
            pieces.update(&chunk);
            sink.take(&chunk)?;
        }
        if left > 0 { Err(truncated()) } else { Ok(pieces.finish()) }
    }

    async fn request(&self) -> Result<(GetObjectOutput, Option<EchoVerified>), GetError> {
        let Fetch { client, name, version, headers } = &self.fetch;
        let request = client
            .s3
            .get_object()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.clone())
            .set_if_match(self.etag.as_ref().map(|etag| format!("\"{etag}\"")))
            .set_range((!self.is_whole()).then(|| self.span.range_header()))
            .customize();
        let sent = if headers.is_some() { SentKey::Target } else { SentKey::None };
        let request = match headers {
            Some(headers) => request.key(headers),
            None => request,
        };
        let answer = request.send().await.map_err(client.explain(Operation::GetObject, sent));
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.fetch.explain(error).await),
        };
        let echo = KeyEcho::new(answer.sse_customer_algorithm(), answer.sse_customer_key_md5());
        let prove = |headers: &Arc<TargetKeyHeaders>| verify_echo(headers.key_md5(), &echo);
        let proof = headers.as_ref().map(prove).transpose();
        let proof = proof.map_err(|error| GetError::NotProved { name: name.clone(), error })?;
        let same = |etag: &String| *etag == bare_etag(answer.e_tag());
        if self.etag.as_ref().is_some_and(|etag| !same(etag)) {
            return Err(self.changed());
        }
        if answer.content_range() != self.content_range().as_deref() {
            let what = "it has other bytes of the object than were asked for";
            return Err(CallError::from(Broken::Answer(what.to_owned())).into());
        }
        // Only its record said how large it is.
        let stated = answer.content_length().and_then(|stated| u64::try_from(stated).ok());
        if self.is_whole() && self.etag.is_none() && stated.is_some_and(|size| size != self.size) {
            return Err(GetError::Damaged(name.clone()));
        }
        Ok((answer, proof))
    }

    fn changed(&self) -> GetError {
        GetError::Changed(self.fetch.name.clone())
    }
}

impl Fetch {
    /// Names what a refused read means.
    pub(super) async fn explain(&self, error: CallError) -> GetError {
        let (name, version) = (self.name.clone(), self.version.as_deref());
        let is_keyed = error.status() == Some(403) && self.headers.is_some();
        if is_keyed && self.client.is_of_other_key(&name, version, &error).await.unwrap_or(false) {
            return GetError::OtherKey(name);
        }
        match (error.status(), error.cause()) {
            (Some(404), Some(Cause::NoSuchKey)) => GetError::NotFound(name),
            (Some(412), _) => GetError::Changed(name),
            (Some(400), Some(Cause::WrongKey)) => GetError::OtherKey(name),
            _ => GetError::Call(error),
        }
    }
}

/// Hashes a span piece by piece; without a key it does nothing.
struct Pieces {
    key: Option<Arc<ContentKey>>,
    current: Option<PieceHasher>,
    index: u64,
    done: Vec<Piece>,
}

impl Pieces {
    fn new(key: Option<Arc<ContentKey>>, offset: u64) -> Self {
        Self { key, current: None, index: offset / PIECE_LENGTH, done: Vec::new() }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        let Some(key) = self.key.clone() else { return };
        while !bytes.is_empty() {
            let current = self.current.get_or_insert_with(|| PieceHasher::new(&key, self.index));
            bytes = current.update(bytes);
            if current.room() == 0 {
                self.index += 1;
                self.done.extend(self.current.take().and_then(PieceHasher::finish));
            }
        }
    }

    fn finish(mut self) -> Vec<Piece> {
        self.done.extend(self.current.and_then(PieceHasher::finish));
        self.done
    }
}
