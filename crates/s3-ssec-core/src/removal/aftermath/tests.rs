//! Gateways that stored what they should not have, or said too little.

use super::*;
use crate::record::TAG_KEY;

const OURS: &str = "v1.ours";

/// A version that a gateway holds.
#[derive(Clone)]
struct Held {
    id: &'static str,
    record: Option<&'static str>,
    size: u64,
}

/// A gateway with plaintext under one name, the newest version last.
struct Gateway {
    status: Result<Option<&'static str>, ()>,
    shows_ids: bool,
    held: Vec<Held>,
    removes: bool,
    /// The removals: the ID, or "" for a deletion by name.
    removed: Vec<String>,
}

impl Gateway {
    fn new(status: Option<&'static str>, held: &[(&'static str, Option<&'static str>)]) -> Self {
        let held = held.iter().map(|(id, record)| Held { id, record: *record, size: 5 }).collect();
        let (status, removed) = (Ok(status), Vec::new());
        Self { status, shows_ids: true, held, removes: true, removed }
    }

    fn at(&self, version: &Option<TrustedVersion>) -> Option<&Held> {
        match version {
            Some(version) => self.held.iter().find(|held| held.id == version.id()),
            None => self.held.last(),
        }
    }

    fn answer(&mut self, search: &mut Aftermath) {
        match search.step().clone() {
            AftermathStep::Versioning => match self.status {
                Ok(status) => search.versioning(status),
                Err(()) => search.failed(),
            },
            AftermathStep::HeadWithoutKey(version) => match self.at(&version) {
                Some(held) => {
                    let id = self.shows_ids.then_some(held.id);
                    search.without_key(200, held.size, "e", id);
                }
                None => search.without_key(404, 0, "", None),
            },
            AftermathStep::Tags(version) => {
                let record = self.at(&version).and_then(|held| held.record);
                let tags = record.map(|record| (TAG_KEY.to_owned(), record.to_owned()));
                search.tags(Some(&Vec::from_iter(tags)));
            }
            AftermathStep::Remove(version) => {
                let id = version.as_ref().map(|version| version.id().to_owned());
                let index = match &id {
                    Some(id) => self.held.iter().position(|held| held.id == id),
                    None => self.held.len().checked_sub(1),
                };
                if let (Some(index), true) = (index, self.removes) {
                    self.held.remove(index);
                }
                self.removed.push(id.unwrap_or_default());
                search.removed();
            }
            step @ (AftermathStep::FirstByte(_) | AftermathStep::Head(_)) => panic!("{step:?}"),
            AftermathStep::End(_) => {}
        }
    }

    fn search(&mut self, answer: WriteAnswer) -> Leftover {
        let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, answer);
        for _ in 0..200 {
            if let AftermathStep::End(leftover) = search.step() {
                return *leftover;
            }
            self.answer(&mut search);
        }
        panic!("it never ends");
    }
}

fn named(id: &str) -> WriteAnswer {
    WriteAnswer::Unproved(Some(id.to_owned()))
}

const UNPROVED: WriteAnswer = WriteAnswer::Unproved(None);
const KEPT: Option<&str> = Some("Enabled");

#[test]
fn a_named_version_is_looked_at_before_it_is_removed() {
    let theirs = ("v1", Some("v1.theirs"));
    for status in ["Enabled", "Suspended"] {
        let mut gateway = Gateway::new(Some(status), &[theirs, ("v2", Some(OURS))]);
        gateway.held[0].size = 6;
        assert_eq!(gateway.search(named("v2")), Leftover::Nothing);
        assert_eq!(gateway.removed, ["v2"]);
        // The answer named the version of another client: ours was taken, and is not to be seen.
        let mut gateway = Gateway::new(Some(status), &[theirs, ("v2", None)]);
        gateway.held[0].size = 6;
        gateway.held[1].size = 7;
        assert_eq!(gateway.search(named("v1")), Leftover::Perhaps);
        assert!(gateway.removed.is_empty(), "{:?}", gateway.removed);
        // Of the same size and without a record: it may be ours.
        let mut gateway = Gateway::new(Some(status), &[("v1", None), ("v2", Some(OURS))]);
        assert_eq!(gateway.search(named("v1")), Leftover::Perhaps);
        assert_eq!(gateway.removed, ["v2"], "the newest is looked at as well");
        // A server that shows the IDs in one answer and not in another: the named one is known.
        let mut gateway = Gateway::new(Some(status), &[theirs, ("v2", Some(OURS))]);
        gateway.shows_ids = false;
        gateway.held[0].size = 6;
        assert_eq!(gateway.search(named("v2")), Leftover::Nothing);
        assert_eq!(gateway.removed, ["v2"]);
        // What was stored while versions were not kept.
        let mut gateway = Gateway::new(Some(status), &[("null", Some(OURS))]);
        assert_eq!(gateway.search(named("null")), Leftover::Nothing);
        assert_eq!(gateway.removed, ["null"]);
    }
}

#[test]
fn a_deletion_by_name_hides_nothing() {
    // The bucket keeps versions and shows no ID, or does not say whether it keeps them.
    let mut hidden = Gateway::new(KEPT, &[("v1", Some(OURS))]);
    hidden.shows_ids = false;
    assert_eq!(hidden.search(UNPROVED), Leftover::Perhaps);
    assert!(hidden.removed.is_empty());
    for (shows_ids, answer) in [(true, UNPROVED), (false, UNPROVED), (true, named("v1"))] {
        let mut unknown = Gateway::new(None, &[("v1", Some(OURS))]);
        (unknown.status, unknown.shows_ids) = (Err(()), shows_ids);
        assert_eq!(unknown.search(answer), Leftover::Perhaps);
        assert!(unknown.removed.is_empty(), "{:?}", unknown.removed);
    }
    // Without versions an ID names nothing, whatever the server shows.
    for answer in [UNPROVED, named("v1"), named("null"), named("")] {
        let mut plain = Gateway::new(None, &[("v1", Some(OURS))]);
        assert_eq!(plain.search(answer), Leftover::Nothing);
        assert_eq!(plain.removed, [""]);
    }
    let mut kept = Gateway::new(KEPT, &[("v1", Some(OURS))]);
    assert_eq!(kept.search(named("")), Leftover::Nothing);
    assert_eq!(kept.removed, ["v1"]);
}

#[test]
fn it_looks_again_until_nothing_is_there() {
    let attempts = [("v1", Some(OURS)), ("v2", Some(OURS)), ("v3", Some(OURS))];
    let mut gateway = Gateway::new(KEPT, &attempts);
    assert_eq!(gateway.search(named("v2")), Leftover::Nothing);
    assert_eq!(gateway.removed, ["v2", "v3", "v1"]);
    // A gateway that says that it removed, and did not.
    for (status, answer) in [(None, UNPROVED), (KEPT, named("v1")), (KEPT, WriteAnswer::Lost)] {
        let mut lying = Gateway::new(status, &[("v1", Some(OURS))]);
        lying.removes = false;
        assert_eq!(lying.search(answer), Leftover::Perhaps);
        assert_eq!(lying.removed.len(), 16);
    }
    // One that no longer answers after a removal.
    let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, WriteAnswer::Lost);
    let mut gateway = Gateway::new(None, &[("v1", Some(OURS))]);
    while gateway.removed.is_empty() {
        gateway.answer(&mut search);
    }
    search.failed();
    assert_eq!(*search.step(), AftermathStep::End(Leftover::Perhaps));
    let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, WriteAnswer::Lost);
    let mut gateway = Gateway::new(None, &[("v1", Some(OURS))]);
    while !matches!(search.step(), AftermathStep::Remove(_)) {
        gateway.answer(&mut search);
    }
    search.failed();
    assert_eq!(*search.step(), AftermathStep::End(Leftover::Perhaps));
}

#[test]
fn only_the_record_shows_whose_a_plaintext_is() {
    let readable = |size, tags: Option<&[(String, String)]>| {
        let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, UNPROVED);
        search.without_key(200, size, "e", None);
        search.versioning(None);
        assert_eq!(*search.step(), AftermathStep::Tags(None));
        search.tags(tags);
        search.step().clone()
    };
    let tag = |record: &str| [(TAG_KEY.to_owned(), record.to_owned())];
    let end = AftermathStep::End;
    assert_eq!(readable(5, Some(&tag(OURS))), AftermathStep::Remove(None));
    assert_eq!(readable(90, Some(&tag(OURS))), AftermathStep::Remove(None), "with its frames");
    // Another client's file of the same size, perhaps the same one.
    assert_eq!(readable(5, Some(&tag("v1.theirs"))), end(Leftover::Perhaps));
    assert_eq!(readable(5, Some(&[])), end(Leftover::Perhaps));
    assert_eq!(readable(6, Some(&[])), end(Leftover::Nothing));
    assert_eq!(readable(6, None), end(Leftover::Perhaps), "the record may be there");
}

/// After HEAD without a key was answered with 400.
fn refused(key_is_unique: bool, answer: WriteAnswer) -> Aftermath {
    let mut search = Aftermath::new(vec![OURS.to_owned()], 5, key_is_unique, answer);
    search.without_key(400, 0, "", None);
    assert_eq!(*search.step(), AftermathStep::FirstByte(None));
    search
}

fn leftover(mut search: Aftermath, tags: Option<&[(String, String)]>) -> Leftover {
    if *search.step() == AftermathStep::Versioning {
        search.versioning(None);
        assert_eq!(*search.step(), AftermathStep::Tags(None));
        search.tags(tags);
    }
    match search.step() {
        AftermathStep::End(leftover) => *leftover,
        step => panic!("{step:?}"),
    }
}

#[test]
fn an_encrypted_object_is_reported() {
    let keyed = |status, is_confirmed, size, unique, tags: Option<&[(String, String)]>| {
        let mut search = refused(unique, WriteAnswer::Lost);
        search.first_byte(400, Some("InvalidRequest"), None);
        assert_eq!(*search.step(), AftermathStep::Head(None));
        search.under_key(status, is_confirmed, size, None);
        leftover(search, tags)
    };
    let (ours, theirs) = ([(TAG_KEY.to_owned(), OURS.to_owned())], "v1.theirs".to_owned());
    let theirs = [(TAG_KEY.to_owned(), theirs)];
    assert_eq!(keyed(200, true, 5, true, Some(&[])), Leftover::Arrived);
    assert_eq!(keyed(200, true, 5, true, None), Leftover::Arrived);
    assert_eq!(keyed(200, true, 4, true, Some(&[])), Leftover::Unknown);
    assert_eq!(keyed(200, true, 5, false, Some(&ours)), Leftover::Arrived);
    assert_eq!(keyed(200, true, 5, false, Some(&theirs)), Leftover::NotFound);
    assert_eq!(keyed(200, true, 5, false, None), Leftover::Unknown, "encrypted, and whose?");
    assert_eq!(keyed(200, false, 5, true, Some(&ours)), Leftover::Perhaps);
    for status in [400, 403, 404] {
        assert_eq!(keyed(status, false, 0, true, None), Leftover::NotFound, "{status}");
    }
    // These say nothing of the key.
    for status in [405, 412, 429, 500, 503] {
        assert_eq!(keyed(status, false, 0, true, None), Leftover::Unknown, "{status}");
    }
}

#[test]
fn a_400_means_that_a_key_is_needed_only_if_its_body_says_so() {
    let said = |status, code, tags: Option<&[(String, String)]>| {
        let mut search = refused(true, WriteAnswer::Refused);
        search.first_byte(status, code, None);
        leftover(search, tags)
    };
    assert_eq!(said(400, Some("BadRequest"), Some(&[])), Leftover::Perhaps);
    assert_eq!(said(400, Some("InvalidArgument"), None), Leftover::Perhaps);
    assert_eq!(said(206, None, None), Leftover::Perhaps, "HEAD said otherwise");
    let theirs = [(TAG_KEY.to_owned(), "v1.theirs".to_owned())];
    assert_eq!(said(400, Some("BadRequest"), Some(&theirs)), Leftover::Nothing);
    assert_eq!(said(404, Some("NoSuchKey"), None), Leftover::Nothing);
    assert_eq!(said(503, Some("SlowDown"), None), Leftover::Unknown);
}

#[test]
fn without_an_answer_nothing_is_known() {
    let after = |answer: WriteAnswer, status| {
        let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, answer);
        match status {
            None => search.failed(),
            Some(status) => search.without_key(status, 0, "", None),
        }
        match search.step() {
            AftermathStep::End(leftover) => *leftover,
            step => panic!("{step:?}"),
        }
    };
    // A request without an answer may still be carried out; a refused one is not.
    assert_eq!(after(WriteAnswer::Lost, Some(404)), Leftover::NotFound);
    assert_eq!(after(WriteAnswer::Refused, Some(404)), Leftover::Nothing);
    for status in [None, Some(403), Some(429), Some(503)] {
        assert_eq!(after(WriteAnswer::Lost, status), Leftover::Unknown, "{status:?}");
        assert_eq!(after(WriteAnswer::Refused, status), Leftover::Unknown, "{status:?}");
        assert_eq!(after(UNPROVED, status), Leftover::Perhaps, "{status:?}");
    }
    use Leftover::{Arrived, NotFound, Nothing, Perhaps, Unknown};
    let codes =
        [Nothing, NotFound, Arrived, Unknown, Perhaps].map(|left| (left.code(), left.words()));
    assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
}

#[test]
fn a_write_that_was_taken_and_is_not_seen_may_be_below_another_version() {
    for (status, expected) in [(None, Leftover::Nothing), (KEPT, Leftover::Perhaps)] {
        assert_eq!(Gateway::new(status, &[]).search(UNPROVED), expected, "{status:?}");
        let mut above = Gateway::new(status, &[("v1", Some(OURS)), ("v2", Some("v1.theirs"))]);
        above.held[1].size = 6;
        assert_eq!(above.search(UNPROVED), expected, "{status:?}");
        assert!(above.removed.is_empty());
    }
    let mut silent = Gateway::new(None, &[]);
    silent.status = Err(());
    assert_eq!(silent.search(UNPROVED), Leftover::Perhaps);
}

#[test]
fn a_removed_version_is_looked_at_by_its_id() {
    // The gateway says that it removed it, and another client's version comes above it.
    let mut gateway = Gateway::new(KEPT, &[("v1", Some(OURS))]);
    gateway.removes = false;
    let mut search = Aftermath::new(vec![OURS.to_owned()], 5, true, UNPROVED);
    while !matches!(search.step(), AftermathStep::Remove(_)) {
        gateway.answer(&mut search);
    }
    gateway.answer(&mut search);
    gateway.held.push(Held { id: "v2", record: Some("v1.theirs"), size: 6 });
    for _ in 0..200 {
        gateway.answer(&mut search);
    }
    assert_eq!(*search.step(), AftermathStep::End(Leftover::Perhaps));
}
