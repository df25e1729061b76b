//! Buckets with object lock: what cannot be removed is not written again.

use super::{of, person_at, put, rekey};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold,
    ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode, ObjectLockRule,
};
use harness::{Bucket, Gateway, live};

live![held_versions_are_not_written_again, a_lock_on_every_write_is_no_place_for_trials,];

async fn locked(gateway: &'static Gateway) -> Bucket {
    let client = gateway.client().await;
    let made = Bucket::new(gateway).await;
    let name = s3_ssec::core::names::BucketName::parse(&format!("{}-l", made.name)).unwrap();
    made.remove().await;
    let create = client.sdk().create_bucket().bucket(name.as_str());
    create.object_lock_enabled_for_bucket(true).send().await.unwrap();
    Bucket { client, name }
}

/// IDs of all versions of an object, the oldest first.
async fn versions(bucket: &Bucket, key: &str) -> Vec<String> {
    let listed = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let listed = listed.send().await.unwrap();
    let of_key = listed.versions().iter().rev().filter(|version| version.key() == Some(key));
    of_key.map(|version| version.version_id().unwrap().to_owned()).collect()
}

/// Everything in the bucket, markers too.
async fn all(bucket: &Bucket) -> usize {
    let listed = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let listed = listed.send().await.unwrap();
    listed.versions().len() + listed.delete_markers().len()
}

async fn hold(bucket: &Bucket, key: &str, version: &str, status: ObjectLockLegalHoldStatus) {
    let hold = ObjectLockLegalHold::builder().status(status).build();
    let request = bucket.client.sdk().put_object_legal_hold().bucket(bucket.name.as_str());
    request.key(key).version_id(version).legal_hold(hold).send().await.unwrap();
}

/// For a minute, unless it is overruled.
async fn retain(bucket: &Bucket, key: &str, version: &str, seconds: u64) {
    let until = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + seconds;
    let until = DateTime::from_secs(i64::try_from(until).unwrap());
    let retention = ObjectLockRetention::builder().mode(ObjectLockRetentionMode::Governance);
    let request = bucket.client.sdk().put_object_retention().bucket(bucket.name.as_str());
    let request = request.key(key).version_id(version).bypass_governance_retention(true);
    let retention = retention.retain_until_date(until).build();
    request.retention(retention).send().await.unwrap();
}

async fn clear(bucket: Bucket) {
    let sdk = bucket.client.sdk();
    let listed = sdk.list_object_versions().bucket(bucket.name.as_str()).send().await.unwrap();
    for version in listed.versions() {
        let delete = sdk.delete_object().bucket(bucket.name.as_str()).key(version.key().unwrap());
        let delete = delete.version_id(version.version_id().unwrap());
        delete.bypass_governance_retention(true).send().await.unwrap();
    }
    bucket.remove().await;
}

async fn held_versions_are_not_written_again(gateway: &'static Gateway) {
    let bucket = locked(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let keys = super::keyring(&person, "key");
    for key in ["free", "held", "retained"] {
        put(&bucket, keys.writer(), key, of(1, 100)).await;
        put(&bucket, keys.writer(), key, of(2, 100)).await;
    }
    let [held, retained] = [versions(&bucket, "held").await, versions(&bucket, "retained").await];
    hold(&bucket, "held", &held[0], ObjectLockLegalHoldStatus::On).await;
    // The newest, so that it would be written again after one that is free.
    retain(&bucket, "retained", &retained[1], 600).await;
    for _ in 0..2 {
        let said = rekey(&person, &bucket.url(""), &["--versions"], 5).await;
        let failed = said["failed"].as_array().unwrap();
        let text = |name: &str| {
            let entry = failed.iter().find(|entry| entry["name"] == name).unwrap();
            entry["what"].as_str().unwrap().to_owned()
        };
        assert!(text("held").contains("a legal hold"), "{said}");
        assert!(text("held").contains(&held[0]), "{said}");
        assert!(text("retained").contains("a retention (GOVERNANCE) until"), "{said}");
        assert_eq!(versions(&bucket, "held").await, held, "nothing was written");
        assert_eq!(versions(&bucket, "retained").await, retained, "nothing was written");
        assert_eq!(all(&bucket).await, 6, "no trial was left");
    }
    // What holds nothing got its key at once; the others do when nothing holds them any more.
    person.run(["cat", &bucket.url("free"), "--key-file", "new"]).await.done();
    hold(&bucket, "held", &held[0], ObjectLockLegalHoldStatus::Off).await;
    retain(&bucket, "retained", &retained[1], 4).await;
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    rekey(&person, &bucket.url(""), &["--versions"], 0).await;
    assert_eq!(all(&bucket).await, 6);
    for key in ["held", "retained"] {
        person.run(["cat", &bucket.url(key), "--key-file", "new"]).await.done();
    }
    clear(bucket).await;
}

async fn a_lock_on_every_write_is_no_place_for_trials(gateway: &'static Gateway) {
    let bucket = locked(gateway).await;
    let person = person_at(gateway, &gateway.https);
    put(&bucket, super::keyring(&person, "key").writer(), "a", of(1, 100)).await;
    let before = all(&bucket).await;
    let default =
        DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance).days(1).build();
    let rule = ObjectLockRule::builder().default_retention(default).build();
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let request = bucket.client.sdk().put_object_lock_configuration();
    let request = request.bucket(bucket.name.as_str());
    request.object_lock_configuration(lock.rule(rule).build()).send().await.unwrap();
    for options in [&["--to", "new"][..], &["--to", "new", "--versions"]] {
        let url = bucket.url("");
        let arguments = ["rekey", &url].into_iter().chain(options.iter().copied());
        let (what, todo) = person.run(arguments).await.refused(5);
        assert!(what.contains("locks every object that is written (GOVERNANCE, 1 days)"), "{what}");
        assert!(todo.contains("default retention"), "{todo}");
        assert_eq!(all(&bucket).await, before, "nothing was written");
    }
    clear(bucket).await;
}
