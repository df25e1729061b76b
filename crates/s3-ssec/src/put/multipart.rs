//! Multipart uploads: the executor of [`s3_ssec_core::transfer::put_parts`], and the bare requests for orders that
//! are not in the core yet.

mod hands;
mod hash;
mod parts;
mod stream;

pub(crate) use parts::{STREAM_PART, Transferred, send_read};

use super::journal::UploadLog;
use super::source::{Reader, SourceFile};
use crate::call::{Broken, CallError, WithKey as _};
use crate::carry::{Carried, KeyAlone, carry, conditions, part_list};
use crate::client::Client;
use crate::watch::Watch;
use crate::write::{Leftover, PutError, PutOptions, Uploaded};
use bytes::BytesMut;
use hands::{PartsHands, Source};
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::journal::UploadBegun;
use s3_ssec_core::key::Key;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::MultipartPlan;
use s3_ssec_core::removal::answered_version;
use s3_ssec_core::transfer::{
    Before, Condition, KeyFacts, OnFailure, PartsHalt, PartsLeft, PartsPlan, PartsSource,
    PartsVerdict, UploadLeft, drop_uploads, put_parts,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use stream::Stream;

/// Everything that belongs to one write.
pub(super) struct Writing<'a> {
    pub(super) client: &'a Client,
    pub(super) key: &'a Key,
    pub(super) name: &'a ObjectName,
    pub(super) options: &'a PutOptions,
    pub(super) watch: &'a Watch,
}

impl Writing<'_> {
    /// The first line of a journal, without a nonce.
    fn begun(&self, source: String, size: u64, part_size: u64) -> UploadBegun {
        UploadBegun {
            endpoint: self.client.endpoint().to_string(),
            object: self.name.to_string(),
            source,
            size,
            part_size,
            key: self.key.fingerprint().to_string(),
            nonce: String::new(),
        }
    }

    fn plan(&self, source: PartsSource, at_once: usize, on_failure: OnFailure) -> PartsPlan {
        PartsPlan {
            name: self.name.clone(),
            source,
            tags: self.options.tags.clone(),
            condition: self.options.condition(),
            at_once,
            on_failure,
            before: None,
        }
    }

    fn hands(
        &self,
        source: Source,
        begun: UploadBegun,
        log: (UploadLog, BTreeMap<u16, String>),
    ) -> PartsHands<'_> {
        let whose = (self.client, self.key, self.name);
        PartsHands::new(whose, (self.options, self.watch), (source, begun), log)
    }

    async fn run(&self, hands: PartsHands<'_>, plan: PartsPlan) -> Result<Uploaded, PutError> {
        let course = |link| put_parts(link, plan);
        let carried = Box::pin(carry(self.client, &hands, self.watch, course)).await;
        self.ended(&hands, carried)
    }

    fn ended(
        &self,
        hands: &PartsHands<'_>,
        mut carried: Carried<PartsVerdict>,
    ) -> Result<Uploaded, PutError> {
        let (halt, left) = match carried.verdict.clone() {
            PartsVerdict::Stored(stored, unheard) => {
                if unheard != UploadLeft::Gone {
                    let name = self.name;
                    tracing::warn!(
                        "a half-done upload of {name} may be left: its creation was not answered"
                    );
                }
                let Some(seal) = hands.seal() else { return Err(PutError::Stopped) };
                return Ok(Uploaded {
                    name: self.name.clone(),
                    version_id: stored.version_id,
                    size: hands.size(),
                    etag: stored.etag,
                    key: self.key.fingerprint(),
                    nonce: seal.nonce(),
                    record: self.client.kept_in(stored.record),
                    continued: hands.continued(),
                    proof: stored.proof,
                });
            }
            PartsVerdict::Failed(halt, left) => (halt, left),
        };
        Err(self.failed(hands, &mut carried, halt, left))
    }

    fn failed(
        &self,
        hands: &PartsHands<'_>,
        carried: &mut Carried<PartsVerdict>,
        halt: PartsHalt,
        PartsLeft { object, upload }: PartsLeft,
    ) -> PutError {
        let unread = || Broken::Answer("it is not one to an upload".to_owned()).into();
        let call = |error: Option<CallError>| PutError::Call(error.unwrap_or_else(unread));
        let name = || self.name.clone();
        let error = match halt {
            PartsHalt::Exists => PutError::Exists(name()),
            PartsHalt::Refused(answer) => call(carried.refused(&answer)),
            PartsHalt::NotProved(error) => {
                let leftover = object.into();
                PutError::NotProved { name: name(), error, leftover }
            }
            PartsHalt::Unanswered | PartsHalt::UploadGone => call(carried.unanswered()),
            PartsHalt::SourceFailed | PartsHalt::OtherContent | PartsHalt::NoNonce => {
                hands.trouble().unwrap_or_else(|| hands.changed_or(carried.last()))
            }
            PartsHalt::Overwritten => PutError::Overwritten(name()),
            PartsHalt::Unrecorded => match hands.seal() {
                Some(seal) => self.client.unrecorded(&seal),
                None => PutError::Stopped,
            },
            PartsHalt::Stopped => PutError::Stopped,
        };
        let error = match (error, upload) {
            (PutError::Call(error), UploadLeft::Kept) if !error.is_refusal() => {
                PutError::BrokenOff(error)
            }
            (PutError::Stopped, UploadLeft::Kept) => PutError::Unfinished(name()),
            // It says so itself.
            (error @ PutError::NotProved { .. }, _) => error,
            (error, _) => error.leaving(self.name, object.into()),
        };
        match upload {
            UploadLeft::Gone | UploadLeft::Kept => error,
            UploadLeft::Open | UploadLeft::Unknown => error.leaving(self.name, Leftover::Upload),
        }
    }
}

/// Uploads a file, going on where an earlier upload of it broke off.
pub(super) async fn put_file(
    writing: Writing<'_>,
    file: SourceFile,
    size: u64,
) -> Result<Uploaded, PutError> {
    let parts = MultipartPlan::new(size, writing.options.part_size)?;
    let source = std::path::absolute(file.path()).unwrap_or_else(|_| file.path().to_owned());
    let source = source.to_string_lossy().into_owned();
    let content_key = Arc::new(writing.key.content_key());
    let object = writing.name.to_string();
    let (log, journal) = UploadLog::open(writing.client, &object, &source, &content_key);
    if journal.as_ref().is_some_and(|journal| journal.begun.size != size) {
        tracing::warn!("{:?} changed since its upload broke off: it starts anew", file.path());
    }
    let stored = journal.as_ref().map(|journal| journal.stored.clone()).unwrap_or_default();
    let begun = writing.begun(source, size, parts.part_size());
    let hands = writing.hands(Source::File(file), begun, (log, stored));
    let before = journal.map(|journal| {
        let is_same_key = journal.key() == Some(writing.key.fingerprint());
        let nonce = journal.nonce().filter(|_| is_same_key);
        Before::of(&journal, size, nonce.map(|nonce| hands.facts(nonce)))
    });
    let (source, in_flight) = (PartsSource::Known(parts), writing.options.in_flight);
    let plan = writing.plan(source, in_flight, OnFailure::KeepIfItMayPass);
    writing.run(hands, PartsPlan { before, ..plan }).await
}

/// Uploads what can be read once.
pub(super) async fn put_stream(
    writing: &Writing<'_>,
    start: BytesMut,
    reader: Reader,
    expected: Option<u64>,
) -> Result<Uploaded, PutError> {
    let parts = expected.map(|size| MultipartPlan::new(size, STREAM_PART)).transpose()?;
    let content_key = Arc::new(writing.key.content_key());
    let object = writing.name.to_string();
    // A name that no other run has: nothing goes on with it, and a repair finds it.
    let source = format!("- {}", crate::trial::random_name()?);
    let (log, _) = UploadLog::open(writing.client, &object, &source, &content_key);
    let begun = writing.begun("-".to_owned(), 0, STREAM_PART);
    let stream = Source::Stream(Stream::new(reader, start));
    let hands = writing.hands(stream, begun, (log, BTreeMap::new()));
    let at_once = parts::STREAM_IN_FLIGHT.min(writing.options.in_flight);
    let plan = writing.plan(PartsSource::Stream(parts), at_once, OnFailure::TakeBack);
    writing.run(hands, plan).await
}

/// An upload that was opened under a customer key, proved by the echo of Create before any byte of
/// data leaves.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) client: Client,
    pub(crate) name: ObjectName,
    pub(crate) id: String,
    pub(crate) headers: Arc<TargetKeyHeaders>,
}

/// A part that the gateway holds.
#[derive(Clone, Debug)]
pub(crate) struct StoredPart {
    pub(crate) number: u16,
    pub(crate) etag: String,
}

/// An upload that was completed.
pub(crate) struct Completed {
    /// The version, as the gateway named it.
    pub(crate) version_id: Option<String>,
}

/// Removes the uploads of `name` that were created under the key with these facts. Says what is left.
pub(crate) async fn abort_uploads_of(
    client: &Client,
    name: &ObjectName,
    key: KeyFacts,
    headers: &Arc<TargetKeyHeaders>,
) -> Leftover {
    let (hands, watch) = (KeyAlone(Arc::clone(headers)), Watch::default());
    let course = |link| drop_uploads(link, name.clone(), key);
    match Box::pin(carry(client, &hands, &watch, course)).await.verdict {
        UploadLeft::Gone => Leftover::Nothing,
        UploadLeft::Kept | UploadLeft::Open | UploadLeft::Unknown => Leftover::Upload,
    }
}

impl Upload {
    /// CreateMultipartUpload. An answer without our key's echo ends it here: RGW would take parts
    /// with a key into an upload without one, and store them in the clear.
    pub(crate) async fn create(
        client: &Client,
        name: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
        tagging: Option<String>,
        options: &PutOptions,
    ) -> Result<Self, PutError> {
        let output = client
            .s3
            .create_multipart_upload()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_tagging(tagging)
            .set_content_type(options.headers.content_type.clone())
            .set_cache_control(options.headers.cache_control.clone())
            .set_content_disposition(options.headers.disposition.clone())
            .set_content_encoding(options.headers.encoding.clone())
            .set_content_language(options.headers.language.clone())
            .set_metadata(Some(options.metadata.iter().cloned().collect()))
            .set_storage_class(options.kept.class())
            .set_expires(options.kept.expires())
            .customize()
            .key(headers)
            .send()
            .await
            .map_err(client.explain(Operation::CreateMultipartUpload, SentKey::Target))?;
        let echo = KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5());
        let upload = Self {
            client: client.clone(),
            name: name.clone(),
            id: output.upload_id().unwrap_or_default().to_owned(),
            headers: Arc::clone(headers),
        };
        match verify_echo(headers.key_md5(), &echo) {
            Ok(_) => Ok(upload),
            Err(error) => {
                let leftover = upload.abort().await;
                Err(PutError::NotProved { name: name.clone(), error, leftover })
            }
        }
    }

    /// AbortMultipartUpload: removes the parts. Says what is left.
    pub(crate) async fn abort(&self) -> Leftover {
        let abort = self
            .client
            .s3
            .abort_multipart_upload()
            .bucket(self.name.bucket.as_str())
            .key(self.name.key.as_str())
            .upload_id(&self.id);
        let explain = self.client.explain(Operation::AbortMultipartUpload, SentKey::None);
        match abort.send().await.map_err(explain) {
            Ok(_) => Leftover::Nothing,
            // Completed, or aborted by somebody else.
            Err(error) if error.cause() == Some(Cause::NoSuchUpload) => Leftover::Nothing,
            Err(_) => Leftover::Upload,
        }
    }

    /// CompleteMultipartUpload, with the key: RGW 20.2.4 demands it, older ones ignore it.
    pub(crate) async fn complete(
        &self,
        parts: &[StoredPart],
        condition: Condition,
    ) -> Result<Completed, CallError> {
        let list = part_list(parts.iter().map(|part| (part.number, part.etag.as_str())));
        let (if_none_match, if_match) = conditions(&condition);
        let output = self
            .client
            .s3
            .complete_multipart_upload()
            .bucket(self.name.bucket.as_str())
            .key(self.name.key.as_str())
            .upload_id(&self.id)
            .multipart_upload(list)
            .set_if_none_match(if_none_match)
            .set_if_match(if_match)
            .customize()
            .key(&self.headers)
            .send()
            .await
            .map_err(self.client.explain(Operation::CompleteMultipartUpload, SentKey::Target))?;
        // RGW before 20.2.4 has no echo here. The SDK does not read the headers either, so HEAD
        // decides in every case.
        let version_id = answered_version(output.version_id()).map(str::to_owned);
        Ok(Completed { version_id })
    }
}

/// The ETag of a completed upload: the MD5 of its parts' MD5s, and their number.
pub(crate) fn joined_etag<'e>(etags: impl Iterator<Item = &'e str>) -> String {
    use md5::Digest as _;
    let (mut joined, mut count) = (md5::Md5::new(), 0);
    for etag in etags {
        let mut md5 = [0; 16];
        if base16ct::lower::decode(etag, &mut md5).is_ok() {
            joined.update(md5);
        }
        count += 1;
    }
    format!("{}-{count}", super::single::hex(&joined.finalize()))
}
