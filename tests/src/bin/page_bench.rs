//! What the page costs in Chromium, beside the command and `aws s3 cp`: `cargo xtask bench --page`.
//!
//! Needs the laboratory's description as the live tests do, and as arguments a directory with the page
//! and `peers.js`, how many rounds, MiB of a file that all move, and MiB of one that only the page moves.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool of the benchmark: its failure is a failed run"
)]

use harness::{Browser, Bucket, Gateway, Page, Person, lab};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For one transfer in the page.
const PATIENCE: Duration = Duration::from_secs(300);
const MIB: usize = 1 << 20;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, rounds, shared, large] = arguments.as_slice() else {
        panic!("page_bench DIRECTORY ROUNDS MIB MIB");
    };
    let bench = Bench::new(&lab().gateways[0], Path::new(root)).await;
    bench.load().await;
    bench.signing().await;
    bench.digest().await;
    bench.uploads(rounds.parse().unwrap(), shared.parse().unwrap()).await;
    bench.large(large.parse().unwrap()).await;
    bench.browser.close().await;
    bench.bucket.remove().await;
}

/// A page that is connected to a bucket and has a key open.
struct Bench {
    gateway: &'static Gateway,
    bucket: Bucket,
    person: Person,
    browser: Browser,
    page: Page,
}

impl Bench {
    async fn new(gateway: &'static Gateway, root: &Path) -> Self {
        let page = Page::serve(root, 0).await.unwrap();
        let (bucket, person) = (Bucket::new(gateway).await, Person::new(gateway));
        let url = format!("s3://{}", bucket.name);
        person.run(["cors", "apply", &url, "--origin", &page.origin]).await.done();
        person.run(["key", "new", "--out", "master.key"]).await.done();
        let browser = Browser::open(&page.origin).await;
        Self { gateway, bucket, person, browser, page }
    }

    /// From the first line of script to a page that can be used.
    async fn load(&self) {
        let mut times = Vec::new();
        for _ in 0..10 {
            self.browser.goto(&self.page.origin).await;
            let script = "const of = (name) => performance.getEntriesByName(name)[0].startTime; \
                          return of('usable') - of('begun')";
            times.push(self.browser.script(script).await.as_f64().unwrap());
        }
        println!("  script and WebAssembly until the page is usable   {:6.0} ms", median(times));
    }

    /// One signed PutObject with a customer key: this package and the signer of the AWS SDK.
    async fn signing(&self) {
        let script = r#"
            const core = await import("./core.js");
            const { signer } = await import("./peers.js");
            const given = { endpoint: "https://gateway.example.org", bucket: "bucket", region: "us-east-1",
              id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
            const customer = core.throwAwayKey();
            const sha256 = crypto.getRandomValues(new Uint8Array(32));
            const place = new core.Place(given);
            const theirs = await signer(given, customer.pairs());
            const ours = () => place.request("PutObject", { method: "PUT", name: "a/b c.bin", customer, sha256 });
            const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];
            const both = [[], []];
            for (let round = 0; round < 15; round++) {
              for (const [index, sign] of [ours, theirs].entries()) {
                const start = performance.now();
                for (let count = 0; count < 200; count++) await sign();
                both[index].push((performance.now() - start) / 200 * 1000);
              }
            }
            return both.map(median);
        "#;
        let times = self.browser.module(script).await;
        let [ours, theirs] = [0, 1].map(|index| number(&times[index]));
        println!("  one signed request                                {ours:6.1} µs");
        println!(
            "  the signer of @aws-sdk/client-s3                  {theirs:6.1} µs, {:.1} times",
            theirs / ours
        );
    }

    /// The digest, in its worker.
    async fn digest(&self) {
        let script = r#"
            const core = await import("./core.js");
            const { ContentDigest } = await import("./hashing.js");
            const { key } = core.makeKey("bench").key;
            const rates = [];
            for (let round = 0; round < 5; round++) {
              const digest = new ContentDigest({ key });
              let buffer = new Uint8Array(8 << 20).buffer;
              buffer = await digest.bytes(buffer, 0);
              const start = performance.now();
              for (let number = 1; number <= 32; number++) buffer = await digest.bytes(buffer, number << 23);
              rates.push((32 << 23) / 1000 / (performance.now() - start));
              digest.drop();
            }
            return rates.sort((a, b) => a - b)[2];
        "#;
        let rate = self.browser.module(script).await;
        println!("  digest in the worker                              {:6.0} MB/s", number(&rate));
    }

    /// The same file with the command, `aws s3 cp` and the page, in turns.
    async fn uploads(&self, rounds: usize, mib: usize) {
        self.connect().await;
        let file = self.file("shared.bin", mib);
        let mut rates = [vec![], vec![], vec![]];
        let mut peak = 0;
        for round in 0..rounds {
            let [ours, theirs] = [("command", round), ("aws", round)]
                .map(|(tool, round)| self.bucket.url(&format!("{tool}-{round}")));
            rates[0].push(
                rate(mib, async {
                    self.person
                        .run(["put", "shared.bin", &ours, "--key-file", "master.key"])
                        .await
                        .done();
                })
                .await,
            );
            rates[1].push(rate(mib, self.aws(&theirs)).await);
            let memory = self.browser.watch_memory();
            rates[2].push(self.upload(&file, mib).await);
            peak = peak.max(memory.peak_mib());
            self.forget("shared.bin").await;
        }
        let [ours, aws, page] = rates.map(median);
        println!("  {mib} MiB up: command                              {ours:6.0} MB/s");
        println!("  {mib} MiB up: aws s3 cp                            {aws:6.0} MB/s");
        println!(
            "  {mib} MiB up: page                                 {page:6.0} MB/s, tab {peak} MiB"
        );
        println!("    of the command's rate {:.2}, of aws s3 cp's {:.2}", page / ours, page / aws);
    }

    /// A file that does not fit into memory, there and back.
    async fn large(&self, mib: usize) {
        let file = self.file("large.bin", mib);
        let memory = self.browser.watch_memory();
        let up = self.upload(&file, mib).await;
        println!(
            "  {mib} MiB up: page                                {up:6.0} MB/s, tab {} MiB",
            memory.peak_mib()
        );
        let memory = self.browser.watch_memory();
        self.browser.click("#refresh").await;
        self.browser.wait_for("tr[data-name='large.bin'][data-state=open] button").await;
        self.clock().await;
        self.browser.press("tr[data-name='large.bin'][data-state=open]", "Download").await;
        let down = self.clocked(mib).await;
        println!(
            "  {mib} MiB down, verified: page                    {down:6.0} MB/s, tab {} MiB",
            memory.peak_mib()
        );
        let got = self.browser.downloaded("large.bin").await;
        for _ in 0..600 {
            if got.metadata().unwrap().len() == (mib * MIB) as u64 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the download has not the size of the file");
    }

    async fn connect(&self) {
        let browser = &self.browser;
        browser.choose("#key-open", "#key-file", &[&self.person.work().join("master.key")]).await;
        browser.wait_for("#key-list code").await;
        for (field, text) in [
            ("endpoint", self.gateway.https.as_str()),
            ("bucket", self.bucket.name.as_str()),
            ("id", &self.gateway.access_key),
            ("secret", &self.gateway.secret_key),
        ] {
            browser.type_into(&format!("[name={field}]"), text).await;
        }
        browser.click("#place [type=submit]").await;
        browser.wait_for("#files:not([hidden])").await;
    }

    /// MB/s from the choice of the file until the page says that it is there.
    async fn upload(&self, file: &Path, mib: usize) -> f64 {
        self.clock().await;
        self.browser.choose("#upload-files", "#files-input", &[file]).await;
        self.clocked(mib).await
    }

    /// Makes the page time the next transfer itself: somebody who asks all the time whether it is done
    /// takes part of the processor, and hears of it late.
    async fn clock(&self) {
        let script = r##"
            const list = document.querySelector("#transfers");
            const lines = list.childElementCount;
            let start;
            globalThis.took = null;
            new MutationObserver((_, observer) => {
              if (list.childElementCount === lines) return;
              start ??= performance.now();
              const { state } = list.firstElementChild.dataset;
              if (state !== "done" && state !== "failed") return;
              observer.disconnect();
              globalThis.took = state === "done" ? performance.now() - start : list.textContent;
            }).observe(list, { subtree: true, childList: true, attributeFilter: ["data-state"] });
        "##;
        self.browser.script(script).await;
    }

    /// MB/s of the transfer that the page timed.
    async fn clocked(&self, mib: usize) -> f64 {
        let end = Instant::now() + PATIENCE;
        loop {
            let took = self.browser.script("return globalThis.took").await;
            if !took.is_null() {
                return (mib * MIB) as f64 / 1e3 / number(&took);
            }
            assert!(Instant::now() < end, "the transfer takes too long");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Takes the object and the line of its transfer away.
    async fn forget(&self, name: &str) {
        self.person.run(["rm", &self.bucket.url(name)]).await.done();
        self.browser.press("#transfers [data-state=done]", "Close").await;
    }

    async fn aws(&self, url: &str) {
        let aws = lab().python.with_file_name("aws");
        let key = format!("fileb://{}", self.person.work().join("raw.key").display());
        let file = self.person.work().join("shared.bin");
        std::fs::write(self.person.work().join("raw.key"), [7; 32]).unwrap();
        let arguments = [
            "s3",
            "cp",
            "--quiet",
            file.to_str().unwrap(),
            url,
            "--sse-c",
            "AES256",
            "--sse-c-key",
            &key,
        ];
        let status = tokio::process::Command::new(aws)
            .args(arguments)
            .env("AWS_ENDPOINT_URL_S3", &self.gateway.https)
            .env("AWS_CA_BUNDLE", self.gateway.ca())
            .status();
        assert!(status.await.unwrap().success(), "aws s3 cp failed");
    }

    fn file(&self, name: &str, mib: usize) -> PathBuf {
        let path = self.person.work().join(name);
        let mut file = File::create(&path).unwrap();
        for number in 0..mib {
            file.write_all(&harness::content(number as u64, MIB)).unwrap();
        }
        path
    }
}

/// MB/s of `work` that moves so many MiB.
async fn rate(mib: usize, work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    (mib * MIB) as f64 / 1e6 / start.elapsed().as_secs_f64()
}

/// What a script found; otherwise it says what went wrong.
fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
