//! Multipart uploads: parts in parallel, every step under the key, the record completed last.

mod finish;
mod owner;
mod parts;
mod resume;

pub(crate) use parts::{STREAM_PART, Transferred, send_read};

use super::journal::UploadLog;
use super::source::{Reader, SourceFile};
use super::{Writing, tagging};
use crate::call::{CallError, WithKey as _};
use crate::carry::{conditions, part_list};
use crate::client::Client;
use crate::write::{Leftover, PutError, PutOptions, Uploaded};
use bytes::BytesMut;
use finish::{Completion, finish};
use resume::Resumed;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::journal::{UploadBegun, UploadLine};
use s3_ssec_core::key::Key;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::MultipartPlan;
use s3_ssec_core::record::{Content, Record, TAG_KEY};
use s3_ssec_core::removal::answered_version;
use s3_ssec_core::transfer::Condition;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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

/// Uploads a file, going on where an earlier upload of it broke off.
pub(super) async fn put_file(
    writing: Writing<'_>,
    key: &Key,
    file: SourceFile,
    size: u64,
) -> Result<Uploaded, PutError> {
    let plan = MultipartPlan::new(size, writing.options.part_size)?;
    let source = std::path::absolute(file.path()).unwrap_or_else(|_| file.path().to_owned());
    let source = source.to_string_lossy().into_owned();
    let mut log = open_log(&writing, &source);
    let taken_up = resume::take_up(&writing, key, &mut log, &file).await;
    match taken_up.map_err(|error| broken_off(error, &log))? {
        Resumed::Done(uploaded) => return Ok(*uploaded),
        Resumed::GoOn(went_on) => {
            let (old, upload) = *went_on;
            let shared = Arc::new(std::mem::take(&mut log));
            match send_and_finish(&old, &upload, &file, &shared).await {
                Err(PutError::SourceChanged { path }) if file.unchanged().is_ok() => {
                    tracing::warn!("{path:?} changed since its upload broke off: it starts anew");
                }
                done => return done,
            }
            drop(shared);
            log = open_log(&writing, &source);
        }
        Resumed::Nothing => {}
    }
    log.begin(UploadBegun {
        endpoint: writing.client.endpoint().to_string(),
        object: writing.name().to_string(),
        source,
        size,
        part_size: plan.part_size(),
        key: key.fingerprint().to_string(),
        nonce: writing.seal.nonce().to_string(),
    });
    let upload = match open(&writing).await {
        Ok(upload) => upload,
        // Something of it may be there: its journal says whose.
        Err(error @ PutError::Left { .. }) => return Err(error),
        Err(error) => {
            log.close();
            return Err(error);
        }
    };
    log.note(&UploadLine::Created { upload_id: upload.id.clone() });
    send_and_finish(&writing, &upload, &file, &Arc::new(log)).await
}

fn open_log(writing: &Writing<'_>, source: &str) -> UploadLog {
    let (object, key) = (writing.name().to_string(), &writing.content_key);
    UploadLog::open(writing.client, &object, source, key)
}

/// Parts, Complete, record, proof. What may pass later keeps its journal; what cannot is aborted.
async fn send_and_finish(
    writing: &Writing<'_>,
    upload: &Upload,
    file: &SourceFile,
    log: &Arc<UploadLog>,
) -> Result<Uploaded, PutError> {
    let plan = MultipartPlan::new(file.size(), log.part_size(writing.options.part_size))?;
    let completing = AtomicBool::new(false);
    let work = async {
        let transferred = parts::send_file(writing, upload, file, plan, log).await?;
        let record = record(writing, &transferred).to_string();
        log.note(&UploadLine::CompletingAs { record });
        completing.store(true, Relaxed);
        finish(writing, upload, transferred, Completion::ToDo).await
    };
    let done = writing.watch.unless_stopped(work).await.unwrap_or(Err(PutError::Stopped));
    match done.map_err(|error| broken_off(error, log)) {
        Ok(uploaded) => {
            log.close();
            Ok(uploaded)
        }
        Err(error @ PutError::BrokenOff(_)) => Err(error),
        // The object may stand by now, and its nonce be nowhere but in the journal: RGW 16 and 18
        // drop the pending record.
        Err(PutError::Stopped) if completing.load(Relaxed) && log.remembers() => {
            Err(PutError::Unfinished(writing.name().clone()))
        }
        Err(error) => {
            let leftover = upload.abort().await;
            // While parts are left, the journal tells a repair that they are ours.
            if leftover == Leftover::Nothing {
                log.close();
            }
            Err(error.leaving(writing.name(), leftover))
        }
    }
}

/// Says so where the journal lets a later run go on.
fn broken_off(error: PutError, log: &UploadLog) -> PutError {
    match error {
        PutError::Call(error) if error.may_pass_later() && log.remembers() => {
            PutError::BrokenOff(error)
        }
        other => other,
    }
}

pub(super) async fn put_stream(
    writing: &Writing<'_>,
    start: BytesMut,
    reader: Reader,
    expected: Option<u64>,
) -> Result<Uploaded, PutError> {
    let plan = expected.map(|size| MultipartPlan::new(size, parts::STREAM_PART)).transpose()?;
    let upload = open(writing).await?;
    let transfer = parts::send_stream(writing, &upload, start, reader, plan);
    let transferred = finish_or_abort(writing, &upload, transfer).await?;
    let log = note_stream(writing, &upload, &transferred);
    match finish(writing, &upload, transferred, Completion::ToDo).await {
        Ok(uploaded) => {
            log.close();
            Ok(uploaded)
        }
        // It may have been completed. Then a repair finds here what its content is.
        Err(error) if error.may_pass_later() => {
            Err(error.leaving(writing.name(), upload.abort().await))
        }
        Err(error) => {
            log.close();
            Err(error.leaving(writing.name(), upload.abort().await))
        }
    }
}

/// Notes a stream that was sent. It cannot be sent again, but its record can be completed.
fn note_stream(writing: &Writing<'_>, upload: &Upload, sent: &Transferred) -> UploadLog {
    let (name, nonce) = (writing.name().to_string(), writing.seal.nonce().to_string());
    let source = format!("- {nonce}");
    let mut log = UploadLog::open(writing.client, &name, &source, &writing.content_key);
    log.begin(UploadBegun {
        endpoint: writing.client.endpoint().to_string(),
        object: name,
        source: "-".to_owned(),
        size: sent.size,
        part_size: parts::STREAM_PART,
        key: writing.seal.key().fingerprint().to_string(),
        nonce,
    });
    log.note(&UploadLine::Created { upload_id: upload.id.clone() });
    let record = writing.seal.record(writing.options.content(sent.size, sent.digest)).to_string();
    log.note(&UploadLine::CompletingAs { record });
    log
}

async fn open(writing: &Writing<'_>) -> Result<Upload, PutError> {
    // RGW 16 and 18 drop these tags silently (measured); the completed record is put later anyway.
    let mut tags = vec![(TAG_KEY.to_owned(), writing.seal.record(Content::Pending).to_string())];
    tags.extend(writing.options.tags.iter().cloned());
    let (client, name, headers) = (writing.client, writing.name(), &writing.headers);
    let opening = async {
        match Upload::create(client, name, headers, Some(tagging(&tags)), writing.options).await {
            Err(PutError::Call(error)) if matches!(error.status(), Some(403 | 501)) => {
                Upload::create(client, name, headers, None, writing.options).await
            }
            done => done,
        }
    };
    match writing.watch.unless_stopped(opening).await {
        Some(opened) => opened,
        None => Err(PutError::Stopped.leaving(name, resume::drop_unheard(writing).await)),
    }
}

/// Runs the transfer; on any failure, and when asked to stop, the upload is aborted.
async fn finish_or_abort<T>(
    writing: &Writing<'_>,
    upload: &Upload,
    transfer: impl Future<Output = Result<T, PutError>>,
) -> Result<T, PutError> {
    match writing.watch.unless_stopped(transfer).await.unwrap_or(Err(PutError::Stopped)) {
        Ok(done) => Ok(done),
        Err(error) => Err(error.leaving(writing.name(), upload.abort().await)),
    }
}

fn record(writing: &Writing<'_>, transferred: &Transferred) -> Record {
    writing.seal.record(writing.options.content(transferred.size, transferred.digest))
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
pub(crate) fn joined_etag(parts: &[StoredPart]) -> String {
    use md5::Digest as _;
    let mut joined = md5::Md5::new();
    for part in parts {
        let mut md5 = [0; 16];
        if base16ct::lower::decode(&part.etag, &mut md5).is_ok() {
            joined.update(md5);
        }
    }
    format!("{}-{}", super::single::hex(&joined.finalize()), parts.len())
}
