//! A presigned GET over plain HTTP: what a rule for TLS must refuse.
//!
//! Such a request carries no customer key and no session token, names a scratch object, and is valid
//! for five seconds.

use super::PolicyError;
use crate::client::Client;
use crate::doctor::exam::exchange;
use crate::presign::{PresignError, now};
use aws_credential_types::provider::ProvideCredentials as _;
use http::Method;
use s3_ssec_core::endpoint::{Endpoint, EndpointError, PlainHttp};
use s3_ssec_core::error_response::ErrorResponse;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::policy::Outcome;
use s3_ssec_core::request::{Place, UnsignedRequest};
use s3_ssec_core::sigv4::Lifetime;

/// How long the address is valid, in seconds.
const LIFETIME: u64 = 5;

/// An address of the gateway without TLS. It is kept as the same address with TLS, so that no key can
/// be sent to it by mistake.
#[derive(Debug)]
pub(super) struct PlainEndpoint(Endpoint);

impl PlainEndpoint {
    /// Accepts `http://host[:port]`.
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        let malformed = || PolicyError::PlainEndpoint(text.to_owned());
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
        let rest = text.get(7..).filter(|_| scheme.is_some()).ok_or_else(malformed)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        // The usual port is not part of what is signed.
        let authority = authority.strip_suffix(":80").unwrap_or(authority);
        let twin = Endpoint::parse(&format!("https://{authority}{path}"), PlainHttp::Refuse);
        twin.map(Self).map_err(|_: EndpointError| malformed())
    }

    /// Refuses credentials with a session token: it would go over plain HTTP.
    pub(super) async fn check_credentials(client: &Client) -> Result<(), PolicyError> {
        let Some(provider) = &client.signing.credentials else { return Ok(()) };
        match provider.provide_credentials().await {
            Ok(found) if found.session_token().is_some() => Err(PolicyError::SessionToken),
            Ok(_) => Ok(()),
            Err(error) => Err(PresignError::NoCredentials(Some(error)).into()),
        }
    }

    /// The GET over plain HTTP.
    pub(super) async fn get(
        &self,
        client: &Client,
        name: &ObjectName,
    ) -> Result<Outcome, PolicyError> {
        let url = presigned(client, &self.0, name).await?;
        get(client, &url.replacen("https://", "http://", 1)).await
    }

    /// Its control: the same GET over TLS.
    pub(super) async fn get_over_tls(
        client: &Client,
        name: &ObjectName,
    ) -> Result<Outcome, PolicyError> {
        get(client, &presigned(client, client.endpoint(), name).await?).await
    }
}

async fn presigned(
    client: &Client,
    endpoint: &Endpoint,
    name: &ObjectName,
) -> Result<String, PolicyError> {
    PlainEndpoint::check_credentials(client).await?;
    let request = UnsignedRequest::new(Method::GET, endpoint, Place::Object(name))?;
    let lifetime = Lifetime::from_seconds(LIFETIME).map_err(PresignError::from)?;
    let signed = client.signer().await?.presign(request, now(), lifetime);
    Ok(signed.request.into_parts().1)
}

/// A refusal by policy is 403 with the code AccessDenied; an object that does not exist was let
/// through. Every other answer says nothing about the policy.
async fn get(client: &Client, url: &str) -> Result<Outcome, PolicyError> {
    let answer = exchange(&client.transport, Method::GET, url, &[], b"").await?;
    let code = ErrorResponse::parse(&answer.body).map(|error| error.code).unwrap_or_default();
    match (answer.status, code.as_str()) {
        (200..=299, _) | (404, _) => Ok(Outcome::Passed),
        (403, "AccessDenied") => Ok(Outcome::Refused),
        (status, _) => {
            let secure = url.starts_with("https://");
            Err(PolicyError::NoVerdict { secure, status, code })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_without_tls_is_one() {
        let of = |text| PlainEndpoint::parse(text).map(|plain| plain.0.as_str().to_owned());
        assert_eq!(of("http://s3.example.org").unwrap(), "https://s3.example.org");
        assert_eq!(of("HTTP://s3.example.org:80/s3").unwrap(), "https://s3.example.org/s3");
        assert_eq!(of("http://127.0.0.1:8000").unwrap(), "https://127.0.0.1:8000");
        for text in ["https://s3.example.org", "s3.example.org", "http://", "http://a@b", ""] {
            assert!(matches!(of(text), Err(PolicyError::PlainEndpoint(_))), "{text}");
        }
    }
}
