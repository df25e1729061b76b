//! `s3-ssec report`: the journals of all shards, put together.

use crate::args::ReportArgs;
use crate::output::Fields;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::text;
use s3_ssec::core::journal::merge::{FailedObject, Merge, Merged, ShardReport, label};
use s3_ssec::core::journal::work::WorkOutcome;
use s3_ssec::{LimitedFile, LimitedLines, LineError, WORK_LINE_MAX};
use serde_json::{Value, json};
use std::io::{self, BufReader};
use std::path::Path;

pub(super) fn run(session: &Session, args: &ReportArgs) -> Result<(), Failure> {
    let mut merge = Merge::default();
    for path in &args.journals {
        read(&mut merge, path)?;
    }
    let merged = merge.finish();
    session.output.answer(text(&merged), &in_json(&merged))?;
    match exit(merged.exit_code()) {
        None => Ok(()),
        Some(exit) => {
            session.output.complaint(&failure(&merged, exit));
            Err(Failure::reported(exit))
        }
    }
}

fn read(merge: &mut Merge, path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let failed = |error: LineError| {
        let what = format!("{name} cannot be read: {error}");
        Failure::new(Exit::Failed, what, "Check the name and your rights to read it.")
    };
    merge.journal(&name);
    let file = LimitedFile::open(path).map_err(|error| failed(error.into()))?;
    let mut lines = LimitedLines::new(BufReader::new(file), WORK_LINE_MAX);
    let mut empty = true;
    // A line without its end was cut short by a crash, and counts for nothing.
    while let Some([line @ .., b'\n']) = lines.next_line().map_err(failed)? {
        let line = std::str::from_utf8(line);
        let line = line.map_err(|error| failed(io::Error::other(error).into()))?;
        merge.line(line).about(&name)?;
        empty = false;
    }
    match empty {
        false => Ok(()),
        true => {
            Err(Failure::from(s3_ssec::core::journal::merge::MergeError::NoBeginning)).about(&name)
        }
    }
}

fn exit(code: u8) -> Option<Exit> {
    [Exit::Failed, Exit::Usage, Exit::NotProved, Exit::Key, Exit::Unsafe]
        .into_iter()
        .find(|exit| *exit as u8 == code)
        .or((code > 0).then_some(Exit::Failed))
}

fn failure(merged: &Merged, exit: Exit) -> Failure {
    let missing: Vec<_> = merged.missing().iter().map(|shard| format!("shard {shard}")).collect();
    let unfinished: Vec<_> = merged.unfinished().map(|shard| shard.name.as_str()).collect();
    let mut what = Vec::new();
    if !missing.is_empty() {
        what.push(format!("no journal of {}", missing.join(", ")));
    }
    if !unfinished.is_empty() {
        what.push(format!("not at its end: {}", unfinished.join(", ")));
    }
    if !merged.doubles.is_empty() {
        what.push(format!("{} done by more than one shard", objects(merged.doubles.len())));
    }
    if !merged.failed.is_empty() {
        what.push(format!("{} failed", objects(merged.failed.len())));
    }
    if what.is_empty() {
        what.push("a shard ended with a failure".to_owned());
    }
    let todo = "Start the shards named again with their journals: they go on; then report again.";
    Failure::new(exit, what.join("; "), todo)
}

fn objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

fn word(outcome: WorkOutcome) -> &'static str {
    match outcome {
        WorkOutcome::Done => "done",
        WorkOutcome::Same => "there already",
        WorkOutcome::Skipped => "left out",
        WorkOutcome::Failed => "failed",
        _ => "other",
    }
}

fn ended(shard: &ShardReport) -> String {
    match shard.exit_code {
        Some(0) => "ended well".to_owned(),
        Some(code) => format!("ended with exit code {code}"),
        None => "not at its end".to_owned(),
    }
}

fn text(merged: &Merged) -> String {
    let headline = merged.begun.as_ref().map_or_else(String::new, |begun| {
        format!("s3-ssec {} of {} at {}", begun.command, begun.place, begun.endpoint)
    });
    let mut fields = Fields::new(headline);
    for shard in &merged.shards {
        let ShardReport { name, shard: number, objects: count, .. } = shard;
        let count = objects(usize::try_from(*count).unwrap_or(usize::MAX));
        let line = format!("{number} in {name}: {count}, {}", ended(shard));
        fields = fields.line("shard", line);
    }
    for shard in merged.missing() {
        fields = fields.line("missing", format_args!("shard {shard}"));
    }
    for (outcome, count) in &merged.outcomes {
        fields = fields.line(word(*outcome), count);
    }
    fields = fields.line("size", text::size(merged.bytes));
    for (state, count) in &merged.states {
        fields = fields.line("state", format_args!("{state}: {count}"));
    }
    for FailedObject { object, .. } in &merged.failed {
        let what = object.what.as_deref().unwrap_or("no reason given");
        fields = fields.line("failed object", format_args!("{}: {what}", label(object)));
    }
    for (object, journals) in &merged.doubles {
        fields = fields.line("double", format_args!("{object} in {}", journals.join(" and ")));
    }
    fields.to_string()
}

fn in_json(merged: &Merged) -> Value {
    let shard = |shard: &ShardReport| {
        json!({
            "shard": shard.shard.to_string(),
            "journal": shard.name,
            "objects": shard.objects,
            "failed": shard.failed,
            "exit_code": shard.exit_code,
        })
    };
    let failed = |failed: &FailedObject| {
        json!({
            "key": failed.object.key,
            "version_id": failed.object.version,
            "exit_code": failed.object.exit_code,
            "what": failed.object.what,
            "journal": failed.journal,
        })
    };
    let double = |(object, journals): &(String, Vec<String>)| json!({ "object": object, "journals": journals });
    let count = |outcome| merged.outcomes.get(&outcome).copied().unwrap_or_default();
    json!({
        "command": merged.begun.as_ref().map(|begun| &begun.command),
        "place": merged.begun.as_ref().map(|begun| &begun.place),
        "shards": merged.shards.iter().map(shard).collect::<Value>(),
        "missing": merged.missing().iter().map(ToString::to_string).collect::<Value>(),
        "done": count(WorkOutcome::Done),
        "same": count(WorkOutcome::Same),
        "skipped": count(WorkOutcome::Skipped),
        "bytes": merged.bytes,
        "states": merged.states,
        "failed": merged.failed.iter().map(failed).collect::<Value>(),
        "doubles": merged.doubles.iter().map(double).collect::<Value>(),
        "exit_code": merged.exit_code(),
    })
}
