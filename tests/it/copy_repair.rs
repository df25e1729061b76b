//! Copies get a key of their own; what broke off or was lost is put right.

use harness::lab::{new_direct, new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Proxy, content, live};
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::record::{Content, Record};
use s3_ssec::{
    CopiedBy, CopyError, GetError, GetOptions, ObjectState, PutOptions, SearchOptions, Searched,
    Source, Trusted, Verification, Watch,
};

live![
    a_copy_is_verified_and_has_its_own_key,
    a_copy_of_a_damaged_object_does_not_stand,
    the_gateway_copies_where_it_encrypts_copies,
    a_copy_without_an_echo_goes_through_this_machine,
    a_pending_record_is_completed,
    half_done_uploads_are_listed_and_aborted_by_age,
    a_lost_nonce_is_found,
];

/// What a copy says that went through this machine.
const VIA_US: CopiedBy = CopiedBy::ThisMachine(Verification::Verified);

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, bytes: Vec<u8>) {
    let (name, mut options) = (bucket.object(key), PutOptions::default());
    options.headers.content_type = Some("text/plain".to_owned());
    options.tags = vec![("mine".to_owned(), "kept".to_owned())];
    let source = Source::Bytes(bytes.into());
    bucket.client.put(keys.writer(), &name, source, &options, &Watch::default()).await.unwrap();
}

async fn a_copy_is_verified_and_has_its_own_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for size in [100, 20 << 20] {
        let direct = new_direct();
        put(&bucket, &direct, "from", content(1, size)).await;
        let keys = std::iter::once(new_key(Kind::Master)).chain(direct.into_keys());
        let both = Keyring::new(keys.collect()).unwrap();
        let (from, to) = (bucket.object("from"), bucket.object("to"));
        let options = GetOptions::default();
        bucket.client.copy(&both, &from, &to, &options, &Watch::default()).await.unwrap();
        let stat = bucket.client.stat(&both, &to, &Default::default()).await.unwrap();
        assert_eq!(
            (stat.state, stat.key),
            (ObjectState::Described, Some(both.writer().fingerprint()))
        );
        assert_eq!(stat.head.headers.content_type.as_deref(), Some("text/plain"));
        assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
        let mut received = Vec::new();
        let watch = Watch::default();
        let get = bucket.client.get_stream(&both, &to, &mut received, &options, &watch);
        get.await.unwrap();
        assert!(received == content(1, size));
    }
    bucket.remove().await;
}

async fn a_copy_of_a_damaged_object_does_not_stand(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_direct();
    for size in [100, 20 << 20] {
        put(&bucket, &keys, "from", content(1, size)).await;
        let record = bucket.record("from").await.unwrap();
        put(&bucket, &keys, "from", content(2, size)).await;
        bucket.set_tags("from", &[("s3-ssec", &record)]).await;
        let (from, to) = (bucket.object("from"), bucket.object("to"));
        let mut options = GetOptions::default();
        options.trusted = Trusted::OnlyVerified;
        let copy = bucket.client.copy(&keys, &from, &to, &options, &Watch::default()).await;
        assert!(matches!(copy, Err(CopyError::Get(GetError::Damaged(_)))), "{copy:?}");
        assert_eq!(bucket.keys().await, ["from"]);
        assert_eq!(bucket.uploads().await, Vec::<String>::new());
    }
    bucket.remove().await;
}

async fn the_gateway_copies_where_it_encrypts_copies(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, Proxy::new(gateway, |_| Deed::Pass).await);
    let (client, watch) = (proxy.client().await, Watch::default());
    for keys in [new_master(), new_direct()] {
        for size in [0, 100, 20 << 20] {
            put(&bucket, &keys, "from a+b", content(1, size)).await;
            put(&bucket, &keys, "to", content(2, 30)).await;
            let (from, to) = (bucket.object("from a+b"), bucket.object("to"));
            let options = GetOptions::default();
            let before = proxy.seen().len();
            let copied = client.copy(&keys, &from, &to, &options, &watch).await.unwrap();
            let seen = proxy.seen().split_off(before);
            let read = seen.iter().any(|asked| asked.operation() == "GetObject");
            // RGW from 20.2.4 copies objects under customer keys; earlier ones answer 501.
            let expected = match gateway.major() {
                Some(20..) => CopiedBy::Gateway,
                _ => VIA_US,
            };
            assert_eq!((copied.by, read), (expected, expected == VIA_US));
            let stat = client.stat(&keys, &to, &Default::default()).await.unwrap();
            assert_eq!((stat.state, stat.head.size), (ObjectState::Described, size as u64));
            assert_eq!(stat.head.headers.content_type.as_deref(), Some("text/plain"));
            assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
            let mut received = Vec::new();
            let get = client.get_stream(&keys, &to, &mut received, &options, &watch);
            assert_eq!(get.await.unwrap().verification, Verification::Verified);
            assert!(received == content(1, size));
            assert_ne!(bucket.record("from a+b").await, bucket.record("to").await);
            // Nobody else's key opens the copy, and nothing of the trial is left.
            let strange = client.stat(&new_direct(), &to, &Default::default()).await;
            assert!(strange.is_err());
            assert_eq!(bucket.keys().await, ["from a+b", "to"]);
        }
    }
    bucket.remove().await;
}

async fn a_copy_without_an_echo_goes_through_this_machine(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    put(&bucket, &keys, "from", content(1, 100)).await;
    let rule = |asked: &Asked| match asked.operation() {
        "CopyObject" => Deed::StripEcho,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let (from, to) = (bucket.object("from"), bucket.object("to"));
    let (options, watch) = (GetOptions::default(), Watch::default());
    let copied = proxy.client().await.copy(&keys, &from, &to, &options, &watch).await.unwrap();
    assert_eq!(copied.by, VIA_US);
    assert!(proxy.seen().iter().any(|asked| asked.operation() == "CopyObject"));
    assert_eq!(bucket.keys().await, ["from", "to"]);
    bucket.remove().await;
}

fn whole(bucket: &Bucket) -> S3Address {
    S3Address { bucket: bucket.name.clone(), path: String::new() }
}

async fn a_pending_record_is_completed(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    put(&bucket, &keys, "good", content(1, 10)).await;
    put(&bucket, &keys, "pending", content(2, 9 << 20)).await;
    let record = Record::parse(&bucket.record("pending").await.unwrap()).unwrap();
    let name = bucket.object("pending");
    let pending = Record::write(keys.writer(), &name, record.nonce(), Content::Pending);
    bucket.set_tags("pending", &[("s3-ssec", pending.as_str()), ("mine", "kept")]).await;
    let repaired = bucket.client.repair(&keys, &whole(&bucket), None, &Watch::default()).await;
    let repaired = repaired.unwrap();
    assert_eq!(repaired.completed, ["pending"]);
    assert!(repaired.failed.is_empty(), "{:?}", repaired.failed);
    assert_eq!(bucket.record("pending").await.as_deref(), Some(record.as_str()));
    let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
    assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
    bucket.remove().await;
}

async fn half_done_uploads_are_listed_and_aborted_by_age(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    let create = bucket.client.sdk().create_multipart_upload().bucket(bucket.name.as_str());
    create.key("somebody's").send().await.unwrap();
    let repair = bucket.client.repair(&keys, &whole(&bucket), None, &Watch::default()).await;
    let listed = repair.unwrap().other_uploads;
    assert_eq!(listed.len(), 1);
    assert!(!listed[0].aborted && listed[0].key == "somebody's");
    let began = listed[0].initiated.unwrap();
    let younger =
        bucket.client.repair(&keys, &whole(&bucket), Some(began), &Watch::default()).await;
    assert!(!younger.unwrap().other_uploads[0].aborted, "it is not older than itself");
    let older =
        bucket.client.repair(&keys, &whole(&bucket), Some(began + 1), &Watch::default()).await;
    assert!(older.unwrap().other_uploads[0].aborted);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_lost_nonce_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (keys, stranger) = (new_master(), new_master());
    put(&bucket, &keys, "lost", content(1, 1000)).await;
    let name = bucket.object("lost");
    bucket.set_tags("lost", &[("mine", "kept")]).await;
    let mut options = SearchOptions::default();
    options.seconds = 3;
    let watch = Watch::default();
    let searched = bucket.client.search_nonce(&stranger, &name, &options, &watch).await.unwrap();
    assert!(matches!(searched, Searched::NotFound { tried: 1024 }), "{searched:?}");
    options.seconds = 60;
    let searched = bucket.client.search_nonce(&keys, &name, &options, &watch).await.unwrap();
    assert!(matches!(searched, Searched::Found { .. }), "{searched:?}");
    let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
    assert_eq!(stat.state, ObjectState::Described);
    assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
    bucket.remove().await;
}
