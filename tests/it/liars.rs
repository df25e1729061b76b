//! Servers that answer 200 and do not encrypt, or do not say that they do. Every verb fails on them
//! as "not proved", and leaves nothing behind.

use harness::lab::{new_direct, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Moto, Person, Proxy, content, live, scratch_dir};
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{
    Client, GetError, GetOptions, Leftover, PutError, PutOptions, ReadOptions, Source, Watch,
};

live![
    a_server_without_encryption_gets_nothing,
    a_server_without_encryption_gets_nothing_from_the_command,
    an_existing_object_is_not_touched,
    a_cunning_server_has_its_plain_object_taken_away,
    a_cunning_server_does_not_cost_an_older_version,
    a_gateway_that_does_not_echo_is_not_believed,
    a_gateway_that_does_not_echo_is_not_believed_by_the_command,
    a_gateway_that_stops_to_echo_keeps_what_may_be_good,
];

/// One PUT; a file in parts; a stream in parts.
const SIZES: [usize; 3] = [100, 17 << 20, 18 << 20];

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, size: usize) -> Result<(), PutError> {
    let (directory, name, watch) = (scratch_dir(), bucket.object(key), Watch::default());
    let source = match size {
        0..=1000 => Source::Bytes(content(1, size).into()),
        17_825_792 => Source::Path(directory.file("source", &content(1, size))),
        _ => Source::reader(std::io::Cursor::new(content(1, size))),
    };
    let options = PutOptions::default();
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.map(drop)
}

/// Every read of `key` fails with `expected`; no byte gets out.
async fn assert_unread(
    client: &Client,
    bucket: &Bucket,
    keys: &Keyring,
    key: &str,
    expected: impl Fn(&GetError) -> bool,
) {
    let (directory, name, watch) = (scratch_dir(), bucket.object(key), Watch::default());
    let options = GetOptions::default();
    let target = directory.join("target");
    let error = client.get_file(keys, &name, &target, &options, &watch).await.unwrap_err();
    assert!(expected(&error), "{error:?}");
    assert_eq!(directory.names(), Vec::<String>::new());
    let mut received = Vec::new();
    let stream = client.get_stream(keys, &name, &mut received, &options, &watch).await;
    let error = stream.unwrap_err();
    assert!(expected(&error) && received.is_empty(), "{error:?}");
    let verified = client.verify(keys, &name, &options, &watch).await.unwrap_err();
    assert!(expected(&verified), "{verified:?}");
    let stat = client.stat(keys, &name, &ReadOptions::default()).await.err().unwrap();
    assert!(expected(&stat), "{stat:?}");
}

fn not_proved(outcome: Result<(), PutError>) -> Leftover {
    match outcome {
        Err(PutError::NotProved { leftover, .. }) => leftover,
        other => panic!("{other:?}"),
    }
}

async fn a_server_without_encryption_gets_nothing(_: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    for keys in [new_master(), new_direct()] {
        for size in SIZES {
            assert_eq!(not_proved(put(&bucket, &keys, "a/b", size).await), Leftover::Nothing);
            bucket.assert_empty().await;
        }
    }
    let seen = proxy.seen();
    let real = seen.iter().filter(|asked| asked.object() == "a/b" && asked.key_md5().is_some());
    assert_eq!(real.count(), 0, "the trial ended it before a real key or byte was sent");
    bucket.put_plain("plain", b"in the clear").await;
    let keys = new_master();
    assert_unread(&bucket.client, &bucket, &keys, "plain", |error| {
        matches!(error, GetError::NotEncrypted(_))
    })
    .await;
}

async fn a_server_without_encryption_gets_nothing_from_the_command(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("small", b"content");
    person.file("large", &content(1, 17 << 20));
    for source in ["small", "large"] {
        let (what, _) = person.run(["put", source, &bucket.url("a/b")]).await.refused(3);
        assert!(what.contains("not proved"), "{what}");
        bucket.assert_empty().await;
    }
    let piped = person.run_with(["put", "-", &bucket.url("a/b")], &content(1, 17 << 20)).await;
    piped.refused(3);
    bucket.assert_empty().await;
    bucket.put_plain("plain", b"in the clear").await;
    let plain = bucket.url("plain");
    let reads: [&[&str]; 5] = [
        &["get", &plain, "target"],
        &["get", &plain, "-"],
        &["cat", &plain],
        &["stat", &plain],
        &["verify", &plain],
    ];
    for read in reads {
        let (what, _) = person.run(read).await.refused(3);
        assert!(what.contains("not encrypted"), "{read:?}: {what}");
    }
    assert_eq!(person.names(), ["key", "large", "small"]);
    assert_eq!(bucket.keys().await, ["plain"]);
}

async fn an_existing_object_is_not_touched(_: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    for key in ["a", "prefix/a"] {
        bucket.put_plain(key, b"somebody's own").await;
    }
    let before = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    for size in SIZES {
        for key in ["a", "prefix/a"] {
            not_proved(put(&bucket, &new_master(), key, size).await);
        }
    }
    let after = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    assert_eq!(before, after, "same names, sizes, ETags and times");
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
}

/// Passes the trial by forging: echoes where there is no encryption, and reads without a key that
/// are refused for want of one. After that it is as it is.
fn cunning(asked: &Asked) -> Deed {
    match (asked.is_trial(), asked.operation(), asked.key_headers().is_empty()) {
        (true, "HeadObject" | "GetObject", true) => Deed::ForgeNeed,
        (true, _, false) => Deed::ForgeEcho,
        _ => Deed::Pass,
    }
}

async fn a_cunning_server_has_its_plain_object_taken_away(_: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, cunning).await;
    let bucket = Bucket::at(proxy.client().await).await;
    for size in SIZES {
        let leftover = not_proved(put(&bucket, &new_master(), "a", size).await);
        assert_eq!(leftover, Leftover::Nothing);
        bucket.assert_empty().await;
    }
    let seen = proxy.seen();
    assert!(seen.iter().any(|asked| asked.operation() == "PutObject" && asked.object() == "a"));
    let parts = seen.iter().filter(|asked| asked.operation() == "UploadPart");
    assert!(parts.clone().all(Asked::is_trial), "parts were sent to an upload without an echo");
    assert!(parts.count() > 0);
}

async fn a_cunning_server_does_not_cost_an_older_version(_: &'static Gateway) {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, cunning).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(on).send().await.unwrap();
    bucket.put_plain("a", b"an older version").await;
    let leftover = not_proved(put(&bucket, &new_master(), "a", 100).await);
    assert_eq!(leftover, Leftover::Nothing);
    let versions = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let versions = versions.send().await.unwrap();
    let of_a = versions.versions().iter().filter(|version| version.key() == Some("a"));
    assert_eq!(of_a.map(|version| version.size()).collect::<Vec<_>>(), [Some(16)]);
    assert!(versions.delete_markers().iter().all(|marker| marker.key() != Some("a")));
}

async fn a_gateway_that_does_not_echo_is_not_believed(gateway: &'static Gateway) {
    let (good, keys) = (Bucket::new(gateway).await, new_master());
    for (key, size) in ["small", "file", "stream"].into_iter().zip(SIZES) {
        put(&good, &keys, key, size).await.unwrap();
    }
    let before = good.client.list_page(&good.name, "", None, None).await.unwrap().0;
    let proxy = Proxy::new(gateway, |_| Deed::StripEcho).await;
    let silent = good.through(proxy.client().await);
    for (key, size) in ["small", "file", "stream"].into_iter().zip(SIZES) {
        for key in [key, "new"] {
            assert_eq!(not_proved(put(&silent, &keys, key, size).await), Leftover::Nothing);
        }
        assert_unread(&silent.client, &silent, &keys, key, |error| {
            matches!(error, GetError::NotProved { .. })
        })
        .await;
    }
    let after = good.client.list_page(&good.name, "", None, None).await.unwrap().0;
    assert_eq!(before, after);
    good.remove().await;
}

async fn a_gateway_that_does_not_echo_is_not_believed_by_the_command(gateway: &'static Gateway) {
    let good = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"content");
    person.file("large", &content(1, 17 << 20));
    for source in ["small", "large"] {
        person.run(["put", source, &good.url(source)]).await.done();
    }
    let proxy = Proxy::new(gateway, |_| Deed::StripEcho).await;
    // The state directory says that this place was proved: by another endpoint, so it counts for
    // nothing here.
    let person = person.moved_to(&proxy.endpoint);
    for source in ["small", "large"] {
        let url = good.url(source);
        let (what, _) = person.run(["put", source, &url]).await.refused(3);
        assert!(what.contains("not proved"), "{what}");
        person.run(["put", source, &good.url("new")]).await.refused(3);
        let reads: [&[&str]; 4] =
            [&["get", &url, "target"], &["cat", &url], &["stat", &url], &["verify", &url]];
        for read in reads {
            let (what, _) = person.run(read).await.refused(3);
            assert!(what.contains("not proved"), "{read:?}: {what}");
        }
    }
    assert_eq!(person.names(), ["key", "large", "small"]);
    assert_eq!(good.keys().await, ["large", "small"]);
    good.remove().await;
}

async fn a_gateway_that_stops_to_echo_keeps_what_may_be_good(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| if asked.is_trial() { Deed::Pass } else { Deed::StripEcho };
    let proxy = Proxy::new(gateway, rule).await;
    let silent = bucket.through(proxy.client().await);
    let keys = new_master();
    // It is encrypted, so it cannot be told from somebody else's object: it is named, not removed.
    assert_eq!(not_proved(put(&silent, &keys, "small", 100).await), Leftover::Perhaps);
    assert_eq!(bucket.keys().await, ["small"]);
    // A multipart upload ends at Create, before there is anything to remove.
    assert_eq!(not_proved(put(&silent, &keys, "large", SIZES[1]).await), Leftover::Nothing);
    assert_eq!(proxy.operations().iter().filter(|name| **name == "UploadPart").count(), 0);
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    bucket.remove().await;
}
