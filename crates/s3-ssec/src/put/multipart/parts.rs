//! Parts whose order is not in the core yet: hashed, sent, echoed, several at a time.

use super::hash::PartHasher;
use super::{StoredPart, Upload};
use crate::call::{PayloadHash, WithKey as _};
use crate::client::bare_etag;
use crate::flight::Flight;
use crate::put::single::hex;
use crate::watch::Watch;
use crate::write::{Leftover, PutError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::digest::{ContentDigest, ContentKey, ContentTree, Piece};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::plan::{MIB, MultipartPlan, PartNumber, Span};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

/// Size of a part that is held in memory because its source can be read only once.
pub(crate) const STREAM_PART: u64 = 16 * MIB;
/// Parts of a stream in flight at once: what is in memory.
pub(super) const STREAM_IN_FLIGHT: usize = 3;

/// A content that is at the gateway, part by part.
pub(crate) struct Transferred {
    pub(crate) parts: Vec<StoredPart>,
    pub(crate) size: u64,
    pub(crate) digest: ContentDigest,
}

impl Transferred {
    /// The ETags of its parts.
    pub(crate) fn etags(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.etag.as_str())
    }
}

/// One part at the gateway, with what was hashed of it.
struct Done {
    stored: StoredPart,
    pieces: Vec<Piece>,
    size: u64,
}

/// Collects parts as they finish, in whatever order.
struct Collected {
    tree: ContentTree,
    parts: Vec<StoredPart>,
    flight: Flight,
}

impl Collected {
    fn new(key: &ContentKey, most: usize) -> Self {
        let (tree, flight) = (ContentTree::new(key), Flight::new(most, Instant::now()));
        Self { tree, parts: Vec::new(), flight }
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
        watch.moved(done.size);
        Ok(true)
    }

    fn finish(mut self) -> Option<Transferred> {
        self.parts.sort_by_key(|part| part.number);
        let size = self.tree.size();
        Some(Transferred { parts: self.parts, size, digest: self.tree.finish()? })
    }
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
    let (hash, pieces) = PartHasher::new(key, offset).hash_all(content.clone()).await?.finish();
    let stored = send_part(upload, number, content.into(), length, hash).await?;
    Ok(Done { stored, pieces, size: length })
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
