//! Bodies that are signed in chunks, as the page sends them: taken whole, and refused if anything of them
//! is another.

use harness::lab::new_direct;
use harness::{Bucket, Gateway, Person, content, live};
use s3_ssec::core::credentials::{Credentials, SecretAccessKey};
use s3_ssec::core::endpoint::{Endpoint, PlainHttp};
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::{CustomerKey, Key};
use s3_ssec::core::request::{Place, SignedRequest, UnsignedRequest};
use s3_ssec::core::sigv4::Signer;
use s3_ssec::core::timestamp::Timestamp;
use s3_ssec::{GetOptions, Watch};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::time::SystemTime;

live![what_is_signed_in_chunks_is_stored_as_it_is, what_is_not_what_was_signed_is_refused];

/// What the page sends at a time.
const CHUNK: usize = 896 << 10;

/// A request with `body` in chunks, and the frames around them.
struct Chunked {
    request: SignedRequest,
    frames: Vec<String>,
}

/// Signs a PUT of this content.
fn signed(
    gateway: &Gateway,
    bucket: &Bucket,
    name: &str,
    key: &CustomerKey,
    body: &[u8],
) -> Chunked {
    signed_as(gateway, bucket, name, key, body, body.len())
}

/// As [`signed`], with another length announced.
fn signed_as(
    gateway: &Gateway,
    bucket: &Bucket,
    name: &str,
    key: &CustomerKey,
    body: &[u8],
    length: usize,
) -> Chunked {
    let secret = SecretAccessKey::from_bytes(gateway.secret_key.as_bytes()).unwrap();
    let credentials = Credentials::new(&gateway.access_key, secret, None).unwrap();
    let mut signer = Signer::new(credentials, "us-east-1").unwrap();
    let endpoint = Endpoint::parse(&gateway.https, PlainHttp::Refuse).unwrap();
    let object = bucket.object(name);
    let put = UnsignedRequest::new("PUT".parse().unwrap(), &endpoint, Place::Object(&object));
    let put = put.unwrap().key(&TargetKeyHeaders::of(key));
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = Timestamp::from_unix_seconds(now);
    let (request, mut signer) = signer.sign_chunked(put, (length as u64).try_into().unwrap(), now);
    let digests = body.chunks(CHUNK).map(|chunk| (chunk.len(), Sha256::digest(chunk).into()));
    let mut frames: Vec<_> =
        digests.map(|(length, digest)| signer.before(length as u64, &digest)).collect();
    frames.push(signer.end());
    Chunked { request, frames }
}

/// The body with its frames; `chunks` need not be those that were signed.
fn framed(frames: &[String], chunks: &[&[u8]]) -> Vec<u8> {
    let mut framed = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        framed.extend_from_slice(frame.as_bytes());
        framed.extend_from_slice(chunks.get(index).copied().unwrap_or_default());
    }
    framed
}

/// Sends it with curl; the status. The headers hold a key: they go into a file.
async fn send(gateway: &Gateway, person: &Person, request: SignedRequest, body: &[u8]) -> String {
    let (method, url, headers) = request.into_parts();
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}: {}\n", **value)).collect();
    for (name, content) in [("headers", lines.as_bytes()), ("body", body)] {
        std::fs::write(person.work().join(name), content).unwrap();
    }
    let ca = gateway.ca().to_str().unwrap();
    let arguments = ["--silent", "--cacert", ca, "--output", "answer", "--write-out"];
    let sends = ["%{http_code}", "-H", "@headers", "--data-binary", "@body", "-X"];
    // curl's own headers: 20.2.4 answers 403 to a content type that is not signed.
    let without = ["-H", "Content-Type:", "-H", "Expect:"];
    let arguments = [&arguments[..], &sends, &[method.as_str(), &url], &without].concat();
    person.run_program(Path::new("curl"), arguments).await.text()
}

async fn what_is_signed_in_chunks_is_stored_as_it_is(gateway: &'static Gateway) {
    let (bucket, person, keys) = (Bucket::new(gateway).await, Person::new(gateway), new_direct());
    let Key::Direct(key) = keys.writer() else { panic!() };
    for size in [1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
        let (name, body) = (format!("of {size}"), content(size as u64, size));
        let Chunked { request, frames } = signed(gateway, &bucket, &name, key, &body);
        let chunks: Vec<_> = body.chunks(CHUNK).collect();
        let sent = framed(&frames, &chunks);
        let status = send(gateway, &person, request, &sent).await;
        let said = String::from_utf8(person.read("answer")).unwrap();
        assert_eq!(status, "200", "{size} bytes: {said}");
        let (mut received, object) = (Vec::new(), bucket.object(&name));
        let (options, watch) = (GetOptions::default(), Watch::default());
        bucket.client.get_stream(&keys, &object, &mut received, &options, &watch).await.unwrap();
        assert!(received == body, "{size} bytes came back as others");
        let get = bucket.client.sdk().get_object().bucket(bucket.name.as_str()).key(&name);
        let headers = TargetKeyHeaders::of(key);
        let get = get.sse_customer_algorithm("AES256");
        let get = get.sse_customer_key(headers.expose_key_base64());
        let answer = get.sse_customer_key_md5(key.md5().to_base64()).send().await.unwrap();
        assert_eq!(answer.content_encoding(), None, "of {size} bytes");
    }
    bucket.remove().await;
}

async fn what_is_not_what_was_signed_is_refused(gateway: &'static Gateway) {
    let (bucket, person, keys) = (Bucket::new(gateway).await, Person::new(gateway), new_direct());
    let Key::Direct(key) = keys.writer() else { panic!() };
    let body = content(1, 2 * CHUNK + 100);
    let changed_at = |at: usize| {
        let mut changed = body.clone();
        changed[at] ^= 1;
        changed
    };
    let (first, last) = (changed_at(7), changed_at(body.len() - 1));
    let cut = |body: &'static [u8]| -> Vec<&'static [u8]> { body.chunks(CHUNK).collect() };
    let [first, last, whole] = [first, last, body.clone()].map(|body| cut(body.leak()));
    let swapped = vec![whole[1], whole[0], whole[2]];
    for (case, chunks) in [("first byte", first), ("last byte", last), ("swapped", swapped)] {
        let Chunked { request, frames } = signed(gateway, &bucket, case, key, &body);
        let status = send(gateway, &person, request, &framed(&frames, &chunks)).await;
        // 400 for the last chunk on 16.2.15 and 18.2.7, else 403.
        assert!(matches!(&*status, "400" | "403"), "{case}: {status}");
    }
    // Whole chunks and a right end, and still less than the length that was signed.
    let Chunked { request, frames } =
        signed_as(gateway, &bucket, "too short", key, whole[0], body.len());
    let status = send(gateway, &person, request, &framed(&frames, &whole[..1])).await;
    assert!(status.starts_with('4'), "too short: {status}");
    bucket.assert_empty().await;
    bucket.remove().await;
}
