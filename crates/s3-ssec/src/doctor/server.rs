//! Rows about tags, versions and their IDs, and bucket policies.

use super::exam::{Exam, TRIAL};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use http::Method;
use s3_ssec_core::condition::OnlyIfAbsent;
use s3_ssec_core::names::BucketName;
use s3_ssec_core::removal::answered_version;

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Features;
    rows.add(topic, "tags", "a tag given to PUT, read back", tags(exam).await);
    rows.add(topic, "list-versions", "a listing of versions", list_versions(exam).await);
    let tried = "the version ID of a PUT, beside the versioning of the bucket";
    rows.add(topic, "version-ids", tried, version_ids(exam).await);
}

async fn tags(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let request = exam.object(Method::PUT, "tags")?.header("x-amz-tagging", "trial=kept")?;
    let answer = exam.send(request.key(&exam.key), TRIAL).await?;
    let alone = "records are in the ledger of the machine that uploads, and nowhere else";
    let todo = "Keep a copy of the ledger: s3-ssec ledger export. Or upload under a direct key.";
    if !answer.is_success() {
        return Ok(Seen::new(Verdict::Caution, &answer, format!("no tags: {alone}")).todo(todo));
    }
    let request = exam.object(Method::GET, "tags")?.parameter("tagging", "")?;
    let read = exam.send(request, b"").await?;
    Ok(match read.element("Value").as_deref() == Some("kept") {
        true => Seen::good("the tag is on the object", "records are kept in the tags of objects"),
        false => {
            let means = format!("tags are dropped without an error: {alone}");
            Seen::new(Verdict::Danger, format!("{answer}; read back: {read}"), means).todo(todo)
        }
    })
}

async fn list_versions(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let bucket = exam.place.bucket.clone();
    let request = exam.setting(&bucket, Method::GET, "versions")?;
    let request = request.parameter("prefix", exam.place.prefix())?;
    let answer = exam.send(request, b"").await?;
    Ok(match answer.is_success() {
        true => Seen::good(&answer, "audit --versions and key retire see every version"),
        false => Seen::new(
            Verdict::Note,
            &answer,
            "versions cannot be listed; where a bucket keeps none, its objects are listed instead",
        ),
    })
}

async fn version_ids(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let bucket = exam.place.bucket.clone();
    let request = exam.setting(&bucket, Method::GET, "versioning")?;
    let versioning = exam.send(request, b"").await?.needed("GET ?versioning")?;
    let answer = exam.put("version", TRIAL).await?.needed("PUT")?;
    let id = answered_version(answer.header("x-amz-version-id"));
    Ok(match (versioning.element("Status"), id) {
        (None, None) => Seen::good("none, without versions", "version IDs name versions"),
        (None, Some(_)) => Seen::new(
            Verdict::Caution,
            "an ID, on a bucket without versions",
            "a deletion by such an ID deletes the object itself; this program believes IDs only where \
             the bucket keeps versions",
        )
        .todo("Let other programs delete without version IDs here."),
        (Some(_), Some(_)) => Seen::good("an ID, with versions", "version IDs name versions"),
        (Some(status), None) => {
            let means = "an upload cannot be distinguished from the versions before it";
            Seen::new(Verdict::Note, format!("no ID, versioning {status}"), means)
        }
    })
}

/// In a bucket with versions, RGW 16 and 18 ignore the condition that holds in others (measured).
pub(super) async fn condition(exam: &mut Exam<'_>, own: &BucketName) -> Result<Seen, ProbeError> {
    let body = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let request = exam.setting(own, Method::PUT, "versioning")?.document(body, "application/xml");
    let enabled = exam.send_as_is(request, body.as_bytes()).await?;
    if !enabled.is_success() {
        return Ok(Seen::new(Verdict::Note, &enabled, "buckets keep no versions"));
    }
    let put = |exam: &Exam<'_>| {
        let request = exam.object_in(own, Method::PUT, "condition")?;
        Ok::<_, ProbeError>(request.header("if-none-match", "*")?.key(&exam.key))
    };
    let request = put(exam)?;
    let first = exam.send(request, TRIAL).await?.needed("PUT")?;
    let request = put(exam)?;
    let answer = exam.send(request, TRIAL).await?;
    let todo =
        "Give links to upload a short life; s3-ssec presign put reports how often one works.";
    Ok(match OnlyIfAbsent::of_trial(first.status, Some(answer.status)) {
        OnlyIfAbsent::Honoured => {
            Seen::good(&answer, "the condition holds in buckets with versions too")
        }
        OnlyIfAbsent::Ignored => Seen::new(
            Verdict::Caution,
            &answer,
            "in buckets with versions the condition is ignored: a link to upload works again and again",
        )
        .todo(todo),
        OnlyIfAbsent::Unknown => {
            let means = "whether the condition holds in buckets with versions could not be tried";
            Seen::new(Verdict::Caution, &answer, means).todo(todo)
        }
    })
}
