//! Derivation, records, digests, headers, nonces and names.

use super::{Report, same, text};
use crate::derive::Nonce;
use crate::digest::{ContentDigest, ContentHasher, ContentTree, PieceHasher};
use crate::headers::{SourceKeyHeaders, TargetKeyHeaders};
use crate::key::{CustomerKey, Key, Kind};
use crate::names::{BucketName, ObjectKey, ObjectName, S3Address};
use crate::record::{Content, Record, RecordError};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn run(report: &mut Report) {
    type Cases<T> = Option<File<T>>;
    let derivation: Cases<Derivation> =
        report.file("derivation", include_str!("../../../../tests/vectors/derivation.json"));
    let digests: Cases<Digest> =
        report.file("digest", include_str!("../../../../tests/vectors/digest.json"));
    let headers: Cases<Headers> =
        report.file("headers", include_str!("../../../../tests/vectors/headers.json"));
    let nonces: Cases<NonceCase> =
        report.file("nonce", include_str!("../../../../tests/vectors/nonce.json"));
    let names: Cases<Name> =
        report.file("names", include_str!("../../../../tests/vectors/names.json"));
    let records: Option<Records> =
        report.file("record", include_str!("../../../../tests/vectors/record.json"));
    derivation.inspect(|file| report.cases("derivation", &file.cases, Derivation::check));
    digests.inspect(|file| report.cases("digest", &file.cases, Digest::check));
    headers.inspect(|file| report.cases("headers", &file.cases, Headers::check));
    nonces.inspect(|file| report.cases("nonce", &file.cases, NonceCase::check));
    names.inspect(|file| report.cases("names", &file.cases, Name::check));
    if let Some(Records { genuine, refused, .. }) = records {
        report.cases("record, genuine", &genuine, Genuine::check);
        if let Some(first) = genuine.first() {
            report.cases("record, refused", &refused, |case| {
                case.check(genuine.get(case.reader).unwrap_or(first))
            });
        }
    }
}

/// A file with one list of cases. `about` is for people.
#[derive(Deserialize)]
struct File<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KindName {
    Master,
    Direct,
}

pub(super) fn key_of(kind: &KindName, hex: &str) -> Result<Key, String> {
    let kind = match kind {
        KindName::Master => Kind::Master,
        KindName::Direct => Kind::Direct,
    };
    Key::from_bytes(kind, &bytes(hex)?).map_err(text)
}

pub(super) fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    base16ct::lower::decode_vec(hex).map_err(text)
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

fn object(bucket: &str, key: &str) -> Result<ObjectName, String> {
    let bucket = BucketName::parse(bucket).map_err(text)?;
    Ok(ObjectName::new(bucket, ObjectKey::parse(key).map_err(text)?))
}

fn nonce_of(text: &str) -> Result<Nonce, String> {
    Nonce::parse(text).ok_or_else(|| format!("{text} is no nonce"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    kind: KindName,
    key: String,
    bucket: String,
    object_key: String,
    nonce: String,
    fingerprint: String,
    name_digest: String,
    customer_key: String,
}

impl Derivation {
    fn check(&self) -> Result<(), String> {
        let key = key_of(&self.kind, &self.key)?;
        let name = object(&self.bucket, &self.object_key)?;
        let derived = key.customer_key(&name, nonce_of(&self.nonce)?);
        same("fingerprint", key.fingerprint().to_string(), self.fingerprint.clone())?;
        same("name digest", hex(&name.digest()), self.name_digest.clone())?;
        let expected = key_of(&KindName::Direct, &self.customer_key)?;
        same("same customer key", Key::Direct(derived).same_bytes(&expected), true)
    }
}

#[derive(Deserialize)]
struct Records {
    genuine: Vec<Genuine>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Genuine {
    kind: KindName,
    key: String,
    bucket: String,
    object_key: String,
    nonce: String,
    content: Option<ContentCase>,
    /// Seconds since 1970; absent where the digest is of the writer's source.
    accepted: Option<u32>,
    tag: String,
}

/// A short content as text, a longer one as the size of the pattern.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ContentCase {
    Text(String),
    Pattern(u64),
}

impl Genuine {
    fn check(&self) -> Result<(), String> {
        let key = key_of(&self.kind, &self.key)?;
        let name = object(&self.bucket, &self.object_key)?;
        let nonce = nonce_of(&self.nonce)?;
        let content = self.content.as_ref().map_or(Content::Pending, |content| {
            let bytes = content.bytes();
            let (size, digest) = (bytes.len() as u64, whole(&key, &bytes));
            match self.accepted {
                Some(since) => Content::accepted(size, digest, since),
                None => Content::of_source(size, digest),
            }
        });
        let written = Record::write(&key, &name, nonce, content);
        same("tag", written.as_str(), self.tag.as_str())?;
        let opened = Record::parse(&self.tag).map_err(text)?.open(&key, &name).map_err(text)?;
        same("nonce", opened.nonce, nonce)?;
        same("content", opened.content, content)?;
        let derived = key.customer_key(&name, nonce);
        same("customer key", opened.customer_key.md5(), derived.md5())
    }
}

impl ContentCase {
    fn bytes(&self) -> Vec<u8> {
        match self {
            ContentCase::Text(text) => text.clone().into_bytes(),
            ContentCase::Pattern(size) => pattern(*size),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    why: String,
    tag: String,
    answer: Answer,
    /// Which of the genuine records' key and name reads it; the first by default.
    #[serde(default)]
    reader: usize,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Malformed,
    Newer,
    Foreign,
    /// What no case may ask for.
    Opened,
}

impl Refused {
    fn check(&self, reader: &Genuine) -> Result<(), String> {
        let key = key_of(&reader.kind, &reader.key)?;
        let name = object(&reader.bucket, &reader.object_key)?;
        let answer = match Record::parse(&self.tag) {
            Err(RecordError::Malformed) => Answer::Malformed,
            Err(RecordError::NewerFormat(_)) => Answer::Newer,
            Ok(record) => match record.open(&key, &name) {
                Err(_) => Answer::Foreign,
                Ok(_) => Answer::Opened,
            },
        };
        same(&self.why, &answer, &self.answer)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    kind: KindName,
    key: String,
    size: u64,
    digest: String,
}

impl Digest {
    fn check(&self) -> Result<(), String> {
        let key = key_of(&self.kind, &self.key)?;
        let content = pattern(self.size);
        same("digest", hex(whole(&key, &content).bytes()), self.digest.clone())?;
        let pieces = in_pieces(&key, &content).map(|digest| hex(digest.bytes()));
        same("digest by pieces", pieces, Some(self.digest.clone()))
    }
}

fn pattern(size: u64) -> Vec<u8> {
    (0..size).map(|place| (place % 251) as u8).collect()
}

fn whole(key: &Key, content: &[u8]) -> ContentDigest {
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(content);
    hasher.finish()
}

/// The last piece first: the order must not matter.
fn in_pieces(key: &Key, content: &[u8]) -> Option<ContentDigest> {
    let content_key = key.content_key();
    let mut pieces = Vec::new();
    let mut rest = content;
    for index in 0.. {
        let mut hasher = PieceHasher::new(&content_key, index);
        rest = hasher.update(rest);
        let Some(piece) = hasher.finish() else { break };
        pieces.push(piece);
    }
    let mut tree = ContentTree::new(&content_key);
    pieces.into_iter().rev().for_each(|piece| tree.add(piece));
    tree.finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Headers {
    key: String,
    target: BTreeMap<String, String>,
    source: BTreeMap<String, String>,
}

impl Headers {
    fn check(&self) -> Result<(), String> {
        let key = CustomerKey::from_bytes(&bytes(&self.key)?).map_err(text)?;
        let map = |pairs: [(&'static str, &str); 3]| -> BTreeMap<String, String> {
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        };
        same("target", &map(TargetKeyHeaders::of(&key).pairs()), &self.target)?;
        same("source", &map(SourceKeyHeaders::of(&key).pairs()), &self.source)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NonceCase {
    /// As text: JSON numbers of 64 bits are not safe everywhere.
    unix_seconds: String,
    random: u8,
    last: Option<String>,
    nonce: String,
}

impl NonceCase {
    fn check(&self) -> Result<(), String> {
        let seconds = self.unix_seconds.parse().map_err(text)?;
        let last = self.last.as_deref().map(nonce_of).transpose()?;
        let nonce = Nonce::next(seconds, self.random, last);
        same("nonce", nonce.to_string(), self.nonce.clone())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    what: What,
    text: String,
    good: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Bucket,
    ObjectKey,
    Address,
}

impl Name {
    fn check(&self) -> Result<(), String> {
        let read = match self.what {
            What::Bucket => BucketName::parse(&self.text).map(|name| name.to_string()),
            What::ObjectKey => ObjectKey::parse(&self.text).map(|key| key.to_string()),
            What::Address => {
                S3Address::parse(&self.text).and_then(|it| it.object()).map(|it| it.to_string())
            }
        };
        same(&self.text, read.ok(), self.good.then(|| self.text.clone()))
    }
}
