//! Copies by the gateway: made on request alone, read back, and nothing is destroyed by a bad one.

use super::{LARGE, assert_under, keyring, of, person_at, put, rekey};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use harness::proxy::garble::{garbled_copy, unnamed_garbled_copy};
use harness::{Asked, Bucket, Deed, Gateway, Proxy, live};

live![
    the_gateway_copies_on_request,
    a_gateway_whose_trial_copy_is_garbled_makes_none,
    a_garbled_copy_destroys_nothing,
    on_a_suspended_bucket_what_is_left_stays,
];

const COPIES: &[&str] = &["--gateway-copies"];

/// RGW copies objects under customer keys from 20.2.4 on.
fn copies(gateway: &Gateway) -> bool {
    gateway.major().is_some_and(|major| major >= 20)
}

async fn the_gateway_copies_on_request(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, Proxy::new(gateway, |_| Deed::Pass).await);
    let person = person_at(gateway, &proxy.endpoint);
    let keys = keyring(&person, "key");
    for (more, copied) in [(&[][..], 0), (COPIES, if copies(gateway) { 3 } else { 0 })] {
        for (seed, size) in [(1, 0), (2, 70_000), (3, LARGE)] {
            put(&bucket, keys.writer(), &format!("{seed}"), of(seed, size)).await;
        }
        let said = rekey(&person, &bucket.url(""), more, 0).await;
        assert_eq!(said["rekeyed"]["objects"], 3, "{said}");
        assert_eq!(said["copied"]["objects"], copied, "{said}");
        for (seed, size) in [(1, 0), (2, 70_000), (3, LARGE)] {
            let name = format!("{seed}");
            assert_under(&person, "new", &bucket.url(&name), &of(seed, size), &name).await;
        }
    }
    assert_eq!(bucket.keys().await.len(), 3, "no scratch object is left");
    bucket.remove().await;
}

/// The trial compares contents: such a gateway is not asked for copies.
async fn a_gateway_whose_trial_copy_is_garbled_makes_none(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    // Where there are no copies to garble, RGW says so itself.
    let garbles = copies(gateway);
    let rule = move |asked: &Asked| match garbles {
        true => garbled_copy(gateway, asked),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    put(&bucket, keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let (from, to) = (bucket.url("a"), bucket.url("b"));
    let cp = ["cp", &from, &to, "--output", "json"];
    assert_eq!(person.run(cp).await.done().json()["copied_by"], "this machine");
    assert_under(&person, "key", &to, &of(1, 100), "the copy").await;
    let said = rekey(&person, &bucket.url(""), COPIES, 0).await;
    assert_eq!((&said["copied"]["objects"], &said["whole"]["objects"]), (&0.into(), &2.into()));
    assert_under(&person, "new", &from, &of(1, 100), "rekeyed").await;
    let copies = proxy.seen().into_iter().filter(|asked| asked.operation() == "CopyObject");
    assert!(copies.into_iter().all(|asked| asked.is_trial()), "{:?}", proxy.operations());
    bucket.remove().await;
}

/// A gateway whose trial copy is good, and none after it.
async fn a_garbled_copy_destroys_nothing(gateway: &'static Gateway) {
    for garble in [garbled_copy, unnamed_garbled_copy] {
        destroys_nothing(gateway, garble).await;
    }
}

async fn destroys_nothing(gateway: &'static Gateway, garble: fn(&'static Gateway, &Asked) -> Deed) {
    let bucket = Bucket::new(gateway).await;
    let garbles = copies(gateway);
    let rule = move |asked: &Asked| match garbles && !asked.is_trial() {
        true => garble(gateway, asked),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    for (number, size) in [(1, 100), (2, LARGE)] {
        put(&bucket, keyring(&person, "key").writer(), &format!("{number}"), of(number, size))
            .await;
    }
    // A copy under another name is taken away again.
    let (from, to) = (bucket.url("1"), bucket.url("copy"));
    if garbles {
        let (what, _) = person.run(["cp", &from, &to]).await.refused(3);
        assert!(what.contains("is not the same as its source; nothing of it is left"), "{what}");
    } else {
        person.run(["cp", &from, &to]).await.done();
        bucket.client.delete(&bucket.object("copy"), None).await.unwrap();
    }
    assert_eq!(bucket.keys().await, ["1", "2"]);
    assert_under(&person, "key", &from, &of(1, 100), "the source").await;
    // Onto itself, where the bucket keeps versions: the one before is on top again.
    bucket.keep_versions().await;
    for more in [COPIES, &["--gateway-copies", "--versions"]] {
        let code = if garbles { 3 } else { 0 };
        let said = rekey(&person, &bucket.url(""), more, code).await;
        if garbles {
            assert_eq!((&said["stopped"], &said["copied"]["objects"]), (&true.into(), &0.into()));
            assert_eq!(said["failed"][0]["outcome"], "garbled", "{said}");
            assert_under(&person, "key", &from, &of(1, 100), "the old one").await;
            assert_under(&person, "key", &bucket.url("2"), &of(2, LARGE), "the old one").await;
        }
    }
    // Without copies by the gateway everything is rekeyed.
    rekey(&person, &bucket.url(""), &[], 0).await;
    assert_under(&person, "new", &from, &of(1, 100), "rekeyed").await;
    assert_under(&person, "new", &bucket.url("2"), &of(2, LARGE), "rekeyed").await;
    bucket.remove().await;
}

/// The copy takes the place of the null version, and an older version is below: what was copied is gone, and
/// the copy stays for its owner to look at.
async fn on_a_suspended_bucket_what_is_left_stays(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let garbles = copies(gateway);
    let rule = move |asked: &Asked| match garbles && !asked.is_trial() {
        true => unnamed_garbled_copy(gateway, asked),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    bucket.keep_versions().await;
    put(&bucket, keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(off).send().await.unwrap();
    put(&bucket, keyring(&person, "key").writer(), "a", of(2, 200)).await;
    let before = bucket.versions("a").await;
    assert_eq!(before.len(), 2, "{before:?}");
    let said = rekey(&person, &bucket.url(""), COPIES, if garbles { 3 } else { 0 }).await;
    assert_eq!(bucket.versions("a").await, before, "{said}");
    if garbles {
        assert_eq!(said["failed"][0]["outcome"], "garbled", "{said}");
        let what = said["failed"][0]["what"].as_str().unwrap();
        assert!(what.contains("may be what is stored now"), "{what}");
    } else {
        assert_under(&person, "new", &bucket.url("a"), &of(2, 200), "rekeyed").await;
    }
    bucket.remove().await;
}
