//! The test vectors of `tests/vectors`, compiled in: for tests on targets without a file system.
//!
//! The files are made by a Python program that knows the specification and not this code. The same
//! cases run natively, by the test below, and in WebAssembly.

#[cfg(all(feature = "words", feature = "shares"))]
mod backups;
mod configurations;
mod formats;

use serde::de::DeserializeOwned;
use std::fmt::Debug;

/// Runs every case of every file. Returns how many there were, or a line for each that failed.
pub fn run() -> Result<usize, String> {
    let mut report = Report::default();
    formats::run(&mut report);
    #[cfg(all(feature = "words", feature = "shares"))]
    backups::run(&mut report);
    configurations::run(&mut report);
    match report.failures.is_empty() {
        true => Ok(report.cases),
        false => Err(report.failures.join("\n")),
    }
}

#[derive(Default)]
struct Report {
    cases: usize,
    failures: Vec<String>,
}

impl Report {
    /// Reads one file; a file that does not fit its type counts as a failed case.
    fn file<T: DeserializeOwned>(&mut self, topic: &str, json: &str) -> Option<T> {
        serde_json::from_str(json)
            .inspect_err(|error| self.failures.push(format!("{topic}: {error}")))
            .ok()
    }

    /// Runs every case of a list.
    fn cases<T>(&mut self, topic: &str, list: &[T], check: impl Fn(&T) -> Result<(), String>) {
        if list.is_empty() {
            self.failures.push(format!("{topic}: no cases"));
        }
        for (index, case) in list.iter().enumerate() {
            self.cases += 1;
            if let Err(failure) = check(case) {
                self.failures.push(format!("{topic} {index}: {failure}"));
            }
        }
    }
}

/// An error that names what differs.
fn same<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what} is {found:?}, not {wanted:?}")),
    }
}

/// Any error as text.
fn text(error: impl ToString) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_case_of_every_file_passes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
        let mut cases = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
                let lists = file.as_object().unwrap().values().filter_map(Value::as_array);
                cases += lists.map(Vec::len).sum::<usize>();
            }
        }
        // A file that is not compiled in would be missing in the first number.
        assert_eq!(super::run(), Ok(cases));
        assert!(cases >= 160, "only {cases} cases");
    }
}
