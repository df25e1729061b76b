//! Transcripts: what people type and what they see, in `tests/cmd/<command>/<case>.toml`.
//!
//! Expected output is compared line by line. `[BUCKET]`, `[ENDPOINT]` and `[WORK]` stand for this
//! run's own; `[FINGERPRINT]`, `[KEY]`, `[MD5]`, `[TIME]` and `[DATE]` for anything of that
//! form, `[..]` for the rest of a word or line.
//!
//! What a command says when it sees a key for the first time is left out, but in the cases that are
//! about it.

use crate::bucket::Bucket;
use crate::command::{Person, Ran, without_remarks};
use crate::lab::Gateway;
use regex::Regex;
use s3_ssec::core::key::Kind;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PLACEHOLDERS: [(&str, &str); 6] = [
    ("[FINGERPRINT]", "[0-9a-f]{16}"),
    ("[KEY]", "[A-Za-z0-9+/]{43}="),
    ("[MD5]", "[A-Za-z0-9+/]{22}=="),
    ("[TIME]", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?"),
    ("[DATE]", r"\d{4}-\d\d-\d\d"),
    ("[..]", ".*"),
];

/// One transcript.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The kind of the key in the file `key`, named by the environment; none where left out.
    key: Option<String>,
    /// True if the case is about what is said once of a key.
    #[serde(default)]
    remarks: bool,
    /// Files in the working directory.
    #[serde(default)]
    files: BTreeMap<String, File>,
    /// Objects that a careless tool wrote, without any key.
    #[serde(default)]
    plain: BTreeMap<String, String>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum File {
    Text(String),
    Bytes { base64: Option<String>, text: Option<String>, mode: Option<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    run: Vec<String>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    env: BTreeMap<String, String>,
    exit: i32,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
    /// What the working directory holds afterwards.
    files: Option<Vec<String>>,
    /// What the bucket holds afterwards.
    objects: Option<Vec<String>>,
}

/// All transcripts, by `command/case`.
pub fn cases() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cmd");
    let list = |directory: &Path| {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let cases = list(&root).into_iter().flat_map(|command| list(&command));
    let name = |path: &Path| path.strip_prefix(&root).unwrap().with_extension("");
    cases.map(|path| (name(&path).to_str().unwrap().to_owned(), path)).collect()
}

/// Plays a transcript against a gateway.
pub async fn play(path: &Path, gateway: &Gateway) {
    let text = std::fs::read_to_string(path).unwrap();
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let mut person = Person::new(gateway);
    person = match case.key.as_deref() {
        Some("master") => person.with_key(Kind::Master),
        Some("direct") => person.with_key(Kind::Direct),
        Some(other) => panic!("{other} is no kind of key"),
        None => person,
    };
    let bucket = match text.contains("[BUCKET]") {
        true => Some(Bucket::new(gateway).await),
        false => None,
    };
    for (key, content) in &case.plain {
        bucket.as_ref().unwrap().put_plain(key, content.as_bytes()).await;
    }
    let own = Own {
        bucket: bucket.as_ref().map(|bucket| bucket.name.to_string()).unwrap_or_default(),
        endpoint: gateway.https.clone(),
        work: person.work().to_str().unwrap().to_owned(),
        remarks: case.remarks,
    };
    for (name, file) in &case.files {
        write(&person, name, file, &own);
    }
    for step in &case.step {
        person = run(person, step, &own).await;
        if let Some(objects) = &step.objects {
            assert_eq!(&bucket.as_ref().unwrap().keys().await, objects, "{:?}", step.run);
        }
    }
    if let Some(bucket) = bucket {
        bucket.remove().await;
    }
}

fn write(person: &Person, name: &str, file: &File, own: &Own) {
    use base64::Engine as _;
    let (content, mode) = match file {
        File::Text(text) => (own.fill(text).into_bytes(), 0o644),
        File::Bytes { base64, text, mode } => {
            let engine = base64::engine::general_purpose::STANDARD;
            let bytes = base64.as_ref().map(|base64| engine.decode(base64).unwrap());
            let text = text.clone().unwrap_or_default().into_bytes();
            let mode = mode.as_deref().unwrap_or("600");
            (bytes.unwrap_or(text), u32::from_str_radix(mode, 8).unwrap())
        }
    };
    person.file_with_mode(name, &content, mode);
}

/// What stands in no file, because it is new in every run.
struct Own {
    bucket: String,
    endpoint: String,
    work: String,
    remarks: bool,
}

impl Own {
    fn fill(&self, text: &str) -> String {
        let text = text.replace("[BUCKET]", &self.bucket).replace("[ENDPOINT]", &self.endpoint);
        text.replace("[WORK]", &self.work)
    }
}

async fn run(mut person: Person, step: &Step, own: &Own) -> Person {
    for (name, value) in &step.env {
        person = person.with(name, own.fill(value));
    }
    let arguments: Vec<_> = step.run.iter().map(|argument| own.fill(argument)).collect();
    let ran = person.run_with(&arguments, step.stdin.as_bytes()).await;
    let said = format!("{arguments:?}\n{}{}", ran.text(), ran.stderr);
    assert_eq!(ran.code, Some(step.exit), "{said}");
    compare(&own.fill(&step.stdout), &ran.text(), &said);
    let told = if own.remarks { ran.stderr.clone() } else { without_remarks(&ran.stderr) };
    compare(&own.fill(&step.stderr), &told, &said);
    assert_form(&ran, &arguments);
    if let Some(files) = &step.files {
        assert_eq!(&person.names(), files, "{said}");
    }
    assert_eq!(person.temporary(), Vec::<String>::new(), "{said}");
    person
}

/// What holds for every command: two lines for an error, one JSON value where that was asked for.
fn assert_form(ran: &Ran, arguments: &[String]) {
    let json = arguments.windows(2).any(|pair| pair == ["--output", "json"]);
    if json {
        ran.json();
    }
    if ran.code != Some(0) {
        let errors = without_remarks(&ran.stderr);
        let lines: Vec<_> = errors.lines().collect();
        let [what, todo] = lines[..] else { panic!("not two lines: {:?}", ran.stderr) };
        assert!(what.starts_with("s3-ssec: ") && todo.starts_with("  "), "{}", ran.stderr);
    }
}

#[track_caller]
fn compare(expected: &str, seen: &str, said: &str) {
    let (expected, seen): (Vec<_>, Vec<_>) = (expected.lines().collect(), seen.lines().collect());
    assert_eq!(expected.len(), seen.len(), "as many lines as {expected:#?}:\n{said}");
    for (expected, seen) in expected.into_iter().zip(seen) {
        assert!(
            pattern(expected).is_match(seen),
            "expected {expected:?}\n    seen {seen:?}\n{said}"
        );
    }
}

fn pattern(line: &str) -> Regex {
    let mut pattern = regex::escape(line);
    for (name, form) in PLACEHOLDERS {
        pattern = pattern.replace(&regex::escape(name), form);
    }
    Regex::new(&format!("^{pattern}$")).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_stands_for_its_form_and_nothing_else() {
        let fits = |expected, seen| pattern(expected).is_match(seen);
        assert!(fits("key [FINGERPRINT].", "key 0123456789abcdef."));
        assert!(!fits("key [FINGERPRINT].", "key 0123456789abcdef!"));
        assert!(!fits("key [FINGERPRINT]", "key 0123456789abcdeg"));
        assert!(!fits("a", "ab") && !fits("b", "ab"), "whole lines");
        assert!(fits("1.5 [..] (x)", "1.5 or so (x)") && !fits("1.5", "1x5"));
    }

    #[test]
    fn every_case_can_be_read() {
        for (name, path) in cases() {
            let case = toml::from_str::<Case>(&std::fs::read_to_string(path).unwrap());
            assert!(case.is_ok_and(|case| !case.step.is_empty()), "{name}");
        }
    }
}
