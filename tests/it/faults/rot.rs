//! A bit flips in the store. The gateway decrypts it and says 200; only the digest tells.

use super::{LARGE, MIB, write_source};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, lab, live};
use s3_ssec::core::key::Kind;
use std::process::Command;

live![a_flipped_bit_is_found];

/// Runs `rados` on the pool that holds the objects' data.
fn rados(gateway: &Gateway, arguments: &[&str]) -> String {
    let pool = ["rgw", "run", &gateway.version, "rados", "-p", "default.rgw.buckets.data"];
    let output = Command::new(&lab().xtask).args(pool).args(arguments).output().unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {messages}");
    String::from_utf8(output.stdout).unwrap()
}

/// Flips a bit in the middle of every stored piece of an object, one piece at a time, asserts that
/// the object is then refused, and sets the bit right again.
async fn damage_each_piece(gateway: &Gateway, person: &Person, url: &str, key: &str) {
    let (all, scratch) = (rados(gateway, &["ls"]), harness::scratch_dir());
    let file = |name: &str| scratch.join(name).to_str().unwrap().to_owned();
    let (whole, byte) = (file("piece"), file("byte"));
    let mut found = 0;
    for piece in all.lines().filter(|piece| piece.contains(key)) {
        rados(gateway, &["get", piece, &whole]);
        let bytes = std::fs::read(&whole).unwrap();
        // The head of an upload in parts holds no data.
        let Some(good) = bytes.get(bytes.len() / 2) else { continue };
        let offset = (bytes.len() / 2).to_string();
        // Written in place, so that the attributes beside the data stay as they are.
        let write = |value: u8| {
            std::fs::write(&byte, [value]).unwrap();
            rados(gateway, &["put", piece, &byte, "--offset", &offset]);
        };
        write(good ^ 1);
        assert_refused(person, url, piece).await;
        write(*good);
        found += 1;
    }
    assert!(found > 0, "no piece of {key} among {all}");
}

async fn assert_refused(person: &Person, url: &str, what: &str) {
    let ran = person.run(["get", url, "back"]).await;
    let (said, _) = ran.refused(3);
    assert!(said.contains("digest does not match"), "{what}: {said}");
    assert!(
        !person.names().iter().any(|name| name.contains("back")),
        "{what}: {:?}",
        person.names()
    );
    assert_eq!(person.run(["verify", url]).await.code, Some(3), "{what}");
    assert_eq!(person.run(["cat", url]).await.code, Some(3), "{what}");
}

async fn a_flipped_bit_is_found(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    for kind in [Kind::Master, Kind::Direct] {
        for size in [1000, 6 * MIB, LARGE] {
            let person = Person::new(gateway).with_key(kind);
            // A name of its own: pieces of an object that was overwritten stay in the pool for a while.
            let key = format!("rot-{kind}-{size}-{}", bucket.name);
            let (url, expected) = (bucket.url(&key), content(1, size));
            write_source(&person, &expected);
            person.run(["put", "source", &url, "--quiet"]).await.done();
            if gateway.release.is_some() {
                damage_each_piece(gateway, &person, &url, &key).await;
            }
            // The same, by a gateway that damages what it sends.
            let rule = |asked: &Asked| match asked.operation() {
                "GetObject" => Deed::Flip(500),
                _ => Deed::Pass,
            };
            let proxy = Proxy::new(gateway, rule).await;
            let person = person.moved_to(&proxy.endpoint);
            assert_refused(&person, &url, "damaged on the way").await;
            let person = person.moved_to(&gateway.https);
            super::assert_content(&person, &url, &expected, "set right again").await;
        }
    }
    bucket.remove().await;
}
