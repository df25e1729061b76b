//! All versions of an object under a new key, in the order they had; none lost, whatever happens.

use super::disturbed::meanwhile;
use super::killed::steps_left;
use super::kinds::plain;
use super::{LARGE, key_file, keyring, of, person_at, put, rekey};
use crate::faults::killed::{MOMENTS, Steps, stepping};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use harness::lab::{new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::core::key::{Key, Kind};
use std::sync::Arc;

live![
    every_version_gets_the_new_key_in_its_place,
    a_version_that_cannot_be_opened_keeps_all,
    what_was_written_is_taken_back,
    a_version_of_somebody_else_keeps_its_place,
    a_version_under_a_direct_key_that_replaced_ours_is_not_moved_unasked,
    a_history_killed_at_any_step_is_finished_by_the_next,
    only_buckets_with_versions_have_a_history,
];

const VERSIONS: &[&str] = &["--versions", "--encrypt-plain", "--gateway-copies"];

async fn set_versioning(bucket: &Bucket, status: BucketVersioningStatus) {
    let set = VersioningConfiguration::builder().status(status).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(set).send().await.unwrap();
}

async fn versioned(gateway: &'static Gateway) -> Bucket {
    let bucket = Bucket::new(gateway).await;
    set_versioning(&bucket, BucketVersioningStatus::Enabled).await;
    bucket
}

/// A version, or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
struct There {
    key: String,
    id: String,
    marker: bool,
}

/// Everything in the bucket: by key, the oldest version first; markers behind.
async fn everything(bucket: &Bucket) -> Vec<There> {
    let listed = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let listed = listed.send().await.unwrap();
    let versions = listed.versions().iter().rev().map(|v| (v.key(), v.version_id(), false));
    let markers = listed.delete_markers().iter().rev().map(|m| (m.key(), m.version_id(), true));
    let owned = |text: Option<&str>| text.unwrap().to_owned();
    let all = versions.chain(markers);
    let mut all: Vec<_> =
        all.map(|(key, id, marker)| There { key: owned(key), id: owned(id), marker }).collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    all
}

/// The contents of all versions of an object under the key in this file, the oldest first.
async fn contents(person: &Person, bucket: &Bucket, file: &str, key: &str) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    for there in everything(bucket).await.iter().filter(|t| t.key == key && !t.marker) {
        let url = bucket.url(key);
        let get = ["get", &url, "back", "--version-id", &there.id, "--quiet", "--key-file", file];
        person.run(get).await.done();
        contents.push(person.read("back"));
        std::fs::remove_file(person.work().join("back")).unwrap();
    }
    contents
}

/// A second does not pass between two versions, nor has it to.
async fn write(bucket: &Bucket, person: &Person, key: &str, versions: &[(u64, usize)]) {
    let keys = keyring(person, "key");
    for (seed, size) in versions {
        put(bucket, keys.writer(), key, of(*seed, *size)).await;
    }
}

fn expected(versions: &[(u64, usize)]) -> Vec<Vec<u8>> {
    versions.iter().map(|(seed, size)| of(*seed, *size)).collect()
}

async fn every_version_gets_the_new_key_in_its_place(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    // Before there were versions: its ID is `null`.
    plain(&bucket, "old", of(1, 3000)).await;
    set_versioning(&bucket, BucketVersioningStatus::Enabled).await;
    write(&bucket, &person, "old", &[(2, 100)]).await;
    let many = [(3, 100), (4, LARGE), (5, 0), (6, 9 << 20), (7, 70_000)];
    write(&bucket, &person, "many", &many).await;
    write(&bucket, &person, "many-and-more", &[(8, 10)]).await;
    write(&bucket, &person, "gone", &[(9, 20), (10, 30)]).await;
    bucket.client.delete(&bucket.object("gone"), None).await.unwrap();
    write(&bucket, &person, "back", &[(11, 20)]).await;
    bucket.client.delete(&bucket.object("back"), None).await.unwrap();
    write(&bucket, &person, "back", &[(12, 30)]).await;
    let before = everything(&bucket).await;
    let said =
        rekey(&person, &bucket.url(""), &["--versions", "--encrypt-plain", "--dry-run"], 0).await;
    assert_eq!((&said["rekeyed"]["objects"], &said["versions"]), (&5.into(), &12.into()), "{said}");
    assert_eq!(everything(&bucket).await, before, "a dry run");
    let said = rekey(&person, &bucket.url(""), VERSIONS, 0).await;
    assert_eq!((&said["rekeyed"]["objects"], &said["versions"]), (&5.into(), &12.into()), "{said}");
    let after = everything(&bucket).await;
    let ids = |all: &[There]| all.iter().map(|there| there.id.clone()).collect::<Vec<_>>();
    assert!(ids(&before).iter().all(|id| !ids(&after).contains(id)), "the old ones are gone");
    for (key, versions) in [
        ("old", &[(1, 3000), (2, 100)][..]),
        ("many", &many),
        ("many-and-more", &[(8, 10)]),
        ("gone", &[(9, 20), (10, 30)]),
        ("back", &[(11, 20), (12, 30)]),
    ] {
        assert!(contents(&person, &bucket, "new", key).await == expected(versions), "{key}");
    }
    let gone = person.run(["get", &bucket.url("gone"), "gone", "--key-file", "new"]).await;
    assert!(gone.refused(1).0.contains("does not exist"), "{}", gone.stderr);
    assert_eq!(after.iter().filter(|there| there.marker).count(), 1, "one marker, on top of gone");
    // The whole bucket is under the new key, and a second run has nothing to do.
    let said = rekey(&person, &bucket.url(""), VERSIONS, 0).await;
    assert_eq!(said["already"]["objects"], 5, "{said}");
    assert_eq!(everything(&bucket).await, after);
    bucket.remove().await;
}

async fn a_version_that_cannot_be_opened_keeps_all(gateway: &'static Gateway) {
    let bucket = versioned(gateway).await;
    let person = person_at(gateway, &gateway.https);
    write(&bucket, &person, "a", &[(1, 100)]).await;
    put(&bucket, new_master().writer(), "a", of(2, 100)).await;
    write(&bucket, &person, "a", &[(3, 100)]).await;
    write(&bucket, &person, "b", &[(4, 100)]).await;
    let a = |all: Vec<There>| all.into_iter().filter(|t| t.key == "a").collect::<Vec<_>>();
    let before = a(everything(&bucket).await);
    let said = rekey(&person, &bucket.url(""), VERSIONS, 4).await;
    assert_eq!(said["failed"][0]["outcome"], "locked", "{said}");
    assert_eq!(said["rekeyed"]["objects"], 1, "{said}");
    assert_eq!(a(everything(&bucket).await), before, "nothing was written, nothing deleted");
    bucket.remove().await;
}

async fn what_was_written_is_taken_back(gateway: &'static Gateway) {
    let bucket = versioned(gateway).await;
    // The second version that is read has a flipped bit.
    let read = std::sync::atomic::AtomicU32::new(0);
    let proxy = Proxy::new(gateway, move |asked: &Asked| match asked.operation() {
        "GetObject"
            if !asked.is_trial() && read.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 =>
        {
            Deed::Flip(50)
        }
        _ => Deed::Pass,
    })
    .await;
    let person = person_at(gateway, &proxy.endpoint);
    let versions = [(1, 100), (2, 200), (3, 300)];
    write(&bucket, &person, "a", &versions).await;
    let before = everything(&bucket).await;
    // Without copies by the gateway, which would be read too.
    let said = rekey(&person, &bucket.url(""), &["--versions"], 3).await;
    assert_eq!(said["failed"][0]["outcome"], "damaged", "{said}");
    assert!(proxy.operations().contains(&"DeleteObject"), "{:?}", proxy.operations());
    assert_eq!(everything(&bucket).await, before);
    let said = rekey(&person, &bucket.url(""), VERSIONS, 0).await;
    assert_eq!(said["versions"], 3, "{said}");
    assert!(contents(&person, &bucket, "new", "a").await == expected(&versions));
    bucket.remove().await;
}

async fn a_version_of_somebody_else_keeps_its_place(gateway: &'static Gateway) {
    let bucket = versioned(gateway).await;
    let read = |asked: &Asked| asked.operation() == "GetObject";
    let proxy = Proxy::new(gateway, meanwhile(gateway, &bucket, 33, read)).await;
    let person = person_at(gateway, &proxy.endpoint);
    write(&bucket, &person, "a", &[(1, 100), (2, 200)]).await;
    let said = rekey(&person, &bucket.url(""), VERSIONS, 0).await;
    assert_eq!(said["versions"], 3, "theirs too: {said}");
    let order = expected(&[(1, 100), (2, 200), (9, 33)]);
    assert!(contents(&person, &bucket, "new", "a").await == order, "theirs is the newest");
    bucket.remove().await;
}

async fn a_version_under_a_direct_key_that_replaced_ours_is_not_moved_unasked(
    gateway: &'static Gateway,
) {
    let (bucket, direct) = (versioned(gateway).await, of(1, 32));
    let direct = || Key::from_bytes(Kind::Direct, &direct).unwrap();
    let (person, url) = (person_at(gateway, &gateway.https), bucket.url("a"));
    let keys = keyring(&person, "key").into_keys().into_iter().chain([direct()]);
    key_file(&person, "both", keys.collect());
    person.file("a", &of(2, 100));
    // Written here, then by another machine.
    person.run(["put", "a", &url]).await.done();
    put(&bucket, &direct(), "a", of(3, 100)).await;
    let before = everything(&bucket).await;
    let asked = ["--versions", "--key-file", "both"];
    let accepting = [&asked[..], &["--accept-content"]].concat();
    let said = rekey(&person, &url, &asked, 3).await;
    assert_eq!(said["failed"][0]["outcome"], "false", "{said}");
    assert_eq!(everything(&bucket).await, before, "nothing was written, nothing deleted");
    let said = rekey(&person, &url, &accepting, 0).await;
    assert_eq!(said["versions"], 2, "{said}");
    assert!(contents(&person, &bucket, "new", "a").await == expected(&[(2, 100), (3, 100)]));
    // The newest of the new ones was written here too.
    put(&bucket, &direct(), "a", of(4, 100)).await;
    let said = rekey(&person, &url, &asked, 3).await;
    assert_eq!(said["failed"][0]["outcome"], "false", "{said}");
    bucket.remove().await;
}

async fn a_history_killed_at_any_step_is_finished_by_the_next(gateway: &'static Gateway) {
    let (bucket, steps) = (versioned(gateway).await, Arc::<Steps>::default());
    let which = |asked: &Asked| !asked.is_trial() && asked.operation() != "bucket setting";
    let proxy = stepping(gateway, &steps, which).await;
    let person = person_at(gateway, &proxy.endpoint);
    let (place, mut seed) = (bucket.url(""), 0);
    let arguments = ["rekey", &place, "--to", "new", "--quiet", "--files", "1", "--versions"];
    // One that goes whole, and where the gateway does not copy one that goes in parts; both deleted.
    let first = if gateway.major() == Some(16) { LARGE } else { 200 };
    let mut fresh = async || {
        seed += 1;
        for there in everything(&bucket).await {
            bucket.delete_version(&there.key, Some(&there.id)).await;
        }
        let versions = [(2 * seed, first), (2 * seed + 1, 100)];
        write(&bucket, &person, "a", &versions).await;
        bucket.client.delete(&bucket.object("a"), None).await.unwrap();
        expected(&versions)
    };
    // The first run also tries what the gateway can do.
    let mut warm = 0;
    for _ in 0..2 {
        fresh().await;
        warm = proxy.seen().len();
        person.run(arguments).await.done();
    }
    let taken = proxy.seen().split_off(warm);
    let operations: Vec<_> =
        taken.iter().filter(|asked| which(asked)).map(Asked::operation).collect();
    assert!(operations.len() >= 20, "{operations:?}");
    for (step, moment) in (0..operations.len()).flat_map(|step| MOMENTS.map(|when| (step, when))) {
        let what = format!("{} (step {step}), {moment:?}", operations[step]);
        let expected = fresh().await;
        steps.kill(&person, &arguments, step, moment).await;
        let ran = person.run(arguments).await;
        assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
        assert!(contents(&person, &bucket, "new", "a").await == expected, "{what}");
        let markers = everything(&bucket).await.iter().filter(|there| there.marker).count();
        assert_eq!(markers, 1, "{what}: it is deleted, as before");
        assert_eq!(bucket.uploads().await, Vec::<String>::new(), "{what}: orphaned uploads");
        assert_eq!(steps_left(&person), Vec::<String>::new(), "{what}: the journal is done");
    }
    bucket.remove().await;
}

async fn only_buckets_with_versions_have_a_history(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    write(&bucket, &person, "a", &[(1, 100)]).await;
    let said = rekey(&person, &bucket.url(""), VERSIONS, 0).await;
    assert_eq!((&said["rekeyed"]["objects"], &said["versions"]), (&1.into(), &1.into()), "{said}");
    set_versioning(&bucket, BucketVersioningStatus::Enabled).await;
    let again = ["rekey", &bucket.url(""), "--to", "direct", "--key-file", "new", "--versions"];
    key_file(&person, "direct", vec![new_key(Kind::Direct)]);
    let (what, _) = person.run(again).await.refused(2);
    assert!(what.contains("older versions cannot get a direct key"), "{what}");
    set_versioning(&bucket, BucketVersioningStatus::Suspended).await;
    let again = ["rekey", &bucket.url(""), "--to", "key", "--key-file", "new", "--versions"];
    let (what, _) = person.run(again).await.refused(2);
    assert!(what.contains("versioning is suspended"), "{what}");
    bucket.remove().await;
}
