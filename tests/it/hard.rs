//! Bad weather: gateways that are busy, break off, fall silent or have another time. What fails
//! says why, within seconds, and leaves nothing behind.

use harness::lab::new_master;
use harness::{Asked, Bucket, Deed, Gateway, Proxy, content, live, scratch_dir};
use s3_ssec::core::advice::Cause;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::{
    Broken, CallError, Client, GetError, GetOptions, Ledger, LedgerEntry, ObjectState, PutError,
    PutOptions, ReadOptions, RecordKept, Source, StateDir, Verification, Watch,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

live![
    busy_for_a_while_is_waited_out,
    busy_for_ever_fails_and_leaves_nothing,
    a_gateway_without_tags_keeps_the_record_here,
    a_broken_answer_is_asked_for_again,
    an_answer_that_always_breaks_is_no_file,
    a_silent_gateway_is_given_up,
    a_gateway_that_falls_silent_in_an_answer_is_given_up,
    another_time_is_named,
    a_self_signed_certificate_gets_no_request,
];

const MIB: usize = 1 << 20;
/// One PUT, one GET; many parts, many ranges.
const SIZES: [usize; 2] = [300_000, 17 * MIB];

async fn put(bucket: &Bucket, keys: &Keyring, key: &str, size: usize) -> Result<(), PutError> {
    let (directory, name, watch) = (scratch_dir(), bucket.object(key), Watch::default());
    let source = Source::Path(directory.file("source", &content(1, size)));
    let mut options = PutOptions::default();
    options.part_size = 8 << 20;
    bucket.client.put(keys.writer(), &name, source, &options, &watch).await.map(drop)
}

async fn get(
    client: &Client,
    bucket: &Bucket,
    keys: &Keyring,
    key: &str,
    target: &Path,
) -> Result<Verification, GetError> {
    let (name, options) = (bucket.object(key), GetOptions::default());
    let watch = Watch::default();
    let received = client.get_file(keys, &name, target, &options, &watch).await?;
    Ok(received.verification)
}

/// Does `deed` to the first `times` requests of every kind that `which` picks, for each object and
/// part.
fn at_first(
    times: u32,
    deed: Deed,
    which: fn(&Asked) -> bool,
) -> impl Fn(&Asked) -> Deed + Send + Sync {
    let seen = Mutex::new(BTreeMap::<_, u32>::new());
    move |asked| {
        if !which(asked) {
            return Deed::Pass;
        }
        let kind = (asked.operation(), asked.object(), asked.query.clone(), range(asked));
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(kind).or_default();
        *count += 1;
        if *count <= times { deed.clone() } else { Deed::Pass }
    }
}

fn range(asked: &Asked) -> String {
    asked.header("range").unwrap_or_default().to_owned()
}

fn carries_data(asked: &Asked) -> bool {
    !asked.is_trial() && matches!(asked.operation(), "PutObject" | "UploadPart")
}

fn is_get(asked: &Asked) -> bool {
    asked.operation() == "GetObject"
}

async fn busy_for_a_while_is_waited_out(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    for (status, code) in [(503, "SlowDown"), (503, "ServiceUnavailable"), (500, "InternalError")] {
        let rule = at_first(1, Deed::refuse(status, code), |asked| !asked.object().is_empty());
        let proxy = Proxy::new(gateway, rule).await;
        let busy = bucket.through(proxy.client().await);
        for size in SIZES {
            let directory = scratch_dir();
            put(&busy, &keys, "a", size).await.unwrap();
            let verification = get(&busy.client, &busy, &keys, "a", &directory.join("a")).await;
            assert_eq!(verification.unwrap(), Verification::Verified);
            assert!(std::fs::read(directory.join("a")).unwrap() == content(1, size));
        }
    }
    bucket.remove().await;
}

async fn busy_for_ever_fails_and_leaves_nothing(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    let refusals = [
        (503, "SlowDown", Cause::SlowDown),
        (503, "ServiceUnavailable", Cause::Unavailable),
        (501, "NotImplemented", Cause::NotImplemented),
    ];
    for (status, code, cause) in refusals {
        let rule = move |asked: &Asked| match carries_data(asked) {
            true => Deed::refuse(status, code),
            false => Deed::Pass,
        };
        let proxy = Proxy::new(gateway, rule).await;
        let mut options = proxy.options();
        options.attempts = 2;
        let busy = bucket.through(Client::connect(&options).await.unwrap());
        for size in SIZES {
            let Err(PutError::Call(error)) = put(&busy, &keys, "a", size).await else {
                panic!("a gateway that takes nothing was written to")
            };
            assert_eq!((error.status(), error.cause()), (Some(status), Some(cause)));
            bucket.assert_empty().await;
        }
    }
    bucket.remove().await;
}

async fn a_gateway_without_tags_keeps_the_record_here(gateway: &'static Gateway) {
    let (bucket, keys, directory) = (Bucket::new(gateway).await, new_master(), scratch_dir());
    let rule = |asked: &Asked| {
        let tags =
            asked.header("x-amz-tagging").is_some() || asked.operation().ends_with("Tagging");
        if tags { Deed::refuse(501, "NotImplemented") } else { Deed::Pass }
    };
    let proxy = Proxy::new(gateway, rule).await;
    let client = proxy.client().await.with_state(StateDir::new(directory.join("state")));
    let tagless = bucket.through(client);
    for size in SIZES {
        let (name, watch) = (tagless.object("a"), Watch::default());
        let source = Source::Path(directory.file("source", &content(1, size)));
        let options = PutOptions::default();
        let put = tagless.client.put(keys.writer(), &name, source, &options, &watch);
        assert_eq!(put.await.unwrap().record, RecordKept::InLedgerOnly);
        assert_eq!(bucket.record("a").await, None);
        // The ledger has the whole record.
        let stat = tagless.client.stat(&keys, &name, &ReadOptions::default()).await.unwrap();
        assert_eq!(
            (stat.state, stat.key, stat.in_ledger),
            (ObjectState::Described, Some(keys.writer().fingerprint()), true)
        );
        let target = directory.join("target");
        let verification = get(&tagless.client, &tagless, &keys, "a", &target).await.unwrap();
        assert_eq!(verification, Verification::Verified);
        assert!(std::fs::read(&target).unwrap() == content(1, size));
        std::fs::remove_file(&target).unwrap();
    }
    let (mut entries, state) = (Vec::new(), StateDir::new(directory.join("state")));
    let each = |entry: &LedgerEntry| {
        entries.push((entry.confirmed, entry.in_tag));
        Ok(())
    };
    Ledger::open(&state).for_each(each).unwrap();
    assert_eq!(entries, [(true, false); 2]);
    bucket.remove().await;
}

async fn a_broken_answer_is_asked_for_again(gateway: &'static Gateway) {
    let (bucket, keys, directory) = (Bucket::new(gateway).await, new_master(), scratch_dir());
    for size in SIZES {
        put(&bucket, &keys, "a", size).await.unwrap();
        for bytes in [0, 1, 200_000] {
            let proxy = Proxy::new(gateway, at_first(2, Deed::Truncate(bytes), is_get)).await;
            let (client, target) = (proxy.client().await, directory.join("target"));
            let verification = get(&client, &bucket, &keys, "a", &target).await;
            assert_eq!(verification.unwrap(), Verification::Verified, "{size} at {bytes}");
            assert!(std::fs::read(&target).unwrap() == content(1, size));
            assert_eq!(directory.names(), ["target"]);
            std::fs::remove_file(target).unwrap();
            let mut received = Vec::new();
            let proxy = Proxy::new(gateway, at_first(2, Deed::Truncate(bytes), is_get)).await;
            let (client, name) = (proxy.client().await, bucket.object("a"));
            let (options, watch) = (GetOptions::default(), Watch::default());
            client.get_stream(&keys, &name, &mut received, &options, &watch).await.unwrap();
            assert!(received == content(1, size), "nothing comes twice");
        }
    }
    bucket.remove().await;
}

async fn an_answer_that_always_breaks_is_no_file(gateway: &'static Gateway) {
    let (bucket, keys, directory) = (Bucket::new(gateway).await, new_master(), scratch_dir());
    for size in SIZES {
        put(&bucket, &keys, "a", size).await.unwrap();
        for bytes in [0, 200_000] {
            let rule = at_first(u32::MAX, Deed::Truncate(bytes), is_get);
            let proxy = Proxy::new(gateway, rule).await;
            let client = proxy.client().await;
            let broken = get(&client, &bucket, &keys, "a", &directory.join("target")).await;
            // Where not even the head of an answer comes through, it is the connection that broke.
            let error = broken.unwrap_err();
            let connection =
                matches!(error, GetError::Call(CallError::Broken(Broken::Connection(_))));
            assert!(matches!(error, GetError::Truncated(_)) || connection, "{error:?}");
            assert!(!error.to_string().contains("https:"), "advice for programmers: {error}");
            assert_eq!(directory.names(), Vec::<String>::new());
            let asked = proxy.operations().iter().filter(|name| **name == "GetObject").count();
            assert!(asked < 40, "asked {asked} times");
        }
    }
    bucket.remove().await;
}

/// A client that gives up after a second of silence.
async fn impatient(proxy: &Proxy) -> Client {
    let mut options = proxy.options();
    options.timeouts.silence = Duration::from_secs(1);
    options.attempts = 2;
    Client::connect(&options).await.unwrap()
}

async fn a_silent_gateway_is_given_up(gateway: &'static Gateway) {
    let (bucket, keys, directory) = (Bucket::new(gateway).await, new_master(), scratch_dir());
    let rule = |asked: &Asked| match carries_data(asked) || is_get(asked) {
        true => Deed::Silence,
        false => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let silent = bucket.through(impatient(&proxy).await);
    for size in SIZES {
        let start = Instant::now();
        let written = put(&silent, &keys, "a", size).await;
        assert!(
            matches!(written, Err(PutError::Call(CallError::Broken(Broken::Silent(_))))),
            "{written:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        bucket.assert_empty().await;
    }
    for size in SIZES {
        put(&bucket, &keys, "a", size).await.unwrap();
        let start = Instant::now();
        let read = get(&silent.client, &bucket, &keys, "a", &directory.join("target")).await;
        assert!(
            matches!(read, Err(GetError::Call(CallError::Broken(Broken::Silent(_))))),
            "{read:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        assert_eq!(directory.names(), Vec::<String>::new());
    }
    bucket.remove().await;
}

async fn a_gateway_that_falls_silent_in_an_answer_is_given_up(gateway: &'static Gateway) {
    let (bucket, keys, directory) = (Bucket::new(gateway).await, new_master(), scratch_dir());
    for size in SIZES {
        put(&bucket, &keys, "a", size).await.unwrap();
        let rule = at_first(u32::MAX, Deed::Stall(100_000), is_get);
        let proxy = Proxy::new(gateway, rule).await;
        let start = Instant::now();
        let client = impatient(&proxy).await;
        let read = get(&client, &bucket, &keys, "a", &directory.join("target")).await;
        assert!(read.is_err(), "{read:?}");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        assert_eq!(directory.names(), Vec::<String>::new());
        let once = Proxy::new(gateway, at_first(1, Deed::Stall(100_000), is_get)).await;
        let client = impatient(&once).await;
        let read = get(&client, &bucket, &keys, "a", &directory.join("target")).await;
        assert_eq!(read.unwrap(), Verification::Verified);
        std::fs::remove_file(directory.join("target")).unwrap();
    }
    bucket.remove().await;
}

async fn another_time_is_named(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    let proxy = Proxy::new(gateway, |_| Deed::refuse(403, "RequestTimeTooSkewed")).await;
    let skewed = bucket.through(proxy.client().await);
    let Err(PutError::Call(error)) = put(&skewed, &keys, "a", 10).await else {
        panic!("a refused write succeeded")
    };
    assert_eq!(error.cause(), Some(Cause::ClockSkew));
    let error = skewed.client.list_buckets().await.unwrap_err();
    assert_eq!(error.cause(), Some(Cause::ClockSkew));
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_self_signed_certificate_gets_no_request(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, new_master());
    let proxy = Proxy::self_signed(gateway).await;
    let false_gateway = bucket.through(proxy.client().await);
    let written = put(&false_gateway, &keys, "a", 10).await;
    assert!(
        matches!(written, Err(PutError::Call(CallError::Broken(Broken::Certificate(_))))),
        "{written:?}"
    );
    assert!(proxy.seen().is_empty());
    bucket.remove().await;
}
