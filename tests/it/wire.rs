//! What goes over the wire: a key of its own for every write, whole or not at all, to nobody else.

use harness::lab::{new_direct, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live};
use s3_ssec::core::advice::Cause;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{GetError, GetOptions, PutError, PutOptions, ReadOptions, Source, Watch};
use std::collections::{BTreeMap, BTreeSet};

live![
    every_write_under_a_master_key_has_a_key_of_its_own,
    a_direct_key_is_the_same_for_all,
    a_key_has_three_headers_and_stands_in_no_address,
    no_redirect_is_followed,
    the_command_explains_a_redirect,
];

const MIB: usize = 1 << 20;

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, size: usize) -> Result<(), PutError> {
    let (name, watch) = (bucket.object(key), Watch::default());
    // Read from a stream, so that 17 MiB go in parts of 16.
    let source = match size {
        0..=1000 => Source::Bytes(content(1, size).into()),
        _ => Source::reader(std::io::Cursor::new(content(1, size))),
    };
    let options = PutOptions::default();
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.map(drop)
}

async fn get(bucket: &Bucket, keys: &Keyring, key: &str) -> Result<Vec<u8>, GetError> {
    let (mut received, name) = (Vec::new(), bucket.object(key));
    let (options, watch) = (GetOptions::default(), Watch::default());
    bucket.client.get_stream(keys, &name, &mut received, &options, &watch).await?;
    Ok(received)
}

/// The keys seen on writes of each object, trials left out.
fn keys_by_object(seen: &[Asked]) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::<_, BTreeSet<_>>::new();
    for asked in seen.iter().filter(|asked| !asked.is_trial()) {
        if let Some(md5) = asked.key_md5() {
            keys.entry(asked.object()).or_default().insert(md5.to_owned());
        }
    }
    keys
}

async fn every_write_under_a_master_key_has_a_key_of_its_own(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let bytes = content(99, 32);
    let keys = Keyring::new(vec![Key::from_bytes(Kind::Master, &bytes).unwrap()]).unwrap();
    for key in ["a", "b"] {
        put(&bucket, &keys, key, 10).await.unwrap();
    }
    put(&bucket, &keys, "in parts", 17 * MIB).await.unwrap();
    let once = keys_by_object(&proxy.seen());
    assert_eq!(once.keys().collect::<Vec<_>>(), ["a", "b", "in parts"]);
    assert!(once.values().all(|keys| keys.len() == 1), "one write, one key: {once:?}");
    put(&bucket, &keys, "a", 10).await.unwrap();
    put(&bucket, &keys, "in parts", 17 * MIB).await.unwrap();
    let twice = keys_by_object(&proxy.seen());
    assert_eq!(twice["a"].len(), 2, "the same content under the same name, written again");
    assert_eq!(twice["in parts"].len(), 2);
    let all: BTreeSet<_> = twice.values().flatten().collect();
    assert_eq!(all.len(), 5, "no key is used twice: {twice:?}");
    let Ok(Key::Direct(itself)) = Key::from_bytes(Kind::Direct, &bytes) else { panic!() };
    assert!(!all.contains(&itself.md5().to_base64()), "the master key itself was sent");
    bucket.remove().await;
}

async fn a_direct_key_is_the_same_for_all(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let keys = new_direct();
    for key in ["a", "b", "a"] {
        put(&bucket, &keys, key, 10).await.unwrap();
    }
    put(&bucket, &keys, "in parts", 17 * MIB).await.unwrap();
    let Key::Direct(direct) = keys.writer() else { panic!("a direct key was made") };
    let only = BTreeSet::from([direct.md5().to_base64()]);
    let seen = keys_by_object(&proxy.seen());
    assert_eq!(seen.len(), 3);
    assert!(seen.values().all(|keys| *keys == only), "{seen:?} are not {only:?}");
    let trials = proxy.seen();
    let mut trials = trials.iter().filter(|asked| asked.is_trial()).filter_map(Asked::key_md5);
    assert!(trials.all(|md5| !only.contains(md5)), "a trial shows the real key");
    bucket.remove().await;
}

async fn a_key_has_three_headers_and_stands_in_no_address(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let keys = new_master();
    put(&bucket, &keys, "small", 10).await.unwrap();
    put(&bucket, &keys, "in parts", 17 * MIB).await.unwrap();
    for key in ["small", "in parts"] {
        get(&bucket, &keys, key).await.unwrap();
        bucket.client.stat(&keys, &bucket.object(key), &ReadOptions::default()).await.unwrap();
    }
    let seen = proxy.seen();
    let mut carriers = BTreeSet::new();
    for asked in &seen {
        let headers = asked.key_headers();
        assert!(headers.is_empty() || headers == ["algorithm", "key", "key-md5"], "{asked:?}");
        if !headers.is_empty() {
            carriers.insert(asked.operation());
            let signed = asked.header("authorization").unwrap();
            for header in headers {
                assert!(signed.contains(&format!("customer-{header};")), "{header} is not signed");
            }
        }
        assert!(!asked.query.to_lowercase().contains("customer"), "{asked:?}");
    }
    let expected = [
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "GetObject",
        "HeadObject",
        "PutObject",
        "UploadPart",
    ];
    assert_eq!(carriers.into_iter().collect::<Vec<_>>(), expected);
    // HEAD, or GET of the first byte, without a key is the other half of the proof; nothing else that
    // takes a key goes bare.
    let is_negative_half = |asked: &Asked| match asked.operation() {
        "HeadObject" => true,
        "GetObject" => asked.header("range") == Some("bytes=0-0"),
        _ => false,
    };
    let without = |asked: &&Asked| asked.key_headers().is_empty() && !is_negative_half(asked);
    let bare: BTreeSet<_> = seen.iter().filter(without).map(Asked::operation).collect();
    assert!(expected.iter().all(|operation| !bare.contains(operation)), "{bare:?}");
    bucket.remove().await;
}

/// A proxy that sends every request with a key to `place`.
async fn redirecting(gateway: &'static Gateway, status: u16, place: String) -> Proxy {
    let rule = move |asked: &Asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => {
            let location = format!("{place}{}", asked.path);
            Deed::Answer(status, vec![("location", location)], String::new())
        }
    };
    Proxy::new(gateway, rule).await
}

async fn no_redirect_is_followed(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    put(&bucket, &keys, "good", 10).await.unwrap();
    let elsewhere = Proxy::new(gateway, |_| Deed::Pass).await;
    for status in [301, 302, 303, 307, 308] {
        let proxy = redirecting(gateway, status, elsewhere.endpoint.clone()).await;
        let astray = bucket.through(proxy.client().await);
        let read = get(&astray, &keys, "good").await;
        let Err(GetError::Call(error)) = read else { panic!("{status}: {read:?}") };
        assert_eq!(error.cause(), Some(Cause::Redirect), "{status}");
        for size in [10, 17 * MIB] {
            let written = put(&astray, &keys, "good", size).await;
            let Err(PutError::Call(error)) = written else { panic!("{status}: {written:?}") };
            assert_eq!(error.cause(), Some(Cause::Redirect), "{status}");
        }
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.operations());
    assert_eq!(get(&bucket, &keys, "good").await.unwrap().len(), 10);
    assert_eq!(bucket.keys().await, ["good"]);
    bucket.remove().await;
}

async fn the_command_explains_a_redirect(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let elsewhere = Proxy::new(gateway, |_| Deed::Pass).await;
    let proxy = redirecting(gateway, 307, elsewhere.endpoint.clone()).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["put", "a", &bucket.url("good")]).await.done();
    let astray = person.moved_to(&proxy.endpoint);
    let commands: [&[&str]; 4] = [
        &["put", "a", &bucket.url("new")],
        &["get", &bucket.url("good"), "b"],
        &["cat", &bucket.url("good")],
        &["stat", &bucket.url("good")],
    ];
    for command in commands {
        let (what, todo) = astray.run(command).await.refused(1);
        assert!(what.contains("redirect") || todo.contains("redirect"), "{what}\n{todo}");
    }
    assert!(elsewhere.seen().is_empty());
    assert_eq!((astray.names(), bucket.keys().await.len()), (vec!["a".into(), "key".into()], 1));
    bucket.remove().await;
}
