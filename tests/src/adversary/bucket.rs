//! The honest answers to requests on the bucket: listings and settings.

use super::BUCKET;
use super::answers::Answer;
use super::store::{Object, Store};
use super::xml::{self, document, listed_name, parameter};
use crate::proxy::Asked;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Entries of a page: few, so that every listing has several.
pub(super) const PAGE: usize = 2;

pub(super) fn answer(store: &mut Store, asked: &Asked) -> Answer {
    let has = |wanted: &str| parameter(asked, wanted).is_some();
    let absent = [
        ("policy", "NoSuchBucketPolicy"),
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
    ];
    match asked.method.as_str() {
        "HEAD" => Answer::new(200, ""),
        "GET" if asked.path.trim_matches('/').is_empty() => buckets(),
        "GET" if has("versioning") => Answer::xml(document("VersioningConfiguration", "")),
        "GET" if has("location") => Answer::xml(document("LocationConstraint", "")),
        "GET" if has("uploads") => uploads(store, asked),
        "GET" if has("versions") => versions(store, asked),
        "GET" => match absent.iter().find(|(name, _)| has(name)) {
            Some((_, code)) => Answer::refuse(404, code),
            None => objects(store, asked),
        },
        _ => Answer::refuse(501, "NotImplemented"),
    }
}

fn buckets() -> Answer {
    let bucket = format!(
        "<Owner><ID>lab</ID></Owner><Buckets><Bucket><Name>{BUCKET}</Name>\
         <CreationDate>2026-11-25T17:00:00.000Z</CreationDate></Bucket></Buckets>"
    );
    Answer::xml(document("ListAllMyBucketsResult", &bucket))
}

/// One page of a listing.
struct Page<'s> {
    objects: Vec<(&'s String, &'s Object)>,
    prefixes: BTreeSet<String>,
    /// The last name of the page, if there are more.
    next: Option<String>,
}

fn page<'s>(store: &'s Store, asked: &Asked, after: &str) -> Page<'s> {
    let prefix = parameter(asked, "prefix").unwrap_or_default();
    let delimiter = parameter(asked, "delimiter").filter(|delimiter| !delimiter.is_empty());
    let mut page = Page { objects: Vec::new(), prefixes: BTreeSet::new(), next: None };
    let mut last = String::new();
    for (name, object) in &store.objects {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let folded = delimiter.as_ref().and_then(|delimiter| {
            let end = rest.find(delimiter.as_str())? + delimiter.len();
            Some(format!("{prefix}{}", &rest[..end]))
        });
        let entry = folded.clone().unwrap_or_else(|| name.clone());
        if entry.as_str() <= after || page.prefixes.contains(&entry) {
            continue;
        }
        if page.objects.len() + page.prefixes.len() == PAGE {
            page.next = Some(last);
            break;
        }
        last.clone_from(&entry);
        match folded {
            Some(folded) => drop(page.prefixes.insert(folded)),
            None => page.objects.push((name, object)),
        }
    }
    page
}

fn entry(asked: &Asked, name: &str, object: &Object) -> String {
    format!(
        "<Key>{}</Key><LastModified>{}</LastModified><ETag>\"{}\"</ETag><Size>{}</Size>\
         <StorageClass>STANDARD</StorageClass>",
        listed_name(asked, name),
        xml::iso(object.modified),
        object.etag,
        object.content.len()
    )
}

/// The elements that every listing begins with.
fn head(asked: &Asked, truncated: bool) -> String {
    let prefix = parameter(asked, "prefix").unwrap_or_default();
    let url = parameter(asked, "encoding-type").is_some();
    let encoding = if url { "<EncodingType>url</EncodingType>" } else { "" };
    format!(
        "<Name>{BUCKET}</Name><Prefix>{}</Prefix>{encoding}<MaxKeys>1000</MaxKeys>\
         <IsTruncated>{truncated}</IsTruncated>",
        listed_name(asked, &prefix)
    )
}

fn prefixes(asked: &Asked, page: &Page<'_>) -> String {
    let common = |prefix: &String| {
        let prefix = listed_name(asked, prefix);
        format!("<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>")
    };
    page.prefixes.iter().map(common).collect()
}

fn objects(store: &Store, asked: &Asked) -> Answer {
    let start = parameter(asked, "continuation-token").or_else(|| parameter(asked, "start-after"));
    let page = page(store, asked, &start.unwrap_or_default());
    let mut inner = head(asked, page.next.is_some());
    let count = page.objects.len() + page.prefixes.len();
    let _ = write!(inner, "<KeyCount>{count}</KeyCount>");
    if let Some(next) = &page.next {
        let next = xml::escape(next);
        let _ = write!(inner, "<NextContinuationToken>{next}</NextContinuationToken>");
    }
    for (name, object) in &page.objects {
        let _ = write!(inner, "<Contents>{}</Contents>", entry(asked, name, object));
    }
    inner.push_str(&prefixes(asked, &page));
    Answer::xml(document("ListBucketResult", &inner))
}

fn versions(store: &Store, asked: &Asked) -> Answer {
    let page = page(store, asked, &parameter(asked, "key-marker").unwrap_or_default());
    let mut inner = head(asked, page.next.is_some());
    if let Some(next) = &page.next {
        let next = listed_name(asked, next);
        let _ = write!(
            inner,
            "<NextKeyMarker>{next}</NextKeyMarker><NextVersionIdMarker>null</NextVersionIdMarker>"
        );
    }
    for (name, object) in &page.objects {
        let entry = entry(asked, name, object);
        let version = "<VersionId>null</VersionId><IsLatest>true</IsLatest>";
        let _ = write!(inner, "<Version>{version}{entry}</Version>");
    }
    inner.push_str(&prefixes(asked, &page));
    Answer::xml(document("ListVersionsResult", &inner))
}

fn uploads(store: &Store, asked: &Asked) -> Answer {
    let prefix = parameter(asked, "prefix").unwrap_or_default();
    let mut inner = format!("<Bucket>{BUCKET}</Bucket><IsTruncated>false</IsTruncated>");
    for (id, upload) in store.uploads.iter().filter(|(_, one)| one.object.starts_with(&prefix)) {
        let _ = write!(
            inner,
            "<Upload><Key>{}</Key><UploadId>{id}</UploadId><Initiated>{}</Initiated></Upload>",
            listed_name(asked, &upload.object),
            xml::iso(upload.form.modified)
        );
    }
    Answer::xml(document("ListMultipartUploadsResult", &inner))
}
