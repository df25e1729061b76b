//! `s3-ssec rekey`: every object of a place under a new key.

use super::nothing;
use super::put::reminder::{self, Input};
use super::work::{Again, WorkLog};
use crate::args::RekeyArgs;
use crate::keys::{self, need::Need};
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure, rekey::of_item};
use crate::session::Session;
use crate::text::{self, printable};
use s3_ssec::core::journal::work::WorkOutcome;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::rekey::Outcome;
use s3_ssec::{Count, RekeyItem, RekeySummary};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn run(session: &Session, args: RekeyArgs) -> Result<(), Failure> {
    let mut options = args.options()?;
    let waiting = keys::waiting_behind(&args.to, &session.global, &args.place)?;
    let client = session.client().await?;
    let keys = Arc::new(session.admit(waiting, &client, &Need::to_write(&args.place))?);
    let mut work = WorkLog::default();
    if !args.dry_run {
        reminder::remind(session, Input::Nothing)?;
        let details = args.details(keys.writer().fingerprint());
        let (shared, selection) = (&args.work, &mut options.selection);
        // Somebody may have written it since: it is looked at again.
        let again = Again::Look;
        work = WorkLog::open(shared, "rekey", &client, &args.place, &details, again, selection)?;
    }
    let progress = session.progress(Total::Unknown);
    let mut would = Vec::new();
    let mut report = |item: &RekeyItem| {
        if args.dry_run && matches!(item.outcome, Outcome::Rekeyed(_)) {
            would.push(item.key.clone());
        }
        let outcome = match item.outcome {
            Outcome::Rekeyed(_) => WorkOutcome::Done,
            Outcome::Already => WorkOutcome::Same,
            Outcome::PlainSkipped | Outcome::Absent => WorkOutcome::Skipped,
            // Told at the end, with its reason.
            _ => return,
        };
        work.note(&item.key, outcome, item.size, None);
    };
    let done = client.rekey(&keys, &args.place, &options, &progress.watch, &mut report).await;
    drop(progress);
    would.sort_unstable();
    let mut summary = done.about(&args.place)?;
    if is_empty(&summary)
        && let Err(failure) = nothing::refuse(&client, &args.place).await
    {
        work.ended(failure.exit as u8)?;
        return Err(failure);
    }
    let (failures, worst) = complain(session, &args, &mut summary, &mut work);
    if !summary.stopped {
        work.ended(worst.map_or(0, |exit| exit as u8))?;
    }
    let mut text = String::new();
    if args.dry_run {
        would.iter().for_each(|key| text += &format!("would rekey {}\n", printable(key)));
    }
    text += &fields(&args, &keys, &summary, failures.len() as u64).to_string();
    let mut json = in_json(&args, &keys, &summary);
    json["failed"] = failures.into();
    if args.dry_run {
        json["would"] = would.into();
    }
    session.output.report(text, &json)?;
    match worst {
        Some(exit) => Err(Failure::reported(exit)),
        None if summary.stopped => {
            let what = "interrupted; what is done is done";
            Err(Failure::new(Exit::Failed, what, "The same command goes on where it broke off."))
        }
        None => Ok(()),
    }
}

/// True if it came to the end and met no object.
fn is_empty(summary: &RekeySummary) -> bool {
    let counts = [summary.rekeyed(), summary.already, summary.left_plain, summary.before];
    let met = counts.iter().map(|count| count.objects).sum::<u64>() + summary.absent;
    met == 0 && summary.bad.is_empty() && !summary.stopped
}

/// Tells of every object that did not get its new key.
fn complain(
    session: &Session,
    args: &RekeyArgs,
    summary: &mut RekeySummary,
    work: &mut WorkLog,
) -> (Vec<Value>, Option<Exit>) {
    let (mut failures, mut worst) = (Vec::new(), None);
    let bucket = format!("s3://{}", args.place.bucket);
    for item in &mut summary.bad {
        let failure = of_item(item, &bucket);
        worst = worst.max(Some(failure.exit));
        session.output.complaint(&failure);
        work.note(&item.key, WorkOutcome::Failed, 0, Some(&failure));
        let mut entry = failure.json()["error"].take();
        entry["name"] = item.key.clone().into();
        entry["outcome"] = json!(item.outcome);
        failures.push(entry);
    }
    (failures, worst)
}

fn objects(count: Count) -> String {
    let noun = if count.objects == 1 { "object" } else { "objects" };
    format!("{} {noun}, {}", count.objects, text::size(count.bytes))
}

fn fields(args: &RekeyArgs, keys: &Keyring, summary: &RekeySummary, failed: u64) -> Fields {
    let some = |count: Count| (count.objects > 0).then(|| objects(count));
    let rekeyed = summary.rekeyed();
    let verb = if args.dry_run { "would rekey" } else { "rekeyed" };
    let mut ways = Vec::new();
    for (count, how) in [
        (summary.whole, "through this machine"),
        (summary.parts, "in parts through this machine"),
        (summary.copied, "copied by the gateway, read back here"),
    ] {
        if count.objects > 0 {
            ways.push(format!("{} {how}", count.objects));
        }
    }
    let window = summary.window.map(|window| {
        let window = window.as_secs_f64() * 1e3;
        format!(
            "{window:.1} ms at most: this gateway does not honour If-Match, and what somebody writes \
             between look and replacement is lost"
        )
    });
    let old = summary.old_versions.filter(|old| old.versions > 0).map(|old| {
        let size = text::size(old.bytes);
        // What was in the clear is a version behind the newest one now.
        let stay = match summary.were_plain.objects {
            0 => "under the keys they were written with, or in the clear",
            _ => "as they were written, in the clear too",
        };
        format!("{}, {size}: they stay {stay}; --versions takes them along", old.versions)
    });
    Fields::new(&args.place)
        .line("key", label(keys))
        .line(verb, objects(rekeyed))
        .optional("how", (!ways.is_empty()).then(|| ways.join(", ")))
        .optional(
            "in the clear",
            some(summary.were_plain).map(|count| format!("{count}, of these")),
        )
        .optional(
            "accepted",
            some(summary.accepted).map(|count| {
                format!("{count}, of these: verified from now on, not back to their upload")
            }),
        )
        .optional("left in the clear", some(summary.left_plain))
        .optional("already", some(summary.already))
        .optional(
            "earlier",
            some(summary.before).map(|count| format!("{count}, by the run before")),
        )
        .optional("gone", (summary.absent > 0).then_some(summary.absent))
        .optional("not rekeyed", (failed > 0).then_some(failed))
        .optional("window", window)
        .optional("versions", histories(summary))
        .optional("old versions", old)
        .optional(
            "access lists",
            (summary.without_grants > 0).then(|| {
                format!("{} could not be read: the usual one instead", summary.without_grants)
            }),
        )
        .optional("estimate", estimate(args, summary))
}

/// What became of the versions behind the newest ones.
fn histories(summary: &RekeySummary) -> Option<String> {
    let (all, objects) = (summary.versions, summary.rekeyed().objects);
    let verb = "written anew, in their order; the old ones are deleted";
    (all > objects).then(|| format!("{all} {verb}"))
}

fn label(keys: &Keyring) -> String {
    let writer = keys.writer();
    let fingerprint = writer.fingerprint();
    let label = keys.label(fingerprint).map(|label| format!(" {label}")).unwrap_or_default();
    format!("{fingerprint} ({}){label}", writer.kind())
}

/// How long it would take, where a rate is known.
fn estimate(args: &RekeyArgs, summary: &RekeySummary) -> Option<String> {
    if !args.dry_run {
        return None;
    }
    let (rate, whose) = match (args.rate, summary.known_rate) {
        (Some(limit), Some(known)) if known < limit => (known, "as in the last run here"),
        (Some(limit), _) => (limit, "by --rate"),
        (None, Some(known)) => (known, "as in the last run here"),
        (None, None) => return None,
    };
    let seconds = summary.rekeyed().bytes.div_ceil(rate.max(1));
    let time = indicatif::HumanDuration(Duration::from_secs(seconds));
    Some(format!("about {time} at {} a second, {whose}", indicatif::HumanBytes(rate)))
}

fn in_json(args: &RekeyArgs, keys: &Keyring, summary: &RekeySummary) -> Value {
    let count = |count: Count| json!({ "objects": count.objects, "bytes": count.bytes });
    let old = summary.old_versions;
    json!({
        "place": args.place.to_string(),
        "key": keys.writer().fingerprint().to_string(),
        "dry_run": args.dry_run,
        "rekeyed": count(summary.rekeyed()),
        "whole": count(summary.whole),
        "parts": count(summary.parts),
        "copied": count(summary.copied),
        "were_plain": count(summary.were_plain),
        "accepted": count(summary.accepted),
        "left_plain": count(summary.left_plain),
        "versions": summary.versions,
        "already": count(summary.already),
        "earlier": count(summary.before),
        "gone": summary.absent,
        "window_ms": summary.window.map(|window| window.as_secs_f64() * 1e3),
        "old_versions": old.map(|old| json!({ "versions": old.versions, "bytes": old.bytes })),
        "without_access_lists": summary.without_grants,
        "stopped": summary.stopped,
        "seconds": summary.elapsed.as_secs_f64(),
    })
}
