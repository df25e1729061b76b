//! `s3-ssec key show`: which keys a file holds.

use super::in_json;
use crate::args::ShowArgs;
use crate::keys::{Found, KeySource, encoding_name, typed};
use crate::output::Fields;
use crate::report::Failure;
use crate::session::Session;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::Entry;
use s3_ssec::core::weakness;
use serde_json::{Value, json};

pub(super) fn run(session: &Session, args: ShowArgs) -> Result<(), Failure> {
    let source = match args.file {
        Some(path) => {
            typed::refuse("FILE", &path)?;
            KeySource::File(path)
        }
        None => KeySource::of(&session.global)?,
    };
    let Found { source, file, encoding } = source.read()?;
    let md5 = if args.md5 { Md5::Shown } else { Md5::Hidden };
    let mut keys = Vec::new();
    let mut blocks = vec![format!("{source}: {encoding}")];
    for (index, entry) in file.entries().iter().enumerate() {
        let md5 = md5.of(&entry.key);
        let role = if index == 0 { "writes and reads" } else { "reads" };
        let fields = Fields::new(format_args!("{} key", entry.key.kind()))
            .line("fingerprint", entry.key.fingerprint())
            .line("use", role)
            .optional("label", entry.label.as_ref())
            .optional("created", entry.created.as_ref())
            .optional("weak", weakness::of(&entry.key))
            .optional("MD5", md5.as_ref());
        blocks.push(fields.to_string());
        keys.push(with_md5(entry, md5));
    }
    let json = json!({
        "source": source.to_string(),
        "encoding": encoding_name(encoding),
        "keys": keys,
    });
    session.output.answer(blocks.join("\n"), &json)?;
    if let Some(label) = file.repeated_label() {
        session.output.note(format_args!("two of the keys have the label {label}"));
    }
    Ok(())
}

/// The MD5 is shown on demand: that of a typed key could be tested against guesses.
#[derive(Clone, Copy)]
enum Md5 {
    Shown,
    Hidden,
}

impl Md5 {
    /// Base64, as in the header. A master key has none: it is never sent.
    fn of(self, key: &Key) -> Option<String> {
        match (self, key) {
            (Md5::Shown, Key::Direct(key)) => Some(key.md5().to_base64()),
            _ => None,
        }
    }
}

fn with_md5(entry: &Entry, md5: Option<String>) -> Value {
    let mut json = in_json(entry);
    if let Some(md5) = md5 {
        json["md5"] = md5.into();
    }
    json
}
