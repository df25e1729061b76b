//! `s3-ssec ls`: buckets, or what is in one.

use crate::args::LsArgs;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::text::{printable, rfc3339, time};
use indicatif::HumanBytes;
use s3_ssec::core::names::S3Address;
use s3_ssec::{Client, Listed};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: LsArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    match args.address {
        None => buckets(session, &client).await,
        Some(address) => {
            let delimiter = (!args.recursive).then_some("/");
            objects(session, &client, &address, delimiter).await
        }
    }
}

async fn buckets(session: &Session, client: &Client) -> Result<(), Failure> {
    let buckets = client.list_buckets().await?;
    if session.output.is_json() {
        let bucket = |bucket: &s3_ssec::ListedBucket| json!({ "bucket": bucket.name, "created": bucket.created.map(rfc3339) });
        return session.output.answer("", &buckets.iter().map(bucket).collect());
    }
    for bucket in buckets {
        let created = bucket.created.map(time).unwrap_or_default();
        let line = format!("{created:20}  s3://{}", printable(&bucket.name));
        session.output.answer(line, &Value::Null)?;
    }
    Ok(())
}

async fn objects(
    session: &Session,
    client: &Client,
    address: &S3Address,
    delimiter: Option<&str>,
) -> Result<(), Failure> {
    let (bucket, prefix) = (&address.bucket, &address.path);
    let mut all = Vec::new();
    let mut start = None;
    loop {
        let page = client.list_page(bucket, prefix, delimiter, start).await;
        let (listed, next) = page.about(&format!("s3://{bucket}"))?;
        if session.output.is_json() {
            all.extend(listed.into_iter().map(|entry| in_json(address, entry)));
        } else if !listed.is_empty() {
            let lines: Vec<_> = listed.iter().map(|entry| in_text(address, entry)).collect();
            session.output.answer(lines.join("\n"), &Value::Null)?;
        }
        match next {
            Some(next) => start = Some(next),
            None => break,
        }
    }
    match session.output.is_json() {
        true => session.output.answer("", &Value::Array(all)),
        false => Ok(()),
    }
}

/// Columns wide enough for every value: time, size, and the address to copy.
fn in_text(address: &S3Address, entry: &Listed) -> String {
    let (modified, size, key) = match entry {
        Listed::Object { key, size, last_modified, .. } => {
            let modified = last_modified.map(time).unwrap_or_default();
            (modified, HumanBytes(*size).to_string(), key)
        }
        Listed::Prefix(prefix) => (String::new(), String::new(), prefix),
        _ => return String::new(),
    };
    format!("{modified:20}  {size:>12}  {}", printable(&format!("s3://{}/{key}", address.bucket)))
}

fn in_json(address: &S3Address, entry: Listed) -> Value {
    let full = |key: &str| format!("s3://{}/{key}", address.bucket);
    match entry {
        Listed::Object { key, size, etag, last_modified } => json!({
            "object": full(&key),
            "key": key,
            "size": size,
            "etag": etag,
            "last_modified": last_modified.map(rfc3339),
        }),
        Listed::Prefix(prefix) => json!({ "prefix": full(&prefix) }),
        _ => Value::Null,
    }
}
