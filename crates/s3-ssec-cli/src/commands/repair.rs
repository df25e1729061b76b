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
use s3_ssec::{HalfDone, Repaired, SearchOptions, Searched};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: RepairArgs) -> Result<(), Failure> {
    if args.search {
        return search(session, args).await;
    }
    let (client, keys) = session.keyed(&Need::to_write(&args.place)).await?;
    let progress = session.progress(Total::Unknown);
    let before = args.abort_older_than.map(|age| text::unix_now().saturating_sub_unsigned(age));
    let repaired = client.repair(&keys, &args.place, before, &progress.watch).await;
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
        Some(exit) => Err(Failure::told(exit)),
        None => Ok(()),
    }
}

/// True if there was nothing to do: no object needed it, or there is none.
fn is_empty(repaired: &Repaired) -> bool {
    let uploads = repaired.own_uploads.len() + repaired.other_uploads.len();
    uploads + repaired.completed.len() + repaired.failed.len() == 0
}

fn fields(args: &RepairArgs, repaired: &Repaired, failed: usize) -> Fields {
    let others = repaired.other_uploads.iter().filter(|upload| !upload.aborted);
    let mut fields = Fields::new(&args.place)
        .line("own uploads aborted", repaired.own_uploads.len())
        .line("records completed", repaired.completed.len());
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
        "failed": failures,
    })
}

async fn search(session: &Session, args: RepairArgs) -> Result<(), Failure> {
    let name = args.place.object()?;
    let mut options = SearchOptions::default();
    (options.seconds, options.rate) = (args.seconds, args.rate);
    let (client, keys) = session.keyed(&Need::to_write(&name)).await?;
    let most = 256 * (u64::from(options.seconds) + 1);
    session.output.note(format_args!(
        "searching the nonce of {name}: at most {most} candidate keys are shown to the gateway"
    ));
    let progress = session.progress(Total::Unknown);
    let searched = client.search_nonce(&keys, &name, &options, &progress.watch).await;
    drop(progress);
    match searched.about(&name)? {
        Searched::Found { nonce, tried } => {
            let fields = Fields::new(&name)
                .line("nonce", nonce)
                .line("tried", tried)
                .line("record", "written, with the digest of the content that is there now")
                .line("next", "copy it to a new name with s3-ssec cp, and delete this one");
            let json = json!({
                "object": name.to_string(),
                "found": true,
                "nonce": nonce.to_string(),
                "tried": tried,
            });
            session.output.report(fields, &json)
        }
        _ => Err(Failure::new(
            Exit::Key,
            format!("{name} is under none of the candidates of your master keys"),
            "Search further back with --seconds N, or give the key it was written with.",
        )),
    }
}
