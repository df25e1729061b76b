//! Rules about the text of any file.

use super::{File, Finding};

const MAX_LINES: usize = 600;
const SOURCES: [&str; 5] = ["rs", "js", "ts", "css", "html"];

/// Hosts of package registries: what is fetched by name needs no address. In two parts each, so
/// that this file obeys its own rule.
const REGISTRY_HOSTS: [(&str, &str); 7] = [
    ("crates", ".io"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("deb.debian", ".org"),
    ("proxy.golang", ".org"),
];

/// Beginnings of home directories, in two parts for the same reason.
const HOMES: [(&str, &str); 3] = [("/ho", "me/"), ("/ro", "ot/"), ("/Us", "ers/")];

/// Macros and attributes that stand for work not done.
const DISABLED: [(&str, &str); 3] = [("#[ign", "ore"), ("to", "do!("), ("unimple", "mented!(")];

pub(super) fn module_doc_comes_first(file: &File) -> Vec<Finding> {
    if !file.has_extension(&["rs"]) || file.text.starts_with("//! ") {
        return Vec::new();
    }
    vec![file.finding(1, "begin with `//!`: what this file is for, in one sentence")]
}

pub(super) fn file_is_short(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().count();
    if !file.has_extension(&SOURCES) || lines < MAX_LINES {
        return Vec::new();
    }
    vec![file.finding(MAX_LINES, format!("{lines} lines: files stay under {MAX_LINES}; split it"))]
}

pub(super) fn no_trailing_space(file: &File) -> Vec<Finding> {
    file.lines_where(|line| line.ends_with([' ', '\t', '\r']), "remove the space at the end")
}

pub(super) fn no_disabled_code(file: &File) -> Vec<Finding> {
    if !file.has_extension(&["rs"]) {
        return Vec::new();
    }
    let bad = |line: &str| contains_any(line, &DISABLED);
    file.lines_where(bad, "no ignored test, and no code that is still to be written")
}

pub(super) fn no_registry_host(file: &File) -> Vec<Finding> {
    // Cargo writes its lock file, and the registry's name into it.
    if file.path == "Cargo.lock" {
        return Vec::new();
    }
    file.lines_where(|line| contains_any(line, &REGISTRY_HOSTS), "name packages, not registries")
}

pub(super) fn no_home_path(file: &File) -> Vec<Finding> {
    file.lines_where(|line| contains_any(line, &HOMES), "no path of somebody's machine")
}

fn contains_any(line: &str, words: &[(&str, &str)]) -> bool {
    words.iter().any(|(start, end)| line.contains(&format!("{start}{end}")))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn a_file_without_a_module_doc_is_found() {
        assert_eq!(module_doc_comes_first(&file("a.rs", "use std::fs;\n")).len(), 1);
        assert_eq!(module_doc_comes_first(&file("a.rs", "//! Files.\n")), []);
        assert_eq!(module_doc_comes_first(&file("a.js", "let a;\n")), []);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(file_is_short(&file("a.js", &"x\n".repeat(600))).len(), 1);
        assert_eq!(file_is_short(&file("a.js", &"x\n".repeat(599))), []);
        assert_eq!(file_is_short(&file("vectors.json", &"x\n".repeat(600))), []);
    }

    #[test]
    fn trailing_space_is_found_on_its_line() {
        let findings = no_trailing_space(&file("a.md", "good\nbad \n"));
        assert_eq!(findings[0].line, 2);
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn ignored_tests_and_missing_code_are_found() {
        for (start, end) in DISABLED {
            assert_eq!(no_disabled_code(&file("a.rs", &format!("{start}{end}"))).len(), 1);
        }
        assert_eq!(no_disabled_code(&file("a.rs", "#[test]")), []);
    }

    #[test]
    fn registry_hosts_are_found() {
        let text = REGISTRY_HOSTS.map(|(a, b)| format!("see {a}{b}\n")).concat();
        assert_eq!(no_registry_host(&file("README.md", &text)).len(), REGISTRY_HOSTS.len());
        assert_eq!(no_registry_host(&file("Cargo.lock", &text)), []);
    }

    #[test]
    fn home_directories_are_found() {
        let text = HOMES.map(|(a, b)| format!("{a}{b}someone\n")).concat();
        assert_eq!(no_home_path(&file("README.md", &text)).len(), HOMES.len());
        assert_eq!(no_home_path(&file("README.md", "~/keys/lab.key")), []);
    }
}
