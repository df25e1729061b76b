//! The guide of `web/guide`, played: each chapter is somebody who does what it says, on every gateway.
//!
//! What a chapter may hold, and what becomes of it:
//!
//! * ` ```console `: lines that begin with `$ ` are typed, the lines below them are what is to be seen (both
//!   outputs). A line `...` stands for any lines, `...` inside of one for any text; times, dates,
//!   fingerprints, keys and speeds stand for any of their kind. `[exit code 3]` ends what fails.
//! * `rgw=20` or `rgw=16+18` behind the language: only there.
//! * `file=NAME`: the block is a file in the working directory. Every block of Python or JavaScript is
//!   one, and some command names it.
//! * ` ```json ` right behind a console block without output: its standard output, member for member.
//! * `{{#include ...}}` of an example: it is compiled and run with the others (`tests/it/examples.rs`). Every
//!   block of Rust is one. `cargo run --example NAME` in a command runs it as it was built.
//! * ` ```text ` and ` ```diagram ` are for the eye.
//! * `<!-- hidden ... -->`: commands as in a console block that readers do not see.
//! * `<!-- browser PAGE, INPUT, FILE, TEXT -->`: opens the page, chooses the file, and waits for the text.
//!
//! `s3://research-data`, `https://gateway.example.org` and `https://page.example.org` stand for the
//! bucket, the gateway and the page of this run.

mod parse;
mod play;
mod seen;

pub use parse::{Block, Chapter, chapters};
pub use play::play;

#[cfg(test)]
mod tests {
    use super::parse::{Block, chapters};

    /// A stranger's first tasks.
    const COMMANDS: usize = 5;
    const LINES: usize = 20;

    #[test]
    fn every_chapter_can_be_played() {
        let all = chapters();
        assert!(all.len() > 5, "the guide has chapters");
        for chapter in &all {
            if let Err(why) = chapter.check() {
                panic!("{}: {why}", chapter.name);
            }
        }
    }

    #[test]
    fn first_tasks_take_few_commands_or_lines() {
        let first: Vec<_> =
            chapters().into_iter().filter(|chapter| chapter.name.starts_with("first/")).collect();
        assert_eq!(first.len(), 5, "there are five of them");
        for chapter in first {
            let blocks = || chapter.blocks.iter();
            let commands = blocks().filter(|block| !block.hidden).flat_map(Block::commands).count();
            assert!(commands <= COMMANDS, "{}: {commands} commands", chapter.name);
            let lines: usize = blocks().map(Block::lines_of_code).sum();
            assert!(lines <= LINES, "{}: {lines} lines of code", chapter.name);
        }
    }
}
