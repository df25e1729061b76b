//! Whether the gateway encrypts what it is told to, and keeps everybody else out.

use super::exam::{Answer, Exam, Stored, TRIAL};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use http::Method;
use md5::Digest as _;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::profile::Ability;
use s3_ssec_core::request::{KeyHeader, UnsignedRequest};

/// Two parts, the first as small as S3 allows, so that a seam is crossed when it is read back.
const FIRST_PART: usize = 5 << 20;

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Encryption;
    rows.add(topic, "get", "GET with the key", get(exam).await);
    rows.add(topic, "range", "GET of a range across two blocks of the cipher", range(exam).await);
    rows.add(topic, "etag", "the ETag beside the MD5 of the content", etag(exam).await);
    let tried = "Create, two parts and Complete with a key, HEAD with and without, GET";
    rows.add(topic, "multipart", tried, multipart(exam).await);
    rows.add(topic, "complete", "Complete without the key", complete(exam).await);
    rows.add(topic, "wrong-key", "GET, HEAD and a part under another key", wrong_key(exam).await);
    rows.add(topic, "no-key", "GET and HEAD without any key", no_key(exam).await);
    let tried = "PUT with only some of the three headers, or the MD5 of another key";
    rows.add(topic, "half-a-key", tried, half_a_key(exam).await);
    let tried = "PUT with a customer key and the service's own encryption at once";
    rows.add(topic, "two-kinds", tried, two_kinds(exam).await);
}

/// The first row. False where the gateway takes objects and no customer keys at all.
pub(super) async fn takes_keys(exam: &mut Exam<'_>, rows: &mut Rows) -> bool {
    let tried = "PUT with a customer key, HEAD with it, a read without it";
    let (seen, status) = match put(exam).await {
        Ok((seen, status)) => (Ok(seen), status),
        Err(error) => (Err(error), 0),
    };
    let is_unknown = matches!(status, 405 | 501)
        && exam.put_plain("plain").await.is_ok_and(|answer| answer.is_success());
    let seen = match (seen, is_unknown) {
        (Ok(seen), true) => Ok(Seen::new(
            Verdict::Danger,
            seen.saw,
            "the gateway takes no customer keys at all: objects without one are stored, and those with \
             one are refused",
        )
        .todo("Use another gateway for what must be encrypted; no more was tried here.")),
        (seen, _) => seen,
    };
    rows.add(Topic::Encryption, "put", tried, seen);
    !is_unknown
}

fn not_encrypted(saw: impl std::fmt::Display) -> Seen {
    let means =
        "the gateway answers 200 and does not do what was asked: data lie there in the clear";
    Seen::new(Verdict::Danger, saw, means)
        .todo("Do not use this gateway, or the proxy before it, for what must be encrypted.")
}

/// The row, and the status of the answer.
async fn put(exam: &mut Exam<'_>) -> Result<(Seen, u16), ProbeError> {
    let answer = exam.put("object", TRIAL).await?;
    if !answer.is_success() {
        exam.profile.saw(Ability::EncryptsPut, false);
        let advice = answer.advice(Operation::PutObject, SentKey::Target);
        let seen = Seen::new(Verdict::Danger, &answer, advice.what).todo(advice.remedy.words());
        return Ok((seen, answer.status));
    }
    let echo = verify_echo(exam.key.key_md5(), &answer.echo());
    let stored = exam.stored("object").await?;
    let good = echo.is_ok() && stored == Stored::Encrypted;
    exam.profile.saw(Ability::EncryptsPut, good);
    let seen = match (good, echo) {
        (true, _) => Seen::good("200, the key echoed; 200 with the key, 400 without", "encrypted"),
        (false, Err(error)) => not_encrypted(format!("{answer}, {error}; {stored}")),
        (false, Ok(_)) => not_encrypted(format!("{answer}, the key echoed; {stored}")),
    };
    Ok((seen, answer.status))
}

async fn get(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::GET, "object")?.key(&exam.key);
    let answer = exam.send(request, b"").await?.needed("GET with the key")?;
    Ok(match (answer.body == TRIAL, verify_echo(exam.key.key_md5(), &answer.echo())) {
        (true, Ok(_)) => Seen::good("200, the content, the key echoed", "it is read as written"),
        (true, Err(error)) => not_encrypted(format!("200, the content, {error}")),
        (false, _) => Seen::new(Verdict::Danger, "200, another content", "it cannot be read again"),
    })
}

async fn range(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let content: Vec<u8> = (0..10_000_u32).map(|index| (index % 251) as u8).collect();
    exam.put("range", &content).await?.needed("PUT of 10,000 bytes")?;
    let request = exam.object(Method::GET, "range")?.header("range", "bytes=4090-8200")?;
    let answer = exam.send(request.key(&exam.key), b"").await?;
    Ok(match (answer.status, answer.body == content[4090..=8200]) {
        (206, true) => Seen::good("206, the bytes asked for", "parts of objects can be read"),
        (206, false) => {
            let means = "ranges of encrypted objects are read wrongly";
            Seen::new(Verdict::Danger, "206, other bytes", means)
                .todo("Upgrade the gateway; whole objects are right.")
        }
        _ => Seen::new(Verdict::Caution, &answer, "ranges are not served"),
    })
}

async fn etag(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let answer = exam.put("etag", TRIAL).await?.needed("PUT")?;
    let md5 = base16ct::lower::encode_string(&md5::Md5::digest(TRIAL));
    Ok(match answer.etag() == md5 {
        true => Seen::new(
            Verdict::Note,
            "the MD5 of the plaintext",
            "whoever may list the bucket sees equal contents, and can guess small ones",
        ),
        false => Seen::good("no MD5 of the plaintext", "listings show nothing of contents"),
    })
}

/// CreateMultipartUpload under our key: the upload ID.
pub(super) async fn create(exam: &mut Exam<'_>, key: &str) -> Result<String, ProbeError> {
    let request = exam.object(Method::POST, key)?.parameter("uploads", "")?.key(&exam.key);
    let answer = exam.send(request, b"").await?.needed("CreateMultipartUpload")?;
    Ok(answer.element("UploadId").unwrap_or_default())
}

/// A request for a part.
pub(super) fn part(
    exam: &Exam<'_>,
    key: &str,
    upload: &str,
    number: u16,
) -> Result<UnsignedRequest, ProbeError> {
    let request = exam.object(Method::PUT, key)?.parameter("partNumber", &number.to_string())?;
    Ok(request.parameter("uploadId", upload)?)
}

/// CompleteMultipartUpload as a request with its body.
pub(super) fn completion(
    exam: &Exam<'_>,
    key: &str,
    upload: &str,
    etags: &[String],
) -> Result<(UnsignedRequest, String), ProbeError> {
    let part = |(index, etag): (usize, &String)| {
        let number = index + 1;
        format!("<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>")
    };
    let parts: String = etags.iter().enumerate().map(part).collect();
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let request = exam.object(Method::POST, key)?.parameter("uploadId", upload)?;
    Ok((request, body))
}

async fn multipart(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let upload = create(exam, "parts").await?;
    let first: Vec<u8> = (0..FIRST_PART).map(|index| (index % 253) as u8).collect();
    let mut etags = Vec::new();
    for (number, content) in [(1, first.as_slice()), (2, TRIAL)] {
        let request = part(exam, "parts", &upload, number)?.key(&exam.key);
        let answer = exam.send(request, content).await?.needed("UploadPart")?;
        if let Err(error) = verify_echo(exam.key.key_md5(), &answer.echo()) {
            exam.profile.saw(Ability::EncryptsMultipart, false);
            return Ok(not_encrypted(format!("part {number}: 200, {error}")));
        }
        etags.push(answer.etag());
    }
    let (request, body) = completion(exam, "parts", &upload, &etags)?;
    let request = request.key(&exam.key);
    exam.send(request, body.as_bytes()).await?.needed("CompleteMultipartUpload")?;
    let stored = exam.stored("parts").await?;
    exam.profile.saw(Ability::EncryptsMultipart, stored == Stored::Encrypted);
    if stored != Stored::Encrypted {
        return Ok(not_encrypted(stored));
    }
    let request = exam.object(Method::GET, "parts")?.key(&exam.key);
    let answer = exam.send(request, b"").await?.needed("GET")?;
    let (whole, seam) = answer.body.split_at(FIRST_PART.min(answer.body.len()));
    Ok(match whole == first && seam == TRIAL {
        true => Seen::good("every step 200, parts echoed, encrypted, read back", "encrypted"),
        false => Seen::new(Verdict::Danger, "read back otherwise", "large objects are damaged"),
    })
}

async fn complete(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let upload = create(exam, "complete").await?;
    let request = part(exam, "complete", &upload, 1)?.key(&exam.key);
    let etag = exam.send(request, TRIAL).await?.needed("UploadPart")?.etag();
    let (request, body) = completion(exam, "complete", &upload, &[etag])?;
    let answer = exam.send(request, body.as_bytes()).await?;
    exam.profile.saw(Ability::CompleteWantsKey, !answer.is_success());
    Ok(match answer.is_success() {
        true => Seen::good(&answer, "any client may complete; this program sends the key anyway"),
        false => Seen::new(
            Verdict::Note,
            &answer,
            "clients that send no key on Complete fail here (older rclone, minio, s3fs, boto2); \
             this program sends it",
        ),
    })
}

/// Several refusals in one row: all of them have to be refusals.
struct Refusals {
    saw: Vec<String>,
    passed: Vec<&'static str>,
}

impl Refusals {
    fn new() -> Self {
        Self { saw: Vec::new(), passed: Vec::new() }
    }

    fn note(&mut self, what: &'static str, answer: &Answer) {
        self.saw.push(format!("{what} {answer}"));
        if !(400..500).contains(&answer.status) {
            self.passed.push(what);
        }
    }

    fn seen(self, good: &str, bad: &str, todo: &str) -> Seen {
        let saw = self.saw.join(", ");
        match self.passed.is_empty() {
            true => Seen::good(saw, good),
            false => Seen::new(Verdict::Danger, saw, bad).todo(todo),
        }
    }
}

const TELL: &str = "Do not use this gateway, or the proxy before it; tell its administrator.";

async fn wrong_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let mut refusals = Refusals::new();
    for method in [Method::GET, Method::HEAD] {
        let what = if method == Method::GET { "GET" } else { "HEAD" };
        let request = exam.object(method, "object")?.key(&exam.other);
        let answer = exam.send(request, b"").await?;
        refusals.note(what, &answer);
    }
    let upload = create(exam, "wrong").await?;
    let request = part(exam, "wrong", &upload, 1)?.key(&exam.other);
    let answer = exam.send(request, TRIAL).await?;
    refusals.note("part", &answer);
    Ok(refusals.seen("other keys are kept out", "another key is let in", TELL))
}

async fn no_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let mut refusals = Refusals::new();
    for method in [Method::GET, Method::HEAD] {
        let what = if method == Method::GET { "GET" } else { "HEAD" };
        let request = exam.object(method, "object")?;
        let answer = exam.send(request, b"").await?;
        refusals.note(what, &answer);
    }
    Ok(refusals.seen("without the key no one can read it", "anyone with access reads it", TELL))
}

async fn half_a_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let mut refusals = Refusals::new();
    for (what, left_out) in [
        ("without algorithm", KeyHeader::Algorithm),
        ("without key", KeyHeader::Key),
        ("without MD5", KeyHeader::KeyMd5),
    ] {
        let request = exam.object(Method::PUT, "half")?.key(&exam.key).without_key_header(left_out);
        let answer = exam.send(request, TRIAL).await?;
        refusals.note(what, &answer);
    }
    for (what, kept) in [
        ("algorithm alone", KeyHeader::Algorithm),
        ("key alone", KeyHeader::Key),
        ("MD5 alone", KeyHeader::KeyMd5),
    ] {
        let mut request = exam.object(Method::PUT, "half")?.key(&exam.key);
        for header in KeyHeader::ALL.into_iter().filter(|header| *header != kept) {
            request = request.without_key_header(header);
        }
        let answer = exam.send(request, TRIAL).await?;
        refusals.note(what, &answer);
    }
    let request = exam.object(Method::PUT, "half")?.key(&exam.key).md5_of(&exam.other);
    let answer = exam.send(request, TRIAL).await?;
    refusals.note("MD5 of another key", &answer);
    let bad = "a header that got lost on the way makes an upload something else than it was meant \
               to be; this program proves every upload";
    Ok(refusals.seen("a damaged set of headers is refused", bad, TELL))
}

async fn two_kinds(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::PUT, "two")?.key(&exam.key);
    let request = request.header("x-amz-server-side-encryption", "AES256")?;
    let answer = exam.send(request, TRIAL).await?;
    if !answer.is_success() {
        return Ok(Seen::good(&answer, "contradictions are refused"));
    }
    let stored = exam.stored("two").await?;
    Ok(match stored {
        Stored::Encrypted => {
            Seen::new(Verdict::Note, format!("{answer}, {stored}"), "the customer key wins")
        }
        other => not_encrypted(format!("{answer}, {other}")),
    })
}
