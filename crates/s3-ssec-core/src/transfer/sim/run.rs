//! One run: a machine, its executor with its faults, and what has to hold afterwards.

use super::gateway::{Gateway, Lie, Profile, Request, Writer};
use crate::derive::Nonce;
use crate::digest::ContentHasher;
use crate::headers::TargetKeyHeaders;
use crate::key::{Key, Kind};
use crate::keyring::Seal;
use crate::md5::KeyMd5;
use crate::names::{BucketName, ObjectKey, ObjectName};
use crate::record::Content;
use crate::removal::Leftover;
use crate::transfer::put::{PutPlan, PutVerdict, put};
use crate::transfer::task::{
    Answer, Call, Condition, KeyFacts, KeyRef, NoAnswer, Operation, Outcome, Task,
};
use crate::transfer::{Machine, TaskId};
use std::collections::BTreeMap;

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
}

pub(super) struct Run {
    rng: fastrand::Rng,
    pub(super) gateway: Gateway,
    faults: Faults,
    key: Key,
    nonces: u64,
    /// The keys that were drawn.
    keys: BTreeMap<[u8; 5], KeyMd5>,
    /// The one that was drawn last.
    last: Option<KeyMd5>,
    /// Requests that arrive later.
    late: Vec<Request>,
    /// Records that this machine keeps.
    pub(super) noted: Vec<String>,
    /// The records of all writes of ours.
    ours: Vec<String>,
    /// The tasks and their outcomes, for whoever looks into a seed.
    trace: Vec<String>,
}

fn name() -> ObjectName {
    let bucket = BucketName::parse("bucket").unwrap();
    ObjectName::new(bucket, ObjectKey::parse("a").unwrap())
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
            faults,
            key: Key::from_bytes(Kind::Master, &[7; 32]).unwrap(),
            nonces: 0,
            keys: BTreeMap::new(),
            last: None,
            late: Vec::new(),
            noted: Vec::new(),
            ours: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// An upload with this run's faults; `None` if the client crashed.
    pub(super) fn put(&mut self) -> Result<Option<PutVerdict>, String> {
        let conditional = self.faults.line > 0 && self.rng.bool();
        let condition = if conditional { Condition::OnlyIfAbsent } else { Condition::Always };
        self.put_as(PutPlan { condition, ..plan() })
    }

    /// The tasks so far and their outcomes.
    pub(super) fn trace(&self) -> String {
        self.trace.join("\n")
    }

    /// An upload without faults, which replaces what is there.
    pub(super) fn put_again(&mut self) -> Result<(), String> {
        let is_honest = self.gateway.lie == Lie::None;
        self.faults = Faults::default();
        match self.put_as(plan())? {
            Some(PutVerdict::Stored { .. }) => Ok(()),
            verdict if is_honest => Err(format!("a second run ends in {verdict:?}")),
            _ => Ok(()),
        }
    }

    pub(super) fn put_as(&mut self, plan: PutPlan) -> Result<Option<PutVerdict>, String> {
        let mut machine = Machine::new(|link| put(link, plan));
        let mut tasks: Vec<(TaskId, Task)> = Vec::new();
        for _ in 0..1000 {
            tasks.extend(machine.next(8));
            if let Some(verdict) = machine.verdict().cloned() {
                self.check(Some(&verdict))?;
                self.late_ones_arrive();
                self.check(None)?;
                return Ok(Some(verdict));
            }
            if tasks.is_empty() {
                return Err("the machine waits for nothing".to_owned());
            }
            if self.faults.crashes && self.rng.u32(..40) == 0 {
                self.late_ones_arrive();
                self.check(None)?;
                return Ok(None);
            }
            if self.faults.cancels && self.rng.u32(..40) == 0 {
                machine.cancel();
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

    fn carry(&mut self, task: Task) -> Outcome {
        self.others_write();
        match task {
            Task::Call(call) => self.call(call),
            Task::DrawKey { name } => Outcome::Key(self.draw(name)),
            Task::Note { record, .. } => {
                self.noted.push(record);
                Outcome::Noted
            }
            Task::Sleep { .. } => Outcome::Slept,
        }
    }

    fn draw(&mut self, name: ObjectName) -> KeyFacts {
        self.nonces += 1;
        let nonce = Nonce::next(self.nonces, 7, None);
        let seal = Seal::new(&self.key, name, nonce);
        let md5 = TargetKeyHeaders::of(&seal.customer_key()).key_md5();
        let mut hasher = ContentHasher::new(&self.key.content_key());
        hasher.update(b"abc");
        let content = Content::of_source(hasher.size(), hasher.finish());
        let record = seal.record(content).to_string();
        self.keys.insert(nonce.bytes(), md5);
        self.last = Some(md5);
        self.ours.push(record.clone());
        KeyFacts { key: KeyRef::Write(nonce), md5, kind: Kind::Master, record }
    }

    fn others_write(&mut self) {
        if self.faults.writers > 0 && self.rng.u32(..8) == 0 {
            self.faults.writers -= 1;
            let key = self.rng.bool().then(|| {
                let key = crate::key::CustomerKey::from_bytes(&[9; 32]).unwrap();
                TargetKeyHeaders::of(&key).key_md5()
            });
            // One of them has the same content as ours.
            let etag = if self.rng.bool() { "of-plain" } else { "of-another" };
            self.gateway.write_of_another(key, etag);
            self.trace.push("another writes".to_owned());
        }
        if !self.late.is_empty() && self.rng.u32(..4) == 0 {
            let request = self.late.remove(0);
            self.unheard(&request);
            self.trace.push(format!("late: {request:?}"));
        }
    }

    fn late_ones_arrive(&mut self) {
        for request in std::mem::take(&mut self.late) {
            self.unheard(&request);
        }
    }

    fn call(&mut self, call: Call) -> Outcome {
        let key = call.key.and_then(|KeyRef::Write(nonce)| self.keys.get(&nonce.bytes()).copied());
        let request = Request { key, operation: call.operation };
        let is_write = matches!(request.operation, Operation::Put { .. });
        if self.faults.line == 0 || self.rng.u32(..6) > 0 {
            return Outcome::Answer(self.gateway.handle(&request));
        }
        self.faults.line -= 1;
        match self.rng.u32(..5) {
            0 => Outcome::NoAnswer(NoAnswer::NotSent),
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
                if is_write {
                    self.late.push(request);
                }
                Outcome::NoAnswer(NoAnswer::MaybeExecuted)
            }
        }
    }

    /// The gateway executes a request, and its answer is lost.
    fn unheard(&mut self, request: &Request) {
        self.gateway.is_heard = false;
        self.gateway.handle(request);
        self.gateway.is_heard = true;
    }

    /// Checks the invariants, for this verdict too.
    pub(super) fn check(&self, verdict: Option<&PutVerdict>) -> Result<(), String> {
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
        let Some(verdict) = verdict else { return Ok(()) };
        let plain = gateway.versions.iter().any(|version| {
            version.writer == Writer::Us && version.key.is_none() && version.sent == self.last
        });
        match verdict {
            PutVerdict::Stored { .. } if gateway.stores_plaintext => {
                // Only an echo that is a lie from end to end is believed; a trial would have shown it.
                match gateway.lie {
                    Lie::PlaintextEchoed => Ok(()),
                    lie => Err(format!("plaintext is called encrypted under {lie:?}")),
                }
            }
            said if nothing_is_left(said) && plain => {
                Err(format!("{said:?}, and plaintext is left"))
            }
            said if nothing_is_left(said) && !self.late.is_empty() => {
                Err(format!("{said:?}, and a request is still on its way"))
            }
            _ => Ok(()),
        }
    }
}

fn nothing_is_left(verdict: &PutVerdict) -> bool {
    match verdict {
        PutVerdict::NotProved { leftover, .. }
        | PutVerdict::Refused { leftover, .. }
        | PutVerdict::Unanswered(leftover)
        | PutVerdict::Stopped(leftover) => *leftover == Leftover::Nothing,
        _ => false,
    }
}
