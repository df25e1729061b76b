//! Errors of the command line, in two lines like all others.

use super::Exit;
use crate::output::{to_stderr, to_stdout};
use crate::text::printable;
use clap::error::ErrorKind;
use std::process::ExitCode;

/// Prints help, a version, or what is wrong with the command line.
pub(crate) fn print(error: &clap::Error) -> ExitCode {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            to_stdout(&text.to_string());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            to_stderr(&text.to_string());
            Exit::Usage.into()
        }
        _ => {
            let (what, todo) = two_lines(&text.to_string());
            to_stderr(&format!("s3-ssec: {}\n  {}\n", printable(&what), printable(&todo)));
            Exit::Usage.into()
        }
    }
}

/// Folds clap's paragraphs: the first says what is wrong, then come tips and the usage.
fn two_lines(text: &str) -> (String, String) {
    let mut paragraphs = text.split("\n\n").map(str::trim);
    let fold = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let what = fold(paragraphs.next().unwrap_or_default());
    let what = what.strip_prefix("error: ").unwrap_or(&what).to_owned();
    let mut usage = None;
    for paragraph in paragraphs {
        if let Some(tip) = paragraph.strip_prefix("tip: ") {
            return (what, format!("Tip: {}.", fold(tip.lines().next().unwrap_or_default())));
        }
        usage = usage.or_else(|| paragraph.strip_prefix("Usage: "));
    }
    let todo = match usage {
        Some(usage) => format!("Usage: {}; --help says more.", fold(usage)),
        None => "See s3-ssec --help, or --help after the name of the command.".to_owned(),
    };
    (what, todo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::{CommandFactory as _, Parser as _};

    fn lines(words: &[&str]) -> (String, String) {
        let words = ["s3-ssec"].iter().chain(words);
        two_lines(&Cli::try_parse_from(words).err().unwrap().render().to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn two_lines_say_what_and_how() {
        let (what, todo) = lines(&["put", "a"]);
        assert_eq!(what, "the following required arguments were not provided: <TARGET>");
        assert!(todo.starts_with("Usage: s3-ssec put"), "{todo}");
        let (what, todo) = lines(&["stat", "s3://bucket"]);
        assert!(what.ends_with("it names a bucket, and an object is wanted: s3://bucket/key"));
        assert_eq!(todo, "See s3-ssec --help, or --help after the name of the command.");
        let (_, todo) = lines(&["ls", "--recursiv"]);
        assert!(todo.contains("'--recursive'"), "{todo}");
    }

    #[test]
    fn options_of_every_command_go_before_and_after_it() {
        let before = ["s3-ssec", "--timeout", "7", "--output", "json", "-q", "ls"];
        let after = ["s3-ssec", "ls", "--timeout", "7", "--output", "json", "-q"];
        for words in [before, after] {
            let global = Cli::try_parse_from(words).unwrap().global;
            assert_eq!((global.timeout, global.quiet), (7, true));
            assert_eq!(global.output, crate::args::OutputFormat::Json);
        }
    }
}
