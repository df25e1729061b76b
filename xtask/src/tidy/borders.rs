//! Rules about what may be said in one place only.

use super::{File, Finding};

/// The only file that spells the SSE-C header names.
const HEADERS_FILE: &str = "crates/s3-ssec-core/src/headers.rs";

/// The files that may take the bytes out of a key. Think twice before adding a line.
const KEY_BYTES: [&str; 7] = [
    // The door itself, and the key's own MD5.
    "crates/s3-ssec-core/src/key.rs",
    // The key header's value.
    "crates/s3-ssec-core/src/headers.rs",
    // The content key, for hashers in another place: it opens no object.
    "crates/s3-ssec-core/src/digest.rs",
    // The content key crosses to a worker that hashes.
    "crates/s3-ssec-wasm/src/key.rs",
    // The object key is derived from the master key.
    "crates/s3-ssec-core/src/derive.rs",
    // `key export` writes them in the encodings of other tools, on demand.
    "crates/s3-ssec-cli/src/commands/key/export.rs",
    // Tests of what was read from key files of other tools.
    "crates/s3-ssec-core/src/legacy.rs",
];

/// The files of the command that may make a keyring: all others get theirs when it was admitted to a
/// gateway.
const KEYRINGS: [&str; 2] =
    ["crates/s3-ssec-cli/src/keys.rs", "crates/s3-ssec-cli/src/keys/scope.rs"];

/// The only file of ours that starts other programs: what they are told is looked at in
/// `tests/it/leaks.rs`.
const CHILDREN: &str = "crates/s3-ssec-cli/src/keys.rs";

/// The only file of the page that sends requests.
const TRANSPORT_FILE: &str = "web/transport.js";

/// The core serves a command, a page and programs: it says what to do as data, and they say how.
const CORE: &str = "crates/s3-ssec-core/src/";

/// The files of the core that have flags and variables of other programs: they read their settings, or the
/// number of seeds.
const OTHER_SHELLS: [&str; 2] =
    ["crates/s3-ssec-core/src/foreign.rs", "crates/s3-ssec-core/src/transfer/sim.rs"];

/// Verbs of the command.
const VERBS: [&str; 12] = [
    "put", "get", "ls", "stat", "cp", "key", "policy", "bucket", "doctor", "repair", "rekey",
    "audit",
];

pub(super) fn core_names_no_shell(file: &File) -> Vec<Finding> {
    let is_core = file.path.starts_with(CORE) && file.has_extension(&["rs"]);
    if !is_core || OTHER_SHELLS.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let advice = "say what to do as data (advice::Remedy), and let the command name its flags";
    file.lines_where(names_a_shell, advice)
}

/// A flag, a variable of the command, or a call of it, outside of comments.
fn names_a_shell(line: &str) -> bool {
    let is_flag = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase());
    let is_call = |rest: &str| {
        VERBS.iter().any(|verb| {
            rest.strip_prefix(verb).is_some_and(|after| !after.starts_with(char::is_alphabetic))
        })
    };
    let is_comment = line.trim_start().starts_with("//");
    !is_comment
        && (line.split("--").skip(1).any(is_flag)
            || line.split("s3-ssec ").skip(1).any(is_call)
            || line.contains("S3_SSEC_"))
}

pub(super) fn header_names_in_one_file(file: &File) -> Vec<Finding> {
    let in_crates = file.path.starts_with("crates/") && file.has_extension(&["rs"]);
    let in_page = file.path.starts_with("web/") && file.has_extension(&["js"]);
    if !(in_crates || in_page) || file.path == HEADERS_FILE {
        return Vec::new();
    }
    file.lines_where(spells_a_header, &format!("take the header's name from {HEADERS_FILE}"))
}

/// Both families: of the object, and of the source of a copy.
fn spells_a_header(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.split("x-amz-").skip(1).any(|rest| {
        let rest = rest.strip_prefix("copy-source-").unwrap_or(rest);
        rest.starts_with("server-side-encryption-customer")
    })
}

pub(super) fn key_bytes_leave_in_few_places(file: &File) -> Vec<Finding> {
    let is_ours = file.path.starts_with("crates/") && file.has_extension(&["rs"]);
    if !is_ours || KEY_BYTES.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let calls = |line: &str| line.contains("expose_bytes(") || line.contains("::expose_bytes");
    file.lines_where(calls, "the bytes of a key leave it in the files listed in tidy/borders.rs")
}

pub(super) fn keys_meet_gateways_in_one_place(file: &File) -> Vec<Finding> {
    let is_ours = file.path.starts_with("crates/s3-ssec-cli/src/") && file.has_extension(&["rs"]);
    if !is_ours || KEYRINGS.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let makes = |line: &str| {
        ["into_keyring(", "Keyring::new(", "Keyring::labelled("]
            .iter()
            .any(|call| line.contains(call))
    };
    file.lines_where(makes, "take keys from Session::keyed: a key belongs to a gateway")
}

pub(super) fn children_start_in_one_place(file: &File) -> Vec<Finding> {
    let is_ours = file.path.starts_with("crates/") && file.path.contains("/src/");
    if !is_ours || !file.has_extension(&["rs"]) || file.path == CHILDREN {
        return Vec::new();
    }
    file.lines_where(
        |line| line.contains("Command::new("),
        &format!("only {CHILDREN} starts programs"),
    )
}

pub(super) fn one_caller_of_fetch(file: &File) -> Vec<Finding> {
    let in_page = file.path.starts_with("web/") && file.has_extension(&["js", "html"]);
    if !in_page || file.path == TRANSPORT_FILE {
        return Vec::new();
    }
    file.lines_where(calls_fetch, &format!("requests are sent by {TRANSPORT_FILE} only"))
}

/// `fetch(` as a word of its own, not the end of `prefetch(`.
fn calls_fetch(line: &str) -> bool {
    line.match_indices("fetch(").any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn header_names_are_found_in_any_case() {
        for name in [
            "x-amz-server-side-encryption-customer-key",
            "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm",
            "s3:x-amz-server-side-encryption-customer-algorithm",
        ] {
            for path in ["crates/s3-ssec/src/lib.rs", "web/app.js"] {
                assert_eq!(header_names_in_one_file(&file(path, name)).len(), 1, "{name}");
            }
            for path in [HEADERS_FILE, "tests/it/main.rs", "README.md"] {
                assert_eq!(header_names_in_one_file(&file(path, name)), [], "{path}");
            }
        }
    }

    #[test]
    fn other_encryption_headers_are_no_concern() {
        let text = "x-amz-server-side-encryption: AES256";
        assert_eq!(header_names_in_one_file(&file("crates/a/src/lib.rs", text)), []);
    }

    #[test]
    fn a_flag_in_a_text_of_the_core_is_found() {
        let path = "crates/s3-ssec-core/src/advice/table.rs";
        for text in [
            "        \"Give the key with --key-file FILE.\"",
            "             s3-ssec policy show.\"",
            "\"set S3_SSEC_KEY_FILE\"",
        ] {
            assert_eq!(core_names_no_shell(&file(path, text)).len(), 1, "{text}");
            assert_eq!(core_names_no_shell(&file("crates/s3-ssec-cli/src/report.rs", text)), []);
            assert_eq!(core_names_no_shell(&file(OTHER_SHELLS[0], text)), []);
            assert_eq!(core_names_no_shell(&file(path, &format!("    // {text}"))), []);
        }
        for text in ["a--b -- c", "\"s3-ssec nonces1\"", "\"the s3-ssec keys\"", "x--"] {
            let is_found = text.contains("--b");
            assert_eq!(core_names_no_shell(&file(path, text)).len(), usize::from(is_found));
        }
    }

    #[test]
    fn a_new_caller_of_the_key_is_found() {
        let text = "let bytes = key.expose_bytes();";
        assert_eq!(key_bytes_leave_in_few_places(&file("crates/a/src/b.rs", text)).len(), 1);
        assert_eq!(key_bytes_leave_in_few_places(&file(KEY_BYTES[0], text)), []);
    }

    #[test]
    fn a_second_place_that_starts_programs_is_found() {
        let text = "Command::new(pager)";
        let found = |path| children_start_in_one_place(&file(path, text)).len();
        assert_eq!(found("crates/s3-ssec/src/put.rs"), 1);
        assert_eq!(found(CHILDREN) + found("crates/s3-ssec-core/tests/it/wipes.rs"), 0);
    }

    #[test]
    fn a_keyring_without_a_gateway_is_found() {
        let text = "let keys = file.into_keyring()?;";
        let found = |path| keys_meet_gateways_in_one_place(&file(path, text)).len();
        assert_eq!(found("crates/s3-ssec-cli/src/commands/put.rs"), 1);
        assert_eq!(found(KEYRINGS[1]), 0);
        assert_eq!(found("crates/s3-ssec/src/put.rs"), 0);
    }

    #[test]
    fn a_second_caller_of_fetch_is_found() {
        assert_eq!(one_caller_of_fetch(&file("web/app.js", "await fetch(url)")).len(), 1);
        assert_eq!(one_caller_of_fetch(&file("web/app.js", "self.fetch(url)")).len(), 1);
        assert_eq!(one_caller_of_fetch(&file("web/app.js", "prefetch(url)")), []);
        assert_eq!(one_caller_of_fetch(&file(TRANSPORT_FILE, "fetch(url)")), []);
    }
}
