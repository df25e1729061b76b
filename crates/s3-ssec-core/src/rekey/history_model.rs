//! Every order of success, failure, crash, unheard answer and other writer, on a model of one object
//! with three versions. Virtual: nothing waits, every choice is tried.
//!
//! What holds in every state: each content that anybody wrote is there. What holds at every end: the
//! next runs without faults leave the contents in the order in which they were written, each once and
//! under its new key, and deleted what somebody deleted; and the run after that does nothing.

use super::*;
use std::collections::BTreeSet;

/// A version as the gateway has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    id: u8,
    /// 1, 2, 3 were there at first, 4 is somebody else's; 0 is a delete marker.
    content: u8,
    /// Written by us.
    ours: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// The oldest first.
    versions: Vec<Version>,
    journal: Option<Pending>,
    machine: History,
    /// What people wrote, in order.
    meant: Vec<u8>,
    /// No ID is given twice.
    last_id: u8,
    /// A marker of ours was made and not heard of, and somebody wrote: whose it is nobody can tell.
    blurred: bool,
    crashes: u8,
    faults: u8,
    writers: u8,
}

fn start(done: u8, deleted: bool, [crashes, faults, writers]: [u8; 3]) -> State {
    let mut contents = vec![1, 2, 3];
    contents.extend(deleted.then_some(0));
    let version = |(id, content)| Version { id, content, ours: content != 0 && content <= done };
    let versions = (1..).zip(contents.iter().copied()).map(version).collect();
    let (journal, machine) = (None, History::new());
    State {
        versions,
        journal,
        machine,
        meant: contents,
        last_id: 10,
        blurred: false,
        crashes,
        faults,
        writers,
    }
}

impl State {
    fn seen(&self) -> Versions {
        let seen = |v: &Version| (v.id.to_string(), if v.ours { Seen::Done } else { Seen::Due });
        let (versions, markers): (Vec<_>, Vec<_>) =
            self.versions.iter().partition(|v| v.content != 0);
        Versions {
            versions: versions.into_iter().map(seen).collect(),
            markers: markers.into_iter().map(|v| v.id.to_string()).collect(),
            deleted: self.versions.last().is_some_and(|v| v.content == 0),
        }
    }

    fn content_of(&self, id: &str) -> u8 {
        self.versions.iter().find(|v| v.id.to_string() == id).map_or(0, |v| v.content)
    }

    fn write(&mut self, content: u8, ours: bool) -> String {
        self.last_id += 1;
        self.versions.push(Version { id: self.last_id, content, ours });
        self.last_id.to_string()
    }

    fn delete(&mut self, id: &str) {
        self.versions.retain(|v| v.id.to_string() != id);
    }

    fn history(&mut self) -> &mut PendingHistory {
        let pending = self.journal.get_or_insert_default();
        pending.history.get_or_insert_default()
    }

    fn note(&mut self, mark: HistoryMark) {
        match mark {
            HistoryMark::Planned => {
                let old = self.machine.old().to_vec();
                self.journal = None;
                self.history().old = old;
            }
            HistoryMark::Dropping => self.history().dropping = true,
            HistoryMark::Settled(_) => self.journal = None,
        }
    }

    /// What of a step happens outside, whether or not anybody hears of it. The ID of what was written.
    fn happens(&mut self) -> Option<String> {
        match self.machine.step() {
            HistoryStep::Note(mark) => self.note(mark),
            HistoryStep::Write(i) => {
                let content = self.content_of(&self.machine.old()[i].clone());
                let id = self.write(content, true);
                // Its nonce is noted before it is sent.
                self.history().nonces.push(id.clone());
                return Some(id);
            }
            HistoryStep::Delete => return Some(self.write(0, true)),
            HistoryStep::Drop(i) => self.delete(&self.machine.old()[i].clone()),
            HistoryStep::TakeBack(i) => self.delete(&self.machine.new_versions()[i].clone()),
            _ => {}
        }
        None
    }

    fn happens_unheard(&mut self) {
        self.blurred |= self.machine.step() == HistoryStep::Delete;
        self.happens();
    }

    /// The step is taken and told to the machine.
    fn act(&mut self) {
        let wrote = self.happens();
        match self.machine.step() {
            HistoryStep::List => self.machine.listed(self.seen()),
            HistoryStep::Check => {
                let stranger = |v: &Version| !self.machine.knows(&v.id.to_string());
                self.machine.checked(self.versions.iter().any(stranger));
            }
            HistoryStep::Find => {
                // By their nonces. A marker has none, and is found only where its ID was heard and noted.
                let nonces = self.history().nonces.clone();
                let written = self.history().new.clone();
                let ours = |v: &&Version| {
                    let id = v.id.to_string();
                    nonces.contains(&id) || written.contains(&id)
                };
                let ours = self.versions.iter().filter(ours).map(|v| v.id.to_string()).collect();
                self.machine.found(ours);
            }
            _ => match wrote {
                Some(id) => {
                    self.history().new.push(id.clone());
                    self.machine.wrote(id);
                }
                None => self.machine.done(),
            },
        }
    }

    fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut next = self.clone();
        change(&mut next);
        next
    }

    fn next(&self) -> Vec<State> {
        let mut next = vec![self.with(State::act)];
        let quiet = matches!(self.machine.step(), HistoryStep::Wait(_));
        for happens in [false, true] {
            if self.faults > 0 && !quiet {
                for trouble in [Trouble::MayPass, Trouble::Refused] {
                    if happens && trouble == Trouble::Refused {
                        continue;
                    }
                    next.push(self.with(|state| {
                        state.faults -= 1;
                        if happens {
                            state.happens_unheard();
                        }
                        state.machine.failed(trouble);
                    }));
                }
            }
            if self.crashes > 0 {
                next.push(self.with(|state| {
                    state.crashes -= 1;
                    if happens {
                        state.happens_unheard();
                    }
                    state.begin();
                }));
            }
        }
        if self.writers > 0 {
            for content in [0, 4] {
                next.push(self.with(|state| {
                    state.writers -= 1;
                    state.meant.push(content);
                    state.write(content, false);
                }));
            }
        }
        next
    }

    fn begin(&mut self) {
        self.machine = match &self.journal {
            Some(pending) => History::recover(pending),
            None => History::new(),
        };
    }

    fn undisturbed(&self) -> State {
        let mut state = self.clone();
        state.begin();
        for _ in 0..200 {
            if let HistoryStep::End(_) = state.machine.step() {
                return state;
            }
            state.act();
        }
        panic!("it never ends: {state:#?}");
    }

    fn contents(&self) -> Vec<u8> {
        self.versions.iter().map(|v| v.content).filter(|content| *content != 0).collect()
    }

    fn assert_safe(&self) {
        for content in &self.meant {
            let there = *content == 0 || self.contents().contains(content);
            assert!(there, "content {content} is lost: {self:#?}");
        }
    }

    fn assert_end(&self) {
        // What was begun is brought to its end by the next run, and what came since by the one after.
        let again = self.undisturbed().undisturbed();
        let meant: Vec<_> = self.meant.iter().copied().filter(|content| *content != 0).collect();
        assert_eq!(again.contents(), meant, "{self:#?}\n{again:#?}");
        assert!(again.versions.iter().all(|v| v.ours || v.content == 0), "{again:#?}");
        let deleted = self.meant.last() == Some(&0);
        let top = again.versions.last().map(|v| v.content);
        let disturbed = self.blurred && self.meant.len() > 4;
        assert!((top == Some(0)) == deleted || disturbed, "{self:#?}\n{again:#?}");
        let last = again.undisturbed();
        assert_eq!(last.machine.step(), HistoryStep::End(Outcome::Already), "{last:#?}");
        assert_eq!(last.versions, again.versions, "done twice");
    }
}

#[test]
fn what_is_taken_back_is_never_good() {
    let outcomes = [
        Outcome::Rekeyed(Way::Parts),
        Outcome::Already,
        Outcome::Absent,
        Outcome::PlainSkipped,
        Outcome::Damaged,
        Outcome::Unfinished,
    ];
    for outcome in outcomes {
        let mut state = start(0, false, [0, 0, 0]);
        while !matches!(state.machine.step(), HistoryStep::Write(1)) {
            state.act();
        }
        let before = state.meant.len();
        state.machine.not_written(outcome);
        while !matches!(state.machine.step(), HistoryStep::End(_)) {
            state.act();
        }
        let HistoryStep::End(end) = state.machine.step() else { unreachable!() };
        assert!(!end.is_good() && end != Outcome::Unfinished, "{outcome:?} became {end:?}");
        assert_eq!(state.versions.len(), before, "{outcome:?}: what was written is gone");
    }
}

fn explore(start: State) -> usize {
    let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(state) = open.pop() {
        state.assert_safe();
        if let HistoryStep::End(_) = state.machine.step() {
            state.assert_end();
            continue;
        }
        for next in state.next() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen.len()
}

#[test]
fn no_order_of_events_loses_a_version_or_its_place() {
    let mut states = 0;
    for done in 0..=3 {
        for deleted in [false, true] {
            // Crashes, faults, other writers.
            for budget in [[2, 1, 0], [1, 1, 1], [0, 3, 0], [2, 0, 1], [0, 1, 2]] {
                states += explore(start(done, deleted, budget));
            }
        }
    }
    assert!(states > 10_000, "{states}: an exploration that explores nothing proves nothing");
}
