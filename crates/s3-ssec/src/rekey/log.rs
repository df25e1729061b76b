//! The journal of a run on disk. What many objects note at once is synchronised at once.

use super::RekeyError;
use crate::client::Client;
use crate::state::JournalFile;
use s3_ssec_core::journal::print;
use s3_ssec_core::rekey::{Pending, RekeyBegun, RekeyJournal, RekeyLine, whole};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Where the journals of runs are, under the state directory.
const DIRECTORY: &str = "rekeys";

/// How every journal begins.
const BEGINNING: &str = "{\"begun\":";

/// A line, and who waits for it to be on disk.
type Entry = (String, Option<oneshot::Sender<bool>>);

/// The journal of one run.
pub(super) struct Log {
    /// What all lines so far say.
    known: Mutex<RekeyJournal>,
    entries: Option<Sender<Entry>>,
    writer: Option<JoinHandle<JournalFile>>,
}

impl Log {
    /// One that keeps nothing.
    pub(super) fn nowhere() -> Self {
        let text = String::new();
        let begun = RekeyBegun {
            endpoint: text.clone(),
            place: text.clone(),
            target: text.clone(),
            shard: text,
            versions: false,
        };
        Self { known: Mutex::new(RekeyJournal::new(begun)), entries: None, writer: None }
    }

    /// Opens the journal of this work, and says what an earlier run left in it.
    ///
    /// Two runs of the same work at once are refused. Without a state directory nothing is kept.
    pub(super) fn open(
        client: &Client,
        begun: RekeyBegun,
        steps: Option<&Path>,
    ) -> Result<(Self, Option<RekeyJournal>), RekeyError> {
        let mut known = RekeyJournal::new(begun.clone());
        let mut names = vec![&*begun.endpoint, &*begun.place, &*begun.target, &*begun.shard];
        names.extend(begun.versions.then_some("versions"));
        let opened = match (steps, &client.state) {
            (Some(path), _) => JournalFile::open(path.to_owned()),
            (None, Some(state)) => state.journal(DIRECTORY, &names),
            (None, None) => {
                return Ok((Self { known: Mutex::new(known), entries: None, writer: None }, None));
            }
        };
        let (mut file, text) = opened.map_err(RekeyError::Journal)?;
        let other = RekeyJournal::parse(&text).is_some_and(|before| before.begun != begun);
        if other || (!text.is_empty() && !text.starts_with(BEGINNING)) {
            let what = "it is of other work";
            return Err(RekeyError::Journal(io::Error::new(io::ErrorKind::AlreadyExists, what)));
        }
        let before = RekeyJournal::parse(&text).filter(|before| before.begun == begun);
        match &before {
            Some(before) => {
                known = before.clone();
                file.cut(whole(&text)).map_err(RekeyError::Journal)?;
            }
            None => {
                file.clear();
                file.append(&print(&RekeyLine::Begun(begun))).map_err(RekeyError::Journal)?;
            }
        }
        let (sender, entries) = channel();
        let writer = tokio::task::spawn_blocking(move || write(file, &entries));
        let log = Self { known: Mutex::new(known), entries: Some(sender), writer: Some(writer) };
        Ok((log, before))
    }

    /// Notes a line. It is on disk when this returns; false if it cannot be.
    pub(super) async fn note(&self, line: RekeyLine) -> bool {
        let text = print(&line);
        let Some(entries) = &self.entries else {
            self.take(line);
            return true;
        };
        let (tell, told) = oneshot::channel();
        let sent = entries.send((text, Some(tell))).is_ok();
        let noted = sent && told.await.unwrap_or_default();
        if noted {
            self.take(line);
        }
        noted
    }

    /// Notes a line that nothing depends on.
    pub(super) fn mention(&self, line: RekeyLine) {
        if let Some(entries) = &self.entries {
            let _ = entries.send((print(&line), None));
        }
        self.take(line);
    }

    fn take(&self, line: RekeyLine) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).take(line);
    }

    /// What they say of one object that is in the middle.
    pub(super) fn pending(&self, object: &str) -> Option<Pending> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.pending.get(object).cloned()
    }

    /// What all lines say.
    pub(super) fn known(&self) -> RekeyJournal {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it. It is kept if somebody has to go on, and removed otherwise.
    pub(super) async fn close(self, keep: bool) {
        drop(self.entries);
        let Some(writer) = self.writer else { return };
        if let (Ok(file), false) = (writer.await, keep) {
            file.remove();
        }
    }
}

/// Writes what is there to be written, all of it with one synchronisation.
fn write(mut file: JournalFile, entries: &Receiver<Entry>) -> JournalFile {
    let mut broken = false;
    while let Ok(first) = entries.recv() {
        let (mut lines, mut waiting) = (String::new(), Vec::new());
        for (line, tell) in
            std::iter::once(first).chain(std::iter::from_fn(|| entries.try_recv().ok()))
        {
            lines += &line;
            waiting.extend(tell);
        }
        if !broken && let Err(error) = file.append(&lines) {
            tracing::warn!("the journal of this run cannot be written: {error}");
            // Part of a line may stand there; a later one would be joined to it.
            broken = true;
        }
        for tell in waiting {
            let _ = tell.send(!broken);
        }
    }
    file
}
