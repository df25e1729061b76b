//! `kill -9` at every step, and stops: the next run finishes, and nothing is lost in between.

use super::kinds::plain;
use super::{LARGE, assert_under, keyring, of, person_at, put, rekey};
use crate::faults::killed::{MOMENTS, Moment, Steps, stepping};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use rustix::process::Signal;
use std::sync::Arc;

live![
    a_rekey_killed_at_any_step_is_finished_by_the_next,
    a_rekey_of_many_goes_on_where_it_was_killed,
    a_rekey_that_is_stopped_leaves_nothing_half_done,
    shards_do_everything_once,
];

/// What is rekeyed: from the clear or from a key, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Case {
    is_plain: bool,
    size: usize,
}

impl Case {
    /// How it is rekeyed: what was plaintext goes through this machine, the rest is copied by the
    /// gateways that can.
    fn option(&self) -> &'static str {
        if self.is_plain { "--encrypt-plain" } else { "--gateway-copies" }
    }
}

async fn a_rekey_killed_at_any_step_is_finished_by_the_next(gateway: &'static Gateway) {
    let case = |is_plain, size| Case { is_plain, size };
    let mut cases = vec![case(false, 100), case(false, LARGE)];
    // Where the gateway copies, only what was plaintext goes through this machine.
    if gateway.major().is_some_and(|major| major >= 20) {
        cases.extend([case(true, 100), case(true, LARGE)]);
    }
    for case in cases {
        kill_everywhere(gateway, case).await;
    }
}

async fn kill_everywhere(gateway: &'static Gateway, case: Case) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let which = |asked: &Asked| !asked.is_trial() && asked.operation() != "bucket setting";
    let proxy = stepping(gateway, &steps, which).await;
    let person = person_at(gateway, &proxy.endpoint);
    let place = bucket.url("");
    let arguments = ["rekey", &place, "--to", "new", "--quiet", "--files", "1", case.option()];
    // The first run also tries what the gateway can do.
    let mut warm = 0;
    for seed in [1000, 1001] {
        write(&bucket, &person, case, seed).await;
        warm = proxy.seen().len();
        person.run(arguments).await.done();
    }
    let taken = proxy.seen().split_off(warm);
    let operations: Vec<_> =
        taken.iter().filter(|asked| which(asked)).map(Asked::operation).collect();
    assert!(operations.len() >= 7, "{operations:?}");
    let mut seed = 0;
    for (step, moment) in (0..operations.len()).flat_map(|step| MOMENTS.map(|when| (step, when))) {
        let what = format!("{case:?}, {} (step {step}), {moment:?}", operations[step]);
        seed += 1;
        write(&bucket, &person, case, seed).await;
        steps.kill(&person, &arguments, step, moment).await;
        assert_old_new_or_refused(&person, &bucket, case, seed, &what).await;
        let ran = person.run(arguments).await;
        assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
        assert_under(&person, "new", &bucket.url("a"), &of(seed, case.size), &what).await;
        assert_eq!(bucket.keys().await, ["a"], "{what}");
        assert_eq!(bucket.uploads().await, Vec::<String>::new(), "{what}: orphaned uploads");
        assert_eq!(steps_left(&person), Vec::<String>::new(), "{what}: the journal is done");
    }
    bucket.remove().await;
}

async fn write(bucket: &Bucket, person: &Person, case: Case, seed: u64) {
    match case.is_plain {
        true => plain(bucket, "a", of(seed, case.size)).await,
        false => put(bucket, keyring(person, "key").writer(), "a", of(seed, case.size)).await,
    }
}

/// Journals of runs that are not at their end.
pub(super) fn steps_left(person: &Person) -> Vec<String> {
    let directory = person.everything().join("state/s3-ssec/rekeys");
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Between two runs a reader with both keys gets the content whole, or is refused.
async fn assert_old_new_or_refused(
    person: &Person,
    bucket: &Bucket,
    case: Case,
    seed: u64,
    what: &str,
) {
    let mut codes = Vec::new();
    for file in ["key", "new"] {
        let get = ["get", &bucket.url("a"), "between", "--quiet", "--key-file", file];
        let plain = ["--allow-plain"].into_iter().filter(|_| case.is_plain);
        let ran = person.run(get.into_iter().chain(plain)).await;
        if ran.code == Some(0) {
            assert!(person.read("between") == of(seed, case.size), "{what}: another content");
            std::fs::remove_file(person.work().join("between")).unwrap();
        }
        codes.push(ran.code);
    }
    // Complete, and the record still to come: pending, or in the ledger and the journal alone.
    let refused = codes.iter().all(|code| matches!(code, Some(3 | 4)));
    assert!(codes.contains(&Some(0)) || (refused && case.size == LARGE), "{what}: {codes:?}");
}

async fn a_rekey_of_many_goes_on_where_it_was_killed(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let looks = |asked: &Asked| asked.operation() == "GetObjectTagging" && !asked.is_trial();
    let proxy = stepping(gateway, &steps, looks).await;
    let person = person_at(gateway, &proxy.endpoint);
    let keys = keyring(&person, "key");
    for number in 0..60 {
        put(&bucket, keys.writer(), &format!("{number:02}"), of(number, 50)).await;
    }
    let place = bucket.url("");
    let arguments = ["rekey", &place, "--to", "new", "--files", "4"];
    for step in [3, 20, 40] {
        steps.kill(&person, &arguments, step, Moment::Unheard).await;
    }
    let said = rekey(&person, &place, &[], 0).await;
    let of_said = |name: &str| said[name]["objects"].as_u64().unwrap();
    assert!(of_said("earlier") > 0, "{said}");
    // What was replaced, and could not be noted any more, is found to be there already.
    assert_eq!(of_said("rekeyed") + of_said("already"), 60, "{said}");
    for number in [0, 30, 59] {
        let name = format!("{number:02}");
        assert_under(&person, "new", &bucket.url(&name), &of(number, 50), &name).await;
    }
    bucket.remove().await;
}

async fn a_rekey_that_is_stopped_leaves_nothing_half_done(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let rule = |asked: &Asked| match (asked.operation(), asked.object().as_str()) {
        ("GetObject", "large") => Deed::Stall(1 << 20),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    let keys = keyring(&person, "key");
    put(&bucket, keys.writer(), "large", of(1, LARGE)).await;
    let place = bucket.url("");
    let running = person.start(["rekey", &place, "--to", "new"]);
    let reads = |asked: &Asked| asked.operation() == "GetObject" && !asked.is_trial();
    proxy.until(reads, 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    running.signal(Signal::INT);
    let ended = running.end().await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("goes on where it broke off"), "{}", ended.stderr);
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
    let person = person.with("AWS_ENDPOINT_URL_S3", &gateway.https);
    assert_under(&person, "key", &bucket.url("large"), &of(1, LARGE), "stopped").await;
    bucket.remove().await;
}

async fn shards_do_everything_once(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = person_at(gateway, &gateway.https);
    let keys = keyring(&person, "key");
    for number in 0..40 {
        put(&bucket, keys.writer(), &format!("{number:02}"), of(number, 50)).await;
    }
    let place = bucket.url("");
    let mut sum = 0;
    for index in 1..=3 {
        let (shard, journal) = (format!("{index}/3"), format!("{index}.jsonl"));
        let said = rekey(&person, &place, &["--shard", &shard, "--journal", &journal], 0).await;
        assert_eq!(said["already"]["objects"], 0, "{said}");
        sum += said["rekeyed"]["objects"].as_u64().unwrap();
    }
    assert_eq!(sum, 40);
    let report = person.run(["report", "1.jsonl", "2.jsonl", "3.jsonl", "--output", "json"]).await;
    let report = report.done().json();
    assert_eq!(report["done"], 40, "{report}");
    // Only what a manifest names.
    put(&bucket, keys.writer(), "00", of(0, 50)).await;
    put(&bucket, keys.writer(), "01", of(1, 50)).await;
    person.file("list", b"01\n05\n");
    let said = rekey(&person, &place, &["--manifest", "list"], 0).await;
    assert_eq!((&said["rekeyed"]["objects"], &said["already"]["objects"]), (&1.into(), &1.into()));
    bucket.remove().await;
}
