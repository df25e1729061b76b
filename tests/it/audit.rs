//! A whole place under question: every state an object can be in is named, nothing is believed that
//! the gateway does not confirm, and an audit that broke off goes on.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use harness::lab::{new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live, scratch_dir};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::record::{Content, KnownContent, Record};
use s3_ssec::{
    AuditEntry, AuditEvent, AuditOptions, Client, PutOptions, RecordState, Source, State, Watch,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

live![
    every_state_is_named,
    versions_are_told_apart,
    a_gateway_that_does_not_echo_proves_nothing,
    records_are_trusted_on_request_only,
    what_is_under_a_key_is_found,
    the_command_keeps_lines_and_says_what_is_not_as_expected,
    a_killed_audit_goes_on_where_it_was,
    the_command_refuses_what_it_cannot_do,
];

type Found = BTreeMap<String, AuditEntry>;

fn place(bucket: &Bucket, path: &str) -> S3Address {
    S3Address { bucket: bucket.name.clone(), path: path.to_owned() }
}

async fn audit(
    client: &Client,
    keys: &Arc<Keyring>,
    place: &S3Address,
    options: &AuditOptions,
) -> (Vec<AuditEntry>, Vec<String>) {
    let (mut entries, mut uploads) = (Vec::new(), Vec::new());
    let mut tell = |event| {
        match event {
            AuditEvent::Object(entry) => entries.push(*entry),
            AuditEvent::Upload(upload) => uploads.push(upload.key),
            _ => {}
        }
        Ok(())
    };
    let watch = Watch::default();
    assert!(client.audit(keys, place, options, &watch, &mut tell).await.unwrap());
    (entries, uploads)
}

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, content: &[u8]) {
    let (name, watch) = (bucket.object(key), Watch::default());
    let source = Source::Bytes(content.to_vec().into());
    let options = PutOptions::default();
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.unwrap();
}

/// One object in every state that a test can make.
async fn make_every_state(bucket: &Bucket, mine: &Keyring, other: &Keyring) {
    put(bucket, mine, "a/complete", b"complete").await;
    put(bucket, mine, "a/stripped", b"stripped").await;
    bucket.set_tags("a/stripped", &[]).await;
    put(bucket, mine, "a/altered", b"altered").await;
    let record = bucket.record("a/altered").await.unwrap();
    let last = if record.ends_with('0') { "1" } else { "0" };
    let altered = format!("{}{last}", &record[..record.len() - 1]);
    bucket.set_tags("a/altered", &[("s3-ssec", &altered)]).await;
    put(bucket, mine, "a/damaged", b"damaged").await;
    bucket.set_tags("a/damaged", &[("s3-ssec", "v1.hello")]).await;
    put(bucket, mine, "a/newer", b"newer").await;
    bucket.set_tags("a/newer", &[("s3-ssec", "v2.hello")]).await;
    put(bucket, mine, "a/pending", b"pending").await;
    let nonce = Record::parse(&bucket.record("a/pending").await.unwrap()).unwrap().nonce();
    let name = bucket.object("a/pending");
    let pending = Record::write(mine.writer(), &name, nonce, Content::Pending);
    bucket.set_tags("a/pending", &[("s3-ssec", pending.as_str())]).await;
    // A record of another size than the object has.
    put(bucket, mine, "a/size", b"size").await;
    let name = bucket.object("a/size");
    let known = Record::parse(&bucket.record("a/size").await.unwrap()).unwrap();
    let opened = known.open(mine.writer(), &name).unwrap();
    let Content::Known(KnownContent { digest, .. }) = opened.content else {
        panic!("it is complete")
    };
    let content = Content::of_source(77, digest);
    let other_size = Record::write(mine.writer(), &name, known.nonce(), content);
    bucket.set_tags("a/size", &[("s3-ssec", other_size.as_str())]).await;
    put(bucket, other, "a/theirs", b"theirs").await;
    bucket.put_plain("a/plain", b"plain").await;
    // A record of an object that was here before, on a plain one and on one under another key.
    put(bucket, mine, "a/outdated", b"outdated").await;
    let outdated = bucket.record("a/outdated").await.unwrap();
    put(bucket, other, "a/outdated", b"new").await;
    bucket.set_tags("a/outdated", &[("s3-ssec", &outdated)]).await;
    put(bucket, mine, "a/liar", b"liar").await;
    let liar = bucket.record("a/liar").await.unwrap();
    bucket.put_plain("a/liar", b"liar").await;
    bucket.set_tags("a/liar", &[("s3-ssec", &liar)]).await;
    put(bucket, mine, "a/line\nend", b"odd").await;
    bucket.put_plain("ab", b"beside").await;
}

const EVERY_STATE: [(&str, State, RecordState, bool); 13] = [
    ("a/altered", State::OtherKey, RecordState::NotGenuine, false),
    ("a/complete", State::OwnKey, RecordState::Complete, true),
    ("a/damaged", State::OtherKey, RecordState::Damaged, false),
    ("a/liar", State::Plain, RecordState::Complete, false),
    ("a/line\nend", State::OwnKey, RecordState::Complete, true),
    ("a/newer", State::OtherKey, RecordState::Newer, false),
    ("a/outdated", State::OtherKey, RecordState::Outdated, false),
    ("a/pending", State::OwnKey, RecordState::Pending, true),
    ("a/plain", State::Plain, RecordState::Missing, false),
    ("a/size", State::OwnKey, RecordState::OtherSize, true),
    ("a/stripped", State::OtherKey, RecordState::Missing, false),
    ("a/theirs", State::OtherKey, RecordState::OfOtherKey, false),
    ("a/direct", State::DirectKey, RecordState::Missing, true),
];

async fn every_state_is_named(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (mine, other) = (new_key(Kind::Master), new_master());
    let fingerprint = mine.fingerprint();
    let direct = Keyring::new(vec![new_key(Kind::Direct)]).unwrap();
    let direct_key = direct.writer().fingerprint();
    put(&bucket, &direct, "a/direct", b"direct").await;
    bucket.set_tags("a/direct", &[]).await;
    let mut all = vec![mine];
    all.extend(direct.into_keys());
    let keys = Arc::new(Keyring::new(all).unwrap());
    make_every_state(&bucket, &keys, &other).await;
    let upload = bucket.client.sdk().create_multipart_upload().bucket(bucket.name.as_str());
    let upload = upload.key("a/half").send().await.unwrap();
    let options = AuditOptions::default();
    let (entries, uploads) = audit(&bucket.client, &keys, &place(&bucket, "a"), &options).await;
    let told: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(told, sorted, "in the order of the listing");
    assert_eq!(uploads, ["a/half"]);
    let found: Found = entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect();
    assert_eq!(found.len(), EVERY_STATE.len(), "`ab` is not at `a`: {told:?}");
    for (key, state, record, own) in EVERY_STATE {
        let entry = &found[key];
        assert_eq!((entry.state, entry.record), (state, record), "{entry:?}");
        assert!(entry.is_proved, "{entry:?}");
        if own && key != "a/direct" {
            assert_eq!(entry.key_fingerprint, Some(fingerprint), "{entry:?}");
        }
    }
    assert_eq!(found["a/direct"].key_fingerprint, Some(direct_key));
    assert_eq!(found["a/theirs"].key_fingerprint, Some(other.writer().fingerprint()));
    assert_eq!((found["a/size"].size, found["a/plain"].size), (Some(4), Some(5)));
    let id = upload.upload_id().unwrap();
    let abort = bucket.client.sdk().abort_multipart_upload().bucket(bucket.name.as_str());
    abort.key("a/half").upload_id(id).send().await.unwrap();
    bucket.remove().await;
}

async fn versions_are_told_apart(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (s3, name) = (bucket.client.sdk(), bucket.name.as_str());
    let enabled =
        VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning().bucket(name).versioning_configuration(enabled).send().await.unwrap();
    let (old, new) = (Arc::new(new_master()), Arc::new(new_master()));
    bucket.put_plain("a", b"first").await;
    put(&bucket, &old, "a", b"second").await;
    put(&bucket, &new, "a", b"third").await;
    bucket.client.delete(&bucket.object("b"), None).await.unwrap();
    let mut options = AuditOptions::default();
    let everything = place(&bucket, "");
    let (newest, _) = audit(&bucket.client, &new, &everything, &options).await;
    assert_eq!(newest.iter().map(|entry| entry.state).collect::<Vec<_>>(), [State::OwnKey]);
    options.versions = true;
    let (all, _) = audit(&bucket.client, &new, &everything, &options).await;
    let states: Vec<_> = all.iter().map(|entry| (entry.state, entry.is_latest)).collect();
    assert_eq!(states[0], (State::OwnKey, true));
    assert_eq!(states[3], (State::DeleteMarker, true));
    let mut between = states[1..3].to_vec();
    between.sort();
    assert_eq!(between, [(State::OtherKey, false), (State::Plain, false)]);
    let (fingerprint, watch) = (old.writer().fingerprint(), Watch::default());
    let left =
        bucket.client.objects_under(&new, &everything, fingerprint, &[], &watch).await.unwrap();
    assert_eq!((left.objects, left.unsure_objects, left.looked_at), (1, 0, 4), "{left:?}");
    for entry in all {
        let delete = s3.delete_object().bucket(name).key(&entry.key);
        delete.set_version_id(entry.version).send().await.unwrap();
    }
    bucket.remove().await;
}

async fn a_gateway_that_does_not_echo_proves_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = Arc::new(new_master());
    put(&bucket, &keys, "a", b"content").await;
    let strip = |asked: &Asked| match asked.operation() {
        "HeadObject" => Deed::StripEcho,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, strip).await;
    let (options, everything) = (AuditOptions::default(), place(&bucket, ""));
    let (found, _) = audit(&proxy.client().await, &keys, &everything, &options).await;
    assert_eq!((found[0].state, found[0].is_proved), (State::Unproved, false), "{:?}", found[0]);
    let (fingerprint, watch) = (keys.writer().fingerprint(), Watch::default());
    let left = proxy.client().await;
    let left = left.objects_under(&keys, &everything, fingerprint, &[], &watch).await.unwrap();
    assert!(!left.is_none());
    bucket.remove().await;
}

async fn records_are_trusted_on_request_only(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = Arc::new(new_master());
    for number in 0..20 {
        put(&bucket, &keys, &format!("{number:02}"), b"content").await;
    }
    bucket.put_plain("plain", b"plain").await;
    let proxy = Proxy::new(gateway, |_: &Asked| Deed::Pass).await;
    let heads = || proxy.seen().iter().filter(|asked| asked.method == "HEAD").count();
    let gets = || proxy.seen().into_iter().filter(|asked| asked.operation() == "GetObject");
    let bodies = || gets().filter(|asked| !asked.key_headers().is_empty()).count();
    let (client, everything) = (proxy.client().await, place(&bucket, ""));
    let mut options = AuditOptions::default();
    options.trust_records = true;
    let (found, _) = audit(&client, &keys, &everything, &options).await;
    assert_eq!(found.iter().filter(|entry| entry.is_proved).count(), 1, "the plain one");
    assert_eq!((found.len(), heads()), (21, 1));
    options.trust_records = false;
    let (found, _) = audit(&client, &keys, &everything, &options).await;
    assert!(found.iter().all(|entry| entry.is_proved));
    assert_eq!((heads(), bodies()), (22, 0), "no body is read");
    assert_eq!(gets().count(), 20, "each is refused without a key");
    bucket.remove().await;
}

async fn what_is_under_a_key_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (old, new) = (Arc::new(new_master()), Arc::new(new_master()));
    let fingerprint = old.writer().fingerprint();
    let everything = place(&bucket, "");
    let under = async |keys: &Arc<Keyring>| {
        let watch = Watch::default();
        bucket.client.objects_under(keys, &everything, fingerprint, &[], &watch).await.unwrap()
    };
    put(&bucket, &new, "new", b"new").await;
    bucket.put_plain("plain", b"plain").await;
    assert!(under(&new).await.is_none());
    put(&bucket, &old, "old", b"old").await;
    for keys in [&old, &new] {
        let left = under(keys).await;
        assert_eq!((left.objects, left.found[0].key.as_str()), (1, "old"), "{left:?}");
    }
    // Without its record nobody can tell under which key it is.
    bucket.set_tags("old", &[]).await;
    let left = under(&new).await;
    assert!(!left.is_none());
    assert_eq!((left.objects, left.unsure_objects), (0, 1));
    let stopped = Watch::default();
    stopped.stop();
    let left = bucket.client.objects_under(&new, &everything, fingerprint, &[], &stopped);
    assert!(!left.await.unwrap().is_none(), "an audit that was stopped promises nothing");
    bucket.remove().await;
}

/// The lines of an audit by object key.
fn lines(text: &[u8]) -> BTreeMap<String, Value> {
    let lines = std::str::from_utf8(text).unwrap().lines();
    let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = values.len();
    let by_key: BTreeMap<_, _> =
        values.into_iter().map(|v| (v["key"].as_str().unwrap().to_owned(), v)).collect();
    assert_eq!(by_key.len(), count, "each object has one line");
    by_key
}

async fn the_command_keeps_lines_and_says_what_is_not_as_expected(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    let url = bucket.url("");
    for key in ["a,b", "c\"d", "e"] {
        person.run(["put", "small", &bucket.url(key)]).await.done();
    }
    let ran = person.run(["audit", &url, "--expect", "described", "--out", "all.csv"]).await.done();
    assert!(ran.text().contains("own-key          3"), "{}", ran.text());
    let csv = String::from_utf8(person.read("all.csv")).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert!(csv.starts_with("key,version_id,latest,size,"), "{csv}");
    assert!(csv.contains("\n\"a,b\",,yes,5,") && csv.contains("\n\"c\"\"d\","), "{csv}");
    let again = person.run(["audit", &url, "--out", "all.csv"]).await;
    assert!(again.refused(5).0.contains("all.csv exists"));
    bucket.put_plain("plain", b"plain").await;
    let ran = person.run(["audit", &url, "--expect", "own", "--format", "jsonl"]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let all = lines(&ran.stdout);
    assert_eq!((all.len(), all["plain"]["expected"].as_bool()), (4, Some(false)));
    assert_eq!(all["e"]["expected"].as_bool(), Some(true));
    assert!(ran.stderr.contains("1 of 4 objects are not as expected (own): plain"));
    let ran = person.run(["audit", &url, "--output", "json"]).await.done();
    assert_eq!(
        (ran.json()["states"]["plain"].as_u64(), ran.json()["objects"].as_u64()),
        (Some(1), Some(4))
    );
    assert_eq!(person.temporary(), Vec::<String>::new());
    bucket.remove().await;
}

async fn a_killed_audit_goes_on_where_it_was(gateway: &'static Gateway) {
    const OBJECTS: usize = 1200;
    let bucket = Bucket::new(gateway).await;
    let keys = Arc::new(new_master());
    let directory = scratch_dir();
    let source = directory.join("source");
    std::fs::create_dir(&source).unwrap();
    for number in 0..OBJECTS {
        std::fs::write(source.join(format!("{number:04}")), b"small").unwrap();
    }
    let mut options = s3_ssec::TreeOptions::default();
    options.files = 32;
    let (watch, mut ignore) = (Watch::default(), |_: &s3_ssec::Item| {});
    let to = place(&bucket, "");
    let up = bucket.client.put_tree(&keys, &source, &to, &options, &watch, &mut ignore);
    assert_eq!(up.await.unwrap().done, OBJECTS as u64);
    // The first page is told, and in the second the gateway falls silent.
    let frozen = Arc::new(AtomicBool::new(true));
    let is_frozen = Arc::clone(&frozen);
    let silent = move |asked: &Asked| match asked.path.rsplit('/').next() {
        Some(key) if ("1100".."1200").contains(&key) && is_frozen.load(Relaxed) => Deed::Silence,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, silent).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let person = person.with_key(Kind::Master);
    let url = bucket.url("");
    let arguments =
        ["audit", &url, "--out", "all.jsonl", "--journal", "journal", "--in-flight", "8"];
    let running = person.start(arguments);
    let journal = person.work().join("journal");
    let has_page = || {
        let text = std::fs::read_to_string(&journal).unwrap_or_default();
        text.contains("{\"through\":{\"key\":\"0999\"")
    };
    for _ in 0..2000 {
        if has_page() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(has_page(), "the first page is told");
    running.signal(Signal::KILL);
    running.end().await;
    frozen.store(false, Relaxed);
    let before = proxy.seen().len();
    let ran = person.run(arguments).await.done();
    let asked = proxy.seen().len() - before;
    assert!(asked < 3 * 300, "the first thousand are not asked about again: {asked}");
    assert_eq!(lines(&person.read("all.jsonl")).len(), OBJECTS, "{}", ran.stderr);
    assert!(ran.text().contains("objects") && ran.text().contains("1200"), "{}", ran.text());
    let report = person.run(["report", "journal", "--output", "json"]).await.done();
    assert_eq!(report.json()["done"].as_u64(), Some(OBJECTS as u64));
    // Killed before the first page was told, with a few lines in the file already.
    frozen.store(true, Relaxed);
    let early = ["audit", &url, "--out", "early.csv", "--in-flight", "1"];
    let (running, before) = (person.start(early), proxy.seen().len());
    proxy.until(|asked| asked.path.ends_with("/0100"), before).await;
    running.signal(Signal::KILL);
    running.end().await;
    frozen.store(false, Relaxed);
    // As many at once as it likes: that is not part of what makes it the same audit.
    person.run(&early[..4]).await.done();
    let text = String::from_utf8(person.read("early.csv")).unwrap();
    assert_eq!(text.lines().count(), OBJECTS + 1);
    assert_eq!(text.matches("key,version_id").count(), 1, "one headline");
    // Its own journal is for this audit only.
    let other = person.run(["audit", &url, "--versions", "--journal", "journal"]).await;
    assert!(other.refused(5).0.contains("of other work"), "{}", other.stderr);
    bucket.remove().await;
}

async fn the_command_refuses_what_it_cannot_do(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let url = bucket.url("");
    let refused = async |arguments: &[&str], code: i32| {
        let ran = person.run(["audit", &url].iter().chain(arguments)).await;
        assert_eq!(ran.code, Some(code), "{arguments:?} {}", ran.stderr);
        assert_eq!(ran.text(), "");
    };
    refused(&["--expect", "everything"], 2).await;
    refused(&["--shard", "1/2"], 2).await;
    refused(&["--shard", "3/2", "--journal", "j"], 2).await;
    let both = person.run(["audit", &url, "--format", "jsonl", "--output", "json"]).await;
    assert_eq!(both.code, Some(2), "{}", both.stderr);
    assert_eq!(both.json()["error"]["exit_code"].as_u64(), Some(2));
    refused(&["--manifest", "-", "--versions"], 2).await;
    let gone = Person::new(gateway).with_key(Kind::Master);
    let ran = gone.run(["audit", "s3://no-such-bucket-of-ours"]).await;
    ran.refused(1);
    bucket.remove().await;
}
