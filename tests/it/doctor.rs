//! The doctor is right about every release and about liars, is quick, and leaves nothing behind.

use harness::{Bucket, Deed, Gateway, Moto, Person, Proxy, live};
use s3_ssec::core::profile::Ability;
use s3_ssec::{Client, DoctorError, Examination, StateDir, Topic, Verdict, Watch};
use std::time::{Duration, Instant};

live![
    every_row_is_right,
    nothing_is_left_and_it_is_quick,
    an_interrupted_examination_leaves_nothing,
    what_a_killed_examination_left_goes_with_the_next,
    a_profile_is_remembered,
    a_server_without_encryption_is_told,
    a_gateway_that_does_not_echo_is_told,
    a_gateway_that_forges_the_echo_is_told,
    rules_that_move_objects_are_a_danger,
    a_redirect_is_told_and_not_followed,
    the_command_prints_every_row,
    the_command_says_what_is_wrong,
    a_gateway_without_customer_keys_is_one_row,
    tags_that_are_dropped_are_a_danger,
];

async fn examine(client: &Client, bucket: &Bucket) -> Examination {
    client.examine(&bucket.name, &Watch::default()).await.unwrap()
}

fn verdict(examined: &Examination, name: &str) -> Verdict {
    let row = examined.rows.iter().find(|row| row.name == name);
    row.unwrap_or_else(|| panic!("no row {name}")).verdict
}

/// Buckets of examinations that are still there.
async fn scratch_buckets(client: &Client) -> Vec<String> {
    let buckets = client.list_buckets().await.unwrap();
    let names = buckets.into_iter().map(|bucket| bucket.name);
    names.filter(|name| name.starts_with("s3-ssec-trial-")).collect()
}

/// The verdict of every row on the three releases, as they were measured by hand.
const EXPECTED: [(&str, [Verdict; 3]); 40] = {
    use Verdict::{Caution, Good, Note};
    [
        ("tls", [Good; 3]),
        ("clock", [Good; 3]),
        ("latency", [Caution; 3]),
        ("redirects", [Good; 3]),
        ("put", [Good; 3]),
        ("get", [Good; 3]),
        ("range", [Good; 3]),
        ("etag", [Note; 3]),
        ("multipart", [Good; 3]),
        ("complete", [Good, Good, Note]),
        ("wrong-key", [Good; 3]),
        ("no-key", [Good; 3]),
        ("half-a-key", [Good; 3]),
        ("two-kinds", [Note, Good, Good]),
        ("plain-copy", [Caution, Caution, Good]),
        ("plain-upload", [Caution; 3]),
        ("append", [Caution; 3]),
        ("empty-headers", [Caution; 3]),
        ("form-case", [Good, Caution, Caution]),
        ("address-create", [Caution; 3]),
        ("address-put", [Caution, Good, Good]),
        ("plain-read", [Caution; 3]),
        ("copy-same-key", [Good; 3]),
        ("copy-new-key", [Note, Note, Good]),
        ("copy-without-key", [Good; 3]),
        ("tag-on-create", [Note, Note, Good]),
        ("if-none-match", [Good; 3]),
        ("if-match", [Note, Note, Good]),
        ("if-none-match-parts", [Note, Note, Good]),
        ("content-hash", [Good; 3]),
        ("trailers", [Caution, Note, Good]),
        ("presign", [Good; 3]),
        ("unsigned-headers", [Note, Note, Good]),
        ("tags", [Good; 3]),
        ("list-versions", [Good; 3]),
        ("version-ids", [Good; 3]),
        ("policy", [Good; 3]),
        ("condition-versions", [Caution, Caution, Good]),
        ("policy-require", [Note, Note, Good]),
        ("public-access-block", [Note, Note, Good]),
    ]
};

async fn every_row_is_right(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let examined = examine(&bucket.client, &bucket).await;
    for row in &examined.rows {
        assert_ne!(row.verdict, Verdict::Untried, "{row:?}");
        assert_ne!(row.verdict, Verdict::Danger, "{row:?}");
        let bare = matches!(row.verdict, Verdict::Caution) && row.todo.is_none();
        assert!(!bare, "a caution says what to do: {row:?}");
    }
    assert!(examined.encrypts());
    // On a gateway of somebody else nothing more is known beforehand.
    let Some(release) = gateway.major() else { return bucket.remove().await };
    let column = [16, 18, 20].iter().position(|known| *known == release).unwrap();
    for (name, verdicts) in EXPECTED {
        let row = examined.rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.verdict, verdicts[column], "{row:?}");
    }
    let rest = ["lifecycle", "cors", "cors-rules", "policy-tls"];
    assert_eq!(examined.rows.len(), EXPECTED.len() + rest.len());
    let seen = rest.map(|name| verdict(&examined, name));
    assert_eq!(seen, [Verdict::Good, Verdict::Note, Verdict::Caution, Verdict::Good]);
    let like = ["RGW 16 or 17", "RGW 18 or 19", "RGW 20.2.4 or later"][column];
    assert_eq!(examined.profile.behaves_like(), Some(like));
    bucket.remove().await;
}

async fn nothing_is_left_and_it_is_quick(gateway: &'static Gateway) {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let bucket = Bucket::new(gateway).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let begun = Instant::now();
    let first = examine(&bucket.client, &bucket).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(first.left, Vec::<String>::new());
    bucket.assert_empty().await;
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(on).send().await.unwrap();
    let second = examine(&bucket.client, &bucket).await;
    assert_eq!(second.left, Vec::<String>::new());
    let versions = bucket.client.sdk().list_object_versions().bucket(bucket.name.as_str());
    let versions = versions.send().await.unwrap();
    assert!(versions.versions().is_empty() && versions.delete_markers().is_empty());
    bucket.remove().await;
}

async fn an_interrupted_examination_leaves_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    // It stops in the scratch bucket, with objects everywhere.
    let rule = |asked: &harness::Asked| match asked.path.contains("/s3-ssec-trial-") {
        true if asked.operation() == "PutObject" => Deed::Silence,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let (client, watch) = (proxy.client().await, Watch::default());
    let (name, stop) = (bucket.name.clone(), watch.clone());
    let work = tokio::spawn(async move { client.examine(&name, &watch).await });
    let stuck = |asked: &harness::Asked| {
        asked.path.contains("/s3-ssec-trial-") && asked.operation() == "PutObject"
    };
    proxy.until(stuck, 0).await;
    stop.stop();
    let stopped = work.await.unwrap();
    assert!(matches!(stopped, Err(DoctorError::Stopped)), "{stopped:?}");
    bucket.assert_empty().await;
    let made = proxy.seen().into_iter().find(stuck).unwrap();
    let made = made.path.trim_start_matches('/').split('/').next().unwrap().to_owned();
    assert!(!scratch_buckets(&bucket.client).await.contains(&made), "{made}");
    bucket.remove().await;
}

async fn what_a_killed_examination_left_goes_with_the_next(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &harness::Asked| match asked.path.contains("/s3-ssec-trial-") {
        true if asked.operation() == "PutObject" => Deed::Silence,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let running = person.start(["doctor", &bucket.url("")]);
    let stuck = |asked: &harness::Asked| {
        asked.path.contains("/s3-ssec-trial-") && asked.operation() == "PutObject"
    };
    proxy.until(stuck, 0).await;
    running.signal(rustix::process::Signal::KILL);
    assert_eq!(running.end().await.code, None);
    let made = proxy.seen().into_iter().find(stuck).unwrap();
    let made = made.path.trim_start_matches('/').split('/').next().unwrap().to_owned();
    assert_ne!(bucket.keys().await, Vec::<String>::new());
    assert!(scratch_buckets(&bucket.client).await.contains(&made));
    // The same state directory and address, and a proxy that lets everything pass.
    let state = StateDir::new(person.everything().join("state/s3-ssec"));
    let client = proxy.client().await.with_state(state);
    let watch = Watch::default();
    let (name, stop) = (bucket.name.clone(), watch.clone());
    let before = proxy.seen().len();
    let work = tokio::spawn(async move { client.examine(&name, &watch).await });
    proxy.until(stuck, before).await;
    stop.stop();
    work.await.unwrap().unwrap_err();
    bucket.assert_empty().await;
    assert!(!scratch_buckets(&bucket.client).await.contains(&made), "{made}");
    bucket.remove().await;
}

async fn a_profile_is_remembered(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let directory = harness::scratch_dir();
    let with_state = |client: Client| client.with_state(StateDir::new(directory.join("state")));
    let client = with_state(gateway.client().await);
    assert_eq!(client.profile(), None);
    let examined = examine(&client, &bucket).await;
    assert_eq!(client.profile().as_ref(), Some(&examined.profile));
    let later = with_state(gateway.client().await).profile().unwrap();
    assert_eq!(later.can(Ability::EncryptsPut), Some(true));
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    assert_eq!(with_state(proxy.client().await).profile(), None, "of another address");
    bucket.remove().await;
}

async fn a_server_without_encryption_is_told(_: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let examined = examine(&bucket.client, &bucket).await;
    assert!(!examined.encrypts());
    for row in ["put", "no-key", "wrong-key"] {
        assert_eq!(verdict(&examined, row), Verdict::Danger, "{row}");
    }
    assert_eq!(examined.profile.can(Ability::EncryptsPut), Some(false));
    bucket.assert_empty().await;
}

async fn a_gateway_that_does_not_echo_is_told(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = Proxy::new(gateway, |_| Deed::StripEcho).await;
    let examined = examine(&proxy.client().await, &bucket).await;
    assert!(!examined.encrypts());
    assert_eq!(verdict(&examined, "put"), Verdict::Danger);
    assert_eq!(verdict(&examined, "multipart"), Verdict::Danger);
    assert_eq!(verdict(&examined, "no-key"), Verdict::Good);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_gateway_that_forges_the_echo_is_told(_: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => Deed::ForgeEcho,
    })
    .await;
    let bucket = Bucket::at(proxy.client().await).await;
    let examined = examine(&bucket.client, &bucket).await;
    assert!(!examined.encrypts());
    assert_eq!(verdict(&examined, "put"), Verdict::Danger);
    let lying = examined.rows.iter().filter(|row| row.topic == Topic::Encryption);
    assert!(lying.filter(|row| row.verdict == Verdict::Danger).count() >= 3);
    bucket.assert_empty().await;
}

async fn rules_that_move_objects_are_a_danger(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rules = "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Transition>\
                 <Days>1</Days><StorageClass>CLOUDTIER</StorageClass></Transition></Rule>\
                 </LifecycleConfiguration>";
    let proxy = Proxy::new(gateway, move |asked| match asked.query.starts_with("lifecycle") {
        true => {
            let kind = vec![("content-type", "application/xml".to_owned())];
            Deed::Answer(200, kind, rules.to_owned())
        }
        false => Deed::Pass,
    })
    .await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let ran = person.run(["doctor", &bucket.url("")]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.text().contains("objects move to CLOUDTIER"), "{}", ran.text());
    assert!(ran.stderr.contains("there is danger: lifecycle"), "{}", ran.stderr);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_redirect_is_told_and_not_followed(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let other = Proxy::new(gateway, |_| Deed::Pass).await;
    let place = format!("{}/elsewhere", other.endpoint);
    let proxy = Proxy::new(gateway, move |asked| match asked.query.contains("append") {
        true => Deed::Answer(307, vec![("location", place.clone())], String::new()),
        false => Deed::Pass,
    })
    .await;
    let examined = examine(&proxy.client().await, &bucket).await;
    assert_eq!(verdict(&examined, "redirects"), Verdict::Caution);
    assert_eq!(other.seen().len(), 0, "nothing was sent to where it pointed");
    bucket.remove().await;
}

async fn the_command_prints_every_row(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let said = person.run(["doctor", &bucket.url("")]).await.done().text();
    for (name, _) in EXPECTED {
        assert!(said.contains(&format!(" {name} ")), "{name}: {said}");
    }
    assert!(said.contains("tcp_nodelay=1"), "{said}");
    let json = person.run(["doctor", &bucket.url(""), "--output", "json"]).await.done().json();
    assert_eq!(json["encrypts"], true);
    assert_eq!(json["rows"].as_array().unwrap().len(), EXPECTED.len() + 4);
    assert_eq!(json["abilities"]["encrypts_put"], true);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn the_command_says_what_is_wrong(gateway: &'static Gateway) {
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let ran = person.run(["doctor", &bucket.url("")]).await;
    assert_eq!(ran.code, Some(3));
    assert!(ran.stderr.contains("customer keys do not protect here: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
    let gone = person.run(["doctor", "s3://there-is-no-such-bucket"]).await;
    let (what, _) = gone.refused(1);
    assert!(what.contains("there is no such bucket"), "{what}");
    bucket.assert_empty().await;
}

async fn a_gateway_without_customer_keys_is_one_row(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = Proxy::new(gateway, |asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => Deed::refuse(501, "NotImplemented"),
    });
    let proxy = proxy.await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let ran = person.run(["doctor", &bucket.url(""), "--output", "json"]).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("customer keys do not protect here: put"), "{}", ran.stderr);
    let said = ran.json();
    let rows = said["rows"].as_array().unwrap();
    let of_keys: Vec<_> = rows.iter().filter(|row| row["topic"] != "connection").collect();
    assert_eq!(of_keys.len(), 1, "{said:#}");
    assert!(of_keys[0]["means"].as_str().unwrap().contains("no customer keys at all"), "{said:#}");
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn tags_that_are_dropped_are_a_danger(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = Proxy::new(gateway, Deed::drop_tags).await;
    let examined = examine(&proxy.client().await, &bucket).await;
    assert_eq!(verdict(&examined, "tags"), Verdict::Danger);
    let here = format!("/{}", bucket.name);
    let proxy = Proxy::new(gateway, move |asked| {
        let asks =
            |name: &str| asked.query.split('&').any(|pair| pair.trim_end_matches('=') == name);
        match asks("policy") || (asks("versions") && asked.path.starts_with(&here)) {
            true => Deed::refuse(501, "NotImplemented"),
            false => Deed::Pass,
        }
    });
    let proxy = proxy.await;
    let examined = examine(&proxy.client().await, &bucket).await;
    assert_eq!(verdict(&examined, "list-versions"), Verdict::Note);
    assert_eq!(verdict(&examined, "policy"), Verdict::Note);
    assert!(examined.rows.iter().all(|row| row.name != "policy-require"));
    bucket.assert_empty().await;
    bucket.remove().await;
}
