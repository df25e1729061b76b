//! The evidence that a verified content rests on: the digest of a source, one that was accepted, or a
//! direct key that others may hold. No reader counts one for another.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::core::derive::Nonce;
use s3_ssec::core::digest::ContentHasher;
use s3_ssec::core::key::{Key, Kind, random_bytes};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::keyring::Seal;
use s3_ssec::core::record::{Content, Record};
use s3_ssec::{PutOptions, Source, Watch};

live![
    an_echo_alone_accepts_no_content,
    an_echo_alone_repairs_nothing,
    a_planted_object_of_a_direct_key_is_named,
    an_accepted_digest_vouches_since_then,
    a_direct_key_alone_stays_simple,
    the_ledger_knows_a_replaced_object,
    a_rule_of_the_config_file_asks_for_master_keys,
    an_echo_alone_proves_no_encryption,
];

/// 2026-11-30.
const SINCE: u32 = 1_796_000_000;
const WORDS: &str = "verified since it was accepted on 2026-11-30 (UTC)";
const SHARED: &str = "verified by a key that others may hold";

/// A key that several people hold.
struct Shared(Kind, [u8; 32]);

impl Shared {
    fn new(kind: Kind) -> Self {
        Self(kind, random_bytes().unwrap())
    }

    fn key(&self) -> Key {
        Key::from_bytes(self.0, &self.1).unwrap()
    }
}

/// A person with a master key and a direct key in one file, and the two keys.
fn with_both(gateway: &Gateway) -> (Person, Shared, Shared) {
    let (master, direct) = (Shared::new(Kind::Master), Shared::new(Kind::Direct));
    let entry = |key: &Shared| Entry { key: key.key(), label: None, created: None };
    let file = KeyFile::new(vec![entry(&master), entry(&direct)]).unwrap();
    let person = Person::new(gateway);
    let path = person.file_with_mode("both.key", file.print().as_bytes(), 0o600);
    (person.with("S3_SSEC_KEY_FILE", path), master, direct)
}

async fn put(bucket: &Bucket, key: &Shared, name: &str, content: &'static [u8]) {
    let (key, name) = (key.key(), bucket.object(name));
    let (options, watch) = (PutOptions::default(), Watch::default());
    let source = Source::Bytes(content.into());
    bucket.client.put(&key, &name, source, &options, &watch).await.unwrap();
}

async fn a_planted_object_of_a_direct_key_is_named(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (person, master, direct) = with_both(gateway);
    let (place, url) = (format!("s3://{}", bucket.name), bucket.url("a"));
    put(&bucket, &master, "a", b"mine").await;
    person.run(["audit", &place, "--expect", "own"]).await.done();
    person.run(["get", &url, "mine", "--require-master", "--require-source"]).await.done();
    // Whoever ever held the direct key: a genuine record, and a content that matches it.
    put(&bucket, &direct, "a", b"planted").await;
    let fingerprint = direct.key().fingerprint().to_string();
    for expected in ["own", "own-source", "described"] {
        let audit = person.run(["audit", &place, "--expect", expected]).await;
        assert_eq!(audit.code, Some(3), "{expected}: {}", audit.stderr);
    }
    let audit = person.run(["audit", &place, "--expect", "direct", "--output", "json"]).await;
    assert_eq!(audit.done().json()["states"]["direct-key"], 1);
    let got = person.run(["get", &url, "planted"]).await.done().text();
    assert!(got.contains(&format!("{fingerprint} (direct)")) && got.contains(SHARED), "{got}");
    let verified = person.run(["verify", &url, "--output", "json"]).await.done().json();
    assert_eq!(verified["verification"], "verified-by-direct-key");
    assert_eq!((&verified["key_kind"], &verified["verified"]), (&"direct".into(), &true.into()));
    let stat = person.run(["stat", &url]).await.done().text();
    assert!(stat.contains("by a key that others may hold"), "{stat}");
    let cat = person.run(["cat", &url]).await.done();
    assert!(cat.stderr.contains(SHARED), "{}", cat.stderr);
    let refused: [&[&str]; 3] = [
        &["get", &url, "more", "--require-master"],
        &["cat", &url, "--require-master"],
        &["verify", &url, "--require-master"],
    ];
    for command in refused {
        let (what, _) = person.run(command).await.refused(3);
        assert!(what.contains(&fingerprint), "{command:?}: {what}");
    }
    let tree = ["get", "-r", &place, "tree", "--require-master"];
    assert_eq!(person.run(tree).await.code, Some(3));
    let tree = person.run(["get", "-r", &place, "tree"]).await.done().text();
    assert!(tree.contains("1 verified by a key that others may hold"), "{tree}");
    assert_eq!(person.names(), ["both.key", "mine", "planted", "tree"]);
    bucket.remove().await;
}

/// Gives the object a record whose digest was accepted.
async fn accept(bucket: &Bucket, key: &Shared, name: &str, content: &[u8]) {
    let key = key.key();
    let record = Record::parse(&bucket.record(name).await.unwrap()).unwrap();
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(content);
    let content = Content::accepted(content.len() as u64, hasher.finish(), SINCE);
    let record = Record::write(&key, &bucket.object(name), record.nonce(), content);
    bucket.set_tags(name, &[("s3-ssec", record.as_str())]).await;
}

async fn an_accepted_digest_vouches_since_then(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (person, master, direct) = with_both(gateway);
    let (place, url) = (format!("s3://{}", bucket.name), bucket.url("a"));
    put(&bucket, &master, "a", b"content").await;
    accept(&bucket, &master, "a", b"content").await;
    let got = person.run(["get", &url, "a", "--require-verified", "--require-master"]).await;
    assert!(got.done().text().contains(WORDS));
    let json = person.run(["verify", &url, "--output", "json"]).await.done().json();
    assert_eq!(
        (&json["verified"], &json["verification"]),
        (&true.into(), &"verified-since".into())
    );
    assert_eq!(json["accepted_since"], "2026-11-30T00:53:20Z");
    assert!(person.run(["cat", &url]).await.done().stderr.contains(WORDS));
    let stat = person.run(["stat", &url]).await.done().text();
    assert!(stat.contains("can be verified since it was accepted on 2026-11-30 (UTC)"), "{stat}");
    let refused: [&[&str]; 3] = [
        &["get", &url, "b", "--require-source"],
        &["cat", &url, "--require-source"],
        &["verify", &url, "--require-source"],
    ];
    for command in refused {
        let (what, _) = person.run(command).await.refused(3);
        assert!(what.contains("accepted on 2026-11-30"), "{command:?}: {what}");
    }
    put(&bucket, &master, "of-source", b"source").await;
    let audit = person.run(["audit", &place, "--expect", "own", "--output", "json"]).await.done();
    let records = &audit.json()["records"];
    assert_eq!((&records["complete"], &records["accepted"]), (&1.into(), &1.into()));
    let audit = person.run(["audit", &place, "--expect", "own-source"]).await;
    assert_eq!(audit.code, Some(3), "{}", audit.stderr);
    assert!(audit.stderr.contains("1 of 2 objects"), "{}", audit.stderr);
    for command in [["verify", "-r", &place, "-q"], ["get", "-r", &place, "tree"]] {
        let ran = person.run(command).await.done();
        assert!(command[3] == "-q" || ran.text().contains("1 verified since they were accepted"));
    }
    // Both limits at once; altered bytes are damage, whoever accepted what.
    put(&bucket, &direct, "both", b"both").await;
    accept(&bucket, &direct, "both", b"both").await;
    let json = person.run(["verify", &bucket.url("both"), "--output", "json"]).await.done().json();
    assert_eq!(json["verification"], "verified-by-direct-key-since");
    accept(&bucket, &master, "of-source", b"other!").await;
    person.run(["get", &bucket.url("of-source"), "b"]).await.refused(3);
    assert_eq!(person.names(), ["a", "both.key", "tree"]);
    bucket.remove().await;
}

async fn a_direct_key_alone_stays_simple(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    person.file("file", b"content");
    let (place, url) = (format!("s3://{}", bucket.name), bucket.url("a"));
    person.run(["put", "file", &url]).await.done();
    let reads: [&[&str]; 4] =
        [&["get", &url, "back"], &["verify", &url], &["stat", &url], &["cat", &url, "-q"]];
    for read in reads {
        person.run(read).await.done();
    }
    let cat = person.run(["cat", &url]).await.done();
    assert!(!cat.stderr.contains("others"), "no remark where all keys are direct: {}", cat.stderr);
    person.run(["audit", &place, "--expect", "direct"]).await.done();
    for expected in ["own", "own-source", "described"] {
        let (_, todo) = person.run(["audit", &place, "--expect", expected]).await.refused(2);
        assert!(todo.contains("--expect direct"), "{todo}");
    }
    bucket.remove().await;
}

/// A gateway without tags, so that this machine's ledger knows whose an object is.
fn no_tags(asked: &Asked) -> Deed {
    let tags = asked.header("x-amz-tagging").is_some() || asked.operation().ends_with("Tagging");
    if tags { Deed::refuse(501, "NotImplemented") } else { Deed::Pass }
}

async fn the_ledger_knows_a_replaced_object(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (person, _, direct) = with_both(gateway);
    let proxy = Proxy::new(gateway, no_tags).await;
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("file", b"content");
    let (place, url) = (format!("s3://{}", bucket.name), bucket.url("a"));
    person.run(["put", "file", &url]).await;
    person.run(["cat", &url, "--allow-unverified"]).await.done();
    put(&bucket, &direct, "a", b"planted").await;
    let fingerprint = direct.key().fingerprint();
    for read in [["get", &url, "back"], ["verify", &url, "-v"], ["stat", &url, "-v"]] {
        let ran = person.run(read).await;
        assert_eq!(ran.code, Some(3), "{read:?}: {}", ran.stderr);
        let what = format!("under the direct key {fingerprint}, and was last written here");
        assert!(ran.stderr.contains(&what), "{read:?}: {}", ran.stderr);
    }
    let audit = person.run(["audit", &place]).await;
    assert_eq!(audit.code, Some(3), "{}", audit.stderr);
    assert!(audit.stderr.contains("last written here under a master key: a"), "{}", audit.stderr);
    let audit = person.run(["audit", &place, "--expect", "direct"]).await;
    assert_eq!(audit.code, Some(3), "{}", audit.stderr);
    // Another name, of which nothing is known here, is what it is.
    put(&bucket, &direct, "b", b"shared").await;
    person.run(["cat", &bucket.url("b")]).await.done();
    let own = person.run(["get", &url, "back", "--allow-unverified"]).await.done();
    assert!(own.text().contains(&fingerprint.to_string()), "{}", own.text());
    bucket.remove().await;
}

/// Servers that echo whatever key they are sent, in front of plaintext with a genuine record.
async fn an_echo_alone_proves_no_encryption(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (person, master, _) = with_both(gateway);
    let place = format!("s3://{}", bucket.name);
    put(&bucket, &master, "a", b"content").await;
    let record = bucket.record("a").await.unwrap();
    bucket.put_plain("a", b"content").await;
    bucket.set_tags("a", &[("s3-ssec", &record)]).await;
    let echoing = Proxy::new(gateway, |asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => Deed::ForgeEcho,
    });
    // And one that refuses whatever has no key, for reasons of its own.
    let refusing = Proxy::new(gateway, |asked| match asked.operation() {
        "GetObject" | "HeadObject" if asked.key_headers().is_empty() => {
            Deed::refuse(400, "InvalidArgument")
        }
        _ if asked.key_headers().is_empty() => Deed::Pass,
        _ => Deed::ForgeEcho,
    });
    let (echoing, refusing) = (echoing.await, refusing.await);
    let cases = [
        (&echoing, "hands the object out without a key", "plain", true),
        (&refusing, "does not say that the object needs a key", "unproved", false),
    ];
    let mut person = person;
    for (proxy, what, state, proved) in cases {
        person = person.moved_to(&proxy.endpoint);
        let url = bucket.url("a");
        for verb in ["stat", "verify"] {
            let (said, _) = person.run([verb, &url]).await.refused(3);
            assert!(said.contains(what), "{verb}: {said}");
        }
        for expected in ["own", "encrypted"] {
            let audit = ["audit", &place, "--expect", expected, "--format", "jsonl"];
            let audit = person.run(audit).await;
            assert_eq!(audit.code, Some(3), "{}", audit.stderr);
            let line = audit.json();
            assert_eq!((&line["state"], &line["proved"]), (&state.into(), &proved.into()));
        }
        // The content is ours all the same, and no more is said of it.
        assert_eq!(person.run(["cat", &url]).await.done().text(), "content");
    }
    // The honest gateway, with an empty object too: RGW judges its range before the key.
    person = person.moved_to(&gateway.https);
    for (name, content) in [("a", &b"content"[..]), ("empty", b"")] {
        put(&bucket, &master, name, content).await;
        person.run(["stat", &bucket.url(name)]).await.done();
        person.run(["verify", &bucket.url(name)]).await.done();
    }
    person.run(["audit", &place, "--expect", "own"]).await.done();
    bucket.remove().await;
}

async fn a_rule_of_the_config_file_asks_for_master_keys(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (person, master, direct) = with_both(gateway);
    let person = person.without("S3_SSEC_KEY_FILE");
    let file = person.work().join("both.key");
    let rules = format!(
        "[[keys]]\nfor = \"s3://{}/strict/\"\nfile = {file:?}\nrequire-master = true\n\
         [[keys]]\nfor = \"s3://{0}/open/\"\nfile = {file:?}\n",
        bucket.name
    );
    std::fs::create_dir_all(person.everything().join("config/s3-ssec")).unwrap();
    std::fs::write(person.everything().join("config/s3-ssec/config.toml"), rules).unwrap();
    for place in ["strict", "open"] {
        put(&bucket, &master, &format!("{place}/m"), b"mine").await;
        put(&bucket, &direct, &format!("{place}/d"), b"shared").await;
    }
    for verb in ["cat", "verify", "stat"] {
        for name in ["strict/m", "open/m", "open/d"] {
            person.run([verb, &bucket.url(name)]).await.done();
        }
        let (what, _) = person.run([verb, &bucket.url("strict/d")]).await.refused(3);
        assert!(what.contains("not under a master key"), "{verb}: {what}");
    }
    bucket.remove().await;
}

/// A server that echoes any key, as LocalStack does, on plaintext under a pending record.
async fn an_echo_alone_accepts_no_content(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let key = |number| Key::from_bytes(Kind::Master, &harness::content(number, 32)).unwrap();
    let proxy = echoes_any_key(gateway).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.key_file("old", key(1));
    person.key_file("new", key(2));
    let rekey = ["rekey", &bucket.url(""), "--to", "new", "--key-file", "old", "--accept-content"];
    let pending = |name: &str, number: u64| {
        let key = key(number);
        let seal = Seal::new(&key, bucket.object(name), Nonce::from_bytes([1; 5]));
        (seal.record(Content::Pending).to_string(), seal.customer_key())
    };
    // Under the old key, and under the target key: neither is accepted nor left alone as done.
    for (name, number) in [("a", 1), ("b", 2)] {
        bucket.put_plain(name, b"plaintext").await;
        bucket.set_tags(name, &[("s3-ssec", &pending(name, number).0)]).await;
    }
    let ran = person.run(rekey).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let what = "hands the object out without a key";
    assert_eq!(ran.stderr.matches(what).count(), 2, "{}", ran.stderr);
    assert_eq!(bucket.record("a").await.unwrap(), pending("a", 1).0, "it is left as it was");
    // Encrypted objects under pending records are accepted, as is asked for.
    for (name, number) in [("a", 1), ("b", 2)] {
        let (record, customer_key) = pending(name, number);
        let put = bucket.client.sdk().put_object().bucket(bucket.name.as_str()).key(name);
        let headers = s3_ssec::core::headers::TargetKeyHeaders::of(&customer_key);
        let put = put.body(b"content".to_vec().into()).tagging(format!("s3-ssec={record}"));
        let put =
            put.sse_customer_algorithm("AES256").sse_customer_key(headers.expose_key_base64());
        put.sse_customer_key_md5(headers.key_md5().to_base64()).send().await.unwrap();
    }
    person.run(rekey).await.done();
    for name in ["a", "b"] {
        let cat = ["cat", &bucket.url(name), "--key-file", "new"];
        assert_eq!(person.run(cat).await.done().text(), "content");
    }
    bucket.remove().await;
}

/// A server that echoes any key, on plaintext objects too.
async fn echoes_any_key(gateway: &'static Gateway) -> Proxy {
    let rule = |asked: &Asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => Deed::ForgeEcho,
    };
    Proxy::new(gateway, rule).await
}

/// No record is written onto plaintext: of a pending one, of the user's file, or of the ledger.
async fn an_echo_alone_repairs_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = echoes_any_key(gateway).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let key = || Key::from_bytes(Kind::Master, &harness::content(1, 32)).unwrap();
    let file = person.key_file("key", key());
    let person = person.with("S3_SSEC_KEY_FILE", file);
    let record = Record::write(
        &key(),
        &bucket.object("pending"),
        Nonce::from_bytes([1; 5]),
        Content::Pending,
    );
    bucket.put_plain("pending", b"plaintext").await;
    bucket.set_tags("pending", &[("s3-ssec", record.as_str())]).await;
    person.file("file", b"plaintext");
    let url = bucket.url("pending");
    for how in [&["--accept-content"][..], &["--against", "file"]] {
        let ran = person.run([&["repair", &url][..], how].concat()).await;
        assert_eq!(ran.code, Some(3), "{how:?}: {}{}", ran.text(), ran.stderr);
        assert!(ran.stderr.contains("hands the object out without a key"), "{}", ran.stderr);
        assert_eq!(bucket.record("pending").await.as_deref(), Some(record.as_str()), "{how:?}");
    }
    // Plaintext of the same size in the place of an object that the ledger knows.
    person.run(["put", "file", &bucket.url("noted")]).await.done();
    bucket.put_plain("noted", b"plaintext").await;
    person.run(["repair", &bucket.url("noted"), "--accept-content"]).await.done();
    assert_eq!(bucket.record("noted").await, None);
    bucket.remove().await;
}
