//! AWS's published vectors, the examples of the S3 documentation, and the rules around them.

use super::*;
use crate::credentials::SecretAccessKey;
use crate::endpoint::{Endpoint, PlainHttp};
use crate::headers::TargetKeyHeaders;
use crate::key::CustomerKey;
use crate::names::S3Address;
use crate::percent::{Slash, encode};
use crate::request::Place;
use http::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// One folder of the suite, read.
struct Case {
    folder: PathBuf,
    signer: Signer,
    now: Timestamp,
    lifetime: Lifetime,
    payload: String,
}

impl Case {
    fn open(folder: &Path) -> Self {
        let context = fs::read_to_string(folder.join("context.json")).unwrap();
        let context: Value = serde_json::from_str(&context).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let credentials = &context["credentials"];
        let credentials = Credentials::new(
            &text(&credentials["access_key_id"]),
            secret(&text(&credentials["secret_access_key"])),
            credentials["token"].as_str(),
        );
        let time = text(&context["timestamp"]).replace(['-', ':'], "");
        Self {
            folder: folder.to_owned(),
            signer: Signer::for_service(credentials.unwrap(), &text(&context["region"]), "service"),
            now: Timestamp::parse(&time).unwrap(),
            lifetime: Lifetime(context["expiration_in_seconds"].as_u64().unwrap()),
            payload: Payload::of(b"").text().into_owned(),
        }
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn signs_body(&self) -> bool {
        self.file("context.json").contains("\"sign_body\": true")
    }

    /// Reads `request.txt`, where paths may be encoded or not and values may go on in a second line.
    fn request(&mut self) -> UnsignedRequest {
        let text = self.file("request.txt");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let head = head.replace("\n  ", " ");
        let mut lines = head.lines();
        let line = lines.next().unwrap();
        let (method, rest) = line.split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = UnsignedRequest {
            method: method.parse().unwrap(),
            origin: String::new(),
            path: encode(&decoded(path), Slash::Kept),
            query: Vec::new(),
            headers: Vec::new(),
            payload: Payload::Unsigned,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            request.query.push((decoded(name).into(), decoded(value)));
        }
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            match name.to_ascii_lowercase().as_str() {
                "host" => request.origin = format!("https://{value}"),
                // Pushed, not set: the suite repeats headers.
                lower => request.headers.push(Header {
                    name: lower.to_owned().into(),
                    value: Zeroizing::new(value.to_owned()),
                }),
            }
        }
        if self.signs_body() {
            self.payload = Payload::of(body.as_bytes()).text().into_owned();
        }
        request
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
                at += 3;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap()
}

fn secret(text: &str) -> SecretAccessKey {
    SecretAccessKey::from_bytes(text.as_bytes()).unwrap()
}

fn signature(authorization: &str) -> &str {
    authorization.rsplit_once('=').unwrap().1
}

fn header(request: SignedRequest, name: &str) -> String {
    let (_, _, headers) = request.into_parts();
    headers.into_iter().find(|(found, _)| found == name).unwrap().1.to_string()
}

#[track_caller]
fn check_headers(mut case: Case) {
    let mut request = case.request();
    if case.signs_body() {
        request.set("x-amz-content-sha256".into(), &case.payload);
    }
    let signed = case.signer.sign_headers(request, &case.payload.clone(), case.now);
    let (_, _, headers) = signed.0.into_parts();
    let mut request = case.request();
    request.headers = headers
        .iter()
        .filter(|(name, _)| name != "authorization")
        .map(|(name, value)| Header { name: name.clone().into(), value: value.clone() })
        .collect();
    let mut text = String::new();
    Canonical::of(&request, Vec::new(), &case.payload).write(|piece| text.push_str(piece));
    assert_eq!(text, case.file("header-canonical-request.txt"), "{:?}", case.folder);
    let authorization = &headers.iter().find(|(name, _)| name == "authorization").unwrap().1;
    assert_eq!(signature(authorization), case.file("header-signature.txt"), "{:?}", case.folder);
}

#[track_caller]
fn check_address(mut case: Case) {
    let request = case.request();
    let signed = case.signer.sign_address(request, &case.payload.clone(), case.now, case.lifetime);
    let (_, url, _) = signed.into_parts();
    let wanted = case.file("query-canonical-request.txt");
    let query = url.split_once('?').unwrap().1;
    let (query, signature) = query.rsplit_once("&X-Amz-Signature=").unwrap();
    assert_eq!(query, wanted.lines().nth(2).unwrap(), "{:?}", case.folder);
    assert_eq!(signature, case.file("query-signature.txt"), "{:?}", case.folder);
}

#[test]
fn the_suite_of_aws() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sigv4");
    let mut cases = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            check_headers(Case::open(&path));
            check_address(Case::open(&path));
            cases += 1;
        }
    }
    assert_eq!(cases, 31);
}

fn documented() -> (Signer, Timestamp) {
    let secret = secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None).unwrap();
    let signer = Signer::new(credentials, "us-east-1").unwrap();
    (signer, Timestamp::parse("20130524T000000Z").unwrap())
}

/// The examples address the bucket in the host's name.
fn example(method: Method, path: &str) -> UnsignedRequest {
    UnsignedRequest {
        method,
        origin: "https://examplebucket.s3.amazonaws.com".to_owned(),
        path: encode(path, Slash::Kept),
        query: Vec::new(),
        headers: Vec::new(),
        payload: Payload::of(b""),
    }
}

/// AWS, "Signature Calculations for the Authorization Header", four examples.
#[test]
fn the_examples_of_the_s3_documentation() {
    let range = example(Method::GET, "/test.txt").header("Range", "bytes=0-9").unwrap();
    let put = example(Method::PUT, "/test$file.text")
        .header("Date", "Fri, 24 May 2013 00:00:00 GMT")
        .and_then(|put| put.header("x-amz-storage-class", "REDUCED_REDUNDANCY"))
        .unwrap()
        .payload(Payload::of(b"Welcome to Amazon S3."));
    let lifecycle = example(Method::GET, "/").parameter("lifecycle", "").unwrap();
    let list = example(Method::GET, "/")
        .parameter("prefix", "J")
        .and_then(|list| list.parameter("max-keys", "2"))
        .unwrap();
    let (mut signer, now) = documented();
    for (request, wanted) in [
        (range, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (put, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        (lifecycle, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (list, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ] {
        let authorization = header(signer.sign(request, now), "authorization");
        assert_eq!(signature(&authorization), wanted);
    }
}

/// AWS, "Authenticating Requests: Using Query Parameters".
#[test]
fn the_presigned_example_of_the_s3_documentation() {
    let (mut signer, now) = documented();
    let lifetime = Lifetime::from_seconds(86_400).unwrap();
    let presigned = signer.presign(example(Method::GET, "/test.txt"), now, lifetime);
    let (_, url, headers) = presigned.request.into_parts();
    let wanted = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert_eq!(signature(&url), wanted);
    assert!(headers.is_empty());
    assert_eq!(presigned.expires_at, now.plus(86_400));
    assert_eq!(expiry_of(&url), Some(presigned.expires_at));
    assert_eq!(expiry_of("https://x/b/k"), None);
}

/// AWS, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
#[test]
fn the_chunked_example_of_the_s3_documentation() {
    let put = [
        ("Content-Encoding", "aws-chunked"),
        ("Content-Length", "66824"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ];
    let put = put
        .into_iter()
        .fold(example(Method::PUT, "/examplebucket/chunkObject.txt"), |put, (name, value)| {
            put.header(name, value).unwrap()
        });
    let put = UnsignedRequest { origin: "https://s3.amazonaws.com".to_owned(), ..put };
    let (mut signer, now) = documented();
    let (request, mut frames) = signer.sign_chunked(put, 66_560.try_into().unwrap(), now);
    let authorization = header(request, "authorization");
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    assert_eq!(signature(&authorization), seed);
    let content = [b'a'; 66_560];
    let mut sent = content.len();
    let mut frame = |text: String, size: &str, wanted: &str| {
        assert_eq!(text.trim(), format!("{size};chunk-signature={wanted}"));
        sent += text.len();
    };
    let first = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
    let second = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497";
    let last = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9";
    let (whole, rest) = content.split_at(65_536);
    frame(frames.before(65_536, &Sha256::digest(whole).into()), "10000", first);
    frame(frames.before(1_024, &Sha256::digest(rest).into()), "400", second);
    frame(frames.end(), "0", last);
    // As the example counts them, with the line ends.
    assert_eq!(sent, 66_824);
}

#[test]
fn a_key_is_signed_in_headers_and_never_in_an_address() {
    let (mut signer, now) = documented();
    let endpoint = Endpoint::parse("https://gw.example.org", PlainHttp::Refuse).unwrap();
    let name = S3Address::parse("s3://bucket/a b").unwrap().object().unwrap();
    let key = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[7; 32]).unwrap());
    let put = |key| {
        let request = UnsignedRequest::new(Method::PUT, &endpoint, Place::Object(&name)).unwrap();
        request.key(key)
    };
    let lifetime = Lifetime::from_seconds(60).unwrap();
    let presigned = signer.presign(put(&key), now, lifetime);
    let shown = format!("{presigned:?}");
    let (_, url, headers) = presigned.request.into_parts();
    let secret = key.expose_key_base64();
    assert!(!url.contains(secret) && !url.contains(&encode(secret, Slash::Encoded)));
    assert!(!shown.contains(secret) && !shown.contains("Signature"), "{shown}");
    let names: Vec<_> = key.pairs().map(|(name, _)| name).into();
    assert!(url.contains(&format!("X-Amz-SignedHeaders=host%3B{}", names.join("%3B"))), "{url}");
    let pairs: Vec<_> = headers.iter().map(|(name, value)| (&**name, &***value)).collect();
    assert_eq!(pairs, key.pairs());
    // Another key has another signature: what is signed is the key, not only its header's name.
    let other = TargetKeyHeaders::of(&CustomerKey::from_bytes(&[8; 32]).unwrap());
    let (_, other, _) = signer.presign(put(&other), now, lifetime).request.into_parts();
    assert_ne!(signature(&other), signature(&url));
}

#[test]
fn the_key_of_another_day_is_not_used() {
    let (mut used, now) = documented();
    let tomorrow = now.plus(86_400);
    let request = || example(Method::GET, "/a");
    let _ = used.sign(request(), now);
    let (mut fresh, _) = documented();
    let expected = header(fresh.sign(request(), tomorrow), "authorization");
    assert_eq!(header(used.sign(request(), tomorrow), "authorization"), expected);
}

#[test]
fn bounds() {
    for bad in [0, LIFETIME_MAX + 1] {
        assert_eq!(Lifetime::from_seconds(bad), Err(SignError::Lifetime(bad)));
    }
    for bad in ["", "us east", "a/b", "a\nb"] {
        let credentials = Credentials::new("a", secret("s"), None).unwrap();
        assert_eq!(Signer::new(credentials, bad).err(), Some(SignError::Region(bad.to_owned())));
    }
}
