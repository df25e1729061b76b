//! What goes in comes out, under every kind of key, of every size, by every way.

use harness::{Bucket, Gateway, content, live, scratch_dir};
use s3_ssec::core::key::Kind;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{GetOptions, ObjectState, PutOptions, Source, Verification, Watch, WithoutKey};

live![
    sizes_around_every_limit,
    a_file_in_parts,
    a_stream_in_parts,
    names_are_taken_exactly,
    metadata_and_tags_are_kept,
    two_writes_have_two_keys,
    a_direct_key_is_sent_as_it_is,
];

const MIB: usize = 1 << 20;

async fn round_trip(bucket: &Bucket, keys: &Keyring, key: &str, source: Source, expected: &[u8]) {
    let (name, watch) = (bucket.object(key), Watch::default());
    let options = PutOptions::default();
    let put = bucket.client.put(keys.writer(), &name, source, &options, &watch);
    let uploaded = put.await.unwrap();
    assert_eq!(uploaded.size, expected.len() as u64);
    let mut received = Vec::new();
    let options = GetOptions::default();
    let get = bucket.client.get_stream(keys, &name, &mut received, &options, &watch);
    let report = get.await.unwrap();
    assert!(received == expected, "{key}: {} bytes came back", received.len());
    let verified = match keys.writer().kind() {
        Kind::Master => Verification::Verified,
        Kind::Direct => Verification::VerifiedByDirectKey { accepted: None },
    };
    assert_eq!(report.verification, verified, "{key}");
    assert!(report.proof.is_some());
    let without_key = bucket.client.head_without_key(&name, None).await.unwrap();
    assert!(matches!(without_key, WithoutKey::KeyNeeded), "{key} is readable without a key");
}

async fn sizes_around_every_limit(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_master();
    for size in [0, 1, 15, 16, 4095, 4096, 4097, 4 * MIB, 4 * MIB + 1, 8 * MIB + 1, 16 * MIB] {
        let expected = content(size as u64, size);
        let source = Source::Bytes(expected.clone().into());
        round_trip(&bucket, &keys, &format!("size-{size}"), source, &expected).await;
    }
    bucket.remove().await;
}

async fn a_file_in_parts(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let keys = harness::lab::new_master();
    let expected = content(1, 41 * MIB + 7);
    let path = directory.file("source", &expected);
    let name = bucket.object("in/parts");
    let mut options = PutOptions::default();
    options.part_size = 8 << 20;
    let watch = Watch::default();
    let put = bucket.client.put(keys.writer(), &name, Source::Path(path), &options, &watch);
    let uploaded = put.await.unwrap();
    assert!(uploaded.etag.ends_with("-6"), "{}", uploaded.etag);
    let target = directory.join("target");
    let options = GetOptions::default();
    let get = bucket.client.get_file(&keys, &name, &target, &options, &watch);
    assert_eq!(get.await.unwrap().verification, Verification::Verified);
    assert!(std::fs::read(&target).unwrap() == expected);
    assert_eq!(directory.names(), ["source", "target"]);
    bucket.remove().await;
}

async fn a_stream_in_parts(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_master();
    for size in [16 * MIB + 1, 32 * MIB, 33 * MIB + 5] {
        let expected = content(size as u64, size);
        let reader = std::io::Cursor::new(expected.clone());
        round_trip(&bucket, &keys, &format!("stream-{size}"), Source::reader(reader), &expected)
            .await;
    }
    bucket.remove().await;
}

async fn names_are_taken_exactly(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_master();
    let names = [
        "a b",
        "a+b",
        "a%20b",
        "Größe/a b+c%.bin",
        "/leading",
        "a//b",
        "../up",
        "dots/./here/..",
        "quote\"'<>&",
        "日本語/ファイル",
        "e\u{301}",
        "\u{e9}",
        "tilde~!*()",
        "q?a=b#c",
    ];
    for (index, key) in names.into_iter().enumerate() {
        let expected = content(index as u64, 100 + index);
        let source = Source::Bytes(expected.clone().into());
        round_trip(&bucket, &keys, key, source, &expected).await;
    }
    let mut listed = bucket.keys().await;
    let mut wanted = names.map(str::to_owned).to_vec();
    listed.sort();
    wanted.sort();
    assert_eq!(listed, wanted);
    bucket.remove().await;
}

async fn metadata_and_tags_are_kept(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_master();
    let mut options = PutOptions::default();
    options.headers.content_type = Some("text/plain".to_owned());
    options.metadata = vec![("origin".to_owned(), "lab 7".to_owned())];
    options.tags = vec![("project".to_owned(), "a+b c=d/e".to_owned())];
    for size in [10, 17 * MIB] {
        let (name, watch) = (bucket.object(&format!("m-{size}")), Watch::default());
        let source = Source::Bytes(content(3, size).into());
        bucket.client.put(keys.writer(), &name, source, &options, &watch).await.unwrap();
        let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
        assert_eq!(stat.state, ObjectState::Described);
        assert_eq!(stat.head.headers.content_type.as_deref(), Some("text/plain"));
        assert_eq!(stat.head.metadata.get("origin").map(String::as_str), Some("lab 7"));
        assert_eq!(stat.tags, Some(options.tags.clone()), "{size} bytes");
        assert_eq!(stat.key, Some(keys.writer().fingerprint()));
    }
    bucket.remove().await;
}

async fn two_writes_have_two_keys(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_master();
    let name = bucket.object("twice");
    let mut echoes = Vec::new();
    for _ in 0..2 {
        let source = Source::Bytes(content(1, 100).into());
        let options = PutOptions::default();
        bucket.client.put(keys.writer(), &name, source, &options, &Watch::default()).await.unwrap();
        let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
        echoes.push(stat.head.echo);
    }
    assert_ne!(echoes[0], echoes[1]);
    bucket.remove().await;
}

async fn a_direct_key_is_sent_as_it_is(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = harness::lab::new_direct();
    for size in [20, 17 * MIB] {
        let expected = content(9, size);
        let source = Source::Bytes(expected.clone().into());
        round_trip(&bucket, &keys, &format!("direct-{size}"), source, &expected).await;
        let name = bucket.object(&format!("direct-{size}"));
        let stat = bucket.client.stat(&keys, &name, &Default::default()).await.unwrap();
        let record = stat.record.unwrap();
        assert_eq!((record.kind(), record.fingerprint()), (Kind::Direct, None));
    }
    bucket.remove().await;
}
