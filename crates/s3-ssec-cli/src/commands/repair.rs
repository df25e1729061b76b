//! `s3-ssec repair`: finishes what broke off, and finds lost nonces on request.

use super::nothing;
use crate::args::RepairArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text;
use s3_ssec::core::names::BucketName;
use s3_ssec::{Against, HalfDone, RepairOptions, Repaired, SearchOptions, Searched};
use serde_json::{Value, json};
use std::path::Path;

pub(super) async fn run(session: &Session, args: RepairArgs) -> Result<(), Failure> {
    if args.search {
        return search(session, args).await;
    }
    if let Some(file) = &args.against {
        return against(session, &args, file).await;
    }
    if args.accept_content && args.place.path.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!("--accept-content does not take all of {}", args.place),
            "Name an object or a prefix whose contents you know to be right.",
        ));
    }
    let (client, keys) = session.keyed(&Need::to_write(&args.place)).await?;
    let progress = session.progress(Total::Unknown);
    let mut options = RepairOptions::default();
    let before = args.abort_older_than.map(|age| text::unix_now().saturating_sub_unsigned(age));
    (options.abort_before, options.accept_content) = (before, args.accept_content);
    let repaired = client.repair(&keys, &args.place, &options, &progress.watch).await;
    drop(progress);
    let mut repaired = repaired.about(&args.place)?;
    if is_empty(&repaired) {
        nothing::refuse(&client, &args.place).await?;
    }
    let mut worst = None;
    let mut failures = Vec::new();
    for (key, error) in std::mem::take(&mut repaired.failed) {
        let failure = Failure::from(error).about(&key);
        worst = worst.max(Some(failure.exit));
        session.output.complaint(&failure);
        let mut entry = failure.json()["error"].take();
        entry["name"] = key.into();
        failures.push(entry);
    }
    let fields = fields(&args, &repaired, failures.len());
    session.output.report(fields, &in_json(&args.place.bucket, &repaired, failures))?;
    match worst {
        Some(exit) => Err(Failure::reported(exit)),
        None => Ok(()),
    }
}

/// True if there was nothing to do: no object needed it, or there is none.
fn is_empty(repaired: &Repaired) -> bool {
    let uploads = repaired.own_uploads.len() + repaired.other_uploads.len();
    let objects = repaired.completed.len() + repaired.accepted.len() + repaired.failed.len();
    uploads + objects == 0
}

fn fields(args: &RepairArgs, repaired: &Repaired, failed: usize) -> Fields {
    let others = repaired.other_uploads.iter().filter(|upload| !upload.aborted);
    let mut fields = Fields::new(&args.place)
        .line("own uploads aborted", repaired.own_uploads.len())
        .line("records completed", repaired.completed.len());
    if !repaired.accepted.is_empty() {
        let verb = "contents as they are: verified from now on, not back to their upload";
        fields = fields.line("accepted", format_args!("{} {verb}", repaired.accepted.len()));
    }
    let aborted = repaired.other_uploads.iter().filter(|upload| upload.aborted).count();
    if aborted > 0 {
        fields = fields.line("old uploads aborted", aborted);
    }
    for HalfDone { key, initiated, .. } in others {
        let since = initiated.map_or_else(|| "an unknown time".to_owned(), text::time);
        fields = fields.line("half done", format_args!("{key}, since {since}"));
    }
    fields.optional("failed", (failed > 0).then_some(failed))
}

fn in_json(bucket: &BucketName, repaired: &Repaired, failures: Vec<Value>) -> Value {
    let address = |key: &str| format!("s3://{bucket}/{key}");
    let upload = |upload: &HalfDone| {
        json!({
            "object": address(&upload.key),
            "upload_id": upload.upload_id,
            "initiated": upload.initiated.map(text::rfc3339),
            "aborted": upload.aborted,
        })
    };
    json!({
        "own_uploads": repaired.own_uploads.iter().map(upload).collect::<Vec<_>>(),
        "other_uploads": repaired.other_uploads.iter().map(upload).collect::<Vec<_>>(),
        "completed": repaired.completed.iter().map(|key| address(key)).collect::<Vec<_>>(),
        "accepted": repaired.accepted.iter().map(|key| address(key)).collect::<Vec<_>>(),
        "failed": failures,
    })
}

/// Completes the record of one object from the user's own file.
async fn against(session: &Session, args: &RepairArgs, file: &Path) -> Result<(), Failure> {
    let name = args.place.object()?;
    let (client, keys) = session.keyed(&Need::to_write(&name)).await?;
    let progress = session.progress(Total::OfObject);
    let done = client.repair_against(&keys, &name, file, &progress.watch).await;
    drop(progress);
    let done = done.about(&name)?;
    let record = match done {
        Against::Completed => "completed from this file",
        Against::AlreadyComplete => "complete before",
    };
    let fields = Fields::new(&name)
        .line("same content", text::printable(&file.to_string_lossy()))
        .line("record", record);
    let json = json!({
        "object": name.to_string(),
        "file": file.to_string_lossy(),
        "same": true,
        "completed": done == Against::Completed,
    });
    session.output.report(fields, &json)
}

async fn search(session: &Session, args: RepairArgs) -> Result<(), Failure> {
    let name = args.place.object()?;
    let mut options = SearchOptions::default();
    (options.seconds, options.rate) = (args.seconds, args.rate);
    let (client, keys) = session.keyed(&Need::to_write(&name)).await?;
    let most = 256 * (2 * u64::from(options.seconds) + 1);
    session.output.note(format_args!(
        "searching the nonce of {name}: at most {most} candidate keys are shown to the gateway"
    ));
    let progress = session.progress(Total::Unknown);
    let searched = client.search_nonce(&keys, &name, &options, &progress.watch).await;
    drop(progress);
    match searched.about(&name)? {
        Searched::Found { record, tried, in_ledger, tag_error, .. } => {
            let kept = match (&tag_error, in_ledger) {
                (None, true) => "in the object's tag and in this machine's ledger, not complete",
                (None, false) => "in the object's tag, not complete",
                (Some(_), true) => "in this machine's ledger, not complete",
                (Some(_), false) => "NOT KEPT: neither in the object's tag nor in a ledger",
            };
            let fields = Fields::new(&name)
                .line("nonce", record.nonce())
                .line("tried", tried)
                .line("record", &record)
                .line("kept", kept)
                .line("next", "get it with --allow-unverified, and upload what is right: put")
                .optional("tag", tag_error.as_ref());
            let json = json!({
                "object": name.to_string(),
                "found": true,
                "nonce": record.nonce().to_string(),
                "record": record.to_string(),
                "in_tag": tag_error.is_none(),
                "in_ledger": in_ledger,
                "tried": tried,
            });
            session.output.report(fields, &json)?;
            match in_ledger || tag_error.is_none() {
                true => Ok(()),
                false => Err(Failure::new(
                    Exit::NotProved,
                    format!("the record of {name} is kept nowhere"),
                    format!("Keep this record, which is not secret: {record}"),
                )),
            }
        }
        _ => Err(Failure::new(
            Exit::Key,
            format!("{name} is under none of the candidates of your master keys"),
            "Search further with --seconds N, or give the key it was written with.",
        )),
    }
}
