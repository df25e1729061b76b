//! The origin of a page: what a browser sends in `Origin`.

use crate::endpoint::is_loopback;
use std::fmt;

/// Whether `*`, every page of the world, is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyOrigin {
    /// Refuse it. The default everywhere.
    Refuse,
    /// Accept it, because the person asked for it.
    Accept,
}

/// A text is not an origin, or too wide a one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Not `scheme://host[:port]`.
    #[error("{0:?} is not an origin of the form https://host[:port], without path or user")]
    Malformed(String),
    /// Plain HTTP: whoever is on the way can change the page, and the changed page may use the bucket.
    #[error("pages of {0} come without TLS: whoever is on the way can change them")]
    PlainHttp(String),
    /// `*` lets the script of any page use whatever signed URL it comes by.
    #[error("the origin * would let any page in the world call this bucket")]
    Any,
}

/// A scheme, host and port, spelt as browsers send them: RGW compares origins as text, and upper
/// case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Parses `https://host[:port]`, or `http://host[:port]` of this very machine. Scheme and host
    /// become lower-case and a port that is the scheme's own goes, as in browsers; one slash at the end
    /// is forgiven.
    pub fn parse(text: &str, any: AnyOrigin) -> Result<Self, OriginError> {
        if text == "*" {
            return match any {
                AnyOrigin::Refuse => Err(OriginError::Any),
                AnyOrigin::Accept => Ok(Self("*".to_owned())),
            };
        }
        let malformed = || OriginError::Malformed(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let own_port = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") => 80,
            _ => return Err(malformed()),
        };
        let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16();
        let rebuilt = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        // Anything else in the authority is a user, an empty port or a port with leading zeros.
        let plain = authority.as_str().eq_ignore_ascii_case(&rebuilt);
        if !bare || !plain || host.is_empty() || host.contains('*') || text.contains('#') {
            return Err(malformed());
        }
        let scheme = if own_port == 443 { "https" } else { "http" };
        let shown = if port == Some(own_port) { host } else { rebuilt };
        let origin = format!("{scheme}://{shown}");
        let secure = scheme == "https" || is_loopback(authority.host());
        if secure { Ok(Self(origin)) } else { Err(OriginError::PlainHttp(origin)) }
    }

    /// The origin as a browser sends it, or `*`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for `*`.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// True if a rule's origin, with at most one `*` in it, fits this one.
    pub(super) fn matches(&self, pattern: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == self.0,
            Some((start, end)) => {
                self.0.len() >= start.len() + end.len()
                    && self.0.starts_with(start)
                    && self.0.ends_with(end)
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
