//! What can be in a bucket, and what becomes of it.

use super::{LARGE, assert_under, dressed, key_file, keyring, of, person_at, put, rekey};
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectCannedAcl, VersioningConfiguration};
use harness::lab::{new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::core::key::Kind;
use s3_ssec::core::record::{Content, Record};
use s3_ssec::{Listed, ReadOptions, Source, Watch, WithoutKey};
use serde_json::json;

live![
    every_kind_of_object_gets_the_new_key,
    what_is_not_ours_or_not_whole_is_left_alone,
    a_dry_run_writes_nothing,
    older_versions_are_counted,
    access_lists_are_kept,
    more_than_a_page,
    one_object_and_filters,
    the_same_bytes_are_no_new_key,
    the_rate_is_kept,
];

/// Takes contents that nothing vouches for.
const ACCEPTING: &[&str] = &["--encrypt-plain", "--accept-content"];

/// Objects of a person with a direct and a master key, and their sizes.
const SIZES: [(&str, usize); 6] = [
    ("direct/small", 100),
    ("direct/large", LARGE),
    ("master/empty", 0),
    ("master/ä b+c%.bin", 70_000),
    ("master/large", LARGE + 5),
    ("master/two-ranges", 9 << 20),
];

async fn fill(bucket: &Bucket, person: &Person) {
    key_file(person, "old", vec![new_key(Kind::Direct), new_key(Kind::Master)]);
    let keys = keyring(person, "old");
    for (seed, (name, size)) in (1..).zip(SIZES) {
        let key = &keys.keys()[usize::from(name.starts_with("master"))];
        put(bucket, key, name, of(seed, size)).await;
    }
    // As another tool writes: under the direct key, without a record.
    put(bucket, &keys.keys()[0], "direct/foreign", of(7, 5000)).await;
    bucket.set_tags("direct/foreign", &[("project", "lab 1/2"), ("x", "")]).await;
    plain(bucket, "plain", of(8, 3000)).await;
    plain(bucket, "plain-large", of(9, LARGE)).await;
}

/// An object in the clear, dressed like the others.
pub(super) async fn plain(bucket: &Bucket, key: &str, content: Vec<u8>) {
    let options = dressed();
    let put = bucket.client.sdk().put_object().bucket(bucket.name.as_str()).key(key);
    let headers = options.headers;
    let put = put
        .set_content_type(headers.content_type)
        .set_cache_control(headers.cache_control)
        .set_content_disposition(headers.disposition)
        .set_content_language(headers.language)
        .set_metadata(Some(options.metadata.into_iter().collect()))
        .tagging("project=lab%201%2F2&x=");
    put.body(content.into()).send().await.unwrap();
}

async fn every_kind_of_object_gets_the_new_key(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, Proxy::new(gateway, |_| Deed::Pass).await);
    let person = person_at(gateway, &proxy.endpoint).with("S3_SSEC_KEY_FILE", "old");
    fill(&bucket, &person).await;
    // What nothing vouches for is named and left; a dry run says so too.
    let before = listed(&bucket, &["direct/foreign", "plain", "plain-large"]).await;
    for more in [&["--dry-run"][..], &[]] {
        let said = rekey(&person, &bucket.url(""), more, 3).await;
        assert_eq!(said["rekeyed"]["objects"], 6, "{said}");
        let failed = said["failed"].as_array().unwrap().iter();
        let failed = failed.map(|entry| (entry["name"].as_str().unwrap(), &entry["outcome"]));
        let failed = failed.collect::<std::collections::BTreeMap<_, _>>();
        let (plain, undescribed) = (&json!("plain"), &json!("undescribed"));
        let expected = [("direct/foreign", undescribed), ("plain", plain), ("plain-large", plain)];
        assert_eq!(failed, expected.into(), "{said}");
        // Everybody who had the direct key could have written these.
        assert_eq!(said["accepted"]["objects"], 2, "{said}");
    }
    assert_eq!(listed(&bucket, &["direct/foreign", "plain", "plain-large"]).await, before);
    let said = rekey(&person, &bucket.url(""), ACCEPTING, 0).await;
    assert_eq!(said["rekeyed"]["objects"], 3, "{said}");
    assert_eq!(said["were_plain"]["objects"], 2, "{said}");
    assert_eq!(said["accepted"]["objects"], 3, "{said}");
    assert_eq!(said["failed"], json!([]), "{said}");
    // RGW honours If-Match from 20 on.
    let honours = gateway.major().is_some_and(|major| major >= 20);
    assert!(honours || said["window_ms"].as_f64().is_some(), "{said}");
    let options = dressed();
    let names = SIZES.iter().map(|(name, size)| (*name, *size));
    let others = [("direct/foreign", 5000), ("plain", 3000), ("plain-large", LARGE)];
    for (seed, (name, size)) in (1..).zip(names.chain(others)) {
        assert_under(&person, "new", &bucket.url(name), &of(seed, size), name).await;
        let read = ReadOptions::default();
        let stat = bucket.client.stat(&keyring(&person, "new"), &bucket.object(name), &read).await;
        let head = stat.unwrap().head;
        assert_eq!(head.headers, options.headers, "{name}");
        assert_eq!(head.metadata.into_iter().collect::<Vec<_>>(), options.metadata, "{name}");
        let old = bucket.client.stat(&keyring(&person, "old"), &bucket.object(name), &read).await;
        assert!(old.is_err(), "{name}: the old keys still open it");
    }
    assert_eq!(bucket.keys().await.len(), 9, "no scratch object is left");
    for (name, is) in [("master/large", false), ("direct/small", true), ("plain", true)] {
        let record = Record::parse(&bucket.record(name).await.unwrap()).unwrap();
        let provenance = record.provenance().unwrap();
        assert_eq!(provenance.accepted_since().is_some(), is, "{name}: {record}");
    }
    // Once more: nothing to do, and nothing is done.
    let before = proxy.seen().len();
    let said = rekey(&person, &bucket.url(""), &[], 0).await;
    assert_eq!((&said["rekeyed"]["objects"], &said["already"]["objects"]), (&json!(0), &json!(9)));
    let writes =
        |asked: &&Asked| !asked.is_trial() && matches!(asked.method.as_str(), "PUT" | "POST");
    assert_eq!(proxy.seen()[before..].iter().filter(writes).count(), 0);
    bucket.remove().await;
}

/// A listing of these objects.
async fn listed(bucket: &Bucket, keys: &[&str]) -> Vec<Listed> {
    let page = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    let is =
        |one: &Listed| matches!(one, Listed::Object { key, .. } if keys.contains(&key.as_str()));
    page.into_iter().filter(is).collect()
}

async fn what_is_not_ours_or_not_whole_is_left_alone(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let (keys, stranger) = (keyring(&person, "key"), new_master());
    put(&bucket, stranger.writer(), "strange", of(1, 100)).await;
    put(&bucket, &new_key(Kind::Direct), "strange-direct", of(2, 100)).await;
    for name in ["pending", "stripped", "false", "good"] {
        put(&bucket, keys.writer(), name, of(3, 100)).await;
    }
    let record = Record::parse(&bucket.record("pending").await.unwrap()).unwrap();
    let (object, nonce) = (bucket.object("pending"), record.nonce());
    let pending = Record::write(keys.writer(), &object, nonce, Content::Pending);
    bucket.set_tags("pending", &[("s3-ssec", pending.as_str())]).await;
    bucket.set_tags("stripped", &[("mine", "kept")]).await;
    let record = bucket.record("good").await.unwrap();
    bucket.set_tags("false", &[("s3-ssec", &record)]).await;
    let before = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    let said = rekey(&person, &bucket.url(""), &[], 4).await;
    let outcome = |said: &serde_json::Value, name: &str| {
        let failed = said["failed"].as_array().unwrap().iter();
        let entry = failed.into_iter().find(|entry| entry["name"] == name);
        entry.map(|entry| (entry["outcome"].clone(), entry["exit_code"].clone()))
    };
    for (name, is, code) in [
        ("strange", "locked", 4),
        ("strange-direct", "locked", 4),
        ("stripped", "locked", 4),
        ("pending", "undescribed", 3),
        ("false", "false", 3),
    ] {
        assert_eq!(outcome(&said, name), Some((json!(is), json!(code))), "{name}: {said}");
    }
    assert_eq!(said["rekeyed"]["objects"], 1, "{said}");
    let after = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    let others = |listed: Vec<Listed>| {
        let is_good = |one: &Listed| matches!(one, Listed::Object { key, .. } if key == "good");
        listed.into_iter().filter(|one| !is_good(one)).collect::<Vec<_>>()
    };
    assert_eq!(others(after), others(before), "everything but the good one is as it was");
    // On request, what cannot be verified is taken as it is.
    let said = rekey(&person, &bucket.url("pending"), &["--accept-content"], 0).await;
    assert_eq!(said["rekeyed"]["objects"], 1, "{said}");
    let ran = person.run(["verify", &bucket.url("pending"), "--key-file", "new"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Without the old key at all.
    let person = person.without("S3_SSEC_KEY_FILE");
    put(&bucket, keys.writer(), "good", of(3, 100)).await;
    let said = rekey(&person, &bucket.url("good"), &[], 4).await;
    assert_eq!(outcome(&said, "good").unwrap().0, "locked", "{said}");
    bucket.remove().await;
}

async fn a_dry_run_writes_nothing(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, Proxy::new(gateway, |_| Deed::Pass).await);
    let person = person_at(gateway, &proxy.endpoint).with("S3_SSEC_KEY_FILE", "old");
    fill(&bucket, &person).await;
    let said =
        rekey(&person, &bucket.url(""), &["--dry-run", "--skip-plain", "--accept-content"], 0)
            .await;
    assert_eq!(
        (&said["rekeyed"]["objects"], &said["left_plain"]["objects"]),
        (&json!(7), &json!(2))
    );
    assert_eq!(said["would"].as_array().unwrap().len(), 7, "{said}");
    assert!(said["parts"]["bytes"].as_u64().unwrap() > 2 * LARGE as u64, "{said}");
    let place = bucket.url("");
    let dry = ["rekey", &place, "--to", "new", "--dry-run", "--rate", "1MiB"];
    let text = person.run([dry.as_slice(), ACCEPTING].concat()).await.done().text();
    assert!(text.contains("would rekey master/large\n") && text.contains("by --rate"), "{text}");
    let other = |asked: &&Asked| !matches!(asked.method.as_str(), "GET" | "HEAD");
    assert_eq!(proxy.seen().iter().filter(other).count(), 0, "{:?}", proxy.operations());
    bucket.remove().await;
}

async fn older_versions_are_counted(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(on).send().await.unwrap();
    let person = person_at(gateway, &gateway.https);
    let keys = keyring(&person, "key");
    put(&bucket, keys.writer(), "a", of(1, 100)).await;
    put(&bucket, keys.writer(), "a", of(2, LARGE)).await;
    let said = rekey(&person, &bucket.url(""), &[], 0).await;
    assert_eq!(said["rekeyed"]["objects"], 1, "{said}");
    assert_eq!(said["old_versions"]["versions"], 2, "{said}");
    assert_under(&person, "new", &bucket.url("a"), &of(2, LARGE), "the newest").await;
    let listed = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let listed = listed.send().await.unwrap();
    let mut older = Vec::new();
    for version in listed.versions().iter().filter(|version| version.is_latest() != Some(true)) {
        let id = version.version_id().unwrap();
        let get = ["get", &bucket.url("a"), "back", "--version-id", id, "--quiet", "--force"];
        person.run(get).await.done();
        older.push(person.read("back").len());
    }
    older.sort_unstable();
    assert_eq!(older, [100, LARGE], "they are under the old key");
    bucket.remove().await;
}

async fn access_lists_are_kept(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let keys = keyring(&person, "key");
    for (name, size) in [("small", 100), ("large", LARGE)] {
        put(&bucket, keys.writer(), name, of(1, size)).await;
        let acl = bucket.client.sdk().put_object_acl().bucket(bucket.name.as_str()).key(name);
        acl.acl(ObjectCannedAcl::PublicRead).send().await.unwrap();
    }
    put(&bucket, keys.writer(), "private", of(1, 100)).await;
    let grants = async |name: &str| {
        let acl = bucket.client.sdk().get_object_acl().bucket(bucket.name.as_str()).key(name);
        format!("{:?}", acl.send().await.unwrap().grants())
    };
    let before = [grants("small").await, grants("large").await, grants("private").await];
    assert!(before[0].contains("AllUsers") && !before[2].contains("AllUsers"), "{before:?}");
    rekey(&person, &bucket.url(""), &[], 0).await;
    let after = [grants("small").await, grants("large").await, grants("private").await];
    assert_eq!(before, after);
    assert_under(&person, "new", &bucket.url("small"), &of(1, 100), "small").await;
    bucket.remove().await;
}

async fn more_than_a_page(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let mut puts = tokio::task::JoinSet::new();
    for number in 0..1_100 {
        let (client, name) = (bucket.client.clone(), bucket.name.clone());
        puts.spawn(async move {
            let put = client.sdk().put_object().bucket(name.as_str()).key(format!("{number:05}"));
            put.body(format!("content {number}").into_bytes().into()).send().await.unwrap();
        });
        if puts.len() >= 16 {
            puts.join_next().await.unwrap().unwrap();
        }
    }
    puts.join_all().await;
    let said = rekey(&person, &bucket.url(""), &["--files", "32", "--encrypt-plain"], 0).await;
    assert_eq!(said["were_plain"]["objects"], 1_100, "{said}");
    for number in [0, 999, 1_000, 1_099] {
        let name = format!("{number:05}");
        let head = bucket.client.head_without_key(&bucket.object(&name), None).await.unwrap();
        assert!(matches!(head, WithoutKey::KeyNeeded), "{name}: {head:?}");
        let ran = person.run(["cat", &bucket.url(&name), "--key-file", "new"]).await.done();
        assert_eq!(ran.text(), format!("content {number}"));
    }
    bucket.remove().await;
}

async fn one_object_and_filters(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let keys = keyring(&person, "key");
    for name in ["a", "a/1.csv", "a/2.tmp", "ab", "b/1.csv"] {
        put(&bucket, keys.writer(), name, of(1, 10)).await;
    }
    let count = |said: serde_json::Value| said["rekeyed"]["objects"].as_u64().unwrap();
    let place = bucket.url("a");
    let dry = rekey(&person, &place, &["--dry-run"], 0).await;
    assert_eq!(dry["would"], json!(["a", "a/1.csv", "a/2.tmp"]), "not ab");
    assert_eq!(count(rekey(&person, &place, &["--include", "*.csv"], 0).await), 1);
    assert_eq!(count(rekey(&person, &place, &["--exclude", "*.tmp"], 0).await), 1, "a itself");
    assert_eq!(count(rekey(&person, &bucket.url(""), &[], 0).await), 3, "all that is left");
    bucket.remove().await;
}

async fn the_same_bytes_are_no_new_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let bytes = [7; 32];
    for (name, kind) in [("key", Kind::Direct), ("new", Kind::Master)] {
        key_file(&person, name, vec![s3_ssec::core::key::Key::from_bytes(kind, &bytes).unwrap()]);
    }
    let place = bucket.url("");
    let ran = person.run(["rekey", &place, "--to", "new", "--key-file", "key"]).await;
    let (what, todo) = ran.refused(4);
    assert!(what.contains("as a master key and as a direct key"), "{what}");
    assert!(todo.contains("s3-ssec key new"), "{todo}");
    bucket.remove().await;
}

async fn the_rate_is_kept(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let keys = keyring(&person, "key");
    let options = dressed();
    for number in 0..3 {
        let (object, source) = (bucket.object(&format!("{number}")), of(number, 1 << 20));
        let source = Source::Bytes(source.into());
        let watch = Watch::default();
        bucket.client.put(keys.writer(), &object, source, &options, &watch).await.unwrap();
    }
    let begun = std::time::Instant::now();
    let said = rekey(&person, &bucket.url(""), &["--rate", "1MiB"], 0).await;
    // The first one goes at once.
    assert!(begun.elapsed().as_secs_f64() >= 2.0, "{said}");
    bucket.remove().await;
}
