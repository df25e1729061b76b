//! `s3-ssec key import`: keys of other tools in a key file.

use super::{in_json, made, warn_of_weak};
use crate::args::ImportArgs;
use crate::keys::{self, KeySource, encoding_name, file, typed};
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text::today;
use s3_ssec::core::foreign::{self, Form, Found};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::legacy::LegacyError;
use serde_json::json;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn run(session: &Session, args: &ImportArgs) -> Result<(), Failure> {
    typed::refuse("FILE", &args.file)?;
    let Found { form, entries, repeated } = read(&args.file)?;
    if let (Some(_), 2..) = (&args.label, entries.len()) {
        let what =
            format!("{} holds {} keys, and a label names one", shown(&args.file), entries.len());
        return Err(Failure::new(Exit::Usage, what, "Leave --label out, and edit the new file."));
    }
    let today = today();
    let dated = |entry: Entry| Entry {
        label: args.label.clone().or(entry.label),
        created: Some(today.clone()),
        ..entry
    };
    let key_file = KeyFile::new(entries.into_iter().map(dated).collect())?;
    file::create(&args.out, key_file.print().as_bytes())?;
    let keys: Vec<_> = key_file.entries().iter().map(in_json).collect();
    let json = json!({
        "file": args.out.to_string_lossy(),
        "encoding": form_name(form),
        "keys": keys,
    });
    let fields = made(&args.out, key_file.entries())
        .line("from", format_args!("{}: {form}", shown(&args.file)))
        .optional("repeated", (repeated > 0).then_some(repeated));
    session.output.report(fields, &json)?;
    warn_of_weak(session, key_file.entries());
    Ok(())
}

/// Reads the keys of another tool. Key files of our own are refused: there is nothing to import.
pub(super) fn read(path: &Path) -> Result<Found, Failure> {
    let bytes = bytes(path)?;
    if KeyFile::is_key_file(&bytes) {
        let what = format!("{} is a key file of s3-ssec already", shown(path));
        return Err(Failure::new(Exit::Failed, what, "Use it as it is: --key-file FILE."));
    }
    foreign::read(&bytes).about(&shown(path))
}

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if path == Path::new("-") {
        return keys::from_stdin();
    }
    // As aws takes them: fileb:// reads the bytes as they are, which is what is done here anyway.
    let text = path.to_string_lossy();
    let bare = text.strip_prefix("fileb://").or_else(|| text.strip_prefix("file://"));
    let path = bare.map_or(path, Path::new);
    KeySource::File(path.to_owned()).bytes()
}

fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    }
}

/// How a form is named in JSON.
fn form_name(form: Form) -> &'static str {
    match form {
        Form::OneKey(encoding) => encoding_name(encoding),
        Form::Rclone => "rclone",
        Form::S3fs => "s3fs",
        Form::Mc => "mc",
        _ => "other",
    }
}

impl From<foreign::ForeignError> for Failure {
    fn from(error: foreign::ForeignError) -> Self {
        use foreign::ForeignError as E;
        let todo = match error {
            E::Key(LegacyError::Empty) | E::Key(_) => {
                "A key is a key file of s3-ssec, 32 raw bytes, or base64 or hex of 32 bytes."
            }
            E::Line { .. } => "Correct or remove that line; in s3fs and mc a key has 32 bytes.",
            E::NoKey => {
                "Name the file whose remote has sse_customer_key or sse_customer_key_base64."
            }
            E::Encrypted => "Send it decrypted: rclone config show | s3-ssec key import -",
            _ => "s3-ssec key import --help says what can be read.",
        };
        Failure::new(Exit::Key, error.to_string(), todo)
    }
}
