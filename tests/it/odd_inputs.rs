//! Inputs that no one means to give to the command: pipes that no one writes to, names that steer a terminal,
//! settings that no request can hold.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, Ran, live};
use s3_ssec::core::key::Kind;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

live![
    a_pipe_without_a_writer_ends_every_command,
    keys_and_manifests_come_through_pipes,
    names_and_messages_do_not_steer_the_terminal,
    settings_that_no_request_holds_are_errors,
];

fn pipe(person: &Person, name: &str) {
    let path = person.work().join(name);
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success());
}

async fn a_pipe_without_a_writer_ends_every_command(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    let (url, place) = (bucket.url("a"), bucket.url(""));
    let other = Bucket::new(gateway).await;
    let there = other.url("there");
    person.run(["put", "a", &there]).await.done();
    let cases: [(&[&str], i32); 14] = [
        (&["put", "a", &url, "--key-file", "pipe"], 4),
        (&["key", "show", "pipe"], 4),
        (&["key", "restore", "pipe"], 4),
        (&["key", "add", "key", "--from", "pipe"], 4),
        (&["rekey", &place, "--to", "pipe"], 4),
        (&["put", "pipe", &url], 1),
        (&["audit", &place, "--manifest", "pipe"], 1),
        (&["audit", &place, "--journal", "pipe"], 5),
        (&["ls", "--ca-bundle", "pipe"], 1),
        (&["report", "pipe"], 1),
        (&["ledger", "import", "pipe"], 1),
        (&["repair", &there, "--against", "pipe"], 1),
        (&["ledger", "import", "/dev/zero"], 1),
        (&["repair", &there, "--against", "/dev/zero"], 1),
    ];
    let since = Instant::now();
    let one = |(case, (arguments, exit)): (usize, (&[&str], i32))| {
        // A pipe of its own: opening one for writing ends the wait of its readers.
        let own = format!("pipe{case}");
        pipe(&person, &own);
        let own = |word: &&str| if *word == "pipe" { own.clone() } else { (*word).to_owned() };
        let arguments: Vec<String> = arguments.iter().map(own).collect();
        let person = &person;
        async move {
            let ran = person.run(&arguments).await;
            assert_eq!(ran.code, Some(exit), "{arguments:?}: {}", ran.stderr);
        }
    };
    futures_util::future::join_all(cases.into_iter().enumerate().map(one)).await;
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    bucket.assert_empty().await;
    other.remove().await;
    // A config file that is a pipe.
    let config = person.everything().join("config/s3-ssec");
    std::fs::create_dir_all(&config).unwrap();
    let made = Command::new("mkfifo").arg(config.join("config.toml")).status().unwrap();
    assert!(made.success());
    let person = person.without("S3_SSEC_KEY_FILE");
    let (what, _) = person.run(["put", "a", &url]).await.refused(2);
    assert!(what.contains("is not a regular file"), "{what}");
    bucket.remove().await;
}

async fn keys_and_manifests_come_through_pipes(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master).without("S3_SSEC_KEY_FILE");
    let program = harness::lab().command.to_str().unwrap().to_owned();
    let url = bucket.url("a");
    person.file("a", b"content");
    let bash = async |line: String| {
        let line = line.replace("s3-ssec ", &format!("{program} "));
        person.run_program(Path::new("/bin/bash"), ["-c", &line]).await.done()
    };
    bash(format!("s3-ssec put a {url} --key-file <(sleep 1; cat key)")).await;
    bash(format!("s3-ssec put <(sleep 1; cat a) {url} --key-fd 7 7< key")).await;
    let read = bash(format!("s3-ssec cat {url} --key-fd 7 7< <(cat key)")).await;
    assert_eq!(read.text(), "content");
    let place = bucket.url("");
    let line =
        format!("s3-ssec audit {place} --manifest <(sleep 1; echo a) --key-file key --format csv");
    assert!(bash(line).await.text().contains("own-key"));
    pipe(&person, "named");
    let line = format!("(sleep 1; cat key > named) & s3-ssec verify {url} --key-file named");
    bash(line).await;
    // A manifest that never ends is refused by its first line.
    let endless = ["audit", &place, "--manifest", "/dev/zero", "--key-file", "key"];
    let ran = person.run(endless).await;
    assert!(ran.code == Some(1) && ran.stderr.contains("could not be asked about"), "{ran:?}");
    bucket.remove().await;
}

/// Sequences of C0 and C1, a line end and a turn of direction, as a listing names them.
const NAMES: &str = "<Contents><Key>a&#x1b;[2J&#x1b;]0;x&#x7;</Key><Size>5</Size></Contents>\
    <Contents><Key>b&#x9b;31m</Key><Size>5</Size></Contents>\
    <Contents><Key>line&#xA;break&#x2028;</Key><Size>5</Size></Contents>\
    <Contents><Key>rtl\u{202e}gpj.exe\u{7f}</Key><Size>5</Size></Contents>\
    <Contents><Key>=cmd</Key><Size>5</Size></Contents>";

fn answer(asked: &Asked) -> Deed {
    let xml = |status, text: String| {
        Deed::Answer(status, vec![("content-type", "application/xml".to_owned())], text)
    };
    match asked.operation() {
        "ListObjects" => xml(
            200,
            format!(
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>\
                 <Prefix></Prefix><MaxKeys>1000</MaxKeys><KeyCount>5</KeyCount>\
                 <IsTruncated>false</IsTruncated>{NAMES}</ListBucketResult>"
            ),
        ),
        _ => xml(
            403,
            "<Error><Code>No\u{1b}[31m\u{9b}31m</Code><Message>m\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\n\
             s3-ssec: forged</Message></Error>"
                .to_owned(),
        ),
    }
}

fn assert_plain(text: &str, what: &str) {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
    };
    assert_eq!(text.chars().find(bad), None, "{what}: {text:?}");
    let forged = text.lines().any(|line| line.starts_with("s3-ssec: forged"));
    assert!(!forged, "{what}: {text}");
}

async fn names_and_messages_do_not_steer_the_terminal(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, answer).await;
    let person = Person::new(gateway).with_key(Kind::Master).moved_to(&proxy.endpoint);
    let plain = |ran: Ran, what: &str| {
        assert_plain(&ran.stderr, what);
        assert_plain(&ran.text(), what);
        assert!(!ran.stderr.is_empty() || !ran.stdout.is_empty(), "{what}");
        ran
    };
    let (place, object) = ("s3://bucket-of-names/", "s3://bucket-of-names/a");
    let cases: [&[&str]; 12] = [
        &["ls", place],
        &["ls", "-r", place],
        &["ls", "-l", place],
        &["ls", "-r", place, "--output", "json"],
        &["audit", place, "--format", "csv"],
        &["audit", place, "--format", "jsonl"],
        &["audit", place, "--output", "json", "--expect", "own"],
        &["verify", "-r", place, "--output", "json"],
        &["rm", "-r", place, "--dry-run"],
        &["stat", object, "-v"],
        &["stat", object, "-vvv", "--output", "json"],
        &["get", "-r", place, "into", "-v"],
    ];
    for arguments in cases {
        plain(person.run(arguments).await, &format!("{arguments:?}"));
    }
    let listed = person.run(["ls", "-r", place, "--output", "json"]).await.done().json();
    assert_eq!(listed[1]["object"], "s3://bucket-of-names/b\u{9b}31m", "JSON loses nothing");
    let lines = plain(person.run(["audit", place, "--out", "audit.csv"]).await, "audit");
    assert_eq!(lines.code, Some(1), "{}", lines.stderr);
    let text = String::from_utf8(person.read("audit.csv")).unwrap();
    assert_plain(&text, "the file");
    assert!(text.lines().any(|line| line.starts_with("'=cmd,")), "{text}");
    assert!(text.contains("line\\nbreak\\u{2028}"), "{text}");
}

async fn settings_that_no_request_holds_are_errors(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let place = bucket.url("");
    let cases = [
        ("AWS_ACCESS_KEY_ID", "AKID\n", 1, "an access key ID is visible ASCII"),
        ("AWS_ACCESS_KEY_ID", "AK\u{7f}ID", 1, "an access key ID is visible ASCII"),
        ("AWS_SESSION_TOKEN", "a\r\nb: c", 1, "a session token is visible ASCII"),
        ("AWS_REGION", "us-east-1\n", 2, "is not a region"),
        ("AWS_REGION", "us/east", 2, "is not a region"),
    ];
    for (variable, value, exit, said) in cases {
        let person = Person::new(gateway).with(variable, value);
        let (what, todo) = person.run(["ls", &place]).await.refused(exit);
        assert!(what.contains(said), "{variable}={value:?}: {what}");
        assert!(todo.contains("AWS_"), "{variable}: {todo}");
        let link = ["presign", "get", &bucket.url("a")];
        let ran = person.with_key(Kind::Master).run(link).await;
        assert_eq!(ran.code, Some(exit), "{}", ran.stderr);
    }
    Person::new(gateway).run(["ls", &place]).await.done();
    // Settings of AWS's own tools that mean nothing here, at which the SDK would panic.
    for variable in ["AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"] {
        for value in ["adaptive ", "-1", "18446744073709551616"] {
            Person::new(gateway).with(variable, value).run(["ls", &place]).await.done();
        }
    }
    bucket.remove().await;
}
