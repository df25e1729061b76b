//! `s3-ssec key restore`: a key file from any backup.

use super::backup::COPY;
use super::{in_json, made, warn_of_weak};
use crate::args::{OpenArgs, RestoreArgs};
use crate::keys::sealed::{self, Openers};
use crate::keys::{self, file, typed};
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::{Entry, KeyFile, parse_key};
use s3_ssec::core::shares::{self, CombineError, ShareError};
use s3_ssec::core::words::{self, Known, Unconfirmed, WordsError};
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use zeroize::Zeroizing;

const WORDS: &str = "words";
const SHARE: &str = "s3-ssec-share";
/// A key alone, as a QR code has it.
const LINES: [&str; 2] = ["s3-ssec-master1", "s3-ssec-direct1"];

pub(super) fn run(session: &Session, args: &RestoreArgs) -> Result<(), Failure> {
    // Not after somebody has typed 24 words.
    if args.out.exists() {
        return Err(file::exists(&args.out));
    }
    let Backup { form, entries, confirmed } = entries(session, &args.backup, &args.open)?;
    if !args.without_fingerprint {
        confirmed?;
    }
    let key_file = KeyFile::new(entries)?;
    file::create(&args.out, key_file.print().as_bytes())?;
    session.copied(form, key_file.entries().iter().map(|entry| entry.key.fingerprint()));
    let keys: Vec<_> = key_file.entries().iter().map(in_json).collect();
    let json = json!({ "file": args.out.to_string_lossy(), "form": form, "keys": keys });
    session.output.report(made(&args.out, key_file.entries()).line("from", form), &json)?;
    warn_of_weak(session, key_file.entries());
    Ok(())
}

/// The content of a backup.
pub(super) struct Backup {
    /// `words`, `sheet`, `shares`, ...
    pub(super) form: &'static str,
    /// The keys that were asked for.
    pub(super) entries: Vec<Entry>,
    /// Whether something says that words are those of the right master key.
    confirmed: Result<(), Unconfirmed>,
}

/// The keys of a backup, which are those that were asked for.
pub(super) fn entries(
    session: &Session,
    backup: &[PathBuf],
    open: &OpenArgs,
) -> Result<Backup, Failure> {
    let text = text(session, backup)?;
    let known = Known { kind: open.kind.map(Into::into), fingerprint: open.fingerprint };
    let (form, entries) = match text.trim_start().starts_with(sealed::BEGIN) {
        true => (COPY, opened(&text, open)?),
        false => {
            let (form, key) = read(&text, known)?;
            (form, vec![Entry { key, label: None, created: None }])
        }
    };
    check(&entries, known)?;
    let confirmed = match entries.first() {
        Some(entry) if form == WORDS => words::confirm(&entry.key, &text, known),
        _ => Ok(()),
    };
    Ok(Backup { form, entries, confirmed })
}

/// All that was given, files one after another.
fn text(session: &Session, backup: &[PathBuf]) -> Result<Zeroizing<String>, Failure> {
    let not_text = || {
        let what = "the backup is not text";
        Failure::new(Exit::Key, what, "Give what s3-ssec key backup made, or type what it showed.")
    };
    typed::refuse_all("BACKUP", backup)?;
    let mut parts = Vec::new();
    for path in backup {
        parts.push(file::read_backup(path)?);
    }
    if parts.is_empty() {
        if io::stdin().is_terminal() {
            session.output.note("type the words and the fingerprint, or the shares, then Ctrl-D");
        }
        parts.push(keys::from_stdin()?);
    }
    let room = parts.iter().map(|part| part.len() + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in &parts {
        text.push_str(std::str::from_utf8(part).map_err(|_| not_text())?);
        text.push('\n');
    }
    Ok(text)
}

/// All keys of an encrypted copy.
fn opened(text: &str, open: &OpenArgs) -> Result<Vec<Entry>, Failure> {
    let openers =
        Openers { identity: open.identity.as_deref(), passphrase: open.passphrase_file.as_deref() };
    let content = sealed::open(text, &openers)?;
    let (file, _) = KeyFile::read(&content).about(&"the copy")?;
    Ok(file.into_entries())
}

/// The form of a backup, and the key in it.
fn read(text: &str, known: Known) -> Result<(&'static str, Key), Failure> {
    if KeyFile::is_key_file(text.as_bytes()) {
        let what = "this is a key file, and no backup of one";
        return Err(Failure::new(Exit::Failed, what, "Use it as it is: --key-file FILE."));
    }
    let starts = |prefix: &str| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| line.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix)))
    };
    if starts(SHARE) {
        return Ok(("shares", shares::combine(&shares::read(text)?)?));
    }
    if starts("<!doctype html>") {
        return Ok(("sheet", parse_line(in_sheet(text)?)?));
    }
    if LINES.into_iter().any(starts) {
        return Ok(("QR code", parse_line(text)?));
    }
    Ok((WORDS, words::read(text, known)?))
}

impl From<Unconfirmed> for Failure {
    fn from(error: Unconfirmed) -> Self {
        let todo = "Give the fingerprint that stands beside the words, with them or with --fingerprint. \
                    --without-fingerprint takes them as they are: if a word is wrong, or they are a direct \
                    key's, the new file opens nothing.";
        Failure::new(Exit::Unsafe, error.to_string(), todo)
    }
}

/// The line of the key in a saved sheet.
fn in_sheet(page: &str) -> Result<&str, Failure> {
    let found = LINES.into_iter().find_map(|prefix| page.find(&format!("<code>{prefix}")));
    let line = found.and_then(|start| page[start..].strip_prefix("<code>")?.split('<').next());
    line.ok_or_else(|| {
        let what = "there is no key in this page";
        Failure::new(Exit::Key, what, "Give the page that s3-ssec key backup --sheet made.")
    })
}

fn parse_line(line: &str) -> Result<Key, Failure> {
    parse_key(line).map_err(|error| {
        let what = format!("the line {error}");
        let todo = "Scan the QR code again, or compare letter by letter; or type the words.";
        Failure::new(Exit::Key, what, todo)
    })
}

/// Whatever form it came in, the key is the one that was asked for.
fn check(entries: &[Entry], known: Known) -> Result<(), Failure> {
    let has = |found: &dyn Fn(&Key) -> bool| entries.iter().any(|entry| found(&entry.key));
    if known.fingerprint.is_some_and(|wanted| !has(&|key| key.fingerprint() == wanted)) {
        let held: Vec<_> = entries.iter().map(|e| e.key.fingerprint().to_string()).collect();
        let held = held.join(", ");
        let what = format!("the backup holds the key {held}, and another one was asked for");
        return Err(Failure::new(Exit::Key, what, "Look for the backup of the right key."));
    }
    if known.kind.is_some_and(|wanted| !has(&|key| key.kind() == wanted)) {
        let kind = entries.first().map_or("", |entry| match entry.key {
            Key::Master(_) => "master",
            Key::Direct(_) => "direct",
        });
        let what = format!("the backup holds a {kind} key");
        return Err(Failure::new(Exit::Key, what, "Leave --kind out."));
    }
    Ok(())
}

impl From<WordsError> for Failure {
    fn from(error: WordsError) -> Self {
        let (exit, todo) = match &error {
            WordsError::KindUnknown => (
                Exit::Usage,
                "Give the fingerprint that stands beside the words, or --kind master or direct.",
            ),
            WordsError::Unknown { .. } => (Exit::Key, "Correct that word, and give all 24 again."),
            WordsError::OtherLanguage(_) => {
                (Exit::Key, "These words are of another program: it can restore what they are.")
            }
            WordsError::Count(_) => {
                (Exit::Key, "Look for words that are missing or written twice.")
            }
            WordsError::Swapped(..) => (Exit::Key, "Exchange them, and give all 24 again."),
            WordsError::OtherKey { .. } => {
                (Exit::Key, "Look for the words of that key, or leave its fingerprint out.")
            }
            _ => (Exit::Key, "Compare the words with the paper, one by one."),
        };
        Failure::new(exit, error.to_string(), todo)
    }
}

impl From<ShareError> for Failure {
    fn from(error: ShareError) -> Self {
        Failure::new(Exit::Key, error.to_string(), "Correct that line, and give all shares again.")
    }
}

impl From<CombineError> for Failure {
    fn from(error: CombineError) -> Self {
        let todo = match error {
            CombineError::NotEnough { .. } => "Get more shares of the same set.",
            CombineError::OtherSet { .. } => "Give shares of one set only; it stands in each file.",
            CombineError::Twice(_) => "Give each share once.",
            _ => "Try other shares of the set.",
        };
        Failure::new(Exit::Key, error.to_string(), todo)
    }
}
