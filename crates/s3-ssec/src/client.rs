//! A gateway, its credentials, and the small calls that everything else is made of.

use crate::answer::{Limits, NoRetry};
use crate::call::{Asked, Broken, CallError, WithKey as _};
use crate::confirm::Confirmations;
use crate::copy::CopyTrials;
use crate::ledger::Ledger;
use crate::options::{Options, Resolved, SetupError, Signing, resolve};
use crate::removal::KnownVersions;
use crate::state::StateDir;
use crate::transport::Transport;
use crate::trial::ProvedPlaces;
use crate::write::{ContentHeaders, Kept};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{Tag, Tagging};
use s3_ssec_core::advice::{self, Operation, RefusedKey, SentKey};
use s3_ssec_core::echo::{KeyEcho, KeylessRead};
use s3_ssec_core::endpoint::Endpoint;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::{BucketName, ObjectName};
use s3_ssec_core::plan::is_possible_size;
use s3_ssec_core::removal::answered_version;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A connection to one gateway with one set of credentials.
///
/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) s3: aws_sdk_s3::Client,
    /// The same without retries: the core's orders repeat their requests themselves.
    pub(crate) once: aws_sdk_s3::Client,
    /// Attempts of the core's orders for a request that may be repeated, the first included.
    pub(crate) attempts: NonZeroU32,
    endpoint: Endpoint,
    pub(crate) signing: Signing,
    pub(crate) transport: Transport,
    pub(crate) proved: Arc<ProvedPlaces>,
    pub(crate) confirmations: Confirmations,
    pub(crate) copies: Arc<CopyTrials>,
    pub(crate) versions: Arc<KnownVersions>,
    pub(crate) state: Option<StateDir>,
    pub(crate) ledger: Option<Ledger>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.endpoint)
    }
}

/// What HEAD says of an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Head {
    /// Size of the plaintext in bytes.
    pub size: u64,
    /// The ETag without its quotes. On RGW the MD5 of the plaintext, or of the parts' MD5s.
    pub etag: String,
    /// The version, on a versioned bucket.
    pub version_id: Option<String>,
    /// Seconds since 1970.
    pub last_modified: Option<i64>,
    /// MIME type and its companions.
    pub headers: ContentHeaders,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// What the gateway says of the key.
    pub echo: KeyEcho,
    /// Encryption under keys that the gateway holds: `AES256` (SSE-S3), `aws:kms` and others.
    pub server_side: Option<String>,
    pub(crate) kept: Kept,
}

/// What HEAD without a key says: the negative half of a proof.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WithoutKey {
    /// The object can be read by anyone with rights: it is not encrypted with a customer key.
    Readable(Box<Head>),
    /// It is refused because a key is needed.
    KeyNeeded,
    /// It is refused with 400 for a reason that shows nothing.
    Unclear,
    /// There is no such object.
    Absent,
}

impl WithoutKey {
    /// As the negative half of a proof.
    pub(crate) fn evidence(&self) -> KeylessRead {
        match self {
            WithoutKey::Readable(_) => KeylessRead::Readable,
            WithoutKey::KeyNeeded => KeylessRead::KeyNeeded,
            WithoutKey::Unclear => KeylessRead::Unclear,
            WithoutKey::Absent => KeylessRead::Absent,
        }
    }
}

impl Client {
    /// Looks up endpoint, credentials and trust. Sends nothing yet.
    pub async fn connect(options: &Options) -> Result<Self, SetupError> {
        let Resolved { endpoint, s3, signing, transport } = resolve(options).await?;
        Ok(Self::new(s3.to_builder(), options, endpoint, signing, transport))
    }

    fn new(
        s3: aws_sdk_s3::config::Builder,
        options: &Options,
        endpoint: Endpoint,
        signing: Signing,
        transport: Transport,
    ) -> Self {
        let proved = Arc::default();
        let confirmations = Confirmations::of(endpoint.as_str(), &proved);
        let s3 = s3.interceptor(confirmations.clone()).build();
        let once = s3.to_builder().retry_config(RetryConfig::disabled()).build();
        Self {
            s3: aws_sdk_s3::Client::from_conf(s3),
            once: aws_sdk_s3::Client::from_conf(once),
            attempts: NonZeroU32::new(options.attempts).unwrap_or(NonZeroU32::MIN),
            endpoint,
            signing,
            transport,
            proved,
            confirmations,
            copies: Arc::default(),
            versions: Arc::default(),
            state: None,
            ledger: None,
        }
    }

    /// Works through a configuration of the SDK that a program already has: its HTTP client,
    /// credentials, retries and time-outs.
    ///
    /// The endpoint comes from `options` or the environment, as with [`Client::connect`]: it has to be
    /// known to be TLS. So do the credentials that [`Client::presign_get`] and its like sign with, for
    /// the SDK keeps its own to itself. No checksum trailers are sent unless they are required: RGW 16
    /// refuses them.
    pub async fn over(config: &aws_sdk_s3::Config, options: &Options) -> Result<Self, SetupError> {
        use aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
        let Resolved { endpoint, mut signing, transport, .. } = resolve(options).await?;
        if let Some(region) = config.region() {
            signing.region = region.clone();
        }
        let builder = config.to_builder().endpoint_url(endpoint.as_str());
        let builder = builder.region(signing.region.clone());
        let builder = builder.request_checksum_calculation(WhenRequired);
        let builder = builder.interceptor(Limits { silence: transport.silence() });
        Ok(Self::new(builder.retry_classifier(NoRetry), options, endpoint, signing, transport))
    }

    /// The gateway's address.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The SDK client underneath, for calls that this crate does not wrap.
    ///
    /// Never enable the log target `aws_sigv4` at TRACE with it: it prints every header that is
    /// signed, keys included (seen in aws-sigv4 1.6.4).
    pub fn sdk(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    pub(crate) fn explain<E>(
        &self,
        operation: Operation,
        sent: SentKey,
    ) -> impl FnOnce(SdkError<E, HttpResponse>) -> CallError + use<E>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let asked = Asked { operation, sent, secure: self.endpoint.is_secure() };
        move |error| asked.explain(error)
    }

    /// HEAD with a key.
    pub(crate) async fn head(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        key: &Arc<TargetKeyHeaders>,
    ) -> Result<Head, CallError> {
        self.head_request(name, version)
            .customize()
            .key(key)
            .send()
            .await
            .map_err(self.explain(Operation::HeadObject, SentKey::Target))?
            .try_into()
    }

    /// HEAD without a key. Where it is refused with 400, a GET of the first byte shows whether that is
    /// about the key.
    pub async fn head_without_key(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<WithoutKey, CallError> {
        match self.head_request(name, version).send().await {
            Ok(head) => Ok(WithoutKey::Readable(Box::new(head.try_into()?))),
            Err(error) => {
                let error = self.explain(Operation::HeadObject, SentKey::None)(error);
                let judged = match error.status().map(KeylessRead::of_head) {
                    Some(Some(KeylessRead::Absent)) => KeylessRead::Absent,
                    Some(None) => self.read_without_key(name, version).await?.after_refused_head(),
                    _ => return Err(error),
                };
                Ok(match judged {
                    KeylessRead::KeyNeeded => WithoutKey::KeyNeeded,
                    KeylessRead::Absent => WithoutKey::Absent,
                    KeylessRead::Readable | KeylessRead::Unclear => WithoutKey::Unclear,
                })
            }
        }
    }

    /// HEAD with a key; `None` where the object is under another key, or not there.
    pub(crate) async fn head_if_opened(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        key: &Arc<TargetKeyHeaders>,
    ) -> Result<Option<Head>, CallError> {
        match self.head(name, version, key).await {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.status() == Some(404) => Ok(None),
            Err(error) => match self.is_of_other_key(name, version, &error).await? {
                true => Ok(None),
                false => Err(error),
            },
        }
    }

    /// True if an object refused this key because it is under another one. RGW says so with 400. AWS
    /// answers 403, as to a client without rights, which is refused without a key as well.
    pub(crate) async fn is_of_other_key(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        refused: &CallError,
    ) -> Result<bool, CallError> {
        match refused.status().map(advice::refused_key) {
            Some(RefusedKey::IsAnother) => Ok(true),
            Some(RefusedKey::IsAnotherIfNeeded) => {
                Ok(matches!(self.head_without_key(name, version).await?, WithoutKey::KeyNeeded))
            }
            _ => Ok(false),
        }
    }

    /// GET of the first byte without a key. Unlike HEAD, its refusal has a body that says why.
    pub async fn read_without_key(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<KeylessRead, CallError> {
        let read = |range: Option<&str>| {
            let request = self.s3.get_object().bucket(name.bucket.as_str());
            let request = request.key(name.key.as_str()).set_range(range.map(str::to_owned));
            request.set_version_id(version.map(str::to_owned)).send()
        };
        let mut answer = read(Some("bytes=0-0")).await.map(drop);
        let empty = |error: &SdkError<_, HttpResponse>| {
            error.raw_response().is_some_and(|answer| answer.status().as_u16() == 416)
        };
        // RGW judges the range before the key, and an empty object has no first byte.
        if answer.as_ref().is_err_and(empty) {
            answer = read(None).await.map(drop);
        }
        match answer.map_err(self.explain(Operation::GetObject, SentKey::None)) {
            Ok(()) => Ok(KeylessRead::Readable),
            Err(CallError::Refused(refusal)) if refusal.is_final() => {
                let (code, message) = (refusal.code.as_deref(), refusal.message.as_deref());
                Ok(KeylessRead::of_get(refusal.status, code, message))
            }
            Err(error) => Err(error),
        }
    }

    fn head_request(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder {
        self.s3
            .head_object()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.map(str::to_owned))
    }

    /// The tags of an object. Needs no key, on every gateway measured.
    pub(crate) async fn tags(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, CallError> {
        let answer = self
            .s3
            .get_object_tagging()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .send()
            .await;
        // RGW 16 and 18 drop the tags given to CreateMultipartUpload, and then answer with no body
        // at all instead of an empty list (measured).
        if answer.as_ref().is_err_and(is_empty_success) {
            return Ok(Vec::new());
        }
        let answer = answer.map_err(self.explain(Operation::GetObjectTagging, SentKey::None))?;
        Ok(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// Replaces all tags of an object: S3 has no other way to change one.
    pub(crate) async fn put_tags(
        &self,
        name: &ObjectName,
        version: Option<&str>,
        tags: &[(String, String)],
    ) -> Result<(), CallError> {
        self.s3
            .put_object_tagging()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .set_tagging(tag_set(tags))
            .send()
            .await
            .map(drop)
            .map_err(self.explain(Operation::PutObjectTagging, SentKey::None))
    }

    /// Creates a bucket. `location` is `None` for most RGWs, which refuse region names they do not
    /// know, or `:placement` for a placement target.
    pub async fn create_bucket(
        &self,
        bucket: &BucketName,
        location: Option<&str>,
    ) -> Result<(), CallError> {
        use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
        let configuration = location.map(|location| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(location))
                .build()
        });
        self.s3
            .create_bucket()
            .bucket(bucket.as_str())
            .set_create_bucket_configuration(configuration)
            .send()
            .await
            .map(drop)
            .map_err(self.explain(Operation::CreateBucket, SentKey::None))
    }
}

/// True for an answer that says yes and nothing more, where the SDK expected a body.
fn is_empty_success<E>(error: &SdkError<E, HttpResponse>) -> bool {
    let empty = |answer: &HttpResponse| {
        answer.status().is_success() && answer.body().bytes().is_some_and(<[u8]>::is_empty)
    };
    error.raw_response().is_some_and(empty)
}

/// All fields are set, so the builders cannot fail.
pub(crate) fn tag_set(tags: &[(String, String)]) -> Option<Tagging> {
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build().ok();
    Tagging::builder().set_tag_set(Some(tags.iter().filter_map(tag).collect())).build().ok()
}

/// Takes the quotes off; RGW 16 and 18 leave them out in places.
pub(crate) fn bare_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// The size that an answer states. It is never assumed: an object of 0 bytes would be another one.
pub(crate) fn stated_size(length: Option<i64>) -> Result<u64, CallError> {
    let what = match length.map(u64::try_from) {
        Some(Ok(size)) if is_possible_size(size) => return Ok(size),
        Some(_) => "it states a size that no object can have",
        None => "it does not state the size of the object",
    };
    Err(Broken::Answer(what.to_owned()).into())
}

impl TryFrom<HeadObjectOutput> for Head {
    type Error = CallError;

    fn try_from(head: HeadObjectOutput) -> Result<Self, CallError> {
        let version = answered_version(head.version_id());
        Ok(Head {
            size: stated_size(head.content_length())?,
            etag: bare_etag(head.e_tag()),
            version_id: version.map(str::to_owned),
            last_modified: head.last_modified().map(|time| time.secs()),
            headers: ContentHeaders {
                content_type: head.content_type().map(str::to_owned),
                cache_control: head.cache_control().map(str::to_owned),
                disposition: head.content_disposition().map(str::to_owned),
                encoding: head.content_encoding().map(str::to_owned),
                language: head.content_language().map(str::to_owned),
            },
            metadata: head
                .metadata()
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            echo: KeyEcho::new(head.sse_customer_algorithm(), head.sse_customer_key_md5()),
            server_side: head.server_side_encryption().map(|kind| kind.as_str().to_owned()),
            kept: Kept {
                expires: head.expires_string().map(str::to_owned),
                storage_class: head.storage_class().map(|class| class.as_str().to_owned()),
                only: None,
                provenance: None,
            },
        })
    }
}
