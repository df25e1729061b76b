//! What the gateway can copy of objects under customer keys.

use super::encryption::{completion, create, part};
use super::exam::{Exam, Stored};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use http::Method;
use s3_ssec_core::echo::{verify_by_heads, verify_echo};
use s3_ssec_core::profile::Ability;

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Copies;
    let tried = "parts copied from an object under the same key";
    rows.add(topic, "copy-same-key", tried, same_key(exam).await);
    let tried = "CopyObject from one customer key to another";
    rows.add(topic, "copy-new-key", tried, new_key(exam).await);
    let tried = "CopyObject of an encrypted object without its key";
    rows.add(topic, "copy-without-key", tried, without_key(exam).await);
}

async fn same_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let source = source(exam)?;
    let upload = create(exam, "same").await?;
    let request = part(exam, "same", &upload, 1)?.header("x-amz-copy-source", &source)?;
    let request = request.key(&exam.key).source_key(&exam.key.as_source());
    let answer = exam.send(request, b"").await?;
    if !answer.is_success() {
        exam.profile.saw(Ability::CopyKeepsKey, false);
        let means = "encrypted objects cannot be copied by the gateway";
        return Ok(Seen::new(Verdict::Note, answer, means));
    }
    let etag = answer.element("ETag").unwrap_or_default();
    let etag = etag.replace("&quot;", "").trim_matches('"').to_owned();
    let (request, body) = completion(exam, "same", &upload, &[etag])?;
    let request = request.key(&exam.key);
    exam.send(request, body.as_bytes()).await?.needed("Complete")?;
    let stored = exam.stored("same").await?;
    exam.profile.saw(Ability::CopyKeepsKey, stored == Stored::Encrypted);
    Ok(match stored {
        Stored::Encrypted => Seen::good("200, stored encrypted", "copies under one key work"),
        other => Seen::new(Verdict::Danger, format!("200, {other}"), "the copy is not encrypted"),
    })
}

fn source(exam: &Exam<'_>) -> Result<String, ProbeError> {
    let name = exam.name("object")?;
    Ok(format!("/{}/{}", name.bucket, name.key))
}

async fn new_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let source = source(exam)?;
    let request = exam.object(Method::PUT, "renewed")?.header("x-amz-copy-source", &source)?;
    let request = request.key(&exam.other).source_key(&exam.key.as_source());
    let answer = exam.send(request, b"").await?;
    if !answer.is_success() {
        exam.profile.saw(Ability::CopyChangesKey, false);
        let means = "the gateway cannot change keys: rekey and cp stream through this machine";
        return Ok(Seen::new(Verdict::Note, answer, means));
    }
    let request = exam.object(Method::HEAD, "renewed")?.key(&exam.other);
    let with = exam.send(request, b"").await?;
    let (without, _) = exam.without_key("renewed").await?;
    let proof = verify_by_heads(exam.other.key_md5(), &with.echo(), without);
    exam.profile.saw(Ability::CopyChangesKey, proof.is_ok());
    Ok(match proof {
        Ok(_) => {
            let echoed = verify_echo(exam.other.key_md5(), &answer.echo()).is_ok();
            let echo = if echoed { "the new key echoed" } else { "no echo" };
            let means = "rekey needs no bandwidth: the gateway re-encrypts by itself";
            Seen::good(format!("{answer}, {echo}, stored under the new key"), means)
        }
        Err(error) => {
            let means = "the gateway claims to change the key, and does not";
            Seen::new(Verdict::Danger, format!("{answer}, {error}"), means)
                .todo("Copy by streaming only: s3-ssec cp and rekey do so here.")
        }
    })
}

async fn without_key(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let source = source(exam)?;
    let request = exam.object(Method::PUT, "stolen")?.header("x-amz-copy-source", &source)?;
    let answer = exam.send(request, b"").await?;
    let stored = exam.head_plain("stolen").await?;
    Ok(match answer.is_success() || stored.is_success() {
        false => Seen::good(&answer, "no one copies an object that they cannot read"),
        true => {
            let means = "an object under a key is copied without the key";
            Seen::new(Verdict::Danger, &answer, means).todo("Tell the administrator.")
        }
    })
}
