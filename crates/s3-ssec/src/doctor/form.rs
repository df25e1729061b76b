//! A browser form whose fields are not in lower case: RGW 17 and later store plaintext (measured).

use super::exam::{Answer, Exam, TRIAL};
use super::traps::judged;
use super::{ProbeError, Seen};
use crate::presign::now;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use s3_ssec_core::timestamp::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const BOUNDARY: &str = "s3-ssec-form-boundary";
/// Seconds for which the form may be sent.
const LIFETIME: u64 = 300;

pub(super) async fn check(exam: &mut Exam<'_>) -> Result<Seen, ProbeError> {
    let answer = send(exam, "form").await?;
    let stored = exam.stored("form").await?;
    let avoid = "Write the fields of forms in lower case, key-md5 included, and ask for 201, which \
                 echoes; or upload with fetch and headers, as the page of s3-ssec does.";
    Ok(judged(answer, &stored, avoid))
}

async fn send(exam: &mut Exam<'_>, key: &str) -> Result<Answer, ProbeError> {
    let name = exam.name(key)?;
    let now = now();
    let signing = exam.signer.form_fields(now);
    let keys: Vec<(String, Zeroizing<String>)> =
        exam.key.pairs().into_iter().map(|(name, value)| (title(name), wiped(value))).collect();
    // The key itself never stands in the policy: gateways log it at their highest level.
    let mut conditions = vec![json!({ "bucket": name.bucket.as_str() })];
    conditions.push(json!({ "key": name.key.as_str() }));
    conditions.extend(signing.iter().map(|(field, value)| json!({ *field: value })));
    let any =
        |(field, _): &(String, _)| json!(["starts-with", format!("${}", field.to_lowercase()), ""]);
    conditions.extend(keys.iter().map(any));
    let policy = json!({ "expiration": expiration(now), "conditions": Value::Array(conditions) });
    let policy = STANDARD.encode(policy.to_string());
    let signature = exam.signer.sign_form(&policy, now);
    let mut body = Zeroizing::new(String::with_capacity(4096));
    let own = [("key", name.key.as_str()), ("policy", &policy), ("x-amz-signature", &signature)];
    own.into_iter().for_each(|(field, value)| add(&mut body, field, value));
    signing.iter().for_each(|(field, value)| add(&mut body, field, value));
    keys.iter().for_each(|(field, value)| add(&mut body, field, value));
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\
                Content-Type: application/octet-stream";
    body.push_str(&format!("--{BOUNDARY}\r\n{file}\r\n\r\n"));
    body.push_str(&String::from_utf8_lossy(TRIAL));
    body.push_str(&format!("\r\n--{BOUNDARY}--\r\n"));
    let url = format!("{}/{}", exam.client.endpoint(), name.bucket);
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let headers = [("content-type".to_owned(), Zeroizing::new(content_type))];
    exam.raw(Method::POST, &url, &headers, body.as_bytes()).await
}

fn add(body: &mut String, field: &str, value: &str) {
    body.push_str(&format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n"
    ));
    body.push_str(value);
    body.push_str("\r\n");
}

fn wiped(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

/// `X-Amz-...`, as documentation spells it.
fn title(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(1.min(word.len()));
        format!("{}{rest}", first.to_uppercase())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn expiration(now: Timestamp) -> String {
    let seconds = i64::try_from(now.plus(LIFETIME).unix_seconds()).unwrap_or(i64::MAX);
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_documentation_spells_them() {
        assert_eq!(title("x-amz-key-md5"), "X-Amz-Key-Md5");
    }

    #[test]
    fn a_form_expires_in_the_form_of_iso_8601() {
        assert_eq!(expiration(Timestamp::from_unix_seconds(0)), "1970-01-01T00:05:00Z");
    }
}
