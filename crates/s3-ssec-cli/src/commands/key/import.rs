//! `s3-ssec key import`: a key of another tool in a key file.

use super::{in_json, made};
use crate::args::ImportArgs;
use crate::keys::{Found, KeySource, encoding_name, file};
use crate::report::{Exit, Failure};
use crate::session::Session;
use crate::text::today;
use s3_ssec::core::keyfile::{Entry, KeyFile};
use s3_ssec::core::legacy::Encoding;
use serde_json::json;

pub(super) fn run(session: &Session, args: &ImportArgs) -> Result<(), Failure> {
    let Found { file, encoding, .. } = KeySource::File(args.file.clone()).read()?;
    if encoding == Encoding::KeyFile {
        let what = format!("{} is a key file of s3-ssec already", args.file.display());
        return Err(Failure::new(Exit::Failed, what, "Use it as it is: --key-file FILE."));
    }
    let today = today();
    let labelled = |key| Entry { key, label: args.label.clone(), created: Some(today.clone()) };
    let entries = file.into_keyring()?.into_keys().into_iter().map(labelled).collect();
    let key_file = KeyFile::new(entries)?;
    file::create(&args.out, key_file.print().as_bytes())?;
    for entry in key_file.entries() {
        let json = json!({
            "file": args.out.to_string_lossy(),
            "encoding": encoding_name(encoding),
            "keys": [in_json(entry)],
        });
        let fields = made(&args.out, entry)
            .line("from", format_args!("{}: {encoding}", args.file.display()));
        session.output.report(fields, &json)?;
    }
    Ok(())
}
