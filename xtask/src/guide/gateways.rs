//! The table of what each gateway does, from `s3-ssec doctor` on each of them.
//!
//! `cargo xtask guide --gateways` tries them and writes `web/guide/gateways.json`; a live test holds the
//! file against every gateway again.

use super::SOURCES;
use crate::lab::{self, Options, Store, Version, garage};
use crate::test::{self, Tools};
use crate::{output, project};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use xshell::Shell;

/// The file with the verdicts, below the sources.
const FILE: &str = "gateways.json";

/// Tries all gateways, and writes down what each row of the doctor says.
pub(super) fn write(sh: &Shell) -> Result<()> {
    let tools = test::tools(sh)?.with_garage(sh)?;
    let (mut gateways, mut described) = (Vec::new(), Vec::new());
    for version in Version::ALL {
        let ran_before = lab::running(version)?.is_some();
        let gateway = lab::up(sh, version, Options::default(), Store::Disk)?;
        let outcome = examine(sh, tools.command(), &gateway.environment()?);
        if !ran_before {
            lab::down(version)?;
        }
        let rows = outcome.with_context(|| format!("gateway {version}"))?;
        let (name, release) = (version.to_string(), &gateway.release);
        gateways.push(json!({ "version": name, "release": release, "rows": rows }));
        described.push(gateway);
    }
    let first = described.first().context("no gateway was tried")?;
    let server = Garage::start(sh, &tools, first)?;
    let rows = examine(sh, tools.command(), &server.environment(first)?).context("Garage")?;
    let release = format!("Garage {}", garage::RELEASE);
    gateways.push(json!({ "version": "garage", "release": release, "rows": rows }));
    let file = project::root().join(SOURCES).join(FILE);
    std::fs::write(&file, format!("{:#}\n", Value::Array(gateways)))?;
    output::say(format_args!("{} is written", file.display()));
    Ok(())
}

/// The rows of the doctor, for the gateway that these variables name.
fn examine(sh: &Shell, command: &Path, variables: &[(&str, String)]) -> Result<Vec<Value>> {
    let bucket = format!("s3://guide-{}", std::process::id());
    let run = |arguments: &[&str]| {
        let command = sh.cmd(command).args(arguments).envs(variables.iter().map(|(k, v)| (*k, v)));
        // Danger in one row is for the table to tell.
        command.quiet().ignore_stderr().ignore_status().read()
    };
    run(&["bucket", "create", &bucket])?;
    let text = run(&["doctor", &bucket, "--output", "json"])?;
    let examined: Value = serde_json::from_str(&text).context("the doctor printed no JSON")?;
    let rows = examined["rows"].as_array().context("the doctor printed no rows")?;
    let row = |row: &Value| {
        let keep = ["name", "topic", "verdict", "means"];
        keep.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect::<Value>()
    };
    // What the connection is like says nothing about the release.
    Ok(rows.iter().filter(|row| row["topic"] != "connection").map(row).collect())
}

/// Garage behind TLS: a program of the tests. It ends when this is dropped.
struct Garage {
    child: Child,
    endpoint: String,
}

impl Garage {
    /// Builds it and starts it with the credentials of this gateway.
    fn start(sh: &Shell, tools: &Tools, gateway: &lab::Gateway) -> Result<Garage> {
        let artifacts = project::build(&["--package", "integration", "--bin", "garage"])?;
        let program = project::find(&artifacts, "bin", "garage", project::is_program)?;
        let mut command = Command::new(program);
        test::describe_to(sh, &mut command, tools, vec![gateway.to_json()?])?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("Garage cannot be started")?;
        let mut endpoint = String::new();
        let stdout = child.stdout.take().context("Garage has no output")?;
        BufReader::new(stdout).read_line(&mut endpoint)?;
        Ok(Garage { child, endpoint: endpoint.trim().to_owned() })
    }

    /// The variables of the gateway, with this endpoint.
    fn environment(&self, gateway: &lab::Gateway) -> Result<Vec<(&'static str, String)>> {
        let mut variables = gateway.environment()?;
        for (name, value) in &mut variables {
            if *name == "AWS_ENDPOINT_URL_S3" {
                value.clone_from(&self.endpoint);
            }
        }
        Ok(variables)
    }
}

impl Drop for Garage {
    fn drop(&mut self) {
        // It ends with its input.
        self.child.stdin.take();
        let _ = self.child.wait();
    }
}

/// The table in Markdown: a line for each row of the doctor, a column for each release.
#[cfg(feature = "heavy")]
pub(super) fn table(root: &std::path::Path) -> Result<String> {
    let text = std::fs::read_to_string(root.join(FILE)).context("no gateways.json")?;
    let gateways: Vec<Value> = serde_json::from_str(&text)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('|', "\\|");
    let mut table = "| what | ".to_owned();
    table += &gateways.iter().map(|g| text(&g["release"])).collect::<Vec<_>>().join(" | ");
    table += " |\n|---";
    table += &"|---".repeat(gateways.len());
    table += "|\n";
    // Servers without versions or policies have fewer rows.
    let rows = gateways.iter().filter_map(|gateway| gateway["rows"].as_array());
    for row in rows.max_by_key(|rows| rows.len()).into_iter().flatten() {
        let cell = |gateway: &Value| {
            let rows = gateway["rows"].as_array().into_iter().flatten();
            let same = rows.into_iter().find(|other| other["name"] == row["name"]);
            let (verdict, means) = same.map_or_else(
                || (String::new(), String::new()),
                |same| (text(&same["verdict"]), text(&same["means"])),
            );
            if verdict.is_empty() {
                return String::new();
            }
            format!("<span class=\"{verdict}\">{verdict}</span>: {means}")
        };
        let cells: Vec<_> = gateways.iter().map(cell).collect();
        table += &format!("| {} | {} |\n", text(&row["name"]), cells.join(" | "));
    }
    Ok(table)
}
