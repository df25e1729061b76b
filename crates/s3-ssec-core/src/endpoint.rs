//! The gateway's address, and the rule that a key never travels in the clear.

use std::fmt;
use std::net::IpAddr;

/// Whether an endpoint without TLS is acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// Refuse `http://` altogether. The default everywhere.
    Refuse,
    /// Accept `http://` to this very machine, for gateways under test.
    LoopbackOnly,
}

/// An endpoint was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a URL with a host.
    #[error("{0:?} is not an endpoint of the form https://host[:port]")]
    Malformed(String),
    /// It carries credentials, a query or a fragment.
    #[error("an endpoint holds scheme, host, port and path only")]
    Decorated,
    /// Plain HTTP: the gateway would see the key in the clear, and everybody on the way.
    #[error("{0} is not TLS: a customer key must not travel in the clear")]
    PlainHttp(String),
}

/// Where the gateway listens: scheme, host, port, and an optional path before the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    url: String,
    host: String,
    secure: bool,
}

impl Endpoint {
    /// Parses an URL. A missing scheme is an error: guessing `http` would be fatal.
    pub fn parse(text: &str, plain_http: PlainHttp) -> Result<Self, EndpointError> {
        let malformed = || EndpointError::Malformed(text.to_owned());
        let uri: http::Uri = text.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        if authority.as_str().contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(EndpointError::Decorated);
        }
        let host = authority.host().to_ascii_lowercase();
        if host.is_empty() {
            return Err(malformed());
        }
        let url = text.trim_end_matches('/').to_owned();
        match uri.scheme_str() {
            Some("https") => Ok(Self { url, host, secure: true }),
            Some("http") if plain_http == PlainHttp::LoopbackOnly && is_loopback(&host) => {
                Ok(Self { url, host, secure: false })
            }
            Some("http") => Err(EndpointError::PlainHttp(url)),
            _ => Err(malformed()),
        }
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// One spelling for one place: host in lower case, no port where it is the scheme's own. The
    /// name under which an endpoint is remembered.
    pub fn canonical(&self) -> String {
        let (scheme, authority, path) = self.scheme_authority_path();
        let usual = if self.secure { "443" } else { "80" };
        let port = authority.get(self.host.len()..).and_then(|port| port.strip_prefix(':'));
        match port.filter(|port| !port.is_empty() && *port != usual) {
            Some(port) => format!("{scheme}://{}:{port}{path}", self.host),
            None => format!("{scheme}://{}{path}", self.host),
        }
    }

    /// The scheme in lower case, host and port as they were given, and the path, which may be empty.
    pub(crate) fn scheme_authority_path(&self) -> (&'static str, &str, &str) {
        let scheme = if self.secure { "https" } else { "http" };
        // The URL was parsed before: `://` stands behind the scheme.
        let rest = self.url.get(scheme.len() + 3..).unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (scheme, authority, path)
    }

    /// The host alone, lower-case; IPv6 addresses in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// True for `https`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// `localhost`, names under it (RFC 6761), and loopback addresses.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_always_plain_http_for_loopback_on_request() {
        let parse = Endpoint::parse;
        assert!(parse("https://s3.example.org", PlainHttp::Refuse).unwrap().is_secure());
        for loopback in ["http://localhost:80", "http://127.0.0.1", "http://[::1]:8080/"] {
            assert!(matches!(parse(loopback, PlainHttp::Refuse), Err(EndpointError::PlainHttp(_))));
            assert!(!parse(loopback, PlainHttp::LoopbackOnly).unwrap().is_secure());
        }
        for remote in ["http://s3.example.org", "http://localhost.example.org", "http://10.0.0.1"] {
            assert!(matches!(
                parse(remote, PlainHttp::LoopbackOnly),
                Err(EndpointError::PlainHttp(_))
            ));
        }
    }

    #[test]
    fn one_place_has_one_spelling() {
        let of = |url| Endpoint::parse(url, PlainHttp::LoopbackOnly).unwrap().canonical();
        for url in
            ["https://S3.example.org", "HTTPS://s3.Example.org:443/", "https://s3.example.org:"]
        {
            assert_eq!(of(url), "https://s3.example.org", "{url}");
        }
        assert_eq!(of("https://x.org:8443/S3/"), "https://x.org:8443/S3");
        assert_eq!(of("http://LOCALHOST:80"), "http://localhost");
        assert_eq!(of("http://[::1]:8080"), "http://[::1]:8080");
        assert_eq!(of("https://[::1]"), "https://[::1]");
        assert_ne!(of("https://x.org:80"), of("https://x.org"));
    }

    #[test]
    fn nothing_but_an_address() {
        for bad in [
            "",
            "s3.example.org",
            "ftp://x.org",
            "https://",
            "//x.org",
            "https://:443",
            "https://:/x",
        ] {
            assert!(
                matches!(Endpoint::parse(bad, PlainHttp::Refuse), Err(EndpointError::Malformed(_))),
                "{bad}"
            );
        }
        for decorated in ["https://user:pw@x.org", "https://x.org/?a=b", "https://x.org/#f"] {
            assert_eq!(
                Endpoint::parse(decorated, PlainHttp::Refuse),
                Err(EndpointError::Decorated),
                "{decorated}"
            );
        }
        assert_eq!(
            Endpoint::parse("https://x.org/", PlainHttp::Refuse).unwrap().as_str(),
            "https://x.org"
        );
    }
}
