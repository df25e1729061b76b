//! The WebAssembly modules of the package: what a page loads first, and what it loads when it needs it.

use super::{Package, Target};

/// One module with its glue.
pub(super) struct Module {
    /// Its files are called `NAME.js`, `NAME.d.ts` and `NAME_bg.wasm`.
    pub(super) name: &'static str,
    /// Features of s3-ssec-wasm, as cargo takes them.
    pub(super) features: String,
    /// Most bytes with brotli, if there is a limit.
    pub(super) budget: Option<Budget>,
    /// Profile in the workspace's `Cargo.toml`.
    pub(super) profile: &'static str,
}

/// Most bytes with brotli.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    /// Of the module.
    pub(super) wasm: u64,
    /// Of its glue.
    pub(super) glue: u64,
}

/// The modules of `package`. One for tests in Node has a single module with everything.
pub(super) fn of(package: &Package) -> Vec<Module> {
    if package.target == Target::Node {
        let features = format!("default {}", package.features);
        return vec![Module { name: "s3_ssec", features, budget: None, profile: "wasm" }];
    }
    let module = |name, features: &str, profile, wasm, glue| Module {
        name,
        features: format!("{features} {}", package.features),
        budget: package.features.is_empty().then_some(Budget { wasm, glue }),
        profile,
    };
    vec![
        module("s3_ssec", "keys", "wasm", 71_000, 6_500),
        module("digest", "digest simd", "wasm-hot", 20_000, 3_000),
        // With the orders of requests, of which it is a half; the first transfer loads it. Uploads in parts took
        // 24,000 bytes, trials of both kinds of write 7,000.
        module("documents", "documents", "wasm-small", 168_000, 5_500),
        module("words", "words", "wasm", 52_000, 3_000),
    ]
}

impl Module {
    /// Flags of the compiler. Every browser of the last years has SIMD for WebAssembly, and with it the
    /// modules are smaller, too.
    pub(super) fn rustflags(&self) -> &'static [&'static str] {
        &["-Ctarget-feature=+simd128"]
    }

    /// Where importers find it below the package.
    pub(super) fn path(&self) -> String {
        if self.name == "s3_ssec" { ".".into() } else { format!("./{}", self.name) }
    }

    /// The file that Node gets: it reads the module from disk.
    pub(super) fn for_node(&self) -> String {
        format!("node-{}.js", self.name)
    }

    /// What binding writes.
    pub(super) fn files(&self) -> [String; 3] {
        [".js", ".d.ts", "_bg.wasm"].map(|ending| format!("{}{ending}", self.name))
    }
}
