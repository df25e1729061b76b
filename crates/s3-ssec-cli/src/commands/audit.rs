//! `s3-ssec audit`: under which key is every object?

mod lines;
mod summary;

use super::nothing;
use crate::args::AuditArgs;
use crate::keys::need::Need;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::{Session, state_dir};
use lines::Lines;
use s3_ssec::core::journal::merge::identity_of;
use s3_ssec::core::journal::work::{WorkBegun, WorkLine, WorkObject, WorkOutcome, WorkThrough};
use s3_ssec::{
    AuditEntry, AuditError, AuditEvent, AuditMark, AuditOptions, Finding, GoOn, RecordState, State,
    StateDir, WorkJournal,
};
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use summary::Tally;

pub(super) async fn run(session: &Session, args: AuditArgs) -> Result<(), Failure> {
    if session.output.is_json() && args.format.is_some() && args.out.is_none() {
        let what = "lines and the JSON of the summary do not both fit on standard output";
        return Err(Failure::new(Exit::Usage, what, "Give the lines a file with --out FILE."));
    }
    let (client, keys) = session.keyed(&Need::to_read(&args.place)).await?;
    if let Some(expectation) = args.expect.filter(|expected| !expected.can_be_met_with(&keys)) {
        let what = format!("--expect {expectation} is about master keys, and you gave none");
        let todo = "Expect keys that others may hold with --expect direct, or give a master key.";
        return Err(Failure::new(Exit::Usage, what, todo));
    }
    let keys = Arc::new(keys);
    let mut options = options(&args);
    let begun = begun(&args, client.endpoint().as_str());
    let mut book = Book { args: &args, journal: None, lines: None, tally: Tally::new(&args) };
    let Before { kept, path } = book.open(&begun, &mut options)?;
    book.lines = Lines::open(session.output, &args, kept)?;
    if kept.is_none() {
        // From here on the file of lines is known to be ours, however early this breaks off.
        book.through(NOTHING_YET).map_err(AuditError::Told).about(&args.place)?;
    }
    let progress = session.progress(Total::Unknown);
    let mut tell = |event| book.take(event);
    let ended = client.audit(&keys, &args.place, &options, &progress.watch, &mut tell).await;
    drop(progress);
    let ended = match ended {
        // A reader that went away got what it wanted.
        Err(AuditError::Told(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        ended => ended.about(&args.place)?,
    };
    book.flush().map_err(AuditError::Told).about(&args.place)?;
    if ended
        && book.tally.is_empty()
        && let Err(failure) = nothing::refuse(&client, &args.place).await
    {
        book.close(failure.exit as u8, path)?;
        if let (None, Some(out)) = (kept, &args.out) {
            // Made a moment ago, for lines that never came: it would be in the way of the right name.
            let _ = std::fs::remove_file(out);
        }
        return Err(failure);
    }
    let verdict = book.tally.verdict(ended);
    if ended {
        book.close(verdict.as_ref().map_or(0, |failure| failure.exit as u8), path)?;
    }
    book.tally.tell(session, &keys, args.out.is_none() && args.format.is_some())?;
    if let Some(error) = book.tally.not_listed.take() {
        let why = Failure::from(error);
        session.output.note(format_args!(
            "Incomplete multipart uploads were not listed: {}. {}",
            why.what, why.todo
        ));
    }
    if let Some(count) = book.tally.without_tags() {
        session.output.note(format_args!(
            "The tags of {count} objects could not be read, and their records with them: it takes the \
             right s3:GetObjectTagging, and a gateway that keeps tags."
        ));
    }
    match verdict {
        None => Ok(()),
        Some(failure) => {
            session.output.complaint(&failure);
            Err(Failure::reported(failure.exit))
        }
    }
}

fn options(args: &AuditArgs) -> AuditOptions {
    let mut options = AuditOptions::default();
    options.versions = args.versions;
    options.trust_records = args.trust_records;
    options.selection = args.work.selection();
    options.in_flight = args.in_flight.into();
    options
}

/// What makes this audit this one.
fn begun(args: &AuditArgs, endpoint: &str) -> WorkBegun {
    let versions = args.versions.then_some("versions".to_owned());
    let trusting = args.trust_records.then_some("trust-records".to_owned());
    let expected = args.expect.map(|expected| format!("expect={expected}"));
    let manifest = args.work.manifest_detail();
    let options = [versions, trusting, expected, manifest];
    WorkBegun {
        command: "audit".to_owned(),
        endpoint: endpoint.to_owned(),
        place: args.place.to_string(),
        shard: args.work.selection().shard.to_string(),
        options: options.into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}

/// The mark before the first object: no object has an empty key.
const NOTHING_YET: AuditMark = AuditMark { key: String::new(), version: None };

/// What was there when the audit began.
struct Before {
    /// The length of the lines that still count; `None` if nothing was begun.
    kept: Option<u64>,
    /// The journal, if it is to go in the end.
    path: Option<PathBuf>,
}

/// Keeps what the audit tells: lines for people, the journal for going on, and counts.
struct Book<'a> {
    args: &'a AuditArgs,
    journal: Option<WorkJournal>,
    lines: Option<Lines>,
    tally: Tally,
}

impl Book<'_> {
    /// Opens the journal, where there is one, and takes up what stands in it.
    fn open(&mut self, begun: &WorkBegun, options: &mut AuditOptions) -> Result<Before, Failure> {
        let own = self.args.work.journal.is_none();
        let path = match (&self.args.work.journal, &self.args.out) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(out)) => beside(out, begun),
            (None, None) => None,
        };
        let Some(path) = path else { return Ok(Before { kept: None, path: None }) };
        let (mut kept, mut done) = (None, HashSet::new());
        let by_name = self.args.work.manifest.is_some();
        let journal = WorkJournal::open(&path, begun, GoOn::AfterListed, &mut |line| match line {
            WorkLine::Object(object) => {
                let finding = object.state.as_deref().and_then(Finding::parse);
                if let Some(finding) = finding {
                    self.tally.count(finding, object.bytes, object.outcome, &object.key);
                }
                if by_name {
                    done.insert(identity_of(&object.key, None));
                }
            }
            WorkLine::Through(through) => {
                let WorkThrough { key, version, out } = through;
                kept = Some(out);
                options.after =
                    Some(AuditMark { key, version }).filter(|mark| *mark != NOTHING_YET);
            }
            _ => {}
        })?;
        options.selection.done = Arc::new(done);
        self.journal = Some(journal);
        Ok(Before { kept, path: own.then_some(path) })
    }

    fn take(&mut self, event: AuditEvent) -> io::Result<()> {
        match event {
            AuditEvent::Object(entry) => self.object(&entry),
            AuditEvent::Upload(upload) => {
                self.tally.upload();
                match &mut self.lines {
                    Some(lines) => lines.upload(&upload),
                    None => Ok(()),
                }
            }
            AuditEvent::UploadsNotListed(error) => {
                self.tally.uploads_not_listed(error);
                Ok(())
            }
            AuditEvent::Through(mark) => self.through(mark),
            _ => Ok(()),
        }
    }

    fn object(&mut self, entry: &AuditEntry) -> io::Result<()> {
        let expected = self.args.expect.map(|expectation| expectation.is_met_by(entry));
        let (outcome, exit_code) = match (entry.state, expected) {
            (_, Some(false)) | (State::Replaced, None) => {
                (WorkOutcome::Failed, Some(Exit::NotProved as u8))
            }
            (_, None) if entry.record == RecordState::OtherSize => {
                (WorkOutcome::Failed, Some(Exit::NotProved as u8))
            }
            (State::Failed, None) => (WorkOutcome::Failed, Some(Exit::Failed as u8)),
            _ => (WorkOutcome::Done, None),
        };
        let (finding, bytes) = (entry.finding(), entry.size.unwrap_or_default());
        self.tally.count(finding, bytes, outcome, &entry.key);
        if let Some(lines) = &mut self.lines {
            lines.object(entry, expected)?;
        }
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let what = (outcome == WorkOutcome::Failed)
            .then(|| entry.note.clone().unwrap_or_else(|| finding.to_string()));
        let line = WorkLine::Object(WorkObject {
            key: entry.key.clone(),
            version: entry.version.clone(),
            outcome,
            bytes,
            state: Some(finding.to_string()),
            exit_code,
            what,
        });
        journal.append(&line).map_err(io::Error::other)
    }

    fn through(&mut self, AuditMark { key, version }: AuditMark) -> io::Result<()> {
        let out = self.flush()?;
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if let Some(lines) = self.lines.as_mut().filter(|_| journal.is_due()) {
            lines.sync()?;
        }
        let through = WorkLine::Through(WorkThrough { key, version, out });
        journal.append(&through).map_err(io::Error::other)
    }

    /// Gives the length of the file of lines.
    fn flush(&mut self) -> io::Result<u64> {
        self.lines.as_mut().map_or(Ok(0), Lines::flush)
    }

    /// Ends the journal; removes it if nobody asked for it.
    fn close(&mut self, exit_code: u8, path: Option<PathBuf>) -> Result<(), Failure> {
        let Some(mut journal) = self.journal.take() else { return Ok(()) };
        if let Some(lines) = &mut self.lines {
            lines.sync().map_err(AuditError::Told)?;
        }
        journal.append(&WorkLine::Ended { exit_code })?;
        if let Some(path) = path {
            // It is only in the way of nobody.
            let _ = std::fs::remove_file(path);
        }
        Ok(())
    }
}

/// The journal of an audit whose lines go to a file and for which none was named: in the state
/// directory, by what it is of.
fn beside(out: &std::path::Path, begun: &WorkBegun) -> Option<PathBuf> {
    let out = std::path::absolute(out).unwrap_or_else(|_| out.to_owned());
    let of = format!("{}\n{begun:?}", out.display());
    let directory = state_dir()?.join("audits");
    StateDir::new(&directory).make().ok()?;
    Some(directory.join(format!("{:032x}.jsonl", identity_of(&of, None))))
}
