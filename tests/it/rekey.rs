//! Rekey: every object under a new key, none lost, none touched that should not be.

mod copies;
mod disturbed;
mod histories;
mod killed;
mod kinds;
mod locked;

use harness::lab::new_key;
use harness::{Bucket, Gateway, Live, Person, content};
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{PutOptions, Source, Watch};
use serde_json::Value;

pub(crate) fn tests() -> Vec<Live> {
    let kinds = [kinds::tests(), copies::tests(), disturbed::tests(), locked::tests()];
    kinds.into_iter().chain([histories::tests(), killed::tests()]).flatten().collect()
}

const MIB: usize = 1 << 20;
/// More than goes in one PUT.
const LARGE: usize = 17 * MIB;

/// A person with an old key in `key` and a new master key in `new`, who reaches the gateway at this
/// endpoint.
fn person_at(gateway: &Gateway, endpoint: &str) -> Person {
    let person = Person::new(gateway).with_key(Kind::Master);
    person.key_file("new", new_key(Kind::Master));
    person.with("AWS_ENDPOINT_URL_S3", endpoint)
}

/// What a rekey says, in JSON; it must end with this code.
async fn rekey(person: &Person, place: &str, more: &[&str], code: i32) -> Value {
    let rekey = ["rekey", place, "--to", "new", "--output", "json"];
    let ran = person.run([rekey.as_slice(), more].concat()).await;
    assert_eq!(ran.code, Some(code), "{more:?}: {}{}", ran.text(), ran.stderr);
    ran.json()
}

/// The keys of a person's file, for writes by the library.
fn keyring(person: &Person, file: &str) -> Keyring {
    KeyFile::read(&person.read(file)).unwrap().0.into_keyring().unwrap()
}

/// Writes these keys into one file.
fn key_file(person: &Person, name: &str, keys: Vec<Key>) {
    let entries = keys.into_iter().map(|key| Entry { key, label: None, created: None });
    let file = KeyFile::new(entries.collect()).unwrap();
    person.file_with_mode(name, file.print().as_bytes(), 0o600);
}

/// Everything that belongs to an object besides its content.
fn dressed() -> PutOptions {
    let mut options = PutOptions::default();
    options.headers.content_type = Some("text/x-lab; charset=utf-8".to_owned());
    options.headers.cache_control = Some("no-cache".to_owned());
    options.headers.disposition = Some("attachment; filename=\"a b.txt\"".to_owned());
    options.headers.language = Some("de".to_owned());
    options.metadata = vec![("author".to_owned(), "me".to_owned())];
    options.tags =
        vec![("project".to_owned(), "lab 1/2".to_owned()), ("x".to_owned(), String::new())];
    options
}

async fn put(bucket: &Bucket, key: &Key, name: &str, bytes: Vec<u8>) {
    let (object, options) = (bucket.object(name), dressed());
    let source = Source::Bytes(bytes.into());
    bucket.client.put(key, &object, source, &options, &Watch::default()).await.unwrap();
}

/// Asserts that the object is under the key in this file, described, whole, and dressed as before.
async fn assert_under(person: &Person, file: &str, url: &str, expected: &[u8], what: &str) {
    // The key may be bound to a proxy that a test was done with.
    let stat = ["stat", url, "--key-file", file, "--output", "json", "--any-endpoint"];
    let ran = person.run(stat).await;
    assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
    let stat = ran.json();
    assert_eq!(stat["state"], "described", "{what}: {stat}");
    assert_eq!(stat["tags"], serde_json::json!({"project": "lab 1/2", "x": ""}), "{what}: {stat}");
    let get = ["get", url, "back", "--quiet", "--key-file", file, "--any-endpoint"];
    let ran = person.run(get).await;
    assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
    assert!(person.read("back") == expected, "{what}: another content");
    std::fs::remove_file(person.work().join("back")).unwrap();
}

/// Content that tells its object.
fn of(seed: u64, size: usize) -> Vec<u8> {
    content(seed, size)
}
