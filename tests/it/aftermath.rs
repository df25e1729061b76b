//! After a write or a removal whose answer says less, or more, than happened: what is there is looked at,
//! and only what is provably ours goes.

use harness::{Asked, Bucket, Deed, Gateway, Moto, Person, Proxy, content, live};
use s3_ssec::core::key::Kind;
use std::sync::{Arc, Mutex};

live![
    every_attempt_of_a_write_is_removed,
    a_version_that_an_answer_names_is_not_removed_unseen,
    a_complete_that_says_nothing_is_looked_after,
    a_copy_leaves_no_trial_in_any_version,
    a_copy_whose_tags_fail_names_its_target,
    a_deletion_that_was_not_done_is_reported,
    a_damaged_tag_is_no_record_and_is_restored,
];

const LARGE: usize = 17 << 20;

/// The client repeats what is answered with 504, and each attempt stores a version.
async fn every_attempt_of_a_write_is_removed(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let rule = |asked: &Asked| match (Deed::forged_trial(asked), asked.operation()) {
        (Some(deed), _) => deed,
        (None, "PutObject") => Deed::Instead(504, Vec::new()),
        _ => Deed::Pass,
    };
    let proxy = Proxy::before(moto.address, rule).await;
    let bucket = Bucket::at(proxy.client().await).await;
    bucket.keep_versions().await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", b"content");
    let (what, _) = person.run(["put", "source", &bucket.url("a")]).await.refused(3);
    assert!(what.contains("nothing was left behind"), "{what}");
    assert_eq!(bucket.versions("").await, Vec::<String>::new());
}

async fn a_version_that_an_answer_names_is_not_removed_unseen(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let named = Arc::new(Mutex::new(String::new()));
    let name = Arc::clone(&named);
    let rule = move |asked: &Asked| match (Deed::forged_trial(asked), asked.operation()) {
        (Some(deed), _) => deed,
        // Not stored, no echo, and the ID of another client's version.
        (None, "PutObject") if !asked.key_headers().is_empty() => {
            let id = name.lock().unwrap().clone();
            let headers = vec![("etag", "\"00\"".to_owned()), ("x-amz-version-id", id)];
            Deed::Answer(200, headers, String::new())
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::before(moto.address, rule).await;
    let bucket = Bucket::at(proxy.client().await).await;
    bucket.keep_versions().await;
    bucket.put_plain("a", b"the only good version").await;
    let before = bucket.versions("a").await;
    named.lock().unwrap().clone_from(&before[0]);
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", b"content");
    let (what, _) = person.run(["put", "source", &bucket.url("a")]).await.refused(3);
    // The gateway took it, so it may be below another version.
    assert!(what.contains("may be there in the clear"), "{what}");
    assert_eq!(bucket.versions("a").await, before);
}

/// S3 may answer 200 first, and then with nothing or with an error.
async fn a_complete_that_says_nothing_is_looked_after(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation(), &*asked.object()) {
        (false, "CompleteMultipartUpload", "empty") => Deed::Instead(200, Vec::new()),
        (false, "CompleteMultipartUpload", _) => Deed::HangUp,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).moved_to(&proxy.endpoint).with_key(Kind::Master);
    let expected = content(1, LARGE);
    person.file("source", &expected);
    for name in ["empty", "cut"] {
        person.run(["put", "source", &bucket.url(name)]).await.done();
        person.run(["get", &bucket.url(name), name, "--require-verified"]).await.done();
        assert!(person.read(name) == expected, "{name}");
    }
    bucket.remove().await;
}

/// RGW 20.2.4 names no version in the answer to a copy.
async fn a_copy_leaves_no_trial_in_any_version(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    bucket.keep_versions().await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["put", "a", &bucket.url("a")]).await.done();
    person.run(["cp", &bucket.url("a"), &bucket.url("b")]).await.done();
    assert_eq!(bucket.versions("").await.len(), 2);
    assert_eq!(bucket.keys().await, ["a", "b"]);
    bucket.remove().await;
}

async fn a_copy_whose_tags_fail_names_its_target(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| {
        let tags = matches!(asked.operation(), "GetObjectTagging" | "PutObjectTagging");
        let fails = tags && asked.object() == "target";
        if fails { Deed::refuse(500, "InternalError") } else { Deed::Pass }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).moved_to(&proxy.endpoint).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["put", "a", &bucket.url("a")]).await.done();
    let ran = person.run(["cp", &bucket.url("a"), &bucket.url("target")]).await;
    // Only where the gateway copies are tags looked at: else the record goes with one PUT.
    match gateway.major() {
        Some(20..) => {
            let (what, _) = ran.refused(1);
            assert!(what.contains(&bucket.url("target")) && what.contains("had arrived"), "{what}");
        }
        _ => drop(ran.done()),
    }
    person.run(["get", &bucket.url("target"), "back", "--require-verified"]).await.refused(1);
    let person = person.moved_to(&gateway.https);
    person.run(["get", &bucket.url("target"), "back", "--require-verified"]).await.done();
    assert_eq!(person.read("back"), b"content");
    bucket.remove().await;
}

async fn a_deletion_that_was_not_done_is_reported(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation()) {
        (false, "DeleteObject") => Deed::Answer(204, Vec::new(), String::new()),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).moved_to(&proxy.endpoint).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["put", "a", &bucket.url("a")]).await.done();
    let (what, todo) = person.run(["rm", &bucket.url("a")]).await.refused(1);
    assert!(what.contains("is there, although"), "{what}");
    assert!(todo.contains("s3-ssec stat"), "{todo}");
    let person = person.moved_to(&gateway.https);
    person.run(["rm", &bucket.url("a")]).await.done();
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// An audit does not pass an object that a read refuses; the machine that wrote it restores its tag.
async fn a_damaged_tag_is_no_record_and_is_restored(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let (url, place) = (bucket.url("a"), format!("s3://{}", bucket.name));
    person.file("a", b"content");
    person.run(["put", "a", &url]).await.done();
    let good = bucket.record("a").await.unwrap();
    let audit = ["audit", &place, "--expect", "own-source"];
    for damaged in ["", "nonsense", &good[..good.len() - 2]] {
        bucket.set_tags("a", &[("s3-ssec", damaged), ("theirs", "kept")]).await;
        person.run(["verify", &url]).await.refused(3);
        assert_eq!(person.run(audit).await.code, Some(3), "{damaged}");
        person.run(["repair", &url]).await.done();
        assert_eq!(bucket.record("a").await.as_deref(), Some(&*good), "{damaged}");
        person.run(["verify", &url]).await.done();
        person.run(audit).await.done();
    }
    bucket.remove().await;
}
