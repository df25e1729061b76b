//! Compares what the guide shows with what was seen.

use regex::Regex;
use serde_json::Value;
use std::sync::LazyLock;

/// What is another in every run: how it looks in the guide, and what fits in its place. The first
/// that fits counts.
const FORMS: [(&str, &str); 9] = [
    (r"\.\.\.", ".*?"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ", r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ"),
    (r"\d{4}-\d\d-\d\d", r"\d{4}-\d\d-\d\d"),
    (r"\d+(\.\d+)? s\b", r"\d+(\.\d+)? s\b"),
    (r"\d+(\.\d+)? [KMG]?i?B/s", r"\d+(\.\d+)? [KMG]?i?B/s"),
    (r"[A-Za-z0-9+/]{43}=", "[A-Za-z0-9+/]{43}="),
    (r"[A-Za-z0-9+/]{22}==", "[A-Za-z0-9+/]{22}=="),
    (r"\b[0-9a-f]{16}\b", r"\b[0-9a-f]{16}\b"),
    (r"\b[0-9a-f]{10}\b", r"\b[0-9a-f]{10}\b"),
];

static ANY: LazyLock<Regex> = LazyLock::new(|| {
    let forms: Vec<_> = FORMS.iter().map(|(form, _)| format!("(?:{form})")).collect();
    Regex::new(&forms.join("|")).unwrap()
});

/// The pattern of one line.
fn line(expected: &str) -> String {
    let mut pattern = String::new();
    let mut end = 0;
    for found in ANY.find_iter(expected) {
        pattern += &regex::escape(&expected[end..found.start()]);
        let is =
            |form: &str| Regex::new(&format!("^(?:{form})$")).unwrap().is_match(found.as_str());
        pattern += FORMS.iter().find(|(form, _)| is(form)).unwrap().1;
        end = found.end();
    }
    pattern + &regex::escape(&expected[end..])
}

/// Whether this output is what the guide shows.
pub(super) fn fits(expected: &str, seen: &str) -> bool {
    let mut pattern = "^".to_owned();
    for expected in expected.lines() {
        match expected.trim_start() {
            "..." => pattern += r"(?:[^\n]*\n)*?",
            _ => pattern += &(line(expected) + r"\n"),
        }
    }
    let seen =
        if seen.is_empty() || seen.ends_with('\n') { seen.to_owned() } else { format!("{seen}\n") };
    Regex::new(&(pattern + "$")).unwrap().is_match(&seen)
}

/// Where a JSON value differs from the one in the guide. Members are the same, and texts fit as lines
/// do, where `...` is anything; of the numbers only the kind is compared, and the last element of an
/// array stands for all that follow.
pub(super) fn difference(expected: &Value, seen: &Value, path: &str) -> Option<String> {
    match (expected, seen) {
        (Value::Object(a), Value::Object(b)) => {
            let names = |map: &serde_json::Map<String, Value>| -> Vec<String> {
                let mut names: Vec<_> = map.keys().cloned().collect();
                names.sort();
                names
            };
            if names(a) != names(b) {
                return Some(format!("{path}: members {:?}, not {:?}", names(b), names(a)));
            }
            a.iter()
                .find_map(|(name, value)| difference(value, &b[name], &format!("{path}.{name}")))
        }
        (Value::Array(a), Value::Array(b)) => match (a.last(), b.is_empty()) {
            (None, true) => None,
            (Some(last), false) => {
                let each = |(index, value): (usize, &Value)| {
                    let expected = a.get(index).unwrap_or(last);
                    difference(expected, value, &format!("{path}[{index}]"))
                };
                b.iter().enumerate().find_map(each)
            }
            _ => Some(format!("{path}: {} elements", b.len())),
        },
        (Value::Number(_), Value::Number(_)) => None,
        (Value::String(a), Value::String(b)) if fits(a, b) => None,
        // Text or null, by the case.
        (Value::String(any), _) if any == "..." => None,
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path}: {b}, not {a}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changes_may_change_and_nothing_else() {
        let key = "key 4816dfc85c4eac7b (master), 2026-11-25 17:00:00Z";
        assert!(fits(key, "key 0123456789abcdef (master), 2027-01-01 00:00:00Z\n"));
        assert!(!fits(key, "key 0123456789abcdef (direct), 2027-01-01 00:00:00Z\n"));
        assert!(!fits(key, "key 0123456789abcdeg (master), 2027-01-01 00:00:00Z\n"));
        assert!(fits("took 4.2 s, 112.00 MiB/s", "took 10.0 s, 9.11 GiB/s\n"));
        assert!(fits("", "") && !fits("", "something\n") && !fits("something", ""));
    }

    #[test]
    fn dots_stand_for_lines_and_for_text() {
        assert!(fits("a\n...\nz", "a\nb\nc\nz\n") && fits("a\n...\nz", "a\nz\n"));
        assert!(!fits("a\n...\nz", "a\nb\n") && !fits("a\nz", "a\nb\nz\n"));
        assert!(fits("size ... bytes", "size 12 bytes\n") && !fits("size ... bytes", "size 12\n"));
        assert!(fits("1.5 (x)", "1.5 (x)\n") && !fits("1.5", "1x5\n"));
    }

    #[test]
    fn json_has_the_same_members() {
        let expected = json!({ "size": 13, "key": "4816dfc85c4eac7b", "list": [{ "a": true }] });
        let good =
            json!({ "size": 7, "key": "0123456789abcdef", "list": [{ "a": true }, { "a": true }] });
        assert_eq!(difference(&expected, &good, ""), None);
        for bad in [
            json!({ "size": 7, "key": "0123456789abcdef" }),
            json!({ "size": "7", "key": "0123456789abcdef", "list": [{ "a": true }] }),
            json!({ "size": 7, "key": "another", "list": [{ "a": true }] }),
            json!({ "size": 7, "key": "0123456789abcdef", "list": [] }),
            json!({ "size": 7, "key": "0123456789abcdef", "list": [{ "a": true }, { "b": true }] }),
        ] {
            assert!(difference(&expected, &bad, "").is_some(), "{bad}");
        }
    }
}
