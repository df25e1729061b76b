//! Uploads by form, as browsers send them without scripts.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3_ssec_core::endpoint::Endpoint;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::sigv4::Signer;
use s3_ssec_core::timestamp::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const BOUNDARY: &str = "s3-ssec-form-boundary";
/// Seconds for which the form may be sent.
const LIFETIME: u64 = 300;

/// A form, ready to be posted.
pub(crate) struct Form {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, Zeroizing<String>)>,
    pub(crate) body: Zeroizing<String>,
}

impl Form {
    /// Signs a form for one object with one small file. `keys` are the fields of a customer key, or
    /// none.
    pub(crate) fn new(
        endpoint: &Endpoint,
        signer: &mut Signer,
        now: Timestamp,
        name: &ObjectName,
        keys: &[(String, Zeroizing<String>)],
        file: &str,
    ) -> Self {
        let signing = signer.form_fields(now);
        // The key itself never stands in the policy: gateways log it at their highest level.
        let mut conditions = vec![json!({ "bucket": name.bucket.as_str() })];
        conditions.push(json!({ "key": name.key.as_str() }));
        conditions.extend(signing.iter().map(|(field, value)| json!({ *field: value })));
        let any = |(field, _): &(String, _)| {
            json!(["starts-with", format!("${}", field.to_lowercase()), ""])
        };
        conditions.extend(keys.iter().map(any));
        let policy =
            json!({ "expiration": expiration(now), "conditions": Value::Array(conditions) });
        let policy = STANDARD.encode(policy.to_string());
        let signature = signer.sign_form(&policy, now);
        let mut body = Zeroizing::new(String::with_capacity(4096));
        let own =
            [("key", name.key.as_str()), ("policy", &policy), ("x-amz-signature", &signature)];
        own.into_iter().for_each(|(field, value)| add(&mut body, field, value));
        signing.iter().for_each(|(field, value)| add(&mut body, field, value));
        keys.iter().for_each(|(field, value)| add(&mut body, field, value));
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\
                    Content-Type: application/octet-stream";
        body.push_str(&format!("--{BOUNDARY}\r\n{head}\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"));
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        Self {
            url: format!("{endpoint}/{}", name.bucket),
            headers: vec![("content-type".to_owned(), Zeroizing::new(content_type))],
            body,
        }
    }
}

fn add(body: &mut String, field: &str, value: &str) {
    body.push_str(&format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n"
    ));
    body.push_str(value);
    body.push_str("\r\n");
}

fn expiration(now: Timestamp) -> String {
    let seconds = i64::try_from(now.plus(LIFETIME).unix_seconds()).unwrap_or(i64::MAX);
    DateTime::from_secs(seconds).fmt(Format::DateTime).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_expires_in_the_form_of_iso_8601() {
        assert_eq!(expiration(Timestamp::from_unix_seconds(0)), "1970-01-01T00:05:00Z");
    }
}
