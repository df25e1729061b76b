//! The examples, run as their readers would: each does what it says, and refuses what it must.

use harness::{Browser, Bucket, Deed, Gateway, Page, Person, Proxy, Ran, Scanner};
use harness::{content, lab, live};
use s3_ssec::core::key::{Key, Kind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};

live![
    files_are_kept_by_a_web_server,
    a_bucket_is_made_safe,
    a_link_is_shared_and_used,
    python_uses_a_link,
    a_page_uploads_in_twenty_lines,
    a_program_of_the_sdk_goes_on,
    a_log_of_the_sdk_holds_no_key,
];

/// A program of `examples/`.
pub(crate) fn example(name: &str) -> PathBuf {
    lab().examples.as_ref().expect("xtask built the examples").join(name)
}

pub(crate) async fn run(person: &Person, name: &str, arguments: &[&str]) -> Ran {
    person.run_program(&example(name), arguments).await
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(path)
}

/// Whoever is behind a proxy that takes every confirmation out.
pub(crate) fn lied_to(person: Person, proxy: &Proxy) -> Person {
    person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint)
}

pub(crate) async fn silent(gateway: &'static Gateway) -> Proxy {
    Proxy::new(gateway, |_| Deed::StripEcho).await
}

async fn files_are_kept_by_a_web_server(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = silent(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let large = content(5, 20 << 20);
    person.file("large", &large);
    let server = Server::start(&person, bucket.name.as_str()).await;
    let kept = server.curl(&person, &["--data-binary", "@large", "files/a/large"]).await.done();
    assert_eq!(kept.text(), "20971520 bytes, encryption confirmed\n");
    server.curl(&person, &["--output", "back", "files/a/large"]).await.done();
    assert!(person.read("back") == large);
    assert_eq!(bucket.keys().await, ["a/large"]);
    person.run(["verify", &bucket.url("a/large")]).await.done();
    assert!(server.curl(&person, &["files/absent"]).await.code != Some(0));
    server.stop().await;
    // A gateway that confirms nothing: 502, and nothing is left behind.
    let astray = lied_to(person, &proxy);
    let server = Server::start(&astray, bucket.name.as_str()).await;
    assert!(server.curl(&astray, &["--data-binary", "x", "files/b"]).await.code != Some(0));
    server.stop().await;
    assert_eq!(bucket.keys().await, ["a/large"]);
    bucket.remove().await;
}

/// The example with axum, while it runs.
struct Server {
    process: tokio::process::Child,
    address: String,
}

impl Server {
    async fn start(person: &Person, bucket: &str) -> Self {
        let mut command = person.program(&example("axum_upload"));
        command.args(["key", bucket]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap();
        let address = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { process, address }
    }

    /// curl, with the last argument below this server; an error status is an exit code.
    async fn curl(&self, person: &Person, arguments: &[&str]) -> Ran {
        let (path, arguments) = arguments.split_last().unwrap();
        let address = format!("{}/{path}", self.address);
        let arguments = [&["--silent", "--show-error", "--fail"], arguments, &[&address]].concat();
        person.run_program(Path::new("curl"), arguments).await
    }

    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }
}

async fn a_bucket_is_made_safe(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let ran = run(&person, "safe_bucket", &[bucket.name.as_str()]).await;
    let policy = bucket.client.sdk().get_bucket_policy().bucket(bucket.name.as_str()).send().await;
    // The condition works from 20 on; before that nothing is changed.
    let too_old = gateway.major().map_or(ran.code == Some(3), |major| major < 20);
    if too_old {
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.contains("nothing was changed"), "{}", ran.stderr);
        assert!(policy.is_err());
    } else {
        assert!(ran.done().text().ends_with("an upload without a key is refused\n"));
        assert!(policy.is_ok());
        let delete = bucket.client.sdk().delete_bucket_policy().bucket(bucket.name.as_str());
        delete.send().await.unwrap();
    }
    bucket.remove().await;
}

async fn a_link_is_shared_and_used(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let owner = Person::new(gateway).with_key(Kind::Master);
    owner.file("report", b"for you alone");
    owner.run(["put", "report", &bucket.url("report")]).await.done();
    let link = run(&owner, "share", &["key", &bucket.url("report")]).await.done().stdout;
    // Somebody without credentials.
    let friend = Person::new(gateway).without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    let used = friend.run_program_with(&example("reqwest_link"), [""; 0], &link).await.done();
    assert_eq!(used.text(), "for you alone\n");
    // The address without its headers opens nothing, and the headers belong to this address.
    let mut bare: serde_json::Value = serde_json::from_slice(&link).unwrap();
    bare["headers"] = serde_json::json!({});
    let bare = serde_json::to_vec(&bare).unwrap();
    let refused = friend.run_program_with(&example("reqwest_link"), [""; 0], &bare).await;
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    // Another key opens nothing: no link is made.
    let stranger = Person::new(gateway).with_key(Kind::Master);
    let refused = run(&stranger, "share", &["key", &bucket.url("report")]).await;
    assert_eq!((refused.code, refused.stdout.len()), (Some(1), 0));
    bucket.remove().await;
}

async fn python_uses_a_link(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let bytes = content(8, 3 << 20);
    person.file("a.bin", &bytes);
    let script = source("s3-ssec-cli/examples/link.py");
    let script = script.to_str().unwrap();
    let python = |arguments: [&'static str; 3]| {
        person.run_program(&lab().python, [&[script], &arguments[..]].concat())
    };
    let link = async |person: &Person, direction: &str, key: &str, file: &str| {
        let arguments = ["presign", direction, &bucket.url(key), "--format", "json"];
        person.file(file, &person.run(arguments).await.done().stdout);
    };
    link(&person, "put", "inbox/a.bin", "put.json").await;
    let put = python(["put.json", "put", "a.bin"]).await.done();
    assert_eq!(put.text(), "a.bin: encryption confirmed\n");
    link(&person, "get", "inbox/a.bin", "get.json").await;
    python(["get.json", "get", "back.bin"]).await.done();
    assert!(person.read("back.bin") == bytes);
    // An upload link works once, and a download link is no upload link.
    let again = python(["put.json", "put", "a.bin"]).await;
    assert!(again.stderr.contains("refused: 412"), "{}", again.stderr);
    let wrong = python(["get.json", "put", "a.bin"]).await;
    assert!(wrong.stderr.contains("this link is for GET"), "{}", wrong.stderr);
    // A gateway that confirms nothing is not believed, and no file is made.
    let proxy = silent(gateway).await;
    let text = String::from_utf8(person.read("get.json")).unwrap();
    let astray = text.replace(&gateway.https, &proxy.endpoint);
    assert_ne!(astray, text);
    person.file("astray.json", astray.as_bytes());
    let refused = python(["astray.json", "get", "lie.bin"]).await;
    // The address is signed: through the proxy the gateway sees another Host, and refuses.
    assert!(refused.stderr.contains("refused: 403"), "{}", refused.stderr);
    let liar =
        lied_to(Person::new(gateway), &proxy).with("S3_SSEC_KEY_FILE", person.work().join("key"));
    link(&liar, "put", "inbox/lie", "lie.json").await;
    person.file("lie.json", &liar.read("lie.json"));
    let refused = python(["lie.json", "put", "a.bin"]).await;
    assert!(refused.stderr.contains("not proved"), "{}", refused.stderr);
    assert!(!person.names().contains(&"lie.bin".to_owned()));
    bucket.remove().await;
}

async fn a_page_uploads_in_twenty_lines(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let folder = person.work().join("site");
    std::fs::create_dir_all(folder.join("pkg")).unwrap();
    let examples = source("s3-ssec-wasm/examples");
    let package = &lab().package;
    for (from, to) in [(examples.as_path(), folder.clone()), (package, folder.join("pkg"))] {
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
    let code = std::fs::read_to_string(examples.join("upload.js")).unwrap();
    let code = code.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    assert!(code.clone().count() <= 20, "{} lines", code.count());
    let page = Page::serve_files(&folder).await.unwrap();
    let place = format!("s3://{}", bucket.name);
    person.run(["cors", "apply", &place, "--origin", &page.origin]).await.done();
    let (file, key) = (person.file("results.bin", &content(6, 300_000)), person.work().join("key"));
    let browser = Browser::open(&page.origin).await;
    let proxy = silent(gateway).await;
    let wrong = "wrongSecretKey000000000000000000000000000";
    for (endpoint, secret, said) in [
        // A refused signature comes without CORS headers: a page is not told more.
        (&gateway.https, wrong, "not stored safely: Failed to fetch"),
        (&proxy.endpoint, gateway.secret_key.as_str(), "not stored safely: the gateway did not"),
        (&gateway.https, gateway.secret_key.as_str(), "is stored, encryption confirmed"),
    ] {
        browser.goto(&page.origin).await;
        let id = gateway.access_key.as_str();
        for (field, value) in [
            ("endpoint", endpoint.as_str()),
            ("bucket", bucket.name.as_str()),
            ("accessKeyId", id),
            ("secretAccessKey", secret),
        ] {
            browser.type_into(&format!("[name={field}]"), value).await;
        }
        browser.give("#key", &[&key]).await;
        browser.give("#file", &[&file]).await;
        browser.click("button").await;
        browser.wait_for_text(said).await;
    }
    person.run(["get", &bucket.url("results.bin"), "back"]).await.done();
    assert!(person.read("back") == content(6, 300_000));
    browser.close().await;
    bucket.remove().await;
}

async fn a_program_of_the_sdk_goes_on(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    let ran = run(&person, "sdk", &["key", bucket.name.as_str()]).await.done();
    assert_eq!(ran.text(), "as it was\n");
    person.run(["verify", &bucket.url("sdk/a")]).await.done();
    let text = std::fs::read_to_string(source("s3-ssec/examples/sdk.rs")).unwrap();
    let main = text.split("async fn main").nth(1).unwrap().lines().skip(1);
    let lines = main.filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
    assert!(lines.count() <= 20);
    let proxy = silent(gateway).await;
    let refused = run(&lied_to(person, &proxy), "sdk", &["key", bucket.name.as_str()]).await;
    assert_eq!(refused.code, Some(1));
    assert_eq!(bucket.keys().await, ["sdk/a"]);
    bucket.remove().await;
}

async fn a_log_of_the_sdk_holds_no_key(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let key = content(41, 32);
    person.key_file("key", Key::from_bytes(Kind::Direct, &key).unwrap());
    let scanner = Scanner::of_key("key", &key);
    let quiet = run(&person, "quiet_log", &["key", bucket.name.as_str()]).await.done();
    assert!(quiet.stderr.contains("TRACE") && quiet.stderr.contains("PutObject"));
    scanner.assert_clean("the log", quiet.stderr.as_bytes());
    // With the one target on it is there: the day it is not, nothing has to be turned off.
    let loud = run(&person, "quiet_log", &["key", bucket.name.as_str(), "loud"]).await.done();
    assert!(!scanner.found(loud.stderr.as_bytes()).is_empty());
    bucket.remove().await;
}
