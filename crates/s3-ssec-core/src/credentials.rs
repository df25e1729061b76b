//! The credentials that sign requests: an access key with its secret, perhaps a session token.

use std::fmt;
use zeroize::Zeroizing;

/// Something is not a credential. What was given is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The ID is empty, or would break the header it stands in.
    #[error("an access key ID is visible ASCII without comma or semicolon")]
    AccessKeyId,
    /// The secret is empty.
    #[error("the secret access key is empty")]
    SecretAccessKey,
    /// The token is empty, or no header can hold it.
    #[error("a session token is visible ASCII")]
    SessionToken,
}

/// The secret half of an access key. Never sent: it makes signatures.
///
/// No `Debug`, `Clone` or `Serialize`; wiped when dropped.
pub struct SecretAccessKey(Zeroizing<Vec<u8>>);

impl SecretAccessKey {
    /// Copies the secret. The caller wipes its copy.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, CredentialError> {
        if secret.is_empty() {
            return Err(CredentialError::SecretAccessKey);
        }
        let mut copy = Zeroizing::new(Vec::with_capacity(secret.len()));
        copy.extend_from_slice(secret);
        Ok(Self(copy))
    }

    /// For the first step of a signing key, and nothing else.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Who signs.
pub struct Credentials {
    access_key_id: String,
    secret: SecretAccessKey,
    session_token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Joins the parts. The session token comes with temporary credentials only.
    pub fn new(
        access_key_id: &str,
        secret: SecretAccessKey,
        session_token: Option<&str>,
    ) -> Result<Self, CredentialError> {
        let visible = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !visible(access_key_id) || access_key_id.contains([',', ';']) {
            return Err(CredentialError::AccessKeyId);
        }
        if session_token.is_some_and(|token| !visible(token)) {
            return Err(CredentialError::SessionToken);
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            secret,
            session_token: session_token.map(|token| Zeroizing::new(token.to_owned())),
        })
    }

    /// The public half.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(crate) fn secret(&self) -> &SecretAccessKey {
        &self.secret
    }

    pub(crate) fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(|token| token.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(id: &str, secret: &str, token: Option<&str>) -> Result<Credentials, CredentialError> {
        Credentials::new(id, SecretAccessKey::from_bytes(secret.as_bytes())?, token)
    }

    #[test]
    fn what_breaks_a_header_is_refused() {
        for id in ["", "a b", "a,b", "a;b", "a\nb", "é"] {
            assert_eq!(new(id, "s", None).err(), Some(CredentialError::AccessKeyId), "{id}");
        }
        assert_eq!(new("a", "", None).err(), Some(CredentialError::SecretAccessKey));
        for token in ["", "a b", "a\r\nb"] {
            let error = new("a", "s", Some(token)).err();
            assert_eq!(error, Some(CredentialError::SessionToken), "{token}");
        }
    }

    #[test]
    fn debug_names_the_public_half_only() {
        let credentials = new("AKID", "wJalr", Some("token")).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials(AKID)");
    }
}
