//! Copies that the gateway makes, of an object under the key that writes: the table copies one that is not.

use harness::adversary::BUCKET;
use harness::{Adversary, Lie, Person, content};
use libtest_mimic::Trial;
use s3_ssec::core::key::Kind;

pub(super) fn trials() -> Vec<Trial> {
    let lies = [
        ("honest", Lie::None, 0),
        ("plain", Lie::CopyPlain, 3),
        ("garbled", Lie::CopyGarbled, 3),
        ("lost", Lie::CopyLost, 1),
        ("answered_500", Lie::Copy500, 3),
    ];
    let trial = |(name, lie, code): (&str, Lie, i32)| {
        harness::alone(format!("adversary::copies::{name}"), move || check(lie, code))
    };
    lies.map(trial).into_iter().collect()
}

/// A copy that ends badly leaves nothing, and its source as it was.
async fn check(lie: Lie, code: i32) {
    let gateway = Adversary::start().await;
    let person = Person::new(&gateway.gateway()).with_key(Kind::Master);
    let (from, to) = (format!("s3://{BUCKET}/a"), format!("s3://{BUCKET}/b"));
    person.file("a", &content(1, 3000));
    person.run(["put", "a", &from]).await.done();
    let before = gateway.stored();
    gateway.lie(lie);
    let ran = person.run(["cp", &from, &to]).await;
    gateway.lie(Lie::None);
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    let after = gateway.stored();
    assert_eq!(after.objects.get("a"), before.objects.get("a"));
    let copies = gateway.proxy.operations().iter().filter(|name| **name == "CopyObject").count();
    assert!(copies > 0, "the gateway was to copy");
    let keys: Vec<_> = after.objects.keys().map(String::as_str).collect();
    assert_eq!(keys, if code == 0 { &["a", "b"][..] } else { &["a"] }, "{}", ran.stderr);
}
