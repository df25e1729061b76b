//! Addresses, and what may not be set.

use super::*;
use crate::endpoint::PlainHttp;
use crate::names::S3Address;

fn request(endpoint: &str, address: &str) -> Result<UnsignedRequest, RequestError> {
    let endpoint = Endpoint::parse(endpoint, PlainHttp::LoopbackOnly).unwrap();
    let address = S3Address::parse(address).unwrap();
    match address.object() {
        Ok(name) => UnsignedRequest::new(Method::GET, &endpoint, Place::Object(&name)),
        Err(_) => UnsignedRequest::new(Method::GET, &endpoint, Place::Bucket(&address.bucket)),
    }
}

#[test]
fn addresses_are_spelt_as_browsers_spell_them() {
    for (endpoint, address, host, url) in [
        ("https://S3.Example.org:443/", "s3://bkt", "s3.example.org", "https://s3.example.org/bkt"),
        ("http://localhost:80", "s3://bkt/a", "localhost", "http://localhost/bkt/a"),
        (
            "https://x.org:8443/s3",
            "s3://bkt//a/ü+b%c~",
            "x.org:8443",
            "https://x.org:8443/s3/bkt//a/%C3%BC%2Bb%25c~",
        ),
    ] {
        let request = request(endpoint, address).unwrap();
        assert_eq!(request.host(), host);
        assert_eq!(request.into_signed("").into_parts().1, url);
    }
}

#[test]
fn segments_that_addresses_lose_are_refused() {
    for key in [".", "..", "a/../b", "./a", "a/."] {
        let error = request("https://x.org", &format!("s3://bkt/{key}")).err();
        assert_eq!(error, Some(RequestError::DotSegment(key.to_owned())));
    }
    assert!(request("https://x.org", "s3://bkt/...a/.b").is_ok());
}

#[test]
fn no_parameter_is_a_header_of_s3() {
    for name in [headers::KEY, headers::SOURCE_KEY, "X-Amz-Signature", "x-amz-acl"] {
        let error = request("https://x.org", "s3://bkt/a").unwrap().parameter(name, "v").err();
        assert_eq!(error, Some(RequestError::Parameter(name.to_owned())));
    }
}

#[test]
fn headers_are_checked_and_keys_come_as_three() {
    let set = |name, value| request("https://x.org", "s3://bkt/a").unwrap().header(name, value);
    let reserved = ["Host", "authorization", "X-Amz-Date", headers::KEY, headers::SOURCE_KEY_MD5];
    for name in reserved.into_iter().chain(["", "a b", "a:b", "é"]) {
        assert_eq!(set(name, "v").err(), Some(RequestError::HeaderName(name.to_owned())));
    }
    for value in ["a\nb", "a\r\nx: y", "é", " a", "a ", "\u{7f}"] {
        assert_eq!(set("a", value).err(), Some(RequestError::HeaderValue("a".to_owned())));
    }
    let replaced = set("A", "1").unwrap().header("a", "2").unwrap();
    let headers = replaced.into_signed("").into_parts().2;
    assert_eq!(headers, [("a".to_owned(), Zeroizing::new("2".to_owned()))]);
}

#[test]
fn documents_announce_themselves() {
    let request = request("https://x.org", "s3://bkt").unwrap().document("hello", "text/plain");
    assert_eq!(request.payload, Payload::of(b"hello"));
    let (_, _, headers) = request.into_signed("").into_parts();
    assert_eq!(headers[0].1.as_str(), "XUFAKrxLKna5cZ2REBfFkg==");
}
