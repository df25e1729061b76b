//! `s3-ssec man`: the manual pages, one for each command.

use crate::args::help;
use crate::report::{Exit, Failure};
use crate::session::Session;
use clap::Command;
use serde_json::json;
use std::io;
use std::path::Path;

pub(super) fn run(session: &Session, directory: &Path) -> Result<(), Failure> {
    let mut command = help::command();
    command.build();
    let mut pages = Vec::new();
    write(command, directory, &mut pages).map_err(|error| {
        let what = format!("{} cannot be written to: {error}", directory.display());
        Failure::new(Exit::Failed, what, "Name a directory that you may write to.")
    })?;
    let text = format!("{} pages in {}", pages.len(), directory.display());
    let json = json!({ "directory": directory.to_string_lossy(), "pages": pages });
    session.output.report(text, &json)
}

/// Writes the page of `command` and of those below it: `s3-ssec-key-new.1`.
fn write(command: Command, directory: &Path, pages: &mut Vec<String>) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write(below.clone(), directory, pages)?;
    }
    // The version without a commit: pages change when what they say does.
    let page =
        clap_mangen::Man::new(command).source(concat!("s3-ssec ", env!("CARGO_PKG_VERSION")));
    page.generate_to(directory)?;
    pages.push(page.get_filename());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_examples() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-man-{}", std::process::id()));
        let mut command = help::command();
        command.build();
        let mut pages = Vec::new();
        write(command, &directory, &mut pages).unwrap();
        for name in ["s3-ssec.1", "s3-ssec-put.1", "s3-ssec-key-new.1", "s3-ssec-man.1"] {
            assert!(pages.iter().any(|page| page == name), "{name} of {pages:?}");
        }
        for page in &pages {
            let text = std::fs::read_to_string(directory.join(page)).unwrap();
            assert!(text.contains(".TH s3") && text.contains("s3\\-ssec"), "{page}: {text}");
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
