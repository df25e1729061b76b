//! Uploads in parts that break off at a chosen step, and the run after them.

use super::gateway::{Lie, Profile};
use super::parts::plan;
use super::run::{Faults, Run};
use crate::removal::Leftover;
use crate::transfer::parts::{
    OnFailure, PartsHalt, PartsLeft, PartsPlan, PartsVerdict, UploadLeft, put_parts,
};
use crate::transfer::task::{Condition, JournalStep, NoAnswer, Outcome, Task};

/// A run that was killed behind the first task that `is_last` picks.
fn killed(profile: Profile, is_last: impl Fn(&Run, &Task) -> bool) -> Run {
    let mut run = Run::new(1, profile, Lie::None, Faults::default());
    let mut machine = run.machine(|link| put_parts(link, plan()));
    while machine.verdict().is_none() {
        for (id, task) in machine.next(1) {
            let is_over = is_last(&run, &task);
            let outcome = run.carry(task);
            machine.done(id, outcome).unwrap();
            if is_over {
                return run;
            }
        }
    }
    panic!("the upload came to its end");
}

fn is_stored_part(task: &Task, wanted: u16) -> bool {
    matches!(task, Task::Journal(JournalStep::Stored { number, .. }) if *number == wanted)
}

fn is_call(task: &Task, name: &str) -> bool {
    matches!(task, Task::Call(call) if call.operation.name() == name)
}

fn again(run: &mut Run, on_failure: OnFailure) -> PartsVerdict {
    let before = run.journal.before();
    run.put_parts_as(PartsPlan { before, on_failure, ..plan() }).unwrap().unwrap()
}

fn is_stored(verdict: &PartsVerdict) -> bool {
    matches!(verdict, PartsVerdict::Stored(_, UploadLeft::Gone))
}

#[test]
fn parts_that_journal_and_gateway_know_are_not_sent_again() {
    for profile in Profile::ALL {
        let mut run = killed(profile, |_, task| is_stored_part(task, 1));
        let before = run.journal.sent;
        let verdict = again(&mut run, OnFailure::KeepIfItMayPass);
        assert!(is_stored(&verdict), "{profile:?}: {verdict:?}");
        // The part whose answer was not noted goes out once more.
        assert_eq!((before, run.journal.sent, run.journal.hashed), (2, 4, 1), "{profile:?}");
        assert!(run.gateway.uploads.is_empty());
    }
}

#[test]
fn a_source_that_changed_is_sent_anew_and_the_upload_before_it_is_gone() {
    for profile in Profile::ALL {
        let mut run = killed(profile, |_, task| is_stored_part(task, 2));
        run.journal.is_other_content = true;
        let verdict = again(&mut run, OnFailure::KeepIfItMayPass);
        assert!(is_stored(&verdict) && run.gateway.uploads.is_empty(), "{verdict:?}");
        assert_eq!(run.keys.len(), 2, "a nonce for each content");
    }
}

#[test]
fn where_a_person_decides_nothing_begins_anew() {
    let mut run = killed(Profile::RGW_18, |_, task| is_stored_part(task, 2));
    run.journal.is_other_content = true;
    let verdict = again(&mut run, OnFailure::Keep);
    let kept = PartsLeft { object: Leftover::Nothing, upload: UploadLeft::Kept };
    assert_eq!(verdict, PartsVerdict::Failed(PartsHalt::OtherContent, kept.clone()));
    assert_eq!(run.gateway.uploads.len(), 1);
    // Aborted by somebody else.
    run.gateway.uploads.clear();
    let verdict = again(&mut run, OnFailure::Keep);
    assert_eq!(verdict, PartsVerdict::Failed(PartsHalt::UploadGone, kept));
}

#[test]
fn an_object_that_came_in_the_meantime_is_not_replaced() {
    for profile in Profile::ALL {
        let mut run = killed(profile, |_, task| is_stored_part(task, 2));
        run.gateway.write_of_another(None, 3, "of-another");
        let (before, condition) = (run.journal.before(), Condition::OnlyIfAbsent);
        let kept = PartsPlan { before, condition, ..plan() };
        let verdict = run.put_parts_as(kept).unwrap().unwrap();
        let nothing = PartsLeft { object: Leftover::Nothing, upload: UploadLeft::Gone };
        assert_eq!(verdict, PartsVerdict::Failed(PartsHalt::Exists, nothing), "{profile:?}");
        assert_eq!(run.gateway.versions.len(), 1, "{profile:?}");
    }
}

#[test]
fn an_upload_whose_complete_was_not_heard_is_described_and_not_sent_again() {
    for profile in Profile::ALL {
        let mut run = killed(profile, |_, task| is_call(task, "CompleteMultipartUpload"));
        let verdict = again(&mut run, OnFailure::KeepIfItMayPass);
        assert!(is_stored(&verdict), "{profile:?}: {verdict:?}");
        assert_eq!((run.journal.sent, run.journal.hashed, run.keys.len()), (3, 3, 1));
    }
}

#[test]
fn no_key_goes_to_the_plaintext_that_another_writer_put_in_its_place() {
    let mut run = killed(Profile::RGW_18, |_, task| is_call(task, "CompleteMultipartUpload"));
    run.gateway.write_of_another(None, 3, "of-another");
    let verdict = again(&mut run, OnFailure::KeepIfItMayPass);
    assert!(is_stored(&verdict) && !run.gateway.leaked, "{verdict:?}");
    assert_eq!(run.keys.len(), 2);
}

#[test]
fn an_upload_whose_creation_was_not_heard_is_aborted_by_its_key() {
    let mut run = killed(Profile::RGW_20, |_, task| is_call(task, "CreateMultipartUpload"));
    // One of another writer, under a key that is not ours.
    let foreign = run.gateway.create_of_another();
    let verdict = again(&mut run, OnFailure::KeepIfItMayPass);
    assert!(is_stored(&verdict), "{verdict:?}");
    let left: Vec<_> = run.gateway.uploads.iter().map(|upload| upload.id()).collect();
    assert_eq!(left, [foreign.as_str()]);
}

#[test]
fn a_creation_that_may_come_late_is_not_called_gone() {
    for (outcome, left) in [
        (NoAnswer::NotSent, UploadLeft::Gone),
        (NoAnswer::MaybeExecuted, UploadLeft::Unknown),
        (NoAnswer::Silent, UploadLeft::Unknown),
    ] {
        let mut run = Run::new(1, Profile::RGW_18, Lie::None, Faults::default());
        let mut machine = run.machine(|link| put_parts(link, plan()));
        while machine.verdict().is_none() {
            for (id, task) in machine.next(1) {
                let outcome = match is_call(&task, "CreateMultipartUpload") {
                    true => Outcome::NoAnswer(outcome),
                    false => run.carry(task),
                };
                machine.done(id, outcome).unwrap();
            }
        }
        let left = PartsLeft { object: Leftover::Nothing, upload: left };
        let expected = PartsVerdict::Failed(PartsHalt::Unanswered, left);
        assert_eq!(machine.verdict(), Some(&expected), "{outcome:?}");
    }
}

#[test]
fn a_part_of_another_content_is_refused_by_the_source() {
    let mut run = Run::new(1, Profile::RGW_20, Lie::None, Faults::default());
    let mut machine = run.machine(|link| put_parts(link, plan()));
    while machine.verdict().is_none() {
        for (id, task) in machine.next(1) {
            let outcome = match is_call(&task, "UploadPart") {
                true => Outcome::Failed,
                false => run.carry(task),
            };
            machine.done(id, outcome).unwrap();
        }
    }
    let nothing = PartsLeft { object: Leftover::Nothing, upload: UploadLeft::Gone };
    let failed = PartsVerdict::Failed(PartsHalt::SourceFailed, nothing);
    assert_eq!(machine.verdict(), Some(&failed));
    assert!(run.gateway.uploads.is_empty() && run.journal.before().is_none());
}
