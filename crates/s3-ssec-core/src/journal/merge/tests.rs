//! Journals put together: what is counted, what is missing, what stands double.

use super::*;
use crate::journal::print;

fn begun(shard: &str) -> WorkLine {
    WorkLine::Begun(WorkBegun {
        command: "verify".to_owned(),
        endpoint: "https://gateway".to_owned(),
        place: "s3://bucket/".to_owned(),
        shard: shard.to_owned(),
        options: String::new(),
    })
}

fn object(key: &str, outcome: WorkOutcome, exit_code: Option<u8>) -> WorkLine {
    let (key, version, state, what) = (key.to_owned(), None, Some("own-key".to_owned()), None);
    WorkLine::Object(WorkObject { key, version, outcome, bytes: 10, state, exit_code, what })
}

const DONE: WorkOutcome = WorkOutcome::Done;
const FAILED: WorkOutcome = WorkOutcome::Failed;
const ENDED: WorkLine = WorkLine::Ended { exit_code: 0 };

fn merge(journals: &[&[WorkLine]]) -> Result<Merged, MergeError> {
    let mut merge = Merge::default();
    for (number, lines) in journals.iter().enumerate() {
        merge.journal(&format!("journal-{}", number + 1));
        for line in *lines {
            merge.line(&print(line))?;
        }
    }
    Ok(merge.finish())
}

#[test]
fn all_shards_together_are_everything() {
    let first = [begun("1/2"), object("a", DONE, None), object("b", DONE, None), ENDED];
    let second = [begun("2/2"), object("c", WorkOutcome::Same, None), ENDED];
    let merged = merge(&[&first, &second]).unwrap();
    assert_eq!(merged.outcomes, BTreeMap::from([(DONE, 2), (WorkOutcome::Same, 1)]));
    assert_eq!(merged.states, BTreeMap::from([("own-key".to_owned(), 3)]));
    assert_eq!((merged.bytes, merged.exit_code()), (30, 0));
    assert_eq!(merged.shards.iter().map(|shard| shard.objects).collect::<Vec<_>>(), [2, 1]);
    assert!(merged.missing().is_empty() && merged.doubles.is_empty());
}

#[test]
fn what_is_missing_is_named() {
    let merged = merge(&[&[begun("2/3"), ENDED], &[begun("1/3"), object("a", DONE, None)]]);
    let merged = merged.unwrap();
    assert_eq!(merged.missing(), [Shard::new(3, 3).unwrap()]);
    assert_eq!(merged.unfinished().map(|shard| &*shard.name).collect::<Vec<_>>(), ["journal-2"]);
    assert_eq!(merged.exit_code(), 1);
}

#[test]
fn a_shard_that_went_on_ends_as_it_ended_last() {
    let lines = [
        begun("1/1"),
        object("a", FAILED, Some(3)),
        WorkLine::Ended { exit_code: 3 },
        begun("1/1"),
        object("a", DONE, None),
        object("b", FAILED, Some(4)),
        WorkLine::Ended { exit_code: 4 },
    ];
    let merged = merge(&[&lines]).unwrap();
    assert_eq!(merged.failed.len(), 1);
    assert_eq!((merged.failed[0].object.key.as_str(), merged.exit_code()), ("b", 4));
    assert!(merged.doubles.is_empty(), "twice in one journal is once");
    // Begun again and not ended.
    let merged = merge(&[&lines[..4]]).unwrap();
    assert_eq!(merged.unfinished().count(), 1);
}

#[test]
fn what_two_shards_did_is_named() {
    let (first, second) = ([begun("1/2"), object("a", DONE, None), ENDED], begun("2/2"));
    let merged = merge(&[&first, &[second, object("a", DONE, None), ENDED]]).unwrap();
    let journals = vec!["journal-1".to_owned(), "journal-2".to_owned()];
    assert_eq!(merged.doubles, [("a".to_owned(), journals)]);
    assert_eq!(merged.exit_code(), 1);
    assert_eq!(merged.outcomes[&DONE], 1);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    assert_eq!(merge(&[&[ENDED]]).unwrap_err(), MergeError::NoBeginning);
    let other = merge(&[&[begun("1/2")], &[begun("1/3")]]).unwrap_err();
    assert!(matches!(other, MergeError::OtherWork(_)), "{other}");
    let mut merge = Merge::default();
    merge.journal("a");
    merge.line(&print(&begun("1/1"))).unwrap();
    assert_eq!(merge.line("hello"), Err(MergeError::Line(2)));
}
