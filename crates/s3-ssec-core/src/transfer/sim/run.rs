//! One run: a machine, its executor with its faults, and what has to hold afterwards.

use super::gateway::{Gateway, Lie, Profile, Request, Writer};
use super::journal::Journal;
use super::said::{Said, Says};
use crate::derive::Nonce;
use crate::digest::ContentHasher;
use crate::headers::TargetKeyHeaders;
use crate::key::{Key, Kind};
use crate::keyring::Seal;
use crate::md5::KeyMd5;
use crate::names::{BucketName, ObjectKey, ObjectName};
use crate::record::Content;
use crate::transfer::conditions::{
    ConditionVerdict, ReplacingVerdict, try_condition, try_replacing,
};
use crate::transfer::put::{PutPlan, PutVerdict, put};
use crate::transfer::task::{
    Answer, Call, Condition, Description, KeyFacts, KeyRef, NoAnswer, Outcome, Task,
};
use crate::transfer::trial::{TrialVerdict, WriteKind, trial};
use crate::transfer::{Machine, TaskId};
use std::collections::BTreeMap;
use std::fmt::Debug;

/// How much may go wrong in one run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// Requests and answers that are lost, late, or answered with 503.
    pub(super) line: u32,
    /// Writes of others.
    pub(super) writers: u32,
    /// True if the client may crash.
    pub(super) crashes: bool,
    /// True if it may be cancelled.
    pub(super) cancels: bool,
    /// True for a page in a browser: see [`super::browser`].
    pub(super) is_browser: bool,
}

pub(super) struct Run {
    pub(super) rng: fastrand::Rng,
    pub(super) gateway: Gateway,
    /// The same gateway, for the names of scratch objects.
    scratch: Gateway,
    scratch_key: Option<KeyMd5>,
    scratches: u32,
    pub(super) faults: Faults,
    pub(super) key: Key,
    nonces: u64,
    /// The keys that were drawn.
    pub(super) keys: BTreeMap<[u8; 5], KeyMd5>,
    /// The one that was drawn last.
    last: Option<KeyMd5>,
    pub(super) drawn: Option<KeyFacts>,
    /// Requests that arrive later.
    pub(super) late: Vec<Request>,
    /// Records that this machine keeps.
    pub(super) noted: Vec<String>,
    /// The records of all writes of ours.
    ours: Vec<String>,
    /// The journal of the upload in parts.
    pub(super) journal: Journal,
    /// The tasks and their outcomes, for whoever looks into a seed.
    trace: Vec<String>,
}

pub(super) fn name() -> ObjectName {
    let bucket = BucketName::parse("bucket").unwrap();
    ObjectName::new(bucket, ObjectKey::parse("a").unwrap())
}

/// The MD5 of the key of 32 such bytes.
fn md5_of(byte: u8) -> KeyMd5 {
    let key = crate::key::CustomerKey::from_bytes(&[byte; 32]).unwrap();
    TargetKeyHeaders::of(&key).key_md5()
}

fn scratch_name(number: u32) -> ObjectName {
    ObjectName { key: ObjectKey::parse(&format!(".s3-ssec-trial-{number}")).unwrap(), ..name() }
}

pub(super) fn plan() -> PutPlan {
    PutPlan {
        name: name(),
        size: 3,
        plain_etag: "of-plain".to_owned(),
        tags: Vec::new(),
        condition: Condition::Always,
        tags_kept: false,
    }
}

impl Run {
    pub(super) fn new(seed: u64, profile: Profile, lie: Lie, faults: Faults) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            gateway: Gateway::new(profile, lie),
            scratch: Gateway::new(profile, lie),
            scratch_key: None,
            scratches: 0,
            faults,
            key: Key::from_bytes(Kind::Master, &[7; 32]).unwrap(),
            nonces: 0,
            keys: BTreeMap::new(),
            last: None,
            drawn: None,
            late: Vec::new(),
            noted: Vec::new(),
            ours: Vec::new(),
            journal: Journal::default(),
            trace: Vec::new(),
        }
    }

    /// An upload with this run's faults; `None` if the client crashed.
    pub(super) fn put(&mut self) -> Result<Option<PutVerdict>, String> {
        let (condition, plain_etag) = (self.condition(), self.plain_etag());
        self.put_as(PutPlan { condition, plain_etag, ..plan() })
    }

    pub(super) fn condition(&mut self) -> Condition {
        let is_conditional = self.faults.line > 0 && self.rng.bool();
        if is_conditional { Condition::OnlyIfAbsent } else { Condition::Always }
    }

    /// The tasks so far and their outcomes.
    pub(super) fn trace(&self) -> String {
        self.trace.join("\n")
    }

    /// An upload without faults, which replaces what is there.
    pub(super) fn put_again(&mut self) -> Result<(), String> {
        self.end_faults();
        let verdict = self.put_as(plan())?;
        self.ends_well(matches!(verdict, Some(PutVerdict::Stored { .. })), &verdict)
    }

    pub(super) fn ends_well(&self, is_stored: bool, verdict: &impl Debug) -> Result<(), String> {
        match is_stored || self.gateway.lie != Lie::None || self.loses_records() {
            true => Ok(()),
            false => Err(format!("a second run ends in {verdict:?}")),
        }
    }

    pub(super) fn put_as(&mut self, plan: PutPlan) -> Result<Option<PutVerdict>, String> {
        let course = |link| put(link, plan);
        self.drive(self.machine(course))
    }

    /// A trial without other writers.
    pub(super) fn trial(&mut self, kind: WriteKind) -> Result<Option<TrialVerdict>, String> {
        self.faults.writers = 0;
        self.drive(self.machine(|link| trial(link, name(), kind)))
    }

    pub(super) fn try_replacing(&mut self) -> Result<Option<ReplacingVerdict>, String> {
        self.drive(Machine::new(|link| try_replacing(link, name())))
    }

    pub(super) fn try_condition(&mut self) -> Result<Option<ConditionVerdict>, String> {
        self.drive(Machine::new(|link| try_condition(link, name())))
    }

    pub(super) fn drive<V: Says>(&mut self, mut machine: Machine<V>) -> Result<Option<V>, String> {
        let mut tasks: Vec<(TaskId, Task)> = Vec::new();
        for _ in 0..1000 {
            let room = self.rng.usize(1..4);
            tasks.extend(machine.next(room));
            if let Some(verdict) = machine.verdict().cloned() {
                self.check(Some(&verdict.said()))?;
                self.late_ones_arrive();
                self.check(None)?;
                return Ok(Some(verdict));
            }
            if tasks.is_empty() {
                return Err("the machine waits for nothing".to_owned());
            }
            if self.faults.crashes && self.rng.u32(..60) == 0 {
                self.late_ones_arrive();
                self.check(None)?;
                return Ok(None);
            }
            if self.faults.cancels && self.rng.u32(..60) == 0 {
                machine.cancel();
                self.abandon(&mut machine, &mut tasks)?;
                continue;
            }
            let (id, task) = tasks.swap_remove(self.rng.usize(..tasks.len()));
            let mut line = format!("{task:?}");
            let outcome = self.carry(task);
            line += &format!("\n  {outcome:?}");
            self.trace.push(line);
            machine.done(id, outcome).map_err(|error| error.to_string())?;
            assert!(machine.done(id, Outcome::Slept).is_err(), "an outcome is taken once");
        }
        Err("no verdict after 1000 tasks".to_owned())
    }

    /// Gives up the requests that are out: each has arrived, or will, or never left.
    fn abandon<V>(
        &mut self,
        machine: &mut Machine<V>,
        tasks: &mut Vec<(TaskId, Task)>,
    ) -> Result<(), String> {
        for (id, task) in tasks.extract_if(.., |(_, task)| matches!(task, Task::Call(_))) {
            self.trace.push(format!("abandoned: {task:?}"));
            if let Task::Call(call) = task {
                let request = self.request(call);
                match self.rng.u32(..3) {
                    0 => self.unheard(&request),
                    1 if request.is_write() => self.late.push(request),
                    _ => {}
                }
            }
            machine.done(id, Outcome::Abandoned).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    pub(super) fn request(&self, call: Call) -> Request {
        let key = call.key.and_then(|key| match key {
            KeyRef::Write(nonce) => self.keys.get(&nonce.bytes()).copied(),
            KeyRef::Scratch => self.scratch_key,
            KeyRef::Stranger => Some(md5_of(6)),
        });
        Request { name: call.name, key, operation: call.operation }
    }

    pub(super) fn carry(&mut self, task: Task) -> Outcome {
        self.others_write();
        match task {
            Task::Call(call) => self.journal_part(&call).unwrap_or_else(|| self.call(call)),
            Task::DrawKey { name, is_described } => Outcome::Key(self.draw(name, is_described)),
            Task::Describe { key } => {
                let KeyRef::Write(nonce) = key else { return Outcome::Failed };
                let (record, plain_etag) = (self.record(name(), nonce, true), self.plain_etag());
                Outcome::Described(Description { record, plain_etag })
            }
            Task::Note { record, .. } => {
                self.noted.push(record);
                if self.faults.is_browser { Outcome::Failed } else { Outcome::Noted }
            }
            Task::OpenScratch { .. } => self.open_scratch(),
            Task::CloseScratch { .. } => Outcome::Noted,
            Task::Sleep { .. } => Outcome::Slept,
            Task::Journal(step) => self.journal(step),
            Task::Read { offset, length, .. } => Journal::read(offset, length),
            Task::Hash { same_as, .. } => self.hash(same_as.as_ref()),
            Task::Compare { listed } => self.journal.compare(&listed),
        }
    }

    fn open_scratch(&mut self) -> Outcome {
        let md5 = md5_of(5);
        self.scratch_key = Some(md5);
        // Nothing is below a new name.
        self.scratch = Gateway::new(self.gateway.profile, self.gateway.lie);
        self.scratches += 1;
        let key = KeyFacts { key: KeyRef::Scratch, md5, kind: Kind::Direct, record: String::new() };
        Outcome::Scratch { name: scratch_name(self.scratches), key }
    }

    pub(super) fn draw(&mut self, name: ObjectName, is_described: bool) -> KeyFacts {
        self.nonces += 1;
        let nonce = Nonce::next(self.nonces, 7, None);
        let seal = Seal::new(&self.key, name.clone(), nonce);
        let md5 = TargetKeyHeaders::of(&seal.customer_key()).key_md5();
        self.keys.insert(nonce.bytes(), md5);
        self.last = Some(md5);
        let record = self.record(name, nonce, is_described);
        let key = KeyFacts { key: KeyRef::Write(nonce), md5, kind: Kind::Master, record };
        self.drawn = Some(key.clone());
        key
    }

    pub(super) fn record(&mut self, name: ObjectName, nonce: Nonce, is_described: bool) -> String {
        let mut hasher = ContentHasher::new(&self.key.content_key());
        hasher.update(b"abc");
        let content = match is_described {
            true => Content::of_source(hasher.size(), hasher.finish()),
            false => Content::Pending,
        };
        let record = Seal::new(&self.key, name, nonce).record(content).to_string();
        self.ours.push(record.clone());
        record
    }

    fn others_write(&mut self) {
        if self.faults.writers > 0 && self.rng.u32(..8) == 0 {
            self.faults.writers -= 1;
            let key = self.rng.bool().then(|| md5_of(9));
            // One of them has the same content as ours.
            let etag = if self.rng.bool() { "of-plain" } else { "of-another" };
            self.gateway.write_of_another(key, plan().size, etag);
            self.trace.push("another writes".to_owned());
        }
        if !self.late.is_empty() && self.rng.u32(..4) == 0 {
            let request = self.late.remove(0);
            self.trace.push(format!("late: {request:?}"));
            if request.name == name() || request.name == scratch_name(self.scratches) {
                self.unheard(&request);
            }
        }
    }

    fn late_ones_arrive(&mut self) {
        let scratch = scratch_name(self.scratches);
        for request in std::mem::take(&mut self.late) {
            // One for an older scratch object changes nothing that is looked at.
            if [&scratch, &name()].contains(&&request.name) {
                self.unheard(&request);
            }
        }
    }

    fn call(&mut self, call: Call) -> Outcome {
        let request = self.request(call);
        self.repeat(&request);
        if self.faults.line == 0 || self.rng.u32(..6) > 0 {
            let answer = self.at(&request).handle(&request);
            return Outcome::Answer(self.shown(answer));
        }
        self.faults.line -= 1;
        match self.rng.u32(..6) {
            0 if self.faults.is_browser => Outcome::NoAnswer(NoAnswer::MaybeExecuted),
            0 => Outcome::NoAnswer(NoAnswer::NotSent),
            5 => {
                self.unheard(&request);
                Outcome::NoAnswer(NoAnswer::Silent)
            }
            1 => Outcome::Answer(Answer { status: 503, ..Answer::default() }),
            2 => {
                self.unheard(&request);
                Outcome::NoAnswer(NoAnswer::MaybeExecuted)
            }
            3 => {
                self.unheard(&request);
                Outcome::Answer(Answer { status: 500, ..Answer::default() })
            }
            _ => {
                if request.is_write() {
                    self.late.push(request);
                }
                Outcome::NoAnswer(NoAnswer::MaybeExecuted)
            }
        }
    }

    /// The gateway executes a request, and its answer is lost.
    pub(super) fn unheard(&mut self, request: &Request) {
        let gateway = self.at(request);
        gateway.is_heard = false;
        gateway.handle(request);
        gateway.is_heard = true;
    }

    fn at(&mut self, request: &Request) -> &mut Gateway {
        match request.name == name() {
            true => &mut self.gateway,
            false => &mut self.scratch,
        }
    }

    /// Checks the invariants, for this verdict too.
    pub(super) fn check(&self, said: Option<&Said>) -> Result<(), String> {
        let gateway = &self.gateway;
        if let Some(id) = gateway.robbed.first() {
            return Err(format!("an object of another writer was removed: {id}"));
        }
        if gateway.leaked {
            return Err("a key went to an object that needs none".to_owned());
        }
        let unnoted = self.ours.iter().find(|record| {
            let is_there =
                |tags: &[(String, String)]| tags.iter().any(|(_, value)| value == *record);
            gateway.versions.iter().any(|version| is_there(&version.tags))
                && !self.noted.contains(record)
        });
        if let Some(record) = unnoted {
            return Err(format!("{record} was sent before it was noted"));
        }
        let Some(said) = said else { return Ok(()) };
        let plain = gateway.versions.iter().any(|version| {
            version.writer == Writer::Us && version.key.is_none() && version.sent == self.last
        });
        let has_scratch = self.scratch.holds_anything();
        let is_late = |request: &Request| {
            (said.is_trial || request.name == name()) && gateway.may_execute(request)
        };
        let is_on_its_way = self.late.iter().any(is_late);
        let has_upload = gateway.uploads.iter().any(|upload| upload.sent == self.last);
        match said {
            // Only an echo that is a lie from end to end is believed, of one PUT; a trial would have shown it.
            Said { is_stored: true, is_proved_twice, .. }
                if gateway.stores_plaintext
                    && (*is_proved_twice || gateway.lie != Lie::PlaintextEchoed) =>
            {
                Err(format!("plaintext is called encrypted under {:?}", gateway.lie))
            }
            Said { nothing_left: true, is_trial: true, .. } if has_scratch => {
                Err(format!("{said:?}, and the scratch object is left"))
            }
            Said { nothing_left: true, .. } if plain => {
                Err(format!("{said:?}, and plaintext is left"))
            }
            Said { nothing_left: true, .. } if is_on_its_way => {
                Err(format!("{said:?}, and a request is still on its way"))
            }
            Said { upload_gone: true, .. } if has_upload || self.lost_upload(said) => {
                Err(format!("{said:?}, and an upload is left"))
            }
            _ => Ok(()),
        }
    }
}
