//! What other tools write is read, and the other way round: boto3 and aws, with one direct key for
//! all or with the headers of one object.

use harness::{Bucket, Gateway, Person, Ran, content, lab, live};
use s3_ssec::core::key::Kind;
use std::ffi::OsStr;
use std::path::PathBuf;

live![
    boto3_reads_what_is_written_here,
    boto3_with_another_key_reads_nothing,
    what_boto3_writes_is_read_here,
    aws_and_the_command_share_a_key,
    an_object_is_recovered_without_us,
];

const SIZES: [(&str, usize); 3] = [("empty", 0), ("small", 5000), ("large", 20 << 20)];

fn peer() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/interop/peer.py"))
}

async fn boto3(person: &Person, arguments: &[&str], headers: &[u8]) -> Ran {
    let script = peer();
    let arguments = [&[script.to_str().unwrap()], arguments].concat();
    person.run_program_with(&lab().python, arguments, headers).await
}

async fn aws<A: AsRef<OsStr>>(person: &Person, arguments: impl IntoIterator<Item = A>) -> Ran {
    person.run_program(&lab().python.with_file_name("aws"), arguments).await
}

/// Somebody with a key of this kind, files of every size, and settings that other tools need for
/// old gateways.
fn somebody(gateway: &Gateway, kind: Kind) -> Person {
    let person = Person::new(gateway)
        .with_key(kind)
        .with("AWS_DEFAULT_REGION", "us-east-1")
        .with("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        .with("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required");
    for (name, size) in SIZES {
        person.file(name, &content(size as u64, size));
    }
    person
}

/// The headers of one object.
async fn headers(person: &Person, url: &str) -> Vec<u8> {
    person.run(["headers", url, "--format", "json"]).await.done().stdout
}

async fn boto3_reads_what_is_written_here(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for kind in [Kind::Master, Kind::Direct] {
        let person = somebody(gateway, kind);
        for (name, size) in SIZES {
            let url = bucket.url(name);
            person.run(["put", name, &url]).await.done();
            let back = format!("{name}.back");
            let arguments = ["get", bucket.name.as_str(), name, &back];
            boto3(&person, &arguments, &headers(&person, &url).await).await.done();
            assert!(person.read(&back) == content(size as u64, size), "{kind} {name}");
        }
    }
    bucket.remove().await;
}

async fn boto3_with_another_key_reads_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = somebody(gateway, Kind::Master);
    for name in ["small", "large"] {
        person.run(["put", name, &bucket.url(name)]).await.done();
    }
    // One master key, but another object: its key opens nothing else.
    let other = headers(&person, &bucket.url("large")).await;
    let read = boto3(&person, &["get", bucket.name.as_str(), "small", "back"], &other).await;
    assert_eq!(read.code, Some(1));
    assert!(read.stderr.contains("400") || read.stderr.contains("InvalidArgument"));
    assert!(!person.names().contains(&"back".to_owned()));
    bucket.remove().await;
}

async fn what_boto3_writes_is_read_here(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = somebody(gateway, Kind::Direct);
    for (name, size) in SIZES {
        let verb = if size > 1 << 20 { "put-parts" } else { "put" };
        let key = person.run(["headers", "--format", "json"]).await.done().stdout;
        boto3(&person, &[verb, bucket.name.as_str(), name, name], &key).await.done();
        let (url, back) = (bucket.url(name), format!("{name}.back"));
        let got = person.run(["get", &url, &back]).await.done();
        assert!(got.stderr.contains("content not verified: no digest"), "{}", got.stderr);
        assert!(person.read(&back) == content(size as u64, size), "{name}");
        person.run(["get", &url, "strict", "--require-verified"]).await.refused(3);
        person.run(["verify", &url]).await.refused(3);
        let stat = person.run(["stat", &url, "--output", "json"]).await.done().json();
        assert_eq!(stat["state"], "foreign");
        assert_eq!(stat["encrypted"], true);
    }
    assert!(!person.names().contains(&"strict".to_owned()));
    let stranger = somebody(gateway, Kind::Direct);
    stranger.run(["get", &bucket.url("small"), "back"]).await.refused(4);
    bucket.remove().await;
}

async fn aws_and_the_command_share_a_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = somebody(gateway, Kind::Direct);
    let export = ["key", "export", "key", "--format", "raw", "--out", "raw"];
    person.run(export).await.done();
    let sse_c = ["--sse-c", "AES256", "--sse-c-key", "fileb://raw", "--no-progress"];
    for (name, size) in SIZES {
        let (theirs, ours) = (bucket.url(&format!("aws/{name}")), bucket.url(name));
        let upload = [&["s3", "cp", name, &theirs], sse_c.as_slice()].concat();
        aws(&person, upload).await.done();
        person.run(["get", &theirs, "theirs", "--force"]).await.done();
        assert!(person.read("theirs") == content(size as u64, size), "{name}");
        // aws 1.46.3 downloads no empty object from these gateways, encrypted or not.
        if size > 0 {
            person.run(["put", name, &ours]).await.done();
            let download = [&["s3", "cp", ours.as_str(), "ours"], sse_c.as_slice()].concat();
            aws(&person, download).await.done();
            assert!(person.read("ours") == content(size as u64, size), "{name}");
        }
    }
    let without = aws(&person, ["s3", "cp", &bucket.url("small"), "without"]).await;
    assert_ne!(without.code, Some(0), "aws reads it without the key");
    bucket.remove().await;
}

/// Key file, name and tag are enough for a hundred lines of Python.
async fn an_object_is_recovered_without_us(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let recover = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/recover.py");
    for kind in [Kind::Master, Kind::Direct] {
        let person = somebody(gateway, kind);
        for (name, size) in SIZES {
            person.run(["put", name, &bucket.url(name)]).await.done();
            let (bucket, endpoint) = (bucket.name.as_str(), gateway.https.as_str());
            let tags =
                ["s3api", "get-object-tagging", "--endpoint-url", endpoint, "--bucket", bucket];
            let only =
                ["--key", name, "--query", "TagSet[?Key==`s3-ssec`].Value", "--output", "text"];
            let tag = aws(&person, tags.into_iter().chain(only)).await.done().stdout;
            let tag = String::from_utf8(tag).unwrap();
            let asked = |name| [recover, "key", bucket, name, tag.trim()];
            let headers = person.run_program(&lab().python, asked(name)).await.done().stdout;
            let back = format!("{name}.back");
            boto3(&person, &["get", bucket, name, &back], &headers).await.done();
            assert!(person.read(&back) == content(size as u64, size), "{kind} {name}");
            let wrong = person.run_program(&lab().python, asked("another")).await;
            assert_eq!(wrong.code, Some(1));
            assert!(wrong.stderr.contains("no key of the file made this tag"), "{}", wrong.stderr);
            assert!(wrong.stdout.is_empty());
        }
    }
    bucket.remove().await;
}
