//! The server that costs nothing, as a program beside the benchmark.

use crate::lab::Tls;
use crate::{output, project};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use xshell::Shell;

/// A running sink; it ends when this is dropped.
pub(super) struct Sink {
    child: Child,
    /// Its address.
    pub(super) endpoint: String,
}

impl Sink {
    /// Builds it and starts it with the laboratory's certificate.
    pub(super) fn start(sh: &Shell, tls: &Tls) -> Result<Sink> {
        output::say("building the sink");
        let build = ["build", "--quiet", "--release", "--package", "integration", "--bin", "sink"];
        sh.cmd("cargo").args(build).run()?;
        let mut child = Command::new(project::target_dir(sh)?.join("release/sink"))
            .args([&tls.server_cert, &tls.server_key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the sink cannot be started")?;
        let mut port = String::new();
        let stdout = child.stdout.take().context("the sink has no output")?;
        BufReader::new(stdout).read_line(&mut port)?;
        Ok(Sink { child, endpoint: format!("https://localhost:{}", port.trim()) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It ends with its input.
        self.child.stdin.take();
        let _ = self.child.wait();
    }
}
