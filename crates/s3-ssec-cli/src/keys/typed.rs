//! Keys that were typed where the name of a file belongs: recognised, so that no message repeats them.

use crate::report::{Exit, Failure};
use s3_ssec::core::legacy::{self, Encoding, LegacyError};
use std::path::Path;
use zeroize::Zeroizing;

/// Refuses a name that looks like a key, unless there is a file of that name. `holder` is the option or
/// variable.
pub(crate) fn refuse(holder: &str, name: &Path) -> Result<(), Failure> {
    if !is_key(&name.to_string_lossy()) || name.exists() {
        return Ok(());
    }
    let what =
        format!("{holder} holds what looks like a key, and the name of a file belongs there");
    let todo = "Write the key into a file that only you can read, and name that file. Whoever sees the \
                processes or your shell's history may have the key: a new one is better, s3-ssec key \
                new.";
    Err(Failure::new(Exit::Key, what, todo))
}

/// As [`refuse`], for names one after another: unquoted words of a backup are many names.
pub(crate) fn refuse_all(holder: &str, names: &[impl AsRef<Path>]) -> Result<(), Failure> {
    let all: Vec<_> = names.iter().map(|name| name.as_ref().to_string_lossy()).collect();
    let all = Zeroizing::new(all.join(" "));
    if are_words(&all) {
        refuse(holder, Path::new(&*all))?;
    }
    names.iter().try_for_each(|name| refuse(holder, name.as_ref()))
}

/// Takes out what looks like a key: words of the command line that an error repeats.
pub(crate) fn masked(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '=');
        if is_key(bare) { word.replace(bare, "[...]") } else { word.to_owned() }
    };
    let part = |part: &str| match is_key(part) {
        true => "[...]".to_owned(),
        false => part.split(' ').map(word).collect::<Vec<_>>().join(" "),
    };
    text.split('\'').map(part).collect::<Vec<_>>().join("'")
}

/// The last fence before an error is printed: takes out what looks like a key on the command line, whatever
/// belonged there. Objects may have such names, and version IDs are such names.
pub(crate) fn fenced(text: String) -> String {
    let words = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok());
    without(text, words)
}

const VERSION_OPTION: &str = "--version-id";

fn without(text: String, words: impl IntoIterator<Item = String>) -> String {
    let mut is_version_next = false;
    words.into_iter().fold(text, |text, word| {
        let word = Zeroizing::new(word);
        let is_version = std::mem::replace(&mut is_version_next, *word == VERSION_OPTION);
        let (is_version, value) = match word.strip_prefix("--").and_then(|_| word.split_once('=')) {
            Some((option, value)) => (option == VERSION_OPTION, value),
            None => (is_version, &**word),
        };
        let is_hidden = !is_version
            && !value.starts_with("s3://")
            && is_key(value)
            && !Path::new(value).exists();
        if is_hidden { text.replace(value, "[...]") } else { text }
    })
}

/// True for what could be a key, or nearly one, in any form that this program or another tool has.
fn is_key(text: &str) -> bool {
    let text = text.trim().trim_matches(['"', '\'']);
    // A key in base64 may hold slashes, and stand behind a directory.
    let ends = text.match_indices('/').map(|(slash, _)| &text[slash + 1..]);
    are_words(text) || std::iter::once(text).chain(ends).any(is_one_key)
}

/// Twelve words and more, as backups of keys have them.
fn are_words(text: &str) -> bool {
    const FEWEST: usize = 12;
    let is_word = |word: &&str| {
        (3..=8).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let words: Vec<_> = text.split_whitespace().filter(|word| !is_number(word)).collect();
    // The fingerprint may stand behind them.
    words.len() >= FEWEST && words.iter().filter(|word| is_word(word)).count() + 2 >= words.len()
}

fn is_one_key(text: &str) -> bool {
    const STARTS: [&str; 4] =
        ["s3-ssec-master1", "s3-ssec-direct1", "s3-ssec-share1", "age-secret-key-1"];
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    if STARTS.iter().any(|start| lower.starts_with(start)) {
        return true;
    }
    // base64url is base64 with other signs.
    let standard = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
    match legacy::read(standard.as_bytes()) {
        // 32 characters that are no path.
        Ok((_, Encoding::Raw | Encoding::RawWithNewline)) => {
            !text.contains(['/', '.']) && has_many_kinds(text)
        }
        Ok(_) | Err(LegacyError::HexDigit(_) | LegacyError::HexLength(_)) => true,
        // A character too few or too many.
        Err(LegacyError::Base64Length(length)) => {
            (29..=36).contains(&length) && has_many_kinds(text)
        }
        Err(LegacyError::Length(length)) => (42..=46).contains(&length) && is_nearly_base64(text),
        _ => false,
    }
}

/// Text of 42 to 46 characters of base64 that is none: names of files have dots.
fn is_nearly_base64(text: &str) -> bool {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    has_many_kinds(text) && text.chars().all(of_base64)
}

/// Capital and small letters and digits, or digits in every third place.
fn has_many_kinds(text: &str) -> bool {
    let count = |of: fn(&char) -> bool| text.chars().filter(of).count();
    let (large, small, digits) = (
        count(char::is_ascii_uppercase),
        count(char::is_ascii_lowercase),
        count(char::is_ascii_digit),
    );
    (large >= 3 && small >= 3 && digits >= 1) || digits * 3 >= text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
    const MASTER: &str =
        "s3-ssec-master1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0sqdm95f";
    const WORDS: &str = "abandon amount liar amount expire adjust cage candy arch gather drum bullet \
                         absurd math era live bid rhythm alien crouch range attend journey unaware";

    #[test]
    fn keys_of_all_forms_are_recognised() {
        let hex = "00ff".repeat(16);
        let url = BASE64.replace('/', "_");
        let keys = [
            BASE64.to_owned(),
            BASE64[..43].to_owned(),
            BASE64[1..].to_owned(),
            BASE64.replacen('p', "pp", 1),
            url,
            hex.clone(),
            hex.to_ascii_uppercase(),
            hex[..62].to_owned(),
            "Zq3nX8vR2mK7pL5wT9yB4cH6jD1fG0sA".to_owned(),
            "9f86d081884c7d659a2feaa0c55ad015".to_owned(),
            MASTER.to_owned(),
            MASTER.to_ascii_uppercase(),
            format!("{} ", &MASTER[..60]),
            WORDS.to_owned(),
            WORDS.split(' ').take(12).collect::<Vec<_>>().join(" "),
            format!("{WORDS} 4816dfc85c4eac7b"),
            "AGE-SECRET-KEY-1QQQ".to_owned(),
        ];
        for key in keys {
            for shown in [key.clone(), format!("./{key}"), format!("fileb:///a/{key}")] {
                assert!(is_key(&shown) || shown.contains(' '), "{shown}");
            }
            assert!(is_key(&key), "{key}");
            let error = refuse("--key-file", Path::new(&key)).unwrap_err();
            assert_eq!(error.exit, Exit::Key);
            assert!(!error.to_string().contains(&key) && error.what().starts_with("--key-file "));
        }
        let words: Vec<_> = WORDS.split(' ').collect();
        let error = refuse_all("BACKUP", &words).unwrap_err();
        assert!(!words.iter().any(|word| error.what().contains(word)), "{error}");
    }

    #[test]
    fn names_of_files_are_not() {
        for name in [
            "lab.key",
            "/srv/ada/keys/lab.key",
            "/srv/ada/projects/research/data/keys/2026/lab",
            "s3-ssec.key",
            "key of the lab in the second room on the left.txt",
            "lab-data-from-the-second-quarter-2026",
            "/dev/fd/63",
            "",
        ] {
            assert!(!is_key(name), "{name}");
            assert!(refuse("--key-file", Path::new(name)).is_ok());
        }
        assert!(refuse_all("BACKUP", &["lab.share.1", "lab.share.4", "lab.share.5"]).is_ok());
    }

    #[test]
    fn a_file_of_that_name_is_a_file() {
        let directory = std::env::temp_dir().join(format!("s3-ssec-typed-{}", std::process::id()));
        let name = directory.join("00ff".repeat(16));
        std::fs::create_dir_all(&directory).unwrap();
        assert!(refuse("--key-file", &name).is_err());
        std::fs::write(&name, "").unwrap();
        assert!(refuse("--key-file", &name).is_ok());
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn no_error_repeats_a_key_from_the_command_line() {
        let hex = "00ff".repeat(16);
        for key in [BASE64, MASTER, &hex] {
            for word in [key.to_owned(), format!("--against={key}")] {
                let text = format!("s3-ssec: {key:?} does not exist");
                let shown = without(text, ["put".to_owned(), word]);
                assert_eq!(shown, "s3-ssec: \"[...]\" does not exist");
            }
        }
        for version in
            [vec!["--version-id".to_owned(), hex.clone()], vec![format!("--version-id={hex}")]]
        {
            let text = format!("s3-ssec: there is no version {hex}");
            assert_eq!(without(text.clone(), version), text);
        }
        let both = ["--version-id".to_owned(), "v1".to_owned(), hex.clone()];
        assert_eq!(without(hex.clone(), both), "[...]");
        let object = format!("s3://bucket/{hex}");
        let text = format!("s3-ssec: {object} does not exist");
        assert_eq!(without(text.clone(), [object, "lab.key".to_owned()]), text);
    }

    #[test]
    fn errors_of_the_command_line_repeat_no_key() {
        let hex = "00ff".repeat(16);
        for key in [BASE64, MASTER, &hex, WORDS] {
            let text = format!("invalid value '{key}' for '--key-fd <N>': invalid digit found");
            let expected = "invalid value '[...]' for '--key-fd <N>': invalid digit found";
            assert_eq!(masked(&text), expected);
        }
        let text = format!("unrecognized subcommand \"{BASE64}\", see --help");
        assert_eq!(masked(&text), "unrecognized subcommand \"[...]\", see --help");
        let usage = "Usage: s3-ssec put [OPTIONS] <SOURCE> <TARGET>; --help says more.";
        assert_eq!(masked(usage), usage);
    }
}
