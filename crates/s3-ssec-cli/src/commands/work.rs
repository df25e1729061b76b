//! The journal of a command on many objects, where one is wanted.

use crate::args::WorkArgs;
use crate::report::Failure;
use s3_ssec::core::journal::merge::identity_of;
use s3_ssec::core::journal::work::{WorkBegun, WorkLine, WorkObject, WorkOutcome};
use s3_ssec::core::names::S3Address;
use s3_ssec::{Client, GoOn, Item, Selection, TreeOutcome, WorkError, WorkJournal};
use std::collections::HashSet;
use std::sync::Arc;

/// Notes what becomes of every object.
#[derive(Default)]
pub(super) struct WorkLog {
    journal: Option<WorkJournal>,
    /// The first error: told at the end, since what is done is done.
    error: Option<WorkError>,
}

/// Whether what a journal says is done is done again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It is left out: nothing can have changed it.
    Never,
    /// It is looked at again, and found to be there.
    Look,
}

impl WorkLog {
    /// Opens the journal that was named; with what it says is done left out of `selection`.
    pub(super) fn open(
        work: &WorkArgs,
        command: &str,
        client: &Client,
        place: &S3Address,
        details: &[String],
        again: Again,
        selection: &mut Selection,
    ) -> Result<Self, Failure> {
        let Some(path) = &work.journal else { return Ok(Self::default()) };
        let begun = WorkBegun {
            command: command.to_owned(),
            endpoint: client.endpoint().as_str().to_owned(),
            place: place.to_string(),
            shard: selection.shard.to_string(),
            options: details.join(" "),
        };
        let mut done = HashSet::new();
        let journal = WorkJournal::open(path, &begun, GoOn::AfterObjects, &mut |line| {
            let WorkLine::Object(object) = line else { return };
            let id = identity_of(&object.key, object.version.as_deref());
            match object.outcome {
                WorkOutcome::Failed => done.remove(&id),
                _ => done.insert(id),
            };
        })?;
        if again == Again::Never {
            selection.done = Arc::new(done);
        }
        Ok(Self { journal: Some(journal), error: None })
    }

    /// Notes what did not fail.
    pub(super) fn item(&mut self, item: &Item) {
        let (outcome, bytes) = match &item.outcome {
            TreeOutcome::Done(bytes, _) => (WorkOutcome::Done, *bytes),
            TreeOutcome::Same(bytes, _) => (WorkOutcome::Same, *bytes),
            TreeOutcome::Skipped(_) => (WorkOutcome::Skipped, 0),
            _ => return,
        };
        self.note(&item.name, outcome, bytes, None);
    }

    /// Notes what failed, and how.
    pub(super) fn failed(&mut self, name: &str, failure: &Failure) {
        self.note(name, WorkOutcome::Failed, 0, Some(failure));
    }

    /// Notes that everything was dealt with.
    pub(super) fn ended(mut self, exit_code: u8) -> Result<(), Failure> {
        self.append(&WorkLine::Ended { exit_code });
        self.error.map_or(Ok(()), |error| Err(error.into()))
    }

    /// True if a journal was named.
    pub(super) fn is_kept(&self) -> bool {
        self.journal.is_some()
    }

    /// Notes what became of one object.
    pub(super) fn note(
        &mut self,
        name: &str,
        outcome: WorkOutcome,
        bytes: u64,
        failure: Option<&Failure>,
    ) {
        if self.journal.is_none() {
            return;
        }
        let (key, version, state) = (name.to_owned(), None, None);
        let exit_code = failure.map(|failure| failure.exit as u8);
        let what = failure.map(|failure| failure.what().to_owned());
        let object = WorkObject { key, version, outcome, bytes, state, exit_code, what };
        self.append(&WorkLine::Object(object));
    }

    fn append(&mut self, line: &WorkLine) {
        let Some(journal) = &mut self.journal else { return };
        if let Err(error) = journal.append(line) {
            self.error.get_or_insert(error);
        }
    }
}
