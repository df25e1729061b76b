//! Where the gateway is and who we are, from where AWS's own tools look.
//!
//! Explicit options first, then the environment (`AWS_*`), then the profile in `~/.aws`. Credentials
//! come from the environment or the profile (also its `credential_process`). The metadata services of
//! cloud machines are not asked: a Ceph cluster has none, and the question takes seconds.

use crate::answer::{Limits, NoRetry};
use crate::checked::Checked;
use crate::transport::{Later, Timeouts, Transport, Trust, TrustError};
use aws_config::BehaviorVersion;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::{
    Region, RequestChecksumCalculation, ResponseChecksumValidation, StalledStreamProtectionConfig,
};
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use s3_ssec_core::endpoint::{Endpoint, EndpointError, PlainHttp};
use s3_ssec_core::sigv4::{SignError, check_region};
use std::path::PathBuf;

/// What a caller may set; everything unset comes from the environment or the profile.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// `https://host[:port]`, instead of `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL` or the profile's.
    pub endpoint: Option<String>,
    /// Instead of `AWS_REGION` or the profile's; `us-east-1` where none is set, which RGW takes.
    pub region: Option<String>,
    /// Instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// PEM file of the only certificate authorities to trust, instead of `AWS_CA_BUNDLE` or the
    /// profile's `ca_bundle`.
    pub ca_bundle: Option<PathBuf>,
    /// Whether a gateway on this machine may be spoken to without TLS.
    pub plain_http: PlainHttp,
    /// When to give up on a silent gateway.
    pub timeouts: Timeouts,
    /// Attempts for a request that may be repeated, the first included.
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            profile: None,
            ca_bundle: None,
            plain_http: PlainHttp::Refuse,
            timeouts: Timeouts::default(),
            attempts: 4,
        }
    }
}

/// The settings do not make a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// No endpoint anywhere.
    #[error("no endpoint is set")]
    NoEndpoint,
    /// The endpoint is not acceptable; nothing was sent to it.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The region is not one.
    #[error(transparent)]
    Region(#[from] SignError),
    /// No certificate authorities.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// The settings found, before any request.
pub(crate) struct Resolved {
    pub(crate) endpoint: Endpoint,
    pub(crate) s3: aws_sdk_s3::Config,
    pub(crate) signing: Signing,
    pub(crate) transport: Transport,
}

/// What signs requests that something else than this crate will send.
#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) region: Region,
}

/// Looks everything up. Sends nothing.
pub(crate) async fn resolve(options: &Options) -> Result<Resolved, SetupError> {
    let later = Later::default();
    let shared = load(options, later.clone()).await;
    let endpoint = options
        .endpoint
        .clone()
        .or_else(|| setting(&shared, "AWS_ENDPOINT_URL", "endpoint_url"))
        .ok_or(SetupError::NoEndpoint)?;
    let endpoint = Endpoint::parse(&endpoint, options.plain_http)?;
    let bundle = options
        .ca_bundle
        .clone()
        .or_else(|| setting(&shared, "AWS_CA_BUNDLE", "ca_bundle").map(PathBuf::from));
    let trust = bundle.map_or(Trust::System, Trust::Bundle);
    let transport = Transport::new(&trust, options.timeouts)?;
    later.set(transport.clone());
    let region = shared.region().cloned().unwrap_or(Region::from_static("us-east-1"));
    check_region(region.as_ref())?;
    let signing = Signing { credentials: shared.credentials_provider(), region: region.clone() };
    let s3 = aws_sdk_s3::config::Builder::from(&shared)
        .http_client(transport.clone())
        .endpoint_url(endpoint.as_str())
        .region(region)
        .force_path_style(true)
        // RGW 16 answers 411 to checksum trailers and 18 does not verify them (measured). The signed
        // payload hash is verified by every release.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .retry_config(RetryConfig::standard().with_max_attempts(options.attempts.max(1)))
        // Silence is judged once, on the socket.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(Limits { silence: options.timeouts.silence })
        .retry_classifier(NoRetry)
        .build();
    Ok(Resolved { endpoint, s3, signing, transport })
}

async fn load(options: &Options, http: Later) -> SdkConfig {
    let provider = ProviderConfig::default().with_http_client(http.clone());
    let mut profile = ProfileFileCredentialsProvider::builder().configure(&provider);
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
        loader = loader.profile_name(name);
    }
    // A profile named by hand outranks the environment, as with AWS's own tools.
    let credentials = match &options.profile {
        Some(_) => CredentialsProviderChain::first_try("Profile", profile.build()),
        None => CredentialsProviderChain::first_try(
            "Environment",
            EnvironmentVariableCredentialsProvider::new(),
        )
        .or_else("Profile", profile.build()),
    };
    let region = options.region.clone().map(Region::new);
    let region = aws_config::meta::region::RegionProviderChain::first_try(region)
        .or_else(aws_config::environment::EnvironmentVariableRegionProvider::new())
        .or_else(profile_region(options));
    // Named, so that AWS_RETRY_MODE and AWS_MAX_ATTEMPTS are not read: the SDK panics at odd ones.
    let retries = RetryConfig::standard().with_max_attempts(options.attempts.max(1));
    loader
        .retry_config(retries)
        .region(region)
        .credentials_provider(Checked(credentials))
        .load()
        .await
}

fn profile_region(options: &Options) -> aws_config::profile::ProfileFileRegionProvider {
    let builder = aws_config::profile::ProfileFileRegionProvider::builder();
    match &options.profile {
        Some(name) => builder.profile_name(name).build(),
        None => builder.build(),
    }
}

/// A setting of the environment or the profile; the one for S3 alone outranks the general one.
fn setting(shared: &SdkConfig, env: &str, profile: &str) -> Option<String> {
    let key =
        ServiceConfigKey::builder().service_id("S3").env(env).profile(profile).build().ok()?;
    shared.service_config()?.load_config(key)
}
