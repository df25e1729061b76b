//! A page as executor. Its browser repeats a request whose connection was closed and says nothing of it, may
//! hide version IDs (CORS shows a page the headers that a rule names), and keeps no ledger; the page does not
//! know the MD5 of a content.

use super::gateway::{Lie, Profile, Request, Tags};
use super::run::{Faults, Run, plan};
use super::said::{Said, Says};
use super::{ALL_FAULTS, assert_unbroken};
use crate::echo::EchoError;
use crate::key::{Key, Kind};
use crate::removal::Leftover;
use crate::transfer::parts::PartsVerdict;
use crate::transfer::put::{PutPlan, PutVerdict, RecordPlace, put};
use crate::transfer::task::{
    Answer, Call, Condition, KeyFacts, NoAnswer, Operation, Outcome, Task,
};
use crate::transfer::trial::{TrialEnd, TrialVerdict, WriteKind, trial};
use crate::transfer::written::{Finding, Search, Write};
use crate::transfer::{Link, Machine};
use std::future::Future;

impl Run {
    /// The order, for this kind of executor.
    pub(super) fn machine<V, C>(&self, course: impl FnOnce(Link) -> C) -> Machine<V>
    where
        C: Future<Output = V> + Send + 'static,
    {
        match self.faults.is_browser {
            true => Machine::with_hidden_headers(course),
            false => Machine::new(course),
        }
    }

    pub(super) fn end_faults(&mut self) {
        self.faults = Faults { is_browser: self.faults.is_browser, ..Faults::default() };
    }

    pub(super) fn plain_etag(&self) -> String {
        if self.faults.is_browser { String::new() } else { plan().plain_etag }
    }

    /// True where neither the gateway nor this executor keeps a record: no upload succeeds there.
    pub(super) fn loses_records(&self) -> bool {
        self.faults.is_browser && !self.gateway.keeps_tags()
    }

    /// The browser sends a write twice; the answer to the second one is heard. Not CreateMultipartUpload: the
    /// page has an order of its own for it. Nor below the version of another writer, who comes after that:
    /// there the first of two is not seen, and the page does not know of it.
    pub(super) fn repeat(&mut self, request: &Request) {
        use Operation::{Complete, Put};
        let is_write = matches!(request.operation, Put { .. } | Complete { .. });
        if self.faults.is_browser && self.faults.writers == 0 && is_write && self.rng.bool() {
            self.unheard(request);
        }
    }

    /// An answer, as a page sees it.
    pub(super) fn shown(&mut self, mut answer: Answer) -> Answer {
        if self.faults.is_browser && self.rng.bool() {
            answer.headers.retain(|(name, _)| name != "x-amz-version-id");
        }
        answer
    }
}

const PAGE: Faults = Faults { is_browser: true, ..ALL_FAULTS };

/// Without faults of the line.
fn page(seed: u64, profile: Profile, lie: Lie) -> Run {
    Run::new(seed, profile, lie, Faults { is_browser: true, ..Faults::default() })
}

#[test]
fn no_put_of_a_page_breaks_an_invariant_whatever_happens() {
    assert_unbroken(PAGE, |run| {
        run.faults.writers *= run.rng.u32(..2);
        run.put()?;
        run.put_again()
    });
}

#[test]
fn no_upload_in_parts_of_a_page_breaks_an_invariant_whatever_happens() {
    assert_unbroken(PAGE, |run| {
        run.faults.writers *= run.rng.u32(..2);
        run.put_parts()?;
        run.put_parts_again()
    });
}

#[test]
fn a_write_that_the_browser_repeated_is_found_behind_the_refusal() {
    for seed in 0..32 {
        let mut run = page(seed, Profile::RGW_20, Lie::None);
        let kept = PutPlan { condition: Condition::OnlyIfAbsent, ..plan() };
        let verdict = run.put_as(kept.clone()).unwrap();
        let record = match &verdict {
            Some(PutVerdict::Stored(stored)) => Some(stored.record),
            _ => None,
        };
        assert_eq!(record, Some(RecordPlace::Tag), "{verdict:?}\n{}", run.trace());
        assert_eq!(run.put_as(kept.clone()).unwrap(), Some(PutVerdict::Exists));
        // Complete was carried out the first time, and the second one finds no upload.
        let verdict = page(seed, Profile::RGW_18, Lie::None).put_parts().unwrap();
        assert!(matches!(verdict, Some(PartsVerdict::Stored(..))), "{verdict:?}");
        // A plaintext of ours is one wherever it is found.
        let verdict = page(seed, Profile::RGW_20, Lie::Plaintext).put_as(kept).unwrap();
        assert!(matches!(verdict, Some(PutVerdict::NotProved { .. })), "{verdict:?}");
    }
}

#[test]
fn no_trial_of_a_page_breaks_an_invariant_whatever_happens() {
    for kind in [WriteKind::Single, WriteKind::Multipart] {
        assert_unbroken(PAGE, |run| run.trial(kind).map(drop));
    }
}

#[test]
fn a_trial_of_a_page_proves_honest_places_alone_and_leaves_nothing() {
    for (profile, kind) in Profile::ALL
        .into_iter()
        .flat_map(|profile| [(profile, WriteKind::Single), (profile, WriteKind::Multipart)])
    {
        for seed in 0..32 {
            let mut run = page(seed, profile, Lie::None);
            let verdict = run.trial(kind).unwrap().unwrap();
            let is_proved = matches!(verdict.end, TrialEnd::Proved { .. });
            // What a browser wrote twice is found by a listing.
            let is_gone = verdict.left.is_none() || !profile.lists();
            assert!(is_proved && is_gone, "{profile:?} {kind:?} {verdict:?}\n{}", run.trace());
        }
        for lie in Lie::ALL.into_iter().filter(|lie| *lie != Lie::None) {
            let verdict = page(1, profile, lie).trial(kind).unwrap().unwrap();
            let is_proved = matches!(verdict.end, TrialEnd::Proved { .. });
            assert!(!is_proved, "{profile:?} {kind:?} {lie:?}: {verdict:?}");
        }
    }
}

/// The verdict of a trial at a gateway that answers this operation otherwise.
fn trial_with(
    kind: WriteKind,
    operation: &str,
    answer: impl Fn(&mut Run, Call) -> Outcome,
) -> TrialVerdict {
    let name = plan().name;
    let mut machine = Machine::with_hidden_headers(|link| trial(link, name, kind));
    let mut run = page(1, Profile::RGW_18, Lie::None);
    while machine.verdict().is_none() {
        for (id, task) in machine.next(1) {
            let outcome = match task {
                Task::Call(call) if call.operation.name() == operation => answer(&mut run, call),
                task => run.carry(task),
            };
            machine.done(id, outcome).unwrap();
        }
    }
    machine.verdict().cloned().unwrap()
}

#[test]
fn tags_that_may_not_be_seen_are_not_called_dropped() {
    for (status, tags_kept) in [(403, None), (501, Some(false)), (200, Some(false))] {
        let answer = |_: &mut Run, _| Outcome::Answer(Answer { status, ..Answer::default() });
        let verdict = trial_with(WriteKind::Single, "GetObjectTagging", answer);
        assert_eq!(verdict.end, TrialEnd::Proved { tags_kept }, "{status}");
    }
}

#[test]
fn an_upload_whose_completion_is_never_answered_is_proved_by_its_object() {
    let (complete, gone) = ("CompleteMultipartUpload", NoAnswer::MaybeExecuted);
    let verdict = trial_with(WriteKind::Multipart, complete, |run, call| {
        let request = run.request(call);
        run.unheard(&request);
        Outcome::NoAnswer(gone)
    });
    assert_eq!(verdict.end, TrialEnd::Proved { tags_kept: Some(true) });
    assert!(verdict.left.is_some(), "another one may still arrive");
    let lost = trial_with(WriteKind::Multipart, complete, |_, _| Outcome::NoAnswer(gone));
    assert_eq!(lost.end, TrialEnd::Unanswered);
}

#[test]
fn where_no_version_is_shown_and_none_can_be_tried_nothing_is_deleted_by_name() {
    for seed in 0..32 {
        let mut run = page(seed, Profile::AWS_WITHOUT_RIGHTS, Lie::Plaintext);
        let verdict = run.put().unwrap();
        let left = match &verdict {
            Some(PutVerdict::NotProved { leftover, .. }) => Some(*leftover),
            _ => None,
        };
        assert_eq!(left, Some(Leftover::Perhaps), "{verdict:?}");
        assert!(!run.trace().contains("Delete"), "{}", run.trace());
    }
}

fn with_tags(tags: Tags) -> Profile {
    let mut profile = Profile::RGW_18;
    profile.tags = tags;
    profile
}

/// The search for a write of 3 bytes under a key with these facts.
fn find(run: &mut Run, key: KeyFacts) -> Finding {
    let (name, records) = (plan().name, vec![key.record.clone()]);
    let write = Write { name, key, records, plain_etag: String::new() };
    let course = |link| async move { Search::sized(&link, &write, 3).finding().await };
    run.drive(Machine::with_hidden_headers(course)).unwrap().unwrap()
}

impl Says for Finding {
    fn said(&self) -> Said {
        Said::default()
    }
}

/// The facts about a key of this kind.
fn drawn(run: &mut Run, kind: Kind) -> KeyFacts {
    run.key = Key::from_bytes(kind, &[7; 32]).unwrap();
    KeyFacts { kind, ..run.draw(plan().name, true) }
}

#[test]
fn a_plaintext_of_the_same_size_may_be_ours_where_no_md5_is_known() {
    let perhaps = Finding::NotProved { error: EchoError::Missing, leftover: Leftover::Perhaps };
    let found = |tags, stored| {
        let mut run = page(1, with_tags(tags), Lie::None);
        run.gateway.write_of_another(None, stored, "of-another");
        let key = drawn(&mut run, Kind::Master);
        find(&mut run, key)
    };
    assert_eq!(found(Tags::Kept, 3), perhaps);
    assert_eq!(found(Tags::Kept, 4), Finding::NotOurs);
    assert_eq!(found(Tags::Refused, 4), perhaps, "its tags would say whose it is");
}

#[test]
fn encrypted_under_a_key_of_many_objects_and_without_a_record_is_not_certainly_ours() {
    for (kind, is_ours) in [(Kind::Direct, false), (Kind::Master, true)] {
        let mut run = page(1, with_tags(Tags::Dropped), Lie::None);
        let key = drawn(&mut run, kind);
        run.gateway.write_of_another(Some(key.md5), 3, "of-cipher");
        let found = find(&mut run, key);
        assert_eq!(matches!(found, Finding::Encrypted { .. }), is_ours, "{found:?}");
        assert_eq!(found == Finding::Unheard, !is_ours, "{found:?}");
    }
}

#[test]
fn an_object_of_another_size_is_not_called_stored() {
    for (pads, is_stored) in [(0, true), (1, false)] {
        let mut run = page(1, Profile::RGW_18, Lie::PlaintextBehind500);
        (run.gateway.stores_plaintext, run.gateway.pads) = (false, pads);
        let verdict = run.put().unwrap();
        assert_eq!(matches!(verdict, Some(PutVerdict::Stored { .. })), is_stored, "{verdict:?}");
        let unknown = Some(PutVerdict::Unanswered(Leftover::Unknown));
        assert_eq!(verdict == unknown, !is_stored, "{verdict:?}");
    }
}

/// The gateway takes every PUT with an answer that cannot be read, and shows no object.
fn taken_and_unseen(status: &str) -> Option<PutVerdict> {
    let document = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
    let mut machine = Machine::new(|link| put(link, plan()));
    let mut run = page(1, Profile::RGW_20, Lie::None);
    for _ in 0..200 {
        for (id, task) in machine.next(1) {
            let answer = |status, body: &str| {
                Outcome::Answer(Answer { status, body: body.into(), ..Answer::default() })
            };
            let outcome = match &task {
                Task::DrawKey { .. } => Outcome::Key(drawn(&mut run, Kind::Master)),
                Task::Call(Call { operation: Operation::Put { .. }, .. }) => answer(200, ""),
                Task::Call(Call { operation: Operation::Versioning, .. }) => answer(200, &document),
                Task::Call(_) => answer(404, ""),
                _ => Outcome::Slept,
            };
            machine.done(id, outcome).unwrap();
        }
    }
    machine.verdict().cloned()
}

#[test]
fn a_write_that_was_taken_and_is_not_seen_may_be_below_another_version() {
    let kept = taken_and_unseen("<Status>Enabled</Status>");
    assert_eq!(kept, Some(PutVerdict::Unanswered(Leftover::Perhaps)));
    assert_eq!(taken_and_unseen(""), Some(PutVerdict::Unanswered(Leftover::NotFound)));
}
