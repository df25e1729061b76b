//! Presigned requests: one upload or many downloads by whoever is given address and headers.
//!
//! The key stands in the headers and never in the address, which ends up in logs. Both belong to the
//! signature, so neither works alone (measured on RGW 16.2, 18.2 and 20.2).

use crate::client::Client;
use crate::get::GetError;
use crate::locate::ReadOptions;
use crate::nonce::{fresh_seal, unix_now};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use s3_ssec_core::credentials::{CredentialError, Credentials, SecretAccessKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Key, RandomError};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, TAG_KEY};
use s3_ssec_core::request::{Place, RequestError, UnsignedRequest};
use s3_ssec_core::sigv4::{Lifetime, PresignedRequest, SignError, Signer};
use s3_ssec_core::timestamp::Timestamp;

/// A request cannot be presigned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresignError {
    /// There are no credentials.
    #[error("no credentials are set")]
    NoCredentials(#[source] Option<CredentialsError>),
    /// The credentials are not usable.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The region is not one.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The object's name does not go into an address.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The key of the object was not found.
    #[error(transparent)]
    Get(#[from] GetError),
    /// No random byte for a nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Client {
    /// An upload that works once, and only where no object is yet.
    ///
    /// The object will say which key opens it, but not what its content is: its record stays pending,
    /// and it is unproved until [`Client::stat`] saw it. Sends nothing to the gateway.
    pub async fn presign_put(
        &self,
        key: &Key,
        name: &ObjectName,
        lifetime: Lifetime,
    ) -> Result<PresignedRequest, PresignError> {
        let seal = fresh_seal(key, name)?;
        let tag = format!("{TAG_KEY}={}", seal.record(Content::Pending));
        let headers = TargetKeyHeaders::of(&seal.customer_key());
        let request =
            UnsignedRequest::new(http::Method::PUT, self.endpoint(), Place::Object(name))?
                .header("if-none-match", "*")?
                .header("x-amz-tagging", &tag)?
                .key(&headers);
        Ok(self.signer().await?.presign(request, now(), lifetime))
    }

    /// A download, with the key that opens this object and no other.
    pub async fn presign_get(
        &self,
        keys: &s3_ssec_core::keyring::Keyring,
        name: &ObjectName,
        options: &ReadOptions,
        lifetime: Lifetime,
    ) -> Result<PresignedRequest, PresignError> {
        let mut request =
            UnsignedRequest::new(http::Method::GET, self.endpoint(), Place::Object(name))?;
        if let Some(version) = &options.version {
            request = request.parameter("versionId", version)?;
        }
        let located = self.locate(keys, name, options).await?;
        if let Some(headers) = located.key_headers() {
            request = request.key(headers);
        }
        Ok(self.signer().await?.presign(request, now(), lifetime))
    }

    pub(crate) async fn signer(&self) -> Result<Signer, PresignError> {
        let none = PresignError::NoCredentials;
        let provider = self.signing.credentials.as_ref().ok_or_else(|| none(None))?;
        let found = provider.provide_credentials().await.map_err(|error| none(Some(error)))?;
        let secret = SecretAccessKey::from_bytes(found.secret_access_key().as_bytes())?;
        let credentials = Credentials::new(found.access_key_id(), secret, found.session_token())?;
        Ok(Signer::new(credentials, self.signing.region.as_ref())?)
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(unix_now())
}
