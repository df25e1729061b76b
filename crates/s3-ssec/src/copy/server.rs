//! Copies made by the gateway: CopyObject with the keys of both objects.

use super::{CopyError, Source};
use crate::call::{CallError, WithKey as _};
use crate::client::{Client, bare_etag};
use crate::get::{GetError, GetOptions};
use crate::nonce;
use crate::put::tagging;
use crate::write::{PutError, PutOptions, RecordKept, Uploaded};
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, TAG_KEY};
use std::sync::Arc;

/// The most that one CopyObject takes (AWS "CopyObject"; RGW's `rgw_max_put_size`).
pub(crate) const LARGEST: u64 = 5 << 30;

/// True where the record of the copy can be written without reading the content: the digest is
/// keyed by the person's key, so the source must have one, made with the key that writes.
pub(super) fn fits(source: &Source<'_>, keys: &Keyring) -> bool {
    let ours = source.located.key == Some(keys.writer().fingerprint());
    let whole = source.located.content.is_some_and(|(size, _)| size == source.head.size);
    ours && whole && source.head.size <= LARGEST
}

/// What goes into one CopyObject.
pub(crate) struct Request<'a> {
    pub(crate) from: &'a ObjectName,
    pub(crate) version: Option<&'a str>,
    /// The source's ETag, so that an overwrite in between is an error. `None` for scratch objects.
    pub(crate) etag: Option<&'a str>,
    pub(crate) source_key: SourceKeyHeaders,
    pub(crate) to: &'a ObjectName,
    pub(crate) key: &'a Arc<TargetKeyHeaders>,
    pub(crate) tagging: Option<String>,
    pub(crate) options: &'a PutOptions,
}

/// What the gateway said of it.
pub(crate) struct Answer {
    pub(crate) etag: String,
    pub(crate) version_id: Option<String>,
    pub(crate) echo: KeyEcho,
}

/// CopyObject. Metadata and tags are always sent anew: RGW 20.2.4 ignores `x-amz-tagging` unless
/// both directives say REPLACE (measured).
pub(crate) async fn send(client: &Client, request: Request<'_>) -> Result<Answer, CallError> {
    let Request { from, version, etag, source_key, to, key, tagging, options } = request;
    let headers = options.headers.clone();
    let output = client
        .s3
        .copy_object()
        .bucket(to.bucket.as_str())
        .key(to.key.as_str())
        .copy_source(from.as_copy_source(version))
        .set_copy_source_if_match(etag.map(|etag| format!("\"{etag}\"")))
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .set_tagging(tagging)
        .set_metadata(Some(options.metadata.iter().cloned().collect()))
        .set_content_type(headers.content_type)
        .set_cache_control(headers.cache_control)
        .set_content_disposition(headers.disposition)
        .set_content_encoding(headers.encoding)
        .set_content_language(headers.language)
        .set_storage_class(options.kept.class())
        .set_expires(options.kept.expires())
        .customize()
        .key(key)
        .source_key(source_key)
        .send()
        .await
        .map_err(client.explain(Operation::CopyObject, SentKey::TargetAndSource))?;
    let result = output.copy_object_result();
    Ok(Answer {
        etag: bare_etag(result.and_then(|result| result.e_tag())),
        version_id: output.version_id().filter(|id| *id != "null").map(str::to_owned),
        echo: KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5()),
    })
}

/// The copy, or `None` where this gateway does not make copies that are encrypted anew.
pub(super) async fn copy(
    client: &Client,
    keys: &Keyring,
    source: &Source<'_>,
    to: &ObjectName,
    options: &GetOptions,
) -> Result<Option<Uploaded>, CopyError> {
    let (Some((size, digest)), Some(opens)) = (source.located.content, &source.located.headers)
    else {
        return Ok(None);
    };
    if !client.encrypts_copies(to).await? {
        return Ok(None);
    }
    let nonce = nonce::draw(to, None).map_err(PutError::from)?;
    let seal = Seal::new(keys.writer(), to.clone(), nonce);
    let key = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
    let record = seal.record(Content::Known { size, digest });
    let mut tags = vec![(TAG_KEY.to_owned(), record.to_string())];
    tags.extend(source.put.tags.iter().cloned());
    let answer = send(
        client,
        Request {
            from: source.name,
            version: options.read.version.as_deref(),
            etag: Some(&source.head.etag),
            source_key: opens.as_source(),
            to,
            key: &key,
            tagging: Some(tagging(&tags)),
            options: &source.put,
        },
    );
    let answer = answer.await.map_err(|error| match error.status() {
        Some(412) => GetError::Changed(source.name.clone()).into(),
        _ => CopyError::Put(error.into()),
    })?;
    let version = answer.version_id.as_deref();
    let proof = match verify_echo(key.key_md5(), &answer.echo) {
        Ok(proof) => proof,
        Err(error) => {
            // A copy in the clear would have the ETag of its source.
            let leftover = client.take_back(to, version, &source.head.etag).await;
            return Err(PutError::NotProved { name: to.clone(), error, leftover }.into());
        }
    };
    let record = keep_tags(client, &seal, version, &tags).await?;
    Ok(Some(Uploaded {
        name: to.clone(),
        size,
        etag: answer.etag,
        key: keys.writer().fingerprint(),
        nonce,
        record,
        continued: 0,
        proof,
        version_id: answer.version_id,
    }))
}

/// Makes sure that the copy carries its tags: a gateway may leave them out without a word.
async fn keep_tags(
    client: &Client,
    seal: &Seal<'_>,
    version: Option<&str>,
    tags: &[(String, String)],
) -> Result<RecordKept, PutError> {
    let stand = match client.tags(seal.name(), version).await {
        Ok(found) => tags.iter().all(|tag| found.contains(tag)),
        Err(error) if matches!(error.status(), Some(403 | 501)) => false,
        Err(error) => return Err(error.into()),
    };
    if stand {
        return Ok(RecordKept::InTag);
    }
    match client.put_tags(seal.name(), version, tags).await {
        Ok(()) => Ok(RecordKept::InTag),
        Err(error) if matches!(error.status(), Some(403 | 501)) => {
            client.note_in_ledger(seal);
            Ok(RecordKept::InLedgerOnly)
        }
        Err(error) => Err(error.into()),
    }
}
