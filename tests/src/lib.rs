//! What the live tests share: the laboratory of gateways, scratch buckets, keys and contents.
//!
//! Nothing here skips. Without a laboratory the tests fail; `cargo xtask test` makes one.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: names say what things are, and a failure here is a failed test"
)]

pub mod adversary;
pub mod browser;
pub mod bucket;
pub mod command;
pub mod content;
pub mod garage;
pub mod guide;
pub mod lab;
pub mod memory;
pub mod moto;
pub mod page;
pub mod proxy;
pub mod scanner;
pub mod spare;
pub mod tab_memory;
pub mod terminal;
pub mod transcript;
mod trial;

pub use adversary::{Adversary, Lie};
pub use browser::Browser;
pub use bucket::Bucket;
pub use command::{Person, Ran};
pub use content::{content, scratch_dir};
pub use garage::Garage;
pub use lab::{Gateway, Lab, lab};
pub use moto::Moto;
pub use page::Page;
pub use proxy::{Asked, Deed, Proxy};
pub use scanner::Scanner;

use libtest_mimic::Trial;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use trial::trial;

/// A test that runs once on every gateway of the laboratory.
pub struct Live {
    pub name: &'static str,
    pub run: fn(&'static Gateway) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Lists the live tests of a module. A test that is not listed is dead code, which is denied.
#[macro_export]
macro_rules! live {
    ($($test:ident),+ $(,)?) => {
        pub(crate) fn tests() -> Vec<$crate::Live> {
            vec![$($crate::Live {
                name: concat!(module_path!(), "::", stringify!($test)),
                run: |gateway| Box::pin($test(gateway)),
            }),+]
        }
    };
}

/// One trial for every test and gateway, named `module::test@release`.
pub fn trials(tests: Vec<Live>) -> Vec<Trial> {
    let gateways = &lab().gateways;
    let all =
        tests.into_iter().flat_map(|test| gateways.iter().map(move |g| (test.name, test.run, g)));
    all.map(|(name, run, gateway)| {
        let name = name.trim_start_matches("it::");
        trial(format!("{name}@{}", gateway.version), gateway, move || run(gateway))
    })
    .collect()
}

/// A trial that needs no gateway of the laboratory.
pub fn alone<F: Future<Output = ()>>(
    name: String,
    run: impl FnOnce() -> F + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        trial::block_on(run());
        Ok(())
    })
}

/// One trial for every test, on a Garage of its own, named `module::test@garage`.
pub fn trials_on_garage(tests: impl IntoIterator<Item = Live>) -> Vec<Trial> {
    let trial = |test: Live| {
        let name = test.name.trim_start_matches("it::");
        alone(format!("{name}@garage"), move || async move {
            let garage = Garage::start().await;
            // A test may keep it for as long as it likes; it is small.
            let gateway: &'static Gateway = Box::leak(Box::new(garage.gateway()));
            (test.run)(gateway).await;
        })
    };
    tests.into_iter().map(trial).collect()
}

/// One trial for every transcript and gateway, named `cmd::command/case@release`.
pub fn transcripts() -> Vec<Trial> {
    let gateways = &lab().gateways;
    let all = transcript::cases()
        .into_iter()
        .flat_map(|(name, path)| gateways.iter().map(move |g| (name.clone(), path.clone(), g)));
    all.map(|(name, path, gateway)| {
        let name = format!("cmd::{name}@{}", gateway.version);
        trial(name, gateway, move || {
            let path = path.clone();
            async move { transcript::play(&path, gateway).await }
        })
    })
    .collect()
}

/// One trial for every chapter of the guide and gateway, named `guide::chapter@release`.
pub fn guide() -> Vec<Trial> {
    let gateways = &lab().gateways;
    let chapters: Vec<_> = guide::chapters().into_iter().map(Arc::new).collect();
    let all = chapters.iter().flat_map(|chapter| gateways.iter().map(move |g| (chapter, g)));
    all.map(|(chapter, gateway)| {
        let name = format!("guide::{}@{}", chapter.name, gateway.version);
        let chapter = Arc::clone(chapter);
        trial(name, gateway, move || {
            let chapter = Arc::clone(&chapter);
            async move { guide::play(&chapter, gateway).await }
        })
    })
    .collect()
}
