//! The changelog is about this version, in the form that it says it has.

use crate::project;
use anyhow::{Context, Result, bail, ensure};
use xshell::Shell;

/// The kinds of changes (Keep a Changelog 1.1).
const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

/// Reads CHANGELOG.md, and the version of the workspace.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let metadata = project::metadata(sh)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let command = packages.into_iter().find(|package| package["name"] == "s3-ssec-cli");
    let version = command.and_then(|package| package["version"].as_str());
    let text = sh.read_file(project::root().join("CHANGELOG.md"))?;
    read(&text, version.context("the command has no version")?)
}

/// The newest section is `Unreleased` or this version; each change stands under its kind.
fn read(text: &str, version: &str) -> Result<()> {
    let mut sections = text.lines().filter_map(|line| line.strip_prefix("## "));
    let newest = sections.next().context("the changelog has no section")?;
    // `[0.1.0] - 2026-12-01`: the date is needed as soon as there is a version.
    let released = newest.strip_prefix(&format!("[{version}] - ")).is_some_and(is_date);
    ensure!(
        newest == "Unreleased" || released,
        "the newest section of the changelog is `{newest}`\nMake it `Unreleased`, or `[{version}] - YYYY-MM-DD`."
    );
    let mut kind = None;
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("## ") {
            kind = None;
        } else if let Some(name) = line.strip_prefix("### ") {
            ensure!(KINDS.contains(&name), "CHANGELOG.md:{number}: `{name}` is none of {KINDS:?}");
            kind = Some(name);
        } else if line.starts_with("- ") && kind.is_none() {
            bail!("CHANGELOG.md:{number}: a change without a kind: {KINDS:?}");
        }
    }
    Ok(())
}

fn is_date(text: &str) -> bool {
    let form = text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    form.eq(*b"0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_ones_are_taken() {
        read("# Changelog\n\n## Unreleased\n\n### Added\n\n- `cp`.\n", "0.1.0").unwrap();
        read("## [0.1.0] - 2026-12-01\n### Fixed\n- this\n  and that\n", "0.1.0").unwrap();
    }

    #[test]
    fn bad_ones_are_refused() {
        for text in [
            "# Changelog\n",
            "## [0.2.0] - 2026-12-01\n### Fixed\n- this\n",
            "## [0.1.0]\n### Fixed\n- this\n",
            "## Unreleased\n- this\n",
            "## Unreleased\n### New\n- this\n",
        ] {
            assert!(read(text, "0.1.0").is_err(), "{text}");
        }
    }
}
