//! The ways in which gateways answer 200 to a request with a customer key and store plaintext.
//!
//! This program falls into none: it never makes such requests, and believes only the echo. Other
//! programs on the same bucket do.

use super::encryption::{completion, part};
use super::exam::{Exam, Stored, TRIAL};
use super::{ProbeError, Rows, Seen, Topic, Verdict, form};
use http::Method;
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::profile::Ability;
use std::fmt;

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Traps;
    let tried = "CopyObject of a plain object with a customer key for the copy";
    rows.add(topic, "plain-copy", tried, copy(exam).await);
    let tried = "a part with a key into an upload that was created without";
    rows.add(topic, "plain-upload", tried, late_key(exam).await);
    rows.add(topic, "append", "PUT ?append with a customer key", append(exam).await);
    rows.add(topic, "empty-headers", "PUT with all three headers empty", empty(exam).await);
    let tried = "a browser form whose fields are written X-Amz-...";
    rows.add(topic, "form-case", tried, form::check(exam).await);
    let tried = "Create with the algorithm in the address";
    rows.add(topic, "address-create", tried, in_address(exam, Method::POST).await);
    let tried = "PUT with the algorithm in the address";
    rows.add(topic, "address-put", tried, in_address(exam, Method::PUT).await);
    let tried = "GET of a plain object with a customer key";
    rows.add(topic, "plain-read", tried, plain_read(exam).await);
}

/// The row of a trap: `answer` was a success or not, and this is what lies there.
pub(super) fn judged(answer: impl fmt::Display, stored: &Stored, avoid: &str) -> Seen {
    match stored {
        Stored::Plaintext => Seen::new(
            Verdict::Caution,
            format!("{answer}, {stored}"),
            "a trap: success is claimed, and nothing is encrypted",
        )
        .todo(avoid),
        Stored::Encrypted => Seen::good(format!("{answer}, {stored}"), "no trap: it is encrypted"),
        Stored::Nothing => Seen::good(format!("{answer}, {stored}"), "no trap: it is refused"),
        Stored::Unclear(_) => {
            Seen::new(Verdict::Untried, format!("{answer}; {stored}"), "it cannot be told")
        }
    }
}

async fn copy(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    exam.put_plain("plain").await?.needed("PUT without a key")?;
    let name = exam.name("plain")?;
    let source = format!("/{}/{}", name.bucket, name.key);
    let request = exam.object(Method::PUT, "plain-copy")?.header("x-amz-copy-source", &source)?;
    let answer = exam.send(request.key(&exam.key), b"").await?;
    let stored = exam.stored("plain-copy").await?;
    exam.profile.saw(Ability::CopyEncrypts, stored == Stored::Encrypted);
    let avoid = "Copy with s3-ssec cp, which proves the copy or streams it; others: upgrade to RGW \
                 20.2.4.";
    Ok(judged(answer, &stored, avoid))
}

async fn late_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::POST, "late")?.parameter("uploads", "")?;
    let answer = exam.send(request, b"").await?.needed("Create without a key")?;
    let upload = answer.element("UploadId").unwrap_or_default();
    let request = part(exam, "late", &upload, 1)?.key(&exam.key);
    let answer = exam.send(request, TRIAL).await?;
    if !answer.is_success() {
        return Ok(judged(answer, &Stored::Nothing, ""));
    }
    let (request, body) = completion(exam, "late", &upload, &[answer.etag()])?;
    exam.send(request, body.as_bytes()).await?.needed("Complete")?;
    let stored = exam.stored("late").await?;
    let avoid = "Check the echo of Create before the first part leaves, as s3-ssec put does.";
    Ok(judged(answer, &stored, avoid))
}

async fn append(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::PUT, "append")?.parameter("append", "")?;
    let request = request.parameter("position", "0")?.key(&exam.key);
    let answer = exam.send(request, TRIAL).await?;
    // A gateway that does not know the parameter takes it for a plain PUT, which encrypts.
    let stored = exam.stored("append").await?;
    Ok(judged(answer, &stored, "Do not append to objects that must be encrypted."))
}

async fn empty(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::PUT, "empty")?.empty_key_headers();
    let answer = exam.send(request, TRIAL).await?;
    let stored = exam.stored("empty").await?;
    let avoid = "Let scripts stop at unset variables (set -u), or let them use s3-ssec put; on RGW \
                 20 s3-ssec policy apply --require-ssec refuses such uploads.";
    Ok(judged(answer, &stored, avoid))
}

async fn in_address(exam: &mut Exam<'_>, method: Method) -> Result<Seen, ProbeError> {
    let avoid = "Never put SSE-C parameters into addresses: the gateway logs them; s3-ssec presign \
                 gives headers.";
    if method == Method::PUT {
        let request = exam.object(method, "address")?.algorithm_in_address();
        let answer = exam.send(request, TRIAL).await?;
        let stored = exam.stored("address").await?;
        return Ok(judged(answer, &stored, avoid));
    }
    let request = exam.object(method, "address-parts")?.parameter("uploads", "")?;
    let answer = exam.send(request.algorithm_in_address(), b"").await?;
    let stored = match answer.is_success() && answer.echo().is_absent() {
        // An upload that was created without a key becomes a plain object.
        true => Stored::Plaintext,
        false => Stored::Nothing,
    };
    Ok(judged(answer, &stored, avoid))
}

async fn plain_read(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    exam.put_plain("plain").await?.needed("PUT without a key")?;
    let request = exam.object(Method::GET, "plain")?.key(&exam.key);
    let answer = exam.send(request, b"").await?;
    let echoed = verify_echo(exam.key.key_md5(), &answer.echo()).is_ok();
    Ok(match (answer.is_success(), echoed) {
        (false, _) => Seen::good(answer, "a plain object is not taken for an encrypted one"),
        (true, false) => Seen::new(
            Verdict::Caution,
            format!("{answer}, no echo"),
            "that a key reads an object does not say that the object is encrypted",
        )
        .todo("Look for the echo, as s3-ssec get and audit do."),
        (true, true) => Seen::new(
            Verdict::Danger,
            format!("{answer}, the key echoed"),
            "the gateway says of a plain object that it is encrypted",
        )
        .todo("Do not use this gateway for what must be encrypted."),
    })
}
