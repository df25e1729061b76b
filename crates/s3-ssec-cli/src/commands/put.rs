//! `s3-ssec put`: one upload, proved.

pub(super) mod reminder;

use crate::args::PutArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use reminder::Input;
use s3_ssec::core::key::Kind;
use s3_ssec::core::names::{ObjectKey, ObjectName};
use s3_ssec::{Client, Existing, PutOptions, RecordKept, Source, Uploaded};
use serde_json::{Value, json};
use std::path::Path;

pub(super) async fn run(session: &Session, args: PutArgs) -> Result<(), Failure> {
    args.work.want_none()?;
    let name = target(&args)?;
    if args.tag.len() > 9 {
        let what = format!("{} tags are given, and an object has ten", args.tag.len());
        return Err(Failure::new(Exit::Usage, what, "Give at most nine: the record is the tenth."));
    }
    let (client, keys) = session.keyed(&Need::to_write(&name)).await?;
    let input = if args.source == Path::new("-") { Input::Content } else { Input::Nothing };
    reminder::remind(session, input)?;
    let options = options(&args, &name);
    let (source, total) = source(&args)?;
    let progress = session.progress(total.map_or(Total::Unknown, Total::Bytes));
    let uploaded = client.put(keys.writer(), &name, source, &options, &progress.watch).await;
    let took = progress.took();
    drop(progress);
    let uploaded = uploaded.about(&name)?;
    let kind = keys.writer().kind();
    session.output.report(
        fields(&uploaded, kind).optional("took", text::speed(uploaded.size, took)),
        &in_json(&uploaded, kind),
    )?;
    in_ledger_alone(session, &client);
    Ok(())
}

/// Says so, where the records of what was written are on this machine alone.
pub(super) fn in_ledger_alone(session: &Session, client: &Client) {
    let records = match client.in_ledger_only() {
        0 => return,
        1 => "the record of the object is".to_owned(),
        more => format!("the records of {more} objects are"),
    };
    session.output.note(format_args!(
        "warning: the gateway keeps no tags, so {records} in this machine's ledger alone; keep a copy: \
         s3-ssec ledger export"
    ));
}

/// The object to write: with the file's name where only a prefix is given.
fn target(args: &PutArgs) -> Result<ObjectName, Failure> {
    if !args.target.is_prefix() {
        return Ok(args.target.object()?);
    }
    let name = match args.source == Path::new("-") {
        true => None,
        false => args.source.file_name(),
    };
    let Some(name) = name else {
        let what = format!("{:?} has no name to put under the prefix", args.source);
        return Err(Failure::new(Exit::Usage, what, "Name the object: s3://bucket/key."));
    };
    let Some(name) = name.to_str() else {
        let what = format!("the name of {:?} is not UTF-8, and object keys are", args.source);
        return Err(Failure::new(Exit::Usage, what, "Name the object: s3://bucket/key."));
    };
    let key = ObjectKey::parse(&format!("{}{name}", args.target.path))?;
    Ok(ObjectName::new(args.target.bucket.clone(), key))
}

/// What to upload, and its size where it is known.
fn source(args: &PutArgs) -> Result<(Source, Option<u64>), Failure> {
    if args.source == Path::new("-") {
        let reader = Box::new(tokio::io::stdin());
        return Ok((Source::Reader { reader, expected: args.expected_size }, args.expected_size));
    }
    if args.source.is_dir() {
        let what = format!("{} is a directory", args.source.display());
        return Err(Failure::new(Exit::Usage, what, "Add -r to upload everything below it."));
    }
    // What cannot be read is reported when it is opened.
    let size = args.source.metadata().ok().filter(|file| file.is_file()).map(|file| file.len());
    Ok((Source::Path(args.source.clone()), size))
}

fn options(args: &PutArgs, name: &ObjectName) -> PutOptions {
    let mut options = tree_options(args);
    options.headers.content_type = args.content_type.clone().or_else(|| guess(args, name));
    options
}

/// What holds for every file of a directory; types are guessed one by one.
pub(super) fn tree_options(args: &PutArgs) -> PutOptions {
    let mut options = PutOptions::default();
    options.headers.content_type = args.content_type.clone();
    options.metadata = args.metadata.clone();
    options.tags = args.tag.clone();
    options.part_size = args.part_size;
    options.in_flight = args.in_flight.into();
    if args.if_none_match {
        options.existing = Existing::Keep;
    }
    options
}

/// The MIME type that the name of the object or else of the file stands for.
fn guess(args: &PutArgs, name: &ObjectName) -> Option<String> {
    let by_object = mime_guess::from_path(name.key.as_str());
    let by_file = mime_guess::from_path(&args.source);
    by_object.first_raw().or(by_file.first_raw()).map(str::to_owned)
}

fn fields(uploaded: &Uploaded, kind: Kind) -> Fields {
    let record = match uploaded.record {
        RecordKept::InTag => "sent in the object's tag, with a digest of the content",
        RecordKept::InLedgerOnly => "in this machine's ledger alone, with a digest of the content",
    };
    Fields::new(&uploaded.name)
        .line("size", text::size(uploaded.size))
        .line("key", format_args!("{} ({kind})", uploaded.key))
        .toned("encrypted", "confirmed by the gateway", Tone::Good)
        .line("record", record)
        .optional("continued", (uploaded.continued > 0).then(|| text::size(uploaded.continued)))
        .optional("version", uploaded.version_id.as_ref())
}

fn in_json(uploaded: &Uploaded, kind: Kind) -> Value {
    let record = match uploaded.record {
        RecordKept::InTag => "tag",
        RecordKept::InLedgerOnly => "ledger",
    };
    json!({
        "object": uploaded.name.to_string(),
        "size": uploaded.size,
        "etag": uploaded.etag,
        "version_id": uploaded.version_id,
        "key": uploaded.key.to_string(),
        "key_kind": kind.to_string(),
        "encrypted": true,
        "record": record,
        "continued": uploaded.continued,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser as _;

    fn args(words: &[&str]) -> PutArgs {
        let words = ["s3-ssec", "put"].iter().chain(words);
        let Command::Put(args) = Cli::try_parse_from(words).unwrap().command else {
            panic!("put is put")
        };
        args
    }

    #[test]
    fn a_prefix_takes_the_name_of_the_file() {
        let key = |source, address| {
            Ok::<_, Exit>(
                target(&args(&[source, address])).map_err(|failure| failure.exit)?.key.to_string(),
            )
        };
        assert_eq!(key("a/b.csv", "s3://bucket/c"), Ok("c".to_owned()));
        assert_eq!(key("a/b.csv", "s3://bucket/c/"), Ok("c/b.csv".to_owned()));
        assert_eq!(key("b.csv", "s3://bucket"), Ok("b.csv".to_owned()));
        assert_eq!(key("-", "s3://bucket/c"), Ok("c".to_owned()));
        assert_eq!(key("-", "s3://bucket/c/"), Err(Exit::Usage));
        assert_eq!(key("..", "s3://bucket/c/"), Err(Exit::Usage));
    }

    #[test]
    fn types_are_guessed_from_the_object_first() {
        let guessed = |words: &[&str]| {
            let args = args(words);
            options(&args, &target(&args).unwrap()).headers.content_type
        };
        assert_eq!(guessed(&["a.csv", "s3://bucket/"]).as_deref(), Some("text/csv"));
        assert_eq!(guessed(&["a.tmp", "s3://bucket/a.html"]).as_deref(), Some("text/html"));
        assert_eq!(guessed(&["a.html", "s3://bucket/a"]).as_deref(), Some("text/html"));
        assert_eq!(guessed(&["-", "s3://bucket/a"]), None);
        let given = ["a.csv", "s3://bucket/", "--content-type", "x/y"];
        assert_eq!(guessed(&given).as_deref(), Some("x/y"));
    }
}
