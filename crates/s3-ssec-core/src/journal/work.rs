//! The journal of a command on many objects: `audit`, `verify -r`, `put -r`, `rekey`.
//!
//! One for each shard. It says what was asked for, what became of every object, and how it ended, so
//! that the command can go on after a crash and `s3-ssec report` can put shards together. The
//! same object may stand in it more than once: the last line counts.

use super::whole_lines;
use serde::{Deserialize, Serialize};

/// What was asked for: the first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkBegun {
    /// The command: `audit`, `verify`, `put`, `rekey`.
    pub command: String,
    /// The gateway.
    pub endpoint: String,
    /// The place, as `s3://bucket/prefix`.
    pub place: String,
    /// Which shard of how many, as `1/4`.
    pub shard: String,
    /// Whatever else makes this another work: options, fingerprints, the manifest. Compared, not read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
}

impl WorkBegun {
    /// True if both are shards of one and the same work.
    pub fn is_same_work(&self, other: &Self) -> bool {
        let count = |begun: &Self| begun.shard.split_once('/').map(|(_, n)| n.to_owned());
        let of = |begun: &Self| {
            let Self { command, endpoint, place, options, .. } = begun.clone();
            (command, endpoint, place, options, count(begun))
        };
        of(self) == of(other)
    }
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkOutcome {
    /// It was dealt with.
    Done,
    /// There was nothing to do.
    Same,
    /// It is none of ours.
    Skipped,
    /// It failed, or is not as it should be.
    Failed,
}

/// One object, or a version of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkObject {
    /// Its key.
    pub key: String,
    /// Its version, where the command deals with versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What became of it.
    pub outcome: WorkOutcome,
    /// Its size in bytes, where it is known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// In which state it was found, for commands that tell: `own-key`, `plain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The exit code of its failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What was wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How far the listing was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkThrough {
    /// Everything up to and with this object key is in the lines above.
    pub key: String,
    /// With versions: everything up to and with this version of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many bytes the file of results had then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out: u64,
}

/// A line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WorkLine {
    /// About to begin.
    Begun(WorkBegun),
    /// What became of one object.
    Object(WorkObject),
    /// How far the listing was dealt with.
    Through(WorkThrough),
    /// Every object was dealt with; a command that was stopped does not say so.
    Ended {
        /// The exit code of the command.
        exit_code: u8,
    },
}

impl WorkLine {
    /// Reads one whole line, with or without its line end. `None` if it makes no sense.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }
}

/// How many bytes of `text` are whole lines: the last one may be cut short by a crash.
pub fn whole(text: &str) -> usize {
    whole_lines(text).map(|line| line.len() + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(shard: &str) -> WorkBegun {
        WorkBegun {
            command: "audit".to_owned(),
            endpoint: "https://gateway".to_owned(),
            place: "s3://bucket/".to_owned(),
            shard: shard.to_owned(),
            options: String::new(),
        }
    }

    #[test]
    fn lines_are_short_and_come_back() {
        let object = WorkObject {
            key: "a\n\"b\"".to_owned(),
            version: None,
            outcome: WorkOutcome::Done,
            bytes: 0,
            state: None,
            exit_code: None,
            what: None,
        };
        let through = WorkThrough { key: "z".to_owned(), version: None, out: 17 };
        let lines = [
            WorkLine::Begun(begun("1/4")),
            WorkLine::Object(object),
            WorkLine::Through(through),
            WorkLine::Ended { exit_code: 3 },
        ];
        for line in &lines {
            let text = super::super::print(line);
            assert_eq!(WorkLine::parse(&text).as_ref(), Some(line), "{text}");
            assert_eq!(text.matches('\n').count(), 1);
        }
        let object = super::super::print(&lines[1]);
        assert_eq!(object, "{\"object\":{\"key\":\"a\\n\\\"b\\\"\",\"outcome\":\"done\"}}\n");
        assert_eq!(WorkLine::parse("{\"object\":"), None);
    }

    #[test]
    fn shards_belong_together() {
        let same = |a: &WorkBegun, b: &WorkBegun| a.is_same_work(b);
        assert!(same(&begun("1/4"), &begun("2/4")));
        assert!(!same(&begun("1/4"), &begun("2/5")));
        let other = WorkBegun { place: "s3://bucket/b".to_owned(), ..begun("2/4") };
        assert!(!same(&begun("1/4"), &other));
        let other = WorkBegun { options: "versions".to_owned(), ..begun("2/4") };
        assert!(!same(&begun("1/4"), &other));
    }

    #[test]
    fn a_line_that_was_cut_does_not_count() {
        assert_eq!(whole("{}\n{}\n{"), 6);
        assert_eq!(whole("{"), 0);
        assert_eq!(whole(""), 0);
        assert_eq!(whole("{}\n"), 3);
    }
}
