//! Somebody with a browser: Chromium without a window, driven by what a person sees and touches.

use crate::content::{ScratchDir, scratch_dir};
use crate::lab::lab;
use crate::tab_memory::TabMemory;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fantoccini::error::CmdError;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rcgen::PublicKeyData as _;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// No step of a test may take longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with a home and a folder of downloads of its own.
pub struct Browser {
    client: Client,
    driver: Child,
    home: ScratchDir,
}

impl Browser {
    /// Starts one that trusts the laboratory's certificate, and opens the page of `web/` at `address`.
    pub async fn open(address: &str) -> Self {
        let browser = Self::at(address).await;
        browser.wait_for("html[data-ready=all]").await;
        browser
    }

    /// Starts one, and opens any page.
    pub async fn at(address: &str) -> Self {
        let home = scratch_dir();
        std::fs::create_dir(home.join("downloads")).unwrap();
        let (driver, port) = start_driver(&home).await;
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities(&home.join("downloads")));
        let client = builder.connect(&format!("http://localhost:{port}")).await.unwrap();
        let browser = Self { client, driver, home };
        browser.client.goto(address).await.unwrap();
        browser
    }

    pub async fn goto(&self, address: &str) {
        self.client.goto(address).await.unwrap();
        self.wait_for("html[data-ready=all]").await;
    }

    /// Opens one more tab of the same visit with this page, and goes there.
    pub async fn open_tab(&self, address: &str) {
        let tab = self.client.new_window(true).await.unwrap();
        self.client.switch_to_window(tab.handle).await.unwrap();
        self.goto(address).await;
    }

    /// Goes to a tab, in the order in which they were opened.
    pub async fn switch_to(&self, tab: usize) {
        let tabs = self.client.windows().await.unwrap();
        self.client.switch_to_window(tabs[tab].clone()).await.unwrap();
    }

    /// Waits until something on the page fits this selector.
    pub async fn wait_for(&self, selector: &str) {
        self.wait_within(PATIENCE, selector).await;
    }

    /// As [`Self::wait_for`], for what takes long.
    pub async fn wait_within(&self, patience: Duration, selector: &str) {
        let found = self.client.wait().at_most(patience).for_element(Locator::Css(selector)).await;
        if found.is_err() {
            panic!("{selector} did not come; the page says:\n{}", self.text().await);
        }
    }

    /// Waits until the page says this.
    pub async fn wait_for_text(&self, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text().await.contains(wanted) {
            assert!(Instant::now() < end, "no {wanted:?}; the page says:\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a person reads on the page.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.unwrap();
        body.text().await.unwrap()
    }

    pub async fn click(&self, selector: &str) {
        self.wait_for(selector).await;
        self.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Clicks the first button below `selector` that says this.
    pub async fn press(&self, selector: &str, label: &str) {
        let end = Instant::now() + PATIENCE;
        // A list that is shown anew takes its buttons along.
        while !self.pressed(selector, label).await.unwrap_or(false) {
            let late = Instant::now() >= end;
            assert!(!late, "no button {label:?}; the page says:\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// False if there is no such button.
    async fn pressed(&self, selector: &str, label: &str) -> Result<bool, CmdError> {
        let buttons = format!("{selector} button");
        for button in self.client.find_all(Locator::Css(&buttons)).await? {
            if button.text().await? == label {
                button.click().await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub async fn type_into(&self, selector: &str, text: &str) {
        let field = self.client.find(Locator::Css(selector)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Goes on with the Tab key, as somebody without a mouse does, until this has the focus.
    pub async fn tab_to(&self, selector: &str) {
        const TAB: &str = "\u{e004}";
        let found = format!("return document.activeElement.matches({selector:?})");
        for _ in 0..80 {
            if self.script(&found).await == true {
                return;
            }
            self.keys(TAB).await;
        }
        panic!("Tab never reaches {selector}; the page says:\n{}", self.text().await);
    }

    /// Types into whatever has the focus.
    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Clicks a button that asks for files, and chooses these.
    pub async fn choose(&self, button: &str, input: &str, files: &[&Path]) {
        self.click(button).await;
        self.give(input, files).await;
    }

    /// Gives files to a field that is on the page itself.
    pub async fn give(&self, input: &str, files: &[&Path]) {
        let paths: Vec<_> = files.iter().map(|path| path.to_str().unwrap()).collect();
        let input = self.client.find(Locator::Css(input)).await.unwrap();
        input.send_keys(&paths.join("\n")).await.unwrap();
    }

    /// Chooses a file in an input.
    pub async fn put_file(&self, input: &str, file: &Path) {
        let input = self.client.find(Locator::Css(input)).await.unwrap();
        input.send_keys(file.to_str().unwrap()).await.unwrap();
    }

    /// Runs a script that returns something.
    pub async fn script(&self, script: &str) -> serde_json::Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Runs the body of an asynchronous function and gives what it returns.
    pub async fn module(&self, body: &str) -> serde_json::Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             (async () => {{ {body} }})().then(done, (error) => done(`${{error.stack}}`))"
        );
        self.client.execute_async(&script, Vec::new()).await.unwrap()
    }

    /// Watches what the tab costs from now on.
    pub fn watch_memory(&self) -> TabMemory {
        TabMemory::watch(self.driver.id().expect("the driver runs"))
    }

    /// Waits for a file in the folder of downloads that is complete, and gives its path.
    pub async fn downloaded(&self, name: &str) -> PathBuf {
        let path = self.home.join("downloads").join(name);
        let end = Instant::now() + PATIENCE;
        while !path.exists() || path.metadata().unwrap().len() == 0 {
            assert!(
                Instant::now() < end,
                "{name} is not there; the page says:\n{}",
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        path
    }

    /// The names in the folder of downloads.
    pub fn downloads(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.join("downloads")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Keeps a picture of the page in `screenshots/` beside the laboratory's description.
    pub async fn picture(&self, name: &str) {
        let folder = lab().xtask.ancestors().nth(2).unwrap().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.client.screenshot().await.unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    pub async fn close(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().await.unwrap();
    }
}

/// Starts a driver. It takes a free port for IPv4 and then the same one for IPv6, which another program may
/// have by then: it ends, and is started again.
async fn start_driver(home: &ScratchDir) -> (Child, u16) {
    for _ in 0..3 {
        if let Some(started) = try_driver(home).await {
            return started;
        }
    }
    panic!("chromedriver ended three times without a port");
}

/// Starts a driver; it says its port when it is ready. `None` if it ended before.
async fn try_driver(home: &ScratchDir) -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .args(["--port=0", "--allowed-origins=*"])
        .env("HOME", home.path())
        // What Chromium leaves there when it is killed goes with the home.
        .env("TMPDIR", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver starts: apt-get install chromium-driver");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end_matches('.').parse().unwrap();
            // What it says later must not stop it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((driver, port));
        }
    }
    None
}

fn capabilities(downloads: &Path) -> Capabilities {
    let arguments = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-gpu".to_owned(),
        "--window-size=1000,1400".to_owned(),
        format!("--ignore-certificate-errors-spki-list={}", public_key_hash()),
    ];
    let preferences = json!({
        "download.default_directory": downloads,
        "download.prompt_for_download": false,
        "profile.default_content_setting_values.automatic_downloads": 1,
    });
    let options = json!({ "args": arguments, "prefs": preferences });
    Capabilities::from_iter([
        ("goog:chromeOptions".to_owned(), options),
        ("unhandledPromptBehavior".to_owned(), "accept".into()),
    ])
}

/// SHA-256 of the public key of the laboratory's certificate, in base64, as Chromium wants it.
fn public_key_hash() -> String {
    use sha2::Digest as _;
    let pem = std::fs::read_to_string(&lab().server_key).unwrap();
    let key = rcgen::KeyPair::from_pem(&pem).unwrap();
    BASE64_STANDARD.encode(sha2::Sha256::digest(key.subject_public_key_info()))
}
