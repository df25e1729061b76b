//! Refusals of the command that need more than a command line: records that were changed, keys of
//! others, a listener that must hear nothing. The transcripts under `cmd/` have the rest.

use harness::{Bucket, Gateway, Person, lab, live};
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::record::{Content, Record};
use std::time::Duration;

live![
    a_changed_record_delivers_nothing,
    a_stripped_record_names_the_way_back,
    a_pending_record_names_the_way_forward,
    plain_http_is_not_even_tried,
    a_key_file_of_somebody_else_is_refused,
    a_key_comes_from_a_pipe,
    nothing_is_printed_twice_into_a_closed_pipe,
    bash_completes_commands_at_every_depth,
];

/// A small object in a bucket of its own, and the person who wrote it.
async fn written(gateway: &'static Gateway, kind: Kind) -> (Bucket, Person) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(kind);
    person.file("a", b"content");
    person.run(["put", "a", &bucket.url("a")]).await.done();
    (bucket, person)
}

async fn a_changed_record_delivers_nothing(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, Kind::Master).await;
    let url = bucket.url("a");
    let good = bucket.record("a").await.unwrap();
    let last = if good.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &good[..good.len() - 1]);
    let newer = good.replacen("v1", "v9", 1);
    for (record, exit) in [(forged.as_str(), 3), ("nonsense", 3), (newer.as_str(), 4)] {
        bucket.set_tags("a", &[("s3-ssec", record)]).await;
        let commands: [&[&str]; 4] =
            [&["get", &url, "back"], &["cat", &url], &["stat", &url], &["verify", &url]];
        for command in commands {
            person.run(command).await.refused(exit);
        }
    }
    assert_eq!(person.names(), ["a", "key"]);
    bucket.set_tags("a", &[("s3-ssec", &good), ("theirs", "kept")]).await;
    person.run(["get", &url, "back", "--require-verified"]).await.done();
    bucket.remove().await;
}

async fn a_stripped_record_names_the_way_back(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, Kind::Master).await;
    let person = person.on_another_machine();
    let url = bucket.url("a");
    bucket.set_tags("a", &[("other", "tag")]).await;
    let commands: [&[&str]; 3] = [&["get", &url, "back"], &["stat", &url], &["verify", &url]];
    for command in commands {
        let (what, todo) = person.run(command).await.refused(4);
        assert!(what.contains("has no record"), "{what}");
        assert!(todo.contains("s3-ssec repair"), "{todo}");
    }
    assert_eq!(person.names(), ["a", "key"]);
    bucket.remove().await;
}

async fn a_pending_record_names_the_way_forward(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, Kind::Master).await;
    let person = person.on_another_machine();
    let url = bucket.url("a");
    let record = Record::parse(&bucket.record("a").await.unwrap()).unwrap();
    let (keys, _) = KeyFile::read(&person.read("key")).unwrap();
    let (key, name) = (&keys.entries()[0].key, bucket.object("a"));
    // As after an upload by a link.
    let pending = Record::write(key, &name, record.nonce(), Content::Pending);
    bucket.set_tags("a", &[("s3-ssec", pending.as_str())]).await;
    let (what, todo) = person.run(["get", &url, "back"]).await.refused(3);
    assert!(what.contains("is not complete: it came by a link, or its upload broke"), "{what}");
    assert!(todo.contains(&format!("s3-ssec repair {url} --against FILE")), "{todo}");
    let stat = person.run(["stat", &url]).await.done().text();
    assert!(stat.contains("not complete: it came by a link"), "{stat}");
    // Nothing that this machine knows says what was uploaded.
    let ran = person.run(["repair", &url]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    for said in ["no note of its content", "--against FILE", "--accept-content"] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    person.run(["get", &url, "back"]).await.refused(3);
    person.file("other", b"another content");
    let (what, _) = person.run(["repair", &url, "--against", "other"]).await.refused(3);
    assert!(what.contains("different contents"), "{what}");
    person.run(["repair", &url, "--against", "missing"]).await.refused(1);
    person.run(["get", &url, "back"]).await.refused(3);
    let done = person.run(["repair", &url, "--against", "a"]).await.done().text();
    assert!(done.contains("completed from this file"), "{done}");
    assert_eq!(bucket.record("a").await.as_deref(), Some(record.as_str()), "as its writer made it");
    person.run(["get", &url, "back", "--require-verified"]).await.done();
    bucket.remove().await;
}

async fn plain_http_is_not_even_tried(gateway: &'static Gateway) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    let person = person.with("AWS_ENDPOINT_URL_S3", &endpoint);
    let commands: [&[&str]; 5] = [
        &["put", "a", "s3://bucket/a"],
        &["get", "s3://bucket/a", "back"],
        &["stat", "s3://bucket/a"],
        &["ls"],
        &["policy", "apply", "s3://bucket", "--require-ssec"],
    ];
    for command in commands {
        person.run(command).await.refused(5);
    }
    let silence = tokio::time::timeout(Duration::from_millis(200), listener.accept());
    assert!(silence.await.is_err(), "somebody connected without TLS");
}

async fn a_key_file_of_somebody_else_is_refused(gateway: &'static Gateway) {
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("a", b"content");
    let key = person.work().join("key");
    // Only root may give a file away. Anybody else has root's files around, but none with a key in
    // it that they could read.
    match std::os::unix::fs::chown(&key, Some(65534), None) {
        Ok(()) => {
            let (what, _) = person.run(["put", "a", "s3://bucket/a"]).await.refused(5);
            assert!(what.contains("owner") || what.contains("belongs"), "{what}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied),
    }
}

async fn a_key_comes_from_a_pipe(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, Kind::Master).await;
    let url = bucket.url("a");
    let script = "cat key | \"$0\" get \"$1\" back --key-file /dev/stdin";
    let command = lab().command.to_str().unwrap();
    let arguments = ["-c", script, command, &url];
    person.run_program("/bin/sh".as_ref(), arguments).await.done();
    assert_eq!(person.read("back"), b"content");
    bucket.remove().await;
}

async fn nothing_is_printed_twice_into_a_closed_pipe(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, Kind::Master).await;
    person.file("large", &harness::content(1, 20 << 20));
    person.run(["put", "large", &bucket.url("large")]).await.done();
    let script = "\"$0\" cat \"$1\" 2>errors | head -c 10";
    let arguments = ["-c", script, lab().command.to_str().unwrap(), &bucket.url("large")];
    let ran = person.run_program("/bin/sh".as_ref(), arguments).await.done();
    assert_eq!(ran.stdout, harness::content(1, 10));
    let errors = String::from_utf8(person.read("errors")).unwrap();
    assert!(errors.lines().count() <= 2 && !errors.contains("panic"), "{errors}");
    bucket.remove().await;
}

async fn bash_completes_commands_at_every_depth(gateway: &'static Gateway) {
    const TAB: &str = r#"
        eval "$("$0" completions bash)"
        IFS=' ' read -ra COMP_WORDS <<< "$1"
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        _s3__ssec s3-ssec "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        echo "${COMPREPLY[@]}"
    "#;
    let person = Person::new(gateway);
    let typed = [
        ("s3-ssec po", "policy"),
        ("s3-ssec key re", "restore retire"),
        ("s3-ssec key scope re", "remove"),
        ("s3-ssec put --key", "--key-file --key-command --key-fd"),
        ("s3-ssec put --nonsense", ""),
    ];
    for (line, offered) in typed {
        let arguments = ["-c", TAB, lab().command.to_str().unwrap(), line];
        let ran = person.run_program("bash".as_ref(), arguments).await.done();
        assert_eq!((ran.text().trim_end(), ran.stderr.as_str()), (offered, ""), "{line}");
    }
}
