//! The JavaScript package with `fetch` in Node: what it writes is read natively, and it notices what
//! must be noticed (`tests/wasm/slice.mjs` asserts that).

use harness::{Bucket, Deed, Gateway, Person, Proxy, lab, live};
use std::path::Path;

live![the_package_writes_and_reads];

async fn the_package_writes_and_reads(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let silent = Proxy::new(gateway, |_| Deed::StripEcho).await;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let person = Person::new(gateway)
        .with("NODE_EXTRA_CA_CERTS", gateway.ca())
        .with("S3_SSEC_PACKAGE", &lab().package)
        .with("S3_SSEC_BUCKET", bucket.name.as_str())
        .with("S3_SSEC_SILENT", &silent.endpoint)
        .with("S3_SSEC_PYTHON", &lab().python)
        .with("S3_SSEC_PEER", tests.join("interop/peer.py"));
    let script = tests.join("wasm/slice.mjs");
    let ran = person.run_program(&lab().node, [&script]).await.done();
    assert_eq!(ran.text(), "done\n", "{}", ran.stderr);
    assert!(silent.operations().contains(&"PutObject"));
    let mut keys = bucket.keys().await;
    keys.sort();
    assert_eq!(keys, ["empty", "größer/a b+c", "small"]);
    bucket.remove().await;
}
