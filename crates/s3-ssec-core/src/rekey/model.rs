//! Every order of success, failure, repeat, crash, late answer and other writer, on a model of one
//! object at a gateway. Virtual: nothing waits, every choice is tried.
//!
//! What holds in every state: the newest content that anybody meant to be there is there and can be
//! opened, by its tags or by the journal. What holds at every end: the next run without faults brings
//! the object under its new key, and the run after that does nothing.

use super::*;
use crate::key::{Fingerprint, Key, Kind};
use std::collections::BTreeSet;

/// The object as the gateway has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Object {
    /// Who meant it: 1 was there at first, 2 is somebody else's.
    content: u8,
    /// Under a new key, by its nonce; else under the old one.
    nonce: Option<u8>,
    /// Its tags tell the key.
    tagged: bool,
    /// All of its tags and its access list are there.
    described: bool,
}

/// A request that was sent, and that the gateway has not yet heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    nonce: u8,
    content: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    object: Object,
    /// Nonces of open uploads.
    uploads: BTreeSet<u8>,
    late: Option<Late>,
    /// The newest content that somebody meant to be there.
    latest: u8,
    /// Somebody wrote between our last look and the arrival of our request.
    raced: bool,
    /// A request of ours arrived late: an earlier run can be the somebody of a later one.
    strayed: bool,
    /// Requests that replaced the object.
    replaced: u8,
    /// Versions below the object, where the bucket keeps versions.
    below: Vec<Object>,
}

/// One choice of the exploration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    world: World,
    journal: Option<Pending>,
    machine: Rewrite,
    /// The nonce drawn last.
    nonce: u8,
    /// What was read.
    read: u8,
    /// Between confirming and the arrival of the request.
    window: bool,
    crashes: u8,
    faults: u8,
    writers: u8,
}

/// The constants of one exploration.
#[derive(Clone, Copy, Debug)]
struct Case {
    way: Way,
    /// There is an access list, or another thing that the request cannot carry.
    more: bool,
    damaged: bool,
    conditional: bool,
    /// The bucket keeps versions, and the gateway garbles what it copies.
    garbles: bool,
}

/// A content that no one meant to be there.
const GARBLED: u8 = 9;

fn target() -> Fingerprint {
    Key::from_bytes(Kind::Master, &[1; 32]).unwrap().fingerprint()
}

fn other() -> Fingerprint {
    Key::from_bytes(Kind::Master, &[2; 32]).unwrap().fingerprint()
}

impl Case {
    fn rules(&self) -> Rules {
        Rules {
            target: target(),
            plaintext: Plaintext::Refuse,
            accept_content: false,
            renew: false,
            copies: self.way == Way::Copy,
            conditional: self.conditional,
            whole_max: if self.way == Way::Parts { 0 } else { 100 },
            copy_max: 100,
        }
    }

    fn start(&self, [crashes, faults, writers]: [u8; 3]) -> State {
        let object = Object { content: 1, nonce: None, tagged: true, described: true };
        let (uploads, late) = (BTreeSet::new(), None);
        State {
            world: World {
                object,
                uploads,
                late,
                latest: 1,
                raced: false,
                strayed: false,
                replaced: 0,
                below: Vec::new(),
            },
            journal: None,
            machine: Rewrite::new(self.rules()),
            nonce: 0,
            read: 0,
            window: false,
            crashes,
            faults,
            writers,
        }
    }
}

impl State {
    /// What a look finds.
    fn sight(&self) -> Sight {
        match self.world.object {
            Object { nonce: Some(_), tagged: false, .. } => Sight::Locked,
            Object { nonce, .. } => Sight::Open {
                key: if nonce.is_some() { target() } else { other() },
                description: Description::Whole,
                size: 10,
            },
        }
    }

    /// The replacement arrives.
    fn arrive(&mut self, case: Case, late: Late) -> Result<(), Trouble> {
        if case.way == Way::Parts && !self.world.uploads.remove(&late.nonce) {
            // No such upload. An earlier try may have completed it, so it is never final.
            return Err(Trouble::MayPass);
        }
        if case.conditional && self.world.object.content != late.content {
            self.world.uploads.insert(late.nonce);
            if case.way != Way::Parts {
                self.world.uploads.remove(&late.nonce);
            }
            return Err(Trouble::Condition);
        }
        let atomic = case.way != Way::Parts;
        self.write_over(case);
        self.world.object = Object {
            content: if case.garbles { GARBLED } else { late.content },
            nonce: Some(late.nonce),
            tagged: atomic,
            described: atomic && !case.more,
        };
        self.world.replaced += 1;
        Ok(())
    }

    /// The object becomes an older version.
    fn write_over(&mut self, case: Case) {
        if case.garbles {
            self.world.below.push(self.world.object);
        }
    }

    fn standing(&self) -> Standing {
        let ours = self.world.object.nonce == Some(self.current());
        match self.world.object.nonce {
            _ if ours => Standing::Ours,
            None if self.world.object.content == self.read => Standing::Old,
            _ => Standing::Others,
        }
    }

    /// The nonce that a check asks for: of this run, or after a crash of the journal.
    fn current(&self) -> u8 {
        let noted = self.journal.as_ref().and_then(|pending| pending.replacing.as_ref());
        noted.map_or(self.nonce, |noted| noted.nonce.parse().unwrap())
    }

    fn note(&mut self, mark: Mark, case: Case) {
        let mut pending = self.journal.take().unwrap_or_default();
        match mark {
            Mark::Opening => {
                self.nonce += 1;
                pending = Pending { nonce: Some(self.nonce.to_string()), ..Pending::default() };
            }
            Mark::Opened => pending.upload_id = Some("id".to_owned()),
            Mark::Replacing => {
                if case.way != Way::Parts {
                    self.nonce += 1;
                    pending = Pending::default();
                }
                pending.replacing = Some(Replacing {
                    way: case.way,
                    nonce: self.nonce.to_string(),
                    old_etag: self.read.to_string(),
                    tags: Vec::new(),
                    grants: Vec::new(),
                });
            }
            Mark::Settled(_) => return,
        }
        self.journal = Some(pending);
    }

    /// The step is taken at the gateway and told to the machine.
    fn act(&mut self, case: Case) {
        match self.machine.step() {
            Step::Look => self.machine.looked(self.sight()),
            Step::Note(mark) => {
                self.note(mark, case);
                self.machine.done();
            }
            Step::Read(_) => {
                self.read = self.world.object.content;
                let content = if case.damaged { Content::Damaged } else { Content::Verified };
                self.machine.read(content, case.more);
            }
            Step::Confirm => {
                let same =
                    self.world.object.nonce.is_none() && self.world.object.content == self.read;
                self.window = same;
                self.machine.confirmed(same);
            }
            Step::Replace(_) => match self.replace(case) {
                Ok(()) => self.machine.done(),
                Err(trouble) => self.machine.failed(trouble),
            },
            Step::Check => self.machine.checked(self.standing()),
            Step::Open | Step::Abort | Step::Describe => {
                self.gateway_does(case);
                self.machine.done();
            }
            Step::Wait(_) => self.machine.done(),
            Step::Compare => match self.standing() {
                Standing::Ours => self.machine.compared(self.world.object.content != GARBLED),
                _ => self.machine.failed(Trouble::Condition),
            },
            Step::TakeBack => {
                assert!(case.garbles, "this gateway proves everything, and copies right");
                self.gateway_does(case);
                self.machine.done();
            }
            Step::End(_) => {}
        }
    }

    fn replace(&mut self, case: Case) -> Result<(), Trouble> {
        self.window = false;
        self.arrive(case, Late { nonce: self.nonce, content: self.read })
    }

    /// What of a step happens at the gateway, whether or not anybody hears of it.
    fn gateway_does(&mut self, case: Case) {
        match self.machine.step() {
            Step::Open => {
                self.world.uploads.insert(self.nonce);
            }
            Step::Abort => {
                let opened = self.journal.as_ref().and_then(|pending| pending.nonce.clone());
                if let Some(nonce) = opened {
                    self.world.uploads.remove(&nonce.parse().unwrap());
                }
            }
            Step::Describe if self.world.object.nonce == Some(self.current()) => {
                (self.world.object.tagged, self.world.object.described) = (true, true);
            }
            Step::Replace(_) => drop(self.replace(case)),
            Step::TakeBack => {
                let ours = Some(self.current());
                self.world.below.retain(|version| version.nonce != ours);
                if self.world.object.nonce == ours
                    && let Some(before) = self.world.below.pop()
                {
                    self.world.object = before;
                }
            }
            _ => {}
        }
    }

    /// Everything that can happen next.
    fn next(&self, case: Case) -> Vec<State> {
        let mut next = vec![self.with(|state| state.act(case))];
        if let Some(late) = self.world.late {
            next.push(self.with(|state| {
                (state.world.late, state.world.strayed) = (None, true);
                let _ = state.arrive(case, late);
            }));
        }
        if self.faults > 0 && !matches!(self.machine.step(), Step::Wait(_) | Step::End(_)) {
            next.extend(self.faulty(case));
        }
        if self.crashes > 0 {
            for done in [false, true] {
                next.push(self.with(|state| state.crash(case, done)));
            }
        }
        if self.writers > 0 {
            next.push(self.with(|state| {
                state.writers -= 1;
                state.world.latest = 2;
                state.write_over(case);
                state.world.object =
                    Object { content: 2, nonce: None, tagged: true, described: true };
                state.world.raced |= state.window || state.world.late.is_some();
            }));
        }
        next
    }

    fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    /// Refused; done and not heard; sent and still under way; not heard at all.
    fn faulty(&self, case: Case) -> Vec<State> {
        let fault = |trouble: Trouble, before: &dyn Fn(&mut State)| {
            self.with(|state| {
                state.faults -= 1;
                before(state);
                state.machine.failed(trouble);
            })
        };
        let mut next = vec![fault(Trouble::Refused, &|_| {}), fault(Trouble::MayPass, &|_| {})];
        next.push(fault(Trouble::MayPass, &|state| state.gateway_does(case)));
        let replaces = matches!(self.machine.step(), Step::Replace(_));
        if replaces && self.world.late.is_none() && !case.garbles {
            next.push(fault(Trouble::MayPass, &|state| {
                state.window = false;
                state.world.late = Some(Late { nonce: state.nonce, content: state.read });
            }));
        }
        next
    }

    /// The process dies before a step, or after it was taken and before its answer was heard.
    fn crash(&mut self, case: Case, done: bool) {
        self.crashes -= 1;
        if done {
            match self.machine.step() {
                Step::Note(mark) => self.note(mark, case),
                _ => self.gateway_does(case),
            }
        }
        self.window = false;
        self.begin(case);
    }

    /// A run begins: with what the journal has, or with the object.
    fn begin(&mut self, case: Case) {
        self.machine = match &self.journal {
            Some(pending) => Rewrite::recover(case.rules(), pending),
            None => Rewrite::new(case.rules()),
        };
    }

    fn assert_safe(&self, case: Case) {
        let World { object, latest, raced, below, .. } = &self.world;
        let excused = *raced && !case.conditional;
        let mut there = below.iter().chain([object]);
        assert!(there.any(|one| one.content == *latest) || excused, "content lost: {self:#?}");
        let noted = self.journal.as_ref().and_then(|pending| pending.replacing.as_ref());
        let found = noted.is_some_and(|noted| object.nonce == noted.nonce.parse().ok());
        assert!(object.tagged || found, "nobody knows the key: {self:#?}");
        assert!(!case.damaged || self.world.replaced == 0, "damaged, and replaced: {self:#?}");
    }

    fn assert_end(&self, case: Case, outcome: Outcome) {
        let World { object, latest, uploads, strayed, .. } = &self.world;
        if let (Outcome::Rekeyed(_), 1) = (outcome, latest) {
            // A request that comes late takes the access list of the one before it away.
            let described = object.described || *strayed;
            let whole = object.nonce.is_some() && object.tagged && described;
            assert!(whole, "settled too early: {self:#?}");
        }
        let known = self.journal.as_ref().is_some_and(Pending::may_upload);
        assert!(uploads.is_empty() || known, "an upload is forgotten: {self:#?}");
        if outcome == Outcome::Changed {
            assert!(*latest == 2 || *strayed, "nobody changed it: {self:#?}");
        }
        if self.world.late.is_some() {
            return;
        }
        if case.garbles {
            let again = self.undisturbed(case).undisturbed(case);
            assert_eq!(again.machine.step(), Step::End(Outcome::Garbled), "{again:#?}");
            assert_eq!(again.world.object.content, *latest, "{again:#?}");
            assert!(again.world.below.is_empty() && again.journal.is_none(), "{again:#?}");
            return;
        }
        let again = self.undisturbed(case);
        let expected = if case.damaged { Outcome::Damaged } else { Outcome::Already };
        let (last, replaced) = (again.undisturbed(case), again.world.replaced);
        assert_eq!(last.machine.step(), Step::End(expected), "{again:#?}");
        assert_eq!(last.world.replaced, replaced, "done twice: {again:#?}");
        assert!(last.world.uploads.is_empty() && last.journal.is_none(), "{last:#?}");
    }

    /// The next run, without any fault.
    fn undisturbed(&self, case: Case) -> State {
        let mut state = self.clone();
        state.begin(case);
        for _ in 0..100 {
            if let Step::End(_) = state.machine.step() {
                return state;
            }
            state.act(case);
        }
        panic!("it never ends: {state:#?}");
    }
}

/// Tries everything, and gives the number of states.
fn explore(case: Case, budget: [u8; 3]) -> usize {
    let mut seen = BTreeSet::new();
    let mut open = vec![case.start(budget)];
    while let Some(state) = open.pop() {
        state.assert_safe(case);
        if let Step::End(outcome) = state.machine.step() {
            state.assert_end(case, outcome);
            if state.world.late.is_none() {
                continue;
            }
        }
        for next in state.next(case) {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen.len()
}

#[test]
fn no_order_of_events_loses_an_object() {
    let mut states = 0;
    for way in [Way::Whole, Way::Copy, Way::Parts] {
        for (more, damaged, conditional) in
            [(false, false, false), (true, false, false), (false, false, true), (true, false, true)]
                .into_iter()
                .chain([(false, true, false), (true, true, true)])
        {
            let case = Case { way, more, damaged, conditional, garbles: false };
            // Crashes, faults, other writers.
            for budget in [[2, 1, 0], [1, 2, 1], [2, 0, 1], [0, 4, 0]] {
                states += explore(case, budget);
            }
        }
    }
    assert!(states > 10_000, "{states}: an exploration that explores nothing proves nothing");
}

#[test]
fn a_gateway_that_garbles_its_copies_destroys_nothing() {
    let mut states = 0;
    for more in [false, true] {
        let case = Case { way: Way::Copy, more, damaged: false, conditional: false, garbles: true };
        for budget in [[2, 1, 0], [1, 2, 0], [0, 4, 0]] {
            states += explore(case, budget);
        }
    }
    assert!(states > 1_000, "{states}: an exploration that explores nothing proves nothing");
}

#[test]
fn what_nothing_vouches_for_is_taken_on_request_alone() {
    let (way, garbles) = (Way::Whole, false);
    let case = Case { way, more: false, damaged: false, conditional: false, garbles };
    let open = |key, description| Sight::Open { key, description, size: 10 };
    let decide = |rules: Rules, sight| rules.decide(sight);
    let rules = case.rules();
    let accepting = Rules { accept_content: true, ..rules };
    for description in [Description::None, Description::Lost] {
        let sight = open(other(), description);
        assert_eq!(decide(rules, sight), Err(Outcome::Undescribed), "{description:?}");
        assert_eq!(decide(accepting, sight), Ok(Way::Whole), "{description:?}");
    }
    assert_eq!(decide(rules, open(other(), Description::Whole)), Ok(Way::Whole));
    // Under the target key there is nothing to gain but a record.
    assert_eq!(decide(accepting, open(target(), Description::None)), Err(Outcome::Already));
    assert_eq!(decide(accepting, open(target(), Description::Lost)), Ok(Way::Whole));
    let plain = Sight::Plain(10);
    assert_eq!(decide(accepting, plain), Err(Outcome::Plain), "plaintext has a flag of its own");
    let rules = |plaintext| Rules { plaintext, ..rules };
    assert_eq!(decide(rules(Plaintext::Skip), plain), Err(Outcome::PlainSkipped));
    assert_eq!(decide(rules(Plaintext::Encrypt), plain), Ok(Way::Whole));
    assert!(!Outcome::Plain.is_good() && Outcome::PlainSkipped.is_good());
}
