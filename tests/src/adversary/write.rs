//! The honest answers to writes: objects, copies, and uploads in parts.

use super::answers::{Answer, locked, mismatch};
use super::store::{CustomerKey, Object, Store, Upload, md5_hex};
use super::xml::{self, document, elements, escape, pairs, parameter};
use crate::proxy::Asked;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Headers of a write that come back with every read.
const KEPT: [&str; 6] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "x-amz-meta-",
];

pub(super) fn answer(store: &mut Store, asked: &Asked, name: &str, body: &Bytes) -> Answer {
    let has = |wanted: &str| parameter(asked, wanted).is_some();
    match asked.method.as_str() {
        "POST" if has("uploads") => create(store, asked, name),
        "POST" if has("uploadId") => complete(store, asked, name, body),
        "PUT" if has("partNumber") => part(store, asked, body),
        "PUT" if asked.header("x-amz-copy-source").is_some() => copy(store, asked, name),
        "PUT" => put(store, asked, name, body),
        _ => Answer::refuse(405, "MethodNotAllowed"),
    }
}

/// The object that a write makes.
pub(super) fn written(asked: &Asked, content: Bytes) -> Object {
    let tags = asked.header("x-amz-tagging").map(pairs).unwrap_or_default();
    let kept = |name: &str| KEPT.iter().any(|kept| name.starts_with(kept));
    let headers = asked.headers.iter().filter(|(name, _)| kept(name.as_str()));
    let headers = headers.filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let headers = headers.collect();
    Object { tags, headers, ..Object::new(content, CustomerKey::of(asked)) }
}

fn damaged(asked: &Asked, body: &Bytes) -> bool {
    asked.header("content-md5").is_some_and(|md5| md5 != STANDARD.encode(Md5::digest(body)))
}

fn conflicts(store: &Store, asked: &Asked, name: &str) -> bool {
    let existing = store.objects.get(name);
    let keeps = asked.header("if-none-match") == Some("*") && existing.is_some();
    keeps || mismatch(asked, "if-match", existing)
}

fn put(store: &mut Store, asked: &Asked, name: &str, body: &Bytes) -> Answer {
    if damaged(asked, body) {
        return Answer::refuse(400, "BadDigest");
    }
    if conflicts(store, asked, name) {
        return Answer::refuse(412, "PreconditionFailed");
    }
    let object = written(asked, body.clone());
    let answer = stored(&object);
    store.objects.insert(name.to_owned(), object);
    answer
}

/// The answer to a write.
pub(super) fn stored(object: &Object) -> Answer {
    let etag = format!("\"{}\"", object.etag);
    Answer::new(200, "").with("etag", etag).echo(object.key.as_ref())
}

/// The object that a copy makes, or why there is none.
pub(super) fn copied(store: &Store, asked: &Asked) -> Result<Object, Answer> {
    let source = xml::unescape(asked.header("x-amz-copy-source").unwrap_or_default());
    let source = source.split("?versionId=").next().unwrap_or_default().trim_start_matches('/');
    let key = source.split_once('/').map_or("", |(_, key)| key);
    let source = store.objects.get(key).ok_or_else(|| Answer::refuse(404, "NoSuchKey"))?;
    if let Some(refusal) = locked(source, CustomerKey::of_source(asked).as_ref()) {
        return Err(refusal);
    }
    if mismatch(asked, "x-amz-copy-source-if-match", Some(source)) {
        return Err(Answer::refuse(412, "PreconditionFailed"));
    }
    let replaces = |header: &str| asked.header(header) == Some("REPLACE");
    let mut object = written(asked, source.content.clone());
    if !replaces("x-amz-metadata-directive") {
        object.headers.clone_from(&source.headers);
    }
    if !replaces("x-amz-tagging-directive") {
        object.tags.clone_from(&source.tags);
    }
    Ok(object)
}

pub(super) fn copy_answer(object: &Object) -> Answer {
    let inner = format!(
        "<LastModified>{}</LastModified><ETag>\"{}\"</ETag>",
        xml::iso(object.modified),
        object.etag
    );
    Answer::xml(document("CopyObjectResult", &inner)).echo(object.key.as_ref())
}

fn copy(store: &mut Store, asked: &Asked, name: &str) -> Answer {
    if conflicts(store, asked, name) {
        return Answer::refuse(412, "PreconditionFailed");
    }
    match copied(store, asked) {
        Ok(object) => {
            let answer = copy_answer(&object);
            store.objects.insert(name.to_owned(), object);
            answer
        }
        Err(refusal) => refusal,
    }
}

fn create(store: &mut Store, asked: &Asked, name: &str) -> Answer {
    let id = store.fresh("upload");
    let form = written(asked, Bytes::new());
    let inner = format!("<Key>{}</Key><UploadId>{id}</UploadId>", escape(name));
    let answer = Answer::xml(document("InitiateMultipartUploadResult", &inner));
    let answer = answer.echo(form.key.as_ref());
    store.uploads.insert(id, Upload { object: name.to_owned(), form, parts: BTreeMap::new() });
    answer
}

fn upload<'s>(store: &'s mut Store, asked: &Asked) -> Option<&'s mut Upload> {
    store.uploads.get_mut(&parameter(asked, "uploadId")?)
}

fn part(store: &mut Store, asked: &Asked, body: &Bytes) -> Answer {
    let Some(upload) = upload(store, asked) else { return Answer::refuse(404, "NoSuchUpload") };
    if upload.form.key != CustomerKey::of(asked) {
        return Answer::refuse(400, "InvalidRequest");
    }
    if damaged(asked, body) {
        return Answer::refuse(400, "BadDigest");
    }
    let number = parameter(asked, "partNumber").and_then(|number| number.parse().ok());
    upload.parts.insert(number.unwrap_or_default(), body.clone());
    let etag = format!("\"{}\"", md5_hex(body));
    Answer::new(200, "").with("etag", etag).echo(upload.form.key.as_ref())
}

pub(super) fn list_parts(store: &mut Store, asked: &Asked) -> Answer {
    let Some(upload) = upload(store, asked) else { return Answer::refuse(404, "NoSuchUpload") };
    let mut inner = "<IsTruncated>false</IsTruncated>".to_owned();
    for (number, content) in &upload.parts {
        let (etag, size) = (md5_hex(content), content.len());
        let _ = write!(
            inner,
            "<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag><Size>{size}</Size></Part>"
        );
    }
    Answer::xml(document("ListPartsResult", &inner))
}

fn complete(store: &mut Store, asked: &Asked, name: &str, body: &Bytes) -> Answer {
    if conflicts(store, asked, name) {
        return Answer::refuse(412, "PreconditionFailed");
    }
    let id = parameter(asked, "uploadId").unwrap_or_default();
    let Some(upload) = store.uploads.get(&id) else { return Answer::refuse(404, "NoSuchUpload") };
    let mut content = BytesMut::new();
    for number in elements(&String::from_utf8_lossy(body), "PartNumber") {
        match number.parse().ok().and_then(|number: u32| upload.parts.get(&number)) {
            Some(part) => content.extend_from_slice(part),
            None => return Answer::refuse(400, "InvalidPart"),
        }
    }
    let mut object = upload.form.clone().with_content(content);
    object.etag.push_str("-1");
    object.modified = std::time::SystemTime::now();
    let inner = format!("<Key>{}</Key><ETag>\"{}\"</ETag>", escape(name), object.etag);
    let answer = Answer::xml(document("CompleteMultipartUploadResult", &inner));
    let answer = answer.echo(object.key.as_ref());
    store.uploads.remove(&id);
    store.objects.insert(name.to_owned(), object);
    answer
}

pub(super) fn abort(store: &mut Store, asked: &Asked) -> Answer {
    match store.uploads.remove(&parameter(asked, "uploadId").unwrap_or_default()) {
        Some(_) => Answer::new(204, ""),
        None => Answer::refuse(404, "NoSuchUpload"),
    }
}
