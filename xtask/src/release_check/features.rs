//! The core compiles with every combination of its features: each is somebody's.

use crate::{output, project};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::Shell;

const CORE: &str = "s3-ssec-core";

/// Checks all combinations, without a warning.
pub(super) fn check(sh: &Shell) -> Result<()> {
    let features = features(&project::metadata(sh)?)?;
    let sets = powerset(&features);
    ensure!(
        sets.len() <= 256,
        "the core has {} features: too many to try them all",
        features.len()
    );
    for set in &sets {
        let features = set.join(",");
        let arguments = ["check", "--quiet", "--package", CORE, "--no-default-features"];
        let cargo = project::cargo(sh).args(arguments).args(["--features", &features]);
        cargo
            .env("RUSTFLAGS", "-D warnings")
            .quiet()
            .run()
            .with_context(|| format!("{CORE} does not compile with the features: {features}"))?;
    }
    output::say(format_args!("{CORE} compiles with all {} sets of features", sets.len()));
    Ok(())
}

/// The features of the core by name, less `default`.
fn features(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let core = packages.into_iter().find(|package| package["name"] == CORE);
    let all =
        core.and_then(|core| core["features"].as_object()).context("the core has no features")?;
    Ok(all.keys().filter(|name| *name != "default").cloned().collect())
}

fn powerset(features: &[String]) -> Vec<Vec<&str>> {
    features.iter().fold(vec![Vec::new()], |sets, feature| {
        let with = sets.iter().cloned().map(|mut set: Vec<&str>| {
            set.push(feature);
            set
        });
        let with: Vec<_> = with.collect();
        sets.into_iter().chain(with).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sets_are_there_once() {
        let features = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let mut sets = powerset(&features);
        sets.sort();
        sets.dedup();
        assert_eq!(sets.len(), 8);
        assert!(sets.contains(&Vec::new()) && sets.contains(&vec!["a", "c"]));
    }
}
