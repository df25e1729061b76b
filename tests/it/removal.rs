//! The objects that are removed from a gateway, and those that are not: answers that are lost or cannot be
//! read, version IDs that name nothing, objects and uploads of other clients.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use harness::lab::new_key;
use harness::{Asked, Bucket, Deed, Gateway, Moto, Person, Proxy, content, live};
use s3_ssec::core::key::Kind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

live![
    a_plaintext_behind_an_unusable_answer_is_removed,
    an_identical_plaintext_of_another_client_is_left,
    an_encrypted_object_behind_an_unusable_answer_is_proved,
    a_put_that_never_connected_says_nothing_of_objects,
    a_version_is_removed_only_where_versions_are_kept,
    invented_version_ids_remove_nothing,
    without_the_right_to_ask_a_trial_decides,
    another_writers_object_keeps_its_tags,
    a_lost_race_for_the_tags_is_undone,
    tags_that_were_added_meanwhile_stay,
    a_complete_without_an_answer_is_found,
    uploads_of_others_are_asked_without_a_trace,
];

const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

/// Stores the object in plaintext, and answers as the object's name says.
fn strip(asked: &Asked) -> Deed {
    if let Some(deed) = Deed::forged_trial(asked) {
        return deed;
    }
    if asked.operation() != "PutObject" {
        return Deed::Pass;
    }
    let echo = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let md5 = asked.key_md5().unwrap_or_default();
    let echoed = vec![echo(ALGORITHM, "AES256"), echo(KEY_MD5, md5)];
    let etag = ("etag".to_owned(), b"\"00112233445566778899aabbccddeeff\"".to_vec());
    let with = |more: &[(String, Vec<u8>)]| [echoed.as_slice(), more].concat();
    match asked.object().as_str() {
        "doubled" => Deed::Instead(200, with(&[etag, echo(ALGORITHM, "AES256")])),
        "doubled-md5" => Deed::Instead(200, with(&[etag, echo(KEY_MD5, md5)])),
        "bytes" => {
            Deed::Instead(200, with(&[etag, ("x-amz-version-id".into(), b"a\xffb".to_vec())]))
        }
        "no-etag" => Deed::Instead(200, echoed),
        "no-echo" => Deed::Instead(200, vec![etag]),
        "error" => Deed::Instead(500, Vec::new()),
        "timeout" => Deed::Instead(504, vec![("content-type".into(), b"text/html".to_vec())]),
        "cut" => Deed::HangUp,
        _ => Deed::Pass,
    }
}

async fn a_plaintext_behind_an_unusable_answer_is_removed(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, strip).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", b"content");
    let names =
        ["doubled", "doubled-md5", "bytes", "no-etag", "no-echo", "error", "timeout", "cut"];
    for name in names {
        let (what, _) = person.run(["put", "source", &bucket.url(name)]).await.refused(3);
        assert!(what.contains("not proved") && what.contains("nothing was left"), "{name}: {what}");
        assert_eq!(bucket.keys().await, Vec::<String>::new(), "{name}");
    }
}

async fn an_identical_plaintext_of_another_client_is_left(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let rule = |asked: &Asked| match (Deed::forged_trial(asked), asked.operation()) {
        (Some(deed), _) => deed,
        // Not stored, and no echo: what is there is of another client.
        (None, "PutObject") if !asked.key_headers().is_empty() => {
            Deed::Answer(200, vec![("etag", "\"00\"".to_owned())], String::new())
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::before(moto.address, rule).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", b"content");
    bucket.put_plain("a", b"content").await;
    let (what, _) = person.run(["put", "source", &bucket.url("a")]).await.refused(3);
    assert!(what.contains("may be there"), "{what}");
    assert_eq!(bucket.keys().await, ["a"]);
}

async fn an_encrypted_object_behind_an_unusable_answer_is_proved(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation(), &*asked.object()) {
        (false, "PutObject", "error") => Deed::Instead(504, Vec::new()),
        (false, "PutObject", "cut") => Deed::HangUp,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    for kind in [Kind::Master, Kind::Direct] {
        let person = Person::new(gateway).with_key(kind);
        let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
        person.file("source", b"content");
        for name in ["error", "cut"] {
            person.run(["put", "source", &bucket.url(name)]).await.done();
            let back = ["get", &bucket.url(name), "back", "--require-verified", "--force"];
            person.run(back).await.done();
            assert_eq!(person.read("back"), b"content");
        }
    }
    bucket.remove().await;
}

async fn a_put_that_never_connected_says_nothing_of_objects(gateway: &'static Gateway) {
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", "https://localhost:1");
    person.file("source", b"content");
    let (what, _) = person.run(["put", "source", "s3://bucket/a"]).await.refused(1);
    assert!(!what.contains("s3://bucket/a may"), "{what}");
}

async fn set_versioning(bucket: &Bucket, status: BucketVersioningStatus) {
    let set = VersioningConfiguration::builder().status(status).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(set).send().await.unwrap();
}

async fn a_version_is_removed_only_where_versions_are_kept(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    bucket.put_plain("a", b"first").await;
    let url = bucket.url("a");
    let (what, todo) = person.run(["rm", &url, "--version-id", "null"]).await.refused(5);
    assert!(what.contains("does not keep versions"), "{what}");
    assert!(todo.contains(&format!("s3-ssec rm {url}")), "{todo}");
    assert_eq!(bucket.keys().await, ["a"]);
    for status in [BucketVersioningStatus::Enabled, BucketVersioningStatus::Suspended] {
        set_versioning(&bucket, status).await;
        bucket.put_plain("a", b"more").await;
        let before = bucket.versions("a").await;
        let id = before.last().unwrap();
        person.run(["rm", &url, "--version-id", id]).await.done();
        assert_eq!(bucket.versions("a").await, before[..before.len() - 1]);
    }
    bucket.remove().await;
}

/// As Garage does: an ID on every answer, on a bucket that never kept versions. A DELETE of any of
/// them would delete the object.
async fn invented_version_ids_remove_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation()) {
        // Without an echo, so that it has to be taken back.
        (false, "PutObject") => Deed::Instead(
            200,
            vec![
                ("etag".to_owned(), b"\"00\"".to_vec()),
                ("x-amz-version-id".to_owned(), b"0123456789abcdef".to_vec()),
            ],
        ),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", b"content");
    person.run(["put", "source", &bucket.url("a")]).await.refused(3);
    assert_eq!(bucket.keys().await, ["a"]);
    let id = "0123456789abcdef";
    person.run(["rm", &bucket.url("a"), "--version-id", id]).await.refused(5);
    let by_version =
        |asked: &Asked| asked.operation() == "DeleteObject" && asked.query.contains("versionId");
    assert!(!proxy.seen().iter().any(|asked| !asked.is_trial() && by_version(asked)));
    assert_eq!(bucket.keys().await, ["a"]);
    bucket.remove().await;
}

async fn without_the_right_to_ask_a_trial_decides(gateway: &'static Gateway) {
    let rule = |asked: &Asked| match asked.query.split(['=', '&']).next() {
        Some("versioning") => Deed::refuse(403, "AccessDenied"),
        // A server that keeps no versions and names some.
        _ if asked.operation() == "PutObject" && asked.path.contains("/plain/") => {
            let id = asked.headers["x-amz-content-sha256"].to_str().unwrap()[..16].to_owned();
            Deed::Add("x-amz-version-id", id)
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let (kept, plain) = (Bucket::new(gateway).await, Bucket::new(gateway).await);
    set_versioning(&kept, BucketVersioningStatus::Enabled).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    kept.put_plain("a", b"first").await;
    kept.put_plain("a", b"second").await;
    let before = kept.versions("a").await;
    person.run(["rm", &kept.url("a"), "--version-id", &before[1]]).await.done();
    assert_eq!(kept.versions("a").await, before[..1]);
    plain.put_plain("plain/a", b"only").await;
    let rm = ["rm", &plain.url("plain/a"), "--version-id", "0123456789abcdef"];
    person.run(rm).await.refused(5);
    assert_eq!(plain.keys().await, ["plain/a"], "and nothing of the trial");
    assert_eq!(kept.versions("").await, before[..1], "and nothing of the trial");
    kept.remove().await;
    plain.remove().await;
}

/// Counts the keyed HEADs of an object after Complete, and answers the one with this number as of another
/// object: RGW refuses another key with 400, AWS with 403, and both answer 200 without an echo for plaintext.
fn refusing_head(number: usize, status: u16) -> impl Fn(&Asked) -> Deed + Send + Sync + 'static {
    let (completed, heads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    move |asked: &Asked| {
        if asked.is_trial() {
            return Deed::Pass;
        }
        if asked.operation() == "CompleteMultipartUpload" {
            completed.store(1, Relaxed);
        }
        let is_head = asked.operation() == "HeadObject" && !asked.key_headers().is_empty();
        match is_head && completed.load(Relaxed) == 1 && heads.fetch_add(1, Relaxed) + 1 == number {
            true if status == 200 => {
                let headers = [("etag", "\"00\""), ("content-length", "5")];
                let headers = headers.map(|(name, value)| (name, value.to_owned()));
                Deed::Answer(status, headers.into(), String::new())
            }
            true => Deed::Answer(status, Vec::new(), String::new()),
            false => Deed::Pass,
        }
    }
}

async fn another_writers_object_keeps_its_tags(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for status in [400, 403] {
        let proxy = Proxy::new(gateway, refusing_head(1, status)).await;
        let person = Person::new(gateway).with_key(Kind::Master);
        let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
        person.file("source", &content(1, 17 << 20));
        let (what, _) = person.run(["put", "source", &bucket.url("a")]).await.refused(1);
        assert!(what.contains("overwritten"), "{status}: {what}");
        assert!(!proxy.operations().contains(&"PutObjectTagging"), "{:?}", proxy.operations());
    }
    bucket.remove().await;
}

async fn a_lost_race_for_the_tags_is_undone(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for status in [400, 200] {
        let proxy = Proxy::new(gateway, refusing_head(2, status)).await;
        let person = Person::new(gateway).with_key(Kind::Master);
        let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
        person.file("source", &content(1, 17 << 20));
        let (what, _) = person.run(["put", "source", &bucket.url("a")]).await.refused(1);
        assert!(what.contains("overwritten"), "{status}: {what}");
        assert_eq!(bucket.record("a").await, None, "our record is not the other writer's");
    }
    bucket.remove().await;
}

async fn tags_that_were_added_meanwhile_stay(gateway: &'static Gateway) {
    let bucket = Arc::new(Bucket::new(gateway).await);
    let tags = "<Tagging><TagSet><Tag><Key>scan</Key><Value>clean</Value></Tag></TagSet></Tagging>";
    let asked_before = AtomicUsize::new(0);
    // As if a scanner had tagged the object between Complete and the record.
    let rule = move |asked: &Asked| match asked.operation() {
        "GetObjectTagging" if !asked.is_trial() && asked_before.fetch_add(1, Relaxed) == 0 => {
            Deed::Answer(200, vec![("content-type", "application/xml".into())], tags.to_owned())
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", &content(1, 17 << 20));
    let put = ["put", "source", &bucket.url("a"), "--tag", "project=lab"];
    person.run(put).await.done();
    let stat = person.run(["stat", &bucket.url("a")]).await.done().text();
    assert!(stat.contains("scan") && stat.contains("project"), "{stat}");
    Arc::into_inner(bucket).unwrap().remove().await;
}

async fn a_complete_without_an_answer_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation()) {
        (false, "CompleteMultipartUpload") => Deed::Instead(504, Vec::new()),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let key = person.key_file("key", new_key(Kind::Master));
    let person = person.with("S3_SSEC_KEY_FILE", key);
    let large = content(1, 17 << 20);
    person.file("source", &large);
    person.run(["put", "source", &bucket.url("file")]).await.done();
    person.run_with(["put", "-", &bucket.url("stream")], &large).await.done();
    for name in ["file", "stream"] {
        let back = ["get", &bucket.url(name), "back", "--require-verified", "--force"];
        person.run(back).await.done();
        assert_eq!(person.read("back"), large);
    }
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    bucket.remove().await;
}

/// An upload whose Create was not heard is looked for among all uploads of the name. Those of others
/// stay as they are, whatever parts they have.
async fn uploads_of_others_are_asked_without_a_trace(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let sdk = bucket.client.sdk();
    let create = sdk.create_multipart_upload().bucket(bucket.name.as_str()).key("a");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let part = |number: i32, content: &'static [u8]| {
        let part = sdk.upload_part().bucket(bucket.name.as_str()).key("a").upload_id(&id);
        part.part_number(number).body(content.to_vec().into()).send()
    };
    let (big, last) = (content(3, 5 << 20), b"the last part");
    let first = sdk.upload_part().bucket(bucket.name.as_str()).key("a").upload_id(&id);
    let first = first.part_number(1).body(big.clone().into()).send().await.unwrap();
    let last_tag = part(10_000, last).await.unwrap().e_tag;
    let swallowed = Arc::new(tokio::sync::Notify::new());
    let heard = Arc::clone(&swallowed);
    let rule = move |asked: &Asked| match (asked.is_trial(), asked.operation()) {
        (false, "CreateMultipartUpload") => Deed::Swallow(Arc::clone(&heard)),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("source", &content(1, 17 << 20));
    let running = person.start(["put", "source", &bucket.url("a"), "--quiet"]);
    swallowed.notified().await;
    running.signal(rustix::process::Signal::INT);
    let ran = running.end().await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert_eq!(bucket.uploads().await.len(), 1, "ours is gone, and the other one is there");
    let probes = proxy.seen().into_iter().filter(|asked| asked.operation() == "UploadPart");
    assert!(probes.clone().any(|asked| !asked.is_trial()), "it was asked");
    for probe in probes.filter(|probe| probe.query.contains("partNumber=10000")) {
        assert!(probe.header("content-md5").is_some(), "a part that could be stored");
    }
    use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
    let listed = [(1, first.e_tag), (10_000, last_tag)]
        .map(|(number, tag)| CompletedPart::builder().part_number(number).set_e_tag(tag).build());
    let parts = CompletedMultipartUpload::builder().set_parts(Some(listed.to_vec())).build();
    let complete = sdk.complete_multipart_upload().bucket(bucket.name.as_str()).key("a");
    complete.upload_id(&id).multipart_upload(parts).send().await.unwrap();
    let whole = sdk.get_object().bucket(bucket.name.as_str()).key("a").send().await.unwrap();
    let whole = whole.body.collect().await.unwrap().to_vec();
    assert!(whole == [big.as_slice(), last].concat(), "its content is another");
    bucket.remove().await;
}
