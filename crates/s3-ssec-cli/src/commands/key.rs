//! `s3-ssec key`: keys in files. Nothing here prints a key, but `export --stdout`.

mod export;
mod import;
mod new;
mod show;

use crate::args::KeyCommand;
use crate::keys::quoted;
use crate::output::Fields;
use crate::report::Failure;
use crate::session::Session;
use s3_ssec::core::keyfile::Entry;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(session: &Session, command: KeyCommand) -> Result<(), Failure> {
    match command {
        KeyCommand::New(args) => new::run(session, args),
        KeyCommand::Show(args) => show::run(session, args),
        KeyCommand::Import(args) => import::run(session, &args),
        KeyCommand::Export(args) => export::run(session, &args),
    }
}

/// What is said of a key file that was just made.
fn made(path: &Path, entry: &Entry) -> Fields {
    Fields::new(format_args!("{} is made, readable by you alone", path.display()))
        .line("key", format_args!("{} ({})", entry.key.fingerprint(), entry.key.kind()))
        .optional("label", entry.label.as_ref())
        .line("use", format_args!("--key-file {}, or S3_SSEC_KEY_FILE", quoted(path)))
        .line("keep", "a copy in a safe place: without the key nobody can read the data")
}

/// An entry of a key file, without its key.
fn in_json(entry: &Entry) -> Value {
    json!({
        "kind": entry.key.kind().to_string(),
        "fingerprint": entry.key.fingerprint().to_string(),
        "label": entry.label,
        "created": entry.created,
    })
}
