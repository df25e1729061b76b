//! The XML body of a refused S3 request, read tolerantly and passed on sparingly.
//!
//! RGW leaves `Message` empty in many answers and always leaves `Key` out; a Complete that took long
//! is preceded by white space; a proxy answers HTML. None of that is an error here: what cannot be
//! read is `None`, and the status decides.
//!
//! Only the fields below are kept. Other fields repeat parts of the request: AWS returns the
//! `CanonicalRequest` of a bad signature, customer key included.

use crate::xml::{self, XmlError};

/// Bodies above this are not read: no S3 error comes near it.
pub const BODY_MAX: usize = 64 << 10;
/// Longest text kept of one field, in characters.
const TEXT_MAX: usize = 300;

/// What a gateway says about a refusal. Texts are printable and short: they can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The S3 error code, such as `NoSuchKey`.
    pub code: String,
    /// The gateway's explanation; RGW often leaves it empty, which is `None`.
    pub message: Option<String>,
    /// The request's ID, by which an administrator finds it in the logs.
    pub request_id: Option<String>,
    /// The bucket, named by RGW.
    pub bucket: Option<String>,
}

impl ErrorResponse {
    /// Reads a body. `None` if it is not an S3 error with a code, or longer than [`BODY_MAX`].
    pub fn parse(body: &[u8]) -> Option<Self> {
        if body.len() > BODY_MAX {
            return None;
        }
        let [mut code, mut message, mut request_id, mut bucket] = [const { None }; 4];
        xml::read(body, Some("Error"), |path, text| {
            let field = match path {
                [name] if name == "Code" => &mut code,
                [name] if name == "Message" => &mut message,
                [name] if name == "RequestId" => &mut request_id,
                [name] if name == "BucketName" => &mut bucket,
                _ => return Ok(()),
            };
            let text = printable(text);
            *field = (!text.is_empty()).then_some(text);
            Ok::<(), XmlError>(())
        })
        .ok()?;
        Some(Self { code: code?, message, request_id, bucket })
    }
}

/// A gateway's text made fit to show: one line, bounded, no control characters, so that an answer
/// cannot steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().map(clean).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_rgw_sends() {
        let body =
            b"\n  <?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InvalidRequest</Code>\
            <Message></Message><BucketName>b</BucketName><RequestId>tx000-1</RequestId>\
            <HostId>x-default</HostId></Error>";
        let expected = ErrorResponse {
            code: "InvalidRequest".to_owned(),
            message: None,
            request_id: Some("tx000-1".to_owned()),
            bucket: Some("b".to_owned()),
        };
        assert_eq!(ErrorResponse::parse(body), Some(expected));
    }

    #[test]
    fn reads_entities_namespaces_and_only_known_fields() {
        let body = "\u{feff}<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
            <Code>SignatureDoesNotMatch</Code><Message>a &lt;b&gt; &amp; \u{1b}[31mred</Message>\
            <CanonicalRequest>secret</CanonicalRequest><Nested><Code>x</Code></Nested></Error>";
        let parsed = ErrorResponse::parse(body.as_bytes()).unwrap();
        assert_eq!(parsed.code, "SignatureDoesNotMatch");
        assert_eq!(parsed.message.as_deref(), Some("a <b> &  [31mred"));
        assert!(!format!("{parsed:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_s3_error_is_none() {
        let long = format!("<Error><Code>{}</Code></Error>", "x".repeat(BODY_MAX));
        let bodies = [
            "",
            "   ",
            "502 Bad Gateway",
            "<html><body><h1>502</h1></body></html>",
            "<Error></Error>",
            "<Error><Code></Code></Error>",
            "<Error><Code>NoSuchKey</Message>",
            "{\"Code\": \"NoSuchKey\"}",
            "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>",
            "<!DOCTYPE e [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>",
            &long,
        ];
        for body in bodies {
            assert_eq!(
                ErrorResponse::parse(body.as_bytes()),
                None,
                "{}",
                &body[..body.len().min(70)]
            );
        }
        assert_eq!(ErrorResponse::parse(&[0xff, 0xfe, b'<']), None);
        let long_message =
            format!("<Error><Code>A</Code><Message>{}</Message></Error>", "é".repeat(999));
        let parsed = ErrorResponse::parse(long_message.as_bytes()).unwrap();
        assert_eq!(parsed.message.unwrap().chars().count(), TEXT_MAX);
    }
}
