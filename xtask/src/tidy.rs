//! House rules that compilers do not know. Each rule is a function with a test of its own.

mod borders;
mod circles;
mod text;
mod workspace;

use crate::{output, project};
use anyhow::{Result, bail};
use xshell::Shell;

/// A text file of the checkout.
struct File {
    /// Relative to the root, with `/` between its parts.
    path: String,
    text: String,
}

/// A broken rule: where, and what to do.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    advice: String,
}

/// Rules about one file.
const FILE_RULES: [fn(&File) -> Vec<Finding>; 12] = [
    text::module_doc_comes_first,
    text::file_is_short,
    text::no_trailing_space,
    text::no_disabled_code,
    text::no_registry_host,
    text::no_home_path,
    borders::core_names_no_shell,
    borders::header_names_in_one_file,
    borders::key_bytes_leave_in_few_places,
    borders::children_start_in_one_place,
    borders::keys_meet_gateways_in_one_place,
    borders::one_caller_of_fetch,
];

/// Runs `cargo xtask tidy`.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let files = files(sh)?;
    let mut findings: Vec<Finding> =
        files.iter().flat_map(|file| FILE_RULES.iter().flat_map(|rule| rule(file))).collect();
    findings.extend(workspace::live_tests_are_registered(&files));
    findings.extend(circles::imports_have_no_circle(&files));
    findings.extend(workspace::arrows_point_inwards(&project::metadata(sh)?));
    for finding in &findings {
        output::line(format_args!("{}:{}: {}", finding.path, finding.line, finding.advice));
    }
    if !findings.is_empty() {
        bail!("{} places are untidy\nThey stand above.", findings.len());
    }
    output::say(format_args!("{} files are tidy", files.len()));
    Ok(())
}

/// The text files that git has or would take.
fn files(sh: &Shell) -> Result<Vec<File>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = sh.cmd("git").args(list).quiet().read()?;
    let mut files = Vec::new();
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        // A file that was removed and not yet committed is listed too, and so are binary files.
        if let Ok(text) = std::fs::read_to_string(project::root().join(name)) {
            files.push(File { path: name.to_owned(), text });
        }
    }
    Ok(files)
}

impl File {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, ext)| extensions.contains(&ext))
    }

    fn finding(&self, line: usize, advice: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, advice: advice.into() }
    }

    /// One finding for each line that is `bad`.
    fn lines_where(&self, bad: impl Fn(&str) -> bool, advice: &str) -> Vec<Finding> {
        let lines = self.text.lines().enumerate();
        lines.filter(|(_, l)| bad(l)).map(|(index, _)| self.finding(index + 1, advice)).collect()
    }
}

/// A made-up file for the tests of the rules.
#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: text.into() }
}
