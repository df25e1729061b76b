//! Refusals of reads without a key that say nothing about a key: no verb takes them for encryption.

use harness::lab::new_key;
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live};
use s3_ssec::core::key::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

live![
    an_odd_refusal_is_no_proof_of_a_write,
    an_odd_refusal_is_no_proof_of_a_rekey,
    an_odd_refusal_is_no_proof_for_doctor,
    an_odd_refusal_is_no_encryption_in_a_listing,
];

/// Refuses reads that carry no key, as moto refuses what it does not understand.
fn refuse_oddly(asked: &Asked) -> Deed {
    match asked.operation() {
        "GetObject" | "HeadObject" if asked.key_headers().is_empty() => {
            Deed::refuse(400, "InvalidArgument")
        }
        _ => Deed::Pass,
    }
}

/// A proxy that does so with the objects that `which` picks.
async fn odd(gateway: &Gateway, which: fn(&Asked) -> bool) -> Proxy {
    let rule = move |asked: &Asked| if which(asked) { refuse_oddly(asked) } else { Deed::Pass };
    Proxy::new(gateway, rule).await
}

/// A person at this proxy with a new master key and two files.
fn person_at(gateway: &Gateway, proxy: &Proxy) -> Person {
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("small", b"content");
    person.file("large", &content(1, 17 << 20));
    person
}

async fn an_odd_refusal_is_no_proof_of_a_write(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    // Of a trial, which ends the write before the object is touched.
    let trials = odd(gateway, Asked::is_trial).await;
    let person = person_at(gateway, &trials);
    for name in ["small", "large"] {
        let (what, _) = person.run(["put", name, &bucket.url(name)]).await.refused(3);
        assert!(what.contains("does not say that the object needs a key"), "{what}");
        bucket.assert_empty().await;
    }
    // Of the object itself: an upload in parts is proved by a read without its key.
    let objects = odd(gateway, |asked| !asked.is_trial()).await;
    let person = person_at(gateway, &objects);
    let (what, _) = person.run(["put", "large", &bucket.url("large")]).await.refused(3);
    assert!(what.contains("does not say that the object needs a key"), "{what}");
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    // The answer to one PUT has the proof itself.
    person.run(["put", "small", &bucket.url("small")]).await.done();
    bucket.remove().await;
}

async fn an_odd_refusal_is_no_proof_of_a_rekey(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let is_odd = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&is_odd);
    let rule = move |asked: &Asked| match now.load(Relaxed) && !asked.is_trial() {
        true => refuse_oddly(asked),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy);
    person.key_file("new", new_key(Kind::Master));
    let url = bucket.url("large");
    person.run(["put", "large", &url]).await.done();
    let rekey = ["rekey", &bucket.url(""), "--to", "new"];
    is_odd.store(true, Relaxed);
    let ran = person.run(rekey).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    // Nothing is lost, and the next run comes to an end when the gateway is honest again.
    is_odd.store(false, Relaxed);
    person.run(rekey).await.done();
    person.run(["get", &url, "back", "--key-file", "new"]).await.done();
    assert!(person.read("back") == person.read("large"));
    bucket.remove().await;
}

async fn an_odd_refusal_is_no_proof_for_doctor(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = odd(gateway, |_| true).await;
    let person = person_at(gateway, &proxy);
    let ran = person.run(["doctor", &bucket.url("")]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("customer keys do not protect here"), "{}", ran.stderr);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn an_odd_refusal_is_no_encryption_in_a_listing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = odd(gateway, |_| true).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"content");
    person.run(["put", "small", &bucket.url("encrypted")]).await.done();
    bucket.put_plain("plain", b"plaintext").await;
    let list = ["ls", "-l", &bucket.url("")];
    let states = |ran: &harness::Ran| {
        let listed = ran.json();
        let states = listed.as_array().unwrap().iter().map(|line| line["state"].clone());
        states.collect::<Vec<_>>()
    };
    let json = list.iter().copied().chain(["--output", "json"]);
    let honest = person.run(json.clone()).await.done();
    assert_eq!(states(&honest), ["described", "plain"]);
    let person = person.moved_to(&proxy.endpoint);
    assert_eq!(states(&person.run(json).await.done()), ["unproved", "unproved"]);
    assert!(person.run(list).await.done().text().contains("not proved"));
    bucket.remove().await;
}
