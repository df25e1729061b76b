//! Presigned requests: one upload or many downloads by whoever is given address and headers.
//!
//! The key stands in the headers and never in the address, which ends up in logs. Both belong to the
//! signature, so neither works alone (measured on RGW 16.2, 18.2 and 20.2).

use crate::call::CallError;
use crate::client::{Client, WithoutKey};
use crate::get::GetError;
use crate::locate::ReadOptions;
use crate::nonce::unix_now;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use s3_ssec_core::credentials::{CredentialError, Credentials, SecretAccessKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Fingerprint, Key, RandomError};
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
    /// The headers would hold a direct key, which opens every object under it.
    #[error("the link to {name} would give away the whole direct key {key}")]
    WholeKey {
        /// The object.
        name: ObjectName,
        /// The key.
        key: Fingerprint,
    },
    /// The object of an upload is there: the link would be refused.
    #[error("{0} exists already, and a link uploads only what is not there")]
    Exists(ObjectName),
    /// The gateway did not say whether the object is there.
    #[error(transparent)]
    Call(#[from] CallError),
    /// No random byte for a nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Whether a link may hold a direct key, which opens every object under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectKeys {
    /// No: [`PresignError::WholeKey`].
    #[default]
    Refuse,
    /// Yes: whoever gets the link has the key.
    GiveAway,
}

impl DirectKeys {
    fn check(self, name: &ObjectName, key: &Key) -> Result<(), PresignError> {
        match (self, key) {
            (DirectKeys::Refuse, Key::Direct(_)) => {
                Err(PresignError::WholeKey { name: name.clone(), key: key.fingerprint() })
            }
            _ => Ok(()),
        }
    }
}

impl Client {
    /// An upload that is to replace nothing. [`Client::try_only_if_absent`] shows whether the gateway
    /// keeps to that; after the object was deleted the link works again until its end, under the same
    /// nonce: two contents under one key.
    ///
    /// The object will say which key opens it, but not what its content is: its record stays pending,
    /// and it is unproved until [`Client::stat`] saw it. Looks first whether the object is there, for
    /// RGW 16 and 18 ignore the condition on buckets with versions; without the right to look, the
    /// link is made all the same.
    pub async fn presign_put(
        &self,
        key: &Key,
        name: &ObjectName,
        lifetime: Lifetime,
        direct: DirectKeys,
    ) -> Result<PresignedRequest, PresignError> {
        direct.check(name, key)?;
        match self.head_without_key(name, None).await {
            Ok(WithoutKey::Absent) => {}
            Ok(_) => return Err(PresignError::Exists(name.clone())),
            Err(error) if error.status() == Some(403) => {}
            Err(error) => return Err(error.into()),
        }
        let seal = self.fresh_seal(key, name).await?;
        let tag = format!("{TAG_KEY}={}", seal.record(Content::Pending));
        let headers = TargetKeyHeaders::of(&seal.customer_key());
        let request =
            UnsignedRequest::new(http::Method::PUT, self.endpoint(), Place::Object(name))?
                .header("if-none-match", "*")?
                .header("x-amz-tagging", &tag)?
                .key(&headers);
        Ok(self.signer().await?.presign(request, now(), lifetime))
    }

    /// A download, with the key that opens this object: and no other, unless it is a direct key.
    pub async fn presign_get(
        &self,
        keys: &s3_ssec_core::keyring::Keyring,
        name: &ObjectName,
        options: &ReadOptions,
        lifetime: Lifetime,
        direct: DirectKeys,
    ) -> Result<PresignedRequest, PresignError> {
        let mut request =
            UnsignedRequest::new(http::Method::GET, self.endpoint(), Place::Object(name))?;
        if let Some(version) = &options.version {
            request = request.parameter("versionId", version)?;
        }
        let located = self.locate(keys, name, options).await?;
        if let Some(key) = keys.keys().iter().find(|key| located.key == Some(key.fingerprint())) {
            direct.check(name, key)?;
        }
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
