//! The remains of a write that was interrupted, or whose object cannot be looked at or removed.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use harness::proxy::garble::garbled_copy;
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;
use std::sync::Arc;
use tokio::sync::Notify;

live![
    a_stopped_copy_is_looked_for,
    a_refusal_that_is_not_about_the_key_shows_nothing,
    without_knowing_of_versions_nothing_is_hidden,
    on_a_suspended_bucket_the_null_version_goes,
    a_link_needs_no_trial,
    an_upload_of_a_trial_is_aborted_by_its_id,
    plaintext_with_an_echo_is_uploaded_again,
    tags_that_may_not_be_read_are_named,
];

/// A person whose requests go through the proxy, with the source `s3://bucket/from` and a file.
async fn person(gateway: &Gateway, bucket: &Bucket, proxy: &Proxy) -> Person {
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("source", b"content");
    person.run(["put", "source", &bucket.url("from")]).await.done();
    person.moved_to(&proxy.endpoint)
}

/// RGW copies objects under customer keys from 20.2.4 on; before, a copy is a PUT of this machine.
fn copies(gateway: &Gateway) -> bool {
    gateway.major().is_some_and(|major| major >= 20)
}

async fn a_stopped_copy_is_looked_for(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let write = if copies(gateway) { "CopyObject" } else { "PutObject" };
    let mut cases =
        vec![(write, "swallowed", "had arrived"), (write, "silent", "may still arrive")];
    if copies(gateway) {
        cases.push(("GetObject", "silent", "had arrived"));
    }
    for (operation, deed, said) in cases {
        let taken = Arc::new(Notify::new());
        let heard = Arc::clone(&taken);
        let rule = move |asked: &Asked| match !asked.is_trial() && asked.object() == "to" {
            true if asked.operation() == operation && deed == "swallowed" => {
                Deed::Swallow(Arc::clone(&heard))
            }
            true if asked.operation() == operation => Deed::Silence,
            _ => Deed::Pass,
        };
        let proxy = Proxy::new(gateway, rule).await;
        let person = person(gateway, &bucket, &proxy).await;
        let running = person.start(["cp", &bucket.url("from"), &bucket.url("to"), "--quiet"]);
        match deed {
            "swallowed" => taken.notified().await,
            _ => {
                let is_stuck = |asked: &Asked| {
                    asked.object() == "to" && !asked.is_trial() && asked.operation() == operation
                };
                proxy.until(is_stuck, 0).await;
            }
        }
        running.signal(Signal::INT);
        let (what, _) = running.end().await.refused(1);
        assert!(what.contains("interrupted") && what.contains(said), "{operation} {deed}: {what}");
        let there = bucket.keys().await.contains(&"to".to_owned());
        assert_eq!(there, said == "had arrived", "{operation} {deed}");
        if there {
            bucket.client.delete(&bucket.object("to"), None).await.unwrap();
        }
    }
    bucket.remove().await;
}

/// The answer to a PUT is lost, and HEAD with the key is refused for another reason than the key.
async fn a_refusal_that_is_not_about_the_key_shows_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for (status, is_known) in [(405, false), (429, false), (400, true)] {
        let rule = move |asked: &Asked| match (asked.is_trial(), asked.operation()) {
            (false, "PutObject") => Deed::Instead(504, Vec::new()),
            (false, "HeadObject") if !asked.key_headers().is_empty() => {
                Deed::Answer(status, Vec::new(), String::new())
            }
            _ => Deed::Pass,
        };
        let proxy = Proxy::new(gateway, rule).await;
        let person = person(gateway, &bucket, &proxy).await;
        let ran = person.run(["put", "source", &bucket.url("a")]).await;
        match is_known {
            true => drop(ran.refused(1)),
            false => {
                let (what, _) = ran.refused(3);
                assert!(what.contains("may have arrived"), "{status}: {what}");
            }
        }
        assert!(bucket.keys().await.contains(&"a".to_owned()));
    }
    bucket.remove().await;
}

/// GetBucketVersioning and scratch objects are refused, and a copy is not the same as its source.
async fn without_knowing_of_versions_nothing_is_hidden(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    bucket.keep_versions().await;
    let garbles = copies(gateway);
    let rule = move |asked: &Asked| match asked.operation() {
        "bucket setting" | "PutObject" if garbles => Deed::refuse(403, "AccessDenied"),
        _ if garbles && !asked.is_trial() => garbled_copy(gateway, asked),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person(gateway, &bucket, &proxy).await;
    let ran = person.run(["cp", &bucket.url("from"), &bucket.url("to")]).await;
    if garbles {
        let (what, _) = ran.refused(3);
        assert!(what.contains("may still be there"), "{what}");
        let is_removal = |asked: &&Asked| asked.operation() == "DeleteObject" && !asked.is_trial();
        assert_eq!(proxy.seen().iter().filter(is_removal).count(), 0);
        assert_eq!(bucket.versions("to").await.len(), 1, "no delete marker hides it");
        let rm = ["rm", &bucket.url("to"), "--version-id", &bucket.versions("to").await[0]];
        let (what, _) = person.run(rm).await.refused(5);
        assert!(what.contains("or that could not be found out"), "{what}");
    } else {
        ran.done();
    }
    bucket.remove().await;
}

/// The object of a copy that is not the same goes by the ID `null`: by name it would leave a marker, and
/// hide the version below.
async fn on_a_suspended_bucket_the_null_version_goes(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    bucket.keep_versions().await;
    bucket.put_plain("to", b"older").await;
    let before = bucket.versions("to").await;
    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(off).send().await.unwrap();
    let garbles = copies(gateway);
    let rule = move |asked: &Asked| match garbles && !asked.is_trial() {
        true => garbled_copy(gateway, asked),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person(gateway, &bucket, &proxy).await;
    let ran = person.run(["cp", &bucket.url("from"), &bucket.url("to")]).await;
    if garbles {
        let (what, _) = ran.refused(3);
        assert!(what.contains("nothing of it is left"), "{what}");
        assert_eq!(bucket.versions("to").await, before);
    } else {
        ran.done();
    }
    bucket.remove().await;
}

async fn a_link_needs_no_trial(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for (operation, status) in [("DeleteObject", 403), ("PutObject", 500), ("PutObject", 403)] {
        let rule = move |asked: &Asked| match asked.is_trial() && asked.operation() == operation {
            true => Deed::refuse(status, "AccessDenied"),
            false => Deed::Pass,
        };
        let proxy = Proxy::new(gateway, rule).await;
        let person = Person::new(gateway).with_key(Kind::Master);
        let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
        let ran = person.run(["presign", "put", &bucket.url("a")]).await.done();
        assert!(ran.text().starts_with("PUT https://"), "{operation} {status}");
        let is_named = ran.stderr.contains(s3_ssec::TRIAL_PREFIX);
        assert_eq!(is_named, operation == "DeleteObject", "{operation} {status}: {}", ran.stderr);
        if operation == "PutObject" {
            assert!(ran.stderr.contains("could not be tried"), "{}", ran.stderr);
        }
    }
    bucket.remove().await;
}

async fn an_upload_of_a_trial_is_aborted_by_its_id(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match asked.operation() {
        "ListMultipartUploads" => Deed::refuse(403, "AccessDenied"),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let url = bucket.url("");
    let ran = person.run(["policy", "apply", &url, "--require-ssec"]).await;
    match gateway.major() {
        // A warning comes before the two lines.
        Some(16 | 18) => assert_eq!(ran.code, Some(1), "{}", ran.stderr),
        _ => {
            let ran = ran.done();
            assert!(ran.stderr.contains("could not be listed"), "{}", ran.stderr);
        }
    }
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    person.run(["policy", "remove", &url]).await.done();
    bucket.remove().await;
}

/// A server that echoes any key: the object is plaintext, with the record and the content of the file.
async fn plaintext_with_an_echo_is_uploaded_again(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match asked.operation() {
        "HeadObject" if !asked.key_headers().is_empty() => Deed::ForgeEcho,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    person.file("tree/a", b"content");
    let put = ["put", "-r", "tree", &bucket.url("p/"), "--output", "json"];
    person.run(put).await.done();
    let said = person.run(put).await.done().json();
    assert_eq!((&said["same"], &said["done"]), (&1.into(), &0.into()), "{said}");
    let record = bucket.record("p/a").await.unwrap();
    bucket.put_plain("p/a", b"content").await;
    bucket.set_tags("p/a", &[("s3-ssec", &record)]).await;
    let said = person.run(put).await.done().json();
    assert_eq!((&said["same"], &said["done"]), (&0.into(), &1.into()), "{said}");
    person.run(["verify", &bucket.url("p/a")]).await.done();
    bucket.remove().await;
}

async fn tags_that_may_not_be_read_are_named(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match asked.operation() {
        "GetObjectTagging" if !asked.is_trial() => Deed::refuse(403, "AccessDenied"),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person(gateway, &bucket, &proxy).await;
    let ran = person.run(["audit", &bucket.url("")]).await.done();
    assert!(ran.stderr.contains("s3:GetObjectTagging"), "{}", ran.stderr);
    bucket.remove().await;
}
