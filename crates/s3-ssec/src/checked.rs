//! Credentials that fit into a request. Of an access key ID with a line end, as `$(cat FILE)` of some
//! shells leaves it, the SDK would make a header that cannot be, and panic.

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use s3_ssec_core::credentials::{self, CredentialError, SecretAccessKey};

/// Gives the credentials of another provider, if a request can hold them.
#[derive(Debug)]
pub(crate) struct Checked<P>(pub(crate) P);

impl<P: ProvideCredentials> Checked<P> {
    async fn provide(&self) -> Result {
        let found = self.0.provide_credentials().await?;
        check(&found).map_err(CredentialsError::invalid_configuration)?;
        Ok(found)
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Checked<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

fn check(found: &Credentials) -> std::result::Result<(), CredentialError> {
    let secret = SecretAccessKey::from_bytes(found.secret_access_key().as_bytes())?;
    credentials::Credentials::new(found.access_key_id(), secret, found.session_token()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_no_header_can_hold_is_an_error() {
        let given = |id: &str, token: Option<&str>| {
            Checked(Credentials::new(id, "secret", token.map(str::to_owned), None, "test"))
        };
        assert!(given("AKID", None).provide_credentials().await.is_ok());
        assert!(given("AKID", Some("token")).provide_credentials().await.is_ok());
        for (id, token) in [("AKID\n", None), ("", None), ("ü", None), ("AKID", Some("a\r\nb"))] {
            let error = given(id, token).provide_credentials().await.unwrap_err();
            assert!(matches!(error, CredentialsError::InvalidConfiguration(_)), "{id:?}: {error}");
        }
    }
}
