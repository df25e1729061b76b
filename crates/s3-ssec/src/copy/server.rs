//! Copies made by the gateway: CopyObject with the keys of both objects.

use super::{CopyError, CopyOptions, Source};
use crate::call::{CallError, Reached, WithKey as _};
use crate::client::{Client, bare_etag};
use crate::get::{GetError, GetOptions};
use crate::ledger::Noted;
use crate::nonce;
use crate::put::tagging;
use crate::removal::Written;
use crate::watch::Watch;
use crate::write::{Leftover, PutError, PutOptions, RecordKept, Uploaded};
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::echo::{EchoVerified, KeyEcho, verify_echo};
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{KnownContent, Record, TAG_KEY};
use s3_ssec_core::removal::answered_version;
use s3_ssec_core::transfer::{Finding, Removable};
use std::sync::Arc;

/// The most that one CopyObject takes (AWS "CopyObject"; RGW's `rgw_max_put_size`).
pub(crate) const LARGEST: u64 = 5 << 30;

/// True where the record of the copy can be written without reading the content: the digest is
/// keyed by the person's key, so the source must have one, made with the key that writes.
pub(super) fn fits(source: &Source<'_>, keys: &Keyring) -> bool {
    let ours = source.located.key == Some(keys.writer().fingerprint());
    let whole = source.located.content.is_some_and(|known| known.size == source.head.size);
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
    /// Notes whether the gateway may have acted on it.
    pub(crate) reached: Reached,
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
    let Request { from, version, etag, source_key, to, key, tagging, options, reached } = request;
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
        .interceptor(reached)
        .send()
        .await
        .map_err(client.explain(Operation::CopyObject, SentKey::TargetAndSource))?;
    let result = output.copy_object_result();
    Ok(Answer {
        etag: bare_etag(result.and_then(|result| result.e_tag())),
        version_id: answered_version(output.version_id()).map(str::to_owned),
        echo: KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5()),
    })
}

/// The copy, or `None` where this gateway does not make copies that are encrypted anew.
pub(super) async fn copy(
    client: &Client,
    keys: &Keyring,
    source: &Source<'_>,
    to: &ObjectName,
    options: &CopyOptions,
    watch: &Watch,
) -> Result<Option<Uploaded>, CopyError> {
    let (Some(known), Some(opens)) = (source.located.content, &source.located.headers) else {
        return Ok(None);
    };
    let tried = client.encrypts_copies(to).await?;
    // A trial takes back what it began sooner than it can be undone.
    if watch.is_stopped() {
        return Err(PutError::Stopped.into());
    }
    if !tried {
        return Ok(None);
    }
    let nonce = nonce::draw(client.state.as_ref(), to).map_err(PutError::from)?;
    let seal = Seal::new(keys.writer(), to.clone(), nonce);
    let key = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
    let record = seal.record(source.put.content(known.size, known.digest));
    let records = [record.to_string()];
    let mut tags = vec![(TAG_KEY.to_owned(), records[0].clone())];
    tags.extend(source.put.tags.iter().cloned());
    // A gateway may leave the tags of a copy out in silence.
    let noted = client.note_before(to, &record, false).await;
    // A plaintext copy would have the ETag of its source.
    let written = Written::new(&seal, &key, records.into(), source.head.etag.clone());
    let request = Request {
        from: source.name,
        version: options.read.version.as_deref(),
        etag: Some(&source.head.etag),
        source_key: opens.as_source(),
        to,
        key: &key,
        tagging: Some(tagging(&tags)),
        options: &source.put,
        reached: Reached::default(),
    };
    let (answer, proof) = send_proved(client, &written, &record, request, watch).await?;
    let version = answer.version_id.as_deref();
    let content = KnownContent { provenance: source.provenance, ..known };
    let reading = client.reads_back(&seal, version, content);
    let read = match watch.unless_stopped(reading).await {
        Some(read) => read,
        None => return Err(PutError::Stopped.leaving(to, Leftover::Arrived).into()),
    };
    if !read_back(client, &written, version, read).await? {
        return Err(garbled(client, &written, version, source, options, watch).await);
    }
    let kept = keep_tags(client, &seal, version, &tags, &record, noted).await;
    let kept = kept.map_err(|error| match error {
        PutError::Call(_) => error.leaving(to, Leftover::Arrived),
        other => other,
    })?;
    Ok(Some(Uploaded {
        name: to.clone(),
        size: known.size,
        etag: answer.etag,
        key: keys.writer().fingerprint(),
        nonce,
        record: kept,
        continued: 0,
        proof,
        version_id: answer.version_id,
    }))
}

/// CopyObject, and the proof that the gateway confirmed the key of the copy.
async fn send_proved(
    client: &Client,
    written: &Written,
    record: &Record,
    request: Request<'_>,
    watch: &Watch,
) -> Result<(Answer, EchoVerified), CopyError> {
    let (from, reached) = (request.from.clone(), request.reached.clone());
    let Some(sent) = watch.unless_stopped(send(client, request)).await else {
        return Err(Box::pin(client.stopped(written, record)).await.into());
    };
    match sent {
        Ok(answer) => match verify_echo(written.headers.key_md5(), &answer.echo) {
            Ok(proof) => Ok((answer, proof)),
            Err(error) => {
                let name = written.name().clone();
                let (version, plain) = (answer.version_id.as_deref(), Removable::Plaintext);
                let leftover = client.remove_written(written, version, plain).await;
                let leftover = leftover.with_earlier(&reached);
                Err(PutError::NotProved { name, error, leftover }.into())
            }
        },
        Err(error) if error.status() == Some(412) => Err(GetError::Changed(from).into()),
        Err(error) if error.is_refusal() || !reached.is_possible() => {
            Err(PutError::from(error).into())
        }
        Err(error) => Ok(Box::pin(unanswered(client, written, error)).await?),
    }
}

/// Looks for the object of a copy without a usable answer: it may be stored, encrypted or not.
async fn unanswered(
    client: &Client,
    written: &Written,
    error: CallError,
) -> Result<(Answer, EchoVerified), PutError> {
    let name = written.name();
    match client.find_written(written).await {
        Finding::Unheard => Err(PutError::from(error).leaving(name, Leftover::Unknown)),
        Finding::NotOurs => Err(error.into()),
        Finding::Encrypted { proof, etag, version_id, .. } => {
            Ok((Answer { etag, version_id, echo: KeyEcho::default() }, proof))
        }
        Finding::NotProved { error, leftover } => {
            Err(PutError::NotProved { name: name.clone(), error, leftover: leftover.into() })
        }
    }
}

/// Whether the copy, once read, is the same as its source.
async fn read_back(
    client: &Client,
    written: &Written,
    version: Option<&str>,
    read: Result<bool, GetError>,
) -> Result<bool, CopyError> {
    match read {
        // The answer to the copy had the echo, and the object has none.
        Err(GetError::NotProved { name, error }) => {
            let leftover = client.remove_written(written, version, Removable::Plaintext).await;
            Err(PutError::NotProved { name, error, leftover }.into())
        }
        // It has replaced what was there, whatever kept it from being read.
        Err(GetError::Call(error)) => {
            Err(PutError::from(error).leaving(written.name(), Leftover::Arrived).into())
        }
        read => Ok(read?),
    }
}

/// Removes a copy that is not the same as its source, and says whose fault that is: a good copy of a
/// damaged source is no fault of the copying.
async fn garbled(
    client: &Client,
    written: &Written,
    version: Option<&str>,
    source: &Source<'_>,
    options: &CopyOptions,
    watch: &Watch,
) -> CopyError {
    let leftover = client.remove_written(written, version, Removable::Any).await;
    let garbled = CopyError::Garbled { name: written.name().clone(), leftover };
    if leftover != Leftover::Nothing {
        return garbled;
    }
    let read = GetOptions { read: options.read.clone(), ..GetOptions::default() };
    let (mut sink, silent) = (tokio::io::sink(), Watch::default());
    let reading = client.stream_located(source.name, &source.located, &mut sink, &read, &silent);
    match watch.unless_stopped(Box::pin(reading)).await {
        Some(Err(error)) => error.into(),
        Some(Ok(_)) | None => garbled,
    }
}

/// Makes sure that the copy carries its tags: a gateway may leave them out without a word.
async fn keep_tags(
    client: &Client,
    seal: &Seal<'_>,
    version: Option<&str>,
    tags: &[(String, String)],
    record: &Record,
    noted: Noted,
) -> Result<RecordKept, PutError> {
    let refused = |error: &CallError| matches!(error.status(), Some(403 | 501));
    let stand = match client.tags(seal.name(), version).await {
        Ok(found) => tags.iter().all(|tag| found.contains(tag)),
        Err(error) if refused(&error) => false,
        Err(error) => return Err(error.into()),
    };
    if !stand {
        match client.put_tags(seal.name(), version, tags).await {
            Err(error) if !refused(&error) => return Err(error.into()),
            _ => {}
        }
    }
    client.kept(seal, version, record, noted).await
}
