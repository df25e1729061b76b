//! The remains of an upload of the page, where another client's object, another version or another content is
//! in its place.

use crate::browser::Scene;
use crate::page_evidence::{readable, refusal};
use crate::page_lies::{connected_again, store_plain};
use harness::{Asked, Deed, Gateway, Proxy, live};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

live![
    a_version_that_an_answer_names_is_looked_at,
    every_copy_of_an_upload_is_removed,
    a_removal_that_was_not_done_is_reported,
    an_overwritten_object_keeps_its_own_record,
    a_file_that_changes_while_it_is_sent_is_looked_for,
    an_upload_that_is_paused_is_looked_for,
    a_listing_on_its_way_has_no_next_page,
];

const MIB: usize = 1 << 20;

/// A success without an echo, which names this version.
fn naming(id: Option<String>) -> Deed {
    match (readable(200, "text/plain", ""), id) {
        (Deed::Answer(status, mut headers, body), Some(id)) => {
            headers.push(("x-amz-version-id", id));
            Deed::Answer(status, headers, body)
        }
        (answer, _) => answer,
    }
}

/// Not stored, no echo, and the ID of another client's version.
async fn a_version_that_an_answer_names_is_looked_at(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    scene.bucket.keep_versions().await;
    scene.bucket.put_plain("a", b"the only good version").await;
    let before = scene.bucket.versions("a").await;
    let named = before[0].clone();
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), asked.is_trial()) {
        ("PutObject", false) => naming(Some(named.clone())),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (file, _) = scene.file("a", 41, 5000);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("There is an object of this name already").await;
    browser.press("#transfers [data-state=failed]", "Replace").await;
    // The gateway took it, so it may be below another version.
    browser.wait_for_text("An object of that name may be there in plaintext").await;
    let head = |asked: &Asked| {
        asked.operation() == "HeadObject"
            && asked.query.contains(&format!("versionId={}", before[0]))
    };
    assert!(proxy.seen().iter().any(head), "{:?}", proxy.operations());
    assert_eq!(scene.bucket.versions("a").await, before);
    browser.close().await;
    scene.bucket.remove().await;
}

/// A gateway that stores plaintext, twice for one request.
async fn every_copy_of_an_upload_is_removed(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    scene.bucket.keep_versions().await;
    let (file, bytes) = scene.file("a", 42, 5000);
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), asked.is_trial()) {
        ("PutObject", false) => {
            let first = store_plain(gateway, asked, &bytes);
            store_plain(gateway, asked, &bytes);
            naming(first)
        }
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("Nothing of it is left at the gateway").await;
    assert_eq!(scene.bucket.versions("a").await, Vec::<String>::new());
    browser.close().await;
    scene.bucket.remove().await;
}

/// The gateway says that it deleted, and keeps the object; or does not say whether it keeps versions.
async fn a_removal_that_was_not_done_is_reported(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let bytes = harness::content(43, 5000);
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), asked.is_trial()) {
        ("PutObject", false) => {
            store_plain(gateway, asked, &bytes);
            naming(None)
        }
        ("DeleteObject", false) => readable(204, "text/plain", ""),
        ("bucket setting", _) if asked.query.contains("versioning") => refusal(403, "AccessDenied"),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (file, _) = scene.file("a", 43, 5000);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("may be there in plaintext").await;
    let deletes = |asked: &Asked| asked.operation() == "DeleteObject" && !asked.is_trial();
    assert!(!proxy.seen().iter().any(deletes), "a delete marker would only hide it");
    browser.close().await;
    let bytes = harness::content(43, 5000);
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), asked.is_trial()) {
        ("PutObject", false) => {
            store_plain(gateway, asked, &bytes);
            naming(None)
        }
        ("DeleteObject", false) => readable(204, "text/plain", ""),
        _ => Deed::Pass,
    })
    .await;
    let browser = connected_again(&scene, &proxy.endpoint, gateway).await;
    let (other, _) = scene.file("b", 43, 5000);
    browser.choose("#upload-files", "#files-input", &[&other]).await;
    browser.wait_for_text("may be there in plaintext").await;
    assert_eq!(proxy.seen().iter().filter(|asked| deletes(asked)).count(), 16);
    browser.close().await;
    scene.bucket.remove().await;
}

/// Another client writes while the record of an upload is set: its object keeps its record. A look that fails
/// takes no record off.
async fn an_overwritten_object_keeps_its_own_record(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let (is_first, tagged) = (AtomicBool::new(true), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&tagged);
    let proxy = Proxy::new(gateway, move |asked| {
        match (asked.operation(), asked.object().as_str(), asked.key_md5()) {
            // The first reading of the tags comes before they are set.
            ("GetObjectTagging", "taken", _) if is_first.swap(false, Relaxed) => {
                let mut other = asked.clone();
                let tags = "s3-ssec=v1.theirs&color=red".parse().unwrap();
                other.headers.insert("x-amz-tagging", tags);
                store_plain(gateway, &other, b"another client's");
            }
            ("PutObjectTagging", "mute", _) => _ = count.fetch_add(1, Relaxed),
            ("HeadObject", "mute", Some(_)) if count.load(Relaxed) == 1 => {
                return refusal(503, "SlowDown");
            }
            _ => {}
        }
        Deed::Pass
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (file, _) = scene.file("taken", 44, 20 * MIB);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("The object of this name is not the one that was uploaded").await;
    assert_eq!(scene.bucket.record("taken").await.as_deref(), Some("v1.theirs"));
    browser.press("#transfers [data-state=failed]", "Discard").await;
    browser.wait_for("#transfers:not(:has(li))").await;
    let (file, bytes) = scene.file("mute", 45, 20 * MIB);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=failed]").await;
    assert_eq!(tagged.load(Relaxed), 1, "the record stays");
    tagged.store(2, Relaxed);
    browser.press("#transfers [data-state=failed]", "Go on").await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("mute", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// A file that cannot be read any more may have arrived before that.
async fn a_file_that_changes_while_it_is_sent_is_looked_for(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let (file, _) = scene.file("a", 46, 5000);
    let path = Mutex::new(file.clone());
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), asked.is_trial()) {
        ("PutObject", false) => {
            std::fs::write(&*path.lock().unwrap(), b"another content").unwrap();
            Deed::HangUp
        }
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for_text("The file cannot be read any more").await;
    let text = browser.text().await;
    assert!(text.contains("It had arrived by then") || text.contains("may still arrive"), "{text}");
    browser.close().await;
    scene.bucket.remove().await;
}

/// The request of an upload that is paused may have arrived, or may still arrive: the page looks, and sends it
/// no more.
async fn an_upload_that_is_paused_is_looked_for(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let taken = Arc::new(Notify::new());
    let heard = Arc::clone(&taken);
    let proxy = Proxy::new(gateway, move |asked| match (asked.operation(), &*asked.object()) {
        ("PutObject", "held") => Deed::Silence,
        ("PutObject", "taken") => Deed::Swallow(Arc::clone(&heard)),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    for (name, said) in [("held", "may still arrive"), ("taken", "It had arrived by then")] {
        let (file, bytes) = scene.file(name, 47, 5000);
        browser.choose("#upload-files", "#files-input", &[&file]).await;
        let put = |asked: &Asked| asked.operation() == "PutObject" && asked.object() == name;
        proxy.until(put, 0).await;
        if name == "taken" {
            taken.notified().await;
        }
        browser.press("#transfers [data-state=running]", "Pause").await;
        browser.wait_for("#transfers [data-state=paused]").await;
        browser.wait_for_text(said).await;
        assert_eq!(proxy.seen().iter().filter(|asked| put(asked)).count(), 1);
        if name == "taken" {
            scene.assert_command_reads(name, &bytes).await;
        }
        browser.press("#transfers [data-state=paused]", "Close").await;
    }
    browser.close().await;
    scene.bucket.remove().await;
}

/// A page of the listing before would be mixed into it.
async fn a_listing_on_its_way_has_no_next_page(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t\
                </NextContinuationToken><Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>";
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let proxy = Proxy::new(gateway, move |asked| match asked.operation() {
        "ListObjects" if silent.load(Relaxed) => Deed::Silence,
        "ListObjects" => readable(200, "application/xml", page),
        "GetObjectTagging" | "GetObject" => refusal(404, "NoSuchKey"),
        _ => Deed::Pass,
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    browser.wait_for("#more:not([hidden])").await;
    is_silent.store(true, Relaxed);
    let before = proxy.seen().len();
    browser.click("#refresh").await;
    proxy.until(|asked| asked.operation() == "ListObjects", before).await;
    browser.wait_for("#more[hidden]").await;
    browser.close().await;
    scene.bucket.remove().await;
}
