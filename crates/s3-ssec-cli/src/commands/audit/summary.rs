//! The counts of an audit, and what they mean.

use crate::args::AuditArgs;
use crate::output::Fields;
use crate::report::{Exit, Failure};
use crate::session::Session;
use crate::text;
use s3_ssec::core::journal::work::WorkOutcome;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::{AuditSummary, CallError, Expectation, Finding, RecordState, State};
use serde_json::{Map, Value, json};

/// Names of objects that an error names.
const NAMED: usize = 5;

/// What was counted so far.
pub(super) struct Tally {
    place: S3Address,
    expect: Option<Expectation>,
    summary: AuditSummary,
    uploads: u64,
    /// Why uploads were not listed.
    pub(super) not_listed: Option<CallError>,
    /// Not as expected, replaced, or not asked about.
    wrong: u64,
    names: Vec<String>,
}

impl Tally {
    pub(super) fn new(args: &AuditArgs) -> Self {
        let (summary, uploads, wrong, names) = (AuditSummary::default(), 0, 0, Vec::new());
        let (place, not_listed) = (args.place.clone(), None);
        Self { place, expect: args.expect, summary, uploads, not_listed, wrong, names }
    }

    pub(super) fn count(&mut self, finding: Finding, bytes: u64, outcome: WorkOutcome, key: &str) {
        self.summary.add(finding, bytes);
        if outcome == WorkOutcome::Failed {
            self.wrong += 1;
            if self.names.len() < NAMED {
                self.names.push(key.to_owned());
            }
        }
    }

    pub(super) fn upload(&mut self) {
        self.uploads += 1;
    }

    pub(super) fn uploads_not_listed(&mut self, error: CallError) {
        self.not_listed = Some(error);
    }

    /// True if nothing was found, in this run and before.
    pub(super) fn is_empty(&self) -> bool {
        self.summary.entries() + self.uploads == 0
    }

    /// What is wrong, if anything.
    pub(super) fn verdict(&self, ended: bool) -> Option<Failure> {
        let (wrong, all) = (self.wrong, self.summary.entries());
        let names = self.names.join(", ");
        let more = if wrong > self.names.len() as u64 { ", ..." } else { "" };
        if !ended {
            let what = format!("{}: interrupted after {all} objects", self.place);
            let todo = "With the same --out or --journal it goes on when started again.";
            return Some(Failure::new(Exit::Failed, what, todo));
        }
        match (wrong, self.expect) {
            (0, _) => None,
            (_, Some(expectation)) => Some(Failure::new(
                Exit::NotProved,
                format!(
                    "{}: {wrong} of {all} objects are not as expected ({expectation}): {names}{more}",
                    self.place
                ),
                "Look at each with s3-ssec stat; --out FILE keeps a line for every object.",
            )),
            (_, None) if self.summary.of(State::Replaced) > 0 => Some(Failure::new(
                Exit::NotProved,
                format!(
                    "{}: {} of {all} objects are under a direct key and were last written here under a \
                     master key: {names}{more}",
                    self.place,
                    self.summary.of(State::Replaced)
                ),
                "Another holder of the direct key may have replaced them: look at each with s3-ssec \
                 stat.",
            )),
            (_, None) if self.of_other_size() > 0 => Some(Failure::new(
                Exit::NotProved,
                format!(
                    "{}: {} of {all} objects have another size than their record says: \
                     {names}{more}",
                    self.place,
                    self.of_other_size()
                ),
                "They are not what was uploaded, or the gateway states a wrong size: s3-ssec verify \
                 reads each to its end.",
            )),
            (_, None) => Some(Failure::new(
                Exit::Failed,
                format!(
                    "{}: {wrong} of {all} objects could not be asked about: {names}{more}",
                    self.place
                ),
                "--out FILE keeps a line for every object, with the reason.",
            )),
        }
    }

    fn of_other_size(&self) -> u64 {
        self.of(RecordState::OtherSize)
    }

    /// The objects whose tags could not be read, if there are any.
    pub(super) fn without_tags(&self) -> Option<u64> {
        Some(self.of(RecordState::NotReadable)).filter(|count| *count > 0)
    }

    fn of(&self, record: RecordState) -> u64 {
        self.summary.records.get(&record).copied().unwrap_or_default()
    }

    /// Tells the counts; beside lines on standard output they are a remark.
    pub(super) fn tell(
        &self,
        session: &Session,
        keys: &Keyring,
        beside_lines: bool,
    ) -> Result<(), Failure> {
        let text = self.text(keys).to_string();
        match beside_lines {
            true => {
                // Remarks are one line each, and plain.
                let plain = anstream::adapter::strip_str(&text).to_string();
                plain.lines().for_each(|line| session.output.note(line));
                Ok(())
            }
            false => session.output.report(text, &self.json()),
        }
    }

    fn text(&self, keys: &Keyring) -> Fields {
        let summary = &self.summary;
        let mut fields = Fields::new(&self.place)
            .line("objects", format_args!("{}, {}", summary.entries(), text::size(summary.bytes)));
        for (state, count) in &summary.states {
            fields = fields.line(state.as_str(), count);
        }
        for (fingerprint, count) in &summary.keys {
            let label = keys.label(*fingerprint).map(|label| format!(" ({label})"));
            let label = label.unwrap_or_default();
            fields = fields.line("key", format_args!("{fingerprint}{label}: {count}"));
        }
        for (record, count) in &summary.records {
            fields = fields.line("record", format_args!("{record}: {count}"));
        }
        let some = |count: u64| (count > 0).then_some(count);
        let fields = fields
            .optional("by record only", some(summary.unproved))
            .optional("half-done uploads", some(self.uploads));
        match self.expect {
            Some(_) => fields.line("not as expected", self.wrong),
            None => fields,
        }
    }

    fn json(&self) -> Value {
        let summary = &self.summary;
        let states: Map<_, _> =
            summary.states.iter().map(|(state, n)| (state.to_string(), (*n).into())).collect();
        let keys: Map<_, _> =
            summary.keys.iter().map(|(key, n)| (key.to_string(), (*n).into())).collect();
        let records: Map<_, _> =
            summary.records.iter().map(|(record, n)| (record.to_string(), (*n).into())).collect();
        json!({
            "place": self.place.to_string(),
            "objects": summary.entries(),
            "bytes": summary.bytes,
            "states": states,
            "keys": keys,
            "records": records,
            "by_record_only": summary.unproved,
            "half_done_uploads": self.uploads,
            "failed": summary.of(State::Failed),
            "expected": self.expect.map(|expectation| expectation.to_string()),
            "not_as_expected": self.expect.map(|_| self.wrong),
        })
    }
}
