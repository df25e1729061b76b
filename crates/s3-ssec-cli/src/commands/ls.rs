//! `s3-ssec ls`: buckets, or what is in one.
//!
//! A listing says nothing about encryption. The mark of `-l` costs questions about every object
//! ([`s3_ssec::Mark`]), so it is there for who asks.

use crate::args::LsArgs;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text::{printable, rfc3339, time};
use indicatif::HumanBytes;
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use s3_ssec::{Client, Listed, Mark};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: LsArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    match &args.address {
        None => buckets(session, &client).await,
        Some(address) => objects(session, &client, address, &args).await,
    }
}

async fn buckets(session: &Session, client: &Client) -> Result<(), Failure> {
    let buckets = client.list_buckets().await?;
    if session.output.is_json() {
        let bucket = |bucket: &s3_ssec::ListedBucket| {
            json!({
                "bucket": format!("s3://{}", bucket.name),
                "created": bucket.created.map(rfc3339),
            })
        };
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
    args: &LsArgs,
) -> Result<(), Failure> {
    let (bucket, prefix) = (&address.bucket, &address.path);
    let delimiter = (!args.recursive).then_some("/");
    let mut all = Vec::new();
    let mut start = None;
    loop {
        let page = client.list_page(bucket, prefix, delimiter, start).await;
        let (listed, next) = page.about(&format!("s3://{bucket}"))?;
        let lines = match args.long {
            true => marked(client, bucket, listed).await.about(&format!("s3://{bucket}"))?,
            false => listed.into_iter().map(|listed| Line { listed, mark: None }).collect(),
        };
        if session.output.is_json() {
            all.extend(lines.iter().map(|line| line.json(bucket)));
        } else if !lines.is_empty() {
            let lines: Vec<_> = lines.iter().map(|line| line.text(bucket, args.long)).collect();
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

/// Asks how each object is encrypted. Prefixes are not, and keys that no request of ours can name
/// (empty, or too long) have no mark.
async fn marked(
    client: &Client,
    bucket: &BucketName,
    listed: Vec<Listed>,
) -> Result<Vec<Line>, s3_ssec::CallError> {
    let name = |listed: &Listed| match listed {
        Listed::Object { key, .. } => {
            Some(ObjectName::new(bucket.clone(), ObjectKey::parse(key).ok()?))
        }
        _ => None,
    };
    let names: Vec<_> = listed.iter().map(name).collect();
    let mut marks = client.marks(names.iter().flatten().cloned().collect()).await?.into_iter();
    let mut mark = |named: &Option<ObjectName>| named.as_ref().and_then(|_| marks.next());
    Ok(listed
        .into_iter()
        .zip(&names)
        .map(|(listed, name)| Line { listed, mark: mark(name) })
        .collect())
}

/// One line of the listing.
struct Line {
    listed: Listed,
    mark: Option<Mark>,
}

impl Line {
    /// Columns wide enough for every value: time, size, mark, and the address to copy.
    fn text(&self, bucket: &BucketName, long: bool) -> String {
        let (modified, size, key) = match &self.listed {
            Listed::Object { key, size, last_modified, .. } => {
                let modified = last_modified.map(time).unwrap_or_default();
                (modified, HumanBytes(*size).to_string(), key)
            }
            Listed::Prefix(prefix) => (String::new(), String::new(), prefix),
            _ => return String::new(),
        };
        let address = printable(&format!("s3://{bucket}/{key}"));
        match long {
            true => format!("{modified:20}  {size:>12}  {}  {address}", self.mark_text()),
            false => format!("{modified:20}  {size:>12}  {address}"),
        }
    }

    fn mark_text(&self) -> String {
        let (text, tone) = match self.mark {
            Some(Mark::Described { kind, key, pending }) => {
                let key = key.map(|key| format!(" {key}")).unwrap_or_default();
                match pending {
                    true => (format!("{kind}{key}?"), Tone::Caution),
                    false => (format!("{kind}{key}"), Tone::Good),
                }
            }
            Some(Mark::Undescribed) => ("customer key".to_owned(), Tone::Good),
            Some(Mark::Plain) => ("PLAIN".to_owned(), Tone::Bad),
            Some(Mark::Absent) => ("gone".to_owned(), Tone::Caution),
            Some(Mark::Unclear) => ("not proved".to_owned(), Tone::Caution),
            Some(_) => ("may not be asked".to_owned(), Tone::Caution),
            None => (String::new(), Tone::Plain),
        };
        tone.paint(&format!("{text:24}"))
    }

    fn json(&self, bucket: &BucketName) -> Value {
        let full = |key: &str| format!("s3://{bucket}/{key}");
        let mut json = match &self.listed {
            Listed::Object { key, size, etag, last_modified } => json!({
                "object": full(key),
                "size": size,
                "etag": etag,
                "last_modified": last_modified.map(rfc3339),
            }),
            Listed::Prefix(prefix) => return json!({ "prefix": full(prefix) }),
            _ => return Value::Null,
        };
        if let Some(mark) = self.mark {
            self.add_mark(&mut json, mark);
        }
        json
    }

    /// The same names as in `stat --output json`.
    fn add_mark(&self, json: &mut Value, mark: Mark) {
        let (encrypted, state) = match mark {
            Mark::Described { pending: false, .. } => (json!(true), "described"),
            Mark::Described { .. } => (json!(true), "pending"),
            Mark::Undescribed => (json!(true), "foreign"),
            Mark::Plain => (json!(false), "plain"),
            Mark::Absent => (Value::Null, "gone"),
            Mark::Unclear => (Value::Null, "unproved"),
            _ => (Value::Null, "hidden"),
        };
        let (kind, key) = match mark {
            Mark::Described { kind, key, .. } => (Some(kind), key),
            _ => (None, None),
        };
        json["encrypted"] = encrypted;
        json["state"] = state.into();
        json["key"] = json!(key.map(|key| key.to_string()));
        json["key_kind"] = json!(kind.map(|kind| kind.to_string()));
    }
}
