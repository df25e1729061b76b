//! Gateways that answer 403 to a wrong key, as AWS does, met by a command in the middle of its work: the
//! object is under another key, and nothing is wrong with the credentials.

use harness::lab::new_key;
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live};
use s3_ssec::core::key::{Key, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

live![a_rekey_goes_on_after_a_wrong_key, an_upload_starts_again_after_a_wrong_key];

async fn a_rekey_goes_on_after_a_wrong_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let new = new_key(Kind::Direct);
    let Key::Direct(customer_key) = &new else { panic!("a direct key") };
    let md5 = customer_key.md5().to_base64();
    let asked_for_new = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked_for_new);
    // The write fails, and the old object stays: the look for the new one meets a wrong key.
    let rule = move |asked: &Asked| {
        if asked.is_trial() || asked.key_md5() != Some(md5.as_str()) {
            return Deed::Pass;
        }
        match asked.operation() {
            "PutObject" if !seen.load(Relaxed) => Deed::refuse(503, "SlowDown"),
            "HeadObject" if !seen.swap(true, Relaxed) => Deed::refuse(403, "AccessDenied"),
            _ => Deed::Pass,
        }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.key_file("new", new);
    person.file("small", b"content");
    let url = bucket.url("a");
    person.run(["put", "small", &url]).await.done();
    person.run(["rekey", &bucket.url(""), "--to", "new"]).await.done();
    assert!(asked_for_new.load(Relaxed), "the new object was looked for");
    assert_eq!(person.run(["cat", &url, "--key-file", "new"]).await.done().text(), "content");
    bucket.remove().await;
}

async fn an_upload_starts_again_after_a_wrong_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let run = Arc::new(AtomicUsize::new(1));
    let now = Arc::clone(&run);
    // In the first run Complete fails. In the second the upload is gone, and the object of that name is
    // another client's.
    let rule = move |asked: &Asked| match (asked.is_trial(), now.load(Relaxed), asked.operation()) {
        (true, ..) => Deed::Pass,
        (_, 1, "CompleteMultipartUpload") => Deed::refuse(503, "SlowDown"),
        (_, 2, "ListParts") => Deed::refuse(404, "NoSuchUpload"),
        (_, 2, "HeadObject") if asked.key_md5().is_some() => Deed::refuse(403, "AccessDenied"),
        (_, 2, "CreateMultipartUpload") => {
            now.store(3, Relaxed);
            Deed::Pass
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("small", b"content of another client");
    person.file("large", &content(1, 17 << 20));
    let url = bucket.url("a");
    let others = Person::new(gateway).with_key(Kind::Direct);
    others.file("small", b"content of another client");
    others.run(["put", "small", &url]).await.done();
    let put = ["put", "large", &url];
    person.run(put).await.refused(1);
    run.store(2, Relaxed);
    person.run(put).await.done();
    assert_eq!(run.load(Relaxed), 3, "it started again");
    person.run(["get", &url, "back"]).await.done();
    assert!(person.read("back") == person.read("large"));
    // The gateway said that it was gone.
    let sdk = bucket.client.sdk();
    let left = sdk.list_multipart_uploads().bucket(bucket.name.as_str()).send().await.unwrap();
    for upload in left.uploads() {
        let abort = sdk.abort_multipart_upload().bucket(bucket.name.as_str()).key("a");
        abort.upload_id(upload.upload_id().unwrap()).send().await.unwrap();
    }
    bucket.remove().await;
}
