//! The page's words for objects: those of the command, resting on the record, the key, the gateway's
//! answer to it, and its answer without one.

use crate::browser::{Scene, open_key};
use harness::{Asked, Browser, Deed, Gateway, Proxy, live};
use s3_ssec::core::digest::ContentHasher;
use s3_ssec::core::key::{Key, Kind, random_bytes};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::record::{Content, Record};
use std::path::PathBuf;

live![
    the_words_are_those_of_the_command,
    a_key_is_open_under_one_kind,
    a_key_refused_with_403_is_another_one,
    an_echo_on_plaintext_is_not_believed,
    plaintext_is_read_without_a_key,
    a_refusal_that_is_not_about_a_key_proves_nothing,
];

const CONTENT: &[u8] = b"content of an object";
const ACCEPTED: u32 = 1_796_000_000;

/// The same key again: keys cannot be cloned.
struct Ring(Vec<(Kind, [u8; 32])>);

impl Ring {
    fn random(kinds: &[Kind]) -> Self {
        Self(kinds.iter().map(|kind| (*kind, random_bytes().unwrap())).collect())
    }

    fn key(&self, index: usize) -> Key {
        Key::from_bytes(self.0[index].0, &self.0[index].1).unwrap()
    }

    /// A file of the keys at these places.
    fn file(&self, scene: &Scene, name: &str, places: &[usize]) -> PathBuf {
        let entry = |place: &usize| {
            let label = Some(format!("key {place}"));
            Entry { key: self.key(*place), label, created: None }
        };
        let file = KeyFile::new(places.iter().map(entry).collect()).unwrap();
        scene.person.file_with_mode(name, file.print().as_bytes(), 0o600)
    }

    /// An object under the key at this place; its record.
    async fn put(&self, scene: &Scene, name: &str, place: usize) -> Record {
        let writer = format!("writer-{place}.key");
        if !scene.person.work().join(&writer).exists() {
            self.file(scene, &writer, &[place]);
        }
        std::fs::write(scene.person.work().join("content"), CONTENT).unwrap();
        let url = scene.bucket.url(name);
        scene.person.run(["put", "content", &url, "--key-file", &writer]).await.done();
        Record::parse(&scene.bucket.record(name).await.unwrap()).unwrap()
    }
}

async fn at(scene: &Scene, endpoint: &str, gateway: &Gateway, keys: &std::path::Path) -> Browser {
    let browser = scene.browser().await;
    open_key(&browser, keys).await;
    scene.connect(&browser, endpoint, &gateway.secret_key).await;
    browser.wait_for("#files:not([hidden])").await;
    browser
}

async fn row(browser: &Browser, name: &str, state: &str, tone: &str) -> String {
    let selector = format!("tr[data-name={name}][data-state={state}] .{tone}");
    browser.wait_for(&selector).await;
    let text =
        browser.script(&format!("return document.querySelector({selector:?}).textContent")).await;
    text.as_str().unwrap().to_owned()
}

async fn the_words_are_those_of_the_command(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Master, Kind::Direct]);
    ring.put(&scene, "source", 0).await;
    let record = ring.put(&scene, "accepted", 0).await;
    let (key, name) = (ring.key(0), scene.bucket.object("accepted"));
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(CONTENT);
    let content = Content::accepted(hasher.size(), hasher.finish(), ACCEPTED);
    let accepted = Record::write(&key, &name, record.nonce(), content).to_string();
    scene.bucket.set_tags("accepted", &[("s3-ssec", &accepted)]).await;
    ring.put(&scene, "direct", 1).await;
    ring.put(&scene, "bare", 1).await;
    scene.bucket.set_tags("bare", &[]).await;
    let record = ring.put(&scene, "pending", 0).await;
    let name = scene.bucket.object("pending");
    let pending = Record::write(&ring.key(0), &name, record.nonce(), Content::Pending).to_string();
    scene.bucket.set_tags("pending", &[("s3-ssec", &pending)]).await;
    scene.bucket.put_plain("plain", CONTENT).await;
    let both = ring.file(&scene, "both.key", &[0, 1]);
    let browser = at(&scene, &gateway.https, gateway, &both).await;
    for (name, state, tone, words) in [
        ("source", "open", "good", "✓ encrypted, key “key 0”"),
        ("accepted", "open", "good", "can be verified since it was accepted on 2026-11-30 (UTC)"),
        ("direct", "open", "caution", "can be verified by a key that others may hold"),
        ("bare", "undescribed", "caution", "no digest: the content cannot be verified"),
        ("pending", "pending", "caution", "record not completed: the content cannot be verified"),
        ("plain", "plain", "bad", "✗ not encrypted with a customer key"),
    ] {
        let text = row(&browser, name, state, tone).await;
        assert!(text.ends_with(words), "{name}: {text}");
    }
    browser.picture("evidence").await;
    for (name, words) in [
        ("source", "downloaded and verified: as it was uploaded"),
        ("accepted", "downloaded and verified since it was accepted on 2026-11-30 (UTC)"),
        ("direct", "downloaded and verified by a key that others may hold"),
        ("bare", "downloaded; not verified: no digest"),
        ("pending", "was never completed: its content cannot be verified"),
    ] {
        browser.press(&format!("tr[data-name={name}]"), "Download").await;
        browser.wait_for_text(words).await;
    }
    let mut downloads = browser.downloads();
    downloads.sort();
    assert_eq!(downloads, ["accepted", "bare", "direct", "source"]);
    // The command says the same of the contents.
    for (name, code) in [("source", "verified"), ("direct", "verified-by-direct-key")] {
        let url = scene.bucket.url(name);
        let verify = ["verify", &url, "--key-file", "both.key", "--output", "json"];
        let json = scene.person.run(verify).await.done().json();
        assert_eq!(json["verification"], code, "{json}");
    }
    browser.close().await;
    scene.bucket.remove().await;
}

/// The same bytes as a direct key would send the master key to the gateway.
async fn a_key_is_open_under_one_kind(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Master]);
    let keys = ring.file(&scene, "lab.key", &[0]);
    let browser = at(&scene, &gateway.https, gateway, &keys).await;
    let mut clash = Ring(vec![(Kind::Direct, ring.0[0].1)]);
    let file = clash.file(&scene, "clash.key", &[0]);
    browser.choose("#key-open", "#key-file", &[&file]).await;
    browser.wait_for_text("The same 32 bytes are in it as a master key and as a direct key").await;
    browser.wait_for_text("Forget the keys first, and open one of the two").await;
    // Others are welcome.
    clash.0[0].1 = random_bytes().unwrap();
    let file = clash.file(&scene, "other.key", &[0]);
    browser.choose("#key-open", "#key-file", &[&file]).await;
    browser.wait_for("#key-list li:nth-child(2)").await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// An answer that a page may read.
pub(crate) fn readable(status: u16, kind: &str, body: &str) -> Deed {
    let headers = [("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")];
    let headers = headers.map(|(name, value)| (name, value.to_owned()));
    let kind = ("content-type", kind.to_owned());
    Deed::Answer(status, headers.into_iter().chain([kind]).collect(), body.to_owned())
}

pub(crate) fn refusal(status: u16, code: &str) -> Deed {
    readable(status, "application/xml", &format!("<Error><Code>{code}</Code></Error>"))
}

/// AWS answers 403 to a wrong key, and 400 to none.
async fn a_key_refused_with_403_is_another_one(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Direct, Kind::Direct]);
    ring.put(&scene, "bare", 1).await;
    scene.bucket.set_tags("bare", &[]).await;
    let Key::Direct(wrong) = ring.key(0) else { panic!("a direct key") };
    let wrong = wrong.md5().to_base64();
    let rule = move |asked: &Asked| match asked.method.as_str() {
        "HEAD" if asked.key_md5() == Some(&wrong) => refusal(403, "AccessDenied"),
        "GET" if asked.path.ends_with("/hidden") && !asked.query.contains("tagging") => {
            refusal(403, "AccessDenied")
        }
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let both = ring.file(&scene, "both.key", &[0, 1]);
    let browser = at(&scene, &proxy.endpoint, gateway, &both).await;
    let text = row(&browser, "bare", "undescribed", "caution").await;
    assert!(text.contains("key “key 1”"), "{text}");
    browser.close().await;
    ring.put(&scene, "hidden", 1).await;
    let one = ring.file(&scene, "one.key", &[0]);
    let browser = at(&scene, &proxy.endpoint, gateway, &one).await;
    row(&browser, "bare", "other-key", "bad").await;
    // Whoever may not read at all is not said to have another key.
    let text = row(&browser, "hidden", "unknown", "bad").await;
    assert!(text.contains("403"), "{text}");
    browser.close().await;
    scene.bucket.remove().await;
}

/// Some servers echo whatever key they are sent. Nothing is encrypted that can be read without one.
async fn an_echo_on_plaintext_is_not_believed(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Master]);
    let genuine = ring.put(&scene, "object", 0).await.to_string();
    ring.put(&scene, "good", 0).await;
    scene.bucket.put_plain("object", CONTENT).await;
    scene.bucket.set_tags("object", &[("s3-ssec", &genuine)]).await;
    let proxy = Proxy::new(gateway, |asked| match asked.key_md5() {
        Some(_) => Deed::ForgeEcho,
        None => Deed::Pass,
    })
    .await;
    let keys = ring.file(&scene, "lab.key", &[0]);
    let browser = at(&scene, &proxy.endpoint, gateway, &keys).await;
    row(&browser, "object", "plain", "bad").await;
    row(&browser, "good", "open", "good").await;
    browser.press("tr[data-name=object]", "Download").await;
    browser.wait_for_text("This object is not encrypted with a customer key").await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    browser.close().await;
    scene.bucket.remove().await;
}

/// Of a plaintext object, also of one with a genuine record, no key is used and nothing is verified. Each look
/// asks the gateway, whatever the browser has in its cache.
async fn plaintext_is_read_without_a_key(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Direct]);
    let genuine = ring.put(&scene, "object", 0).await.to_string();
    for name in ["object", "bare"] {
        scene.bucket.put_plain(name, CONTENT).await;
    }
    scene.bucket.set_tags("object", &[("s3-ssec", &genuine)]).await;
    let proxy = Proxy::new(gateway, |asked| match asked.operation() {
        "GetObject" => Deed::Add("cache-control", "max-age=600".to_owned()),
        _ => Deed::Pass,
    })
    .await;
    let keys = ring.file(&scene, "lab.key", &[0]);
    let browser = at(&scene, &proxy.endpoint, gateway, &keys).await;
    for name in ["object", "bare"] {
        row(&browser, name, "plain", "bad").await;
        browser.press(&format!("tr[data-name={name}]"), "Download").await;
        browser.press("#transfers [data-state=failed]", "Download all the same").await;
        browser.wait_for_text("downloaded; it is not encrypted").await;
        let path = browser.downloaded(name).await;
        crate::browser::wait_for_size(&path, CONTENT.len() as u64).await;
        browser.press("#transfers [data-state=done]", "Close").await;
        let keyed = |asked: &Asked| asked.object() == name && asked.key_md5().is_some();
        assert!(!proxy.seen().iter().any(keyed), "{name}: a key was sent");
    }
    let looks = || {
        let head = |asked: &&Asked| asked.operation() == "HeadObject" && asked.object() == "bare";
        proxy.seen().iter().filter(head).count()
    };
    let (before, seen) = (looks(), proxy.seen().len());
    browser.click("#refresh").await;
    let look = |asked: &Asked| asked.operation() == "HeadObject" && asked.object() == "bare";
    proxy.until(look, seen).await;
    row(&browser, "bare", "plain", "bad").await;
    assert_eq!((before, looks()), (3, 4), "one for the listing, and for each inspection one");
    browser.close().await;
    scene.bucket.remove().await;
}

/// Some servers answer 400 to anything.
async fn a_refusal_that_is_not_about_a_key_proves_nothing(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let ring = Ring::random(&[Kind::Master]);
    ring.put(&scene, "unclear", 0).await;
    ring.put(&scene, "login", 0).await;
    let proxy = Proxy::new(gateway, |asked| match (asked.operation(), asked.key_md5()) {
        ("GetObject", None) if asked.path.ends_with("/unclear") => refusal(400, "BadRequest"),
        ("GetObjectTagging", _) if asked.path.ends_with("/login") => {
            readable(200, "text/html", "<html><body>Please log in</body></html>")
        }
        _ => Deed::Pass,
    })
    .await;
    let keys = ring.file(&scene, "lab.key", &[0]);
    let browser = at(&scene, &proxy.endpoint, gateway, &keys).await;
    let text = row(&browser, "unclear", "unproved", "bad").await;
    let keyed = |asked: &Asked| asked.object() == "unclear" && asked.key_md5().is_some();
    assert!(!proxy.seen().iter().any(keyed), "a key was sent");
    assert!(text.ends_with("the gateway does not say that the object needs a key"), "{text}");
    // A page of HTML is not a list of tags without a record.
    let text = row(&browser, "login", "unknown", "bad").await;
    assert!(text.contains("cannot be believed"), "{text}");
    for name in ["unclear", "login"] {
        browser.press(&format!("tr[data-name={name}]"), "Download").await;
        browser.wait_for("#transfers [data-state=failed]").await;
        browser.press("#transfers [data-state=failed]", "Close").await;
    }
    assert_eq!(browser.downloads(), Vec::<String>::new());
    browser.close().await;
    scene.bucket.remove().await;
}
