//! The old content is read to its end, verified, and hashed under the new key on the way.

use super::RekeyError;
use super::object::{Work, judged};
use crate::get::{GetError, Reading};
use crate::locate::record_in;
use crate::put::{STREAM_PART, send_read};
use crate::watch::Watch;
use crate::write::PutError;
use s3_ssec_core::digest::{
    ContentHasher, ContentKey, ContentTree, PIECE_LENGTH, Piece, PieceHasher,
};
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::plan::{MIB, MultipartPlan, Span, ranges};
use s3_ssec_core::rekey::{Content, Way};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::task::JoinSet;

/// What is in memory of one object that goes through in parts.
pub(super) const IN_MEMORY: u64 = 64 * MIB;
/// Ranges in flight of an object that is only read.
const READ_AHEAD: usize = 4;
/// Bytes of such a range.
const RANGE: u64 = 2 * PIECE_LENGTH;
/// Tags of an object, at most (AWS, RGW).
const TAGS_MAX: usize = 10;

impl Work {
    /// Reads the old content to its end, and its access list meanwhile.
    pub(super) async fn read(&mut self, way: Way) -> Result<Content, RekeyError> {
        if self.found.tags.len() >= TAGS_MAX {
            return Err(RekeyError::TooManyTags(self.found.tags.len()));
        }
        let held = match way {
            Way::Whole => self.found.size,
            Way::Copy => self.found.size.min(RANGE * READ_AHEAD as u64),
            // Taken when the upload was opened.
            Way::Parts => 0,
        };
        if way != Way::Parts {
            self.found.room = self.shared.room(held).await;
        }
        let reading = self.reading().await?;
        let (client, watch) = (self.shared.client.clone(), self.shared.watch.clone());
        let (name, version) = (self.name.clone(), self.source.clone());
        let grants = async move { client.grants(&name, version.as_deref()).await };
        let content = async {
            match way {
                Way::Whole => self.read_whole(reading).await,
                Way::Copy => self.read_only(reading).await,
                Way::Parts => self.read_into_parts(reading).await,
            }
        };
        let both = watch.unless_stopped(async { tokio::join!(content, grants) }).await;
        let (content, grants) = both.ok_or(RekeyError::Stopped)?;
        let content = match content {
            Err(RekeyError::Get(GetError::Damaged(name))) => {
                self.complain(GetError::Damaged(name).into());
                Content::Damaged
            }
            Err(RekeyError::Get(GetError::Changed(_))) => Content::Changed,
            // Plaintext is in its place: written meanwhile, or under a record that was never its own.
            Err(RekeyError::Get(GetError::NotProved { name, .. }))
                if self.is_readable().await? =>
            {
                match self.has_record().await? {
                    true => {
                        let error = EchoError::Plaintext;
                        self.complain(GetError::NotProved { name, error }.into());
                        Content::Damaged
                    }
                    false => Content::Changed,
                }
            }
            content => content?,
        };
        self.found.grants = match grants {
            Ok(grants) => grants,
            // Not ours to read: the new object has the usual list.
            Err(error) if error.is_refusal() && error.status() != Some(404) => {
                self.shared.without_grants.fetch_add(1, Relaxed);
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        Ok(content)
    }

    /// True if a genuine record is still there.
    async fn has_record(&self) -> Result<bool, RekeyError> {
        let tags = self.shared.client.tags(&self.name, self.source.as_deref()).await?;
        let record = record_in(&tags).and_then(Result::ok);
        Ok(record.is_some_and(|record| self.shared.keys.open(&record, &self.name).is_ok()))
    }

    async fn read_whole(&mut self, reading: Reading) -> Result<Content, RekeyError> {
        let size = reading.size();
        self.shared.pace(size).await;
        let content = reading.read(Span { offset: 0, length: size }).await?;
        self.found.etag = reading.etag().unwrap_or_default();
        let judged = judged(reading.judge())?;
        let mut hasher = ContentHasher::new(&self.shared.content_key);
        hasher.update(&content);
        self.found.digest = Some((hasher.size(), hasher.finish()));
        if judged == Content::Unverified && self.contradicts_etag(&content) {
            self.complain(GetError::Damaged(self.name.clone()).into());
            return Ok(Content::Damaged);
        }
        self.found.content = content;
        Ok(judged)
    }

    /// Without a record, the MD5 in the ETag of one PUT tells whether a bit has flipped.
    fn contradicts_etag(&self, content: &[u8]) -> bool {
        let etag = &self.found.etag;
        let of_one_put = etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.shared.abilities.etag_is_md5 && of_one_put && crate::write::md5_hex(content) != *etag
    }

    /// Hashes under the new key what the gateway will copy.
    async fn read_only(&mut self, reading: Reading) -> Result<Content, RekeyError> {
        let size = reading.size();
        let mut tree = ContentTree::new(&self.shared.content_key);
        let mut tasks = JoinSet::new();
        let all: Vec<_> = match size {
            0 => vec![Span { offset: 0, length: 0 }],
            _ => ranges(size, RANGE).collect(),
        };
        let mut spans = all.into_iter();
        loop {
            while tasks.len() < READ_AHEAD {
                let Some(span) = spans.next() else { break };
                let (reading, shared) = (reading.clone(), Arc::clone(&self.shared));
                tasks.spawn(async move {
                    shared.pace(span.length).await;
                    let content = reading.read(span).await?;
                    let hash = move || pieces(&shared.content_key, span.offset, &content);
                    tokio::task::spawn_blocking(hash).await.map_err(|_| GetError::Stopped)
                });
            }
            let Some(done) = tasks.join_next().await else { break };
            let pieces: Vec<Piece> = done.unwrap_or(Err(GetError::Stopped))?;
            pieces.into_iter().for_each(|piece| tree.add(piece));
        }
        self.found.etag = reading.etag().unwrap_or_default();
        self.found.digest = tree.finish().map(|digest| (size, digest));
        judged(reading.judge())
    }

    async fn read_into_parts(&mut self, reading: Reading) -> Result<Content, RekeyError> {
        let upload = self.found.upload.clone().ok_or(RekeyError::Stopped)?;
        let plan = MultipartPlan::new(reading.size(), STREAM_PART).map_err(PutError::from)?;
        let in_flight = usize::try_from(IN_MEMORY / plan.part_size()).unwrap_or(1).clamp(1, 4);
        let read = |span: Span| {
            let (reading, shared) = (reading.clone(), Arc::clone(&self.shared));
            async move {
                shared.pace(span.length).await;
                Ok::<_, RekeyError>(reading.read(span).await?)
            }
        };
        let (key, silent) = (&self.shared.content_key, Watch::default());
        let sent = send_read(&upload, key, plan, in_flight, &silent, read).await?;
        self.found.etag = reading.etag().unwrap_or_default();
        self.found.digest = Some((sent.size, sent.digest));
        self.found.sent = Some(sent);
        judged(reading.judge())
    }
}

/// The hashes of a range that begins at a whole piece.
fn pieces(key: &ContentKey, offset: u64, mut content: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut index = offset / PIECE_LENGTH;
    while !content.is_empty() {
        let mut piece = PieceHasher::new(key, index);
        content = piece.update(content);
        pieces.extend(piece.finish());
        index += 1;
    }
    pieces
}
