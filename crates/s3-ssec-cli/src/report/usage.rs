//! Errors of the command line, in two lines like all others.

use super::Exit;
use crate::keys::typed::masked;
use crate::output::{to_stderr, to_stdout};
use crate::style::Tone;
use crate::text::printable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::process::ExitCode;

/// Prints help, a version, or what is wrong with the command line.
pub(crate) fn print(error: &clap::Error) -> ExitCode {
    let text = error.render();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            to_stdout(&text.ansi().to_string());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            to_stderr(&text.ansi().to_string());
            Exit::Usage.into()
        }
        _ => {
            let (what, todo) = two_lines(&text.to_string());
            let todo = word_of_another_tool(error).unwrap_or(todo);
            let name = Tone::Bad.paint("s3-ssec:");
            to_stderr(&format!(
                "{name} {}\n  {}\n",
                printable(&masked(&what)),
                printable(&masked(&todo))
            ));
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

/// What other tools call what we call otherwise: words after the name of the command.
const WORDS: [(&[&str], &str); 12] = [
    (&["mb", "mkbucket", "makebucket"], "bucket create"),
    (&["upload", "push", "copyto"], "put"),
    (&["download", "fetch", "pull"], "get"),
    (&["sync", "mirror", "rsync"], "put -r or s3-ssec get -r, which leave out what is there"),
    (&["list", "dir", "lsd", "lsl"], "ls"),
    (&["info", "head", "head-object"], "stat"),
    (&["delete", "del", "remove", "rb"], "rm"),
    (&["copy", "mv", "move"], "cp"),
    (&["keygen", "genkey", "init"], "key new"),
    (&["share", "sign", "url", "signurl"], "presign get"),
    (&["check", "cryptcheck", "fsck"], "verify"),
    (&["setpolicy", "put-bucket-policy", "anonymous"], "policy apply"),
];

/// Words after `s3-ssec key`.
const KEY_WORDS: [(&[&str], &str); 3] = [
    (&["generate", "gen", "create", "make", "init"], "key new"),
    (&["list", "ls", "info", "cat"], "key show"),
    (&["save", "print", "recover"], "key backup, or s3-ssec key restore"),
];

/// Names our word for one of another tool.
fn word_of_another_tool(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let words = match usage {
        usage if usage.contains("s3-ssec [OPTIONS]") => &WORDS[..],
        usage if usage.contains("s3-ssec key [OPTIONS]") => &KEY_WORDS[..],
        _ => return None,
    };
    let (_, ours) = words.iter().find(|(theirs, _)| theirs.contains(&word.as_str()))?;
    Some(format!("Tip: that is s3-ssec {ours}; --help says more."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, help};
    use clap::Parser as _;

    fn lines(words: &[&str]) -> (String, String) {
        let words = ["s3-ssec"].iter().chain(words);
        two_lines(&Cli::try_parse_from(words).err().unwrap().render().to_string())
    }

    #[test]
    fn the_command_line_is_sound() {
        help::command().debug_assert();
    }

    #[test]
    fn version_ids_may_begin_with_a_dash() {
        for command in [&["get", "s3://bucket/a", "a"][..], &["rm", "s3://bucket/a"]] {
            let words = ["s3-ssec"].iter().chain(command).chain(&["--version-id", "-T.x"]);
            assert!(Cli::try_parse_from(words).is_ok(), "{command:?}");
        }
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
    fn words_of_other_tools_are_known() {
        let tip = |words: &[&str]| {
            let words = ["s3-ssec"].iter().chain(words);
            word_of_another_tool(&Cli::try_parse_from(words).err().unwrap())
        };
        assert_eq!(tip(&["mb"]).unwrap(), "Tip: that is s3-ssec bucket create; --help says more.");
        assert_eq!(tip(&["list"]).unwrap(), "Tip: that is s3-ssec ls; --help says more.");
        assert_eq!(
            tip(&["key", "list"]).unwrap(),
            "Tip: that is s3-ssec key show; --help says more."
        );
        assert_eq!(tip(&["policy", "list"]), None);
        assert_eq!(tip(&["nonsense"]), None);
        for (theirs, ours) in WORDS.iter().chain(&KEY_WORDS) {
            let ours: Vec<_> = ours.split([' ', ',']).take_while(|word| *word != "-r").collect();
            let mut command = help::command();
            for word in ours.iter().take_while(|word| !word.is_empty() && **word != "or") {
                let found = command.find_subcommand(word);
                command = found.unwrap_or_else(|| panic!("{theirs:?} is {word}?")).clone();
            }
        }
    }

    #[test]
    fn a_typing_error_in_a_command_gets_a_tip() {
        let (what, todo) = lines(&["putt"]);
        assert_eq!(what, "unrecognized subcommand 'putt'");
        assert!(todo.contains("'put'"), "{todo}");
        let (_, todo) = lines(&["ls", "--output", "jsn"]);
        assert!(todo.contains("'json'"), "{todo}");
    }

    /// The words of a line of a shell, as far as examples need them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
        for character in line.chars() {
            match character {
                '\'' => quoted = !quoted,
                ' ' if !quoted => {
                    words.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()))
                }
                _ => word.push(character),
            }
        }
        words.extend(Some(word).filter(|word| !word.is_empty()));
        words
    }

    /// A remark stands behind three spaces; a pipe, a redirection or the next command ends a line.
    fn example(line: &str) -> Option<String> {
        let line = line.strip_prefix("  s3-ssec ")?;
        let end = ["   ", " | ", " > ", " >> ", "; ", " < "];
        let end = end.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
        Some(line[..end].to_owned())
    }

    fn examples(command: &clap::Command, count: &mut usize) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let help = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let lines: Vec<_> = help.lines().filter_map(example).collect();
        assert!(!lines.is_empty(), "{name} --help has no example");
        for line in lines {
            // What age makes and what nobody can type by heart.
            let line = line.replace("age1...", AGE);
            let words = ["s3-ssec".to_owned()].into_iter().chain(words(&line));
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("the example of {name} is wrong: {line}\n{error}");
            }
            *count += 1;
        }
        command.get_subcommands().for_each(|below| examples(below, count));
    }

    const AGE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

    #[test]
    fn every_command_has_examples_and_they_parse() {
        let mut command = help::command();
        command.build();
        let mut count = 0;
        examples(&command, &mut count);
        assert!(count > 60, "{count}");
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
