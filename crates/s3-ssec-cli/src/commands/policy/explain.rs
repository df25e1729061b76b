//! `s3-ssec policy explain`: what in a document does not do what it seems to.

use crate::report::{Exit, Failure};
use crate::session::Session;
use crate::text::printable;
use s3_ssec::LimitedFile;
use s3_ssec::core::policy::{Policy, Release, explain_for};
use serde_json::json;
use std::io::Read as _;
use std::path::Path;

/// Bytes of the largest document that is read: gateways take 20 KiB.
const LARGEST: u64 = 1 << 20;

pub(super) fn run(session: &Session, file: &Path, release: Option<u8>) -> Result<(), Failure> {
    let mut text = String::new();
    let read =
        LimitedFile::open(file).and_then(|file| file.take(LARGEST).read_to_string(&mut text));
    read.map_err(|error| {
        let what = format!("{} cannot be read: {error}", file.display());
        Failure::new(Exit::Failed, what, "Check the name and your rights to read it.")
    })?;
    let policy =
        Policy::parse(&text).map_err(|error| Failure::from(error).about(&file.display()))?;
    let release = match release {
        None => Release::Any,
        Some(..20) => Release::WithoutConditionKey,
        Some(_) => Release::WithConditionKey,
    };
    let findings = explain_for(&policy, release);
    let json = json!({
        "file": file.to_string_lossy(),
        "findings": findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let lines: Vec<_> = findings.iter().map(|finding| printable(&finding.to_string())).collect();
    let text = match lines.is_empty() {
        true => "nothing is known to be wrong with it; only a live trial proves more".to_owned(),
        false => lines.join("\n"),
    };
    session.output.answer(text, &json)?;
    match findings.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(
            Exit::Failed,
            format!("{} does not do what it seems to", file.display()),
            "Let s3-ssec policy print write one, and s3-ssec policy apply try it.",
        )),
    }
}
