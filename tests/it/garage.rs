//! Garage, a server without tags, versions and policies: what is written there can be opened, what cannot
//! be done there is refused, and nothing is lost.

use harness::lab::new_key;
use harness::{Deed, Garage, Live, Person, content};
use libtest_mimic::Trial;
use s3_ssec::core::key::{Key, Kind};

/// Tests of the live suite that run on Garage as they are.
const SHARED: [&str; 3] = [
    "interop::aws_and_the_command_share_a_key",
    "sdk::a_request_without_tls_is_not_sent",
    "sdk::one_key_for_one_request",
];

const TAGS: &str = "it opens objects by records in tags, from clients that keep no ledger";
const RGW: &str = "it is about what RGW does: its releases, logs, policies, versions or crashes";
const OWN: &str = "it brings the server that it needs, or needs none";
const PAGE: &str = "the page keeps no ledger that Garage could do with";

/// Every file, and why its other tests do not.
const ELSEWHERE: &[(&str, &str)] = &[
    ("adapters", TAGS),
    ("adversary", OWN),
    ("aftermath", RGW),
    ("answers", RGW),
    ("audit", TAGS),
    ("browser", PAGE),
    ("chunks", TAGS),
    ("command", TAGS),
    ("compat", "this file has its test for Garage"),
    ("copy_repair", TAGS),
    ("doctor", RGW),
    ("evidence", TAGS),
    ("examples", TAGS),
    ("executors", TAGS),
    ("faults", RGW),
    ("garage", OWN),
    ("hard", TAGS),
    ("interop", TAGS),
    ("interrupted", TAGS),
    ("keyless", TAGS),
    ("keys", OWN),
    ("leaks", RGW),
    ("ledger", TAGS),
    ("leftovers", RGW),
    ("liars", OWN),
    ("links", RGW),
    ("memory", TAGS),
    ("odd_inputs", TAGS),
    ("page_evidence", PAGE),
    ("page_lies", PAGE),
    ("page_remains", PAGE),
    ("page_transfers", PAGE),
    ("policy", RGW),
    ("policy_change", RGW),
    ("policy_table", RGW),
    ("put_get", TAGS),
    ("records", TAGS),
    ("refusals", TAGS),
    ("rekey", TAGS),
    ("removal", RGW),
    ("resume", TAGS),
    ("sdk", TAGS),
    ("sdk_keyed", TAGS),
    ("second", TAGS),
    ("shards", TAGS),
    ("targets", TAGS),
    ("trees", TAGS),
    ("wasm", TAGS),
    ("wire", TAGS),
    ("wrong_key", TAGS),
];

/// None of the live kind: each brings a Garage of its own.
pub(crate) fn tests() -> Vec<Live> {
    Vec::new()
}

/// The tests of this file, those of other files that run on Garage too, and a line that counts the rest.
pub(crate) fn trials(live: Vec<Live>) -> Vec<Trial> {
    macro_rules! own {
        ($($test:ident),+ $(,)?) => {
            vec![$(harness::alone(concat!("garage::", stringify!($test)).to_owned(), $test)),+]
        };
    }
    let mut trials = own![
        objects_come_back,
        a_direct_key_needs_no_ledger,
        a_version_id_deletes_nothing,
        a_rekey_loses_nothing,
        an_object_that_exists_is_kept,
        no_rule_is_applied,
        versions_are_no_obstacle,
        a_key_is_retired,
        an_examination_leaves_nothing,
        a_link_works_again_and_again,
    ];
    trials.push(harness::alone("compat::garage".to_owned(), crate::compat::garage));
    let (shared, others): (Vec<_>, Vec<_>) =
        live.into_iter().partition(|test| SHARED.contains(&test.name.trim_start_matches("it::")));
    assert_eq!(shared.len(), SHARED.len(), "a test of another file was renamed");
    trials.extend(harness::trials_on_garage(shared));
    println!(
        "not applicable: {} live tests to Garage (reasons in tests/it/garage.rs)",
        others.len()
    );
    trials.push(Trial::test("garage::every_file_is_listed", every_file_is_listed));
    trials
}

/// A file that is neither run on Garage nor excused would be left out in silence.
fn every_file_is_listed() -> Result<(), libtest_mimic::Failed> {
    let listed: Vec<_> = ELSEWHERE.iter().map(|(file, _)| *file).collect();
    if listed == crate::ROOMS { Ok(()) } else { Err(format!("{listed:?}").into()) }
}

const LARGE: usize = 17 << 20;

/// A bucket, and a person who writes there.
async fn person(garage: &Garage, kind: Kind) -> Person {
    let person = Person::new(&garage.gateway()).with_key(kind);
    person.run(["bucket", "create", "s3://garage"]).await.done();
    person.file("small", b"small content");
    person.file("large", &content(1, LARGE));
    person
}

async fn objects_come_back() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    for name in ["small", "large"] {
        let url = format!("s3://garage/{name}");
        let put = person.run(["put", name, &url, "--output", "json"]).await.done().json();
        assert_eq!(put["record"], "ledger", "{put}");
        person.run(["get", &url, "back", "--force"]).await.done();
        assert!(person.read("back") == person.read(name), "{name}");
        person.run(["get", &url, "back", "--force", "--require-verified"]).await.done();
        person.run(["verify", &url]).await.done();
        assert!(person.run(["cat", &url]).await.done().stdout == person.read(name), "{name}");
        person.run(["stat", &url]).await.done();
    }
    let piped = person.run_with(["put", "-", "s3://garage/piped"], &content(2, LARGE)).await;
    piped.done();
    person.run(["audit", "s3://garage", "--expect", "own"]).await.done();
    person.run(["get", "-r", "s3://garage/", "all"]).await.done();
    assert!(person.read("all/piped") == content(2, LARGE));
    person.run(["rm", "-r", "s3://garage/"]).await.done();
}

async fn a_direct_key_needs_no_ledger() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Direct).await;
    person.run(["put", "small", "s3://garage/small"]).await.done();
    let elsewhere = person.copy();
    let state = elsewhere.work().join("state");
    let elsewhere = elsewhere.with("XDG_STATE_HOME", state);
    elsewhere.run(["get", "s3://garage/small", "back"]).await.done();
    assert_eq!(elsewhere.read("back"), person.read("small"));
    let refused = elsewhere.run(["get", "s3://garage/small", "-", "--require-verified"]).await;
    refused.refused(3);
}

async fn a_version_id_deletes_nothing() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    let put = person.run(["put", "small", "s3://garage/small", "--output", "json"]).await;
    put.done();
    person.run(["rm", "s3://garage/small", "--version-id", "0123456789abcdef"]).await.refused(5);
    person.run(["get", "s3://garage/small", "back"]).await.done();
}

async fn no_rule_is_applied() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    person.run(["policy", "apply", "s3://garage", "--require-ssec"]).await.refused(1);
}

async fn a_rekey_loses_nothing() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    let new = new_key(Kind::Master);
    person.key_file("new", new);
    for name in ["small", "large"] {
        person.run(["put", name, &format!("s3://garage/{name}")]).await.done();
    }
    // Whether it is done or refused, one of the two keys opens each object.
    person.run(["rekey", "s3://garage/", "--to", "new"]).await;
    for name in ["small", "large"] {
        let url = format!("s3://garage/{name}");
        let mut read = person.run(["cat", &url, "--key-file", "new"]).await;
        if read.code != Some(0) {
            read = person.run(["cat", &url]).await.done();
        }
        assert!(read.stdout == person.read(name), "{name}");
    }
}

async fn an_object_that_exists_is_kept() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Direct).await;
    person.run(["put", "small", "s3://garage/a", "--if-none-match"]).await.done();
    person.file("other", b"other content");
    for other in ["other", "large"] {
        person.run(["put", other, "s3://garage/a", "--if-none-match"]).await.refused(5);
    }
    assert_eq!(person.run(["cat", "s3://garage/a"]).await.stdout, person.read("small"));
}

/// Where no versions are kept, a list of objects is all there is; where that is not known, nothing is said.
async fn versions_are_no_obstacle() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    for name in ["a", "b/c", "b/d"] {
        person.run(["put", "small", &format!("s3://garage/{name}")]).await.done();
    }
    let audit = ["audit", "s3://garage", "--versions", "--expect", "own", "--output", "json"];
    let audited = person.run(audit).await.done().json();
    assert_eq!(audited["objects"], 3, "{audited}");
    person.run(["rm", "s3://garage/a"]).await.done();
    person.run(["rm", "-r", "s3://garage/b/"]).await.done();
    person.run(["rm", "s3://garage/a"]).await.refused(1);
    assert_eq!(keys(&garage).await, Vec::<String>::new());
}

async fn a_key_is_retired() {
    let garage = Garage::behind(|asked| match asked.query.split(['=', '&']).next() {
        Some("versioning") if asked.path.starts_with("/unsure") => {
            Deed::refuse(403, "AccessDenied")
        }
        _ => Deed::Pass,
    })
    .await;
    let person = Person::new(&garage.gateway());
    for bucket in ["s3://garage", "s3://unsure"] {
        person.run(["bucket", "create", bucket]).await.done();
    }
    let key = |number| Key::from_bytes(Kind::Master, &content(number, 32)).unwrap();
    let old = key(2).fingerprint().to_string();
    person.key_file("old", key(2));
    person.key_file_of("both", [key(1), key(2)]);
    person.file("small", b"content");
    let put =
        |url: &'static str, key: &'static str| person.run(["put", "small", url, "--key-file", key]);
    put("s3://garage/new", "both").await.done();
    put("s3://garage/old", "old").await.done();
    put("s3://unsure/new", "both").await.done();
    let retire = |place: &'static str| person.run(["key", "retire", "both", "--key", &old, place]);
    let before = person.read("both");
    retire("s3://garage").await.refused(5);
    let (what, todo) = retire("s3://unsure").await.refused(1);
    assert!(what.contains("versions") && what.contains("not looked at"), "{what}");
    assert!(todo.contains("s3:GetBucketVersioning"), "{todo}");
    assert_eq!(person.read("both"), before, "the key is kept");
    person.run(["rm", "s3://garage/old"]).await.done();
    retire("s3://garage").await.done();
    assert_ne!(person.read("both"), before);
}

async fn an_examination_leaves_nothing() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    let ran = person.run(["doctor", "s3://garage", "--output", "json"]).await;
    assert!(!ran.stderr.contains("may be left"), "{}", ran.stderr);
    assert_eq!(ran.json()["left"], serde_json::json!([]), "{}", ran.text());
    // A copy tries what the gateway copies on scratch objects.
    person.run(["put", "small", "s3://garage/a"]).await.done();
    let copied = person.run(["cp", "s3://garage/a", "s3://garage/b"]).await.done();
    assert!(!copied.stderr.contains("may be left"), "{}", copied.stderr);
    assert_eq!(keys(&garage).await, ["a", "b"]);
}

/// The keys of all objects.
async fn keys(garage: &Garage) -> Vec<String> {
    let person = Person::new(&garage.gateway());
    let listed = person.run(["ls", "-r", "s3://garage/", "--output", "json"]).await.done().json();
    let names = listed.as_array().unwrap().iter().map(|line| line["object"].as_str().unwrap());
    names.map(|name| name.trim_start_matches("s3://garage/").to_owned()).collect()
}

async fn a_link_works_again_and_again() {
    let garage = Garage::start().await;
    let person = person(&garage, Kind::Master).await;
    let link = person.run(["presign", "put", "s3://garage/a"]).await.done();
    assert!(link.stderr.contains("again and again"), "{}", link.stderr);
    assert_eq!(keys(&garage).await, Vec::<String>::new());
}
