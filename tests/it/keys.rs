//! What the command does with a person's keys besides using them: it asks for a backup, once.

use harness::{Bucket, Gateway, Person, live};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;

live![
    on_a_terminal_somebody_is_asked_once,
    whoever_wants_a_backup_first_has_uploaded_nothing,
    a_backup_that_was_made_or_used_is_remembered,
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
