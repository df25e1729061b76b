//! The line between the two breaks, hangs or crawls at chosen bytes; the gateway goes away and
//! comes back.

use super::{LARGE, MIB, assert_content, assert_no_partial, assert_only, person_at, write_source};
use harness::proxy::link::{Fault, Link, Times, Trap, Way};
use harness::{Bucket, Gateway, Person, Ran, content, live};
use std::time::Duration;

live![
    a_bad_line_spoils_no_small_put,
    a_bad_line_spoils_no_large_put,
    a_bad_line_spoils_no_get,
    a_put_goes_on_when_the_gateway_is_back,
    a_get_goes_on_when_the_gateway_is_back,
];

const FAULTS: [Fault; 4] =
    [Fault::Reset, Fault::Close, Fault::Stall, Fault::Delay(Duration::from_millis(1500))];

/// A command that is tried on a bad line.
struct Tried {
    bucket: Bucket,
    link: Link,
    person: Person,
    url: String,
}

impl Tried {
    /// With places proved for both kinds of write, and `size` bytes at the gateway.
    async fn new(gateway: &Gateway, size: usize) -> Self {
        let (bucket, link) = (Bucket::new(gateway).await, Link::new(gateway).await);
        let person = person_at(gateway, &link.endpoint);
        let url = bucket.url("a");
        write_source(&person, &content(0, size));
        person.run(["put", "source", &url, "--quiet"]).await.done();
        Self { bucket, link, person, url }
    }

    /// Runs the command with this fault. A line that breaks once is got over in the same run.
    async fn run(&self, arguments: &[&str], trap: Trap, what: &str) -> Ran {
        self.link.set(trap);
        let ran = self.person.run([arguments, &["--timeout", "2", "--quiet"]].concat()).await;
        let mild = trap.times == Times::Once || matches!(trap.fault, Fault::Delay(_));
        if !self.link.has_sprung() || mild {
            assert_eq!(ran.code, Some(0), "{what}: {}", ran.stderr);
        } else if ran.code != Some(0) {
            ran.refused(1);
        }
        self.link.heal();
        ran
    }
}

/// Every fault at each of these bytes, once and always. Where it lasts, one byte is enough: each
/// run then takes all its attempts.
fn traps(bytes: &[(Way, u64)]) -> Vec<Trap> {
    let once = FAULTS.iter().flat_map(|fault| {
        bytes.iter().map(|(way, after)| Trap {
            way: *way,
            after: *after,
            fault: *fault,
            times: Times::Once,
        })
    });
    let (way, after) = bytes[bytes.len() - 1];
    let always =
        FAULTS[..3].iter().map(|fault| Trap { way, after, fault: *fault, times: Times::Always });
    once.chain(always).collect()
}

async fn spoil_puts(gateway: &'static Gateway, size: usize, bytes: &[(Way, u64)]) {
    let tried = Tried::new(gateway, size).await;
    let put = ["put", "source", &tried.url, "--part-size", "5MiB"];
    let mut seed = 0;
    for trap in traps(bytes) {
        let what = format!("{size} bytes, {trap:?}");
        let old = content(seed, size);
        seed += 1;
        let new = content(seed, size);
        write_source(&tried.person, &new);
        let ran = tried.run(&put, trap, &what).await;
        if ran.code != Some(0) {
            // The answer may be lost after the write: a reader gets one of the two, or is refused.
            let get = tried.person.run(["get", &tried.url, "between", "--quiet"]).await;
            if get.code == Some(0) {
                let between = tried.person.read("between");
                assert!(between == old || between == new, "{what}: a mix came back");
                std::fs::remove_file(tried.person.work().join("between")).unwrap();
            }
            tried.person.run(put).await.done();
        }
        assert_content(&tried.person, &tried.url, &new, &what).await;
        assert_only(&tried.bucket, "a", &what).await;
    }
    tried.bucket.remove().await;
}

async fn a_bad_line_spoils_no_small_put(gateway: &'static Gateway) {
    let bytes = [(Way::Up, 0), (Way::Up, 700), (Way::Up, 100_000), (Way::Down, 4_000)];
    spoil_puts(gateway, 300_000, &bytes).await;
}

async fn a_bad_line_spoils_no_large_put(gateway: &'static Gateway) {
    let bytes = [(Way::Up, 3_000), (Way::Down, 9_000), (Way::Up, 9_000_000), (Way::Up, 16_000_000)];
    spoil_puts(gateway, LARGE, &bytes).await;
}

async fn a_bad_line_spoils_no_get(gateway: &'static Gateway) {
    for (size, middle) in [(300_000, 150_000), (LARGE, 12_000_000)] {
        let tried = Tried::new(gateway, size).await;
        let expected = content(0, size);
        let get = ["get", &tried.url, "back"];
        for trap in
            traps(&[(Way::Up, 700), (Way::Down, 0), (Way::Down, 4_000), (Way::Down, middle)])
        {
            let what = format!("{size} bytes, {trap:?}");
            let ran = tried.run(&get, trap, &what).await;
            if ran.code != Some(0) {
                assert!(
                    !tried.person.names().contains(&"back".to_owned()),
                    "{what}: failed, and a file"
                );
                tried.person.run(get).await.done();
            }
            assert!(tried.person.read("back") == expected, "{what}: another content");
            std::fs::remove_file(tried.person.work().join("back")).unwrap();
            assert_no_partial(&tried.person, &what);
        }
        tried.bucket.remove().await;
    }
}

/// The gateway dies when so many bytes have passed.
fn outage(way: Way, after: u64) -> Trap {
    Trap { way, after, fault: Fault::Outage, times: Times::Once }
}

async fn a_put_goes_on_when_the_gateway_is_back(gateway: &'static Gateway) {
    let tried = Tried::new(gateway, LARGE).await;
    let (size, arguments) = (40 * MIB, ["--part-size", "8MiB", "--in-flight", "1"]);
    let put = [&["put", "source", &tried.url, "--output", "json"], &arguments[..]].concat();
    for mebibytes in [0, 3, 20, 38] {
        let what = format!("an outage after {mebibytes} MiB");
        let expected = content(mebibytes + 1, size);
        write_source(&tried.person, &expected);
        tried.link.set(outage(Way::Up, mebibytes << 20));
        let ran = tried.person.run(&put).await;
        assert_eq!(ran.code, Some(1), "{what}: {}", ran.stderr);
        tried.link.heal();
        let before = tried.link.passed(Way::Up);
        tried.person.run(&put).await.done();
        let again = tried.link.passed(Way::Up) - before;
        let left = size as u64 - ((mebibytes << 20) / (8 << 20)) * (8 << 20);
        assert!(again < left + (2 << 20), "{what}: {again} bytes went again of {left}");
        assert_content(&tried.person, &tried.url, &expected, &what).await;
        assert_only(&tried.bucket, "a", &what).await;
    }
    tried.bucket.remove().await;
}

async fn a_get_goes_on_when_the_gateway_is_back(gateway: &'static Gateway) {
    let (tried, expected) = (Tried::new(gateway, 100 * MIB).await, content(0, 100 * MIB));
    let get = ["get", &tried.url, "back", "--in-flight", "1", "--quiet"];
    for mebibytes in [0, 20, 90] {
        let what = format!("an outage after {mebibytes} MiB");
        tried.link.set(outage(Way::Down, mebibytes << 20));
        tried.person.run(get).await.refused(1);
        assert!(!tried.person.names().contains(&"back".to_owned()), "{what}");
        tried.link.heal();
        let before = tried.link.passed(Way::Down);
        tried.person.run(get).await.done();
        let again = tried.link.passed(Way::Down) - before;
        assert!(tried.person.read("back") == expected, "{what}: another content");
        assert!(mebibytes < 90 || again < 40 << 20, "{what}: {again} bytes came again");
        std::fs::remove_file(tried.person.work().join("back")).unwrap();
        assert_no_partial(&tried.person, &what);
    }
    tried.bucket.remove().await;
}
