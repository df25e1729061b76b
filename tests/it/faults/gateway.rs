//! The gateway itself is killed in the middle, by the signal nobody can catch, and started again.

use super::{MIB, assert_content, assert_no_partial, assert_only, person_at, write_source};
use harness::proxy::link::{Fault, Link, Times, Trap, Way};
use harness::spare::Spare;
use harness::{Bucket, Gateway, Person, Ran, content, live};
use std::time::Duration;

live![
    a_put_outlives_a_killed_gateway,
    a_get_outlives_a_killed_gateway,
    a_short_absence_is_waited_for,
];

const SIZE: usize = 40 * MIB;

/// A person who reaches a gateway that can be killed, through a line that says when.
struct Killed {
    bucket: Bucket,
    spare: Spare,
    link: Link,
    person: Person,
    url: String,
}

impl Killed {
    /// With `SIZE` bytes at the gateway.
    async fn new(gateway: &Gateway) -> Self {
        let (bucket, spare) = (Bucket::new(gateway).await, Spare::of(gateway).await);
        let link = Link::new(&spare.gateway).await;
        let person = person_at(gateway, &link.endpoint);
        let url = bucket.url("a");
        write_source(&person, &content(0, SIZE));
        person.run(["put", "source", &url, "--quiet"]).await.done();
        Self { bucket, spare, link, person, url }
    }

    /// Runs the command, and kills the gateway when so many bytes have passed.
    async fn run(&mut self, arguments: &[&str], way: Way, after: u64, absent: Duration) -> Ran {
        // The line takes a breath there, so that the bytes stop where they should.
        let fault = Fault::Delay(Duration::from_millis(300));
        self.link.set(Trap { way, after, fault, times: Times::Once });
        let (link, spare) = (&self.link, &mut self.spare);
        let outage = async {
            link.sprung().await;
            spare.kill();
            tokio::time::sleep(absent).await;
            spare.start().await;
        };
        tokio::join!(self.person.run(arguments), outage).0
    }
}

/// Longer than the command tries.
const LONG: Duration = Duration::from_secs(4);

async fn a_put_outlives_a_killed_gateway(gateway: &'static Gateway) {
    let mut killed = Killed::new(gateway).await;
    let url = killed.url.clone();
    let put = ["put", "source", &url, "--quiet", "--part-size", "8MiB", "--in-flight", "2"];
    for mebibytes in [1, 20, 39] {
        let what = format!("a gateway killed after {mebibytes} MiB");
        let expected = content(mebibytes + 1, SIZE);
        write_source(&killed.person, &expected);
        let ran = killed.run(&put, Way::Up, mebibytes << 20, LONG).await;
        if ran.code != Some(0) {
            ran.refused(1);
            killed.person.run(put).await.done();
        }
        assert_content(&killed.person, &url, &expected, &what).await;
        assert_only(&killed.bucket, "a", &what).await;
    }
    killed.bucket.remove().await;
}

async fn a_get_outlives_a_killed_gateway(gateway: &'static Gateway) {
    let mut killed = Killed::new(gateway).await;
    let url = killed.url.clone();
    let get = ["get", &url, "back", "--quiet", "--in-flight", "2"];
    for mebibytes in [1, 39] {
        let what = format!("a gateway killed after {mebibytes} MiB");
        let ran = killed.run(&get, Way::Down, mebibytes << 20, LONG).await;
        if ran.code != Some(0) {
            ran.refused(1);
            assert!(!killed.person.names().contains(&"back".to_owned()), "{what}: a file");
            killed.person.run(get).await.done();
        }
        assert!(killed.person.read("back") == content(0, SIZE), "{what}: another content");
        std::fs::remove_file(killed.person.work().join("back")).unwrap();
        assert_no_partial(&killed.person, &what);
    }
    killed.bucket.remove().await;
}

/// A gateway that its service manager starts again at once costs the user nothing.
async fn a_short_absence_is_waited_for(gateway: &'static Gateway) {
    let mut killed = Killed::new(gateway).await;
    let url = killed.url.clone();
    let expected = content(1, SIZE);
    write_source(&killed.person, &expected);
    let put = ["put", "source", &url, "--quiet", "--part-size", "8MiB"];
    killed.run(&put, Way::Up, 20 << 20, Duration::ZERO).await.done();
    assert_content(&killed.person, &url, &expected, "put").await;
    killed.bucket.remove().await;
}
