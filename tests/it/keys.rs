//! The care that the command takes of a person's keys: it asks for a backup, once, and
//! remembers the gateway that first confirmed them.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use rustix::process::Signal;
use s3_ssec::core::key::{Key, Kind};
use serde_json::json;

live![
    on_a_terminal_somebody_is_asked_once,
    whoever_wants_a_backup_first_has_uploaded_nothing,
    a_backup_that_was_made_or_used_is_remembered,
    a_key_belongs_to_the_gateway_that_first_confirmed_it,
    only_the_key_that_was_confirmed_is_bound,
    a_gateway_that_confirms_nothing_gets_no_key,
    the_target_key_of_rekey_and_cp_is_remarked_on,
    proofs_of_a_place_end_with_a_surprise,
];

const ASKED: &str = "press Enter to upload now, or Ctrl-C to make a backup first";

async fn on_a_terminal_somebody_is_asked_once(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    let arguments = ["put", "a", &bucket.url("a")];
    let mut asked = person.start_on_terminal(arguments);
    asked.until(ASKED).await;
    assert!(asked.said().contains("has no backup; if it is lost"), "{}", asked.said());
    assert!(asked.said().contains("s3-ssec key backup "), "{}", asked.said());
    bucket.assert_empty().await;
    asked.types("\n");
    let (code, _) = asked.end().await;
    assert_eq!(code, Some(0));
    assert_eq!(bucket.keys().await, ["a"]);
    let (code, said) = person.start_on_terminal(arguments).end().await;
    assert_eq!(code, Some(0));
    assert!(!said.contains("backup"), "{said}");
    // Standard input is the content, and no answer is read from it.
    let other = Person::new(gateway).with_key(Kind::Master);
    let mut piped = other.start_on_terminal(["put", "-", &bucket.url("typed")]);
    piped.types("typed\n\u{4}");
    let (code, said) = piped.end().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("has no backup") && !said.contains(ASKED), "{said}");
    let quiet = Person::new(gateway).with_key(Kind::Master);
    quiet.file("a", b"content");
    let (code, said) =
        quiet.start_on_terminal(["put", "a", &bucket.url("quiet"), "--quiet"]).end().await;
    assert_eq!((code, said.as_str()), (Some(0), ""));
    bucket.remove().await;
}

async fn whoever_wants_a_backup_first_has_uploaded_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    std::fs::create_dir(person.work().join("tree")).unwrap();
    person.file("tree/a", b"content");
    let asked = person.start_on_terminal(["put", "-r", "tree", &bucket.url("")]);
    asked.until(ASKED).await;
    // As Ctrl-C, which a shell in the background would keep from its children.
    asked.signal(Signal::TERM);
    let (code, _) = asked.end().await;
    assert_eq!(code, None, "the signal ended it");
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_backup_that_was_made_or_used_is_remembered(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let backups: [&[&str]; 5] = [
        &["--words", "--out", "copy"],
        &["--words", "--stdout"],
        &["--sheet", "copy"],
        &["--shares", "3", "--threshold", "2", "--out", "copy"],
        &["--passphrase", "--passphrase-file", "phrase", "--out", "copy"],
    ];
    for backup in backups {
        let person = Person::new(gateway).with_key(Kind::Master);
        person.file("a", b"content");
        person.file_with_mode("phrase", b"correct horse battery staple", 0o600);
        let arguments = [&["key", "backup", "key"], backup].concat();
        person.run(arguments).await.done();
        let put = person.run(["put", "a", &bucket.url("a")]).await.done();
        assert!(!put.stderr.contains("backup"), "{backup:?}: {}", put.stderr);
    }
    // A failed one is none.
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["key", "backup", "key", "--words"]).await.refused(5);
    let put = person.run(["put", "a", &bucket.url("a")]).await.done();
    assert!(put.stderr.contains("has no backup"), "{}", put.stderr);
    // On another machine, which has nothing but the backup.
    person.run(["key", "backup", "key", "--words", "--out", "words"]).await.done();
    let other = Person::new(gateway);
    other.file("words", &person.read("words"));
    other.file("a", b"content");
    other.run(["key", "drill", &bucket.url("a"), "words"]).await.done();
    let known = other.run(["key", "scope", "--output", "json"]).await.done().json();
    assert_eq!(known["keys"][0]["copies"][0]["form"], "words");
    assert_eq!(known["keys"][0]["places"][0], gateway.https.as_str());
    other.run(["key", "restore", "words", "--out", "key"]).await.done();
    let put = other.run(["put", "a", &bucket.url("a"), "--key-file", "key"]).await.done();
    assert_eq!(put.stderr, "");
    bucket.remove().await;
}

async fn a_key_belongs_to_the_gateway_that_first_confirmed_it(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    person.file("tree/good", b"content");
    person.file(&format!("tree/{}", "long".repeat(60)), b"content");
    // Nightly, with one name that no object can have.
    let place = bucket.url(&"d".repeat(900));
    let ran = person.run(["put", "-r", "tree", &place]).await;
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("from now on, and will not be sent elsewhere"), "{}", ran.stderr);
    assert!(ran.stderr.contains("has no backup"), "{}", ran.stderr);
    let elsewhere = ["put", "tree/good", &bucket.url("a"), "--endpoint", "https://localhost:1"];
    let (what, _) = person.run(elsewhere).await.refused(5);
    assert!(what.contains("nothing of it is sent to https://localhost:1"), "{what}");
    // Killed in the middle, it belongs there all the same.
    let proxy = Proxy::new(gateway, |asked: &Asked| match asked.operation() {
        "PutObject" if asked.object() == "b" => Deed::Silence,
        _ => Deed::Pass,
    });
    let proxy = proxy.await;
    let other = Person::new(gateway).with_key(Kind::Master).moved_to(&proxy.endpoint);
    other.file("tree/a", b"content");
    other.file("tree/b", b"content");
    let running = other.start(["put", "-r", "tree", &bucket.url("")]);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let scope = async || other.run(["key", "scope", "--output", "json"]).await.done().json();
    while scope().await["keys"][0]["places"][0] != proxy.endpoint.as_str() {
        assert!(std::time::Instant::now() < end, "{}", scope().await);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    running.signal(Signal::KILL);
    running.end().await;
    bucket.remove().await;
}

/// The other keys of the file may be for other gateways: they belong to one when they are confirmed there.
async fn only_the_key_that_was_confirmed_is_bound(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let key = |number, kind| Key::from_bytes(kind, &harness::content(number, 32)).unwrap();
    let seed = u64::from(std::process::id()) << 8;
    let keys = [Kind::Master, Kind::Master, Kind::Direct];
    let keys = || (seed..).zip(keys).map(|(number, kind)| key(number, kind));
    let names: Vec<_> = keys().map(|key| key.fingerprint().to_string()).collect();
    let person = Person::new(gateway);
    person.key_file_of("ring", keys());
    person.key_file_of("second", keys().skip(1).take(1));
    let person = person.with("S3_SSEC_KEY_FILE", "ring");
    person.file("a", b"content");
    let bound = async || {
        let known = person.run(["key", "scope", "--output", "json"]).await.done().json();
        let bound =
            known["keys"].as_array().unwrap().iter().filter(|key| key["places"] != json!([]));
        let mut bound: Vec<_> = bound.map(|key| key["fingerprint"].clone()).collect();
        bound.sort_by_key(|key| names.iter().position(|name| name == key));
        bound
    };
    let said = person.run(["put", "a", &bucket.url("a")]).await.done().stderr;
    assert!(said.contains(&format!("the key {} belongs", names[0])), "{said}");
    assert_eq!(bound().await, names[..1]);
    // When an object under another one is read, that is confirmed too.
    let others = person.copy();
    others.run(["put", "a", &bucket.url("b"), "--key-file", "second"]).await.done();
    let said = person.run(["cat", &bucket.url("b")]).await.done().stderr;
    assert!(said.contains(&format!("the key {} belongs", names[1])), "{said}");
    assert_eq!(bound().await, names[..2]);
    // A key that was never confirmed goes nowhere where the others of its file do not belong.
    let elsewhere = ["put", "a", &bucket.url("a"), "--endpoint", "https://localhost:1"];
    person.run(elsewhere).await.refused(5);
    bucket.remove().await;
}

async fn a_gateway_that_confirms_nothing_gets_no_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    let proxy = Proxy::new(gateway, |asked: &Asked| match asked.is_trial() {
        true => Deed::Pass,
        false => Deed::StripEcho,
    });
    let proxy = proxy.await;
    let person = person.moved_to(&proxy.endpoint);
    person.run(["put", "a", &bucket.url("a")]).await.refused(3);
    let known = person.run(["key", "scope", "--output", "json"]).await.done().json();
    assert_eq!(known["keys"], serde_json::json!([]), "a trial is not of this key");
    bucket.remove().await;
}

async fn the_target_key_of_rekey_and_cp_is_remarked_on(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    person.run(["key", "backup", "key", "--words", "--out", "words"]).await.done();
    person.run(["put", "a", &bucket.url("a")]).await.done();
    person.run(["key", "new", "--out", "new"]).await.done();
    let rekey = ["rekey", &bucket.url(""), "--to", "new"];
    let dry = person.run([&rekey[..], &["--dry-run"]].concat()).await.done();
    assert!(!dry.stderr.contains("has no backup"), "{}", dry.stderr);
    let done = person.run(rekey).await.done();
    assert!(done.stderr.contains("has no backup") && done.stderr.contains("key backup new"));
    let other = person.with_key_named("third", Kind::Master);
    other.run(["put", "a", &bucket.url("b"), "--any-endpoint", "--quiet"]).await.done();
    // Nothing is known of the key any more.
    let other = other.moved_to(&gateway.https);
    let copied = other.run(["cp", &bucket.url("b"), &bucket.url("c")]).await.done();
    assert!(copied.stderr.contains("has no backup"), "{}", copied.stderr);
    // All zeros, and what a person typed: said before anything is written.
    other.file_with_mode("zeros", &[0; 32], 0o600);
    other.file_with_mode("typed", b"correct-horse-battery-staple-yes", 0o600);
    for (key, why) in [("zeros", "it repeats itself"), ("typed", "it looks like a passphrase")] {
        let put = ["put", "a", &bucket.url("weak"), "--key-file", key];
        let put = other.run(put).await.done();
        assert!(put.stderr.contains("is weak") && put.stderr.contains(why), "{}", put.stderr);
        let gone = ["put", "no-such-file", &bucket.url("weak"), "--key-file", key];
        let gone = other.run(gone).await;
        assert!(gone.code == Some(1) && gone.stderr.contains(why), "{}", gone.stderr);
        let copy = ["cp", &bucket.url("weak"), &bucket.url("weaker"), "--key-file", key];
        let copy = other.run(copy).await.done();
        assert!(copy.stderr.contains(why), "{}", copy.stderr);
    }
    bucket.remove().await;
}

async fn proofs_of_a_place_end_with_a_surprise(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let lies = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let lying = std::sync::Arc::clone(&lies);
    let proxy = Proxy::new(gateway, move |asked: &Asked| {
        let lies = lying.load(std::sync::atomic::Ordering::Relaxed);
        match lies && !asked.is_trial() && asked.operation() == "HeadObject" {
            true => Deed::StripEcho,
            false => Deed::Pass,
        }
    });
    let proxy = proxy.await;
    let person = Person::new(gateway).with_key(Kind::Master).moved_to(&proxy.endpoint);
    person.file("a", b"content");
    let trials = || {
        let puts = proxy.seen().into_iter().filter(|asked| asked.operation() == "PutObject");
        puts.filter(Asked::is_trial).count()
    };
    for _ in 0..2 {
        person.run(["put", "a", &bucket.url("a")]).await.done();
    }
    assert_eq!(trials(), 1, "proved once");
    lies.store(true, std::sync::atomic::Ordering::Relaxed);
    person.run(["stat", &bucket.url("a")]).await.refused(3);
    lies.store(false, std::sync::atomic::Ordering::Relaxed);
    person.run(["put", "a", &bucket.url("a")]).await.done();
    assert_eq!(trials(), 2, "and again after an answer without an echo");
    bucket.remove().await;
}
