//! The command in the middle of its work: signals, full disks, silent gateways. Nothing half-done is
//! left at either end.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, Ran, content, live};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;
use std::path::Path;
use std::time::{Duration, Instant};

live![
    a_signal_takes_an_upload_back,
    a_signal_takes_a_download_back,
    a_full_disk_leaves_no_file,
    a_silent_gateway_is_given_up_by_the_command,
    a_certificate_of_a_stranger_is_refused,
    the_advice_fits_the_trouble,
];

/// A gateway that says nothing more once `stuck` comes.
async fn stuck_at(gateway: &'static Gateway, stuck: &'static str) -> Proxy {
    let rule = move |asked: &Asked| match !asked.is_trial() && asked.operation() == stuck {
        true => Deed::Silence,
        false => Deed::Pass,
    };
    Proxy::new(gateway, rule).await
}

fn assert_interrupted(ran: &Ran) {
    let (what, _) = ran.refused(1);
    assert!(what.contains("interrupted"), "{what}");
}

async fn a_signal_takes_an_upload_back(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("large", &content(1, 40 << 20));
    person.file("small", b"small");
    for (source, stuck) in [("large", "UploadPart"), ("small", "PutObject")] {
        let proxy = stuck_at(gateway, stuck).await;
        for signal in [Signal::INT, Signal::TERM] {
            let url = bucket.url("a");
            let endpoint = proxy.endpoint.as_str();
            let arguments =
                ["put", source, &url, "--quiet", "--any-endpoint", "--endpoint", endpoint];
            let before = proxy.seen().len();
            let running = person.start(arguments);
            proxy.until(|asked| !asked.is_trial() && asked.operation() == stuck, before).await;
            running.signal(signal);
            assert_interrupted(&running.end().await);
            bucket.assert_empty().await;
            assert_eq!(person.temporary(), Vec::<String>::new());
        }
    }
    bucket.remove().await;
}

async fn a_signal_takes_a_download_back(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("large", &content(1, 40 << 20));
    let url = bucket.url("a");
    person.run(["put", "large", &url]).await.done();
    let rule = |asked: &Asked| match asked.operation() {
        "GetObject" => Deed::Stall(1 << 20),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    for signal in [Signal::INT, Signal::TERM] {
        let endpoint = proxy.endpoint.as_str();
        let arguments = ["get", &url, "back", "--quiet", "--any-endpoint", "--endpoint", endpoint];
        let before = proxy.seen().len();
        let running = person.start(arguments);
        proxy.until(|asked| asked.operation() == "GetObject", before).await;
        // Until some of the content is here.
        tokio::time::sleep(Duration::from_millis(500)).await;
        running.signal(signal);
        assert_interrupted(&running.end().await);
        assert_eq!(person.names(), ["key", "large"]);
    }
    person.run(["get", &url, "back"]).await.done();
    assert!(person.read("back") == content(1, 40 << 20));
    bucket.remove().await;
}

/// Runs the command where no file may grow beyond `blocks` of 512 bytes: a full disk that needs no
/// disk. The signal that goes with it is ignored, so that writing fails as it does on a full disk.
async fn on_a_full_disk(person: &Person, blocks: u32, arguments: &[&str]) -> Ran {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let command = harness::lab().command.to_str().unwrap();
    let arguments = [&["-c", script.as_str(), command], arguments].concat();
    person.run_program(Path::new("/bin/sh"), arguments).await
}

async fn a_full_disk_leaves_no_file(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    for (name, size) in [("small", 3 << 20), ("large", 40 << 20)] {
        person.file(name, &content(1, size));
        let url = bucket.url(name);
        person.run(["put", name, &url]).await.done();
        let (what, todo) = on_a_full_disk(&person, 4096, &["get", &url, "back"]).await.refused(1);
        assert!(what.contains("cannot be written"), "{what}");
        assert!(todo.contains("space"), "{todo}");
        assert!(!person.names().iter().any(|name| name.contains("back")), "{:?}", person.names());
        // What exists is not lost to a download that has no room.
        person.file("old", b"old");
        let replacing = ["get", &url, "old", "--force"];
        on_a_full_disk(&person, 4096, &replacing).await.refused(1);
        assert_eq!(person.read("old"), b"old");
        std::fs::remove_file(person.work().join("old")).unwrap();
    }
    assert_eq!(person.names(), ["key", "large", "small"]);
    bucket.remove().await;
}

async fn a_silent_gateway_is_given_up_by_the_command(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    let proxy = Proxy::new(gateway, |_| Deed::Silence).await;
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let url = bucket.url("a");
    let commands: [&[&str]; 4] =
        [&["put", "small", &url], &["get", &url, "back"], &["stat", &url], &["ls", &url]];
    for command in commands {
        let start = Instant::now();
        let arguments = [command, &["--timeout", "1"]].concat();
        let (what, todo) = person.run(arguments).await.refused(1);
        assert!(what.contains("does not answer") && todo.contains("--timeout"), "{what}\n{todo}");
        assert!(start.elapsed() < Duration::from_secs(40), "{command:?}: {:?}", start.elapsed());
    }
    assert_eq!(person.names(), ["key", "small"]);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_certificate_of_a_stranger_is_refused(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    let proxy = Proxy::self_signed(gateway).await;
    let person = person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let (what, todo) = person.run(["put", "small", &bucket.url("a")]).await.refused(1);
    assert!(what.contains("certificate") && todo.contains("--ca-bundle"), "{what}\n{todo}");
    assert!(proxy.seen().is_empty());
    // The gateway's own certificate, without its authority.
    let person = person.with("AWS_ENDPOINT_URL_S3", &gateway.https).without("AWS_CA_BUNDLE");
    person.run(["put", "small", &bucket.url("a")]).await.refused(1);
    bucket.remove().await;
}

async fn the_advice_fits_the_trouble(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("small", b"small");
    let troubles = [
        (403, "RequestTimeTooSkewed", "clock"),
        (503, "SlowDown", "fewer"),
        (501, "NotImplemented", "not"),
        (403, "AccessDenied", "denies"),
    ];
    for (status, code, word) in troubles {
        let proxy = Proxy::new(gateway, move |_| Deed::refuse(status, code)).await;
        let arguments = ["put", "small", &bucket.url("a"), "--endpoint", &proxy.endpoint];
        let (what, todo) = person.run(arguments).await.refused(1);
        assert!(what.contains(word) || todo.contains(word), "{code}: {what}\n{todo}");
    }
    bucket.assert_empty().await;
    bucket.remove().await;
}
