//! A second program that follows FORMAT.md (`tests/interop/second.py`): it reads what we write, and we read
//! what it writes.

use harness::{Bucket, Gateway, Person, Ran, content, lab, live};
use s3_ssec::core::key::Kind;

live![
    it_verifies_what_we_wrote,
    we_verify_what_it_wrote,
    words_and_shares_go_both_ways,
    neither_takes_what_is_false,
];

const SIZES: [(&str, usize); 3] = [("empty", 0), ("small", 5000), ("chunks", 70_000)];
/// An object key with all that is awkward in one.
const OBJECT: &str = "Größe/a b+c%.bin";

/// Runs `second.py`.
async fn second(person: &Person, arguments: &[&str]) -> Ran {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/second.py");
    person.run_program(&lab().python, [&[script], arguments].concat()).await
}

/// Uploads by boto3 with these headers and their tag.
async fn boto3_puts(person: &Person, bucket: &Bucket, key: &str, file: &str, headers: &[u8]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/peer.py");
    let arguments = [script, "put", bucket.name.as_str(), key, file];
    person.run_program_with(&lab().python, arguments, headers).await.done();
}

fn somebody(gateway: &Gateway) -> Person {
    let person = Person::new(gateway).with("AWS_DEFAULT_REGION", "us-east-1");
    for (name, size) in SIZES {
        person.file(name, &content(size as u64, size));
    }
    person
}

async fn it_verifies_what_we_wrote(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for kind in [Kind::Master, Kind::Direct] {
        let person = somebody(gateway).with_key(kind);
        for (name, _) in SIZES {
            person.run(["put", name, &bucket.url(OBJECT)]).await.done();
            let tag = bucket.record(OBJECT).await.unwrap();
            let check = ["check", "key", bucket.name.as_str(), OBJECT, &tag, name];
            assert_eq!(second(&person, &check).await.done().text(), "verified\n");
            let other = if name == "small" { "chunks" } else { "small" };
            let check = ["check", "key", bucket.name.as_str(), OBJECT, &tag, other];
            let refused = second(&person, &check).await;
            assert!(refused.stderr.contains("not the content that was described"), "{refused:?}");
            let check = ["check", "key", bucket.name.as_str(), "another", &tag, name];
            let refused = second(&person, &check).await;
            assert!(refused.stderr.contains("no key of the file made this tag"), "{refused:?}");
        }
    }
    bucket.remove().await;
}

async fn we_verify_what_it_wrote(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for kind in ["master", "direct"] {
        let person = somebody(gateway);
        second(&person, &["new", kind, "key"]).await.done();
        let key = person.work().join("key");
        let person = person.with("S3_SSEC_KEY_FILE", key);
        for (name, size) in SIZES {
            let seal = ["seal", "key", bucket.name.as_str(), OBJECT, name];
            let headers = second(&person, &seal).await.done().stdout;
            boto3_puts(&person, &bucket, OBJECT, name, &headers).await;
            let url = bucket.url(OBJECT);
            let stat = person.run(["stat", &url, "--output", "json"]).await.done().json();
            assert_eq!((&stat["state"], &stat["key_kind"]), (&"described".into(), &kind.into()));
            person.run(["verify", &url]).await.done();
            person.run(["get", &url, "back", "--force", "--require-verified"]).await.done();
            assert!(person.read("back") == content(size as u64, size), "{kind} {name}");
        }
        // Described as one content, and another one of its size put.
        person.file("other", &content(1, 5000));
        let seal = ["seal", "key", bucket.name.as_str(), OBJECT, "small"];
        let headers = second(&person, &seal).await.done().stdout;
        boto3_puts(&person, &bucket, OBJECT, "other", &headers).await;
        person.run(["verify", &bucket.url(OBJECT)]).await.refused(3);
    }
    bucket.remove().await;
}

/// The fingerprint of the first key of a file.
async fn fingerprint(person: &Person, file: &str) -> String {
    let shown = person.run(["key", "show", file, "--output", "json"]).await.done().json();
    let key = &shown["keys"][0];
    format!("{} {}", key["fingerprint"].as_str().unwrap(), key["kind"].as_str().unwrap())
}

async fn words_and_shares_go_both_ways(gateway: &'static Gateway) {
    for kind in ["master", "direct"] {
        let person = Person::new(gateway);
        second(&person, &["new", kind, "key"]).await.done();
        let key = fingerprint(&person, "key").await;
        person.file("words", &second(&person, &["words", "key"]).await.done().stdout);
        person.run(["key", "restore", "words", "--out", "by-words"]).await.done();
        let backup = ["key", "backup", "key", "--words", "--out", "our-words"];
        person.run(backup).await.done();
        second(&person, &["from-words", "our-words", "its-words"]).await.done();
        let shares = second(&person, &["split", "key", "5", "3"]).await.done().text();
        let shares: Vec<_> = shares.lines().collect();
        let three = [shares[4], shares[0], shares[2]].join("\n");
        person.file("shares", three.as_bytes());
        person.run(["key", "restore", "shares", "--out", "by-shares"]).await.done();
        let backup =
            ["key", "backup", "key", "--shares", "5", "--threshold", "3", "--out", "share"];
        person.run(backup).await.done();
        let from = ["from-shares", "its-shares", "share.2", "share.5", "share.3"];
        second(&person, &from).await.done();
        for file in ["by-words", "its-words", "by-shares", "its-shares"] {
            assert_eq!(fingerprint(&person, file).await, key, "{file}");
        }
    }
}

async fn neither_takes_what_is_false(gateway: &'static Gateway) {
    let person = Person::new(gateway);
    second(&person, &["new", "master", "key"]).await.done();
    let words = second(&person, &["words", "key"]).await.done().text();
    let mut swapped: Vec<_> = words.split_whitespace().collect();
    swapped.swap(0, 1);
    person.file("swapped", swapped.join(" ").as_bytes());
    let shares = second(&person, &["split", "key", "3", "2"]).await.done().text();
    let first = shares.lines().next().unwrap();
    let mistyped = format!("{}{}", &first[..40], first[40..].replacen(['q', 'p'], "z", 1));
    person.file("few", first.as_bytes());
    person.file("mistyped", mistyped.as_bytes());
    for (arguments, ours) in [
        (["from-words", "swapped", "new"], ["restore", "swapped"]),
        (["from-shares", "new", "few"], ["restore", "few"]),
        (["from-shares", "new", "mistyped"], ["restore", "mistyped"]),
    ] {
        let refused = second(&person, &arguments).await;
        assert_eq!(refused.code, Some(1), "{arguments:?}: {}", refused.stderr);
        assert!(!refused.stderr.contains("Traceback"), "{arguments:?}: {}", refused.stderr);
        person.run(["key", ours[0], ours[1], "--out", "new"]).await.refused(4);
        assert!(!person.names().contains(&"new".to_owned()));
    }
}
