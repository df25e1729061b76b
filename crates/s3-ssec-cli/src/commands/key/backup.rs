//! `s3-ssec key backup`: copies of a key that outlive this machine.

mod sheet;

use super::{is_named, with_keys};
use crate::args::BackupArgs;
use crate::keys::{Found, KeySource, file, quoted, sealed, typed};
use crate::output::Fields;
use crate::report::{Exit, Failure};
use crate::session::Session;
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::shares::{self, Scheme};
use s3_ssec::core::words::Words;
use serde_json::json;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The form of a copy of the whole file.
pub(super) const COPY: &str = "encrypted copy";

/// Words in a line, for the eye and the pen.
const COLUMNS: usize = 4;

pub(super) fn run(session: &Session, args: &BackupArgs) -> Result<(), Failure> {
    typed::refuse("FILE", &args.file)?;
    let Found { source, file, .. } = KeySource::File(args.file.clone()).read()?;
    if args.passphrase {
        let passphrase = sealed::new_passphrase(args.passphrase_file.as_deref())?;
        return copy(
            session,
            args,
            &file,
            &sealed::under_passphrase(file.print().as_bytes(), passphrase)?,
        );
    }
    if !args.to.is_empty() {
        return copy(
            session,
            args,
            &file,
            &sealed::for_recipients(file.print().as_bytes(), &args.to)?,
        );
    }
    let entry = choose(&file, args.key.as_deref(), &source.to_string())?;
    if let Some(out) = &args.sheet {
        file::create(out, sheet::page(entry)?.as_bytes())?;
        return made(session, entry, "sheet", std::slice::from_ref(out), 1);
    }
    match (args.shares, args.threshold) {
        (Some(shares), Some(threshold)) => split(session, args, entry, shares, threshold),
        _ => words(session, args, entry),
    }
}

/// A copy of the whole file that is encrypted already: it may go anywhere.
fn copy(
    session: &Session,
    args: &BackupArgs,
    file: &KeyFile,
    sealed: &[u8],
) -> Result<(), Failure> {
    let keys = file.entries().iter().map(|entry| entry.key.fingerprint());
    let Some(out) = &args.out else {
        session.output.raw(sealed)?;
        session.copied(COPY, keys);
        return Ok(());
    };
    file::create(out, sealed)?;
    session.copied(COPY, keys);
    let headline =
        format!("{} is made, an encrypted copy of {}", out.display(), args.file.display());
    let (opens, identity) = match args.passphrase {
        true => ("the passphrase", ""),
        false => ("the secret key of each recipient", " --identity FILE"),
    };
    let fields = with_keys(Fields::new(headline), file.entries())
        .line("opens", opens)
        .line("try", format_args!("s3-ssec key restore {}{identity} --out NEWFILE", quoted(out)));
    let keys: Vec<_> = file.entries().iter().map(|e| e.key.fingerprint().to_string()).collect();
    let json = json!({ "form": "age", "files": [out.to_string_lossy()], "fingerprints": keys });
    session.output.report(fields, &json)
}

/// The only key of a file, or the one that is named.
fn choose<'f>(file: &'f KeyFile, wanted: Option<&str>, source: &str) -> Result<&'f Entry, Failure> {
    let named = |entry: &&Entry| wanted.is_none_or(|wanted| is_named(entry, wanted));
    let found: Vec<_> = file.entries().iter().filter(named).collect();
    match found[..] {
        [entry] => Ok(entry),
        [] => Err(Failure::new(
            Exit::Key,
            format!("{source} does not hold that key"),
            "s3-ssec key show lists what it holds.",
        )),
        [..] => Err(Failure::new(
            Exit::Usage,
            format!("{source} holds {} keys, and a backup is of one", found.len()),
            "Name one with --key FINGERPRINT, and back up the others too; s3-ssec key show lists them.",
        )),
    }
}

fn words(session: &Session, args: &BackupArgs, entry: &Entry) -> Result<(), Failure> {
    let words = Words::of(&entry.key).print(COLUMNS);
    let fingerprint = entry.key.fingerprint();
    // Room for everything: a growing String would leave pieces behind.
    let mut text = Zeroizing::new(String::with_capacity(words.len() + 64));
    text.push_str(&words);
    text.push_str("fingerprint ");
    text.push_str(&fingerprint.to_string());
    text.push('\n');
    match &args.out {
        Some(out) => {
            file::create(out, text.as_bytes())?;
            made(session, entry, "words", std::slice::from_ref(out), 1)
        }
        None => show(session, args, entry, "words", &text),
    }
}

fn split(
    session: &Session,
    args: &BackupArgs,
    entry: &Entry,
    number: u8,
    threshold: u8,
) -> Result<(), Failure> {
    let scheme = Scheme::new(number, threshold).map_err(|error| {
        Failure::new(Exit::Usage, error.to_string(), "As in: --shares 5 --threshold 3.")
    })?;
    let shares = shares::generate(&entry.key, scheme)?;
    let set = shares.first().map(|share| share.set().to_string()).unwrap_or_default();
    let text = |index: usize| {
        let share = &shares[index];
        let mut text = Zeroizing::new(String::with_capacity(512));
        if let Some(label) = &entry.label {
            text.push_str(&format!("# {label}\n"));
        }
        let index = share.index();
        // Not the fingerprint: whoever holds one share has nothing to compare guesses with.
        text.push_str(&format!(
            "# share {index} of {number}, set {set}: any {threshold} of them restore the key\n"
        ));
        text.push_str(&share.print());
        text.push('\n');
        text
    };
    let Some(out) = &args.out else {
        let mut all = Zeroizing::new(String::with_capacity(512 * shares.len()));
        (0..shares.len()).for_each(|index| all.push_str(&text(index)));
        return show(session, args, entry, "shares", &all);
    };
    let files: Vec<PathBuf> = shares.iter().map(|share| numbered(out, share.index())).collect();
    // All or none: half a set looks like a whole one.
    if let Some(there) = files.iter().find(|file| file.exists()) {
        return Err(file::exists(there));
    }
    for (index, file) in files.iter().enumerate() {
        file::create(file, text(index).as_bytes())?;
    }
    made(session, entry, "shares", &files, usize::from(threshold))
}

/// `lab.share` becomes `lab.share.1`.
fn numbered(out: &Path, index: u8) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{index}"));
    name.into()
}

/// On a terminal, or wherever it was asked for. It is the key.
fn show(
    session: &Session,
    args: &BackupArgs,
    entry: &Entry,
    form: &'static str,
    text: &str,
) -> Result<(), Failure> {
    if session.output.is_json() {
        let what = "standard output cannot hold both the key and JSON";
        return Err(Failure::new(Exit::Usage, what, "Leave --output json out, or use --out."));
    }
    if !args.stdout && !io::stdout().is_terminal() {
        let what = "a backup is as secret as the key, and standard output is no terminal";
        let todo = "Use --out NEWFILE, or --stdout if it may go where that leads to.";
        return Err(Failure::new(Exit::Unsafe, what, todo));
    }
    session.output.raw(text.as_bytes())?;
    session.copied(form, [entry.key.fingerprint()]);
    Ok(())
}

/// What is said of a backup in files, of which so many restore it.
fn made(
    session: &Session,
    entry: &Entry,
    form: &'static str,
    files: &[PathBuf],
    needed: usize,
) -> Result<(), Failure> {
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let shown = match &names[..] {
        [one] => format!("{one} is made"),
        [first, .., last] => format!("{first} to {last} are made"),
        [] => String::new(),
    };
    let quoted: Vec<String> = files.iter().take(needed).map(|file| quoted(file)).collect();
    let fingerprint = entry.key.fingerprint();
    let keep = match form {
        "shares" => "each in another place, and none beside the key file",
        "sheet" => "print it, and delete the file: whoever reads it has the key",
        _ => "off this machine: whoever reads it has the key",
    };
    session.copied(form, [fingerprint]);
    let fields = Fields::new(format!("{shown}, readable by you alone"))
        .line("key", format_args!("{fingerprint} ({})", entry.key.kind()))
        .optional("label", entry.label.as_ref())
        .line("keep", keep)
        .line("try", format_args!("s3-ssec key restore {} --out NEWFILE", quoted.join(" ")));
    let json = json!({ "form": form, "files": names, "fingerprint": fingerprint.to_string() });
    session.output.report(fields, &json)
}
