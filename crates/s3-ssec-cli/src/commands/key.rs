//! `s3-ssec key`: keys in files. Nothing here prints a key, but `export` and `backup` on request.

mod add;
mod backup;
mod drill;
mod export;
mod import;
mod new;
mod restore;
mod retire;
mod scope;
mod show;

use crate::args::KeyCommand;
use crate::keys::quoted;
use crate::output::Fields;
use crate::report::Failure;
use crate::session::Session;
use s3_ssec::core::keyfile::Entry;
use s3_ssec::core::weakness;
use serde_json::{Value, json};
use std::path::Path;

pub(super) async fn run(session: &Session, command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => new::run(session, args),
        KeyCommand::Show(args) => show::run(session, args),
        KeyCommand::Add(args) => add::run(session, args),
        KeyCommand::Import(args) => import::run(session, &args),
        KeyCommand::Export(args) => export::run(session, &args),
        KeyCommand::Backup(args) => backup::run(session, &args),
        KeyCommand::Restore(args) => restore::run(session, &args),
        KeyCommand::Drill(args) => drill::run(session, &args).await,
        KeyCommand::Retire(args) => retire::run(session, args).await,
        KeyCommand::Scope(args) => scope::run(session, args.command),
    }
}

/// What is said of a key file that was just made.
fn made(path: &Path, entries: &[Entry]) -> Fields {
    let headline = format!("{} is made, readable by you alone", path.display());
    with_keys(Fields::new(headline), entries)
        .line("use", format_args!("--key-file {}, or S3_SSEC_KEY_FILE", quoted(path)))
        .line("keep", "a copy in a safe place: without the key nobody can read the data")
}

/// Names keys, without showing them. The label has a line of its own where there is one key.
fn with_keys(mut fields: Fields, entries: &[Entry]) -> Fields {
    for entry in entries {
        let key = format!("{} ({})", entry.key.fingerprint(), entry.key.kind());
        fields = match (&entry.label, entries.len()) {
            (Some(label), 1) => fields.line("key", key).line("label", label),
            (Some(label), _) => fields.line("key", format_args!("{key} {label}")),
            (None, _) => fields.line("key", key),
        };
    }
    fields
}

/// True if the key of this entry is meant: by its fingerprint, or by its label in the file.
fn is_named(entry: &Entry, name: &str) -> bool {
    entry.key.fingerprint().to_string() == name || entry.label.as_deref() == Some(name)
}

/// Says which keys look as if somebody could guess them.
fn warn_of_weak(session: &Session, entries: &[Entry]) {
    entries.iter().for_each(|entry| session.warn_of_weak(&entry.key));
}

/// An entry of a key file, without its key.
fn in_json(entry: &Entry) -> Value {
    json!({
        "kind": entry.key.kind().to_string(),
        "fingerprint": entry.key.fingerprint().to_string(),
        "label": entry.label,
        "created": entry.created,
        "weakness": weakness::of(&entry.key).map(|weakness| weakness.to_string()),
    })
}
