//! Other writers, rot on the way, gateways that lie: the old data are there afterwards.

use super::{LARGE, assert_under, keyring, of, person_at, put, rekey};
use harness::lab::new_key;
use harness::{Asked, Bucket, Deed, Gateway, Moto, Person, Proxy, live};
use s3_ssec::core::key::Kind;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

live![
    what_somebody_else_writes_meanwhile_stays,
    damaged_content_takes_no_place,
    a_flipped_bit_of_another_tool_is_noticed,
    a_server_without_encryption_changes_nothing,
    a_gateway_that_stops_to_prove_ends_the_run,
    a_gateway_without_a_place_for_tags_keeps_them,
    two_runs_at_once_are_refused,
    a_key_is_retired_when_nothing_is_under_it,
];

/// Writes the object as somebody else, from within a rule of a proxy.
fn overwrite(gateway: &'static Gateway, bucket: &str, key: &'static str, content: Vec<u8>) {
    let bucket = bucket.to_owned();
    let write = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = gateway.client().await;
            let put = client.sdk().put_object().bucket(bucket).key(key).tagging("whose=theirs");
            put.body(content.into()).send().await.unwrap();
        });
    };
    std::thread::spawn(write).join().unwrap();
}

/// When somebody else writes: just before the first such request passes.
pub(super) fn meanwhile(
    gateway: &'static Gateway,
    bucket: &Bucket,
    size: usize,
    when: fn(&Asked) -> bool,
) -> impl Fn(&Asked) -> Deed + Send + Sync + 'static {
    let (bucket, done) = (bucket.name.to_string(), AtomicBool::new(false));
    move |asked| {
        let now = asked.object() == "a" && when(asked);
        if now && !done.swap(true, Ordering::SeqCst) {
            overwrite(gateway, &bucket, "a", of(9, size));
        }
        Deed::Pass
    }
}

async fn what_somebody_else_writes_meanwhile_stays(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let read = |asked: &Asked| asked.operation() == "GetObject";
    let look = |asked: &Asked| asked.operation() == "HeadObject";
    let part = |asked: &Asked| asked.operation() == "UploadPart";
    type Moment = fn(&Asked) -> bool;
    const COPIES: &[&str] = &["--gateway-copies"];
    let mut moments: Vec<(usize, &[&str], Moment)> = vec![(100, &[], read), (100, COPIES, look)];
    match gateway.major() {
        // With If-Match, and copies of a source that must be what was read, up to the last moment.
        Some(20..) => {
            moments.push((100, COPIES, |asked| asked.operation() == "CopyObject"));
            moments.push((100, &[], |asked| asked.operation() == "PutObject"));
        }
        _ => moments.push((LARGE, &[], part)),
    }
    for (size, more, when) in moments {
        let rule = meanwhile(gateway, &bucket, 33, when);
        let proxy = Proxy::new(gateway, rule).await;
        let person = person_at(gateway, &proxy.endpoint);
        put(&bucket, keyring(&person, "key").writer(), "a", of(1, size)).await;
        let said = rekey(&person, &bucket.url(""), more, 1).await;
        assert_eq!(said["failed"][0]["outcome"], "changed", "{said}");
        let theirs = person.run(["cat", &bucket.url("a"), "--allow-plain"]).await.done();
        assert!(theirs.stdout == of(9, 33), "theirs is there");
        assert_eq!(bucket.record("a").await, None, "with their tags");
        assert_eq!(bucket.uploads().await, Vec::<String>::new());
        assert_eq!(bucket.keys().await, ["a"]);
        // The next run takes what is there now.
        let said = rekey(&person, &bucket.url(""), &["--encrypt-plain"], 0).await;
        assert_eq!(said["were_plain"]["objects"], 1, "{said}");
    }
    if gateway.major().is_some_and(|major| major >= 20) {
        // An object in the clear is written by PUT, with If-Match.
        let rule = meanwhile(gateway, &bucket, 33, |asked| asked.operation() == "PutObject");
        let proxy = Proxy::new(gateway, rule).await;
        bucket.put_plain("a", b"in the clear").await;
        let person = person_at(gateway, &proxy.endpoint);
        let said = rekey(&person, &bucket.url(""), &["--encrypt-plain"], 1).await;
        assert_eq!(said["failed"][0]["outcome"], "changed", "{said}");
        let theirs = person.run(["cat", &bucket.url("a"), "--allow-plain"]).await.done();
        assert!(theirs.stdout == of(9, 33), "theirs is there");
    }
    bucket.remove().await;
}

/// A line on which a bit of every content flips. The trials before pass: their refusals are read too.
async fn flipping(gateway: &Gateway) -> Proxy {
    let rule = |asked: &Asked| match asked.operation() {
        "GetObject" if !asked.is_trial() => Deed::Flip(50),
        _ => Deed::Pass,
    };
    Proxy::new(gateway, rule).await
}

async fn damaged_content_takes_no_place(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = flipping(gateway).await;
    let person = person_at(gateway, &proxy.endpoint);
    let keys = keyring(&person, "key");
    for (name, size) in [("large", LARGE), ("ranges", 9 << 20), ("small", 100)] {
        put(&bucket, keys.writer(), name, of(1, size)).await;
    }
    let before = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    let said = rekey(&person, &bucket.url(""), &[], 3).await;
    for entry in said["failed"].as_array().unwrap() {
        assert_eq!(entry["outcome"], "damaged", "{said}");
        assert!(entry["what"].as_str().unwrap().contains("digest does not match"), "{entry}");
    }
    assert_eq!(said["failed"].as_array().unwrap().len(), 3, "{said}");
    assert_eq!(bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0, before);
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    // A person whose key is not bound to the proxy.
    let old = person.read("key");
    let person = person_at(gateway, &gateway.https);
    person.file_with_mode("old", &old, 0o600);
    assert_under(&person, "old", &bucket.url("small"), &of(1, 100), "the old one").await;
    assert_under(&person, "old", &bucket.url("large"), &of(1, LARGE), "the old one").await;
    bucket.remove().await;
}

/// Objects without a record have the MD5 in their ETag, on RGW.
async fn a_flipped_bit_of_another_tool_is_noticed(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = flipping(gateway).await;
    let person = person_at(gateway, &proxy.endpoint);
    bucket.put_plain("a", &of(1, 100)).await;
    let said = rekey(&person, &bucket.url(""), &["--encrypt-plain"], 3).await;
    assert_eq!(said["failed"][0]["outcome"], "damaged", "{said}");
    let there = person.with("AWS_ENDPOINT_URL_S3", &gateway.https);
    let there = there.run(["cat", &bucket.url("a"), "--allow-plain"]).await.done();
    assert!(there.stdout == of(1, 100));
    bucket.remove().await;
}

async fn a_server_without_encryption_changes_nothing(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    bucket.put_plain("a", b"somebody's own").await;
    let before = bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0;
    let person = person_at(gateway, &proxy.endpoint);
    let ran = person.run(["rekey", &bucket.url(""), "--to", "new"]).await;
    let (what, _) = ran.refused(3);
    assert!(what.contains("not proved"), "{what}");
    assert_eq!(bucket.client.list_page(&bucket.name, "", None, None).await.unwrap().0, before);
    // The same from a gateway whose echo is taken away.
    let good = Bucket::new(gateway).await;
    let proxy = Proxy::new(gateway, |_| Deed::StripEcho).await;
    let person = person_at(gateway, &proxy.endpoint);
    put(&good, keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let before = good.client.list_page(&good.name, "", None, None).await.unwrap().0;
    person.run(["rekey", &good.url(""), "--to", "new"]).await.refused(3);
    assert_eq!(good.client.list_page(&good.name, "", None, None).await.unwrap().0, before);
    good.remove().await;
}

async fn a_gateway_that_stops_to_prove_ends_the_run(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let lies = Arc::new(AtomicBool::new(true));
    let lying = Arc::clone(&lies);
    let rule = move |asked: &Asked| {
        let writes = matches!(asked.operation(), "PutObject" | "CopyObject");
        match writes && !asked.is_trial() && lying.load(Ordering::SeqCst) {
            true => Deed::StripEcho,
            false => Deed::Pass,
        }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    let keys = keyring(&person, "key");
    for number in 0..5 {
        put(&bucket, keys.writer(), &format!("{number}"), of(number, 100)).await;
    }
    let said = rekey(&person, &bucket.url(""), &["--files", "1"], 3).await;
    assert_eq!(said["stopped"], true, "{said}");
    assert_eq!(said["failed"].as_array().unwrap().len(), 1, "it goes no further: {said}");
    assert_eq!(said["failed"][0]["outcome"], "unproved", "{said}");
    // Never taken back: it may be all that is left. The next run finds that it is good.
    assert_eq!(bucket.keys().await.len(), 5);
    lies.store(false, Ordering::SeqCst);
    let said = rekey(&person, &bucket.url(""), &[], 0).await;
    assert_eq!(said["rekeyed"]["objects"], 5, "{said}");
    for number in 0..5 {
        let name = format!("{number}");
        assert_under(&person, "new", &bucket.url(&name), &of(number, 100), &name).await;
    }
    bucket.remove().await;
}

/// Tags that cannot be read cannot be kept, so the object is left alone.
async fn a_gateway_without_a_place_for_tags_keeps_them(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.operation(), asked.is_trial()) {
        ("GetObjectTagging", false) => Deed::refuse(403, "AccessDenied"),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    put(&bucket, keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let before = bucket.record("a").await;
    let said = rekey(&person, &bucket.url(""), &[], 1).await;
    assert_eq!(said["failed"][0]["outcome"], "failed", "{said}");
    assert_eq!(bucket.record("a").await, before);
    bucket.remove().await;
}

async fn two_runs_at_once_are_refused(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.operation(), asked.is_trial()) {
        ("GetObject", false) => Deed::Silence,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    put(&bucket, keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let place = bucket.url("");
    let arguments = ["rekey", &place, "--to", "new"];
    let first = person.start(arguments);
    let reads = |asked: &Asked| asked.operation() == "GetObject" && !asked.is_trial();
    proxy.until(reads, 0).await;
    let (what, _) = person.run(arguments).await.refused(1);
    assert!(what.contains("another process"), "{what}");
    first.signal(rustix::process::Signal::KILL);
    first.end().await;
    let person = person.with("AWS_ENDPOINT_URL_S3", &gateway.https);
    rekey(&person, &place, &[], 0).await;
    bucket.remove().await;
}

async fn a_key_is_retired_when_nothing_is_under_it(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with("S3_SSEC_KEY_FILE", "lab.key");
    super::key_file(&person, "lab.key", vec![new_key(Kind::Master)]);
    let old = keyring(&person, "lab.key");
    put(&bucket, old.writer(), "a", of(1, 100)).await;
    let fingerprint = old.writer().fingerprint().to_string();
    let place = bucket.url("");
    let retire = ["key", "retire", "lab.key", "--key", &fingerprint, &place];
    let (what, _) = person.run(retire).await.refused(5);
    assert!(what.contains("the one that writes"), "{what}");
    person.run(["key", "add", "lab.key", "--label", "2027"]).await.done();
    let (what, todo) = person.run(retire).await.refused(5);
    assert!(what.contains("1 object or version is") && what.contains("such as a"), "{what}");
    assert!(todo.contains("s3-ssec rekey"), "{todo}");
    assert_eq!(keyring(&person, "lab.key").keys().len(), 2, "nothing was changed");
    let ran = person.run(["rekey", &place, "--to", "lab.key", "--output", "json"]).await.done();
    assert_eq!(ran.json()["rekeyed"]["objects"], 1);
    let (what, _) =
        person.run([&retire[..4], &["0011223344556677", &place]].concat()).await.refused(2);
    assert!(what.contains("has no key"), "{what}");
    let said = person.run([retire.as_slice(), &["--output", "json"]].concat()).await.done().json();
    assert_eq!((&said["retired"], &said["looked_at"]), (&json!(fingerprint), &json!(1)));
    assert_eq!(keyring(&person, "lab.key").keys().len(), 1);
    let before = format!("lab.key.before-{fingerprint}");
    assert_eq!(keyring(&person, &before).keys().len(), 2, "the file as it was");
    assert_under(&person, "lab.key", &bucket.url("a"), &of(1, 100), "after").await;
    bucket.remove().await;
}
