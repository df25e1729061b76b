//! A run: first what an earlier one left in the middle, then the listing, many objects at a time.

use super::history::HistoryWork;
use super::log::Log;
use super::object::{Shared, Work};
use super::probe::Abilities;
use super::versions::{VersionedKeys, Versioning};
use super::{Count, RekeyError, RekeyItem, RekeyOptions, RekeySummary};
use crate::call::CallError;
use crate::client::Client;
use crate::copy;
use crate::list::ObjectPages;
use crate::select::{Objects, SelectError};
use crate::trial::TRIAL_PREFIX;
use crate::watch::Watch;
use s3_ssec_core::key::Kind;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::lock::BucketLock;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};
use s3_ssec_core::plan::SINGLE_PUT_MAX;
use s3_ssec_core::rekey::{Outcome, Pace, RekeyBegun, RekeyJournal, RekeyLine, Rules};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How much of all objects is in memory at once, in KiB.
pub(super) const ROOM: usize = 128 << 10;
/// Objects of a listing between two notes of how far it was worked off.
const NOTE_EVERY: usize = 500;
/// Bytes from which on the rate of a run says something.
const TELLING: u64 = 32 << 20;
/// Rates of earlier runs, in the state directory.
const RATES: &str = "rekey-rates.json";

impl RekeyOptions {
    /// True if the object of this key takes part.
    pub(super) fn takes(&self, place: &S3Address, key: &str) -> bool {
        let below = key.strip_prefix(place.path.as_str()).unwrap_or(key);
        // An object that is named has its whole key for a name.
        let relative = Some(below.trim_start_matches('/')).filter(|below| !below.is_empty());
        let relative = relative.unwrap_or(key);
        // What somebody tries at this moment is gone in the next.
        let trial = key.split('/').any(|part| part.starts_with(TRIAL_PREFIX));
        place.holds(key)
            && !trial
            && self.selection.takes_listed(key)
            && self.filter.takes(relative)
    }
}

impl Client {
    /// Puts every object at `place` under the first of `keys`, in a way that no object is lost,
    /// whatever happens. The other keys open what is there.
    ///
    /// Objects that are under the target key already are left alone, so that it can be done again. With
    /// a state directory it goes on after a crash; without one, what a crash leaves in the middle has
    /// to be repaired.
    pub async fn rekey(
        &self,
        keys: &Arc<Keyring>,
        place: &S3Address,
        options: &RekeyOptions,
        watch: &Watch,
        report: &mut (dyn FnMut(&RekeyItem) + Send),
    ) -> Result<RekeySummary, RekeyError> {
        let begun = Instant::now();
        let histories = options.versions && self.keeps_versions(keys, place).await?;
        let lock = self.bucket_lock(&place.bucket).await?;
        if let BucketLock::EveryWrite(rule) = lock {
            return Err(RekeyError::LocksEveryWrite(place.bucket.clone(), rule));
        }
        let target = keys.writer().fingerprint();
        let (log, before) = match options.dry_run {
            true => (Log::nowhere(), None),
            false => Log::open(
                self,
                RekeyBegun {
                    endpoint: self.endpoint().to_string(),
                    place: place.to_string(),
                    target: target.to_string(),
                    shard: options.selection.shard.to_string(),
                    versions: histories,
                },
                options.steps.as_deref(),
            )?,
        };
        let mut abilities = self.abilities(place, options, watch).await?;
        if histories {
            // A version is written on top, whatever is there.
            (abilities.put_condition, abilities.complete_condition) = (false, false);
        }
        let shared = Arc::new(Shared {
            client: self.clone(),
            keys: Arc::clone(keys),
            content_key: Arc::new(keys.writer().content_key()),
            rules: Rules {
                target,
                plaintext: options.plaintext,
                accept_content: options.accept_content,
                renew: false,
                copies: abilities.copies,
                conditional: abilities.put_condition,
                whole_max: SINGLE_PUT_MAX,
                copy_max: copy::LARGEST,
            },
            abilities,
            lock,
            options: options.clone(),
            log,
            pace: options.rate.map(|rate| Mutex::new(Pace::new(rate))),
            begun,
            room: Arc::new(Semaphore::new(ROOM)),
            watch: watch.clone(),
            window: Default::default(),
            without_grants: Default::default(),
        });
        let mut run = Run::new(Arc::clone(&shared), place, histories, report);
        if let Some(before) = &before {
            run.take_up(before).await?;
        }
        let passed = before.and_then(|before| before.passed);
        let listed = run.work_off(passed).await;
        // What was begun comes to its end, also where the listing does not.
        let mut summary = run.finish().await;
        listed?;
        if !summary.stopped && !histories {
            summary.old_versions = self.old_versions(place, options).await?;
        }
        self.close(shared, &mut summary).await;
        Ok(summary)
    }

    /// True where there are versions to rewrite.
    async fn keeps_versions(&self, keys: &Keyring, place: &S3Address) -> Result<bool, RekeyError> {
        match self.versioning(&place.bucket).await? {
            Versioning::Never => Ok(false),
            Versioning::Suspended => Err(RekeyError::Suspended(place.bucket.clone())),
            Versioning::Enabled if keys.writer().kind() == Kind::Direct => {
                Err(RekeyError::DirectTarget)
            }
            Versioning::Enabled => Ok(true),
        }
    }

    /// What the gateway does. A dry run writes no scratch object, and believes the last examination.
    async fn abilities(
        &self,
        place: &S3Address,
        options: &RekeyOptions,
        watch: &Watch,
    ) -> Result<Abilities, RekeyError> {
        use s3_ssec_core::profile::Ability;
        if options.dry_run {
            let copies = self.profile().and_then(|profile| profile.can(Ability::CopyChangesKey));
            let copies = options.gateway_copies && copies == Some(true);
            return Ok(Abilities { copies, ..Abilities::default() });
        }
        let beside =
            ObjectKey::parse(&format!("{}x", place.path)).or_else(|_| ObjectKey::parse("x"))?;
        let beside = ObjectName::new(place.bucket.clone(), beside);
        self.try_abilities(&beside, options.gateway_copies, watch).await
    }

    async fn close(&self, shared: Arc<Shared>, summary: &mut RekeySummary) {
        summary.elapsed = shared.begun.elapsed();
        summary.without_grants = shared.without_grants.load(Relaxed);
        let window = shared.window.load(Relaxed);
        summary.window = (window > 0).then(|| Duration::from_micros(window));
        self.rate(summary, shared.options.dry_run);
        // Every task is at its end, so nobody else has it.
        let Some(shared) = Arc::into_inner(shared) else { return };
        let keep = summary.stopped || summary.goes_on || !shared.log.known().pending.is_empty();
        summary.goes_on = keep && !shared.options.dry_run;
        shared.log.close(keep).await;
    }

    /// Remembers how fast it was, or recalls it.
    fn rate(&self, summary: &mut RekeySummary, recall: bool) {
        let Some(state) = &self.state else { return };
        let mut known = match state.read(RATES) {
            Value::Object(known) => known,
            _ => serde_json::Map::new(),
        };
        let endpoint = self.endpoint().as_str();
        if recall {
            summary.known_rate = known.get(endpoint).and_then(Value::as_u64);
            return;
        }
        let bytes = summary.rekeyed().bytes;
        if bytes >= TELLING {
            let rate = (bytes as f64 / summary.elapsed.as_secs_f64().max(0.001)) as u64;
            known.insert(endpoint.to_owned(), json!(rate));
            // Forgetting costs an estimate.
            let _ = state.write(RATES, &Value::Object(known));
        }
    }
}

/// Where the keys come from that are worked off.
enum Keys {
    Objects(Objects),
    Versions(Box<VersionedKeys>),
}

impl Keys {
    fn new(
        client: &Client,
        place: &S3Address,
        histories: bool,
        passed: Option<String>,
        options: &RekeyOptions,
    ) -> Self {
        let selection = options.selection.clone();
        match &selection.manifest {
            // What is deleted has versions too, and is in no other listing.
            None if histories => {
                Self::Versions(Box::new(VersionedKeys::new(client, place, passed)))
            }
            None => {
                Self::Objects(Objects::Listed(ObjectPages::after(client, place, passed), selection))
            }
            Some(_) => Self::Objects(Objects::new(client, place, &selection)),
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<Result<String, SelectError>>>, CallError> {
        Ok(match self {
            Self::Objects(objects) => objects
                .next()
                .await?
                .map(|page| page.into_iter().map(|chosen| chosen.map(|(key, _)| key)).collect()),
            Self::Versions(keys) => {
                keys.next().await?.map(|page| page.into_iter().map(Ok).collect())
            }
        })
    }
}

struct Run<'a> {
    shared: Arc<Shared>,
    place: &'a S3Address,
    /// Objects with all their versions.
    histories: bool,
    tasks: JoinSet<(Option<usize>, RekeyItem)>,
    /// Listed objects in order, and whether they are done; the first has the number `first`.
    listed: VecDeque<(String, bool)>,
    first: usize,
    unmentioned: usize,
    /// What an earlier run had begun: it is not counted a second time.
    taken_up: HashSet<String>,
    /// The gateway proved nothing, or a task ended without a word.
    halted: bool,
    lost: bool,
    summary: RekeySummary,
    report: &'a mut (dyn FnMut(&RekeyItem) + Send),
}

impl<'a> Run<'a> {
    fn new(
        shared: Arc<Shared>,
        place: &'a S3Address,
        histories: bool,
        report: &'a mut (dyn FnMut(&RekeyItem) + Send),
    ) -> Self {
        Self {
            shared,
            place,
            histories,
            tasks: JoinSet::new(),
            listed: VecDeque::new(),
            first: 0,
            unmentioned: 0,
            taken_up: HashSet::new(),
            halted: false,
            lost: false,
            summary: RekeySummary::default(),
            report,
        }
    }

    fn name(&self, key: &str) -> Result<ObjectName, RekeyError> {
        Ok(ObjectName::new(self.place.bucket.clone(), ObjectKey::parse(key)?))
    }

    /// What an earlier run left in the middle, and what ended badly in it.
    async fn take_up(&mut self, before: &RekeyJournal) -> Result<(), RekeyError> {
        self.summary.before = Count { objects: before.rekeyed, bytes: before.bytes };
        self.taken_up = before.pending.keys().chain(&before.bad).cloned().collect();
        for (key, pending) in &before.pending {
            let (shared, name) = (Arc::clone(&self.shared), self.name(key)?);
            match &pending.history {
                Some(_) => {
                    let work = HistoryWork::recover(shared, name, pending);
                    self.take_on(None, work.run()).await
                }
                None => {
                    let work = Work::recover(shared, name, pending.clone());
                    self.take_on(None, work.run()).await
                }
            };
        }
        while self.finish_one().await {}
        for key in before.bad.iter().filter(|key| !before.pending.contains_key(*key)) {
            self.take_on_object(None, key).await?;
        }
        Ok(())
    }

    /// The listing, behind this key.
    async fn work_off(&mut self, passed: Option<String>) -> Result<(), RekeyError> {
        let client = self.shared.client.clone();
        let mut keys = Keys::new(&client, self.place, self.histories, passed, &self.shared.options);
        while let Some(page) = keys.next().await? {
            for key in page {
                let key = key?;
                if self.taken_up.contains(&key) || !self.shared.options.takes(self.place, &key) {
                    continue;
                }
                let number = self.first + self.listed.len();
                self.listed.push_back((key.clone(), false));
                if !self.take_on_object(Some(number), &key).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes on one more object, from its beginning.
    async fn take_on_object(
        &mut self,
        number: Option<usize>,
        key: &str,
    ) -> Result<bool, RekeyError> {
        let (shared, name) = (Arc::clone(&self.shared), self.name(key)?);
        Ok(match self.histories {
            true => self.take_on(number, HistoryWork::new(shared, name).run()).await,
            false => self.take_on(number, Work::new(shared, name).run()).await,
        })
    }

    /// Takes on one more object, when there is room. False once it was asked to stop.
    async fn take_on(
        &mut self,
        number: Option<usize>,
        work: impl Future<Output = RekeyItem> + Send + 'static,
    ) -> bool {
        while self.tasks.len() >= self.shared.options.in_flight.max(1) {
            self.finish_one().await;
        }
        if self.halted || self.shared.watch.is_stopped() {
            return false;
        }
        self.tasks.spawn(async move { (number, work.await) });
        true
    }

    async fn finish_one(&mut self) -> bool {
        let (number, item) = match self.tasks.join_next().await {
            None => return false,
            Some(Ok(finished)) => finished,
            // A task ends without a word only by a defect; nothing is claimed for it.
            Some(Err(_)) => {
                self.lost = true;
                return true;
            }
        };
        self.halted |= matches!(item.outcome, Outcome::Unproved | Outcome::Garbled);
        if let Some(number) = number {
            self.passed(number);
        }
        if matches!(item.why, Some(RekeyError::Stopped)) {
            return true;
        }
        (self.report)(&item);
        self.summary.add(item);
        true
    }

    /// Notes now and then up to where everything is settled.
    fn passed(&mut self, number: usize) {
        if let Some((_, done)) = self.listed.get_mut(number - self.first) {
            *done = true;
        }
        let mut last = None;
        while self.listed.front().is_some_and(|(_, done)| *done) {
            last = self.listed.pop_front();
            self.first += 1;
            self.unmentioned += 1;
        }
        let ordered = self.shared.options.selection.manifest.is_none();
        if let (Some((object, _)), true) = (last, ordered && self.unmentioned >= NOTE_EVERY) {
            self.unmentioned = 0;
            self.shared.log.mention(RekeyLine::Passed { object });
        }
    }

    async fn finish(mut self) -> RekeySummary {
        while self.finish_one().await {}
        self.summary.stopped = self.halted || self.shared.watch.is_stopped();
        self.summary.goes_on = self.lost;
        self.summary
    }
}
