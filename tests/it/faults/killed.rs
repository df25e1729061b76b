//! `kill -9` of the command, at every step that it takes.

use super::{LARGE, MIB, assert_content, assert_no_partial, assert_only, person_at, write_source};
use harness::proxy::link::{Fault, Link, Times, Trap, Way};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live};
use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

live![
    a_put_killed_at_any_step_is_finished_by_the_next,
    a_put_broken_off_at_its_end_is_repaired,
    a_put_stopped_at_its_end_says_whether_it_stands,
    a_put_killed_in_its_trial_leaves_nothing_after_the_next,
    a_get_killed_anywhere_goes_on,
];

/// When the command is killed, as seen from one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The gateway has not heard the request.
    Unheard,
    /// The gateway has answered, and the command has not heard the answer.
    Unanswered,
}

/// Counts the requests of a run, and stops it at one of them.
#[derive(Default)]
pub(crate) struct Steps {
    /// Requests that still pass, and what happens to the next one. `None` lets all pass.
    stop: Mutex<Option<(usize, Moment)>>,
    reached: Arc<Notify>,
}

impl Steps {
    fn deed(&self) -> Deed {
        let mut stop = self.stop.lock().unwrap();
        match &mut *stop {
            None => Deed::Pass,
            Some((0, Moment::Unheard)) => {
                self.reached.notify_one();
                Deed::Silence
            }
            Some((0, Moment::Unanswered)) => Deed::Swallow(Arc::clone(&self.reached)),
            Some((left, _)) => {
                *left -= 1;
                Deed::Pass
            }
        }
    }

    /// Runs the command, and kills it at a step, counted from 0.
    pub(crate) async fn kill(
        &self,
        person: &Person,
        arguments: &[&str],
        step: usize,
        moment: Moment,
    ) {
        *self.stop.lock().unwrap() = Some((step, moment));
        let running = person.start(arguments);
        let reached = tokio::time::timeout(Duration::from_secs(60), self.reached.notified());
        assert!(reached.await.is_ok(), "{step} {moment:?}: the step is never taken");
        running.signal(Signal::KILL);
        assert_eq!(running.end().await.code, None);
        *self.stop.lock().unwrap() = None;
    }
}

/// A proxy that stops the command where `steps` says, counting only requests that `which` picks.
pub(crate) async fn stepping(
    gateway: &Gateway,
    steps: &Arc<Steps>,
    which: fn(&Asked) -> bool,
) -> Proxy {
    let steps = Arc::clone(steps);
    let rule = move |asked: &Asked| if which(asked) { steps.deed() } else { Deed::Pass };
    Proxy::new(gateway, rule).await
}

pub(crate) const MOMENTS: [Moment; 2] = [Moment::Unheard, Moment::Unanswered];

async fn a_put_killed_at_any_step_is_finished_by_the_next(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let proxy = stepping(gateway, &steps, |_| true).await;
    let person = person_at(gateway, &proxy.endpoint);
    let url = bucket.url("a");
    let tag = ["--tag", "project=lab"];
    let put = ["put", "source", &url, "--part-size", "5MiB", "--in-flight", "1", "--quiet"];
    let put = [put.as_slice(), &tag].concat();
    // The first upload proves the place, so that no trial is among the steps of the later ones.
    write_source(&person, &content(0, LARGE));
    person.run(&put).await.done();
    let warm = proxy.seen().len();
    person.run(&put).await.done();
    let operations: Vec<_> = proxy.seen()[warm..].iter().map(Asked::operation).collect();
    let parts = operations.iter().filter(|operation| **operation == "UploadPart").count();
    assert_eq!(operations[0], "CreateMultipartUpload");
    assert_eq!(parts, LARGE.div_ceil(8 * MIB), "5 MiB grow to whole pieces of the digest");
    let last = [
        "CompleteMultipartUpload",
        // Nothing without the key, and ours; then described, then ours still.
        "HeadObject",
        "GetObject",
        "HeadObject",
        "GetObjectTagging",
        "PutObjectTagging",
        "HeadObject",
        "GetObjectTagging",
    ];
    assert_eq!(operations[1 + parts..], last);
    let mut seed = 0;
    for (step, moment) in (0..operations.len()).flat_map(|step| MOMENTS.map(|when| (step, when))) {
        let what = format!("{} (step {step}), {moment:?}", operations[step]);
        let old = content(seed, LARGE);
        seed += 1;
        let new = content(seed, LARGE);
        write_source(&person, &new);
        steps.kill(&person, &put, step, moment).await;
        assert_old_new_or_refused(&person, &url, [&old, &new], &what).await;
        let before = proxy.seen().len();
        let ran = person.run(&put).await;
        assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
        let seen = proxy.seen()[before..].iter().map(Asked::operation).collect::<Vec<_>>();
        let sent = seen.iter().filter(|operation| **operation == "UploadPart").count();
        let confirmed = step.saturating_sub(1).min(parts);
        // An upload whose ID never arrived is asked whose it is by two parts that are refused, and so
        // is a scratch upload before.
        let asked = 4 * usize::from((step, moment) == (0, Moment::Unanswered));
        assert_eq!(sent, parts - confirmed + asked, "{what}: parts sent again: {seen:?}");
        assert_content(&person, &url, &new, &what).await;
        assert_described(&person, &url, &what).await;
        assert_only(&bucket, "a", &what).await;
    }
    bucket.remove().await;
}

/// Where RGW 16 and 18 drop the pending record, the nonce of a completed upload is on this machine
/// only: a kill may not lose it, whatever the source is.
async fn a_put_broken_off_at_its_end_is_repaired(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let at_end = |asked: &Asked| asked.operation() == "CompleteMultipartUpload";
    let proxy = stepping(gateway, &steps, at_end).await;
    let person = person_at(gateway, &proxy.endpoint);
    write_source(&person, &content(0, LARGE));
    person.run(["put", "source", &bucket.url("first"), "--quiet"]).await.done();
    for (seed, source) in [(1, "source"), (2, "-")] {
        let (what, url) = (source, bucket.url("a"));
        let new = content(seed, LARGE);
        write_source(&person, &new);
        *steps.stop.lock().unwrap() = Some((0, Moment::Unanswered));
        let put = ["put", source, &url, "--quiet"];
        let running = match source {
            "-" => {
                let stdin = std::fs::File::open(person.work().join("source")).unwrap();
                person.start_with(put, stdin)
            }
            _ => person.start(put),
        };
        let reached = tokio::time::timeout(Duration::from_secs(60), steps.reached.notified());
        assert!(reached.await.is_ok(), "{what}: never completed");
        running.signal(Signal::KILL);
        running.end().await;
        *steps.stop.lock().unwrap() = None;
        person.run(["repair", &url]).await.done();
        let stat = person.run(["stat", &url, "--output", "json"]).await.done().json();
        assert_eq!(stat["state"], "described", "{what}: {stat}");
        assert_content(&person, &url, &new, what).await;
    }
    bucket.remove().await;
}

/// A put that is stopped while it is being completed finds out how it ended: its object may stand.
async fn a_put_stopped_at_its_end_says_whether_it_stands(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let (at_end, is_out) = (Arc::clone(&steps), Arc::new(AtomicBool::new(false)));
    let out = Arc::clone(&is_out);
    let rule = move |asked: &Asked| match asked.operation() {
        "CompleteMultipartUpload" => at_end.deed(),
        _ if out.load(Relaxed) => Deed::refuse(503, "SlowDown"),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let person = person_at(gateway, &proxy.endpoint);
    write_source(&person, &content(0, LARGE));
    person.run(["put", "source", &bucket.url("first"), "--quiet"]).await.done();
    for (seed, answers) in [(1, true), (2, false)] {
        let url = bucket.url(if answers { "answered" } else { "unanswered" });
        let new = content(seed, LARGE);
        write_source(&person, &new);
        *steps.stop.lock().unwrap() = Some((0, Moment::Unanswered));
        let running = person.start(["put", "source", &url, "--quiet"]);
        let reached = tokio::time::timeout(Duration::from_secs(60), steps.reached.notified());
        assert!(reached.await.is_ok(), "{url}: never completed");
        is_out.store(!answers, Relaxed);
        running.signal(Signal::INT);
        let ended = running.end().await;
        *steps.stop.lock().unwrap() = None;
        is_out.store(false, Relaxed);
        if answers {
            assert_eq!(ended.code, Some(0), "it stands, proved and described: {}", ended.stderr);
        } else {
            assert_eq!(ended.code, Some(1), "{}", ended.stderr);
            assert!(ended.stderr.contains("s3-ssec repair"), "{}", ended.stderr);
            person.run(["repair", &url]).await.done();
        }
        let stat = person.run(["stat", &url, "--output", "json"]).await.done().json();
        assert_eq!(stat["state"], "described", "{url}: {stat}");
        assert_content(&person, &url, &new, &url).await;
    }
    bucket.remove().await;
}

/// Between two runs a reader gets one of the two contents whole, or is refused.
async fn assert_old_new_or_refused(person: &Person, url: &str, contents: [&[u8]; 2], what: &str) {
    let ran = person.run(["get", url, "between", "--quiet"]).await;
    if ran.code == Some(0) {
        let between = person.read("between");
        assert!(contents.contains(&between.as_slice()), "{what}: a mix came back");
        std::fs::remove_file(person.work().join("between")).unwrap();
    } else {
        // Complete, and its record still to come: pending, or lost with Create on 16 and 18.
        assert!(matches!(ran.code, Some(3 | 4)), "{what}: {}", ran.stderr);
        assert!(!person.names().contains(&"between".to_owned()), "{what}: refused, and a file");
    }
}

async fn assert_described(person: &Person, url: &str, what: &str) {
    let stat = person.run(["stat", url, "--output", "json"]).await.done().json();
    assert_eq!(stat["state"], "described", "{what}: {stat}");
    assert_eq!(stat["tags"], serde_json::json!({"project": "lab"}), "{what}: {stat}");
}

async fn a_put_killed_in_its_trial_leaves_nothing_after_the_next(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let proxy = stepping(gateway, &steps, Asked::is_trial).await;
    let url = bucket.url("below/a");
    let put = ["put", "source", &url, "--quiet"];
    for (size, trial) in [(10, 4), (LARGE, 6)] {
        let expected = content(1, size);
        for (step, moment) in (0..trial).flat_map(|step| MOMENTS.map(|when| (step, when))) {
            let what = format!("{size} bytes, step {step} of the trial, {moment:?}");
            // Somebody who has never been here: every one makes a trial.
            let person = person_at(gateway, &proxy.endpoint);
            write_source(&person, &expected);
            steps.kill(&person, &put, step, moment).await;
            let before = proxy.seen().len();
            let ran = person.run(put).await;
            assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
            assert!(proxy.seen()[before..].iter().any(Asked::is_trial), "{what}: no trial again");
            assert_content(&person, &url, &expected, &what).await;
            assert_only(&bucket, "below/a", &what).await;
        }
    }
    bucket.remove().await;
}

async fn a_get_killed_anywhere_goes_on(gateway: &'static Gateway) {
    let (bucket, link) = (Bucket::new(gateway).await, Link::new(gateway).await);
    let person = person_at(gateway, &link.endpoint);
    let (expected, url) = (content(1, 100 * MIB), bucket.url("a"));
    write_source(&person, &expected);
    person.run(["put", "source", &url, "--quiet"]).await.done();
    let get = ["get", &url, "back", "--in-flight", "1", "--quiet"];
    for mebibytes in [0, 1, 30, 70, 85, 97] {
        let what = format!("after {mebibytes} MiB");
        let after = (mebibytes as u64) << 20;
        link.set(Trap { way: Way::Down, after, fault: Fault::Stall, times: Times::Always });
        let running = person.start(get);
        link.sprung().await;
        running.signal(Signal::KILL);
        assert_eq!(running.end().await.code, None, "{what}");
        assert!(!person.names().contains(&"back".to_owned()), "{what}: half a file has its name");
        link.heal();
        let before = link.passed(Way::Down);
        let ran = person.run(get).await;
        assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
        let again = link.passed(Way::Down) - before;
        assert!(person.read("back") == expected, "{what}: another content");
        std::fs::remove_file(person.work().join("back")).unwrap();
        assert_no_partial(&person, &what);
        // The journal notes eight spans of 8 MiB at a time.
        if mebibytes >= 70 {
            assert!(again < 40 << 20, "{what}: {again} bytes came again");
        }
    }
    bucket.remove().await;
}
