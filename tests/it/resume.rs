//! Transfers that broke off go on, and nothing is left of those that cannot.

use harness::lab::new_master;
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live, scratch_dir};
use s3_ssec::core::key::Kind;
use s3_ssec::{Client, GetOptions, PutOptions, Source, StateDir, Uploaded, Verification, Watch};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use tokio::sync::Notify;

live![
    an_upload_goes_on_where_it_broke_off,
    a_changed_file_starts_anew,
    another_key_starts_anew,
    a_plaintext_of_another_client_is_not_the_upload,
];

const MIB: usize = 1 << 20;

fn options() -> PutOptions {
    let mut options = PutOptions::default();
    (options.part_size, options.in_flight) = (8 << 20, 1);
    options
}

/// Starts an upload and lets it vanish, as a crash would, after `parts` parts.
async fn break_off(
    client: &Client,
    bucket: &Bucket,
    keys: &s3_ssec::core::keyring::Keyring,
    path: &Path,
    parts: u32,
) {
    let (reached, enough) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let notify = Arc::clone(&enough);
    let watch = Watch::new(Arc::new(move |_| {
        if reached.fetch_add(1, Ordering::Relaxed) + 1 == parts {
            notify.notify_one();
        }
    }));
    let name = bucket.object("big");
    let options = options();
    let put = client.put(keys.writer(), &name, Source::Path(path.to_owned()), &options, &watch);
    tokio::select! {
        done = put => panic!("it was to break off: {done:?}"),
        () = enough.notified() => {}
    }
    assert_eq!(bucket.uploads().await, ["big"], "the upload is half done");
}

async fn put(
    client: &Client,
    bucket: &Bucket,
    keys: &s3_ssec::core::keyring::Keyring,
    path: &Path,
) -> Uploaded {
    let (name, options) = (bucket.object("big"), options());
    let source = Source::Path(path.to_owned());
    client.put(keys.writer(), &name, source, &options, &Watch::default()).await.unwrap()
}

async fn check(bucket: &Bucket, keys: &s3_ssec::core::keyring::Keyring, expected: &[u8]) {
    let (name, mut received) = (bucket.object("big"), Vec::new());
    let options = GetOptions::default();
    let watch = Watch::default();
    let get = bucket.client.get_stream(keys, &name, &mut received, &options, &watch);
    assert_eq!(get.await.unwrap().verification, Verification::Verified);
    assert!(received == expected);
    assert_eq!(bucket.uploads().await, Vec::<String>::new(), "no upload is left half done");
}

async fn an_upload_goes_on_where_it_broke_off(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let client = gateway.client().await.with_state(StateDir::new(directory.join("state")));
    let keys = new_master();
    let expected = content(1, 44 * MIB + 3);
    let path = directory.file("source", &expected);
    break_off(&client, &bucket, &keys, &path, 3).await;
    let uploaded = put(&client, &bucket, &keys, &path).await;
    assert!(uploaded.continued >= 16 << 20, "{} bytes were there", uploaded.continued);
    check(&bucket, &keys, &expected).await;
    let again = put(&client, &bucket, &keys, &path).await;
    assert_eq!(again.continued, 0, "nothing is continued twice");
    bucket.remove().await;
}

async fn a_changed_file_starts_anew(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let client = gateway.client().await.with_state(StateDir::new(directory.join("state")));
    let keys = new_master();
    let mut expected = content(1, 44 * MIB + 3);
    for change in [0, 43 * MIB] {
        let path = directory.file("source", &expected);
        break_off(&client, &bucket, &keys, &path, 3).await;
        expected[change] ^= 1;
        expected.push(7);
        expected.truncate(44 * MIB + 3);
        let path = directory.file("source", &expected);
        put(&client, &bucket, &keys, &path).await;
        check(&bucket, &keys, &expected).await;
    }
    let path = directory.file("source", &expected);
    break_off(&client, &bucket, &keys, &path, 2).await;
    let path = directory.file("source", &expected[..30 * MIB]);
    put(&client, &bucket, &keys, &path).await;
    check(&bucket, &keys, &expected[..30 * MIB]).await;
    bucket.remove().await;
}

async fn another_key_starts_anew(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let client = gateway.client().await.with_state(StateDir::new(directory.join("state")));
    let (old, new) = (new_master(), new_master());
    let expected = content(1, 30 * MIB);
    let path = directory.file("source", &expected);
    break_off(&client, &bucket, &old, &path, 2).await;
    let uploaded = put(&client, &bucket, &new, &path).await;
    assert_eq!((uploaded.continued, uploaded.key), (0, new.writer().fingerprint()));
    check(&bucket, &new, &expected).await;
    bucket.remove().await;
}

/// The upload is not completed yet, and the name holds an object that any key opens.
async fn a_plaintext_of_another_client_is_not_the_upload(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let is_busy = Arc::new(AtomicBool::new(true));
    let busy = Arc::clone(&is_busy);
    let rule = move |asked: &Asked| {
        let completes = !asked.is_trial() && asked.operation() == "CompleteMultipartUpload";
        match completes && busy.load(Ordering::Relaxed) {
            true => Deed::refuse(503, "SlowDown"),
            false => Deed::Pass,
        }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).moved_to(&proxy.endpoint).with_key(Kind::Master);
    let (url, expected) = (bucket.url("a"), content(1, 17 * MIB));
    person.file("source", &expected);
    person.run(["put", "source", &url]).await.refused(1);
    bucket.put_plain("a", b"of another client").await;
    is_busy.store(false, Ordering::Relaxed);
    person.run(["put", "source", &url]).await.done();
    person.run(["get", &url, "back", "--require-verified"]).await.done();
    assert!(person.read("back") == expected);
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    bucket.remove().await;
}
