//! One PUT: the executor of [`s3_ssec_core::transfer::put`], and the bare request for trials.

use crate::call::{Broken, CallError, PayloadHash, WithKey as _};
use crate::carry::{Carried, Hands, Payload, Sent as Content, carry};
use crate::client::{Client, bare_etag};
use crate::nonce;
use crate::watch::Watch;
use crate::write::{Existing, Leftover, PutError, PutOptions, Uploaded, md5_hex};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::digest::{ContentDigest, ContentHasher};
use s3_ssec_core::echo::KeyEcho;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Key, RandomError};
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::removal::answered_version;
use s3_ssec_core::transfer::{self, KeyFacts, KeyRef, Outcome, PutPlan, PutVerdict, Stored};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock};

/// The gateway's answer to a PUT.
pub(crate) struct Sent {
    pub(crate) version_id: Option<String>,
    pub(crate) echo: KeyEcho,
}

/// A content that is sent in one request.
struct Single<'a> {
    client: &'a Client,
    key: &'a Key,
    options: &'a PutOptions,
    content: Bytes,
    digest: ContentDigest,
    drawn: OnceLock<Result<(Seal<'a>, Arc<TargetKeyHeaders>), RandomError>>,
}

impl Hands for Single<'_> {
    fn headers(&self, _: KeyRef) -> Option<Arc<TargetKeyHeaders>> {
        self.drawn.get()?.as_ref().ok().map(|(_, headers)| Arc::clone(headers))
    }

    fn draw(&self, name: &ObjectName, _is_described: bool) -> Option<KeyFacts> {
        let drawn = self.drawn.get_or_init(|| {
            let nonce = nonce::draw(self.client.state.as_ref(), name)?;
            let seal = Seal::new(self.key, name.clone(), nonce);
            let headers = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
            Ok((seal, headers))
        });
        let (seal, headers) = drawn.as_ref().ok()?;
        let record = seal.record(self.options.content(self.content.len() as u64, self.digest));
        Some(KeyFacts::of(seal, headers, &record))
    }

    async fn payload(&self, _: Content<'_>) -> Result<Payload, Outcome> {
        Ok(Payload::of(self.content.clone()))
    }

    fn options(&self) -> Option<&PutOptions> {
        Some(self.options)
    }
}

pub(super) async fn put(
    client: &Client,
    key: &Key,
    name: &ObjectName,
    content: Bytes,
    options: &PutOptions,
    watch: &Watch,
) -> Result<Uploaded, PutError> {
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(&content);
    let plan = PutPlan {
        name: name.clone(),
        size: hasher.size(),
        plain_etag: md5_hex(&content),
        tags: options.tags.clone(),
        condition: options.condition(),
        tags_kept: options.tags_kept,
    };
    let (digest, drawn) = (hasher.finish(), OnceLock::new());
    let single = Single { client, key, options, content, digest, drawn };
    let carried = carry(client, &single, watch, |link| transfer::put(link, plan)).await;
    let uploaded = single.ended(name, carried)?;
    watch.moved(uploaded.size);
    Ok(uploaded)
}

impl Single<'_> {
    fn ended(
        self,
        name: &ObjectName,
        mut carried: Carried<PutVerdict>,
    ) -> Result<Uploaded, PutError> {
        let failed = |error: Option<CallError>| {
            let unread = || CallError::from(Broken::Answer("it is not one to a PUT".to_owned()));
            PutError::Call(error.unwrap_or_else(unread))
        };
        Err(match carried.verdict.clone() {
            PutVerdict::Stored(Stored { proof, record, etag, version_id }) => {
                let Some(Ok((seal, _))) = self.drawn.get() else { return Err(PutError::Stopped) };
                return Ok(Uploaded {
                    name: name.clone(),
                    version_id,
                    size: self.content.len() as u64,
                    etag,
                    key: self.key.fingerprint(),
                    nonce: seal.nonce(),
                    record: self.client.kept_in(record),
                    continued: 0,
                    proof,
                });
            }
            PutVerdict::Exists => PutError::Exists(name.clone()),
            PutVerdict::Refused { answer, leftover } => {
                failed(carried.refused(&answer)).leaving(name, leftover.into())
            }
            PutVerdict::NotProved { error, leftover } => {
                PutError::NotProved { name: name.clone(), error, leftover: leftover.into() }
            }
            PutVerdict::Unrecorded => match self.drawn.get() {
                Some(Ok((seal, _))) => self.client.unrecorded(seal),
                _ => PutError::Stopped,
            },
            PutVerdict::Unanswered(leftover) => {
                let error = failed(carried.unanswered());
                match leftover.into() {
                    // An error of the line says by itself that nothing is known.
                    Leftover::MayArrive => error,
                    left => error.leaving(name, left),
                }
            }
            PutVerdict::Stopped(leftover) => PutError::Stopped.leaving(name, leftover.into()),
            PutVerdict::NoNonce => match self.drawn.into_inner() {
                Some(Err(error)) => error.into(),
                _ => PutError::Stopped,
            },
        })
    }
}

/// PutObject with a customer key. An answer without an ETag is an error: S3 sends one after every PUT.
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
    if bare_etag(output.e_tag()).is_empty() {
        return Err(Broken::Answer("it has no ETag".to_owned()).into());
    }
    Ok(Sent {
        version_id: answered_version(output.version_id()).map(str::to_owned),
        echo: KeyEcho::new(output.sse_customer_algorithm(), output.sse_customer_key_md5()),
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
