//! Rules about how the parts of the workspace fit together.

use super::{File, Finding};
use serde_json::Value;

/// Who may depend on whom, of the crates of this workspace; tests may depend on all.
const ARROWS: [(&str, &[&str]); 6] = [
    ("s3-ssec-core", &[]),
    ("s3-ssec", &["s3-ssec-core"]),
    // The native crate carries one of its stores, and its examples.
    ("s3-ssec-adapters", &["s3-ssec-core", "s3-ssec"]),
    ("s3-ssec-cli", &["s3-ssec"]),
    ("s3-ssec-wasm", &["s3-ssec-core"]),
    // It has to work when the others do not compile.
    ("xtask", &[]),
];
const TESTS: &str = "integration";

const LIVE_TESTS: &str = "tests/it/";
const LIVE_MAIN: &str = "tests/it/main.rs";

/// Compares the dependencies in `cargo metadata` with the arrows above.
pub(super) fn arrows_point_inwards(metadata: &Value) -> Vec<Finding> {
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let names: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package["name"] != TESTS) {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| *from == name) else {
            findings.push(finding(format!("say in tidy what {name} may depend on")));
            continue;
        };
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let ours = dependencies.filter_map(|d| d["name"].as_str()).filter(|d| names.contains(d));
        let wrong = ours.filter(|dependency| !allowed.contains(dependency));
        findings.extend(wrong.map(|to| finding(format!("{name} must not depend on {to}"))));
    }
    findings
}

fn finding(advice: String) -> Finding {
    Finding { path: "Cargo.toml".into(), line: 1, advice }
}

/// A file of live tests that no `mod` names is never compiled, and no test in it runs.
pub(super) fn live_tests_are_registered(files: &[File]) -> Vec<Finding> {
    let main = files.iter().find(|file| file.path == LIVE_MAIN).map_or("", |file| &file.text);
    let is_registered = |stem: &str| {
        main.lines().any(|line| line.trim().trim_start_matches("pub ") == format!("mod {stem};"))
    };
    files
        .iter()
        .filter(|file| file.path != LIVE_MAIN)
        .filter(|file| {
            let stem = file.path.strip_prefix(LIVE_TESTS).and_then(|p| p.strip_suffix(".rs"));
            stem.is_some_and(|stem| !stem.contains('/') && !is_registered(stem))
        })
        .map(|file| file.finding(1, format!("register it: a `mod` line in {LIVE_MAIN}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[&str]) -> Value {
        let list: Vec<Value> = dependencies.iter().map(|d| json!({ "name": d })).collect();
        json!({ "name": name, "dependencies": list })
    }

    #[test]
    fn a_wrong_arrow_is_found() {
        let core = package("s3-ssec-core", &["http"]);
        let good = json!({ "packages": [core, package("s3-ssec", &["s3-ssec-core"])] });
        assert_eq!(arrows_point_inwards(&good), []);
        let bad = json!({ "packages": [core, package("xtask", &["s3-ssec-core"])] });
        assert_eq!(arrows_point_inwards(&bad).len(), 1);
    }

    #[test]
    fn a_crate_without_a_rule_is_found() {
        let metadata = json!({ "packages": [package("s3-ssec-new", &[])] });
        assert_eq!(arrows_point_inwards(&metadata).len(), 1);
    }

    #[test]
    fn tests_may_depend_on_all() {
        let metadata = json!({ "packages": [package("s3-ssec-core", &[]), package(TESTS, &["s3-ssec-core"])] });
        assert_eq!(arrows_point_inwards(&metadata), []);
    }

    #[test]
    fn an_unregistered_test_file_is_found() {
        let main = file(LIVE_MAIN, "//! Tests.\nmod put_get;\n");
        let files = [main, file("tests/it/put_get.rs", ""), file("tests/it/lost.rs", "")];
        let findings = live_tests_are_registered(&files);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].path, "tests/it/lost.rs");
    }
}
