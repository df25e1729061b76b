//! The journal of a run: what was begun and not settled, and how far the listing was worked off.
//!
//! Lines as in [`crate::journal`]: one JSON object each, on disk before the step it announces. No
//! secret is in it: names, nonces, and the tags that the objects get. Unlike other journals it is
//! more than comfort between two lines: after Complete on RGW 16 and 18 the tags of an object are
//! nowhere else.

use super::{Outcome, PendingHistory, Way};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a run is about: its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RekeyBegun {
    /// The gateway.
    pub endpoint: String,
    /// What is rekeyed, as `s3://bucket/prefix`.
    pub place: String,
    /// The fingerprint of the key that objects get.
    pub target: String,
    /// The shard, as `I/N`.
    pub shard: String,
    /// Older versions get the key too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub versions: bool,
}

/// Everything that is needed to tell whether a replacement arrived, and to finish it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replacing {
    /// How it is replaced.
    pub way: Way,
    /// The nonce of the new object version.
    pub nonce: String,
    /// The ETag of the old one, without quotes.
    pub old_etag: String,
    /// All tags that the new one gets, its record among them.
    pub tags: Vec<(String, String)>,
    /// Its grants; none where only the owner has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

/// One grant of an object's access list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// `id:`, `uri:` or `email:` and who it is.
    pub to: String,
    /// What they may: `READ`, `FULL_CONTROL` and so on.
    pub permission: String,
}

/// A line of the journal. Every object is named by its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RekeyLine {
    /// About to begin.
    Begun(RekeyBegun),
    /// About to open an upload under this nonce.
    Opening {
        /// The object key.
        object: String,
        /// The nonce of the new object version.
        nonce: String,
    },
    /// It is open.
    Opened {
        /// The object key.
        object: String,
        /// The upload ID.
        upload_id: String,
    },
    /// About to replace the object.
    Replacing {
        /// The object key.
        object: String,
        /// With what.
        with: Replacing,
    },
    /// About to write these versions anew, on top.
    History {
        /// The object key.
        object: String,
        /// Their version IDs, and those of delete markers.
        old: Vec<String>,
    },
    /// One of them was written.
    Written {
        /// The object key.
        object: String,
        /// The ID of the new version.
        version: String,
    },
    /// All of them were; the old ones are about to go.
    Dropping {
        /// The object key.
        object: String,
    },
    /// Nothing more is to be done for it.
    Settled {
        /// The object key.
        object: String,
        /// What became of it.
        outcome: Outcome,
        /// Size in bytes of what got its new key.
        #[serde(default)]
        size: u64,
    },
    /// All objects up to this key, in the order of listings, are settled.
    Passed {
        /// The object key.
        object: String,
    },
}

/// An object that was begun and not settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pending {
    /// The nonce under which an upload was opened, or was about to be.
    pub nonce: Option<String>,
    /// The upload ID; `None` if it broke off around Create.
    pub upload_id: Option<String>,
    /// The replacement that may have been sent.
    pub replacing: Option<Replacing>,
    /// Where all its versions are rewritten: how far that came.
    pub history: Option<PendingHistory>,
}

impl Pending {
    /// A nonce is about to be used for the object.
    fn draws(&mut self, nonce: &str) {
        if let Some(history) = &mut self.history {
            history.nonces.push(nonce.to_owned());
        }
    }

    /// True if an upload may be open.
    pub fn may_upload(&self) -> bool {
        self.nonce.is_some()
    }
}

/// What is known of a run that broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RekeyJournal {
    /// What it is about.
    pub begun: RekeyBegun,
    /// Objects in the middle, by key.
    pub pending: BTreeMap<String, Pending>,
    /// Objects that ended badly, by key.
    pub bad: BTreeSet<String>,
    /// All objects up to this key are settled.
    pub passed: Option<String>,
    /// Objects that got their new key.
    pub rekeyed: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl RekeyJournal {
    /// One that begins.
    pub fn new(begun: RekeyBegun) -> Self {
        let (pending, bad) = (BTreeMap::new(), BTreeSet::new());
        Self { begun, pending, bad, passed: None, rekeyed: 0, bytes: 0 }
    }

    /// Reads a journal. `None` if not even the first line is whole. A line that makes no sense is left
    /// out: the others may hold what an object needs.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text[..whole(text)].lines();
        let RekeyLine::Begun(begun) = serde_json::from_str(lines.next()?).ok()? else {
            return None;
        };
        let mut journal = Self::new(begun);
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .for_each(|line| journal.take(line));
        Some(journal)
    }

    /// Takes one more line.
    pub fn take(&mut self, line: RekeyLine) {
        match line {
            RekeyLine::Begun(_) => {}
            RekeyLine::Opening { object, nonce } => {
                let pending = self.pending.entry(object).or_default();
                pending.draws(&nonce);
                let history = pending.history.take();
                *pending = Pending { nonce: Some(nonce), history, ..Pending::default() };
            }
            RekeyLine::Opened { object, upload_id } => {
                self.pending.entry(object).or_default().upload_id = Some(upload_id);
            }
            RekeyLine::Replacing { object, with } => {
                let pending = self.pending.entry(object).or_default();
                // An upload of an earlier try is gone by now, unless this is its Complete.
                if with.way != Way::Parts {
                    pending.draws(&with.nonce);
                    *pending = Pending { history: pending.history.take(), ..Pending::default() };
                }
                pending.replacing = Some(with);
            }
            RekeyLine::History { object, old } => {
                let history = Some(PendingHistory { old, ..PendingHistory::default() });
                self.pending.insert(object, Pending { history, ..Pending::default() });
            }
            RekeyLine::Written { object, version } => {
                let pending = self.pending.entry(object).or_default();
                let mut history = pending.history.take().unwrap_or_default();
                history.new.push(version);
                *pending = Pending { history: Some(history), ..Pending::default() };
            }
            RekeyLine::Dropping { object } => {
                let pending = self.pending.entry(object).or_default();
                pending.history.get_or_insert_default().dropping = true;
            }
            RekeyLine::Settled { object, outcome, size } => {
                self.pending.remove(&object);
                if let Outcome::Rekeyed(_) = outcome {
                    self.rekeyed += 1;
                    self.bytes += size;
                }
                match outcome.is_good() {
                    true => self.bad.remove(&object),
                    false => self.bad.insert(object),
                };
            }
            RekeyLine::Passed { object } => self.passed = Some(object),
        }
    }
}

/// Bytes of the lines that were written to their end: what comes after is cut off before the next
/// line is written.
pub fn whole(text: &str) -> usize {
    text.rfind('\n').map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::print;

    fn lines() -> Vec<RekeyLine> {
        let object = |name: &str| name.to_owned();
        let with = |way| Replacing {
            way,
            nonce: "6b043d805a".to_owned(),
            old_etag: "e-2".to_owned(),
            tags: vec![("s3-ssec".to_owned(), "v1.m".to_owned())],
            grants: Vec::new(),
        };
        vec![
            RekeyLine::Begun(RekeyBegun {
                endpoint: "https://gateway".to_owned(),
                place: "s3://bucket/".to_owned(),
                target: "4816dfc85c4eac7b".to_owned(),
                shard: "1/1".to_owned(),
                versions: false,
            }),
            RekeyLine::Opening { object: object("a"), nonce: "6b043d805a".to_owned() },
            RekeyLine::Opened { object: object("a"), upload_id: "2~x".to_owned() },
            RekeyLine::Replacing { object: object("a"), with: with(Way::Parts) },
            RekeyLine::Settled {
                object: object("a"),
                outcome: Outcome::Rekeyed(Way::Parts),
                size: 7,
            },
            RekeyLine::Settled { object: object("b"), outcome: Outcome::Damaged, size: 0 },
            RekeyLine::Passed { object: object("b") },
            RekeyLine::Replacing { object: object("c"), with: with(Way::Whole) },
        ]
    }

    #[test]
    fn a_journal_cut_anywhere_tells_what_was_certain() {
        let text: String = lines().iter().map(print).collect();
        for cut in 0..=text.len() {
            let lines = text[..cut].matches('\n').count();
            let Some(journal) = RekeyJournal::parse(&text[..cut]) else {
                assert_eq!(lines, 0, "{cut}");
                continue;
            };
            let a = journal.pending.get("a");
            assert_eq!(a.is_some(), (2..=4).contains(&lines), "{cut}");
            assert_eq!(a.and_then(|a| a.upload_id.as_ref()).is_some(), (3..=4).contains(&lines));
            assert_eq!(a.is_some_and(|a| a.replacing.is_some()), lines == 4);
            assert_eq!((journal.rekeyed, journal.bytes), if lines >= 5 { (1, 7) } else { (0, 0) });
            assert_eq!(journal.bad.contains("b"), lines >= 6);
            assert_eq!(journal.passed.is_some(), lines >= 7);
            assert_eq!(journal.pending.contains_key("c"), lines >= 8);
        }
    }

    #[test]
    fn what_makes_no_sense_costs_only_itself() {
        let mut lines: Vec<String> = lines().iter().map(print).collect();
        lines.insert(1, "hello\n".to_owned());
        lines.insert(3, "{\"unheard_of\":{}}\n".to_owned());
        let journal = RekeyJournal::parse(&lines.concat()).unwrap();
        assert!(journal.pending.contains_key("c") && journal.rekeyed == 1);
        assert_eq!(RekeyJournal::parse(&lines[1..].concat()), None);
    }

    #[test]
    fn an_object_that_ends_well_at_last_is_not_bad() {
        let mut journal = RekeyJournal::parse(&print(&lines()[0])).unwrap();
        let settled = |outcome| RekeyLine::Settled { object: "b".to_owned(), outcome, size: 1 };
        journal.take(settled(Outcome::Failed));
        assert!(journal.bad.contains("b"));
        journal.take(settled(Outcome::Rekeyed(Way::Copy)));
        assert!(journal.bad.is_empty() && journal.rekeyed == 1);
    }

    #[test]
    fn a_history_keeps_what_is_needed_to_go_back_or_on() {
        let object = || "a".to_owned();
        let line = |line: RekeyLine| print(&line);
        let [_, opening, opened, parts, ..] = &lines()[..] else { panic!() };
        let text: Vec<String> = vec![
            print(&lines()[0]),
            line(RekeyLine::History { object: object(), old: vec!["o1".into(), "o2".into()] }),
            print(opening),
            print(opened),
            print(parts),
            line(RekeyLine::Written { object: object(), version: "n1".to_owned() }),
            line(RekeyLine::Replacing {
                object: object(),
                with: Replacing {
                    way: Way::Whole,
                    nonce: "7777777777".to_owned(),
                    old_etag: "e".to_owned(),
                    tags: Vec::new(),
                    grants: Vec::new(),
                },
            }),
            line(RekeyLine::Dropping { object: object() }),
        ];
        let after = |count: usize| {
            let journal = RekeyJournal::parse(&text[..count].concat()).unwrap();
            journal.pending["a"].clone()
        };
        let history = |count| after(count).history.unwrap();
        assert_eq!(history(2).old, ["o1", "o2"]);
        assert_eq!((history(3).nonces.len(), after(4).upload_id.is_some()), (1, true));
        assert_eq!((history(6).new, after(6).may_upload()), (vec!["n1".to_owned()], false));
        assert_eq!((history(7).nonces.len(), after(7).replacing.is_some()), (2, true));
        assert!(!history(7).dropping && history(8).dropping);
    }
}
