//! Copies get a key of their own; what broke off or was lost is put right.

use harness::lab::{new_direct, new_key, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Proxy, content, live};
use s3_ssec::core::key::{CustomerKey, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::record::{Content, Provenance, Record};
use s3_ssec::sdk::SseCustomer as _;
use s3_ssec::{
    CopiedBy, CopyError, CopyOptions, GetError, GetOptions, ObjectState, PutOptions, RepairError,
    RepairOptions, SearchOptions, Searched, Source, Watch,
};

live![
    a_copy_is_verified_and_has_its_own_key,
    a_copy_of_a_damaged_object_does_not_stand,
    the_gateway_copies_where_it_encrypts_copies,
    a_copy_whose_answer_is_lost_is_found,
    a_copy_without_an_echo_goes_through_this_machine,
    a_pending_record_vouches_for_no_content,
    half_done_uploads_are_listed_and_aborted_by_age,
    a_lost_nonce_is_found,
];

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
        let (options, copy) = (GetOptions::default(), CopyOptions::default());
        let copied = bucket.client.copy(&both, &from, &to, &copy, &Watch::default()).await.unwrap();
        // Everybody who has the direct key could have written the source and its record.
        assert!(copied.provenance.accepted_since().is_some(), "{copied:?}");
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
        let options = CopyOptions::default();
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
            let (options, copy) = (GetOptions::default(), CopyOptions::default());
            let before = proxy.seen().len();
            let copied = client.copy(&keys, &from, &to, &copy, &watch).await.unwrap();
            assert_eq!(copied.provenance, Provenance::Source);
            let seen = proxy.seen().split_off(before);
            let read = |key: &str| {
                let mut gets = seen.iter().filter(|asked| asked.operation() == "GetObject");
                gets.any(|asked| asked.object() == key && asked.key_md5().is_some())
            };
            // RGW from 20.2.4 copies objects under customer keys; earlier ones answer 501.
            let expected = match gateway.major() {
                Some(20..) => CopiedBy::Gateway,
                _ => CopiedBy::ThisMachine,
            };
            // Through this machine the source is read; a copy by the gateway is read back.
            let here = expected == CopiedBy::ThisMachine;
            assert_eq!((copied.by, read("from a+b"), read("to")), (expected, here, !here));
            let stat = client.stat(&keys, &to, &Default::default()).await.unwrap();
            assert_eq!((stat.state, stat.head.size), (ObjectState::Described, size as u64));
            assert_eq!(stat.head.headers.content_type.as_deref(), Some("text/plain"));
            assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
            let mut received = Vec::new();
            let get = client.get_stream(&keys, &to, &mut received, &options, &watch);
            assert!(get.await.unwrap().verification.is_verified());
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
    let (options, watch) = (CopyOptions::default(), Watch::default());
    let copied = proxy.client().await.copy(&keys, &from, &to, &options, &watch).await.unwrap();
    assert_eq!(copied.by, CopiedBy::ThisMachine);
    assert!(proxy.seen().iter().any(|asked| asked.operation() == "CopyObject"));
    assert_eq!(bucket.keys().await, ["from", "to"]);
    bucket.remove().await;
}

fn whole(bucket: &Bucket) -> S3Address {
    S3Address { bucket: bucket.name.clone(), path: String::new() }
}

/// A pending record from the time of the upload, put back over bytes that a gateway has altered since.
async fn a_pending_record_vouches_for_no_content(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (keys, watch) = (new_master(), Watch::default());
    put(&bucket, &keys, "good", content(1, 10)).await;
    put(&bucket, &keys, "a", content(2, 9 << 20)).await;
    let record = Record::parse(&bucket.record("a").await.unwrap()).unwrap();
    let name = bucket.object("a");
    overwrite_under(&bucket, &record.open(keys.writer(), &name).unwrap().customer_key, "a").await;
    let pending = Record::write(keys.writer(), &name, record.nonce(), Content::Pending);
    bucket.set_tags("a", &[("s3-ssec", pending.as_str()), ("mine", "kept")]).await;
    let mut options = RepairOptions::default();
    let repaired = bucket.client.repair(&keys, &whole(&bucket), &options, &watch).await.unwrap();
    assert!(matches!(repaired.failed[..], [(_, RepairError::NoEvidence(_))]), "{repaired:?}");
    assert!(repaired.completed.is_empty() && repaired.accepted.is_empty(), "{repaired:?}");
    assert_eq!(bucket.record("a").await.as_deref(), Some(pending.as_str()));
    let verified = bucket.client.verify(&keys, &name, &GetOptions::default(), &watch).await;
    assert!(matches!(verified, Err(GetError::Undescribed(..))), "{verified:?}");
    // With the record that its writer noted, the alteration shows.
    bucket.set_tags("a", &[("s3-ssec", record.as_str())]).await;
    let verified = bucket.client.verify(&keys, &name, &GetOptions::default(), &watch).await;
    assert!(matches!(verified, Err(GetError::Damaged(_))), "{verified:?}");
    // On request the content is accepted as it is, and the record says so.
    bucket.set_tags("a", &[("s3-ssec", pending.as_str()), ("mine", "kept")]).await;
    options.accept_content = true;
    let repaired = bucket.client.repair(&keys, &whole(&bucket), &options, &watch).await.unwrap();
    assert_eq!((repaired.accepted.as_slice(), repaired.failed.len()), (&["a".to_owned()][..], 0));
    let accepted = Record::parse(&bucket.record("a").await.unwrap()).unwrap();
    assert!(accepted.provenance().and_then(Provenance::accepted_since).is_some(), "{accepted}");
    bucket.client.verify(&keys, &name, &GetOptions::default(), &watch).await.unwrap();
    let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
    assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
    bucket.remove().await;
}

/// Other bytes under the customer key of an object, as only its gateway could write them.
async fn overwrite_under(bucket: &Bucket, key: &CustomerKey, name: &str) {
    let put = bucket.client.sdk().put_object().bucket(bucket.name.as_str()).key(name);
    put.body(content(99, 1000).into()).sse_customer(key).send().await.unwrap();
}

fn older_than(time: Option<i64>) -> RepairOptions {
    let mut options = RepairOptions::default();
    options.abort_before = time;
    options
}

async fn half_done_uploads_are_listed_and_aborted_by_age(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    let create = bucket.client.sdk().create_multipart_upload().bucket(bucket.name.as_str());
    create.key("somebody's").send().await.unwrap();
    let repair =
        bucket.client.repair(&keys, &whole(&bucket), &older_than(None), &Watch::default()).await;
    let listed = repair.unwrap().other_uploads;
    assert_eq!(listed.len(), 1);
    assert!(!listed[0].aborted && listed[0].key == "somebody's");
    let began = listed[0].initiated.unwrap();
    let younger = bucket
        .client
        .repair(&keys, &whole(&bucket), &older_than(Some(began)), &Watch::default())
        .await;
    assert!(!younger.unwrap().other_uploads[0].aborted, "it is not older than itself");
    let older = bucket
        .client
        .repair(&keys, &whole(&bucket), &older_than(Some(began + 1)), &Watch::default())
        .await;
    assert!(older.unwrap().other_uploads[0].aborted);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_lost_nonce_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (keys, stranger) = (new_master(), new_master());
    put(&bucket, &keys, "lost", content(1, 1000)).await;
    let name = bucket.object("lost");
    let record = Record::parse(&bucket.record("lost").await.unwrap()).unwrap();
    overwrite_under(&bucket, &record.open(keys.writer(), &name).unwrap().customer_key, "lost")
        .await;
    bucket.set_tags("lost", &[("mine", "kept")]).await;
    let mut options = SearchOptions::default();
    options.seconds = 3;
    let watch = Watch::default();
    let searched = bucket.client.search_nonce(&stranger, &name, &options, &watch).await.unwrap();
    // Seven seconds, both sides of the last change.
    assert!(matches!(searched, Searched::NotFound { tried: 1792 }), "{searched:?}");
    options.seconds = 60;
    let searched = bucket.client.search_nonce(&keys, &name, &options, &watch).await.unwrap();
    let Searched::Found { record, tag_error: None, in_ledger: false, .. } = searched else {
        panic!("{searched:?}")
    };
    // It is found, and nothing is claimed for its content.
    assert!(record.is_pending());
    assert_eq!(bucket.record("lost").await, Some(record.to_string()));
    let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
    // The content may be anybody's: it is not verified.
    assert_eq!(stat.state, ObjectState::Pending);
    assert_eq!(stat.tags.unwrap(), [("mine".to_owned(), "kept".to_owned())]);
    let verified = bucket.client.verify(&keys, &name, &GetOptions::default(), &watch).await;
    assert!(matches!(verified, Err(GetError::Undescribed(..))), "{verified:?}");
    bucket.remove().await;
}

/// Without a usable answer the copy is looked for: what is there is proved, and read back.
async fn a_copy_whose_answer_is_lost_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.is_trial(), asked.operation(), &*asked.object()) {
        (false, "CopyObject", "error") => Deed::Instead(504, Vec::new()),
        (false, "CopyObject", "cut") => Deed::HangUp,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let keys = new_master();
    put(&bucket, &keys, "from", content(1, 3000)).await;
    for name in ["error", "cut"] {
        let (from, to) = (bucket.object("from"), bucket.object(name));
        let options = CopyOptions::default();
        let client = proxy.client().await;
        let copied = client.copy(&keys, &from, &to, &options, &Watch::default()).await.unwrap();
        let expected = match gateway.major() {
            Some(20..) => CopiedBy::Gateway,
            _ => CopiedBy::ThisMachine,
        };
        assert_eq!(copied.by, expected);
        let stat = bucket.client.stat(&keys, &to, &Default::default()).await.unwrap();
        assert_eq!((stat.state, stat.head.size), (ObjectState::Described, 3000));
    }
    bucket.remove().await;
}
