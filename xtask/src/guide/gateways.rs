//! The table of what each release of the gateway does, from `s3-ssec doctor` on each of them.
//!
//! `cargo xtask guide --gateways` tries them and writes `web/guide/gateways.json`; a live test holds the
//! file against every gateway again.

use super::SOURCES;
use crate::lab::{self, Options, Store, Version};
use crate::{output, project, test};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::Shell;

/// The file with the verdicts, below the sources.
const FILE: &str = "gateways.json";

/// Tries all gateways, and writes down what each row of the doctor says.
pub(super) fn write(sh: &Shell) -> Result<()> {
    let command = test::build_command()?;
    let mut gateways = Vec::new();
    for version in Version::ALL {
        let ran_before = lab::running(version)?.is_some();
        let gateway = lab::up(sh, version, Options::default(), Store::Disk)?;
        let outcome = examine(sh, &command, &gateway);
        if !ran_before {
            lab::down(version)?;
        }
        gateways.push(outcome.with_context(|| format!("gateway {version}"))?);
    }
    let file = project::root().join(SOURCES).join(FILE);
    std::fs::write(&file, format!("{:#}\n", Value::Array(gateways)))?;
    output::say(format_args!("{} is written", file.display()));
    Ok(())
}

fn examine(sh: &Shell, command: &std::path::Path, gateway: &lab::Gateway) -> Result<Value> {
    let bucket = format!("s3://guide-{}", std::process::id());
    let variables = gateway.environment()?;
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
    let rows: Vec<_> = rows.iter().filter(|row| row["topic"] != "connection").map(row).collect();
    Ok(json!({ "version": gateway.version.to_string(), "release": gateway.release, "rows": rows }))
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
    let newest = gateways.last().and_then(|gateway| gateway["rows"].as_array());
    for row in newest.into_iter().flatten() {
        let cell = |gateway: &Value| {
            let rows = gateway["rows"].as_array().into_iter().flatten();
            let same = rows.into_iter().find(|other| other["name"] == row["name"]);
            let (verdict, means) = same.map_or_else(
                || (String::new(), String::new()),
                |same| (text(&same["verdict"]), text(&same["means"])),
            );
            format!("<span class=\"{verdict}\">{verdict}</span>: {means}")
        };
        let cells: Vec<_> = gateways.iter().map(cell).collect();
        table += &format!("| {} | {} |\n", text(&row["name"]), cells.join(" | "));
    }
    Ok(table)
}
