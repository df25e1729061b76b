//! One object with all its versions: takes the steps of [`History`]; each version is written by the
//! steps of one object, from its own version to the top.

use super::object::{Shared, Work, trouble_of};
use super::versions::ObjectVersions;
use super::{RekeyError, RekeyItem};
use crate::client::WithoutKey;
use crate::ledger::LedgerEntry;
use crate::write::PutError;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::rekey::{
    History, HistoryMark, HistoryStep, Outcome, Pending, PendingHistory, RekeyLine, Rewrite, Rules,
    Seen, Sight, Versions, Way,
};
use std::sync::Arc;

/// The work on the history of one object.
pub(super) struct HistoryWork {
    shared: Arc<Shared>,
    name: ObjectName,
    machine: History,
    /// How the last version was written.
    way: Way,
    /// Bytes of the versions that are written anew, and their number.
    size: u64,
    versions: u64,
    /// The key that the newest of them was under.
    from: Option<Fingerprint>,
    was_plain: bool,
    /// Of one of them at least, the content is accepted as it is.
    accepted: bool,
    why: Option<RekeyError>,
}

impl HistoryWork {
    pub(super) fn new(shared: Arc<Shared>, name: ObjectName) -> Self {
        Self::with(shared, name, History::new())
    }

    /// Goes on with what a crash left in the middle.
    pub(super) fn recover(shared: Arc<Shared>, name: ObjectName, pending: &Pending) -> Self {
        Self::with(shared, name, History::recover(pending))
    }

    fn with(shared: Arc<Shared>, name: ObjectName, machine: History) -> Self {
        let (size, versions, from) = (0, 0, None);
        let (way, was_plain, accepted, why) = (Way::Whole, false, false, None);
        Self { shared, name, machine, way, size, versions, from, was_plain, accepted, why }
    }

    /// Takes every step to the end.
    pub(super) async fn run(mut self) -> RekeyItem {
        loop {
            let step = self.machine.step();
            match step {
                HistoryStep::End(outcome) => return self.item(outcome),
                HistoryStep::Note(HistoryMark::Settled(outcome)) if self.shared.options.dry_run => {
                    return self.item(outcome);
                }
                HistoryStep::Note(_) if self.shared.options.dry_run => {
                    return self.item(Outcome::Rekeyed(Way::Whole));
                }
                _ => {}
            }
            tracing::debug!("{}: {step:?}", self.name);
            if let Err(error) = self.take(step).await {
                let trouble = trouble_of(&error);
                tracing::debug!("{}: {trouble:?}: {error}", self.name);
                self.why.get_or_insert(error);
                self.machine.failed(trouble);
            }
        }
    }

    fn item(self, outcome: Outcome) -> RekeyItem {
        let outcome = match outcome {
            Outcome::Rekeyed(_) => {
                self.shared.watch.moved(self.size);
                Outcome::Rekeyed(self.way)
            }
            other => other,
        };
        RekeyItem {
            key: self.name.key.as_str().to_owned(),
            outcome,
            size: self.size,
            versions: self.versions,
            from: self.from,
            was_plain: self.was_plain,
            accepted: self.accepted,
            why: self.why.filter(|_| !outcome.is_good()),
        }
    }

    async fn take(&mut self, step: HistoryStep) -> Result<(), RekeyError> {
        let begins = matches!(step, HistoryStep::List | HistoryStep::Write(_));
        if begins && self.shared.watch.is_stopped() {
            return Err(RekeyError::Stopped);
        }
        match step {
            HistoryStep::List => {
                let found = self.list().await?;
                self.machine.listed(found);
                return Ok(());
            }
            HistoryStep::Write(i) => return self.write(i).await,
            HistoryStep::Delete => {
                let marker = self.shared.client.delete_on_top(&self.name).await?;
                self.wrote(marker).await;
                return Ok(());
            }
            HistoryStep::Check => {
                let there = self.there().await?;
                let stranger = there.ids().any(|id| !self.machine.knows(id));
                self.machine.checked(stranger);
                return Ok(());
            }
            HistoryStep::Find => {
                let ours = self.find().await?;
                self.machine.found(ours);
                return Ok(());
            }
            HistoryStep::Note(mark) => self.note(mark).await?,
            HistoryStep::Drop(i) => self.delete(&self.machine.old()[i]).await?,
            HistoryStep::TakeBack(i) => self.delete(&self.machine.new_versions()[i]).await?,
            HistoryStep::Wait(time) => {
                self.shared.watch.unless_stopped(tokio::time::sleep(time)).await;
            }
            HistoryStep::End(_) => {}
        }
        self.machine.done();
        Ok(())
    }

    async fn there(&self) -> Result<ObjectVersions, RekeyError> {
        Ok(self.shared.client.versions_of(&self.name).await?)
    }

    async fn delete(&self, version: &str) -> Result<(), RekeyError> {
        let client = &self.shared.client;
        let version = client.trusted_version(&self.name, version).await?;
        let version = version.ok_or_else(|| PutError::Unfinished(self.name.clone()))?;
        Ok(client.delete(&self.name, Some(&version)).await?)
    }

    fn version(&self, id: &str) -> Work {
        Work::version(Arc::clone(&self.shared), self.name.clone(), id.to_owned())
    }

    /// Every version, and whether it has to be written anew.
    async fn list(&mut self) -> Result<Versions, RekeyError> {
        let there = self.there().await?;
        let mut versions = Vec::new();
        (self.size, self.versions) = (0, 0);
        for version in &there.versions {
            let mut work = self.version(&version.id);
            let mut sight = work.look().await?;
            if there.versions.last().is_some_and(|newest| newest.id == version.id) {
                sight = work.unless_replaced(sight);
            }
            if sight == Sight::Absent {
                continue;
            }
            let seen = match self.shared.rules.decide(sight) {
                Ok(_) => Seen::Due,
                Err(Outcome::Already) => Seen::Done,
                Err(outcome) => {
                    self.why = work.why().or(self.why.take());
                    Seen::Closed(outcome)
                }
            };
            (self.from, self.was_plain) = work.origin();
            self.accepted |= work.accepts();
            // What follows the first that is due goes as well.
            let goes = seen != Seen::Done || is_due(&versions);
            let seen = match goes {
                true => self.unless_held(&version.id, seen).await?,
                false => seen,
            };
            versions.push((version.id.clone(), seen));
            // What follows the first that is due is written anew as well.
            if is_due(&versions) {
                (self.size, self.versions) = (self.size + version.size, self.versions + 1);
            }
        }
        Ok(Versions { versions, markers: there.markers, deleted: there.deleted })
    }

    /// Skips the object if this version could not be removed after it was rewritten.
    async fn unless_held(&mut self, version: &str, seen: Seen) -> Result<Seen, RekeyError> {
        if let Seen::Closed(_) = seen {
            return Ok(seen);
        }
        let (client, lock) = (&self.shared.client, &self.shared.lock);
        let Some(hold) = client.hold_of(&self.name, version, lock).await? else { return Ok(seen) };
        let (name, version) = (self.name.clone(), version.to_owned());
        self.why = Some(RekeyError::Held { name, version, hold });
        Ok(Seen::Closed(Outcome::Failed))
    }

    async fn write(&mut self, i: usize) -> Result<(), RekeyError> {
        let mut work = self.version(&self.machine.old()[i]);
        // Also what is under the target key already, to stay newer than the one before.
        work.machine = Rewrite::new(Rules { renew: true, ..self.shared.rules });
        let outcome = work.run_to_end().await;
        match (outcome, work.written()) {
            (Outcome::Rekeyed(way), Some(version)) => {
                self.way = way;
                self.wrote(version).await;
            }
            (outcome, _) => {
                self.why = work.why().or(self.why.take());
                self.machine.not_written(outcome);
            }
        }
        Ok(())
    }

    async fn wrote(&mut self, version: String) {
        let object = self.name.key.as_str().to_owned();
        // What cannot be noted is found by its nonce.
        self.shared.log.note(RekeyLine::Written { object, version: version.clone() }).await;
        self.machine.wrote(version);
    }

    /// The versions that this run or the one before wrote here, and an upload that one left.
    async fn find(&self) -> Result<Vec<String>, RekeyError> {
        let pending = self.shared.log.pending(self.name.key.as_str()).unwrap_or_default();
        let history = pending.history.clone().unwrap_or_default();
        if pending.may_upload() {
            let work = Work::recover(Arc::clone(&self.shared), self.name.clone(), pending);
            work.only_abort().await?;
        }
        let there = self.there().await?;
        let mut ours = Vec::new();
        for version in there.versions.iter().map(|version| &version.id) {
            if history.old.contains(version) {
                continue;
            }
            if history.new.contains(version) || self.is_ours(version, &history).await? {
                ours.push(version.clone());
            }
        }
        let markers = there.markers.into_iter();
        ours.extend(markers.filter(|marker| history.new.contains(marker)));
        Ok(ours)
    }

    /// True if one of the noted nonces gives the key of this version. Of a version in the clear the
    /// gateway says 200 to any key, so a key is believed only when it is also needed.
    async fn is_ours(&self, version: &str, history: &PendingHistory) -> Result<bool, RekeyError> {
        let client = &self.shared.client;
        let WithoutKey::KeyNeeded = client.head_without_key(&self.name, Some(version)).await?
        else {
            return Ok(false);
        };
        for nonce in history.nonces.iter().filter_map(|nonce| Nonce::parse(nonce)) {
            let seal = Seal::new(self.shared.keys.writer(), self.name.clone(), nonce);
            let headers = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
            let head = client.head_if_opened(&self.name, Some(version), &headers).await?;
            if head.is_some_and(|head| verify_echo(headers.key_md5(), &head.echo).is_ok()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn note(&self, mark: HistoryMark) -> Result<(), RekeyError> {
        let object = self.name.key.as_str().to_owned();
        let line = match mark {
            HistoryMark::Planned => RekeyLine::History { object, old: self.machine.old().to_vec() },
            HistoryMark::Dropping => RekeyLine::Dropping { object },
            HistoryMark::Settled(outcome) => {
                if let Outcome::Rekeyed(_) = outcome {
                    self.confirm_newest().await;
                }
                let size = if let Outcome::Rekeyed(_) = outcome { self.size } else { 0 };
                RekeyLine::Settled { object, outcome, size }
            }
        };
        match self.shared.log.note(line).await {
            true => Ok(()),
            false => Err(RekeyError::Journal(std::io::ErrorKind::WriteZero.into())),
        }
    }
}

impl HistoryWork {
    /// Notes that the newest version was proved, once all of the history is there: its nonce is the last that
    /// was drawn.
    async fn confirm_newest(&self) {
        let (client, log) = (&self.shared.client, &self.shared.log);
        let history = log.pending(self.name.key.as_str()).and_then(|pending| pending.history);
        let nonce = history.and_then(|history| Nonce::parse(history.nonces.last()?));
        let is_newest = |entry: &LedgerEntry| Some(entry.record.nonce()) == nonce;
        if let Some(entry) = client.noted_entries(&self.name).into_iter().find(is_newest) {
            client.confirm(&self.name, &entry.record, entry.in_tag).await;
        }
    }
}

/// True if one of these versions has to be rewritten, or cannot be.
fn is_due(versions: &[(String, Seen)]) -> bool {
    versions.iter().any(|(_, seen)| *seen != Seen::Done)
}
