//! CORS rules of buckets: read, merged, and read again.

use crate::call::CallError;
use crate::client::Client;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{CorsConfiguration as SdkConfiguration, CorsRule as SdkRule};
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::cors::{self, CorsConfiguration, CorsRule, Origin};
use s3_ssec_core::names::BucketName;

/// A rule that now stands for a bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CorsApplied {
    /// The rules as the gateway hands them back.
    pub configuration: CorsConfiguration,
    /// Rules for the same origin that gave way, as they were.
    pub displaced: Vec<CorsRule>,
    /// False if the rule stood already and nothing was changed.
    pub changed: bool,
}

/// CORS rules could not be put in place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// The gateway refused, or was not reached.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The rule cannot go into what stands there.
    #[error(transparent)]
    Document(#[from] cors::CorsError),
    /// The gateway took the rules and hands back others.
    #[error("the gateway accepted the CORS rule and does not have it now")]
    NotKept,
}

impl Client {
    /// The CORS rules of a bucket; `None` if it has none.
    pub async fn cors(&self, bucket: &BucketName) -> Result<Option<CorsConfiguration>, CallError> {
        let answer = self.s3.get_bucket_cors().bucket(bucket.as_str()).send().await;
        match answer.map_err(self.explain(Operation::GetBucketCors, SentKey::None)) {
            Ok(answer) => {
                let rules = answer.cors_rules().iter().map(ours).collect();
                Ok(Some(CorsConfiguration { rules }))
            }
            Err(error) if error.cause() == Some(Cause::NoSuchSetting) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets pages of `origin` work with customer keys in a bucket. Rules for other origins stay.
    pub async fn apply_cors(
        &self,
        bucket: &BucketName,
        origin: &Origin,
    ) -> Result<CorsApplied, CorsError> {
        let old = self.cors(bucket).await?.unwrap_or_default();
        let mut new = old.clone();
        let displaced = new.apply(origin)?;
        if old.admits(origin) && displaced.is_empty() {
            return Ok(CorsApplied { configuration: old, displaced, changed: false });
        }
        self.s3
            .put_bucket_cors()
            .bucket(bucket.as_str())
            .set_cors_configuration(theirs(&new).ok())
            .send()
            .await
            .map_err(self.explain(Operation::PutBucketCors, SentKey::None))?;
        let configuration = self.cors(bucket).await?.unwrap_or_default();
        match configuration.admits(origin) {
            true => Ok(CorsApplied { configuration, displaced, changed: true }),
            false => Err(CorsError::NotKept),
        }
    }
}

fn ours(rule: &SdkRule) -> CorsRule {
    CorsRule {
        id: rule.id().map(str::to_owned),
        origins: rule.allowed_origins().to_vec(),
        methods: rule.allowed_methods().to_vec(),
        headers: rule.allowed_headers().to_vec(),
        exposed: rule.expose_headers().to_vec(),
        max_age: rule.max_age_seconds().and_then(|seconds| seconds.try_into().ok()),
    }
}

/// The SDK wants a rule to have origins and methods, as ours and the gateway's do.
fn theirs(configuration: &CorsConfiguration) -> Result<SdkConfiguration, BuildError> {
    let mut rules = SdkConfiguration::builder();
    for rule in &configuration.rules {
        let rule = SdkRule::builder()
            .set_id(rule.id.clone())
            .set_allowed_origins(Some(rule.origins.clone()))
            .set_allowed_methods(Some(rule.methods.clone()))
            .set_allowed_headers(Some(rule.headers.clone()))
            .set_expose_headers(Some(rule.exposed.clone()))
            .set_max_age_seconds(rule.max_age.and_then(|seconds| seconds.try_into().ok()))
            .build()?;
        rules = rules.cors_rules(rule);
    }
    rules.build()
}
