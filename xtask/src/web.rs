//! `cargo xtask web serve` and `cargo xtask demo --web`: the page, and a gateway that lets it in.

use crate::lab::{self, Options, Store, Version};
use crate::wasm;
use crate::{flags, output, project, test};
use anyhow::{Context as _, Result, ensure};
use std::path::PathBuf;
use std::process::Command;
use xshell::Shell;

/// Where the page is, unless another port is asked for.
const PORT: u16 = 8714;
const BUCKET: &str = "web-demo";
/// Debian's packages of the browser and of what drives it.
const BROWSER: [&str; 2] = ["chromium", "chromium-driver"];

/// Runs `cargo xtask web serve`.
pub(crate) fn serve(sh: &Shell, flags: &flags::Serve) -> Result<()> {
    page(sh, flags.port.unwrap_or(PORT))
}

/// Runs `cargo xtask demo --web`: a gateway, a bucket with CORS set, the page.
pub(crate) fn demo(sh: &Shell) -> Result<()> {
    let gateway = lab::up(sh, Version::V20, Options::default(), Store::Disk)?;
    let command = test::build_command()?;
    let bucket = format!("s3://{BUCKET}");
    let origin = format!("http://localhost:{PORT}");
    for arguments in
        [vec!["bucket", "create", &bucket], vec!["cors", "apply", &bucket, "--origin", &origin]]
    {
        let mut command = Command::new(&command);
        let done = command.args(arguments).envs(gateway.environment()?).status()?;
        ensure!(
            done.success(),
            "the bucket {BUCKET} could not be prepared\nLook at the lines above."
        );
    }
    let environment = gateway.environment()?;
    let value = |name: &str| {
        let found = environment.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    output::line("Type into the page:");
    output::line(format_args!("   Gateway            {}", gateway.https));
    output::line(format_args!("   Bucket             {BUCKET}"));
    output::line(format_args!("   Access key ID      {}", value("AWS_ACCESS_KEY_ID")));
    output::line(format_args!("   Secret access key  {}", value("AWS_SECRET_ACCESS_KEY")));
    output::line(format_args!(
        "The gateway's certificate is this machine's own: open {} once and accept it.",
        gateway.https
    ));
    page(sh, PORT)
}

/// Builds the page and serves it until it is ended.
fn page(sh: &Shell, port: u16) -> Result<()> {
    wasm::make_for_the_page(sh)?;
    let artifacts = project::build(&["--package", "integration", "--bin", "page"])?;
    let server = project::find(&artifacts, "bin", "page", project::is_program)?;
    let done =
        Command::new(server).arg(project::root().join("web")).arg(port.to_string()).status()?;
    ensure!(
        done.success(),
        "the page could not be served\nIs port {port} in use? Give another: --port."
    );
    Ok(())
}

/// Finds Chromium and its driver for the tests; as root on a Debian-like machine it installs them.
pub(crate) fn ensure_browser(sh: &Shell) -> Result<()> {
    let there =
        || ["chromium", "chromedriver"].map(project::program_in_path).iter().all(Option::is_some);
    if there() {
        return Ok(());
    }
    let advice = format!(
        "the tests of the page need Chromium and its driver\nInstall them: apt-get install {}",
        BROWSER.join(" ")
    );
    let root = sh.cmd("id").arg("-u").quiet().read().is_ok_and(|id| id == "0");
    let apt: Option<PathBuf> = project::program_in_path("apt-get");
    let apt = apt.filter(|_| root).context(advice.clone())?;
    output::say("installing Chromium and its driver");
    // Lists that are there may do; those that are old may not.
    let install = || {
        let arguments = ["install", "--yes", "--quiet", "--no-install-recommends"];
        sh.cmd(&apt).args(arguments).args(BROWSER).env("DEBIAN_FRONTEND", "noninteractive").run()
    };
    if install().is_err() {
        sh.cmd(&apt).args(["update", "--quiet"]).run()?;
        install()?;
    }
    ensure!(there(), advice);
    Ok(())
}
