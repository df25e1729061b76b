//! The ledger: records of object versions that are kept outside of the gateway (`FORMAT.md`, "Ledger"). No
//! IO: lines in, records out.
//!
//! A line is a gateway, an object, and its record. The record has its own MAC, so a ledger from elsewhere is
//! checked under the keys at hand, and it holds nothing secret.
//!
//! ```
//! use s3_ssec_core::ledger::{Ledger, LedgerEntry};
//! # use s3_ssec_core::{derive::Nonce, key::{Key, Kind}, names::S3Address, record::{Content, Record}};
//! # let key = Key::from_bytes(Kind::Master, &[7; 32])?;
//! let object = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let record = Record::write(&key, &object, Nonce::next(1_764_000_000, 0x5a, None), Content::Pending);
//! let entry = LedgerEntry::new("https://s3.example.org", object.clone(), record);
//! let ledger = Ledger::parse(&entry.print());
//! assert_eq!(ledger.of("https://s3.example.org", &object).next(), Some(&entry));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::derive::Nonce;
use crate::key::Fingerprint;
use crate::keyring::{Keyring, OpenError};
use crate::names::{ObjectName, S3Address};
use crate::record::{Provenance, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// One line: the record of one object version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// The canonical URL of the gateway.
    pub endpoint: String,
    /// The object.
    pub object: ObjectName,
    /// Its record.
    pub record: Record,
    /// The write was proved: the object was there, under the key of this record.
    pub confirmed: bool,
    /// The object's tag was seen to hold this record too, or a gateway that was seen to keep tags confirmed
    /// the object that it got with the record.
    pub in_tag: bool,
}

/// The fields, in the order that makes the lines of one object begin alike ([`group_of`]).
#[derive(Serialize, Deserialize)]
struct Line {
    endpoint: String,
    object: String,
    record: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    confirmed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    in_tag: bool,
}

/// The text of a line between the object and its record.
const AFTER_OBJECT: &str = ",\"record\":\"";

/// The start that all lines of an object have, and no other: [`group_of`] each of them.
pub fn group(endpoint: &str, object: &ObjectName) -> String {
    let [endpoint, object] = [endpoint, &object.to_string()].map(|text| json!(text).to_string());
    format!("{{\"endpoint\":{endpoint},\"object\":{object}{AFTER_OBJECT}")
}

/// The start that a line has in common with all lines of its object and with no other; the whole line
/// if it is of another format. A JSON string has no unescaped quote after a comma.
pub fn group_of(line: &str) -> &str {
    line.find(AFTER_OBJECT).map_or(line, |end| &line[..end + AFTER_OBJECT.len()])
}

impl LedgerEntry {
    /// An entry for a write that begins: not confirmed, and in no tag. `endpoint` is canonical.
    pub fn new(endpoint: impl Into<String>, object: ObjectName, record: Record) -> Self {
        Self { endpoint: endpoint.into(), object, record, confirmed: false, in_tag: false }
    }

    /// Parses a line; `None` if it is not one of this format.
    pub fn parse(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        let object = S3Address::parse(&line.object).ok()?.object().ok()?;
        let entry = Self::new(line.endpoint, object, Record::parse(&line.record).ok()?);
        let Line { confirmed, in_tag, .. } = line;
        Some(Self { confirmed, in_tag, ..entry })
    }

    /// The line, with its end.
    pub fn print(&self) -> String {
        crate::journal::print(&Line {
            endpoint: self.endpoint.clone(),
            object: self.object.to_string(),
            record: self.record.to_string(),
            confirmed: self.confirmed,
            in_tag: self.in_tag,
        })
    }

    /// Takes over what another entry of the same object version says. The order makes no difference.
    fn join(&mut self, other: Self) {
        // The write is of the nonce, the tag of this very record.
        let confirmed = self.confirmed || other.confirmed;
        if worth(&other.record) > worth(&self.record) {
            *self = other;
        } else if other.record == self.record {
            self.in_tag |= other.in_tag;
        }
        self.confirmed = confirmed;
    }

    /// True for a write that was proved, of a content that is known.
    pub fn is_proved_write(&self) -> bool {
        self.confirmed && !self.record.is_pending()
    }

    /// Checks the record under the keys at hand, and names the one that made it.
    pub fn check(&self, keys: &Keyring) -> Result<Fingerprint, OpenError> {
        keys.open(&self.record, &self.object).map(|(key, _)| key.fingerprint())
    }
}

/// The records of all lines together.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    known: BTreeMap<(String, ObjectName), BTreeMap<Nonce, LedgerEntry>>,
    /// Lines of another format are kept as they are.
    others: Vec<String>,
}

impl Ledger {
    /// Reads lines. The last one counts only if it has its end: a crash may have cut it short.
    pub fn parse(text: &str) -> Self {
        let mut ledger = Self::default();
        let end = text.rfind('\n').map_or(0, |end| end + 1);
        text[..end].lines().for_each(|line| ledger.take(line));
        ledger
    }

    /// Takes in a line.
    pub fn take(&mut self, line: &str) {
        match LedgerEntry::parse(line) {
            Some(entry) => self.insert(entry),
            None if line.trim().is_empty() => {}
            None => self.others.push(line.to_owned()),
        }
    }

    /// Takes in an entry. Of several for one object version the record that knows most counts.
    pub fn insert(&mut self, entry: LedgerEntry) {
        let versions =
            self.known.entry((entry.endpoint.clone(), entry.object.clone())).or_default();
        match versions.entry(entry.record.nonce()) {
            Entry::Occupied(mut known) => known.get_mut().join(entry),
            Entry::Vacant(free) => drop(free.insert(entry)),
        }
    }

    /// The entries of an object, the newest first.
    pub fn of(&self, endpoint: &str, object: &ObjectName) -> impl Iterator<Item = &LedgerEntry> {
        let known = self.known.get(&(endpoint.to_owned(), object.clone()));
        known.into_iter().flat_map(|versions| versions.values().rev())
    }

    /// All entries, by gateway, object and age.
    pub fn entries(&self) -> impl Iterator<Item = &LedgerEntry> {
        self.known.values().flat_map(BTreeMap::values)
    }

    /// True if this adds nothing to what is known.
    pub fn has(&self, entry: &LedgerEntry) -> bool {
        let versions = self.known.get(&(entry.endpoint.clone(), entry.object.clone()));
        let known = versions.and_then(|versions| versions.get(&entry.record.nonce()));
        known.is_some_and(|known| {
            let mut joined = known.clone();
            joined.join(entry.clone());
            joined == *known
        })
    }

    /// The lines that have to be kept: of every object the newest version, the newest write that was
    /// proved, and every record that no tag is known to hold.
    pub fn print(&self) -> String {
        let mut text: String = self.others.iter().map(|line| format!("{line}\n")).collect();
        for versions in self.known.values() {
            let newest = versions.values().next_back();
            let proved = versions.values().rfind(|entry| entry.is_proved_write());
            let last = [newest, proved];
            let kept = versions.values().filter(|e| !e.in_tag || last.contains(&Some(*e)));
            kept.for_each(|entry| text += &entry.print());
        }
        text
    }
}

/// A pending record says less than one of a content that was accepted, that less than one that was accepted
/// later, and all less than one of a source.
fn worth(record: &Record) -> (u8, u32) {
    match record.provenance() {
        None => (0, 0),
        Some(Provenance::Accepted { since }) => (1, since),
        Some(Provenance::Source) => (2, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::ContentHasher;
    use crate::key::{Key, Kind};
    use crate::names::{BucketName, ObjectKey};
    use crate::record::Content;

    const GATEWAY: &str = "https://s3.example.org";

    fn name(key: &str) -> ObjectName {
        ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
    }

    fn key(byte: u8) -> Key {
        Key::from_bytes(Kind::Master, &[byte; 32]).unwrap()
    }

    fn entry(object: &str, time: u64, content: Content) -> LedgerEntry {
        let nonce = Nonce::next(time, 7, None);
        LedgerEntry::new(
            GATEWAY,
            name(object),
            Record::write(&key(1), &name(object), nonce, content),
        )
    }

    fn known() -> (Content, Content) {
        let mut hasher = ContentHasher::new(&key(1).content_key());
        hasher.update(b"1;2");
        let (size, digest) = (hasher.size(), hasher.finish());
        (Content::of_source(size, digest), Content::accepted(size, digest, 1_764_000_009))
    }

    #[test]
    fn lines_are_read_as_they_are_printed() {
        for object in ["a", "with \"quotes\" and \u{1f}", "Größe/a b+c%.bin", "a//b"] {
            let mut entry = entry(object, 1, known().0);
            assert_eq!(LedgerEntry::parse(&entry.print()), Some(entry.clone()));
            for (confirmed, in_tag) in [(true, false), (false, true), (true, true)] {
                (entry.confirmed, entry.in_tag) = (confirmed, in_tag);
                assert_eq!(LedgerEntry::parse(&entry.print()), Some(entry.clone()));
            }
        }
        for bad in ["", "{}", "{\"endpoint\":\"x\",\"object\":\"s3://bucket/a\",\"nonce\":\"00\"}"]
        {
            assert_eq!(LedgerEntry::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_record_that_knows_most_counts() {
        let (source, accepted) = known();
        let [pending, accepted, source] =
            [Content::Pending, accepted, source].map(|content| entry("a", 5, content));
        for order in [[&pending, &accepted, &source], [&source, &pending, &accepted]] {
            let mut ledger = Ledger::default();
            order.into_iter().for_each(|entry| ledger.insert(entry.clone()));
            let entries: Vec<_> = ledger.of(GATEWAY, &name("a")).collect();
            assert_eq!(entries, [&source]);
            assert!(
                ledger.has(&pending)
                    && ledger.has(&source)
                    && !ledger.has(&entry("a", 6, Content::Pending))
            );
        }
    }

    #[test]
    fn what_lines_say_of_one_version_is_put_together_in_any_order() {
        let begun = entry("a", 5, known().0);
        let pending = LedgerEntry { confirmed: true, ..entry("a", 5, Content::Pending) };
        let tagged = LedgerEntry { in_tag: true, ..begun.clone() };
        let both = LedgerEntry { confirmed: true, ..tagged.clone() };
        for order in [[&begun, &tagged, &pending], [&pending, &begun, &tagged]] {
            let mut ledger = Ledger::default();
            order.into_iter().for_each(|entry| ledger.insert(entry.clone()));
            assert_eq!(ledger.of(GATEWAY, &name("a")).collect::<Vec<_>>(), [&both]);
            assert!(order.into_iter().all(|entry| ledger.has(entry)));
        }
        // The tag that was seen has the pending record alone.
        let mut ledger = Ledger::default();
        ledger.insert(LedgerEntry { in_tag: true, ..pending });
        assert!(!ledger.has(&begun));
        ledger.insert(begun.clone());
        assert!(ledger.has(&begun) && !ledger.has(&tagged));
    }

    #[test]
    fn the_lines_of_an_object_begin_alike_and_no_others_do() {
        let objects = ["a", "a\",\"record\":\"", "a\\", "a!", "a ", "b", "a/b"];
        let lines = objects.map(|object| entry(object, 1, Content::Pending).print());
        let later = objects.map(|object| entry(object, 2, known().0).print());
        for (index, line) in lines.iter().enumerate() {
            let alike = later.iter().filter(|other| other.starts_with(group_of(line)));
            assert_eq!(alike.collect::<Vec<_>>(), [&later[index]]);
            assert_eq!(group(GATEWAY, &name(objects[index])), group_of(line));
        }
        assert_eq!(
            group_of("{\"format\":\"of another release\"}"),
            "{\"format\":\"of another release\"}"
        );
    }

    #[test]
    fn the_newest_comes_first_and_others_are_not_asked_for() {
        let lines: String =
            [3, 9, 5].map(|time| entry("a", time, Content::Pending).print()).concat();
        let ledger = Ledger::parse(&lines);
        let times: Vec<_> = ledger
            .of(GATEWAY, &name("a"))
            .map(|entry| entry.record.nonce().unix_seconds())
            .collect();
        assert_eq!(times, [9, 5, 3]);
        assert!(ledger.of("https://other.example.org", &name("a")).next().is_none());
        assert!(ledger.of(GATEWAY, &name("b")).next().is_none());
    }

    #[test]
    fn a_line_that_was_cut_short_is_as_if_it_were_not_there() {
        let (first, second) =
            (entry("a", 1, Content::Pending).print(), entry("a", 2, Content::Pending).print());
        for cut in 0..second.len() {
            let ledger = Ledger::parse(&format!("{first}{}", &second[..cut]));
            assert_eq!(ledger.entries().count(), 1, "{cut}");
        }
        // The next append ends it.
        let ledger = Ledger::parse(&format!("{first}{}\n{second}", &second[..20]));
        assert_eq!(ledger.entries().count(), 2);
    }

    #[test]
    fn compaction_keeps_what_no_tag_holds_and_what_it_does_not_know() {
        let tagged = |time| LedgerEntry { in_tag: true, ..entry("a", time, known().0) };
        let proved = |time| LedgerEntry { confirmed: true, ..tagged(time) };
        let other = "{\"format\":\"of another release\"}\n";
        let found =
            LedgerEntry { confirmed: true, in_tag: true, ..entry("a", 5, Content::Pending) };
        let lines = [
            entry("a", 1, Content::Pending),
            entry("a", 2, known().0),
            proved(2),
            proved(3),
            tagged(4),
            found,
            tagged(6),
            entry("b", 1, Content::Pending),
            entry("b", 1, known().0),
        ]
        .map(|entry| entry.print());
        let ledger = Ledger::parse(&format!("{other}{}", lines.concat()));
        let kept = ledger.print();
        let expected = [&lines[0], &lines[3], &lines[6], &lines[8]].map(String::as_str).concat();
        assert_eq!(kept, format!("{other}{expected}"));
        assert_eq!(Ledger::parse(&kept).print(), kept);
    }

    #[test]
    fn an_entry_is_checked_under_the_keys_at_hand() {
        let mut good = entry("a", 1, known().0);
        let ring = |byte| Keyring::new(vec![key(byte)]).unwrap();
        assert_eq!(good.check(&ring(1)), Ok(key(1).fingerprint()));
        assert_eq!(good.check(&ring(2)), Err(OpenError::KeyMissing(key(1).fingerprint())));
        good.object = name("b");
        assert_eq!(good.check(&ring(1)), Err(OpenError::NotGenuine));
    }
}
