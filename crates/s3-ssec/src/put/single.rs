//! One PUT: content, key and record in one request, so that they stand or fall together.

use super::{Writing, tagging};
use crate::call::{Broken, CallError, PayloadHash, Reached, WithKey as _};
use crate::client::{Client, bare_etag};
use crate::ledger::Noted;
use crate::removal::{Removable, Written};
use crate::write::{Existing, Leftover, PutError, PutOptions, RecordKept, Uploaded, md5_hex};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::echo::{EchoVerified, KeyEcho, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Record, TAG_KEY};
use s3_ssec_core::removal::{Remains, answered_version};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What the gateway said of a PUT.
pub(crate) struct Sent {
    pub(crate) etag: String,
    pub(crate) version_id: Option<String>,
    pub(crate) echo: KeyEcho,
}

pub(super) async fn put(writing: &Writing<'_>, content: Bytes) -> Result<Uploaded, PutError> {
    let mut hasher = ContentHasher::new(&writing.content_key);
    hasher.update(&content);
    let (size, digest) = (hasher.size(), hasher.finish());
    let record = writing.seal.record(writing.options.content(size, digest));
    let records = [record.to_string()];
    let mut tags = vec![(TAG_KEY.to_owned(), records[0].clone())];
    tags.extend(writing.options.tags.iter().cloned());
    let plain_etag = md5_hex(&content);
    let written = writing.written(&records, &plain_etag);
    // Once the request is on its way the object may be there, and its record nowhere else.
    let (client, tags_kept) = (writing.client, writing.options.tags_kept);
    let noted = client.note_before(writing.name(), &record, tags_kept).await;
    send_and_prove(writing, &written, &content, &tags, &record, noted).await
}

async fn send_and_prove(
    writing: &Writing<'_>,
    written: &Written<'_>,
    content: &Bytes,
    tags: &[(String, String)],
    record: &Record,
    noted: Noted,
) -> Result<Uploaded, PutError> {
    let (reached, size) = (Reached::default(), content.len() as u64);
    let work = send_with_record(writing, content, tags, record, noted, &reached);
    let Some(outcome) = writing.watch.unless_stopped(work).await else {
        return Err(Box::pin(writing.client.stopped(written, record)).await);
    };
    let (sent, noted) = match outcome {
        Ok(done) => done,
        Err(error) => {
            return Box::pin(unanswered(writing, written, record, size, error, &reached)).await;
        }
    };
    let proof = match verify_echo(writing.headers.key_md5(), &sent.echo) {
        Ok(proof) => proof,
        Err(error) => {
            let (version, plain) = (sent.version_id.as_deref(), Removable::Plaintext);
            let leftover = writing.client.remove_written(written, version, plain).await;
            let leftover = leftover.with_earlier(&reached);
            return Err(PutError::NotProved { name: writing.name().clone(), error, leftover });
        }
    };
    let version = sent.version_id.as_deref();
    let kept = writing.client.kept(&writing.seal, version, record, noted).await?;
    Ok(uploaded(writing, size, sent.version_id, sent.etag, kept, proof))
}

fn uploaded(
    writing: &Writing<'_>,
    size: u64,
    version_id: Option<String>,
    etag: String,
    record: RecordKept,
    proof: EchoVerified,
) -> Uploaded {
    writing.watch.moved(size);
    Uploaded {
        name: writing.name().clone(),
        version_id,
        size,
        etag,
        key: writing.seal.key().fingerprint(),
        nonce: writing.seal.nonce(),
        record,
        continued: 0,
        proof,
    }
}

/// Looks for the object of a PUT without a usable answer: it may be stored, encrypted or not.
async fn unanswered(
    writing: &Writing<'_>,
    written: &Written<'_>,
    record: &Record,
    size: u64,
    error: PutError,
    reached: &Reached,
) -> Result<Uploaded, PutError> {
    let (client, name) = (writing.client, writing.name());
    if !reached.is_possible() {
        return Err(error);
    }
    let Ok(found) = client.find_written(written).await else {
        return Err(match is_refusal(&error) {
            true => error,
            false => error.leaving(name, Leftover::Unknown),
        });
    };
    match (found.remains, &found.head, found.proof) {
        (Remains::NotOurs, ..) => Err(error),
        (Remains::OursEncrypted, Some(head), Some(proof)) => {
            let noted = client.note_before(name, record, found.is_tagged).await;
            let kept = client.settle(&writing.seal, record, noted, found.is_tagged).await?;
            let (version, etag) = (head.version_id.clone(), head.etag.clone());
            Ok(uploaded(writing, size, version, etag, kept, proof))
        }
        _ => Err(client.not_proved(written, &found).await),
    }
}

/// True if the gateway says that it did not store anything.
fn is_refusal(error: &PutError) -> bool {
    match error {
        PutError::Call(call) => call.is_refusal(),
        _ => true,
    }
}

/// Sends with tags; where the gateway refuses them, without, if the ledger keeps the record.
async fn send_with_record(
    writing: &Writing<'_>,
    content: &Bytes,
    tags: &[(String, String)],
    record: &Record,
    noted: Noted,
    reached: &Reached,
) -> Result<(Sent, Noted), PutError> {
    let (name, client) = (writing.name(), writing.client);
    let put = |tagging| {
        send_noting(client, name, &writing.headers, content, tagging, writing.options, reached)
    };
    let error = match put(Some(tagging(tags))).await {
        Ok(sent) => return Ok((sent, noted)),
        // Rights without PutObjectTagging, or a gateway without tags. If the reason is another one, the
        // second answer says so.
        Err(error) if matches!(error.status(), Some(403 | 501)) => error,
        Err(error) => return Err(refused(name, error)),
    };
    let noted = match noted {
        Noted::TagTrusted => client.note_before(name, record, false).await,
        noted => noted,
    };
    // Without its tag the record would be lost: what the gateway refused is the answer.
    if noted == Noted::Nowhere {
        return Err(refused(name, error));
    }
    let sent = put(None).await.map_err(|second| refused(name, second))?;
    Ok((sent, noted))
}

pub(super) fn refused(name: &ObjectName, error: CallError) -> PutError {
    match error.status() {
        Some(412) => PutError::Exists(name.clone()),
        _ => error.into(),
    }
}

/// PutObject with a customer key.
pub(crate) async fn send(
    client: &Client,
    name: &ObjectName,
    headers: &Arc<TargetKeyHeaders>,
    content: &Bytes,
    tagging: Option<String>,
    options: &PutOptions,
) -> Result<Sent, CallError> {
    send_noting(client, name, headers, content, tagging, options, &Reached::default()).await
}

/// [`send`], which notes whether the request may have reached the gateway. An answer without an ETag
/// is none: S3 has one on every PUT.
async fn send_noting(
    client: &Client,
    name: &ObjectName,
    headers: &Arc<TargetKeyHeaders>,
    content: &Bytes,
    tagging: Option<String>,
    options: &PutOptions,
    reached: &Reached,
) -> Result<Sent, CallError> {
    let metadata = options.metadata.iter().cloned().collect();
    let if_none_match = (options.existing == Existing::Keep).then(|| "*".to_owned());
    let output = client
        .s3
        .put_object()
        .bucket(name.bucket.as_str())
        .key(name.key.as_str())
        .set_tagging(tagging)
        .set_content_type(options.headers.content_type.clone())
        .set_cache_control(options.headers.cache_control.clone())
        .set_content_disposition(options.headers.disposition.clone())
        .set_content_encoding(options.headers.encoding.clone())
        .set_content_language(options.headers.language.clone())
        .set_metadata(Some(metadata))
        .set_if_none_match(if_none_match)
        .set_if_match(options.kept.if_match())
        .set_storage_class(options.kept.class())
        .set_expires(options.kept.expires())
        .body(ByteStream::from(content.clone()))
        .customize()
        .key(headers)
        .interceptor(PayloadHash(hex(&Sha256::digest(content))))
        .interceptor(reached.clone())
        .send()
        .await
        .map_err(client.explain(Operation::PutObject, SentKey::Target))?;
    let etag = bare_etag(output.e_tag());
    if etag.is_empty() {
        return Err(Broken::Answer("it has no ETag".to_owned()).into());
    }
    Ok(Sent {
        etag,
        version_id: answered_version(output.version_id()).map(str::to_owned),
        echo: KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5()),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
