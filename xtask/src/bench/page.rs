//! `cargo xtask bench --page`: what the page costs, in Chromium, on one gateway, in one run.

use super::VERSION;
use crate::lab::{self, Options, Store};
use crate::{output, project, test, web};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use xshell::Shell;

/// Who else signs in a browser, and what makes one file of it.
const PEERS: [&str; 3] =
    ["@aws-sdk/client-s3@3.1173.0", "@smithy/protocol-http@5", "esbuild@0.28.2"];

/// The signer as an S3 client has it, for a request as ours.
const SIGNER: &str = r#"
import { S3Client } from "@aws-sdk/client-s3";
import { HttpRequest } from "@smithy/protocol-http";

export async function signer({ endpoint, region, id, secret, bucket }, pairs) {
  const credentials = { accessKeyId: id, secretAccessKey: secret };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const signer = await client.config.signer();
  const host = new URL(endpoint).host;
  return () => signer.sign(new HttpRequest({
    method: "PUT", protocol: "https:", hostname: host, path: `/${bucket}/a/b%20c.bin`,
    headers: { host, ...Object.fromEntries(pairs), "x-amz-content-sha256": "0".repeat(64) },
  }), { signingRegion: region, signingService: "s3" });
}
"#;

/// Rounds of the uploads, and MiB of their file; MiB of the large file.
fn amounts(quick: bool) -> [&'static str; 3] {
    if quick { ["1", "64", "128"] } else { ["3", "512", "2048"] }
}

/// Runs it.
pub(super) fn run(sh: &Shell, quick: bool) -> Result<()> {
    web::ensure_browser(sh)?;
    let tools = test::tools(sh)?;
    let root = page_with_peers(sh)?;
    let artifacts =
        project::build(&["--release", "--package", "integration", "--bin", "page_bench"])?;
    let program = project::find(&artifacts, "bin", "page_bench", project::is_program)?;
    let was_up = lab::running(VERSION)?.is_some();
    let gateway = lab::up(sh, VERSION, Options::default(), Store::Disk)?;
    output::line(format_args!("  radosgw {}", gateway.release));
    let mut command = Command::new(program);
    command.arg(&root).args(amounts(quick));
    test::describe_to(sh, &mut command, &tools, vec![gateway.to_json()?])?;
    let status = command.status()?;
    if !was_up {
        lab::down(VERSION)?;
    }
    ensure!(status.success(), "the benchmark of the page failed\nThe lines above say where.");
    Ok(())
}

/// A copy of the page with the other signer beside it.
fn page_with_peers(sh: &Shell) -> Result<PathBuf> {
    crate::wasm::make_for_the_page(sh)?;
    let dir = project::target_dir(sh)?.join("page-bench");
    fs::create_dir_all(&dir)?;
    let root = dir.join("web");
    lab::remove_dir(&root)?;
    sh.cmd("cp").arg("-r").arg(project::root().join("web")).arg(&root).quiet().run()?;
    let npm = project::program_in_path("npm").context(
        "the other signer comes with npm, and there is none\nInstall it: apt-get install npm",
    )?;
    let _inside = sh.push_dir(&dir);
    sh.write_file("package.json", "{ \"private\": true, \"type\": \"module\" }\n")?;
    let quiet = ["--no-audit", "--no-fund", "--silent", "--prefer-offline"];
    sh.cmd(npm).arg("install").args(quiet).args(PEERS).quiet().run()?;
    sh.write_file("signer.js", SIGNER)?;
    let shape = ["--bundle", "--format=esm", "--minify", "--platform=browser"];
    let esbuild = sh.cmd("node_modules/.bin/esbuild").args(["signer.js", "--outfile=web/peers.js"]);
    esbuild.args(shape).arg("--log-level=error").quiet().run()?;
    Ok(root)
}
