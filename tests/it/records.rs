//! The record finds the key, and an object whose record is not right is not delivered.

use harness::lab::{new_direct, new_key, new_master};
use harness::{Bucket, Gateway, content, live, scratch_dir};
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyring::{Keyring, OpenError};
use s3_ssec::core::record::{Content, RecordError};
use s3_ssec::{GetError, GetOptions, PutOptions, Source, Trusted, Verification, Watch};

live![
    the_right_key_is_found_among_many,
    an_altered_record_delivers_nothing,
    a_stripped_record_names_no_key,
    a_pending_record_is_not_verified,
    objects_of_other_tools_are_delivered_unverified,
    changed_bytes_are_noticed,
];

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, bytes: &[u8]) {
    let (name, source) = (bucket.object(key), Source::Bytes(bytes.to_vec().into()));
    let (options, watch) = (PutOptions::default(), Watch::default());
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.unwrap();
}

/// Downloads to a file in an empty directory; on failure the directory must stay empty.
async fn get(
    bucket: &Bucket,
    keys: &Keyring,
    key: &str,
    trusted: Trusted,
) -> Result<(Vec<u8>, Verification), GetError> {
    let directory = scratch_dir();
    let target = directory.join("target");
    let mut options = GetOptions::default();
    options.trusted = trusted;
    let name = bucket.object(key);
    match bucket.client.get_file(keys, &name, &target, &options, &Watch::default()).await {
        Ok(received) => Ok((std::fs::read(&target).unwrap(), received.verification)),
        Err(error) => {
            assert_eq!(directory.names(), Vec::<String>::new(), "a failed get leaves nothing");
            Err(error)
        }
    }
}

async fn the_right_key_is_found_among_many(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (old, new, direct) = (new_master(), new_master(), new_direct());
    put(&bucket, &old, "old", b"old").await;
    put(&bucket, &new, "new", b"new").await;
    put(&bucket, &direct, "direct", b"direct").await;
    let all = [new, old, direct].into_iter().flat_map(Keyring::into_keys).collect();
    let all = Keyring::new(all).unwrap();
    for key in ["old", "new", "direct"] {
        let (content, verification) = get(&bucket, &all, key, Trusted::OnlyVerified).await.unwrap();
        let expected = match key {
            "direct" => Verification::VerifiedByDirectKey { accepted: None },
            _ => Verification::Verified,
        };
        assert_eq!((content, verification), (key.as_bytes().to_vec(), expected));
    }
    let stranger = new_master();
    for key in ["old", "new"] {
        let refused = get(&bucket, &stranger, key, Trusted::Anything).await;
        assert!(matches!(refused, Err(GetError::Open(OpenError::KeyMissing(_)))), "{refused:?}");
    }
    bucket.remove().await;
}

async fn an_altered_record_delivers_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    put(&bucket, &keys, "a", b"one").await;
    put(&bucket, &keys, "b", b"two").await;
    let (good, other) = (bucket.record("a").await.unwrap(), bucket.record("b").await.unwrap());
    bucket.set_tags("a", &[("s3-ssec", &other)]).await;
    let swapped = get(&bucket, &keys, "a", Trusted::Anything).await;
    assert!(matches!(swapped, Err(GetError::Open(OpenError::NotGenuine))), "{swapped:?}");
    let last = if good.ends_with('0') { "1" } else { "0" };
    let flipped = format!("{}{last}", &good[..good.len() - 1]);
    bucket.set_tags("a", &[("s3-ssec", &flipped)]).await;
    let refused = get(&bucket, &keys, "a", Trusted::Anything).await;
    assert!(matches!(refused, Err(GetError::Open(OpenError::NotGenuine))), "{refused:?}");
    bucket.set_tags("a", &[("s3-ssec", "hello")]).await;
    let refused = get(&bucket, &keys, "a", Trusted::Records).await;
    assert!(matches!(refused, Err(GetError::Record(RecordError::Malformed))), "{refused:?}");
    bucket.set_tags("a", &[("s3-ssec", &good.replacen("v1", "v2", 1))]).await;
    let refused = get(&bucket, &keys, "a", Trusted::Records).await;
    assert!(matches!(refused, Err(GetError::Record(RecordError::NewerFormat(_)))), "{refused:?}");
    bucket.set_tags("a", &[("s3-ssec", &good), ("mine", "kept")]).await;
    assert_eq!(get(&bucket, &keys, "a", Trusted::OnlyVerified).await.unwrap().0, b"one");
    bucket.remove().await;
}

async fn a_stripped_record_names_no_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    put(&bucket, &keys, "a", b"one").await;
    bucket.set_tags("a", &[("other", "tag")]).await;
    let refused = get(&bucket, &keys, "a", Trusted::Anything).await;
    assert!(matches!(refused, Err(GetError::NoKeyFits(_))), "{refused:?}");
    bucket.remove().await;
}

async fn a_pending_record_is_not_verified(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    put(&bucket, &keys, "a", b"one").await;
    let name = bucket.object("a");
    let record = s3_ssec::core::record::Record::parse(&bucket.record("a").await.unwrap()).unwrap();
    let pending = s3_ssec::core::record::Record::write(
        keys.writer(),
        &name,
        record.nonce(),
        Content::Pending,
    );
    bucket.set_tags("a", &[("s3-ssec", pending.as_str())]).await;
    let refused = get(&bucket, &keys, "a", Trusted::Records).await;
    assert!(matches!(refused, Err(GetError::Undescribed(..))), "{refused:?}");
    let (content, verification) = get(&bucket, &keys, "a", Trusted::Anything).await.unwrap();
    assert_eq!((content, verification), (b"one".to_vec(), Verification::NoDigest));
    bucket.remove().await;
}

async fn objects_of_other_tools_are_delivered_unverified(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let direct = new_direct();
    let expected = content(4, 9 << 20);
    put(&bucket, &direct, "foreign", &expected).await;
    bucket.set_tags("foreign", &[("other", "tag")]).await;
    let (received, verification) =
        get(&bucket, &direct, "foreign", Trusted::Records).await.unwrap();
    assert!(received == expected);
    assert_eq!(verification, Verification::NoDigest);
    let refused = get(&bucket, &direct, "foreign", Trusted::OnlyVerified).await;
    assert!(matches!(refused, Err(GetError::NoDigest(_))), "{refused:?}");
    let others = Keyring::new(vec![new_key(Kind::Master), new_key(Kind::Direct)]).unwrap();
    let refused = get(&bucket, &others, "foreign", Trusted::Records).await;
    assert!(matches!(refused, Err(GetError::NoKeyFits(_))), "{refused:?}");
    bucket.remove().await;
}

/// The same key and a genuine record, but other bytes under them: what a gateway with a defect, or
/// somebody with access to its disks, could make of an object.
async fn changed_bytes_are_noticed(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let direct = new_direct();
    for size in [20, 9 << 20] {
        let (honest, mut forged) = (content(5, size), content(5, size));
        forged[size / 2] ^= 1;
        put(&bucket, &direct, "a", &honest).await;
        let record = bucket.record("a").await.unwrap();
        put(&bucket, &direct, "a", &forged).await;
        // A record binds no time: the old one is genuine, but not for these bytes.
        bucket.set_tags("a", &[("s3-ssec", &record)]).await;
        let refused = get(&bucket, &direct, "a", Trusted::Records).await;
        assert!(matches!(refused, Err(GetError::Damaged(_))), "{refused:?}");
    }
    bucket.remove().await;
}
