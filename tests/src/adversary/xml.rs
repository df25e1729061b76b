//! Reading query strings and writing XML, as much as an S3 server needs.

use crate::proxy::Asked;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::time::SystemTime;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// `encoding-type=url` leaves these as they are.
const NAME: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A parameter of the query, unescaped; empty if it has no value.
pub(super) fn parameter(asked: &Asked, name: &str) -> Option<String> {
    pairs(&asked.query).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// `a=b&c=d`, unescaped.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let text = text.replace('+', "%20");
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(name), unescape(value))
        })
        .collect()
}

pub(super) fn unescape(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A key as a listing shows it.
pub(super) fn listed_name(asked: &Asked, name: &str) -> String {
    match parameter(asked, "encoding-type").as_deref() {
        Some("url") => utf8_percent_encode(name, NAME).to_string(),
        _ => escape(name),
    }
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape_entities(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

pub(super) fn document(root: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><{root} xmlns=\"{NAMESPACE}\">{inner}</{root}>"
    )
}

/// The texts of all elements of this name.
pub(super) fn elements(document: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let after = document.split(&open).skip(1);
    after.filter_map(|rest| Some(unescape_entities(rest.split_once(&close)?.0))).collect()
}

/// The form of times in XML.
pub(super) fn iso(time: SystemTime) -> String {
    DateTime::from(time).fmt(DateTimeFormat::DateTime).unwrap()
}

/// The form of times in headers.
pub(super) fn http(time: SystemTime) -> String {
    DateTime::from(time).fmt(DateTimeFormat::HttpDate).unwrap()
}
