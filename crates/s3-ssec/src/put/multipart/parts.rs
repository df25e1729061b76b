//! The parts of an upload: hashed, sent, echoed, several at a time.

use super::super::Writing;
use super::super::body::file_span;
use super::super::journal::UploadLog;
use super::super::single::hex;
use super::super::source::{Reader, SourceFile, fill};
use super::{StoredPart, Upload};
use crate::call::{PayloadHash, WithKey as _};
use crate::client::bare_etag;
use crate::flight::Flight;
use crate::watch::Watch;
use crate::write::{Leftover, PutError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::digest::{
    ContentDigest, ContentKey, ContentTree, PIECE_LENGTH, Piece, PieceHasher,
};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::journal::{UploadJournal, keyed};
use s3_ssec_core::plan::{MIB, MultipartPlan, Part, PartNumber, Span, growing_part_size};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Size of a part that is held in memory because its source can be read only once.
pub(crate) const STREAM_PART: u64 = 16 * MIB;
/// Parts of a stream in flight at once: what is in memory.
const STREAM_IN_FLIGHT: usize = 3;

/// A content that is at the gateway, part by part.
pub(crate) struct Transferred {
    pub(crate) parts: Vec<StoredPart>,
    pub(crate) size: u64,
    pub(crate) digest: ContentDigest,
    /// Bytes that were at the gateway before.
    pub(super) continued: u64,
}

/// One part at the gateway, with what was hashed of it.
struct Done {
    stored: StoredPart,
    pieces: Vec<Piece>,
    size: u64,
    continued: bool,
}

/// Collects parts as they finish, in whatever order.
struct Collected {
    tree: ContentTree,
    parts: Vec<StoredPart>,
    continued: u64,
    flight: Flight,
}

impl Collected {
    fn new(key: &ContentKey, most: usize) -> Self {
        let (tree, flight) = (ContentTree::new(key), Flight::new(most, Instant::now()));
        Self { tree, parts: Vec::new(), continued: 0, flight }
    }

    async fn next<E: From<PutError> + 'static>(
        &mut self,
        tasks: &mut JoinSet<Result<Done, E>>,
        watch: &Watch,
    ) -> Result<bool, E> {
        let Some(done) = tasks.join_next().await else { return Ok(false) };
        // A task ends early only when its set is dropped, or by a defect.
        let done = done.unwrap_or_else(|_| Err(PutError::Stopped.into()))?;
        self.flight.finished(done.size, Instant::now());
        done.pieces.into_iter().for_each(|piece| self.tree.add(piece));
        self.parts.push(done.stored);
        self.continued += if done.continued { done.size } else { 0 };
        watch.moved(done.size);
        Ok(true)
    }

    fn finish(mut self) -> Option<Transferred> {
        self.parts.sort_by_key(|part| part.number);
        let size = self.tree.size();
        let (parts, continued) = (self.parts, self.continued);
        Some(Transferred { parts, size, digest: self.tree.finish()?, continued })
    }
}

/// Sends a file: every part is read once for its hashes and once for the wire, so that no part
/// needs to be in memory, whatever its size.
pub(super) async fn send_file(
    writing: &Writing<'_>,
    upload: &Upload,
    file: &SourceFile,
    plan: MultipartPlan,
    log: &Arc<UploadLog>,
) -> Result<Transferred, PutError> {
    let mut collected = Collected::new(&writing.content_key, writing.options.in_flight);
    let mut tasks = JoinSet::new();
    for part in plan.parts() {
        while tasks.len() >= collected.flight.limit() {
            collected.next(&mut tasks, writing.watch).await?;
        }
        let (upload, file, log) = (upload.clone(), file.clone(), Arc::clone(log));
        let key = Arc::clone(&writing.content_key);
        tasks.spawn(async move { file_part(&upload, &file, key, part, &log).await });
    }
    while collected.next(&mut tasks, writing.watch).await? {}
    // Every byte sent is the byte hashed, for the gateway checked the payload hash. What remains is
    // a change between parts.
    file.unchanged()?;
    collected.finish().ok_or_else(|| file.changed())
}

async fn file_part(
    upload: &Upload,
    file: &SourceFile,
    key: Arc<ContentKey>,
    part: Part,
    log: &UploadLog,
) -> Result<Done, PutError> {
    let (number, Span { offset, length }) = (part.number.number(), part.span);
    let hashes = PartHasher::new(key, offset);
    let hashes = file.scan(offset, length, hashes, PartHasher::update).await?;
    let (hash, pieces) = hashes.finish();
    // The nonce is spent: a part goes out again only with the same bytes.
    if log.sent_another(number, &hash) {
        return Err(file.changed());
    }
    if let Some(etag) = log.stored(number) {
        let stored = StoredPart { number, etag: etag.to_owned() };
        return Ok(Done { stored, pieces, size: length, continued: true });
    }
    log.sending(number, &hash);
    let body = file_span(file.handle(), offset, length);
    let stored = send_part(upload, part.number, body, length, hash).await;
    let stored = stored.map_err(|error| match error {
        // The bytes that left were not the bytes hashed.
        PutError::Call(call) if call.code() == Some("XAmzContentSHA256Mismatch") => file.changed(),
        other => other,
    })?;
    log.has_stored(number, &stored.etag);
    Ok(Done { stored, pieces, size: length, continued: false })
}

/// Sends a stream: parts are in memory, few at a time.
pub(super) async fn send_stream(
    writing: &Writing<'_>,
    upload: &Upload,
    start: BytesMut,
    mut reader: Reader,
    plan: Option<MultipartPlan>,
) -> Result<Transferred, PutError> {
    let mut collected = Collected::new(&writing.content_key, STREAM_IN_FLIGHT);
    let mut tasks = JoinSet::new();
    let (mut pending, mut offset) = (start, 0);
    for number in (1..).map_while(PartNumber::new) {
        let size = plan.map_or_else(|| growing_part_size(number), |plan| plan.part_size());
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        // One byte more tells whether this part is the last one.
        let mut content = fill(&mut reader, pending, wanted + 1).await?;
        pending = content.split_off(content.len().min(wanted));
        let last = pending.is_empty();
        if tasks.len() >= STREAM_IN_FLIGHT.min(writing.options.in_flight.max(1)) {
            collected.next(&mut tasks, writing.watch).await?;
        }
        let (upload, content) = (upload.clone(), content.freeze());
        let key = Arc::clone(&writing.content_key);
        let length = content.len() as u64;
        tasks.spawn(async move { memory_part(&upload, key, number, offset, content).await });
        offset += length;
        if last {
            break;
        }
    }
    while collected.next(&mut tasks, writing.watch).await? {}
    collected.finish().ok_or(PutError::Stopped)
}

/// Sends what `read` gives for each span of the plan, some parts at a time, in whatever order.
pub(crate) async fn send_read<E, F>(
    upload: &Upload,
    key: &Arc<ContentKey>,
    plan: MultipartPlan,
    in_flight: usize,
    watch: &Watch,
    read: impl Fn(Span) -> F,
) -> Result<Transferred, E>
where
    E: From<PutError> + Send + 'static,
    F: Future<Output = Result<Bytes, E>> + Send + 'static,
{
    let mut collected = Collected::new(key, in_flight);
    let mut tasks = JoinSet::<Result<Done, E>>::new();
    for part in plan.parts() {
        while tasks.len() >= collected.flight.limit() {
            collected.next(&mut tasks, watch).await?;
        }
        let (upload, key, content) = (upload.clone(), Arc::clone(key), read(part.span));
        tasks.spawn(async move {
            let content = content.await?;
            Ok(memory_part(&upload, key, part.number, part.span.offset, content).await?)
        });
    }
    while collected.next(&mut tasks, watch).await? {}
    collected.finish().ok_or_else(|| PutError::Stopped.into())
}

async fn memory_part(
    upload: &Upload,
    key: Arc<ContentKey>,
    number: PartNumber,
    offset: u64,
    content: Bytes,
) -> Result<Done, PutError> {
    let length = content.len() as u64;
    let hashed = content.clone();
    let hash = tokio::task::spawn_blocking(move || {
        let mut hashes = PartHasher::new(key, offset);
        hashes.update(&hashed);
        hashes.finish()
    });
    let (hash, pieces) = hash.await.map_err(|_| PutError::Stopped)?;
    let stored = send_part(upload, number, content.into(), length, hash).await?;
    Ok(Done { stored, pieces, size: length, continued: false })
}

async fn send_part(
    upload: &Upload,
    number: PartNumber,
    body: ByteStream,
    length: u64,
    hash: String,
) -> Result<StoredPart, PutError> {
    let client = &upload.client;
    let output = client
        .s3
        .upload_part()
        .bucket(upload.name.bucket.as_str())
        .key(upload.name.key.as_str())
        .upload_id(&upload.id)
        .part_number(i32::from(number.number()))
        .content_length(i64::try_from(length).unwrap_or(i64::MAX))
        .body(body)
        .customize()
        .key(&upload.headers)
        .interceptor(PayloadHash(hash))
        .send()
        .await
        .map_err(client.explain(Operation::UploadPart, SentKey::Target))?;
    let echo = KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5());
    match verify_echo(upload.headers.key_md5(), &echo) {
        Ok(_) => Ok(StoredPart { number: number.number(), etag: bare_etag(output.e_tag()) }),
        // The upload is aborted by whoever runs it, and the part with it.
        Err(error) => Err(PutError::NotProved {
            name: upload.name.clone(),
            error,
            leftover: Leftover::Nothing,
        }),
    }
}

/// Hashes a part twice over: SHA-256 for the gateway, BLAKE3 pieces for the record.
struct PartHasher {
    sha256: Sha256,
    key: Arc<ContentKey>,
    piece: PieceHasher,
    index: u64,
    pieces: Vec<Piece>,
}

impl PartHasher {
    /// Starts at `offset`, a multiple of the piece length.
    fn new(key: Arc<ContentKey>, offset: u64) -> Self {
        let index = offset / PIECE_LENGTH;
        let piece = PieceHasher::new(&key, index);
        Self { sha256: Sha256::new(), key, piece, index, pieces: Vec::new() }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        let mut rest = self.piece.update(bytes);
        while !rest.is_empty() {
            self.index += 1;
            let next = PieceHasher::new(&self.key, self.index);
            self.pieces.extend(std::mem::replace(&mut self.piece, next).finish());
            rest = self.piece.update(rest);
        }
    }

    fn finish(mut self) -> (String, Vec<Piece>) {
        self.pieces.extend(self.piece.finish());
        (hex(&self.sha256.finalize()), self.pieces)
    }
}

impl Upload {
    /// The one part of a trial upload.
    pub(crate) async fn trial_part(&self) -> Result<StoredPart, PutError> {
        self.small_part(1, Bytes::from_static(b"trial")).await
    }

    pub(crate) async fn small_part(
        &self,
        number: u64,
        content: Bytes,
    ) -> Result<StoredPart, PutError> {
        let hash = hex(&Sha256::digest(&content));
        let Some(number) = PartNumber::new(number) else { return Err(PutError::Stopped) };
        send_part(self, number, content.clone().into(), content.len() as u64, hash).await
    }
}

/// Hashes a whole file as it was sent, without sending it. `None` if a part is not what was sent. The
/// parts have no ETags: those are not noted.
pub(super) async fn hash_file(
    writing: &Writing<'_>,
    file: &SourceFile,
    plan: MultipartPlan,
    before: &UploadJournal,
) -> Result<Option<(Vec<StoredPart>, ContentDigest)>, PutError> {
    let mut collected = Collected::new(&writing.content_key, STREAM_IN_FLIGHT);
    for part in plan.parts() {
        let (number, Span { offset, length }) = (part.number.number(), part.span);
        let hashes = PartHasher::new(Arc::clone(&writing.content_key), offset);
        let (hash, pieces) = file.scan(offset, length, hashes, PartHasher::update).await?.finish();
        let was_sent = before.sent.get(&number) == Some(&keyed(&writing.content_key, &hash));
        if !was_sent || !before.stored.contains_key(&number) {
            return Ok(None);
        }
        pieces.into_iter().for_each(|piece| collected.tree.add(piece));
        collected.parts.push(StoredPart { number, etag: String::new() });
    }
    Ok(collected.finish().map(|done| (done.parts, done.digest)))
}
