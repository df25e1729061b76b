//! The page with whole folders, with the keyboard alone, and with a gateway that goes away in the middle.

use crate::browser::{Scene, open_key, wait_for_size};
use harness::proxy::link::{Fault, Link, Times, Trap, Way};
use harness::{Deed, Gateway, Proxy, live};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

live![
    a_folder_is_uploaded_under_its_paths,
    a_gateway_that_goes_away_takes_nothing_along,
    a_file_that_changes_is_chosen_again,
    what_runs_can_be_ended,
    the_keyboard_suffices,
    a_tab_stays_small,
    streams_of_any_browser_are_read,
];

const MIB: usize = 1 << 20;

async fn a_folder_is_uploaded_under_its_paths(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let browser = scene.connected(&gateway.https, &gateway.secret_key).await;
    let folder = scene.person.work().join("results");
    std::fs::create_dir_all(folder.join("deep er")).unwrap();
    let files = [("run 1.csv", "1,2"), ("deep er/ä.txt", "deep"), ("empty", "")];
    for (name, content) in files {
        std::fs::write(folder.join(name), content).unwrap();
    }
    browser.choose("#upload-folder", "#folder-input", &[&folder]).await;
    browser.wait_for("#transfers li:nth-child(3)").await;
    for line in 1..=3 {
        browser.wait_for(&format!("#transfers li:nth-child({line})[data-state=done]")).await;
    }
    browser.picture("folder").await;
    std::fs::create_dir(scene.person.work().join("back")).unwrap();
    let back = scene.bucket.url("results/");
    scene.person.run(["get", "-r", &back, "back", "--key-file", "lab.key"]).await.done();
    for (name, content) in files {
        let read = std::fs::read(scene.person.work().join("back").join(name)).unwrap();
        assert_eq!(read, content.as_bytes(), "{name}");
    }
    browser.close().await;
    scene.bucket.remove().await;
}

async fn a_gateway_that_goes_away_takes_nothing_along(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let link = Link::new(gateway).await;
    let browser = scene.connected(&link.endpoint, &gateway.secret_key).await;
    let (file, bytes) = scene.file("large.bin", 7, 50 * MIB);
    let outage = |way, after: usize| {
        link.set(Trap { way, after: after as u64, fault: Fault::Outage, times: Times::Once });
    };
    outage(Way::Up, 20 * MIB);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=failed]").await;
    browser.wait_for_text("cannot be reached").await;
    browser.picture("gateway-gone").await;
    link.heal();
    browser.press("#transfers [data-state=failed]", "Go on").await;
    browser.wait_for("#transfers [data-state=done]").await;
    assert_eq!(scene.bucket.uploads().await, Vec::<String>::new());
    scene.assert_command_reads("large.bin", &bytes).await;
    browser.press("#transfers [data-state=done]", "Close").await;
    // A download that breaks off leaves no file that looks whole.
    browser.wait_for("tr[data-name='large.bin'][data-state=open]").await;
    outage(Way::Down, 20 * MIB);
    browser.press("tr[data-name='large.bin']", "Download").await;
    browser.wait_for("#transfers [data-state=failed]").await;
    assert!(!browser.downloads().contains(&"large.bin".to_owned()), "{:?}", browser.downloads());
    link.heal();
    browser.press("#transfers [data-state=failed]", "Try again").await;
    browser.wait_for_text("downloaded and verified").await;
    let path = browser.downloaded("large.bin").await;
    wait_for_size(&path, bytes.len() as u64).await;
    assert!(std::fs::read(path).unwrap() == bytes, "the browser wrote other bytes");
    browser.close().await;
    scene.bucket.remove().await;
}

/// Two uploads at a time, one that is paused, a download that is cancelled: what hangs is let go.
async fn what_runs_can_be_ended(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let hangs = Arc::new(AtomicBool::new(true));
    let hanging = Arc::clone(&hangs);
    let proxy = Proxy::new(gateway, move |asked| {
        let part = asked.operation() == "UploadPart" && asked.query.contains("partNumber=2");
        // The look without a key passes.
        let hang = part || (asked.operation() == "GetObject" && asked.key_md5().is_some());
        if hang && hanging.load(Relaxed) { Deed::Silence } else { Deed::Pass }
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (large, bytes) = scene.file("large.bin", 12, 70 * MIB);
    let (small, _) = scene.file("small.bin", 13, MIB);
    browser.choose("#upload-files", "#files-input", &[&large, &small]).await;
    browser.wait_for("tr[data-name='small.bin'][data-state=open]").await;
    proxy.until(|asked| asked.query.contains("partNumber=2"), 0).await;
    browser.press("#transfers [data-state=running]", "Pause").await;
    browser.wait_for("#transfers [data-state=paused]").await;
    browser.press("tr[data-name='small.bin']", "Download").await;
    let begins =
        |asked: &harness::Asked| asked.header("range").is_some() && asked.key_md5().is_some();
    proxy.until(begins, 0).await;
    browser.press("#transfers [data-state=running]", "Cancel").await;
    browser.wait_for_text("Stopped").await;
    assert_eq!(browser.downloads(), Vec::<String>::new());
    hangs.store(false, Relaxed);
    browser.press("#transfers [data-state=failed]", "Try again").await;
    browser.wait_for_text("downloaded and verified").await;
    browser.press("#transfers [data-state=paused]", "Go on").await;
    browser.wait_for_text("encrypted and verified, 70.0 MiB").await;
    scene.assert_command_reads("large.bin", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

/// What was begun waits for its file and its key, and says for which.
async fn a_file_that_changes_is_chosen_again(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let broken = Arc::new(AtomicBool::new(true));
    let breaks = Arc::clone(&broken);
    let proxy = Proxy::new(gateway, move |asked| {
        let second = asked.query.contains("partNumber=2") && asked.operation() == "UploadPart";
        if second && breaks.load(Relaxed) { Deed::refuse(503, "SlowDown") } else { Deed::Pass }
    })
    .await;
    let browser = scene.connected(&proxy.endpoint, &gateway.secret_key).await;
    let (file, bytes) = scene.file("large.bin", 11, 70 * MIB);
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=failed]").await;
    broken.store(false, Relaxed);
    let failed = "#transfers [data-state=failed]";
    browser.click("#key-forget").await;
    browser.press(failed, "Go on").await;
    browser.wait_for_text("which is not open").await;
    open_key(&browser, &scene.person.work().join("lab.key")).await;
    // A browser does not read a file that is another than the one that was chosen.
    std::fs::write(&file, &bytes[1..]).unwrap();
    browser.press(failed, "Go on").await;
    browser.wait_for_text("The file cannot be read any more").await;
    browser.picture("file-changed").await;
    std::fs::write(&file, &bytes).unwrap();
    browser.choose(&format!("{failed} button"), "#again-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    scene.assert_command_reads("large.bin", &bytes).await;
    browser.close().await;
    scene.bucket.remove().await;
}

async fn the_keyboard_suffices(gateway: &'static Gateway) {
    const ENTER: &str = "\u{e007}";
    let scene = Scene::new(gateway).await;
    let person = &scene.person;
    person.run(["key", "new", "--out", "lab.key"]).await.done();
    let (_, bytes) = scene.file("small.bin", 8, 50_000);
    let url = scene.bucket.url("small.bin");
    person.run(["put", "small.bin", &url, "--key-file", "lab.key"]).await.done();
    let browser = scene.browser().await;
    browser.tab_to("#key-make").await;
    browser.keys(ENTER).await;
    browser.tab_to("#made-label").await;
    browser.keys(" too").await;
    browser.tab_to("#made-save").await;
    browser.keys(ENTER).await;
    browser.wait_for("#key-list code").await;
    // The dialogue of the operating system that opens files is not the page's.
    open_key(&browser, &person.work().join("lab.key")).await;
    for (field, text) in [
        ("endpoint", gateway.https.as_str()),
        ("bucket", scene.bucket.name.as_str()),
        ("id", &gateway.access_key),
        ("secret", &gateway.secret_key),
    ] {
        browser.tab_to(&format!("[name={field}]")).await;
        browser.keys(text).await;
    }
    browser.keys(ENTER).await;
    browser.wait_for("tr[data-name='small.bin'][data-state=open]").await;
    browser.tab_to("tr[data-name='small.bin'] button").await;
    browser.picture("keyboard").await;
    browser.keys(ENTER).await;
    browser.wait_for_text("downloaded and verified").await;
    let path = browser.downloaded("small.bin").await;
    wait_for_size(&path, bytes.len() as u64).await;
    assert!(std::fs::read(path).unwrap() == bytes, "the browser wrote other bytes");
    browser.close().await;
    scene.bucket.remove().await;
}

/// What a file goes through is memory that is used again: a tab is as large with 256 MiB as with 2 GiB.
async fn a_tab_stays_small(gateway: &'static Gateway) {
    const MOST_MIB: u64 = 200;
    let scene = Scene::new(gateway).await;
    let browser = scene.connected(&gateway.https, &gateway.secret_key).await;
    let (file, bytes) = scene.file("large.bin", 9, 256 * MIB);
    let memory = browser.watch_memory();
    browser.choose("#upload-files", "#files-input", &[&file]).await;
    browser.wait_for("#transfers [data-state=done]").await;
    let up = memory.peak_mib();
    browser.press("#transfers [data-state=done]", "Close").await;
    browser.wait_for("tr[data-name='large.bin'][data-state=open]").await;
    let memory = browser.watch_memory();
    browser.press("tr[data-name='large.bin']", "Download").await;
    browser.wait_for_text("downloaded and verified").await;
    let down = memory.peak_mib();
    assert!(up < MOST_MIB && down < MOST_MIB, "{up} MiB up, {down} MiB down");
    let path = browser.downloaded("large.bin").await;
    wait_for_size(&path, bytes.len() as u64).await;
    assert!(std::fs::read(path).unwrap() == bytes, "the browser wrote other bytes");
    browser.close().await;
    scene.bucket.remove().await;
}

/// Not every browser fills memory that it is given: then what it hands out is copied.
async fn streams_of_any_browser_are_read(gateway: &'static Gateway) {
    let scene = Scene::new(gateway).await;
    let browser = scene.browser().await;
    let script = r#"
        const { Filler } = await import("./filler.js");
        const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at & 255);
        const plain = () => {
          let at = 0;
          return new ReadableStream({
            pull(controller) {
              if (at === bytes.length) return controller.close();
              controller.enqueue(bytes.slice(at, (at = Math.min(at + 300, bytes.length))));
            },
          });
        };
        const read = async (stream) => {
          const filler = new Filler(stream);
          const all = [];
          for (let buffer = new ArrayBuffer(64), length = 64; length === 64; ) {
            ({ buffer, length } = await filler.fill(buffer));
            all.push(...new Uint8Array(buffer, 0, length));
          }
          return all.join() === bytes.join();
        };
        return [await read(plain()), await read(new Blob([bytes]).stream())];
    "#;
    assert_eq!(browser.module(script).await, serde_json::json!([true, true]));
    browser.close().await;
    scene.bucket.remove().await;
}
