//! The parsers, good inputs for them, and what holds whatever they are given.

mod documents;
mod keys;

use std::path::Path;

/// A parser.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Reads an input, asserts what holds, and says what came of it.
    pub(crate) run: fn(&[u8]) -> String,
    /// Inputs to begin with, good ones among them.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Words that mean something there.
    pub(crate) dictionary: &'static [&'static str],
}

pub(crate) const TARGETS: [Target; 13] = [
    Target { name: "key_file", run: keys::key_file, seeds: keys::key_files, dictionary: KEY_WORDS },
    Target {
        name: "legacy",
        run: keys::legacy_key,
        seeds: keys::foreign_files,
        dictionary: FOREIGN_WORDS,
    },
    Target {
        name: "foreign",
        run: keys::foreign_keys,
        seeds: keys::foreign_files,
        dictionary: FOREIGN_WORDS,
    },
    Target {
        name: "record",
        run: keys::record,
        seeds: keys::records,
        dictionary: &["v1.", "v2.", "m.", ".-", "-"],
    },
    Target {
        name: "words",
        run: keys::key_words,
        seeds: keys::word_lists,
        dictionary: &["abandon ", "zoo ", "24. ", "fingerprint ", "#"],
    },
    Target {
        name: "shares",
        run: keys::share_lines,
        seeds: keys::share_lists,
        dictionary: &["s3-ssec-share1", "\n", "#"],
    },
    Target {
        name: "journal",
        run: documents::journal,
        seeds: documents::journals,
        dictionary: JOURNAL_WORDS,
    },
    Target {
        name: "policy",
        run: documents::bucket_policy,
        seeds: documents::policies,
        dictionary: POLICY_WORDS,
    },
    Target {
        name: "cors",
        run: documents::cors,
        seeds: documents::cors_rules,
        dictionary: CORS_WORDS,
    },
    Target {
        name: "error_response",
        run: documents::error_response,
        seeds: documents::error_responses,
        dictionary: ERROR_WORDS,
    },
    Target {
        name: "listing",
        run: documents::listing,
        seeds: documents::listings,
        dictionary: &[
            "<Contents>",
            "</Contents>",
            "<Key>",
            "%2F",
            "&#x1;",
            "true",
            "<IsTruncated>",
        ],
    },
    Target {
        name: "rules",
        run: documents::config,
        seeds: documents::configs,
        dictionary: &["[[keys]]\n", "for = \"s3://abc/\"\n", "file = \"a\"\n", "\"\"\""],
    },
    Target {
        name: "addresses",
        run: documents::address,
        seeds: documents::addresses,
        dictionary: ADDRESS_WORDS,
    },
];

const KEY_WORDS: &[&str] = &[
    "s3-ssec-keys 1\n",
    "s3-ssec-keys 2\n",
    "key ",
    "label ",
    "created ",
    "s3-ssec-master1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqdm95e",
    "s3-ssec-direct1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sn6hjwc",
    "#",
    "\r\n",
];
const FOREIGN_WORDS: &[&str] = &[
    "[remote]\n",
    "sse_customer_key = ",
    "sse_customer_key_base64 = ",
    "RCLONE_ENCRYPT_V0:\n",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "myminio/bucket/prefix=",
    ",",
    "#",
];
const JOURNAL_WORDS: &[&str] =
    &["{\"begun\":", "{\"created\":", "{\"sending\":", "{\"stored\":", "\"completing\"\n", "}\n"];
const POLICY_WORDS: &[&str] = &[
    "\"Statement\":",
    "[]",
    "{}",
    "[",
    "null",
    "\"Effect\":\"Deny\",",
    "\"Condition\":",
    "\"Sid\":\"S3SsecRequireCustomerKey\",",
];
const CORS_WORDS: &[&str] = &[
    "<CORSRule>",
    "</CORSRule>",
    "<AllowedOrigin>*</AllowedOrigin>",
    "<MaxAgeSeconds>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#0;",
    "<?xml?>",
];
const ERROR_WORDS: &[&str] = &[
    "<Error>",
    "</Error>",
    "<Code>",
    "</Code>",
    "<Message>",
    "&lt;",
    "&#x1b;",
    "<![CDATA[",
    "]]>",
];
const ADDRESS_WORDS: &[&str] = &[
    "s3://", "https://", "http://", "//", ":443", ":", "[::1]", "@", "?", "#", "*", "%", "..", ".",
];

/// A text that goes to a terminal or a log does not repeat what may be a key.
fn assert_discreet(input: &[u8], said: &str) {
    let of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let input = String::from_utf8_lossy(input);
    for word in said.split(|c| !of_key(c)).filter(|word| word.len() >= 20) {
        assert!(!input.contains(word), "{said:?} repeats its input");
    }
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

fn texts(list: &[&str]) -> Vec<Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Lists of lines and texts below `field` of a file of vectors.
fn vectors(file: &str, field: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut found = Vec::new();
    collect(&json, field, &mut found);
    assert!(!found.is_empty(), "{file} has no {field}");
    found
}

fn collect(json: &serde_json::Value, field: &str, found: &mut Vec<Vec<u8>>) {
    use serde_json::Value;
    match json {
        Value::Array(list) => list.iter().for_each(|item| collect(item, field, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value {
            Value::String(text) if name == field => found.push(text.clone().into_bytes()),
            Value::Array(lines) if name == field && lines.iter().all(Value::is_string) => {
                let lines: Vec<_> = lines.iter().filter_map(Value::as_str).collect();
                found.push(lines.join("\n").into_bytes());
            }
            value => collect(value, field, found),
        }),
        _ => {}
    }
}
