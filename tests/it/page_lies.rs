//! The page and gateways that store plaintext, lose answers, cut listings, or talk without an end; and what the
//! page notes in the browser.

use crate::browser::{Scene, open_key};
use crate::page_evidence::{readable, refusal};
use harness::proxy::evil::{Evil, Says};
use harness::{Asked, Browser, Deed, Gateway, Proxy, content, live};
use s3_ssec::core::record::Record;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

live![
    plaintext_is_taken_back_by_its_record,
    a_file_of_another_client_is_left,
    an_answer_that_is_lost_is_looked_behind,
    a_complete_without_an_answer_is_looked_behind,
    listings_that_lie_are_not_shown,
    a_gateway_that_keeps_no_tags_is_refused,
    a_link_believes_its_key_alone,
    notes_hold_keyed_hashes,
    tabs_share_their_nonces,
];

const MIB: usize = 1 << 20;

/// Writes the content of a PUT as plaintext, with the tags that came with it; its version ID.
pub(crate) fn store_plain(
    gateway: &'static Gateway,
    asked: &Asked,
    bytes: &[u8],
) -> Option<String> {
    let (asked, bytes) = (asked.clone(), bytes.to_vec());
    let put = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let client = gateway.client().await;
            let bucket = asked.path.trim_start_matches('/').split('/').next().unwrap().to_owned();
            let put = client.sdk().put_object().bucket(bucket).key(asked.object());
            let tagging = asked.header("x-amz-tagging").map(str::to_owned);
            put.set_tagging(tagging).body(bytes.into()).send().await.unwrap().version_id
        })
    };
    std::thread::spawn(put).join().unwrap()
}

/// A gateway that stores plaintext and says so in no answer: what it stored is removed, and its version where
/// versions are kept.
async fn plaintext_is_taken_back_by_its_record(gateway: &'static Gateway) {
    for keeps_versions in [false, true] {
        let scene = Scene::new(gateway).await;
        if keeps_versions {
            scene.bucket.keep_versions().await;
        }
        let (file, bytes) = scene.file("silent", 21, 5000);
        let stored = bytes.clone();
        let proxy = Proxy::new(gateway, move |asked| {
            if asked.operation() != "PutObject" || asked.is_trial() {
                return Deed::Pass;
            }
            let id = store_plain(gateway, asked, &stored);
            match asked.object().as_str() {
                "silent" => match (readable(200, "text/plain", ""), id) {
                    (Deed::Answer(status, mut headers, body), Some(id)) => {
                        headers.push(("x-amz-version-id", id));
                        Deed::Answer(status, headers, body)
                    }
                    (answer, _) => answer,
                },
                "broken" => refusal(500, "InternalError"),
                _ => readable(504, "text/html", "<html><body>timeout</body></html>"),
            }
        })
        .await;
        let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
        let others = ["broken", "late"].map(|name| scene.person.file(name, &bytes));
        for (name, file) in ["silent", "broken", "late"].iter().zip([&file, &others[0], &others[1]])
        {
            browser.choose("#upload-files", "#files-input", &[file]).await;
            browser.wait_for("#transfers [data-state=failed]").await;
            browser.wait_for_text("Nothing of it is left at the gateway").await;
            browser.press("#transfers [data-state=failed]", "Close").await;
            let versions = scene.bucket.client.sdk().list_object_versions();
            let versions = versions.bucket(scene.bucket.name.as_str()).send().await.unwrap();
            assert!(versions.versions().is_empty(), "{name}: {:?}", versions.versions());
        }
        browser.close().await;
        scene.bucket.remove().await;
    }
}

/// An equal ETag and a version ID prove nothing where no versions are kept.
async fn a_file_of_another_client_is_left(gateway: &'static Gateway) {
    use md5::Digest as _;
    let scene = Scene::new(gateway).await;
    let (file, bytes) = scene.file("same", 22, 5000);
    scene.bucket.put_plain("same", &bytes).await;
    let etag: String = md5::Md5::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let proxy = Proxy::new(gateway, move |asked| match asked.operation() {
        "PutObject" if !asked.is_trial() => match readable(200, "text/plain", "") {
            Deed::Answer(status, mut headers, body) => {
                headers.push(("etag", format!("\"{etag}\"")));
                headers.push(("x-amz-version-id", "phantom".to_owned()));
                Deed::Answer(status, headers, body)
            }
            other => other,
        },
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("There is an object of this name already").await;
    // Some gateways take a PUT with If-None-Match all the same: none is sent.
    let put = |asked: &Asked| asked.operation() == "PutObject" && !asked.is_trial();
    assert!(!proxy.seen().iter().any(put));
    browser.press("#transfers [data-state=failed]", "Replace").await;
    browser.wait_for_text("Not proved to be encrypted").await;
    browser.wait_for_text("may be there in plaintext").await;
    browser.picture("perhaps").await;
    assert_eq!(scene.bucket.keys().await, ["same"]);
    let removed = proxy.operations().contains(&"DeleteObject");
    assert!(!removed, "{:?}", proxy.operations());
    browser.close().await;
    scene.bucket.remove().await;
}

/// The object of a PUT whose answer was lost is there, encrypted, and that is said. Where the gateway does not
/// say, it is unknown.
async fn an_answer_that_is_lost_is_looked_behind(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let is_first = AtomicBool::new(true);
    // Those whose content the gateway has.
    let sent = Mutex::new(HashSet::new());
    let proxy = Proxy::new(gateway, move |asked| {
        let name = asked.object();
        if asked.operation() == "PutObject" {
            sent.lock().unwrap().insert(name.clone());
        } else if !sent.lock().unwrap().contains(&name) {
            return Deed::Pass;
        }
        match (asked.operation(), name.as_str(), asked.key_md5()) {
            ("PutObject", "again", _) if is_first.swap(false, Relaxed) => Deed::HangUp,
            ("PutObject", "lost" | "mute" | "odd" | "slow" | "gone", _) => Deed::HangUp,
            ("PutObject", "refused", _) => refusal(500, "InternalError"),
            ("HeadObject", "mute", _) => refusal(503, "SlowDown"),
            // A 400 that is not about a key, and a refusal that does not say that the key is another.
            ("HeadObject" | "GetObject", "odd", None) => refusal(400, "BadRequest"),
            ("HeadObject", "slow", Some(_)) => refusal(429, "TooManyRequests"),
            _ => Deed::Pass,
        }
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (lost, bytes) = scene.file("lost", 23, 5000);
    browser.choose("#upload-files", "#files-input", &[&lost]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("lost", &bytes).await;
    browser.press("#transfers [data-state=done]", "Close").await;
    // A browser sends a request again whose connection was closed, and the gateway says that there is one.
    let (again, bytes) = scene.file("again", 29, 5000);
    browser.choose("#upload-files", "#files-input", &[&again]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("again", &bytes).await;
    for (name, said) in [
        ("mute", "Whether it arrived is unknown"),
        ("refused", "Nothing of it was found at the gateway, but it may still arrive"),
        ("odd", "may be there in plaintext"),
        ("slow", "Whether it arrived is unknown"),
    ] {
        let (file, _) = scene.file(name, 24, 5000);
        browser.choose("#upload-files", "#files-input", &[&file]).await;
        browser.wait_for("#transfers [data-state=failed]").await;
        browser.wait_for_text(said).await;
        browser.press("#transfers [data-state=failed]", "Close").await;
    }
    browser.close().await;
    scene.bucket.remove().await;
}

/// Complete was carried out, and its answer is a 504: the object is looked at, at once or after a 404.
async fn a_complete_without_an_answer_is_looked_behind(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let mute = Arc::new(AtomicBool::new(false));
    let is_mute = Arc::clone(&mute);
    let proxy = Proxy::new(gateway, move |asked| {
        let late = || {
            let headers = [("access-control-allow-origin", "*")];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
            Deed::Instead(504, headers.to_vec())
        };
        match (asked.operation(), asked.object().as_str()) {
            ("CompleteMultipartUpload", _) => late(),
            ("HeadObject", "second") if is_mute.load(Relaxed) => refusal(503, "SlowDown"),
            _ => Deed::Pass,
        }
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (first, bytes) = scene.file("first", 25, 20 * MIB);
    browser.choose("#upload-files", "#files-input", &[&first]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("first", &bytes).await;
    browser.press("#transfers [data-state=done]", "Close").await;
    // The gateway is away for a while, and then knows no upload any more.
    let (second, bytes) = scene.file("second", 26, 20 * MIB);
    browser.choose("#upload-files", "#files-input", &[&second]).await;
    proxy.until(|asked| asked.operation() == "UploadPart" && asked.object() == "second", 0).await;
    mute.store(true, Relaxed);
    browser.wait_for("#transfers [data-state=failed]").await;
    mute.store(false, Relaxed);
    browser.press("#transfers [data-state=failed]", "Go on").await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("second", &bytes).await;
    assert_eq!(scene.bucket.uploads().await, Vec::<String>::new());
    let sent = |asked: &&Asked| asked.operation() == "UploadPart" && asked.object() == "second";
    assert_eq!(proxy.seen().iter().filter(sent).count(), 1, "the parts were there");
    browser.close().await;
    scene.bucket.remove().await;
}

/// Half a listing is no listing, and neither is one that goes round in a circle or never ends.
async fn listings_that_lie_are_not_shown(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    scene.bucket.put_plain("plain", b"plain").await;
    let entry = "<Contents><Key>a</Key><Size>1</Size></Contents>";
    let page = |rest: &str| format!("<ListBucketResult>{entry}{rest}</ListBucketResult>");
    let circle =
        page("<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>");
    let ended = page("<IsTruncated>false</IsTruncated>");
    let lies = [
        ended[..ended.len() - 20].to_owned(),
        page(""),
        page("<IsTruncated>true</IsTruncated>"),
        page("<KeyCount>3</KeyCount><IsTruncated>false</IsTruncated>"),
        "<html><body>Please log in</body></html>".to_owned(),
        "<Error><Code>SlowDown</Code></Error>".to_owned(),
        String::new(),
    ];
    for lie in lies {
        let said = lie.clone();
        let proxy = Proxy::new(gateway, move |asked| match asked.operation() {
            "ListObjects" => readable(200, "application/xml", &said),
            _ => Deed::Pass,
        })
        .await;
        let browser = scene.browser().await;
        scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
        browser.wait_for_text("cannot be believed: the listing").await;
        assert_eq!(
            browser.script("return document.querySelector('#files').hidden").await,
            true,
            "{lie}"
        );
        browser.close().await;
    }
    let proxy = Proxy::new(gateway, move |asked| match asked.operation() {
        "ListObjects" => readable(200, "application/xml", &circle),
        "GetObjectTagging" | "GetObject" => refusal(404, "NoSuchKey"),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.browser().await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.click("#more:not([hidden])").await;
    browser.wait_for_text("goes round in a circle").await;
    browser.close().await;
    endless(&scene, gateway).await;
    // And an honest one is shown.
    let browser = scene.browser().await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for("tr[data-name=plain][data-state=plain]").await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// The page reads so much of an answer and no more.
async fn endless(scene: &Scene, gateway: &Gateway) {
    for status in ["200 OK", "500 Internal Server Error"] {
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/xml\r\naccess-control-allow-origin: *\r\n\
             access-control-allow-headers: authorization,x-amz-content-sha256,x-amz-date\r\n"
        );
        let evil = Evil::start(move |asked| match asked.method.as_str() {
            "OPTIONS" => Says::All(
                format!("{head}content-length: 0\r\n\r\n")
                    .replace("500 Internal Server Error", "200 OK")
                    .into(),
            ),
            _ => Says::Endless(
                format!("{head}\r\n<ListBucketResult>").into(),
                vec![b' '; MIB],
                Duration::from_millis(1),
            ),
        })
        .await;
        let browser = scene.browser().await;
        scene.connect(&browser, &evil.endpoint, &gateway.secret_key).await;
        let said =
            if status.starts_with('2') { "the answer is too long" } else { "ListObjects: 500" };
        browser.wait_for_text(said).await;
        browser.close().await;
    }
}

/// Without the record the key of an object is lost, and the page has no ledger.
async fn a_gateway_that_keeps_no_tags_is_refused(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let none = "<Tagging><TagSet></TagSet></Tagging>";
    let proxy = Proxy::new(gateway, move |asked| match asked.operation() {
        "GetObjectTagging" if asked.is_trial() => readable(200, "application/xml", none),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (file, bytes) = scene.file("kept", 27, 5000);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("The gateway does not keep tags").await;
    scene.bucket.assert_empty().await;
    browser.close().await;
    // A browser that notes nothing, or has no locks between tabs, writes nothing.
    for missing in ["globalThis, 'indexedDB'", "navigator, 'locks'"] {
        let browser = scene.browser().await;
        open_key(&browser, &scene.person.work().join("lab.key")).await;
        let script = format!("Object.defineProperty({missing}, {{ value: undefined }}); return 0");
        browser.script(&script).await;
        scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
        browser.wait_for("#files:not([hidden])").await;
        browser.choose("#upload-files", "#files-input", &[&file]).await;
        browser.wait_for_text("This browser keeps no notes for the page").await;
        browser.picture("no-notes").await;
        scene.bucket.assert_empty().await;
        browser.close().await;
    }
    let browser = connected_again(&scene, &gateway.https, gateway).await;
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("kept", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

pub(crate) async fn connected_again(scene: &Scene, endpoint: &str, gateway: &Gateway) -> Browser {
    let browser = scene.browser().await;
    open_key(&browser, &scene.person.work().join("lab.key")).await;
    scene.connect(&browser, endpoint, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    browser
}

/// A page of HTML is not the file of a link, and an answer without a size is none.
async fn a_link_believes_its_key_alone(gateway: &'static Gateway) {
    let mut scene = Scene::new(gateway).await;
    let proxy = Proxy::new(gateway, |asked| match asked.object().as_str() {
        "login" if asked.operation() == "GetObject" => {
            readable(200, "text/html", "<html><body>Please log in</body></html>")
        }
        "taken" if asked.method == "PUT" => readable(200, "text/html", "<html></html>"),
        "lost" if asked.method == "PUT" => refusal(503, "SlowDown"),
        _ => Deed::Pass,
    })
    .await;
    scene.person = scene.person.with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let person = &scene.person;
    person.run(["key", "new", "--out", "lab.key"]).await.done();
    let bytes = content(32, 3000);
    person.file("content", &bytes);
    for name in ["login", "good"] {
        let url = scene.bucket.url(name);
        person.run(["put", "content", &url, "--key-file", "lab.key"]).await.done();
    }
    let link = async |verb: &str, name: &str| {
        let url = scene.bucket.url(name);
        person.run(["presign", verb, &url, "--key-file", "lab.key"]).await.done().text()
    };
    let host = proxy.endpoint.trim_start_matches("https://").to_owned();
    let browser = scene.browser().await;
    let open = async |link: String, verb: &str| {
        browser.click("#link-open").await;
        browser.type_into("#link-text", &link).await;
        browser.wait_for_text(&format!("{verb} {host}")).await;
    };
    open(link("get", "login").await, "Gets a file from").await;
    browser.click("#link-go").await;
    browser.wait_for_text("Not proved to be encrypted: the gateway did not confirm the key").await;
    open(link("put", "taken").await, "Sends a file to").await;
    browser.choose("#link-go", "#link-file", &[&scene.person.work().join("content")]).await;
    browser.wait_for_text("The file may be stored there in plaintext").await;
    browser.wait_for_text("Not proved to be encrypted: the gateway did not confirm the key").await;
    open(link("put", "lost").await, "Sends a file to").await;
    browser.choose("#link-go", "#link-file", &[&scene.person.work().join("content")]).await;
    browser
        .wait_for_text("Whether the file arrived is unknown, and it may be stored in plaintext")
        .await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    open(link("get", "good").await, "Gets a file from").await;
    browser.click("#link-go").await;
    browser.wait_for_text("its content was not verified").await;
    let path = browser.downloaded("good").await;
    crate::browser::wait_for_size(&path, bytes.len() as u64).await;
    let size = r#"
        const { sizeOf } = await import("./s3.js");
        const sent = { operation: "HeadObject", signed: { url: "https://localhost" } };
        const of = (length) => {
          try {
            return sizeOf(sent, new Response("", { headers: length ? { "content-length": length } : {} }));
          } catch ({ name }) {
            return name;
          }
        };
        return [of("5"), of(undefined), of("-1"), of("9223372036854775807")];
    "#;
    let sizes = serde_json::json!([5, "Unreadable", "Unreadable", "Unreadable"]);
    assert_eq!(browser.module(size).await, sizes);
    browser.close().await;
    scene.bucket.remove().await;
}

/// The hash of a part that is signed in chunks: SHA-256 of their SHA-256s.
fn hash_of(part: &[u8]) -> String {
    let chunks: Vec<u8> = part.chunks(896 << 10).flat_map(Sha256::digest).collect();
    Sha256::digest(chunks).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The page notes what it needs to resume, and nothing that confirms a guessed content.
async fn notes_hold_keyed_hashes(gateway: &'static Gateway) {
    use md5::Digest as _;
    let scene = Scene::new(gateway).await;
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let proxy = Proxy::new(gateway, move |asked| {
        let second = asked.query.contains("partNumber=2") && asked.operation() == "UploadPart";
        if second && breaks.load(Relaxed) { Deed::refuse(503, "SlowDown") } else { Deed::Pass }
    })
    .await;
    scene.person.run(["key", "new", "--out", "lab.key"]).await.done();
    let browser = scene.browser().await;
    open_key(&browser, &scene.person.work().join("lab.key")).await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    let bytes = content(28, 40 * MIB);
    let file = scene.person.file("large.bin", &bytes);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=failed]").await;
    let read = r#"
        const { all } = await import("./journals.js");
        return [...(await all()).values()].join("");
    "#;
    let noted = browser.module(read).await.as_str().unwrap().to_owned();
    assert!(noted.contains("\"stored\"") && noted.contains("\"sending\""), "{noted}");
    for part in bytes.chunks(32 * MIB) {
        let etag: String =
            md5::Md5::digest(part).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!noted.contains(&hash_of(part)) && !noted.contains(&etag), "{noted}");
    }
    broken.store(false, Relaxed);
    let before = proxy.seen().len();
    browser.press("#transfers [data-state=failed]", "Go on").await;
    browser.wait_for("#transfers [data-state=done]").await;
    let parts = |asked: &&Asked| asked.operation() == "UploadPart";
    assert_eq!(proxy.seen()[before..].iter().filter(parts).count(), 1, "the first was there");
    scene.assert_command_reads("large.bin", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// Two tabs that write one name at the same time, with a source of random bytes that always gives the same.
async fn tabs_share_their_nonces(gateway: &'static Gateway) {
    const FILES: usize = 12;
    let scene = Scene::new(gateway).await;
    // As if all of them looked before the first one wrote.
    let proxy = Proxy::new(gateway, |asked| match (asked.operation(), &*asked.object()) {
        ("HeadObject", "same") => refusal(404, "NoSuchKey"),
        _ => Deed::Pass,
    })
    .await;
    scene.person.run(["key", "new", "--out", "lab.key"]).await.done();
    let key = scene.person.work().join("lab.key");
    let files: Vec<_> = (0..FILES)
        .map(|number| {
            let folder = scene.person.work().join(format!("f{number}"));
            std::fs::create_dir(&folder).unwrap();
            let path = folder.join("same");
            std::fs::write(&path, content(number as u64, 3000)).unwrap();
            path
        })
        .collect();
    let files: Vec<&std::path::Path> = files.iter().map(|path| path.as_path()).collect();
    let browser = scene.browser().await;
    browser.open_tab(&scene.origin()).await;
    let (first, _) = scene.file("first", 31, 100);
    for tab in [0, 1] {
        browser.switch_to(tab).await;
        open_key(&browser, &key).await;
        scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
        browser.wait_for("#files:not([hidden])").await;
        // The trial comes before the bytes are no longer random.
        browser.choose("#upload-files", "#files-input", &[&first]).await;
        let ended = if tab == 0 { "done" } else { "failed" };
        browser.wait_for(&format!("#transfers [data-state={ended}]")).await;
        let fixed = "Crypto.prototype.getRandomValues = (bytes) => bytes.fill(7); return 0";
        browser.script(fixed).await;
    }
    for tab in [0, 1] {
        browser.switch_to(tab).await;
        browser.choose("#upload-files", "#files-input", &files).await;
    }
    for tab in [0, 1] {
        browser.switch_to(tab).await;
        let all = format!("#transfers li:nth-child({})", FILES + 1);
        browser.wait_for(&all).await;
        browser.wait_for("#transfers:not(:has([data-state=running], [data-state=waiting]))").await;
    }
    let drawn: Vec<_> = proxy
        .seen()
        .iter()
        .filter(|asked| asked.operation() == "PutObject" && asked.object() == "same")
        .filter_map(|asked| {
            asked.header("x-amz-tagging")?.strip_prefix("s3-ssec=").map(str::to_owned)
        })
        .map(|tag| Record::parse(&tag).unwrap().nonce())
        .collect();
    assert_eq!(drawn.len(), 2 * FILES);
    assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 2 * FILES, "{drawn:?}");
    browser.close().await;
    scene.bucket.remove().await;
}
