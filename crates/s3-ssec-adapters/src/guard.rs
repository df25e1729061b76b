//! The rules for a request that carries a customer key, for any HTTP client that uses crate `http`.

use http::{HeaderMap, Method, StatusCode, Uri};
use s3_ssec_core::echo::{EchoError, EchoVerified, verify_echo};
use s3_ssec_core::endpoint::{Endpoint, EndpointError, PlainHttp};
use s3_ssec_core::headers::{
    ALGORITHM, KEY, KEY_MD5, SOURCE_ALGORITHM, SOURCE_KEY, SOURCE_KEY_MD5,
};
use s3_ssec_core::md5::KeyMd5;

/// A request was not sent, or its answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not TLS. Nothing was sent.
    #[error(transparent)]
    PlainHttp(#[from] EndpointError),
    /// One or two of the three headers of a key, or an MD5 that is none. Nothing was sent.
    #[error("the request carries a part of a customer key: algorithm, key and MD5 belong together")]
    HalfKey,
    /// The gateway sent the request, and the key with it, somewhere else. It was not followed.
    #[error("the answer is a redirect ({0}), which is not followed with a customer key")]
    Redirect(StatusCode),
    /// A good answer that does not confirm the key: what was written may stand in the clear.
    #[error(transparent)]
    NotProved(#[from] EchoError),
}

/// What is known of a request until its answer comes.
///
/// ```
/// use http::{HeaderMap, Method, StatusCode};
/// use s3_ssec_adapters::Guard;
/// use s3_ssec_adapters::core::headers::{ALGORITHM, KEY_MD5, TargetKeyHeaders};
/// use s3_ssec_adapters::core::key::CustomerKey;
///
/// let key = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32])?);
/// let (mut sent, address) = (HeaderMap::new(), "https://gateway/bucket/object".parse()?);
/// key.apply(&mut sent);
/// let guard = Guard::before(&Method::PUT, &address, &sent)?;
///
/// // The gateway said yes, and nothing of a key: that proves nothing.
/// assert!(guard.after(StatusCode::OK, &HeaderMap::new()).is_err());
///
/// let mut answer = HeaderMap::new();
/// answer.insert(ALGORITHM, "AES256".parse()?);
/// answer.insert(KEY_MD5, key.key_md5().to_base64().parse()?);
/// assert!(guard.after(StatusCode::OK, &answer)?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "the answer has to be checked too"]
pub struct Guard {
    carries: bool,
    confirmed: Option<KeyMd5>,
}

impl Guard {
    /// Looks at a request before it is sent. A request without any key passes.
    pub fn before(method: &Method, address: &Uri, headers: &HeaderMap) -> Result<Self, Refused> {
        let target = whole(headers, [ALGORITHM, KEY, KEY_MD5])?;
        let source = whole(headers, [SOURCE_ALGORITHM, SOURCE_KEY, SOURCE_KEY_MD5])?;
        let carries = target.is_some() || source.is_some();
        if carries {
            let scheme = address.scheme_str().unwrap_or_default();
            let authority = address.authority().map_or("", |authority| authority.as_str());
            let _ = Endpoint::parse(&format!("{scheme}://{authority}"), PlainHttp::Refuse)?;
        }
        let confirmed = target.filter(|_| is_confirmed(method, address.query()));
        Ok(Self { carries, confirmed })
    }

    /// Looks at the answer. `None` where nothing was to be confirmed: no key, an operation that
    /// confirms none, or an error of the gateway's, which is for the caller.
    pub fn after(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<Option<EchoVerified>, Refused> {
        // 304 answers a condition; the others name another place.
        if self.carries && status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(Refused::Redirect(status));
        }
        match self.confirmed {
            Some(sent) if status.is_success() => {
                Ok(Some(verify_echo(sent, &s3_ssec_core::echo::echo_in(headers))?))
            }
            _ => Ok(None),
        }
    }
}

/// The MD5 of a key whose three headers are all there; `None` if none is.
fn whole(headers: &HeaderMap, names: [&str; 3]) -> Result<Option<KeyMd5>, Refused> {
    match names.map(|name| headers.get(name)) {
        [None, None, None] => Ok(None),
        [Some(_), Some(_), Some(md5)] => {
            let md5 = md5.to_str().ok().and_then(KeyMd5::from_base64);
            md5.map(Some).ok_or(Refused::HalfKey)
        }
        _ => Err(Refused::HalfKey),
    }
}

/// Whether the answer to this names the key. All do that carry or describe a content, but Complete,
/// ListParts, GetObjectAttributes and SelectObjectContent (the S3 API reference; RGW 20.2.4 does on
/// Complete, too). What is about tags and rights, or deletes, knows no key.
fn is_confirmed(method: &Method, query: Option<&str>) -> bool {
    const SILENT: [&str; 5] = ["acl", "attributes", "legal-hold", "retention", "tagging"];
    let has = |wanted: &str| {
        let mut pairs = query.unwrap_or_default().split('&');
        pairs.any(|pair| pair.split('=').next() == Some(wanted))
    };
    match *method {
        _ if SILENT.into_iter().any(has) => false,
        Method::DELETE => false,
        Method::POST => has("uploads"),
        Method::GET => !has("uploadId"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
    use s3_ssec_core::key::CustomerKey;

    fn key() -> TargetKeyHeaders {
        TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32]).unwrap())
    }

    fn before(method: Method, address: &str, headers: &HeaderMap) -> Result<Guard, Refused> {
        Guard::before(&method, &address.parse().unwrap(), headers)
    }

    #[test]
    fn a_key_needs_tls_and_three_headers() {
        let mut headers = HeaderMap::new();
        assert!(before(Method::GET, "http://gateway/b/k", &headers).is_ok());
        key().apply(&mut headers);
        let refused = before(Method::GET, "http://gateway/b/k", &headers).unwrap_err();
        assert!(matches!(refused, Refused::PlainHttp(_)), "{refused}");
        assert!(before(Method::GET, "http://localhost/b/k", &headers).is_err());
        assert!(before(Method::GET, "https://gateway/b/k", &headers).is_ok());
        for name in [ALGORITHM, KEY, KEY_MD5] {
            let mut half = headers.clone();
            half.remove(name);
            let refused = before(Method::GET, "https://gateway/b/k", &half).unwrap_err();
            assert_eq!(refused, Refused::HalfKey, "{name}");
        }
    }

    #[test]
    fn no_redirect_with_a_key_of_either_kind() {
        let (mut target, mut source) = (HeaderMap::new(), HeaderMap::new());
        key().apply(&mut target);
        let bytes = CustomerKey::from_bytes(&[8; 32]).unwrap();
        SourceKeyHeaders::of(&bytes).apply(&mut source);
        for headers in [&target, &source] {
            let guard = before(Method::PUT, "https://gateway/b/k", headers).unwrap();
            let answer = guard.after(StatusCode::TEMPORARY_REDIRECT, &HeaderMap::new());
            assert_eq!(answer, Err(Refused::Redirect(StatusCode::TEMPORARY_REDIRECT)));
            assert_eq!(guard.after(StatusCode::NOT_MODIFIED, &HeaderMap::new()), Ok(None));
        }
        let plain = before(Method::PUT, "https://gateway/b/k", &HeaderMap::new()).unwrap();
        assert_eq!(plain.after(StatusCode::TEMPORARY_REDIRECT, &HeaderMap::new()), Ok(None));
    }

    #[test]
    fn confirmed_where_gateways_confirm() {
        let mut headers = HeaderMap::new();
        key().apply(&mut headers);
        let silent = |method, query: &str| {
            let guard = before(method, &format!("https://gateway/b/k{query}"), &headers).unwrap();
            guard.after(StatusCode::OK, &HeaderMap::new())
        };
        let missing = Err(Refused::NotProved(EchoError::Missing));
        for (method, query) in [
            (Method::PUT, ""),
            (Method::PUT, "?partNumber=1&uploadId=x"),
            (Method::PUT, "?x-id=PutObject"),
            (Method::POST, "?uploads"),
            (Method::POST, "?uploads="),
            (Method::GET, ""),
            (Method::HEAD, "?versionId=x"),
        ] {
            assert_eq!(silent(method.clone(), query), missing, "{method} {query}");
        }
        for (method, query) in [
            (Method::POST, "?uploadId=x"),
            (Method::GET, "?uploadId=x"),
            (Method::GET, "?attributes"),
            (Method::PUT, "?tagging"),
            (Method::DELETE, "?uploadId=x"),
            (Method::POST, "?select&select-type=2"),
        ] {
            assert_eq!(silent(method.clone(), query), Ok(None), "{method} {query}");
        }
        let guard = before(Method::GET, "https://gateway/b/k", &headers).unwrap();
        assert_eq!(guard.after(StatusCode::BAD_REQUEST, &HeaderMap::new()), Ok(None));
        assert!(guard.after(StatusCode::OK, &headers).unwrap().is_some());
    }
}
