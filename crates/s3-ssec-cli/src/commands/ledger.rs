//! `s3-ssec ledger`: the records of objects that this machine keeps, for another machine.

use crate::args::{LedgerCommand, LedgerImportArgs};
use crate::keys::need::Need;
use crate::output::Fields;
use crate::report::{Exit, Failure};
use crate::session::{Session, state_dir};
use crate::text;
use s3_ssec::core::keyring::OpenError;
use s3_ssec::core::names::S3Address;
use s3_ssec::{ImportError, ImportRefused, Imported, Ledger, LedgerEntry, LimitedFile, StateDir};
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

pub(super) async fn run(session: &Session, command: LedgerCommand) -> Result<(), Failure> {
    match command {
        LedgerCommand::Export { place } => export(session, place.as_ref()),
        LedgerCommand::Import(args) => import(session, &args).await,
    }
}

fn ledger() -> Result<Ledger, Failure> {
    let state = state_dir().map(StateDir::new).ok_or_else(|| {
        let what = "there is no state directory, so there is no ledger";
        Failure::new(Exit::Failed, what, "Set HOME or XDG_STATE_HOME to an absolute path.")
    })?;
    Ok(Ledger::open(&state))
}

/// Bytes of lines that are printed at once.
const PRINTED: usize = 1 << 20;

fn export(session: &Session, place: Option<&S3Address>) -> Result<(), Failure> {
    let within = |entry: &LedgerEntry| {
        place.is_none_or(|place| {
            entry.object.bucket == place.bucket && place.holds(entry.object.key.as_str())
        })
    };
    let unreadable = |error: io::Error| {
        let what = format!("the ledger cannot be read to its end: {error}");
        Failure::new(Exit::Failed, what, "Check your rights in ~/.local/state/s3-ssec.")
    };
    let ledger = ledger()?;
    // Half a ledger looks like a whole one: nothing is printed unless all of it can be read.
    let mut entries = Vec::new();
    let is_json = session.output.is_json();
    let mut collect = |entry: &LedgerEntry| {
        if is_json && within(entry) {
            entries.push(in_json(entry));
        }
        Ok(())
    };
    ledger.for_each(&mut collect).map_err(unreadable)?;
    if is_json {
        return session.output.answer("", &json!({ "entries": entries }));
    }
    let (mut lines, mut printed) = (String::new(), Ok(()));
    let mut print = |lines: &mut String| {
        printed = session.output.raw(std::mem::take(lines).as_bytes());
        printed.is_ok()
    };
    let read = ledger.for_each(|entry| {
        if within(entry) {
            lines += &text::escaped(entry.print());
        }
        match lines.len() < PRINTED || print(&mut lines) {
            true => Ok(()),
            false => Err(io::ErrorKind::BrokenPipe.into()),
        }
    });
    if read.is_ok() {
        print(&mut lines);
    }
    printed?;
    read.map_err(unreadable)
}

fn in_json(entry: &LedgerEntry) -> Value {
    json!({
        "endpoint": entry.endpoint,
        "object": entry.object.to_string(),
        "record": entry.record.to_string(),
        "confirmed": entry.confirmed,
        "in_tag": entry.in_tag,
    })
}

async fn import(session: &Session, args: &LedgerImportArgs) -> Result<(), Failure> {
    // No key is sent anywhere.
    let (_, keys) = session.keys_to_show(&Need::nowhere()).await?;
    let opened: io::Result<Box<dyn BufRead>> = match args.file == Path::new("-") {
        true => Ok(Box::new(io::stdin().lock())),
        false => LimitedFile::open(&args.file).map(|file| Box::new(BufReader::new(file)) as _),
    };
    let text = opened.map_err(|error| {
        let what = format!("{} cannot be read: {error}", args.file.display());
        Failure::new(Exit::Failed, what, "Name a file that s3-ssec ledger export printed.")
    })?;
    let imported = ledger()?.import(&keys, text).map_err(|error| {
        let what = format!("{} was not imported: {error}", args.file.display());
        match error {
            ImportError::Refused { why, .. } => refused(what, why),
            _ => Failure::new(
                Exit::Failed,
                what,
                "Name a file that s3-ssec ledger export printed, and make room in ~/.local/state/s3-ssec.",
            ),
        }
    })?;
    let mut worst = None;
    for (line, why) in &imported.refused {
        let what = format!("{}: line {line} was not taken in: {why}", args.file.display());
        let failure = refused(what, *why);
        worst = worst.max(Some(failure.exit));
        session.output.complaint(&failure);
    }
    session.output.report(fields(&args.file, &imported), &summary(&imported))?;
    match worst {
        Some(exit) => Err(Failure::reported(exit)),
        None => Ok(()),
    }
}

fn refused(what: String, why: ImportRefused) -> Failure {
    match why {
        ImportRefused::Record(OpenError::KeyMissing(_) | OpenError::DirectKeyMissing) => {
            Failure::new(Exit::Key, what, "Give that key with --key-file FILE.")
        }
        _ => Failure::new(
            Exit::NotProved,
            what,
            "Export it again on the machine it came from: s3-ssec ledger export.",
        ),
    }
}

fn fields(file: &Path, imported: &Imported) -> Fields {
    let refused = imported.refused.len();
    Fields::new(file.display())
        .line("added", imported.added)
        .line("known before", imported.known)
        .optional("refused", (refused > 0).then_some(refused))
}

fn summary(imported: &Imported) -> Value {
    let refused = imported.refused.iter();
    let refused: Vec<_> =
        refused.map(|(line, why)| json!({ "line": line, "why": why.to_string() })).collect();
    json!({ "added": imported.added, "known": imported.known, "refused": refused })
}
