//! The command line as clap knows it, with help that flows at the width of the terminal.

use super::Cli;
use clap::{Command, CommandFactory as _, FromArgMatches as _};
use std::ffi::OsString;

/// Reads a command line. `help` before the name of a command is the same as `--help` behind it.
pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut words: Vec<_> = words.collect();
    if words.get(1).is_some_and(|word| word == "help") {
        words.remove(1);
        words.push("--help".into());
    }
    let mut matches = command().try_get_matches_from(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
}

/// The command with all below it.
pub(crate) fn command() -> Command {
    flowing(Cli::command())
}

fn flowing(command: Command) -> Command {
    let command = match command.get_after_long_help().map(ToString::to_string) {
        Some(text) => command.after_long_help(flow(&text)),
        None => command,
    };
    command.mut_subcommands(flowing)
}

/// Joins the lines of each paragraph. clap keeps line ends that it finds, and wraps what is left
/// over of a long line by itself. Indented lines are examples and tables, and stay.
fn flow(text: &str) -> String {
    let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut flowing = String::with_capacity(text.len());
    let mut before = "";
    for line in text.lines() {
        if is_prose(before) && is_prose(line) {
            flowing.push(' ');
        } else if !flowing.is_empty() {
            flowing.push('\n');
        }
        flowing.push_str(line);
        before = line;
    }
    flowing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_flow_and_examples_stay() {
        let text = "a\nb\n\nc\n  d\n  e\nf";
        assert_eq!(flow(text), "a b\n\nc\n  d\n  e\nf");
        assert_eq!(flow("a\n\n\nb\n  c\n"), "a\n\n\nb\n  c");
    }

    /// A short word that stands alone between lines that are as far to the right.
    fn is_stray([before, line, after]: [&str; 3]) -> bool {
        let indent = |line: &str| line.len() - line.trim_start().len();
        let together = [before, after]
            .iter()
            .all(|other| !other.trim().is_empty() && indent(other) == indent(line));
        together && line.split_whitespace().count() == 1 && line.trim().len() < 15
    }

    fn look(command: Command, count: &mut usize, wrong: &mut Vec<String>) {
        let mut command = command.term_width(100);
        let name = command.get_bin_name().unwrap_or_default().to_owned();
        let help = command.render_long_help().to_string();
        let lines: Vec<_> = help.lines().collect();
        let long = lines.iter().filter(|line| line.chars().count() > 100);
        wrong.extend(long.map(|line| format!("{name}: {line}")));
        let stray = lines.windows(3).filter(|three| is_stray([three[0], three[1], three[2]]));
        wrong.extend(stray.map(|three| format!("{name}: {three:#?}")));
        let source = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let indented = source.lines().filter(|line| line.starts_with(' ') && line.len() > 100);
        wrong.extend(indented.map(|line| format!("{name}: wrapped {line}")));
        *count += 1;
        command.get_subcommands().cloned().for_each(|below| look(below, count, wrong));
    }

    #[test]
    fn no_help_is_wrapped_twice() {
        let mut command = command();
        command.build();
        let (mut count, mut wrong) = (0, Vec::new());
        look(command, &mut count, &mut wrong);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(count > 30, "{count}");
    }

    #[test]
    fn help_is_a_command_too() {
        let said = |words: &[&str]| {
            let words = ["s3-ssec"].iter().chain(words).map(OsString::from);
            parse(words).err().unwrap().render().to_string()
        };
        assert_eq!(said(&["help"]), said(&["--help"]));
        assert_eq!(said(&["help", "put"]), said(&["put", "--help"]));
        assert_eq!(said(&["help", "key", "new"]), said(&["key", "new", "--help"]));
        assert!(said(&["help", "nonsense"]).contains("unrecognized subcommand 'nonsense'"));
    }
}
