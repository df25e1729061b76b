//! What a program that uses the crate leaves of a key: in memory after real requests, in what a panic says,
//! in what libraries log at the loudest level.
//!
//! The tests run this program again as a child, which does requests with a key that only a number
//! tells (its bytes stand nowhere in the program), and look at the child from outside.

use harness::{Bucket, Gateway, Scanner, lab, live, memory};
use s3_ssec::core::derive::Nonce;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec::core::record::Record;
use s3_ssec::{GetOptions, PutOptions, Source, Watch};
use std::io::{BufRead as _, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, filter::filter_fn};
use zeroize::Zeroizing;

live![
    requests_leave_no_more_than_is_known,
    a_panic_in_the_middle_says_nothing,
    no_library_logs_a_key_but_the_one_that_is_named,
];

/// Set in the child: what to do, the number of its key, the gateway, and the bucket.
const TASK: &str = "S3_SSEC_TEST_MEMORY";
const OBJECT: &str = "a/b.bin";
/// Copies of the object's own key after a PUT, a HEAD and a GET, with the client still there: buffers of the
/// HTTP and TLS libraries and of the SDK, which do not wipe what they free. It opens one version of
/// one object. Measured: none of the 32 bytes, 2 to 4 of their base64.
const COPIES_KNOWN: usize = 8;
/// The target that prints the headers it signs.
const LOUD: &str = "aws_sigv4";

struct Task {
    what: String,
    seed: u64,
    gateway: &'static Gateway,
    bucket: BucketName,
}

/// Does what a parent asked for instead of the tests; false if there is no parent.
pub(crate) fn child() -> bool {
    let Ok(task) = std::env::var(TASK) else { return false };
    let [what, seed, version, bucket] = task.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{task}")
    };
    let task = Task {
        what: what.to_owned(),
        seed: seed.parse().unwrap(),
        gateway: lab().gateways.iter().find(|gateway| gateway.version == version).unwrap(),
        bucket: BucketName::parse(bucket).unwrap(),
    };
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(work(task));
    true
}

impl Task {
    /// The key, made where it is used and wiped there.
    fn key(&self) -> Key {
        let kind = if self.what == "panic" { Kind::Direct } else { Kind::Master };
        Key::from_bytes(kind, &secret(self.seed)[..]).unwrap()
    }

    fn object(&self) -> ObjectName {
        ObjectName::new(self.bucket.clone(), ObjectKey::parse(OBJECT).unwrap())
    }
}

/// Xorshift: any 32 bytes will do, as long as they are made at run time.
fn secret(seed: u64) -> Box<Zeroizing<[u8; 32]>> {
    let mut bytes = Box::new(Zeroizing::new([0; 32]));
    let mut state = seed | 1;
    for byte in bytes.iter_mut() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
    bytes
}

async fn work(task: Task) {
    if task.what == "trace" {
        let quiet = filter_fn(|metadata| !metadata.target().starts_with(LOUD));
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = lines.with_ansi(false).with_filter(quiet);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))
            .unwrap();
    }
    let watch = match task.what.as_str() {
        "panic" => Watch::new(Arc::new(|_| panic!("whoever watches has had enough"))),
        _ => Watch::default(),
    };
    let client = task.gateway.client().await;
    let keys = Keyring::new(vec![task.key()]).unwrap();
    let (name, options) = (task.object(), GetOptions::default());
    let source = Source::Bytes(b"attack at dawn".to_vec().into());
    let uploaded =
        client.put(keys.writer(), &name, source, &PutOptions::default(), &watch).await.unwrap();
    let mut content = Vec::new();
    let received = client.get_stream(&keys, &name, &mut content, &options, &watch).await.unwrap();
    assert_eq!(content, b"attack at dawn");
    // What they say of themselves is looked through too.
    eprintln!("{client:?} {uploaded:?} {received:?}");
    if task.what != "hold" {
        drop(keys);
        say_ready_and_wait();
        drop(client);
        return;
    }
    say_ready_and_wait();
    drop(keys);
}

fn say_ready_and_wait() {
    std::io::stdout().write_all(b"\nready\n").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// What is seen of a child from outside.
struct Seen {
    memory: Vec<u8>,
    stderr: Vec<u8>,
    success: bool,
}

fn run(what: &str, seed: u64, gateway: &Gateway, bucket: &Bucket) -> Seen {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(TASK, format!("{what} {seed} {} {}", gateway.version, bucket.name))
        .env("RUST_BACKTRACE", "full")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Read aside: a log is longer than a pipe.
    let mut stderr = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).unwrap();
        said
    });
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.any(|line| line.unwrap() == "ready");
    let memory = if ready { memory::of_process(child.id()) } else { Vec::new() };
    drop(child.stdin.take());
    let success = child.wait().unwrap().success();
    Seen { memory, stderr: errors.join().unwrap(), success }
}

fn number(gateway: &Gateway) -> u64 {
    let version: u64 = gateway.version.parse().unwrap_or(7);
    0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id()) << 8 ^ version
}

/// The key of the object's version, and its base64, as they went over the wire.
async fn wire_key(bucket: &Bucket, seed: u64) -> (Vec<u8>, Vec<u8>) {
    use base64::Engine as _;
    let record = Record::parse(&bucket.record(OBJECT).await.unwrap()).unwrap();
    let nonce: Nonce = record.nonce();
    let key = Key::from_bytes(Kind::Master, &secret(seed)[..]).unwrap();
    let key = key.customer_key(&bucket.object(OBJECT), nonce);
    let base64 = base64::engine::general_purpose::STANDARD.encode(key.expose_bytes());
    (key.expose_bytes().to_vec(), base64.into_bytes())
}

async fn requests_leave_no_more_than_is_known(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let seed = number(gateway);
    for what in ["hold", "drop"] {
        let seen = run(what, seed, gateway, &bucket);
        assert!(seen.success, "{}", String::from_utf8_lossy(&seen.stderr));
        let master = &secret(seed)[..];
        let pads = [0x36, 0x5c].map(|pad| master.iter().map(|b| b ^ pad).collect::<Vec<_>>());
        let masters = memory::count(&seen.memory, master);
        let halves = [&master[..16], &master[16..]];
        let parts: usize = halves.iter().map(|half| memory::count(&seen.memory, half)).sum();
        let pads: usize = pads.iter().map(|pad| memory::count(&seen.memory, pad)).sum();
        let (raw, base64) = wire_key(&bucket, seed).await;
        let raw = memory::count(&seen.memory, &raw);
        let base64 = memory::count(&seen.memory, &base64);
        eprintln!(
            "{what} at {}: master key {masters}, object key {raw}, in base64 {base64}",
            gateway.version
        );
        match what {
            // Whether the search finds anything at all shows in a child that still has its key.
            "hold" => assert_eq!(masters, 1),
            _ => assert_eq!((masters, parts, pads), (0, 0, 0), "of the master key"),
        }
        assert!(raw + base64 <= COPIES_KNOWN, "{raw} and {base64} copies of the object's key");
        let scanner = Scanner::of_key("the master key", master);
        scanner.assert_clean("what the child said", &seen.stderr);
    }
    bucket.remove().await;
}

async fn a_panic_in_the_middle_says_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let seed = number(gateway) ^ 0xff00;
    let seen = run("panic", seed, gateway, &bucket);
    let said = String::from_utf8_lossy(&seen.stderr);
    assert!(!seen.success && said.contains("whoever watches has had enough"), "{said}");
    assert!(said.contains("stack backtrace"), "{said}");
    Scanner::of_key("the key", &secret(seed)[..]).assert_clean("the panic", &seen.stderr);
    bucket.remove().await;
}

async fn no_library_logs_a_key_but_the_one_that_is_named(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let seed = number(gateway) ^ 0xff_0000;
    let seen = run("trace", seed, gateway, &bucket);
    let said = String::from_utf8_lossy(&seen.stderr);
    assert!(seen.success, "{said}");
    for level in ["TRACE aws_smithy", "DEBUG"] {
        assert!(said.contains(level), "nothing was logged at {level}");
    }
    let (raw, _) = wire_key(&bucket, seed).await;
    let scanner = Scanner::of_key("the master key", &secret(seed)[..]);
    let scanner = scanner.and(Scanner::of_key("the key of the object", &raw));
    scanner.assert_clean("the log", &seen.stderr);
    bucket.remove().await;
}
