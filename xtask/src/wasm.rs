//! The JavaScript package: s3-ssec-wasm built for wasm32, then bound to JavaScript.
//!
//! Binding needs the feature `heavy` of this program. Without it, it starts itself again with it.

#[cfg(feature = "heavy")]
mod bind;
mod pack;
pub(crate) mod tests;

use crate::{flags, output, project};
use anyhow::{Result, bail, ensure};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use xshell::Shell;

/// The platform without an operating system that browsers and Node run.
pub(crate) const TRIPLE: &str = "wasm32-unknown-unknown";

/// For whom a package is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// An ES module for browsers and bundlers.
    Web,
    /// A CommonJS module for Node.
    Node,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Web => "web",
            Target::Node => "nodejs",
        })
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "web" => Ok(Target::Web),
            "nodejs" => Ok(Target::Node),
            _ => bail!("`{text}` is no kind of package\nThere are web and nodejs."),
        }
    }
}

/// What to build.
pub(crate) struct Package {
    /// For whom.
    pub(crate) target: Target,
    /// Features of s3-ssec-wasm, as cargo takes them; may be empty.
    pub(crate) features: String,
    /// The directory that it becomes.
    pub(crate) out: PathBuf,
}

impl Package {
    /// The package for the page: `web/pkg`.
    pub(crate) fn for_the_page() -> Package {
        let out = project::root().join("web/pkg");
        Package { target: Target::Web, features: String::new(), out }
    }

    /// A package for Node, in a directory of its own under the target directory.
    pub(crate) fn for_node(sh: &Shell, features: &str) -> Result<Package> {
        let name = if features.is_empty() { "node".into() } else { format!("node-{features}") };
        let out = project::target_dir(sh)?.join("wasm-package").join(name);
        Ok(Package { target: Target::Node, features: features.to_owned(), out })
    }
}

/// Runs `cargo xtask wasm`.
pub(crate) fn run(sh: &Shell, flags: flags::Wasm) -> Result<()> {
    let features = flags.features.unwrap_or_default();
    let mut package = match flags.target.map_or(Ok(Target::Web), |text| text.parse())? {
        Target::Web => Package { features, ..Package::for_the_page() },
        Target::Node => Package::for_node(sh, &features)?,
    };
    package.out = flags.out.unwrap_or(package.out);
    make(sh, &package)
}

/// Builds the package that the page loads.
pub(crate) fn make_for_the_page(sh: &Shell) -> Result<()> {
    make(sh, &Package::for_the_page())
}

/// Builds the package for the page and tests it as its users get it.
pub(crate) fn make_and_try(sh: &Shell) -> Result<()> {
    let package = Package::for_the_page();
    make(sh, &package)?;
    pack::check(sh, &package)
}

/// Builds and binds `package`, checks what it imports, and prints its sizes.
#[cfg(feature = "heavy")]
pub(crate) fn make(sh: &Shell, package: &Package) -> Result<()> {
    ensure_target(sh)?;
    bind::make(sh, package)
}

/// Builds and binds `package` with a second instance of this program that can.
#[cfg(not(feature = "heavy"))]
pub(crate) fn make(sh: &Shell, package: &Package) -> Result<()> {
    ensure_target(sh)?;
    output::say("building what binds WebAssembly (the first time takes a minute)");
    project::cargo(sh)
        .args(["run", "--quiet", "--package", "xtask", "--features", "heavy", "--", "wasm"])
        .args(["--target", &package.target.to_string(), "--features", &package.features])
        .arg("--out")
        .arg(&package.out)
        .quiet()
        .run()?;
    Ok(())
}

/// Installs the target for WebAssembly if it is missing.
fn ensure_target(sh: &Shell) -> Result<()> {
    let sysroot = sh.cmd("rustc").args(["--print", "sysroot"]).quiet().read()?;
    if Path::new(&sysroot).join("lib/rustlib").join(TRIPLE).exists() {
        return Ok(());
    }
    ensure!(
        project::program_in_path("rustup").is_some(),
        "Rust's target {TRIPLE} is missing, and there is no rustup to add it\n\
         Install the target with what installed Rust."
    );
    output::say(format_args!("adding Rust's target {TRIPLE}"));
    sh.cmd("rustup").args(["target", "add", TRIPLE]).run().map_err(Into::into)
}
