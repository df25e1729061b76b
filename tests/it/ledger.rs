//! Nonces and records that this machine keeps: no nonce twice, and no object without its record.

use futures_util::future::join_all;
use harness::command::Person;
use harness::lab::{new_direct, new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Proxy, content, live};
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::ledger::LedgerEntry;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::record::Record;
use s3_ssec::{
    ObjectState, PutError, PutOptions, RekeyError, RekeyItem, RekeyOptions, SearchOptions,
    Searched, Source, StateDir, Watch,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

live![
    many_writers_of_a_name_draw_different_nonces,
    a_server_that_drops_tags_is_met_with_the_ledger,
    without_a_ledger_a_write_counts_only_with_its_tag,
    the_ledger_has_the_record_before_the_request,
    a_record_that_is_gone_from_the_tag_is_in_the_ledger,
    a_refused_write_says_nothing_of_what_is_there,
    half_a_ledger_is_not_exported,
    an_upload_that_a_repair_completes_was_written,
    a_rekeyed_object_was_written,
    rekey_replaces_nothing_that_nothing_would_open,
    a_search_notes_what_it_finds,
];

/// In one second 20 writers would repeat a random byte in every other round.
async fn many_writers_of_a_name_draw_different_nonces(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    bucket.keep_versions().await;
    let person = Person::new(gateway).with_key(Kind::Master);
    // The trial of the place, and the first use of the key.
    person.run_with(["put", "-", &bucket.url("first")], b"1").await.done();
    for _ in 0..3 {
        let url = bucket.url("same");
        let put = || person.run_with(["put", "-", &url, "--quiet"], b"content");
        for ran in join_all((0..20).map(|_| put())).await {
            ran.done();
        }
    }
    let nonces = bucket.nonces_of_versions("same").await;
    assert_eq!(nonces.len(), 60);
    assert_eq!(nonces.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 60);
    bucket.remove().await;
}

/// An object that one person writes there, another reads with an export of the ledger; and a rekey loses
/// nothing.
async fn a_server_that_drops_tags_is_met_with_the_ledger(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, Proxy::new(gateway, Deed::drop_tags).await);
    let writer = Person::new(gateway).moved_to(&proxy.endpoint).with_key(Kind::Master);
    let reader = Person::new(gateway).moved_to(&proxy.endpoint);
    let key = reader.file_with_mode("key", &writer.read("key"), 0o600);
    let reader = reader.with("S3_SSEC_KEY_FILE", key);
    for (name, size) in [("small", 100), ("large", 20 << 20)] {
        let (expected, url) = (content(3, size), bucket.url(name));
        let source = writer.file(name, &expected);
        let put = writer.run(["put", source.to_str().unwrap(), &url]).await.done();
        assert!(put.text().contains("in this machine's ledger alone"), "{}", put.text());
        assert!(put.stderr.contains("s3-ssec ledger export"), "{}", put.stderr);
        // Here it is as good as any other.
        let verify = writer.run(["verify", &url, "--output", "json"]).await.done();
        assert_eq!(verify.json()["verified"], true, "{}", verify.text());
        let stat = writer.run(["stat", &url, "--output", "json"]).await.done().json();
        assert_eq!(
            (&stat["state"], &stat["record_in_ledger"]),
            (&"described".into(), &true.into())
        );
        // Elsewhere nothing is known of it, and the advice says what is missing.
        let (_, todo) = reader.run(["get", &url, "back"]).await.refused(4);
        assert!(todo.contains("ledger import"), "{todo}");
        let export = writer.run(["ledger", "export", &url]).await.done();
        let ledger = reader.file(&format!("{name}.jsonl"), &export.stdout);
        let ledger = ledger.to_str().unwrap();
        let import = reader.run(["ledger", "import", ledger, "--output", "json"]).await.done();
        assert_eq!(import.json()["added"], 1);
        let again = reader.run(["ledger", "import", ledger, "--output", "json"]).await.done();
        assert_eq!((&again.json()["added"], &again.json()["known"]), (&0.into(), &1.into()));
        reader.run(["get", &url, &format!("{name}.back"), "--require-verified"]).await.done();
        assert!(reader.read(&format!("{name}.back")) == expected);
    }
    let place = bucket.url("");
    let audit =
        writer.run(["audit", &place, "--expect", "described", "--format", "csv"]).await.done();
    assert_eq!(audit.text().matches("in-ledger").count(), 2, "{}", audit.text());
    // Under a new key, the old one behind it.
    let both = Person::key_file(&writer, "new", new_key(Kind::Master));
    let new = both.to_str().unwrap();
    let old = writer.work().join("key");
    let to = ["rekey", &place, "--to", new, "--key-file", old.to_str().unwrap()];
    writer.run(to).await.done();
    for (name, size) in [("small", 100), ("large", 20 << 20)] {
        let get = [
            "get",
            &bucket.url(name),
            "rekeyed",
            "--force",
            "--require-verified",
            "--key-file",
            new,
        ];
        writer.run(get).await.done();
        assert!(writer.read("rekeyed") == content(3, size));
    }
    bucket.remove().await;
}

/// Where nothing can be noted: the tag has to be seen, or the write has failed, with its record printed.
async fn without_a_ledger_a_write_counts_only_with_its_tag(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let nowhere = |person: Person| {
        let file = person.file("no-directory", b"");
        person.with("XDG_STATE_HOME", file)
    };
    let honest = Proxy::new(gateway, |_: &Asked| Deed::Pass).await;
    let person = nowhere(Person::new(gateway).with_key(Kind::Master));
    let person = person.with("AWS_ENDPOINT_URL_S3", &honest.endpoint);
    for size in [100, 20 << 20] {
        let source = person.file(&format!("source-{size}"), &content(5, size));
        let before = honest.seen().len();
        let url = bucket.url(&format!("kept-{size}"));
        let put = ["put", source.to_str().unwrap(), &url, "--any-endpoint"];
        person.run(put).await.done();
        let asked = honest.seen();
        let looked = asked[before..]
            .iter()
            .any(|asked| asked.operation() == "GetObjectTagging" && !asked.is_trial());
        assert!(looked, "the tag is read back");
    }
    let proxy = Proxy::new(gateway, Deed::drop_tags).await;
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    for size in [100, 20 << 20] {
        let source = person.work().join(format!("source-{size}"));
        let url = bucket.url(&format!("lost-{size}"));
        let put = person.run(["put", source.to_str().unwrap(), &url, "--any-endpoint"]).await;
        assert_eq!((put.code, put.text().as_str()), (Some(3), ""), "{}", put.stderr);
        // Before the error stand a warning and the reminder of a backup.
        let [.., what, todo] = put.stderr.lines().collect::<Vec<_>>()[..] else {
            panic!("two lines, not {:?}", put.stderr)
        };
        assert!(what.contains("its record is lost"), "{what}");
        // The line is one that an import takes, and with it the key opens the object.
        let line = &todo[todo.find('{').unwrap()..];
        assert!(LedgerEntry::parse(line).unwrap().record.is_pending());
        let other = Person::new(gateway).moved_to(&proxy.endpoint);
        let key = other.file_with_mode("key", &person.read("key"), 0o600);
        let other = other.with("S3_SSEC_KEY_FILE", key);
        other.run_with(["ledger", "import", "-"], line.as_bytes()).await.done();
        other.run(["get", &url, "back", "--allow-unverified"]).await.done();
        assert!(other.read("back") == content(5, size));
    }
    bucket.remove().await;
}

/// A process that dies between the request and its answer leaves an object that this machine can open.
async fn the_ledger_has_the_record_before_the_request(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    let state = harness::scratch_dir();
    let ledger = state.join("state/ledger.jsonl");
    let path = ledger.clone();
    let rule = move |asked: &Asked| {
        let last = matches!(asked.operation(), "PutObject" | "CompleteMultipartUpload");
        if last && !asked.is_trial() {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let noted = text.lines().filter_map(LedgerEntry::parse);
            let begun = |entry: LedgerEntry| !entry.record.is_pending() && !entry.confirmed;
            assert!(noted.into_iter().any(begun), "noted before it is sent");
        }
        Deed::drop_tags(asked)
    };
    let proxy = Proxy::new(gateway, rule).await;
    let client = proxy.client().await.with_state(StateDir::new(state.join("state")));
    for size in [100, 20 << 20] {
        let (name, watch) = (bucket.object("a"), Watch::default());
        let source = Source::Bytes(content(1, size).into());
        client.put(keys.writer(), &name, source, &PutOptions::default(), &watch).await.unwrap();
        std::fs::remove_file(&ledger).unwrap();
    }
    bucket.remove().await;
}

/// Also where tags are kept: then the gateway that drops one later does not hide what was written.
async fn a_record_that_is_gone_from_the_tag_is_in_the_ledger(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let master = || Key::from_bytes(Kind::Master, &content(9, 32)).unwrap();
    let file = person.key_file("key", master());
    let person = person.with("S3_SSEC_KEY_FILE", file);
    let expected = content(1, 100);
    person.file("a", &expected);
    person.run(["put", "a", &bucket.url("a")]).await.done();
    let text = person.run(["ledger", "export", &bucket.url("a")]).await.done().text();
    let entries: Vec<_> = text.lines().map(|line| LedgerEntry::parse(line).unwrap()).collect();
    assert!(entries.len() == 1 && entries[0].in_tag && entries[0].confirmed, "{text}");
    bucket.set_tags("a", &[]).await;
    person.run(["get", &bucket.url("a"), "back", "--require-source"]).await.done();
    assert!(person.read("back") == expected);
    // Another content without a record is not what the ledger knows.
    let opened = entries[0].record.open(&master(), &entries[0].object).unwrap();
    let headers = TargetKeyHeaders::of(&opened.customer_key);
    let put = bucket.client.sdk().put_object().bucket(bucket.name.as_str()).key("a");
    let put = put.sse_customer_algorithm("AES256").sse_customer_key(headers.expose_key_base64());
    let put = put.sse_customer_key_md5(headers.key_md5().to_base64());
    put.body(content(2, 100).into()).send().await.unwrap();
    person.run(["get", &bucket.url("a"), "other"]).await.refused(3);
    assert!(!person.work().join("other").exists());
    bucket.remove().await;
}

/// A write under a master key that was refused makes no stranger of the object that stays.
async fn a_refused_write_says_nothing_of_what_is_there(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let closed = Arc::new(AtomicBool::new(false));
    let is_closed = Arc::clone(&closed);
    let rule = move |asked: &Asked| {
        let refused = asked.operation() == "PutObject" && is_closed.load(Ordering::Relaxed);
        if refused { Deed::refuse(403, "AccessDenied") } else { Deed::Pass }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = with_key_files(Person::new(gateway).moved_to(&proxy.endpoint));
    let url = bucket.url("a");
    person.file("a", b"1");
    person.run(["put", "a", &url, "--key-file", "direct"]).await.done();
    let put = ["put", "a", &url, "--key-file", "master"];
    person.run(["put", "a", &bucket.url("b"), "--key-file", "master"]).await.done();
    closed.store(true, Ordering::Relaxed);
    person.run(put).await.refused(1);
    closed.store(false, Ordering::Relaxed);
    person.run(["get", &url, "back", "--key-file", "both"]).await.done();
    // One that was carried out does.
    person.run(put).await.done();
    person.run(["get", &url, "back", "--key-file", "both", "--force"]).await.done();
    replace_under_direct(gateway, &url).await;
    person.run(["get", &url, "replaced", "--key-file", "both"]).await.refused(3);
    bucket.remove().await;
}

/// With a direct key, a master key, and a file of both, the master key first; the same for everyone.
fn with_key_files(person: Person) -> Person {
    let numbers: [(&str, &[u64]); 3] = [("direct", &[1]), ("master", &[2]), ("both", &[2, 1])];
    for (file, numbers) in numbers {
        let kind = |number| if number == 1 { Kind::Direct } else { Kind::Master };
        let key = |number: &u64| Key::from_bytes(kind(*number), &content(*number, 32)).unwrap();
        person.key_file_of(file, numbers.iter().map(key));
    }
    person
}

/// Another machine writes the object, under the direct key.
async fn replace_under_direct(gateway: &'static Gateway, url: &str) {
    let other = with_key_files(Person::new(gateway));
    other.file("a", b"2");
    other.run(["put", "a", url, "--key-file", "direct"]).await.done();
}

async fn half_a_ledger_is_not_exported(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.run_with(["put", "-", &bucket.url("a")], b"1").await.done();
    assert_eq!(person.run(["ledger", "export"]).await.done().text().lines().count(), 1);
    let sorted = person.everything().join("state/s3-ssec/ledger");
    std::fs::create_dir(&sorted).unwrap();
    std::os::unix::fs::symlink(sorted.join("nowhere"), sorted.join("1.jsonl")).unwrap();
    let (what, _) = person.run(["ledger", "export"]).await.refused(1);
    assert!(what.contains("cannot be read to its end"), "{what}");
    let json = person.run(["ledger", "export", "--output", "json"]).await;
    assert_eq!((json.code, &json.json()["entries"]), (Some(1), &serde_json::Value::Null));
    bucket.remove().await;
}

/// An upload ended between Complete and its tags: what replaces the object later is noticed once a repair
/// proved that it was there.
async fn an_upload_that_a_repair_completes_was_written(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let closed = Arc::new(AtomicBool::new(true));
    let is_closed = Arc::clone(&closed);
    let rule = move |asked: &Asked| {
        let refused = asked.operation() == "PutObjectTagging" && !asked.is_trial();
        match refused && is_closed.load(Ordering::Relaxed) {
            true => Deed::refuse(400, "InvalidTag"),
            false => Deed::Pass,
        }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = with_key_files(Person::new(gateway).moved_to(&proxy.endpoint));
    person.file("large", &content(1, 20 << 20));
    // The first use of the key.
    person.file("a", b"1");
    person.run(["put", "a", &bucket.url("a"), "--key-file", "master"]).await.done();
    for name in ["repaired", "not"] {
        let put = ["put", "large", &bucket.url(name), "--key-file", "master"];
        person.run(put).await.refused(1);
    }
    closed.store(false, Ordering::Relaxed);
    let repair = ["repair", &bucket.url("repaired"), "--key-file", "master", "--output", "json"];
    let repaired = person.run(repair).await.done().json();
    assert_eq!(repaired["completed"], serde_json::json!([bucket.url("repaired")]), "{repaired}");
    let export = person.run(["ledger", "export", &bucket.url(""), "--output", "json"]).await.done();
    let flags = |name: &str| {
        let (entries, url) = (&export.json()["entries"], bucket.url(name));
        let entry = entries.as_array().unwrap().iter().find(|entry| entry["object"] == url);
        (entry.unwrap()["confirmed"].clone(), entry.unwrap()["in_tag"].clone())
    };
    assert_eq!(flags("repaired"), (true.into(), true.into()));
    assert_eq!(flags("not"), (false.into(), false.into()));
    for (name, code) in [("repaired", 3), ("not", 0)] {
        replace_under_direct(gateway, &bucket.url(name)).await;
        let get = person.run(["get", &bucket.url(name), name, "--key-file", "both"]).await;
        assert_eq!(get.code, Some(code), "{name}: {}", get.stderr);
    }
    bucket.remove().await;
}

async fn a_rekeyed_object_was_written(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = with_key_files(Person::new(gateway));
    let url = bucket.url("a");
    replace_under_direct(gateway, &url).await;
    let to = ["rekey", &url, "--to", "master", "--key-file", "direct"];
    person.run(to).await.done();
    let text = person.run(["ledger", "export", &url]).await.done().text();
    let entries: Vec<_> = text.lines().map(|line| LedgerEntry::parse(line).unwrap()).collect();
    assert!(entries.len() == 1 && entries[0].in_tag && entries[0].confirmed, "{text}");
    replace_under_direct(gateway, &url).await;
    person.run(["get", &url, "replaced", "--key-file", "both"]).await.refused(3);
    bucket.remove().await;
}

async fn rekey_replaces_nothing_that_nothing_would_open(gateway: &'static Gateway) {
    let (bucket, direct) = (Bucket::new(gateway).await, new_direct());
    let (name, watch) = (bucket.object("a"), Watch::default());
    let (source, options) = (Source::Bytes(content(1, 100).into()), PutOptions::default());
    bucket.client.put(direct.writer(), &name, source, &options, &watch).await.unwrap();
    let proxy = Proxy::new(gateway, Deed::drop_tags).await;
    let client = proxy.client().await;
    let keys = std::iter::once(new_key(Kind::Master)).chain(direct.into_keys());
    let keys = Arc::new(Keyring::new(keys.collect()).unwrap());
    let place = S3Address::parse(&bucket.url("a")).unwrap();
    let (mut rekeying, mut ignore) = (RekeyOptions::default(), |_: &RekeyItem| {});
    rekeying.accept_content = true;
    let rekey = client.rekey(&keys, &place, &rekeying, &watch, &mut ignore);
    let summary = rekey.await.unwrap();
    let why = summary.bad.first().and_then(|item| item.why.as_ref());
    assert!(matches!(why, Some(RekeyError::NoLedger(_))), "{why:?}");
    let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
    assert_eq!(stat.key, Some(keys.keys()[1].fingerprint()), "as it was");
    // And without a ledger no upload claims more than it has.
    let source = Source::Bytes(content(1, 100).into());
    let put = client.put(keys.writer(), &bucket.object("b"), source, &options, &watch).await;
    assert!(matches!(put, Err(PutError::Unrecorded { .. })), "{put:?}");
    bucket.remove().await;
}

async fn a_search_notes_what_it_finds(gateway: &'static Gateway) {
    let (bucket, keys, state) = (Bucket::new(gateway).await, new_master(), harness::scratch_dir());
    let (name, watch) = (bucket.object("lost"), Watch::default());
    let (source, options) = (Source::Bytes(content(1, 100).into()), PutOptions::default());
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.unwrap();
    let no_tag = |asked: &Asked| match asked.operation() {
        "PutObjectTagging" => Deed::refuse(403, "AccessDenied"),
        _ => Deed::drop_tags(asked),
    };
    let proxy = Proxy::new(gateway, no_tag).await;
    let client = proxy.client().await.with_state(StateDir::new(state.path()));
    let mut search = SearchOptions::default();
    search.seconds = 60;
    let searched = client.search_nonce(&keys, &name, &search, &watch).await.unwrap();
    let Searched::Found { record, in_ledger: true, tag_error: Some(_), .. } = searched else {
        panic!("{searched:?}")
    };
    let written = Record::parse(&bucket.record("lost").await.unwrap()).unwrap();
    assert_eq!((record.nonce(), record.is_pending()), (written.nonce(), true));
    let stat = client.stat(&keys, &name, &Default::default()).await.unwrap();
    assert_eq!((stat.state, stat.in_ledger), (ObjectState::Pending, true));
    bucket.remove().await;
}
