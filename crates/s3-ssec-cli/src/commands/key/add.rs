//! `s3-ssec key add`: one more key in a key file, which keeps its history.

use super::{import, in_json, warn_of_weak, with_keys};
use crate::args::AddArgs;
use crate::keys::{KeySource, file, typed};
use crate::output::Fields;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text::today;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::{Entry, InsertError, KeyFile, Position, insert};
use serde_json::json;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn run(session: &Session, args: AddArgs) -> Result<(), Failure> {
    typed::refuse("FILE", &args.file)?;
    if let Some(other) = &args.from {
        typed::refuse("--from", other)?;
    }
    // Held until the new file is in its place.
    let lock = file::lock_if_there(&args.file)?;
    let mut text = read(&args.file)?;
    let (position, entries) = match &args.from {
        Some(other) => (Position::Last, old(other, args.label.as_ref())?),
        None => (Position::First, vec![fresh(&args)?]),
    };
    for entry in &entries {
        text = insert(&text, entry, position).about(&args.file.display())?;
    }
    // What cannot be read back must not take the place of what can.
    KeyFile::read(text.as_bytes()).about(&args.file.display())?;
    file::replace(&args.file, text.as_bytes())?;
    drop(lock);
    let use_of = match position {
        Position::First => "writes from now on; the others read",
        Position::Last => "reads; the first key of the file writes as before",
    };
    let headline = format!("{} has {}", args.file.display(), count(entries.len()));
    let fields = with_keys(Fields::new(headline), &entries)
        .line("use", use_of)
        .line("keep", "a new copy of the file in a safe place: older copies lack the key");
    let keys: Vec<_> = entries.iter().map(in_json).collect();
    let json = json!({ "file": args.file.to_string_lossy(), "added": keys });
    session.output.report(fields, &json)?;
    warn_of_weak(session, &entries);
    Ok(())
}

fn count(keys: usize) -> String {
    if keys == 1 { "one more key".to_owned() } else { format!("{keys} more keys") }
}

fn fresh(args: &AddArgs) -> Result<Entry, Failure> {
    let kind = if args.direct { Kind::Direct } else { Kind::Master };
    Ok(Entry { key: Key::generate(kind)?, label: args.label.clone(), created: Some(today()) })
}

/// The keys of another file, ours or another tool's.
fn old(path: &Path, label: Option<&String>) -> Result<Vec<Entry>, Failure> {
    let found = KeySource::File(path.to_owned()).bytes()?;
    let mut entries = match KeyFile::is_key_file(&found) {
        true => KeyFile::read(&found).about(&path.display())?.0.into_entries(),
        false => import::read(path)?.entries,
    };
    if let Some(label) = label {
        let [entry] = &mut entries[..] else {
            let what =
                format!("{} holds {} keys, and a label names one", path.display(), entries.len());
            return Err(Failure::new(Exit::Usage, what, "Leave --label out, and edit the file."));
        };
        entry.label = Some(label.clone());
    }
    Ok(entries)
}

pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = KeySource::File(path.to_owned()).bytes()?;
    if !KeyFile::is_key_file(&bytes) {
        let what =
            format!("{} is a key of another tool, which holds no second one", path.display());
        let todo = "Make a key file of it first: s3-ssec key import FILE --out NEWFILE.";
        return Err(Failure::new(Exit::Failed, what, todo));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::new(
            Exit::Key,
            format!("{} is not text", path.display()),
            "Compare it with a copy.",
        )
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl From<InsertError> for Failure {
    fn from(error: InsertError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            InsertError::File(error) => return error.into(),
            InsertError::LabelTaken(_) => (Exit::Usage, "Give the new key another --label."),
            _ => (Exit::Key, "Nothing was changed; s3-ssec key show lists what the file holds."),
        };
        Failure::new(exit, what, todo)
    }
}
