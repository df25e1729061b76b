//! Every order of requests against a gateway that is simulated: by seed, with lost requests and answers,
//! late execution, crashes, other writers, and lies.
//!
//! The invariants, after every run: nothing is called encrypted that is not; no object of another writer is
//! removed; "nothing is left" is said only where nothing of the write is left in plaintext; the key of a
//! write goes to no object that can be read without one; a second run without faults ends well.

mod again;
mod browser;
mod gateway;
mod journal;
mod parts;
mod run;
mod said;

use super::Machine;
use super::conditions::Replacing;
use super::parts::{PartsHalt, PartsVerdict};
use super::put::{PutPlan, PutVerdict, RecordPlace};
use super::task::{Answer, Condition, NoAnswer, Outcome, Task};
use super::trial::{TrialEnd, TrialVerdict, WriteKind};
use crate::condition::OnlyIfAbsent;
use crate::removal::Leftover;
use gateway::{Lie, Profile, Tags};
use run::{Faults, Run, plan};
use said::Said;

/// Seeds for each profile and lie. `S3_SSEC_SEEDS` asks for more.
const SEEDS: u64 = 200;

fn seeds() -> u64 {
    let more = std::env::var("S3_SSEC_SEEDS").ok().and_then(|text| text.parse().ok());
    more.unwrap_or(SEEDS)
}

/// The first seed that breaks an invariant, and how.
fn broken(
    profile: Profile,
    lie: Lie,
    faults: Faults,
    test: impl Fn(&mut Run) -> Result<(), String>,
) -> Option<(u64, String)> {
    (0..seeds()).find_map(|seed| {
        let mut run = Run::new(seed, profile, lie, faults);
        test(&mut run).err().map(|what| (seed, format!("{what}\n{}", run.trace())))
    })
}

const ALL_FAULTS: Faults =
    Faults { line: 3, writers: 2, crashes: true, cancels: true, is_browser: false };

fn assert_unbroken(faults: Faults, test: impl Fn(&mut Run) -> Result<(), String>) {
    for profile in Profile::ALL {
        for lie in Lie::ALL {
            if let Some((seed, what)) = broken(profile, lie, faults, &test) {
                panic!("seed {seed} of {profile:?} {lie:?}: {what}");
            }
        }
    }
}

#[test]
fn no_put_breaks_an_invariant_whatever_happens() {
    assert_unbroken(ALL_FAULTS, |run| {
        run.put()?;
        run.put_again()
    });
}

#[test]
fn no_upload_in_parts_breaks_an_invariant_whatever_happens() {
    assert_unbroken(ALL_FAULTS, |run| {
        run.put_parts()?;
        run.put_parts_again()
    });
}

#[test]
fn no_trial_breaks_an_invariant_whatever_happens() {
    for kind in [WriteKind::Single, WriteKind::Multipart] {
        assert_unbroken(ALL_FAULTS, |run| run.trial(kind).map(drop));
    }
}

#[test]
fn no_trial_of_a_condition_leaves_anything_unsaid() {
    assert_unbroken(ALL_FAULTS, |run| run.try_replacing().map(drop));
    assert_unbroken(ALL_FAULTS, |run| run.try_condition().map(drop));
}

#[test]
fn conditions_are_believed_where_they_are_heeded() {
    for profile in Profile::ALL {
        let run = || Run::new(1, profile, Lie::None, Faults::default());
        let replacing = run().try_replacing().unwrap().unwrap();
        let heeded = profile.conditions;
        let expected = Replacing { by_put: heeded, by_complete: heeded, etag_is_md5: false };
        assert_eq!(replacing.seen, Ok(expected), "{profile:?}");
        let absent = run().try_condition().unwrap().unwrap();
        let expected = if heeded { OnlyIfAbsent::Honoured } else { OnlyIfAbsent::Ignored };
        assert_eq!(absent.condition, expected, "{profile:?}");
        assert_eq!((replacing.left, absent.left), (None, None), "{profile:?}");
    }
}

/// The end of a trial at a gateway that answers writes and questions with these statuses, and whether its note
/// was removed.
fn answered_trial(write: u16, question: u16) -> (TrialVerdict, bool) {
    let name = plan().name;
    let mut machine = Machine::new(|link| super::trial(link, name, WriteKind::Single));
    let mut run = Run::new(1, Profile::RGW_20, Lie::None, Faults::default());
    let mut is_closed = false;
    while machine.verdict().is_none() {
        for (id, task) in machine.next(1) {
            is_closed |= matches!(task, Task::CloseScratch { .. });
            let outcome = match &task {
                Task::Call(call) => {
                    let is_write = matches!(call.operation.name(), "PutObject" | "DeleteObject");
                    let status = if is_write { write } else { question };
                    let headers = vec![("etag".to_owned(), b"\"e\"".to_vec())];
                    Outcome::Answer(Answer { status, headers, body: Vec::new() })
                }
                _ => run.carry(task),
            };
            machine.done(id, outcome).unwrap();
        }
    }
    (machine.verdict().cloned().unwrap(), is_closed)
}

#[test]
fn a_trial_without_rights_leaves_nothing_to_look_for() {
    let (verdict, is_closed) = answered_trial(403, 403);
    assert!(matches!(verdict.end, TrialEnd::Refused(_)), "{verdict:?}");
    assert_eq!((verdict.left, is_closed), (None, true), "nothing was written");
    // It was written and deleted, and may not be looked at: nothing shows that it is left.
    let (verdict, is_closed) = answered_trial(200, 403);
    assert!(verdict.left.is_some_and(|left| !left.is_stored) && is_closed);
    // It is still there after the deletion was answered.
    let (verdict, is_closed) = answered_trial(200, 200);
    assert!(verdict.left.is_some_and(|left| left.is_stored) && !is_closed);
}

#[test]
fn a_trial_proves_honest_places_alone_and_leaves_nothing() {
    for (profile, kind) in Profile::ALL
        .into_iter()
        .flat_map(|profile| [(profile, WriteKind::Single), (profile, WriteKind::Multipart)])
    {
        let mut run = Run::new(1, profile, Lie::None, Faults::default());
        let verdict = run.trial(kind).unwrap().unwrap();
        let tags_kept = Some(profile.tags == Tags::Kept);
        assert_eq!(verdict.end, TrialEnd::Proved { tags_kept }, "{profile:?} {kind:?}");
        assert_eq!(verdict.left, None, "{profile:?} {kind:?}");
        for lie in Lie::ALL.into_iter().filter(|lie| *lie != Lie::None) {
            let mut run = Run::new(1, profile, lie, Faults::default());
            let verdict = run.trial(kind);
            let verdict = verdict.unwrap().unwrap();
            let is_proved = matches!(verdict.end, TrialEnd::Proved { .. });
            assert!(!is_proved, "{profile:?} {kind:?} {lie:?}: {verdict:?}");
        }
    }
}

#[test]
fn an_honest_gateway_stores_every_put() {
    for profile in Profile::ALL {
        let mut run = Run::new(1, profile, Lie::None, Faults::default());
        let verdict = run.put().unwrap();
        let in_parts = run.put_parts().unwrap();
        let expected = match profile.tags {
            Tags::Kept => RecordPlace::Tag,
            Tags::Dropped | Tags::Refused => RecordPlace::Ledger,
        };
        let record = match &verdict {
            Some(PutVerdict::Stored(stored)) => Some(stored.record),
            _ => None,
        };
        assert_eq!(record, Some(expected), "{profile:?}: {verdict:?}");
        let record = match &in_parts {
            Some(PartsVerdict::Stored(stored, _)) => Some(stored.record),
            _ => None,
        };
        assert_eq!(record, Some(expected), "{profile:?}: {in_parts:?}");
        let kept = PutPlan { condition: Condition::OnlyIfAbsent, ..plan() };
        assert_eq!(run.put_as(kept).unwrap(), Some(PutVerdict::Exists), "{profile:?}");
    }
}

#[test]
fn a_request_is_sent_as_often_as_the_executor_says() {
    for attempts in 1..=5 {
        let course = |link| super::put(link, plan());
        let mut machine = Machine::new(course).with_attempts(attempts.try_into().unwrap());
        let mut run = Run::new(1, Profile::RGW_20, Lie::None, Faults::default());
        let mut sent = 0;
        while machine.verdict().is_none() {
            for (id, task) in machine.next(1) {
                let is_put =
                    matches!(&task, Task::Call(call) if call.operation.name() == "PutObject");
                sent += u32::from(is_put);
                let outcome = match is_put {
                    true => Outcome::NoAnswer(NoAnswer::NotSent),
                    false => run.carry(task),
                };
                machine.done(id, outcome).unwrap();
            }
        }
        assert_eq!(machine.verdict(), Some(&PutVerdict::Unanswered(Leftover::Nothing)));
        assert_eq!(sent, attempts);
    }
}

#[test]
fn lies_end_in_no_proof() {
    for lie in [Lie::Plaintext, Lie::PlaintextEchoed, Lie::NoEcho] {
        for profile in Profile::ALL {
            let verdict = Run::new(1, profile, lie, Faults::default()).put().unwrap();
            let is_refused = matches!(verdict, Some(PutVerdict::NotProved { .. }));
            // A PUT is believed by its echo: a lie that only a second look shows is a trial's to find.
            assert_eq!(is_refused, lie != Lie::PlaintextEchoed, "{profile:?} {lie:?}: {verdict:?}");
            let verdict = Run::new(1, profile, lie, Faults::default()).put_parts().unwrap();
            let is_refused =
                matches!(verdict, Some(PartsVerdict::Failed(PartsHalt::NotProved(_), _)));
            assert!(is_refused, "{profile:?} {lie:?}: {verdict:?}");
        }
    }
}

#[test]
fn the_invariants_can_be_broken() {
    let profile = Profile::RGW_20;
    let mut run = Run::new(1, profile, Lie::None, Faults::default());
    run.put().unwrap();
    run.gateway.forge_removal_of_another();
    assert!(run.check(None).is_err(), "an object of another writer is gone");
    let mut run = Run::new(1, profile, Lie::Plaintext, Faults::default());
    run.gateway.lie = Lie::Undeletable;
    run.gateway.stores_plaintext = true;
    let verdict = run.put().unwrap();
    assert!(verdict.is_some());
    let nothing = Said { nothing_left: true, ..Said::default() };
    assert!(run.check(Some(&nothing)).is_err(), "plaintext is left");
}
