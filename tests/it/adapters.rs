//! Other people's clients under the adapters: what they write is encrypted, and what is not confirmed
//! is refused.

use crate::examples::{example, lied_to, run, silent};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::WithoutKey;
use s3_ssec::core::key::Kind;
use std::collections::BTreeSet;

live![
    stores_and_operators_are_guarded,
    a_store_with_a_key_for_every_object,
    a_store_as_its_makers_want_it,
    a_layer_adds_the_key,
];

async fn stores_and_operators_are_guarded(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    let arguments = ["key", bucket.name.as_str()];
    let ran = run(&person, "object_store_guarded", &arguments).await.done();
    assert_eq!(ran.text(), "18 and 4 bytes, each confirmed\n");
    let ran = run(&person, "opendal_guarded", &arguments).await.done();
    assert_eq!(ran.text(), "18 and 6291456 bytes, each confirmed\n");
    // The command reads them under the same direct key; nobody reads them without.
    for key in ["store/small", "operator/small"] {
        let read = person.run(["cat", &bucket.url(key)]).await.done();
        assert_eq!(read.text(), "stored under a key");
        let without = bucket.client.head_without_key(&bucket.object(key), None).await;
        assert!(matches!(without, Ok(WithoutKey::KeyNeeded)), "{key}: {without:?}");
    }
    // No confirmation, a redirect, and no TLS: each is refused.
    let silent = silent(gateway).await;
    let elsewhere = Proxy::new(gateway, |_| Deed::Pass).await;
    let place = elsewhere.endpoint.clone();
    let redirecting = Proxy::new(gateway, move |asked| {
        let location = format!("{place}{}", asked.path);
        Deed::Answer(307, vec![("location", location)], String::new())
    });
    let redirecting = redirecting.await;
    let liars = [&silent.endpoint, &redirecting.endpoint];
    for endpoint in liars.into_iter().chain(&gateway.http) {
        let astray = Person::new(gateway)
            .with("S3_SSEC_KEY_FILE", person.work().join("key"))
            .with("AWS_ENDPOINT_URL_S3", endpoint);
        std::fs::copy(person.work().join("key"), astray.work().join("key")).unwrap();
        for name in ["object_store_guarded", "opendal_guarded"] {
            let refused = run(&astray, name, &arguments).await;
            assert_eq!(refused.code, Some(1), "{name} at {endpoint}: {}", refused.text());
        }
    }
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.operations());
    bucket.remove().await;
}

async fn a_store_with_a_key_for_every_object(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let arguments = ["key", bucket.name.as_str()];
    let through = lied_to(person, &proxy);
    let ran = run(&through, "object_store_keyed", &arguments).await.done();
    let said = "20971520 bytes, verified; a range of it: [6, 6, 7, 7]\n\
                the copy: a key of its own\n\
                tables/2026/large 20971520\n\
                tables/copy 16\n\
                1 in the folder, 1 below\n";
    assert_eq!(ran.text(), said);
    let written = |asked: &&Asked| {
        let writes = ["PutObject", "CreateMultipartUpload", "CopyObject"];
        !asked.is_trial() && writes.contains(&asked.operation())
    };
    let seen = proxy.seen();
    let keys: Vec<_> = seen.iter().filter(written).filter_map(Asked::key_md5).collect();
    let distinct: BTreeSet<_> = keys.iter().collect();
    assert!(keys.len() >= 3 && distinct.len() == keys.len(), "{keys:?}");
    // Another tool reads it, verified; what was given up left nothing.
    through.run(["verify", &bucket.url("tables/2026/large")]).await.done();
    let mut left = bucket.keys().await;
    left.sort();
    assert_eq!(left, ["tables/2026/large", "tables/copy"]);
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    // A gateway that confirms nothing is written nothing.
    let silent = silent(gateway).await;
    let (empty, astray) = (Bucket::new(gateway).await, lied_to(through, &silent));
    let refused = run(&astray, "object_store_keyed", &["key", empty.name.as_str()]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    empty.assert_empty().await;
    empty.remove().await;
    bucket.remove().await;
}

async fn a_store_as_its_makers_want_it(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let old = gateway.major().is_some_and(|major| major < 18);
    let arguments = ["key", bucket.name.as_str(), if old { "without-attributes" } else { "" }];
    let ran = run(&person, "object_store_suite", &arguments).await.done();
    assert_eq!(ran.text(), "it is a store\n");
    bucket.remove().await;
}

async fn a_layer_adds_the_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Direct);
    person.file("report", b"under a direct key");
    let url = bucket.url("report");
    person.run(["put", "report", &url]).await.done();
    let link = async |person: &Person| {
        let arguments = ["presign", "get", &url, "--format", "json", "--give-away-key"];
        person.run(arguments).await.done().stdout
    };
    let layer = example("tower_link");
    let read = person.run_program_with(&layer, ["key"], &link(&person).await).await.done();
    assert_eq!(read.text(), "under a direct key\n");
    // Another key than the one that was signed for.
    let stranger = Person::new(gateway).with_key(Kind::Direct);
    let refused = stranger.run_program_with(&layer, ["key"], &link(&person).await).await;
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    // An answer without a confirmation: signed for the proxy, which lies to those who read.
    let lie = |asked: &Asked| match asked.method.as_str() {
        "GET" if !asked.query.contains("tagging") => Deed::StripEcho,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, lie).await;
    let astray = Person::new(gateway).with("S3_SSEC_KEY_FILE", person.work().join("key"));
    let lying = link(&lied_to(astray, &proxy)).await;
    let refused = person.run_program_with(&layer, ["key"], &lying).await;
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    assert!(refused.stderr.contains("NotProved"), "{}", refused.stderr);
    bucket.remove().await;
}
