//! A gateway, its credentials, and the small calls that everything else is made of.

use crate::call::{Asked, CallError, WithKey as _};
use crate::copy::CopyTrials;
use crate::options::{Options, Resolved, SetupError, Signing, resolve};
use crate::state::StateDir;
use crate::transport::Transport;
use crate::trial::ProvedPlaces;
use crate::write::{ContentHeaders, Kept};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::{Tag, Tagging};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::echo::KeyEcho;
use s3_ssec_core::endpoint::Endpoint;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::{BucketName, ObjectName};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// A connection to one gateway with one set of credentials.
///
/// Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) s3: aws_sdk_s3::Client,
    endpoint: Endpoint,
    pub(crate) signing: Signing,
    pub(crate) transport: Transport,
    pub(crate) proved: Arc<ProvedPlaces>,
    pub(crate) copies: Arc<CopyTrials>,
    pub(crate) state: Option<StateDir>,
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
    /// 400: a key is needed.
    KeyNeeded,
    /// There is no such object.
    Absent,
}

impl Client {
    /// Looks up endpoint, credentials and trust. Sends nothing yet.
    pub async fn connect(options: &Options) -> Result<Self, SetupError> {
        let Resolved { endpoint, s3, signing, transport } = resolve(options).await?;
        Ok(Self::new(aws_sdk_s3::Client::from_conf(s3), endpoint, signing, transport))
    }

    fn new(
        s3: aws_sdk_s3::Client,
        endpoint: Endpoint,
        signing: Signing,
        transport: Transport,
    ) -> Self {
        let (proved, copies) = (Arc::default(), Arc::default());
        Self { s3, endpoint, signing, transport, proved, copies, state: None }
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
        let s3 = builder.request_checksum_calculation(WhenRequired).build();
        Ok(Self::new(aws_sdk_s3::Client::from_conf(s3), endpoint, signing, transport))
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
            .map(Head::from)
            .map_err(self.explain(Operation::HeadObject, SentKey::Target))
    }

    /// HEAD without a key. 400 is an answer here, not an error.
    pub async fn head_without_key(
        &self,
        name: &ObjectName,
        version: Option<&str>,
    ) -> Result<WithoutKey, CallError> {
        match self.head_request(name, version).send().await {
            Ok(head) => Ok(WithoutKey::Readable(Box::new(head.into()))),
            Err(error) => {
                let error = self.explain(Operation::HeadObject, SentKey::None)(error);
                match error.status() {
                    Some(400) => Ok(WithoutKey::KeyNeeded),
                    Some(404) => Ok(WithoutKey::Absent),
                    _ => Err(error),
                }
            }
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
        let set = tags.iter().filter_map(|(key, value)| tag(key, value)).collect();
        self.s3
            .put_object_tagging()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .set_tagging(Tagging::builder().set_tag_set(Some(set)).build().ok())
            .send()
            .await
            .map(drop)
            .map_err(self.explain(Operation::PutObjectTagging, SentKey::None))
    }

    /// Deletes an object, or one version of it.
    pub async fn delete(&self, name: &ObjectName, version: Option<&str>) -> Result<(), CallError> {
        self.s3
            .delete_object()
            .bucket(name.bucket.as_str())
            .key(name.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .send()
            .await
            .map(drop)
            .map_err(self.explain(Operation::DeleteObject, SentKey::None))
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

/// Both fields are set, so the builder cannot fail.
fn tag(key: &str, value: &str) -> Option<Tag> {
    Tag::builder().key(key).value(value).build().ok()
}

/// Takes the quotes off; RGW 16 and 18 leave them out in places.
pub(crate) fn bare_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

impl From<aws_sdk_s3::operation::head_object::HeadObjectOutput> for Head {
    fn from(head: aws_sdk_s3::operation::head_object::HeadObjectOutput) -> Self {
        let version = head.version_id().filter(|version| *version != "null");
        Head {
            size: head.content_length().and_then(|size| size.try_into().ok()).unwrap_or_default(),
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
            },
        }
    }
}
