//! The two executors, tokio with the SDK and the page with fetch: the same operations of the same core put
//! the same headers on the wire.

use crate::browser::{Scene, open_key};
use harness::{Asked, Deed, Gateway, Proxy, content, live};
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::record::Record;
use s3_ssec::{Existing, GetOptions, PutOptions, Source, Watch};
use std::collections::{BTreeMap, BTreeSet};

live![both_executors_put_the_same_headers_on_the_wire];

const MIB: usize = 1 << 20;

/// The operations of an upload in one, an upload in parts, and a download.
const OPERATIONS: [&str; 8] = [
    "PutObject",
    "CreateMultipartUpload",
    "UploadPart",
    "CompleteMultipartUpload",
    "HeadObject",
    "GetObjectTagging",
    "PutObjectTagging",
    "GetObject",
];

/// Headers without a meaning for S3, or of one executor only, with the reason.
const OWN: [&str; 5] = [
    // Of the SDK, for statistics.
    "x-amz-user-agent",
    // The SDK protects documents with a CRC, the page with `Content-MD5`.
    "x-amz-checksum-crc32",
    "x-amz-sdk-checksum-algorithm",
    // The page signs bodies in chunks, the crate as a whole: either way the gateway refuses others.
    "x-amz-decoded-content-length",
    // The page fetches ranges of what it has seen; the crate takes a small object whole.
    "if-match",
];

/// Per operation, the names of headers that mean something to S3, one set for each way it was sent.
type Seen = BTreeMap<&'static str, BTreeSet<Vec<String>>>;

fn seen(asked: &[Asked]) -> Seen {
    let mut seen = Seen::new();
    let real = asked.iter().filter(|asked| !asked.is_trial() && asked.method != "OPTIONS");
    // A read of the first byte without a key is the other half of a proof, where HEAD shows nothing.
    let is_negative_half = |asked: &&Asked| {
        asked.operation() == "GetObject"
            && asked.key_headers().is_empty()
            && asked.header("range") == Some("bytes=0-0")
    };
    let real = real.filter(|asked| !is_negative_half(asked));
    for asked in real.filter(|asked| OPERATIONS.contains(&asked.operation())) {
        let means = |name: &&str| {
            (name.starts_with("x-amz-") || name.starts_with("if-")) && !OWN.contains(name)
        };
        let mut names: Vec<_> = asked
            .headers
            .keys()
            .map(|name| name.as_str())
            .filter(means)
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        seen.entry(asked.operation()).or_default().insert(names);
    }
    seen
}

/// The values of a header on all requests of one operation.
fn values<'a>(asked: &'a [Asked], operation: &str, name: &str) -> BTreeSet<&'a str> {
    let of = asked.iter().filter(|asked| asked.operation() == operation && !asked.is_trial());
    of.filter_map(|asked| asked.header(name)).collect()
}

async fn both_executors_put_the_same_headers_on_the_wire(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let (small, large) = (content(1, 5000), content(2, 40 * MIB));
    // A direct key, because it is the same for every object.
    let bytes = content(99, 32);
    let native = natively(&scene, gateway, &bytes, [&small, &large]).await;
    let page = in_the_page(&scene, gateway, &bytes).await;
    assert_eq!(seen(&native), seen(&page));
    assert_eq!(seen(&native).keys().len(), OPERATIONS.len(), "{:?}", seen(&native));
    let carriers = OPERATIONS.iter().filter(|operation| !operation.ends_with("Tagging"));
    for (operation, end) in carriers.flat_map(|of| ["", "-md5"].map(|end| (of, end))) {
        let name = format!("{}key{end}", harness::proxy::CUSTOMER);
        let (ours, theirs) = (values(&native, operation, &name), values(&page, operation, &name));
        assert_eq!((ours.len(), &ours), (1, &theirs), "{operation}");
    }
    for operation in ["PutObject", "UploadPart"] {
        let [ours, theirs] =
            [&native, &page].map(|of| values(of, operation, "x-amz-content-sha256"));
        assert!(ours.iter().all(|hash| hash.len() == 64), "{operation}: {ours:?}");
        assert_eq!(theirs, BTreeSet::from(["STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]), "{operation}");
    }
    // The records differ in their nonces only: a second of time and a random byte.
    let record = |asked| {
        let tags = values(asked, "PutObject", "x-amz-tagging");
        let tag = tags.first().and_then(|tag| tag.strip_prefix("s3-ssec=")).unwrap();
        let record = Record::parse(tag).unwrap();
        (record.kind(), record.is_pending(), tag.split('.').count())
    };
    assert_eq!(record(&native), record(&page));
    scene.bucket.remove().await;
}

/// What the crate sends.
async fn natively(
    scene: &Scene,
    gateway: &'static Gateway,
    bytes: &[u8],
    [small, large]: [&Vec<u8>; 2],
) -> Vec<Asked> {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let client = proxy.client().await;
    let keys = Keyring::new(vec![Key::from_bytes(Kind::Direct, bytes).unwrap()]).unwrap();
    let mut options = PutOptions::default();
    (options.existing, options.part_size) = (Existing::Keep, 32 << 20);
    let sources = [
        ("small", Source::Bytes(small.clone().into())),
        // Of unknown size, so that it goes in parts.
        ("large", Source::reader(std::io::Cursor::new(large.clone()))),
    ];
    for (name, source) in sources {
        let (object, watch) = (scene.bucket.object(name), Watch::default());
        client.put(keys.writer(), &object, source, &options, &watch).await.unwrap();
        let options = GetOptions::default();
        client.get_stream(&keys, &object, &mut Vec::new(), &options, &watch).await.unwrap();
        client.delete(&object, None).await.unwrap();
    }
    proxy.seen()
}

/// What the page sends, for files of the same names and contents.
async fn in_the_page(scene: &Scene, gateway: &'static Gateway, bytes: &[u8]) -> Vec<Asked> {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let browser = scene.browser().await;
    open_key(&browser, &scene.person.file("raw.key", bytes)).await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    for (name, seed, size) in [("small", 1, 5000), ("large", 2, 40 * MIB)] {
        let (file, _) = scene.file(name, seed, size);
        browser.choose("#upload-files", "#files-input", &[&file]).await;
        let shown = format!("tr[data-name={name}][data-state=open]");
        browser.wait_for(&shown).await;
        browser.press(&shown, "Download").await;
        let done = "#transfers li:first-child[data-state=done]";
        browser.wait_for(done).await;
        browser.wait_for_text("downloaded and verified").await;
        browser.press(done, "Close").await;
    }
    browser.close().await;
    proxy.seen()
}
