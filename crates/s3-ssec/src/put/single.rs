//! One PUT: content, key and record in one request, so that they stand or fall together.

use super::{Writing, tagging};
use crate::call::{CallError, PayloadHash, WithKey as _};
use crate::client::{Client, bare_etag};
use crate::write::{Existing, Leftover, PutError, PutOptions, RecordKept, Uploaded, md5_hex};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, Record, TAG_KEY};
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
    let record = writing.seal.record(Content::Known { size, digest });
    let mut tags = vec![(TAG_KEY.to_owned(), record.to_string())];
    tags.extend(writing.options.tags.iter().cloned());
    let work = send_with_record(writing, &content, &tags);
    let Some(sent) = writing.watch.unless_stopped(work).await else {
        let leftover = arrived(writing, &record).await;
        return Err(PutError::Stopped.leaving(writing.name(), leftover));
    };
    let (sent, kept) = sent?;
    let proof = match verify_echo(writing.headers.key_md5(), &sent.echo) {
        Ok(proof) => proof,
        Err(error) => {
            let (name, version) = (writing.name(), sent.version_id.as_deref());
            let leftover = writing.client.take_back(name, version, &plain_etag(&content)).await;
            return Err(PutError::NotProved { name: name.clone(), error, leftover });
        }
    };
    writing.watch.moved(size);
    Ok(Uploaded {
        name: writing.name().clone(),
        version_id: sent.version_id,
        size,
        etag: sent.etag,
        key: writing.seal.key().fingerprint(),
        nonce: writing.seal.nonce(),
        record: kept,
        continued: 0,
        proof,
    })
}

/// Whether a request that was given up had reached the gateway: then the object carries the record
/// that was made for this write alone. It is left where it is, for what it replaced is gone.
async fn arrived(writing: &Writing<'_>, record: &Record) -> Leftover {
    let (client, name) = (writing.client, writing.name());
    let ours = |tags: &[(String, String)]| {
        tags.iter().any(|(key, value)| key == TAG_KEY && *value == record.to_string())
    };
    match client.tags(name, None).await {
        Ok(tags) if !ours(&tags) => return Leftover::Nothing,
        Err(error) if error.status() == Some(404) => return Leftover::Nothing,
        Err(_) => return Leftover::Unknown,
        Ok(_) => {}
    }
    match client.head(name, None, &writing.headers).await {
        Ok(head) if verify_echo(writing.headers.key_md5(), &head.echo).is_ok() => Leftover::Arrived,
        _ => Leftover::Unknown,
    }
}

/// Sends with tags; where the gateway refuses them, without, and notes the nonce here.
async fn send_with_record(
    writing: &Writing<'_>,
    content: &Bytes,
    tags: &[(String, String)],
) -> Result<(Sent, RecordKept), PutError> {
    let (name, options) = (writing.name(), writing.options);
    let client = writing.client;
    let tagged = send(client, name, &writing.headers, content, Some(tagging(tags)), options).await;
    match tagged {
        Ok(sent) => Ok((sent, RecordKept::InTag)),
        Err(error) if matches!(error.status(), Some(403 | 501)) => {
            // Rights without PutObjectTagging, or a gateway without tags. If the reason is another
            // one, the second answer says so.
            let sent = send(client, name, &writing.headers, content, None, options).await;
            let sent = sent.map_err(|second| refused(name, second))?;
            client.note_in_ledger(&writing.seal);
            Ok((sent, RecordKept::InLedgerOnly))
        }
        Err(error) => Err(refused(name, error)),
    }
}

pub(super) fn refused(name: &ObjectName, error: CallError) -> PutError {
    match error.status() {
        Some(412) => PutError::Exists(name.clone()),
        _ => error.into(),
    }
}

/// The ETag RGW gives to a plaintext of one PUT: its MD5. Only needed to recognise our own.
fn plain_etag(content: &[u8]) -> String {
    md5_hex(content)
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
        .send()
        .await
        .map_err(client.explain(Operation::PutObject, SentKey::Target))?;
    Ok(Sent {
        etag: bare_etag(output.e_tag()),
        version_id: output.version_id().filter(|id| *id != "null").map(str::to_owned),
        echo: KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5()),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
