//! No key in any output, log, state or temporary file, at the loudest level there is; and none in
//! the gateway's log.

use harness::{Bucket, Gateway, Person, Ran, Scanner, content, live};
use s3_ssec::core::key::{Key, Kind};
use std::io::{Read as _, Seek as _, SeekFrom};

live![a_master_key_stays_where_it_is, a_direct_key_is_in_headers_only, no_child_is_told_a_key,];

const LOUDEST: [&[&str]; 2] = [&["-vvv"], &[]];

/// Every command that has to do with the key, well and badly used.
fn commands(bucket: &Bucket) -> Vec<Vec<String>> {
    let [small, large, missing, plain, root] =
        ["small", "large", "missing", "plain", ""].map(|key| bucket.url(key));
    let lines = [
        "key show key".to_owned(),
        "key show --md5 key".to_owned(),
        "key new --out key".to_owned(),
        "key import key --out copy".to_owned(),
        format!("put small {small} --tag a=b --metadata c=d"),
        format!("put large {large}"),
        format!("put small {small} --if-none-match"),
        format!("put nothing {missing}"),
        format!("put small {small} --endpoint http://127.0.0.1:1"),
        format!("put small {small} --endpoint https://localhost:1"),
        format!("put small {small} --endpoint https://localhost:1 --any-endpoint"),
        "key scope".to_owned(),
        format!("get {small} small.back"),
        format!("get {large} large.back"),
        format!("get {small} small"),
        format!("get {missing} missing"),
        format!("get {plain} plain"),
        format!("get {small} other.back --key-file other"),
        format!("cat {small}"),
        format!("stat {large}"),
        format!("stat {small} --output json"),
        format!("verify {large}"),
        format!("ls {root}"),
        format!("policy apply {root} --require-tls"),
        format!("policy show {root}"),
        format!("policy remove {root}"),
        format!("headers {missing}"),
        format!("rm {small}"),
        "put --key-file".to_owned(),
    ];
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// What the gateway writes into its log from here on.
struct LogTail<'a>(&'a Gateway, u64);

impl<'a> LogTail<'a> {
    fn new(gateway: &'a Gateway) -> Self {
        let length = gateway.log.as_ref().map(|log| std::fs::metadata(log).unwrap().len());
        Self(gateway, length.unwrap_or_default())
    }

    /// Empty for a gateway that is not the laboratory's own.
    fn read(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(log) = &self.0.log {
            let mut file = std::fs::File::open(log).unwrap();
            file.seek(SeekFrom::Start(self.1)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
        }
        bytes
    }
}

/// Runs everything at every level, and looks through all that came out and stayed behind.
async fn scan(gateway: &'static Gateway, bytes: &[u8], kind: Kind) {
    let (bucket, log) = (Bucket::new(gateway).await, LogTail::new(gateway));
    bucket.put_plain("plain", b"in the clear").await;
    let person = Person::new(gateway).with("RUST_LOG", "trace").with("RUST_BACKTRACE", "full");
    let key_file = person.key_file("key", Key::from_bytes(kind, bytes).unwrap());
    let text = std::fs::read_to_string(&key_file).unwrap();
    let written = text.lines().find_map(|line| line.strip_prefix("key ")).unwrap().trim();
    person.key_file("other", harness::lab::new_key(kind));
    person.file("small", b"small");
    person.file("large", &content(1, 17 << 20));
    let person = person.with("S3_SSEC_KEY_FILE", &key_file);
    let mut scanner = Scanner::of_key("the key", bytes)
        .and_text("the key in its file", written)
        .and_text("the secret key of the account", &gateway.secret_key);
    let mut outputs = Vec::new();
    let mut logged = 0;
    for loudness in LOUDEST {
        for command in commands(&bucket) {
            let mut arguments = command.clone();
            arguments.extend(loudness.iter().map(|&word| word.to_owned()));
            let Ran { stdout, stderr, code } = person.run(&arguments).await;
            assert!(code.is_some_and(|code| code < 6), "{arguments:?}: {stderr}");
            logged += stderr.lines().count();
            // The one output that is meant to hold a key.
            let printed = if command[0] == "headers" { &[] } else { stdout.as_slice() };
            outputs.push((arguments, [printed, stderr.as_bytes()].concat()));
            if command[0] == "put" && code == Some(0) {
                scanner = scanner.and(wire_key(&person, &command[2]).await);
            }
        }
    }
    assert!(logged > 500, "only {logged} lines were logged: the level is not the loudest");
    for (arguments, output) in outputs {
        scanner.assert_clean(&format!("{arguments:?}"), &output);
    }
    for name in ["home", "tmp", "state", "cache", "config", "data"] {
        let directory = person.everything().join(name);
        if directory.exists() {
            scanner.assert_clean_below(&directory);
        }
    }
    scanner.assert_clean("the gateway's log", &log.read());
    // Where they ran they left contents, the keys themselves, and nothing else to look through.
    let left = ["key", "large", "large.back", "other", "small", "small.back"];
    assert_eq!(person.names(), left.map(str::to_owned));
    bucket.remove().await;
}

/// The key that an object is under, as it goes over the wire.
async fn wire_key(person: &Person, url: &str) -> Scanner {
    use base64::Engine as _;
    let headers = person.run(["headers", url, "--format", "json"]).await.done().json();
    let key = headers["x-amz-server-side-encryption-customer-key"].as_str().unwrap();
    let key = base64::engine::general_purpose::STANDARD.decode(key).unwrap();
    Scanner::of_key(&format!("the key of {url}"), &key)
}

async fn a_master_key_stays_where_it_is(gateway: &'static Gateway) {
    scan(gateway, &content(11, 32), Kind::Master).await;
}

async fn a_direct_key_is_in_headers_only(gateway: &'static Gateway) {
    scan(gateway, &content(12, 32), Kind::Direct).await;
}

/// A script that writes down what it was started with, and with what its parent was, and goes on.
fn nosy(then: &str) -> Vec<u8> {
    let look = "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline /proc/$PPID/environ";
    format!("#!/bin/sh\n{look} > \"$0.saw\"\n{then}\n").into_bytes()
}

/// There are two: the key command, and a command of the profile that tells the credentials, which
/// runs when the key is there already.
async fn no_child_is_told_a_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let bytes = content(13, 32);
    let person = Person::new(gateway);
    person.key_file("key", Key::from_bytes(Kind::Direct, &bytes).unwrap());
    person.file("a", b"content");
    let work = person.work();
    let credentials = format!(
        r#"echo '{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}'"#,
        gateway.access_key, gateway.secret_key
    );
    person.file("credentials.sh", &nosy(&credentials));
    person.file("key.sh", &nosy("cat key"));
    let script = work.join("credentials.sh").display().to_string();
    let profile = format!("[profile nosy]\ncredential_process = /bin/sh {script}\n");
    person.file("config", profile.as_bytes());
    let person = person.with("AWS_CONFIG_FILE", work.join("config"));
    let person = person.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let key_command = format!("sh {}", work.join("key.sh").display());
    let put = ["put", "a", &bucket.url("a"), "--profile", "nosy", "--key-command", &key_command];
    person.run(put).await.done();
    let scanner = Scanner::of_key("the key", &bytes);
    for saw in ["credentials.sh.saw", "key.sh.saw"] {
        let saw = person.read(saw);
        assert!(String::from_utf8_lossy(&saw).contains("AWS_CONFIG_FILE"), "it saw nothing");
        scanner.assert_clean("what a child was started with", &saw);
    }
    bucket.remove().await;
}
