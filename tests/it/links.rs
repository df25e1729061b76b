//! Links to upload: how often they work, and whether the command says so.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, lab, live};
use s3_ssec::core::key::Kind;
use std::path::Path;

live![a_link_says_how_often_it_works, a_link_that_cannot_be_tried_promises_nothing];

/// Makes a link to upload `s3://.../link`: what the command says of it.
async fn link(person: &Person, url: &str) -> String {
    let made = person.run(["presign", "put", url, "--format", "curl"]).await.done();
    let path = person.work().join("link");
    let _ = std::fs::remove_file(&path);
    person.file_with_mode("link", &made.stdout, 0o600);
    made.stderr
}

/// Uploads with the link: the status.
async fn upload(person: &Person) -> String {
    let ca = lab().ca.to_str().unwrap().to_owned();
    let arguments = ["-s", "--cacert", &ca, "-K", "link", "-T", "small", "-o", "/dev/null"];
    let arguments = arguments.into_iter().chain(["-w", "%{http_code}"]);
    person.run_program(Path::new("curl"), arguments).await.text()
}

async fn a_link_says_how_often_it_works(gateway: &'static Gateway) {
    let (bucket, versioned) = (Bucket::new(gateway).await, Bucket::new(gateway).await);
    versioned.keep_versions().await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"content");
    for (bucket, kept) in [(&bucket, true), (&versioned, gateway.major() == Some(20))] {
        let url = bucket.url("a");
        let said = link(&person, &url).await;
        assert_eq!(said.contains("only while there is no object"), kept, "{said}");
        assert_eq!(said.contains("again and again"), !kept, "{said}");
        assert_eq!(bucket.keys().await, Vec::<String>::new(), "the trial left nothing");
        assert_eq!(upload(&person).await, "200");
        assert_eq!(upload(&person).await, if kept { "412" } else { "200" });
        person.run(["presign", "put", &url]).await.refused(5);
        // After the object was deleted it works again, as is said.
        person.run(["rm", &url]).await.done();
        assert_eq!(upload(&person).await, "200");
    }
    let listed = versioned.client.sdk().list_object_versions().bucket(versioned.name.as_str());
    let listed = listed.send().await.unwrap();
    let keys = listed.versions().iter().map(|version| version.key().unwrap_or_default());
    assert!(keys.clone().all(|key| key == "a"), "{:?}", keys.collect::<Vec<_>>());
    assert_eq!(listed.delete_markers().len(), 1, "that of the rm");
    bucket.remove().await;
    versioned.remove().await;
}

async fn a_link_that_cannot_be_tried_promises_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match asked.is_trial() && asked.operation() == "PutObject" {
        true => Deed::refuse(403, "AccessDenied"),
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let said = link(&person, &bucket.url("a")).await;
    assert!(said.contains("could not be tried"), "{said}");
    assert!(!said.contains("only while"), "{said}");
    bucket.assert_empty().await;
    bucket.remove().await;
}
