//! `s3-ssec get`: one download, to a file that appears whole and verified or not at all.

use super::cat;
use crate::args::{GetArgs, parse};
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::key::Kind;
use s3_ssec::core::names::ObjectName;
use s3_ssec::{GetOptions, Received, Verification};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) async fn run(session: &Session, args: GetArgs) -> Result<(), Failure> {
    let object = parse::one_object(&args.object)?;
    let options = options(&args);
    if args.target == Path::new("-") {
        return cat::to_stdout(session, &object, &options).await;
    }
    let target = target(&args.target, &object)?;
    let (client, keys) = session.keyed(&Need::to_read(&object)).await?;
    let mut options = options;
    options.read.require_master |= session.requires_master();
    let progress = session.progress(Total::OfObject);
    let received = client.get_file(&keys, &object, &target, &options, &progress.watch).await;
    let took = progress.took();
    drop(progress);
    let received = received.about(&object)?;
    let fields = fields(&target, &received).optional("took", text::speed(received.size, took));
    session.output.report(fields, &in_json(&object, &target, &received))?;
    remark(session, &object, &received, false);
    Ok(())
}

pub(super) fn options(args: &GetArgs) -> GetOptions {
    let mut options = GetOptions::default();
    options.read = args.read.options();
    args.trust.apply_to(&mut options);
    options.replace = args.force;
    options.in_flight = args.in_flight.into();
    options
}

/// The file to write: in a directory, the last segment of the object's key.
fn target(target: &Path, object: &ObjectName) -> Result<PathBuf, Failure> {
    let names_directory = target.as_os_str().to_string_lossy().ends_with('/');
    if !names_directory && !target.is_dir() {
        return Ok(target.to_owned());
    }
    let name = object.key.as_str().rsplit('/').next().unwrap_or_default();
    // The name comes from the bucket: it must not lead out of the directory.
    let separators: &[char] = if cfg!(windows) { &['\0', '\\', ':'] } else { &['\0'] };
    if matches!(name, "" | "." | "..") || name.contains(separators) {
        let what = format!("{object} ends in no name for a file");
        return Err(Failure::new(Exit::Usage, what, "Name the file to write, not its directory."));
    }
    Ok(target.join(name))
}

/// Says so where there was nothing to compare the content with, and, with `limits`, where the digest
/// does not vouch for it all the way.
pub(super) fn remark(session: &Session, object: &ObjectName, received: &Received, limits: bool) {
    let verification = received.verification;
    if !verification.is_verified() {
        session.output.note(format_args!("{object}: content {verification}"));
    } else if limits && verification.limit().is_some() {
        session.output.note(format_args!("{object}: {verification}"));
    }
}

/// The key that opened an object. Master keys are the rule.
pub(super) fn key(received: &Received) -> Option<String> {
    let key = received.key?;
    Some(match received.kind {
        Some(Kind::Direct) => format!("{key} (direct)"),
        _ => key.to_string(),
    })
}

pub(super) fn tone(verification: Verification) -> Tone {
    match verification {
        Verification::NoDigest => Tone::Caution,
        _ => Tone::Good,
    }
}

fn fields(target: &Path, received: &Received) -> Fields {
    let encrypted = match received.key {
        Some(_) => ("confirmed by the gateway", Tone::Good),
        None => ("NO: the object is not encrypted with a customer key", Tone::Bad),
    };
    Fields::new(target.display())
        .line("size", text::size(received.size))
        .optional("key", key(received))
        .toned("encrypted", encrypted.0, encrypted.1)
        .toned("content", received.verification, tone(received.verification))
}

fn in_json(object: &ObjectName, target: &Path, received: &Received) -> Value {
    let mut json = json!({
        "object": object.to_string(),
        "file": target.to_string_lossy(),
    });
    add_to_json(&mut json, received);
    json
}

/// The evidence for a content that was read.
pub(super) fn add_to_json(json: &mut Value, received: &Received) {
    let verification = received.verification;
    json["size"] = received.size.into();
    json["key"] = received.key.map(|key| key.to_string()).into();
    json["key_kind"] = received.kind.map(|kind| kind.to_string()).into();
    json["encrypted"] = received.key.is_some().into();
    json["verified"] = verification.is_verified().into();
    json["verification"] = verification.code().into();
    json["accepted_since"] =
        verification.accepted().map(|since| text::rfc3339(since.into())).into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_takes_the_last_segment() {
        let dir = std::env::temp_dir();
        let of = |path: &Path, object: &str| {
            target(path, &parse::object(object).unwrap()).map_err(|failure| failure.exit)
        };
        assert_eq!(of(Path::new("x.bin"), "s3://bucket/a/b"), Ok(PathBuf::from("x.bin")));
        assert_eq!(of(&dir, "s3://bucket/a/b"), Ok(dir.join("b")));
        assert_eq!(of(Path::new("no-such-dir/"), "s3://bucket/b"), Ok("no-such-dir/b".into()));
        for object in ["s3://bucket/a/", "s3://bucket/a/..", "s3://bucket/.", "s3://bucket/a\0"] {
            assert_eq!(of(&dir, object), Err(Exit::Usage), "{object:?}");
        }
    }
}
