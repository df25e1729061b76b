//! The honest answers to requests on one object.

use super::store::{CustomerKey, Object, Store};
use super::xml::{self, document, elements, escape, parameter};
use crate::proxy::{Asked, CUSTOMER};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::HeaderValue;

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn xml(body: String) -> Self {
        Self::new(200, body).with("content-type", "application/xml")
    }

    pub(super) fn refuse(status: u16, code: &str) -> Self {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
        Self::new(status, body).with("content-type", "application/xml")
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The echo of the key.
    #[must_use]
    pub(super) fn echo(self, key: Option<&CustomerKey>) -> Self {
        let Some(key) = key else { return self };
        self.with(&format!("{CUSTOMER}algorithm"), "AES256")
            .with(&format!("{CUSTOMER}key-md5"), &key.md5)
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            let latin: Vec<u8> = value.chars().map(|one| one as u8).collect();
            response = response.header(name, HeaderValue::from_bytes(&latin).unwrap());
        }
        response.body(Full::new(self.body)).unwrap()
    }
}

/// How an honest gateway answers.
pub(super) fn answer(store: &mut Store, asked: &Asked, body: &Bytes) -> Answer {
    let name = asked.object();
    if name.is_empty() {
        return super::bucket::answer(store, asked);
    }
    let has = |wanted: &str| parameter(asked, wanted).is_some();
    match asked.method.as_str() {
        "GET" if has("tagging") => tags(store, &name),
        "PUT" if has("tagging") => set_tags(store, &name, body),
        "DELETE" if has("tagging") => set_tags(store, &name, &Bytes::new()),
        "GET" if has("acl") => Answer::xml(document("AccessControlPolicy", OWNED)),
        "PUT" if has("acl") => Answer::new(200, ""),
        "GET" if has("uploadId") => super::write::list_parts(store, asked),
        "GET" | "HEAD" => read(store, asked, &name),
        "DELETE" if has("uploadId") => super::write::abort(store, asked),
        "DELETE" => {
            store.objects.remove(&name);
            Answer::new(204, "")
        }
        _ => super::write::answer(store, asked, &name, body),
    }
}

const OWNED: &str = "<Owner><ID>lab</ID><DisplayName>lab</DisplayName></Owner><AccessControlList>\
    <Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
    xsi:type=\"CanonicalUser\"><ID>lab</ID><DisplayName>lab</DisplayName></Grantee>\
    <Permission>FULL_CONTROL</Permission></Grant></AccessControlList>";

fn tags(store: &Store, name: &str) -> Answer {
    let Some(object) = store.objects.get(name) else { return Answer::refuse(404, "NoSuchKey") };
    let tag = |(key, value): &(String, String)| {
        format!("<Tag><Key>{}</Key><Value>{}</Value></Tag>", escape(key), escape(value))
    };
    let set: String = object.tags.iter().map(tag).collect();
    Answer::xml(document("Tagging", &format!("<TagSet>{set}</TagSet>")))
}

fn set_tags(store: &mut Store, name: &str, body: &Bytes) -> Answer {
    let Some(object) = store.objects.get_mut(name) else { return Answer::refuse(404, "NoSuchKey") };
    let text = String::from_utf8_lossy(body);
    object.tags = elements(&text, "Key").into_iter().zip(elements(&text, "Value")).collect();
    Answer::new(200, "")
}

/// Why an object may not be read with what came along: RGW answers 400 to no key and to a wrong one.
pub(super) fn locked(object: &Object, key: Option<&CustomerKey>) -> Option<Answer> {
    match (&object.key, key) {
        (Some(_), None) => Some(Answer::refuse(400, "InvalidRequest")),
        (Some(right), Some(given)) if right != given => Some(Answer::refuse(400, "InvalidRequest")),
        _ => None,
    }
}

/// Whether a condition on the ETag fails.
pub(super) fn mismatch(asked: &Asked, header: &str, object: Option<&Object>) -> bool {
    let wanted = asked.header(header).map(|etag| etag.trim_matches('"'));
    wanted.is_some_and(|wanted| object.is_none_or(|object| wanted != "*" && object.etag != wanted))
}

fn read(store: &Store, asked: &Asked, name: &str) -> Answer {
    let Some(object) = store.objects.get(name) else { return Answer::refuse(404, "NoSuchKey") };
    if parameter(asked, "versionId").is_some_and(|id| id != "null") {
        return Answer::refuse(404, "NoSuchVersion");
    }
    let key = CustomerKey::of(asked);
    if let Some(refusal) = locked(object, key.as_ref()) {
        return refusal;
    }
    if mismatch(asked, "if-match", Some(object)) {
        return Answer::refuse(412, "PreconditionFailed");
    }
    let length = object.content.len();
    let answer = match asked.header("range").map(|range| span(range, length)) {
        None => Answer::new(200, object.content.clone()),
        Some(None) => return Answer::refuse(416, "InvalidRange"),
        Some(Some((from, to))) => {
            let range = format!("bytes {from}-{to}/{length}");
            Answer::new(206, object.content.slice(from..=to)).with("content-range", range)
        }
    };
    let mut answer = answer
        .echo(object.key.as_ref())
        .with("etag", format!("\"{}\"", object.etag))
        .with("last-modified", xml::http(object.modified))
        .with("accept-ranges", "bytes");
    if !object.tags.is_empty() {
        answer = answer.with("x-amz-tagging-count", object.tags.len().to_string());
    }
    answer.headers.extend(object.headers.iter().cloned());
    let size = answer.body.len().to_string();
    match asked.method.as_str() {
        "HEAD" => Answer { body: Bytes::new(), ..answer }.with("content-length", size),
        _ => answer,
    }
}

/// The first and the last byte of a range.
fn span(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let to = to.parse().unwrap_or(usize::MAX).min(length.checked_sub(1)?);
    (from <= to).then_some((from, to))
}
