//! What else the gateway can do: tags, conditions, checksums, presigned addresses.

use super::encryption::{completion, part};
use super::exam::{Answer, Exam, TRIAL};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use crate::presign::now;
use http::Method;
use s3_ssec_core::profile::Ability;
use s3_ssec_core::request::{Payload, UnsignedRequest};
use s3_ssec_core::sigv4::Lifetime;

/// The CRC-32 of [`TRIAL`], and one that is not.
const CRC32: &str = "dKJePw==";
const OTHER_CRC32: &str = "AAAAAA==";

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Features;
    let tried = "a tag given to CreateMultipartUpload";
    rows.add(topic, "tag-on-create", tried, tag_on_create(exam).await);
    let tried = "PUT with If-None-Match: * onto an object";
    rows.add(topic, "if-none-match", tried, if_none_match(exam).await);
    let tried = "PUT with If-Match, the right ETag and another";
    rows.add(topic, "if-match", tried, if_match(exam).await);
    let tried = "Complete with If-None-Match: * onto an object";
    rows.add(topic, "if-none-match-parts", tried, complete_if_none_match(exam).await);
    let tried = "a wrong payload hash, a wrong Content-MD5";
    rows.add(topic, "content-hash", tried, content_hash(exam).await);
    let tried = "a checksum in a trailer, right and wrong";
    rows.add(topic, "trailers", tried, trailers(exam).await);
    let tried = "presigned PUT and GET, as signed, without headers, with another key";
    rows.add(topic, "presign", tried, presign(exam).await);
    let tried = "a presigned PUT whose key headers are not signed";
    rows.add(topic, "unsigned-headers", tried, unsigned_headers(exam).await);
}

async fn tag_on_create(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::POST, "tagged")?.parameter("uploads", "")?.key(&exam.key);
    let request = request.header("x-amz-tagging", "trial=kept")?;
    let answer = exam.send(request, b"").await?.needed("Create with a tag")?;
    finish_upload(exam, "tagged", &answer, None).await?.needed("Complete")?;
    let request = exam.object(Method::GET, "tagged")?.parameter("tagging", "")?;
    let answer = exam.send(request, b"").await?;
    let kept = answer.element("Value").as_deref() == Some("kept");
    exam.profile.saw(Ability::TagsOnCreate, kept);
    Ok(match kept {
        true => Seen::good("the tag is on the object", "records stand from the beginning"),
        false => Seen::new(
            Verdict::Note,
            "200, and no tag on the object",
            "records of large objects are written after Complete; one that is interrupted in between is \
             completed by s3-ssec repair",
        ),
    })
}

/// One part and Complete for an upload that was just created.
async fn finish_upload(
    exam: &mut Exam<'_>,
    key: &str,
    created: &Answer,
    condition: Option<(&str, &str)>,
) -> Result<Answer, ProbeError> {
    let upload = created.element("UploadId").unwrap_or_default();
    let request = part(exam, key, &upload, 1)?.key(&exam.key);
    let etag = exam.send(request, TRIAL).await?.needed("UploadPart")?.etag();
    let (mut request, body) = completion(exam, key, &upload, &[etag])?;
    if let Some((name, value)) = condition {
        request = request.header(name, value)?;
    }
    let request = request.key(&exam.key);
    exam.send(request, body.as_bytes()).await
}

async fn conditional_put(
    exam: &mut Exam<'_>,
    key: &str,
    name: &str,
    value: &str,
) -> Result<Answer, ProbeError> {
    let request = exam.object(Method::PUT, key)?.header(name, value)?.key(&exam.key);
    exam.send(request, TRIAL).await
}

async fn if_none_match(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    exam.put("condition", TRIAL).await?.needed("PUT")?;
    let answer = conditional_put(exam, "condition", "if-none-match", "*").await?;
    exam.profile.saw(Ability::IfNoneMatchOnPut, answer.status == 412);
    Ok(match answer.status {
        412 => Seen::good(&answer, "--if-none-match keeps what exists"),
        _ => Seen::new(Verdict::Caution, &answer, "the condition is not honoured")
            .todo("Do not rely on --if-none-match when several write one name."),
    })
}

async fn if_match(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let etag = exam.put("condition", TRIAL).await?.needed("PUT")?.etag();
    let right = conditional_put(exam, "condition", "if-match", &format!("\"{etag}\"")).await?;
    let other = "\"00000000000000000000000000000000\"";
    let wrong = conditional_put(exam, "condition", "if-match", other).await?;
    let works = right.is_success() && wrong.status == 412;
    exam.profile.saw(Ability::IfMatchOnPut, works);
    let saw = format!("right {right}, other {wrong}");
    Ok(match works {
        true => Seen::good(saw, "rekey replaces only what it has read"),
        false => Seen::new(
            Verdict::Note,
            saw,
            "the gateway does not refuse to replace an object that another client writes at the same moment; \
             rekey looks just before and just after, and names what changed",
        ),
    })
}

async fn complete_if_none_match(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    exam.put("condition", TRIAL).await?.needed("PUT")?;
    let request = exam.object(Method::POST, "condition")?.parameter("uploads", "")?;
    let request = request.key(&exam.key);
    let created = exam.send(request, b"").await?.needed("Create")?;
    let condition = Some(("if-none-match", "*"));
    let answer = finish_upload(exam, "condition", &created, condition).await?;
    exam.profile.saw(Ability::IfNoneMatchOnComplete, answer.status == 412);
    Ok(match answer.status {
        412 => Seen::good(&answer, "--if-none-match keeps what exists, for large files too"),
        _ => Seen::new(
            Verdict::Note,
            &answer,
            "the condition is ignored for large files; this program looks before it begins",
        ),
    })
}

async fn content_hash(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::PUT, "hash")?.key(&exam.key).payload(Payload::of(b"other"));
    let hash = exam.send_as_is(request, TRIAL).await?;
    let request = exam.object(Method::PUT, "hash")?.key(&exam.key);
    let request = request.header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")?;
    let md5 = exam.send(request, TRIAL).await?;
    let saw = format!("hash {hash}, MD5 {md5}");
    Ok(match !hash.is_success() && !md5.is_success() {
        true => Seen::good(saw, "what was damaged on its way is not stored"),
        false => Seen::new(Verdict::Caution, saw, "damaged uploads are stored")
            .todo("Verify after uploading: s3-ssec verify."),
    })
}

fn with_trailer(exam: &Exam<'_>) -> Result<UnsignedRequest, ProbeError> {
    let request = exam.object(Method::PUT, "trailer")?.key(&exam.key);
    let request = request.header("content-encoding", "aws-chunked")?;
    let request = request.header("x-amz-decoded-content-length", &TRIAL.len().to_string())?;
    let request = request.header("x-amz-sdk-checksum-algorithm", "CRC32")?;
    let request = request.header("x-amz-trailer", "x-amz-checksum-crc32")?;
    Ok(request.payload(Payload::Trailer))
}

fn chunked(crc32: &str) -> Vec<u8> {
    let mut body = format!("{:x}\r\n", TRIAL.len()).into_bytes();
    body.extend_from_slice(TRIAL);
    body.extend_from_slice(format!("\r\n0\r\nx-amz-checksum-crc32:{crc32}\r\n\r\n").as_bytes());
    body
}

/// Unsigned trailers only: RGW 18.2.7 aborts on a wrong trailer signature.
async fn trailers(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = with_trailer(exam)?;
    let right = exam.send_as_is(request, &chunked(CRC32)).await?;
    exam.profile.saw(Ability::TakesTrailers, right.is_success());
    if !right.is_success() {
        let means = "programs with the checksums of newer AWS SDKs fail here; this one sends none";
        return Ok(Seen::new(Verdict::Caution, format!("right {right}"), means).todo(
            "For other programs: AWS_REQUEST_CHECKSUM_CALCULATION=when_required and \
             AWS_RESPONSE_CHECKSUM_VALIDATION=when_required.",
        ));
    }
    let request = with_trailer(exam)?;
    let wrong = exam.send_as_is(request, &chunked(OTHER_CRC32)).await?;
    exam.profile.saw(Ability::VerifiesTrailers, !wrong.is_success());
    let saw = format!("right {right}, wrong {wrong}");
    Ok(match wrong.is_success() {
        false => Seen::good(saw, "checksums of AWS SDKs are taken and verified"),
        true => Seen::new(
            Verdict::Note,
            saw,
            "checksums of AWS SDKs are taken and not verified; this program signs the hash of the \
             content instead, which is",
        ),
    })
}

fn lifetime() -> Result<Lifetime, ProbeError> {
    Lifetime::from_seconds(60).map_err(|error| ProbeError::Before(error.to_string()))
}

async fn presign(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let mut saw = Vec::new();
    let mut as_it_should = true;
    let cases = [("PUT", Method::PUT, TRIAL), ("GET", Method::GET, b"".as_slice())];
    for (what, method, body) in cases {
        let request = exam.object(method, "presigned")?.key(&exam.key);
        let signed = exam.signer.presign(request, now(), lifetime()?);
        let (method, url, headers) = signed.request.into_parts();
        let whole = exam.raw(method.clone(), &url, &headers, body).await?;
        let bare = exam.raw(method.clone(), &url, &[], body).await?;
        let mut request = exam.object(method.clone(), "presigned")?.key(&exam.other);
        let foreign = exam.raw(method, &url, &request.take_key_headers(), body).await?;
        as_it_should &= whole.is_success() && !bare.is_success() && !foreign.is_success();
        saw.push(format!("{what} {whole}, without headers {bare}, another key {foreign}"));
    }
    let saw = saw.join("; ");
    Ok(match as_it_should {
        true => Seen::good(saw, "an address works with its key and with no other"),
        false => Seen::new(Verdict::Caution, saw, "presigned addresses are not bound to their key")
            .todo("Do not hand out presigned addresses of this gateway."),
    })
}

async fn unsigned_headers(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let mut request = exam.object(Method::PUT, "unsigned")?.key(&exam.key);
    let apart = request.take_key_headers();
    let signed = exam.signer.presign(request, now(), lifetime()?);
    let answer = exam.deliver(signed.request, apart, TRIAL).await?;
    Ok(match answer.is_success() {
        true => Seen::new(
            Verdict::Note,
            &answer,
            "the gateway is without the fix of CVE-2026-54330: whoever has an address may add \
             headers to it",
        )
        .todo("Upgrade the gateway; s3-ssec presign signs every header."),
        false => Seen::good(&answer, "headers that are not signed are refused"),
    })
}
