//! Work that is shared: no object is dealt with twice and none is left out, also when a shard is
//! killed and started again; and the report says what is missing.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;
use s3_ssec::core::names::ObjectKey;
use s3_ssec::core::shard::Shard;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

live![
    four_shards_do_everything_once,
    a_manifest_says_which_objects,
    the_report_names_what_is_missing,
    one_object_is_not_shared,
];

const OBJECTS: usize = 400;

/// Files for a directory `source`, some of them with odd names.
fn make_files(person: &Person) -> Vec<String> {
    let source = person.work().join("source");
    std::fs::create_dir(&source).unwrap();
    let odd = |n: usize| match n % 100 {
        0 => format!("line\nend {n}"),
        1 => format!("\"quoted\" {n}"),
        _ => format!("file {n:03}.txt"),
    };
    let names: Vec<_> = (0..OBJECTS).map(odd).collect();
    for name in &names {
        std::fs::write(source.join(name), name.as_bytes()).unwrap();
    }
    names
}

fn shard_arguments(index: usize, command: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let verb = arguments[0].clone();
    arguments.push(format!("--shard={index}/4"));
    arguments.push(format!("--journal={verb}-{index}.jsonl"));
    arguments
}

/// Runs all four at once.
async fn all_shards(person: &Person, command: &[&str], code: i32) {
    let running: Vec<_> =
        (1..=4).map(|index| person.start(shard_arguments(index, command))).collect();
    for shard in running {
        let ran = shard.end().await;
        assert_eq!(ran.code, Some(code), "{command:?}: {}", ran.stderr);
    }
}

async fn report(person: &Person, verb: &str, shards: &[usize], code: i32) -> Value {
    let journals = shards.iter().map(|index| format!("{verb}-{index}.jsonl"));
    let arguments = ["report", "--output", "json"].map(str::to_owned).into_iter().chain(journals);
    let ran = person.run(arguments).await;
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    ran.json()
}

/// How often each object was written through the proxy.
fn writes(proxy: &Proxy) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for asked in proxy.seen().iter().filter(|asked| !asked.is_trial()) {
        if asked.operation() == "PutObject" {
            *writes.entry(asked.path.clone()).or_default() += 1;
        }
    }
    writes
}

async fn four_shards_do_everything_once(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    // The gateway falls silent to the third shard in the middle of its work.
    let third = Shard::new(3, 4).unwrap();
    let frozen = Arc::new(AtomicBool::new(true));
    let is_frozen = Arc::clone(&frozen);
    let silent = move |asked: &Asked| {
        let frozen = is_frozen.load(Relaxed) && silent_object(asked, third);
        if frozen { Deed::Silence } else { Deed::Pass }
    };
    let proxy = Proxy::new(gateway, silent).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let person = person.with_key(Kind::Master);
    make_files(&person);
    let url = bucket.url("p/");
    let put = ["put", "-r", "source", &url, "--files", "4"];
    let running: Vec<_> = (1..=4).map(|index| person.start(shard_arguments(index, &put))).collect();
    proxy.until(|asked| silent_object(asked, third), 0).await;
    for (number, shard) in running.into_iter().enumerate() {
        if number + 1 == 3 {
            shard.signal(Signal::KILL);
            assert_eq!(shard.end().await.code, None);
        } else {
            shard.end().await.done();
        }
    }
    let half = report(&person, "put", &[1, 2, 3, 4], 1).await;
    assert_eq!(half["shards"][2]["exit_code"], Value::Null, "{half}");
    frozen.store(false, Relaxed);
    person.run(shard_arguments(3, &put)).await.done();
    let whole = report(&person, "put", &[1, 2, 3, 4], 0).await;
    let there = whole["done"].as_u64().unwrap() + whole["same"].as_u64().unwrap();
    assert_eq!((there, bucket.keys().await.len()), (OBJECTS as u64, OBJECTS));
    let writes = writes(&proxy);
    assert_eq!(writes.len(), OBJECTS, "none missed");
    // What was in flight when the shard was killed was never answered, and is written again.
    let twice = writes.values().filter(|times| **times > 1).count();
    assert!(twice <= 4, "{twice} were written twice");
    for verb in ["verify", "audit"] {
        let expect = ["audit", &url, "--expect=described"];
        let command: &[&str] = if verb == "audit" { &expect } else { &["verify", "-r", &url] };
        all_shards(&person, command, 0).await;
        let merged = report(&person, verb, &[1, 2, 3, 4], 0).await;
        assert_eq!(merged["done"].as_u64(), Some(OBJECTS as u64), "{merged}");
        assert_eq!(merged["doubles"], Value::Array(Vec::new()));
    }
    // Verified once is verified: a shard that is started again reads nothing.
    let before = proxy.seen().len();
    person.run(shard_arguments(1, &["verify", "-r", &url])).await.done();
    let asked = proxy.seen();
    let read = asked.iter().skip(before).filter(|asked| asked.operation() == "GetObject");
    assert_eq!(read.count(), 0);
    bucket.remove().await;
}

/// True for writes of the shard's objects in the second half.
fn silent_object(asked: &Asked, shard: Shard) -> bool {
    let number = asked.path.rsplit("%20").next().unwrap_or_default();
    let number: usize = number.trim_end_matches(".txt").parse().unwrap_or(0);
    let key = ObjectKey::parse(&format!("p/file {number:03}.txt")).unwrap();
    number > OBJECTS / 2
        && asked.path.contains("file")
        && shard.contains(&key)
        && asked.operation() == "PutObject"
}

async fn a_manifest_says_which_objects(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    make_files(&person);
    let url = bucket.url("p/");
    let manifest = "p/file 007.txt\n\"p/line\\nend 100\"\np/file 008.txt\r\n\np/file 007.txt\n";
    person.file("manifest", manifest.as_bytes());
    let put = ["put", "-r", "source", &url, "--manifest", "manifest"];
    person.run(put).await.done();
    assert_eq!(bucket.keys().await, ["p/file 007.txt", "p/file 008.txt", "p/line\nend 100"]);
    let verified = ["verify", "-r", &url, "--manifest", "-", "--output", "json"];
    let ran = person.run_with(verified, manifest.as_bytes()).await.done();
    assert_eq!(ran.json()["done"].as_u64(), Some(3));
    let audit = ["audit", &url, "--manifest", "manifest", "--expect", "own", "--output", "json"];
    let ran = person.run(audit).await.done();
    assert_eq!(ran.json()["objects"].as_u64(), Some(3));
    // What the manifest names and nobody has, names elsewhere, and lines that are none.
    person.file("bad", b"p/file 007.txt\nelsewhere\n\"p\np/missing\n");
    let ran = person.run(["verify", "-r", &url, "--manifest", "bad"]).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for said in ["line 2 of the manifest", "line 3 of the manifest", "p/missing"] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let ran = person.run(["put", "-r", "source", &url, "--manifest", "nowhere"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("the manifest cannot be read"), "{}", ran.stderr);
    // A manifest does not lead out of the directory.
    person.file("escape", b"p/../../etc/hostname\n");
    let ran = person.run(["put", "-r", "source", &url, "--manifest", "escape"]).await;
    assert_eq!(ran.code, Some(5), "{}", ran.stderr);
    assert_eq!(bucket.keys().await.len(), 3);
    bucket.remove().await;
}

async fn the_report_names_what_is_missing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    for key in ["a", "b", "c", "d"] {
        person.run(["put", "small", &bucket.url(key)]).await.done();
    }
    bucket.put_plain("plain", b"plain").await;
    let url = bucket.url("");
    for index in 1..=4 {
        person.run(shard_arguments(index, &["audit", &url, "--expect=own"])).await;
    }
    let whole = report(&person, "audit", &[1, 2, 3, 4], 3).await;
    assert_eq!(whole["failed"][0]["key"].as_str(), Some("plain"), "{whole}");
    assert_eq!(whole["done"].as_u64(), Some(4));
    // Without the shard of `plain` nothing has failed, and one is missing.
    let plain = ObjectKey::parse("plain").unwrap();
    let holds = |index: &usize| Shard::new(*index as u32, 4).unwrap().contains(&plain);
    let (of_plain, others): (Vec<usize>, Vec<usize>) = (1..=4).partition(holds);
    let three = report(&person, "audit", &others, 1).await;
    assert_eq!(three["missing"][0], Value::from(format!("{}/4", of_plain[0])));
    // The same journal twice: every object stands double.
    std::fs::copy(person.work().join("audit-1.jsonl"), person.work().join("audit-9.jsonl"))
        .unwrap();
    let copied = whole["shards"][0]["objects"].as_u64().unwrap() as usize;
    let double = report(&person, "audit", &[1, 9, 2, 3, 4], 3).await;
    assert_eq!(double["doubles"].as_array().unwrap().len(), copied);
    // Journals of other work, and files that are none.
    person.run(["verify", "-r", &url, "--journal", "verify.jsonl"]).await;
    let ran = person.run(["report", "audit-1.jsonl", "verify.jsonl"]).await;
    assert!(ran.refused(2).0.contains("of another work"), "{}", ran.stderr);
    let ran = person.run(["report", "small"]).await;
    assert!(ran.refused(2).0.contains("does not begin as a journal"), "{}", ran.stderr);
    let ran = person.run(["report", "missing.jsonl"]).await;
    ran.refused(1);
    bucket.remove().await;
}

async fn one_object_is_not_shared(gateway: &'static Gateway) {
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    for command in [["put", "small", "s3://bucket/a"].as_slice(), &["verify", "s3://bucket/a"]] {
        let ran = person.run(command.iter().chain(&["--journal", "j"])).await;
        assert!(ran.refused(2).0.contains("--journal is for many objects"), "{}", ran.stderr);
        let ran = person.run(command.iter().chain(&["--manifest", "j"])).await;
        assert!(ran.refused(2).0.contains("--manifest is for many objects"), "{}", ran.stderr);
    }
    let missing = ["verify", "-r", "s3://bucket/a", "--shard", "1/2"];
    assert_eq!(person.run(missing).await.code, Some(2), "a shard wants a journal");
    assert!(!person.names().contains(&"j".to_owned()));
}
