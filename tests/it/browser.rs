//! The page in Chromium, against a real gateway over TLS: what a person does and reads.

use harness::{Browser, Bucket, Deed, Gateway, Page, Person, Proxy, content, live};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

live![
    a_person_makes_a_key_and_keeps_files,
    a_large_upload_goes_on_after_a_reload,
    what_is_wrong_is_said,
    a_record_that_does_not_fit_opens_nothing,
    a_page_that_is_not_let_in_learns_why,
    rules_are_read_and_set,
    a_closed_tab_leaves_the_bucket_open,
    a_link_gives_one_file,
    a_key_comes_back_from_its_words,
];

/// A page, a bucket that lets it in, and a person with the command.
pub(crate) struct Scene {
    pub(crate) bucket: Bucket,
    page: Page,
    pub(crate) person: Person,
}

impl Scene {
    /// What the page wrote under `lab.key`, the command reads.
    pub(crate) async fn assert_command_reads(&self, name: &str, bytes: &[u8]) {
        let url = self.bucket.url(name);
        let read = self.person.run(["cat", &url, "--key-file", "lab.key"]).await.done();
        assert!(read.stdout == bytes, "the command reads other bytes");
    }

    pub(crate) async fn new(gateway: &'static Gateway) -> Self {
        let scene = Self::without_cors(gateway).await;
        let bucket = format!("s3://{}", scene.bucket.name);
        scene.person.run(["cors", "apply", &bucket, "--origin", &scene.page.origin]).await.done();
        scene
    }

    async fn without_cors(gateway: &'static Gateway) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web");
        let page = Page::serve(&root, 0).await.unwrap();
        Self { bucket: Bucket::new(gateway).await, page, person: Person::new(gateway) }
    }

    pub(crate) fn origin(&self) -> String {
        self.page.origin.clone()
    }

    pub(crate) async fn browser(&self) -> Browser {
        Browser::open(&self.page.origin).await
    }

    pub(crate) async fn connect(&self, browser: &Browser, endpoint: &str, secret: &str) {
        browser.type_into("[name=endpoint]", endpoint).await;
        browser.type_into("[name=bucket]", self.bucket.name.as_str()).await;
        browser.type_into("[name=id]", ACCESS_KEY).await;
        browser.type_into("[name=secret]", secret).await;
        browser.click("#place [type=submit]").await;
    }

    /// A browser at `endpoint` with a key open that is in `lab.key` too.
    pub(crate) async fn connected(&self, endpoint: &str, secret: &str) -> Browser {
        self.person.run(["key", "new", "--out", "lab.key"]).await.done();
        let browser = self.browser().await;
        open_key(&browser, &self.person.work().join("lab.key")).await;
        self.connect(&browser, endpoint, secret).await;
        browser.wait_for("#files:not([hidden])").await;
        browser
    }

    pub(crate) fn file(&self, name: &str, seed: u64, size: usize) -> (PathBuf, Vec<u8>) {
        let bytes = content(seed, size);
        (self.person.file(name, &bytes), bytes)
    }
}

const ACCESS_KEY: &str = "TESTONLYACCESSKEY001";

/// Makes a key in the page and gives its file.
async fn make_key(browser: &Browser) -> PathBuf {
    browser.click("#key-make").await;
    browser.type_into("#made-label", "lab").await;
    browser.picture("key-made").await;
    browser.click("#made-save").await;
    browser.wait_for("#key-list code").await;
    let fingerprint =
        browser.script("return document.querySelector('#key-list code').textContent").await;
    browser.downloaded(&format!("lab-{}.key", &fingerprint.as_str().unwrap()[..6])).await
}

pub(crate) async fn open_key(browser: &Browser, file: &Path) {
    browser.choose("#key-open", "#key-file", &[file]).await;
    browser.wait_for("#key-list code").await;
}

async fn confirm_backup(browser: &Browser) {
    browser.wait_for("#backup[open]").await;
    browser.picture("backup").await;
    browser.click("#backup-tick").await;
    browser.click("#backup-go").await;
}

async fn a_person_makes_a_key_and_keeps_files(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let browser = scene.browser().await;
    browser.picture("empty").await;
    let key = make_key(&browser).await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    let (small, bytes) = scene.file("small äöü.bin", 1, 100_000);
    browser.choose("#upload-files", "#files-input", &[&small]).await;
    confirm_backup(&browser).await;
    browser.wait_for("#transfers [data-state=done]").await;
    browser.wait_for("tr[data-state=open]").await;
    browser.picture(&format!("files-{}", gateway.version)).await;
    // The command reads what the page wrote, with the key file that the page saved.
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let person = scene.person.with("S3_SSEC_KEY_FILE", &key);
    let url = scene.bucket.url("small äöü.bin");
    let read = person.run(["cat", &url]).await.done();
    assert!(read.stdout == bytes, "the command reads other bytes");
    person.run(["verify", &url]).await.done();
    // And the other way round, a file of several ranges.
    let large = content(2, 20 << 20);
    person.file("large.bin", &large);
    person.run(["put", "large.bin", &scene.bucket.url("large.bin")]).await.done();
    browser.click("#refresh").await;
    browser.wait_for("tr[data-name='large.bin'][data-state=open]").await;
    browser.press("tr[data-name='large.bin']", "Download").await;
    browser.wait_for_text("downloaded and verified").await;
    let path = browser.downloaded("large.bin").await;
    wait_for_size(&path, large.len() as u64).await;
    assert!(std::fs::read(path).unwrap() == large, "the browser wrote other bytes");
    // A name that is taken is not overwritten before somebody says so.
    browser.choose("#upload-files", "#files-input", &[&small]).await;
    browser.wait_for_text("There is an object of this name already").await;
    browser.close().await;
    scene.bucket.remove().await;
}

pub(crate) async fn wait_for_size(path: &Path, size: u64) {
    for _ in 0..600 {
        if path.metadata().is_ok_and(|metadata| metadata.len() == size) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path:?} did not become {size} bytes");
}

async fn a_large_upload_goes_on_after_a_reload(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    // The third part and what follows does not pass until the page was loaded anew.
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let proxy = Proxy::new(gateway, move |asked| {
        let late = asked.query.contains("partNumber=3") && asked.operation() == "UploadPart";
        if late && breaks.load(Relaxed) { Deed::refuse(503, "SlowDown") } else { Deed::Pass }
    })
    .await;
    let browser = scene.browser().await;
    let person = &scene.person;
    person.run(["key", "new", "--out", "lab.key"]).await.done();
    let key = person.work().join("lab.key");
    open_key(&browser, &key).await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    let (file, bytes) = scene.file("large.bin", 3, 100 << 20);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=failed]").await;
    browser.picture("upload-broken-off").await;
    assert_eq!(scene.bucket.uploads().await, ["large.bin"]);
    broken.store(false, Relaxed);
    browser.goto(&scene.page.origin).await;
    open_key(&browser, &key).await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("#transfers [data-state=half-done]").await;
    browser.picture("half-done").await;
    // Another file of the same size is not taken for it.
    let (other, _) = scene.file("other.bin", 4, 100 << 20);
    browser.choose("#transfers [data-state=half-done] button", "#again-input", &[&other]).await;
    browser.wait_for_text("This is not the file that was being uploaded").await;
    let before = proxy.seen().len();
    browser.choose("#transfers [data-state=failed] button", "#again-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    let seen = proxy.seen();
    let sent = seen[before..].iter().filter(|asked| asked.operation() == "UploadPart").count();
    assert_eq!(sent, 1, "three of four parts were there");
    scene.assert_command_reads("large.bin", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

async fn what_is_wrong_is_said(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let person = &scene.person;
    for (name, key) in [("mine", "mine.key"), ("foreign", "foreign.key")] {
        person.run(["key", "new", "--out", key]).await.done();
        person.file(name, name.as_bytes());
        let url = scene.bucket.url(name);
        person.run(["put", name, &url, "--key-file", key]).await.done();
    }
    let plain = scene.bucket.client.sdk().put_object().bucket(scene.bucket.name.as_str());
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"plaintext");
    plain.key("plain").body(body).send().await.unwrap();
    // A gateway that hands out other bytes for one object, and confirms no key for another.
    let proxy = Proxy::new(gateway, |asked| match asked.operation() {
        "GetObject" if asked.path.ends_with("/mine") && asked.header("range").is_some() => {
            Deed::Flip(2)
        }
        "PutObject" if asked.path.ends_with("/new") => Deed::StripEcho,
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.browser().await;
    open_key(&browser, &person.work().join("mine.key")).await;
    scene.connect(&browser, &proxy.endpoint, "notTheSecretKey0000000000000000000000001").await;
    browser.wait_for_text("The gateway does not know these credentials").await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("tr[data-name=mine][data-state=open]").await;
    browser.wait_for("tr[data-name=foreign][data-state=other-key]").await;
    browser.wait_for("tr[data-name=plain][data-state=plain]").await;
    browser.picture("states").await;
    for (name, said) in [
        ("mine", "This is not what was uploaded: the content was altered"),
        ("foreign", "This object is encrypted with another key"),
        ("plain", "This object is not encrypted with a customer key"),
    ] {
        browser.press(&format!("tr[data-name={name}]"), "Download").await;
        browser.wait_for_text(said).await;
    }
    browser.picture("refusals").await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    let new = person.file("new", b"new");
    browser.choose("#upload-files", "#files-input", &[&new]).await;
    browser.wait_for_text("Not proved to be encrypted").await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// Objects that a direct key opens, with records that do not fit: the page tries no direct key, as the
/// command does not.
async fn a_record_that_does_not_fit_opens_nothing(gateway: &'static Gateway) {
    use s3_ssec::core::key::{Key, Kind, random_bytes};
    use s3_ssec::core::keyfile::{Entry, KeyFile};
    let scene = Scene::new(gateway).await;
    let bytes: [[u8; 32]; 2] = [random_bytes().unwrap(), random_bytes().unwrap()];
    let entry = |kind| {
        let key = Key::from_bytes(kind, &bytes[usize::from(kind == Kind::Direct)]).unwrap();
        Entry { key, label: None, created: None }
    };
    let files = [
        ("both.key", vec![Kind::Master, Kind::Direct]),
        ("master.key", vec![Kind::Master]),
        ("direct.key", vec![Kind::Direct]),
    ];
    for (name, kinds) in files {
        let file = KeyFile::new(kinds.into_iter().map(entry).collect()).unwrap();
        scene.person.file_with_mode(name, file.print().as_bytes(), 0o600);
    }
    scene.person.file("content", b"content");
    let put = async |name: &str, key: &str| {
        let url = scene.bucket.url(name);
        scene.person.run(["put", "content", &url, "--key-file", key]).await.done();
        scene.bucket.record(name).await.unwrap()
    };
    let genuine = put("outdated", "master.key").await;
    for name in ["outdated", "damaged", "shared", "bare"] {
        put(name, "direct.key").await;
    }
    scene.bucket.set_tags("outdated", &[("s3-ssec", &genuine)]).await;
    scene.bucket.set_tags("damaged", &[("s3-ssec", "v1.m.x")]).await;
    scene.bucket.set_tags("bare", &[]).await;
    let browser = scene.browser().await;
    open_key(&browser, &scene.person.work().join("both.key")).await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    for (name, state, tone, code) in [
        ("outdated", "outdated", "bad", 4),
        ("damaged", "damaged-record", "bad", 3),
        // Encrypted, and not as good as under the master key that is open beside it.
        ("shared", "open", "caution", 0),
        ("bare", "undescribed", "caution", 0),
    ] {
        browser.wait_for(&format!("tr[data-name={name}][data-state={state}] .{tone}")).await;
        let read = ["cat", &scene.bucket.url(name), "--key-file", "both.key"];
        let read = scene.person.run(read).await;
        assert_eq!(read.code, Some(code), "{name}: {}", read.stderr);
    }
    browser.close().await;
    scene.bucket.remove().await;
}

async fn a_page_that_is_not_let_in_learns_why(gateway: &'static Gateway) {
    let scene = Scene::without_cors(gateway).await;
    let browser = scene.browser().await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for_text("does not let this page in").await;
    let command = browser.script("return document.querySelector('#problem pre').textContent").await;
    browser.picture("no-cors").await;
    // The command that it shows is the one that helps.
    let words: Vec<&str> = command.as_str().unwrap().split(' ').skip(1).collect();
    scene.person.run(words).await.done();
    browser.click("#place [type=submit]").await;
    browser.wait_for("#files:not([hidden])").await;
    browser.close().await;
    scene.bucket.remove().await;
}

async fn rules_are_read_and_set(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let browser = scene.browser().await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for_text("There is no policy").await;
    // RGW answers questions about CORS without the headers that let a page read the answer.
    browser.wait_for_text("does not show its CORS rules to pages").await;
    browser.click("[data-rule=require-ssec]").await;
    let set = !matches!(gateway.major(), Some(16 | 18));
    match set {
        false => browser.wait_for_text("does not do what it says").await,
        true => browser.wait_for_text("S3SsecRequireCustomerKey is in force").await,
    }
    browser.picture(&format!("rules-{}", gateway.version)).await;
    assert_eq!(policy(&scene).await.contains("s3:x-amz-server-side-encryption-customer"), set);
    // Over TLS a page cannot see what is refused without.
    browser.click("[data-rule=require-tls]").await;
    browser.wait_for_text("whether it refuses plain HTTP was not tried").await;
    assert!(policy(&scene).await.contains("S3SsecRequireTls"));
    browser.click("#policy-remove").await;
    browser.wait_for_text("There is no policy").await;
    assert_eq!(policy(&scene).await, "");
    scene.bucket.assert_empty().await;
    browser.close().await;
    scene.bucket.remove().await;
}

async fn policy(scene: &Scene) -> String {
    scene.bucket.client.policy(&scene.bucket.name).await.unwrap().unwrap_or_default()
}

/// Whoever closes the tab in the middle leaves a statement for a prefix that no one uses. What an
/// administrator wrote under the name of a rule is left alone.
async fn a_closed_tab_leaves_the_bucket_open(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let stuck = |asked: &harness::Asked| match (asked.is_trial(), asked.operation()) {
        (true, "PutObject") => Deed::Silence,
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, stuck).await;
    let browser = scene.browser().await;
    scene.connect(&browser, &proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for_text("There is no policy").await;
    browser.click("[data-rule=require-ssec]").await;
    proxy.until(|asked| asked.is_trial() && asked.method == "PUT", 0).await;
    browser.close().await;
    let left = policy(&scene).await;
    assert!(left.contains("S3SsecTrial") && !left.contains("S3SsecRequire"), "{left}");
    scene.bucket.put_plain("plain", b"plaintext").await;
    // The next visit takes it out, whatever becomes of the rule there.
    let browser = scene.browser().await;
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for_text("S3SsecTrial").await;
    browser.click("[data-rule=require-tls]").await;
    browser.wait_for_text("was not tried").await;
    let now = policy(&scene).await;
    assert!(now.contains("S3SsecRequireTls") && !now.contains("S3SsecTrial"), "{now}");
    let edited = now
        .replace(&format!("{}/*", scene.bucket.name), &format!("{}/secret/*", scene.bucket.name));
    let put = scene.bucket.client.sdk().put_bucket_policy().bucket(scene.bucket.name.as_str());
    put.policy(&edited).send().await.unwrap();
    for button in ["[data-rule=require-tls]", "#policy-remove"] {
        browser.click(button).await;
        browser.wait_for_text("was edited, and was left as it is").await;
        assert_eq!(policy(&scene).await, edited);
    }
    assert_eq!(scene.bucket.keys().await, ["plain"]);
    browser.close().await;
    scene.bucket.remove().await;
}

async fn a_link_gives_one_file(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let person = &scene.person;
    person.run(["key", "new", "--out", "lab.key"]).await.done();
    let (_, bytes) = scene.file("shared.bin", 5, 300_000);
    let url = scene.bucket.url("shared.bin");
    person.run(["put", "shared.bin", &url, "--key-file", "lab.key"]).await.done();
    let presign = async |lifetime| {
        let arguments = ["presign", "get", &url, "--key-file", "lab.key", "--expires", lifetime];
        person.run(arguments).await.done().text()
    };
    let (good, short) = (presign("10m").await, presign("1s").await);
    let browser = scene.browser().await;
    open_link(&browser, &good).await;
    // The host is named before anything is sent to it.
    let host = gateway.https.trim_start_matches("https://");
    browser.wait_for_text(&format!("Gets a file from {host}: shared.bin, until")).await;
    browser.picture("link").await;
    browser.click("#link-go").await;
    let path = browser.downloaded("shared.bin").await;
    wait_for_size(&path, bytes.len() as u64).await;
    assert!(std::fs::read(path).unwrap() == bytes, "the browser wrote other bytes");
    // A link for an upload works once, and the object describes itself when it was repaired.
    let (file, sent) = scene.file("results.bin", 6, 200_000);
    let place = scene.bucket.url("results.bin");
    let link = person.run(["presign", "put", &place, "--key-file", "lab.key"]).await.done();
    for said in ["the gateway confirmed the key of the link", "This link was used already"] {
        open_link(&browser, &link.text()).await;
        browser.choose("#link-go", "#link-file", &[&file]).await;
        browser.wait_for_text(said).await;
    }
    let repair = ["repair", &place, "--accept-content", "--key-file", "lab.key"];
    person.run(repair).await.done();
    let read = person.run(["cat", &place, "--key-file", "lab.key"]).await.done();
    assert!(read.stdout == sent, "the command reads other bytes");
    // The address alone opens nothing, and the page says so before it asks.
    let address = good.lines().next().unwrap();
    open_link(&browser, address).await;
    browser.click("#link-go").await;
    browser.wait_for_text("This is not a whole link with its headers").await;
    open_link(&browser, &short).await;
    browser.click("#link-go").await;
    browser.wait_for_text("This link expired on").await;
    browser.close().await;
    scene.bucket.remove().await;
}

async fn open_link(browser: &Browser, link: &str) {
    browser.click("#link-open").await;
    browser.type_into("#link-text", link).await;
}

async fn a_key_comes_back_from_its_words(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let person = &scene.person;
    person.run(["key", "new", "--out", "lab.key"]).await.done();
    person.file("mine", b"mine");
    person.run(["put", "mine", &scene.bucket.url("mine"), "--key-file", "lab.key"]).await.done();
    let paper = person.run(["key", "backup", "lab.key", "--words", "--stdout"]).await.done().text();
    let browser = scene.browser().await;
    browser.click("#key-words").await;
    // A word that is none: the page says which, and makes no key.
    let first = paper.split("1. ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let typed = paper.replacen(&format!("1. {first}"), "1. qwertz", 1);
    browser.type_into("#words-text", &typed).await;
    browser.click("#words-go").await;
    browser.wait_for_text("Word 1 is not in the list").await;
    browser.picture("words").await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    // Without the fingerprint nobody knows the kind of the key.
    let words: Vec<_> = paper.lines().filter(|line| !line.contains("fingerprint")).collect();
    browser.type_into("#words-text", &words.join(" ")).await;
    browser.click("#words-go").await;
    browser.wait_for_text("choose the kind of key").await;
    // And with a kind, whether they are the right ones.
    browser.click("#words-kind [value=master]").await;
    browser.click("#words-go").await;
    browser.wait_for_text("No fingerprint confirms that these words are the master key").await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    browser.click("#words-unconfirmed").await;
    browser.picture("words-unconfirmed").await;
    browser.click("#words-go").await;
    browser.wait_for("#key-list code").await;
    browser.click("#key-forget").await;
    browser.wait_for("#key-list:empty").await;
    browser.click("#key-words").await;
    let ticked =
        browser.script("return document.querySelector('#words-unconfirmed').checked").await;
    assert_eq!(ticked, false, "each time again");
    browser.type_into("#words-text", &paper).await;
    browser.click("#words-go").await;
    browser.wait_for("#key-list code").await;
    let shown = browser.script("return document.querySelector('#key-list code').textContent").await;
    let fingerprint = shown.as_str().unwrap();
    assert!(paper.contains(fingerprint), "{fingerprint} is another key");
    let left = browser.script("return document.querySelector('#words-text').value").await;
    assert_eq!(left, "", "the words stay in the page");
    scene.connect(&browser, &gateway.https, &gateway.secret_key).await;
    browser.wait_for("tr[data-name=mine][data-state=open]").await;
    // The file that was saved is a key file for the command.
    let saved = browser.downloaded(&format!("restored-{}.key", &fingerprint[..6])).await;
    std::fs::set_permissions(&saved, std::fs::Permissions::from_mode(0o600)).unwrap();
    let person = scene.person.with("S3_SSEC_KEY_FILE", &saved);
    assert_eq!(person.run(["cat", &scene.bucket.url("mine")]).await.done().stdout, b"mine");
    browser.close().await;
    scene.bucket.remove().await;
}
