//! Clients that are killed, lines that break, gateways that go away, disks that rot. Whatever
//! happens, the next run leaves the right bytes, the right tags and nothing else.

mod gateway;
pub(crate) mod killed;
mod line;
mod rot;

use harness::{Bucket, Gateway, Live, Person};
use s3_ssec::core::key::Kind;

pub(crate) fn tests() -> Vec<Live> {
    [gateway::tests(), killed::tests(), line::tests(), rot::tests()].into_iter().flatten().collect()
}

const MIB: usize = 1 << 20;
/// More than goes in one PUT, in three parts of the smallest size.
const LARGE: usize = 17 * MIB;

/// A person with a master key who reaches the gateway at this endpoint.
fn person_at(gateway: &Gateway, endpoint: &str) -> Person {
    Person::new(gateway).with_key(Kind::Master).with("AWS_ENDPOINT_URL_S3", endpoint)
}

/// Replaces what is to be uploaded.
fn write_source(person: &Person, content: &[u8]) {
    std::fs::write(person.work().join("source"), content).unwrap();
}

/// Downloads anew and compares.
async fn assert_content(person: &Person, url: &str, expected: &[u8], what: &str) {
    let ran = person.run(["get", url, "back", "--quiet"]).await;
    assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
    assert!(person.read("back") == expected, "{what}: another content came back");
    std::fs::remove_file(person.work().join("back")).unwrap();
}

/// Asserts that exactly this object is in the bucket, and no half-done upload.
async fn assert_only(bucket: &Bucket, key: &str, what: &str) {
    assert_eq!(bucket.keys().await, [key], "{what}");
    assert_eq!(bucket.uploads().await, Vec::<String>::new(), "{what}: orphaned uploads");
}

/// Asserts that no download left a file behind.
fn assert_no_partial(person: &Person, what: &str) {
    let partial = |name: &String| name.ends_with(".s3-ssec-part");
    assert!(!person.names().iter().any(partial), "{what}: {:?}", person.names());
}
