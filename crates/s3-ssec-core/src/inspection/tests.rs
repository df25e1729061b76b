//! Answers of gateways, honest and not, and what is said of the object.

use super::*;
use crate::digest::ContentHasher;
use crate::names::{BucketName, ObjectKey};

const LATER: u32 = 1_796_000_000;

fn name(key: &str) -> ObjectName {
    ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
}

fn key(kind: Kind, byte: u8) -> Key {
    Key::from_bytes(kind, &[byte; 32]).unwrap()
}

fn nonce() -> Nonce {
    Nonce::next(1_764_000_000, 7, None)
}

fn digest(key: &Key) -> ContentDigest {
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(b"12345");
    hasher.finish()
}

fn record(key: &Key, content: Content) -> String {
    Record::write(key, &name("a"), nonce(), content).to_string()
}

fn known(key: &Key) -> Content {
    Content::of_source(5, digest(key))
}

/// A gateway that holds an object under this key on the wire.
struct Held<'a> {
    key: Option<&'a CustomerKey>,
    /// The status for a wrong key.
    wrong: u16,
    echoes_all: bool,
    refusal: (u16, Option<&'static str>),
    size: u64,
}

fn held(key: &CustomerKey) -> Held<'_> {
    let refusal = (400, Some("InvalidRequest"));
    Held { key: Some(key), wrong: 400, echoes_all: false, refusal, size: 5 }
}

/// Answers all questions; the state, and how often a key was sent.
fn inspect(inspection: &mut Inspection, tags: &[String], held: &Held<'_>) -> (Question, u8) {
    let mut sent = 0;
    for _ in 0..20 {
        match inspection.question() {
            Question::Tags => inspection.records(tags),
            Question::FirstByte => match held.key {
                None => inspection.first_byte(206, None, None),
                Some(_) => inspection.first_byte(held.refusal.0, held.refusal.1, None),
            },
            Question::HeadWithoutKey => inspection.head(200, &KeyEcho::default(), Some(held.size)),
            Question::Head => {
                sent += 1;
                let asked = inspection.customer_key().unwrap().md5();
                let echo = KeyEcho::new(Some("AES256"), Some(&asked.to_base64()));
                match held.key.is_some_and(|key| key.md5() == asked) {
                    true => inspection.head(200, &echo, Some(held.size)),
                    false if held.echoes_all => inspection.head(200, &echo, Some(held.size)),
                    false => inspection.head(held.wrong, &KeyEcho::default(), None),
                }
            }
            end => return (end, sent),
        }
    }
    panic!("it never ends");
}

fn ring(keys: Vec<Key>) -> Inspection {
    Inspection::new(name("a"), keys.into_iter().map(Arc::new).collect()).unwrap()
}

/// State, tone and words of an object with these tags, under keys `m1` and `d2`.
fn seen(tags: &[String], held: &Held<'_>) -> (&'static str, Tone, String, u8) {
    let mut inspection = ring(vec![key(Kind::Master, 1), key(Kind::Direct, 2)]);
    let (end, sent) = inspect(&mut inspection, tags, held);
    let Question::Nothing(state) = end else { panic!("{end:?}") };
    (state.code(), inspection.tone(state), inspection.words(state, Some("lab")), sent)
}

#[test]
fn the_record_leads_to_its_key() {
    let master = key(Kind::Master, 1);
    let wire = master.customer_key(&name("a"), nonce());
    let (code, tone, words, sent) = seen(&[record(&master, known(&master))], &held(&wire));
    assert_eq!((code, tone, sent), ("open", Tone::Good, 1));
    assert_eq!(words, "encrypted, key “lab”");
    let accepted = Content::accepted(5, digest(&master), LATER);
    let (code, tone, words, _) = seen(&[record(&master, accepted)], &held(&wire));
    assert_eq!((code, tone), ("open", Tone::Good));
    assert!(
        words.ends_with("can be verified since it was accepted on 2026-11-30 (UTC)"),
        "{words}"
    );
    let (code, tone, words, _) = seen(&[record(&master, Content::Pending)], &held(&wire));
    assert_eq!((code, tone), ("pending", Tone::Caution));
    assert!(words.contains("record not completed"), "{words}");
    let longer = Held { size: 6, ..held(&wire) };
    assert_eq!(seen(&[record(&master, known(&master))], &longer).0, "other-size");
}

#[test]
fn a_direct_key_is_never_shown_like_the_master_key() {
    let direct = key(Kind::Direct, 2);
    let wire = direct.customer_key(&name("a"), nonce());
    let tags = [record(&direct, known(&direct))];
    let (code, tone, words, _) = seen(&tags, &held(&wire));
    assert_eq!((code, tone), ("open", Tone::Caution));
    assert!(words.ends_with("can be verified by a key that others may hold"), "{words}");
    let mut alone = ring(vec![key(Kind::Direct, 2)]);
    let (end, _) = inspect(&mut alone, &tags, &held(&wire));
    assert_eq!(end, Question::Nothing(State::Described));
    assert_eq!(alone.tone(State::Described), Tone::Good);
    let (code, tone, ..) = seen(&[], &held(&wire));
    assert_eq!((code, tone), ("undescribed", Tone::Caution));
}

#[test]
fn a_record_that_does_not_fit_never_falls_to_a_direct_key() {
    let (master, direct) = (key(Kind::Master, 1), key(Kind::Direct, 2));
    let wire = direct.customer_key(&name("a"), nonce());
    let genuine = record(&master, known(&master));
    let newer = genuine.replacen("v1", "v2", 1);
    let altered = format!("{}0", &genuine[..genuine.len() - 1]);
    let altered = match altered == genuine {
        true => format!("{}1", &genuine[..genuine.len() - 1]),
        false => altered,
    };
    let damaged = "v1.m.x".to_owned();
    let other = key(Kind::Master, 9);
    for (tags, code, most_sent) in [
        (vec![genuine.clone()], "outdated", 1),
        (vec![newer], "newer-record", 0),
        (vec![altered], "not-genuine", 0),
        (vec![damaged], "damaged-record", 0),
        (vec![genuine.clone(), genuine.clone()], "damaged-record", 0),
        (vec![record(&other, known(&other))], "other-key", 0),
    ] {
        let (found, tone, words, sent) = seen(&tags, &held(&wire));
        assert_eq!((found, tone, sent), (code, Tone::Bad, most_sent), "{words}");
    }
    let (.., words, _) = seen(&[record(&other, Content::Pending)], &held(&wire));
    assert!(words.ends_with(&format!("({})", other.fingerprint())), "{words}");
}

#[test]
fn another_key_is_said_by_400_and_by_403() {
    let direct = key(Kind::Direct, 2);
    let wire = direct.customer_key(&name("a"), nonce());
    for wrong in [400, 403] {
        // The next key is tried.
        let held = Held { wrong, ..held(&wire) };
        let mut inspection = ring(vec![key(Kind::Direct, 3), key(Kind::Direct, 2)]);
        assert_eq!(
            inspect(&mut inspection, &[], &held),
            (Question::Nothing(State::Undescribed), 2)
        );
        assert_eq!(inspection.key().unwrap().0, 1);
        let mut inspection = ring(vec![key(Kind::Direct, 3), key(Kind::Direct, 4)]);
        assert_eq!(inspect(&mut inspection, &[], &held), (Question::Nothing(State::OtherKey), 2));
        assert!(inspection.key().is_none());
    }
    // Whose rights do not suffice gets the refusal itself.
    let held = Held { refusal: (403, Some("AccessDenied")), ..held(&wire) };
    assert_eq!(inspect(&mut ring(vec![key(Kind::Direct, 2)]), &[], &held), (Question::Refused, 0));
    let mut inspection = ring(vec![key(Kind::Direct, 3)]);
    inspection.tags_refused(403);
    inspection.first_byte(400, Some("InvalidRequest"), None);
    inspection.head(400, &KeyEcho::default(), None);
    assert_eq!(inspection.question(), Question::Refused, "there may be a record");
    let mut inspection = ring(vec![key(Kind::Direct, 3)]);
    inspection.tags_refused(503);
    assert_eq!(inspection.question(), Question::Refused);
}

#[test]
fn an_echo_alone_proves_nothing() {
    let master = key(Kind::Master, 1);
    let wire = master.customer_key(&name("a"), nonce());
    let tags = [record(&master, known(&master))];
    // A server that echoes any key on plaintext: no key is sent to it.
    let plain = Held { key: None, echoes_all: true, ..held(&wire) };
    let (code, tone, _, sent) = seen(&tags, &plain);
    assert_eq!((code, tone, sent), ("plain", Tone::Bad, 0));
    // A 400 that is not about a key.
    let unclear = Held { refusal: (400, Some("BadRequest")), ..held(&wire) };
    let (code, tone, words, _) = seen(&tags, &unclear);
    assert_eq!((code, tone), ("unproved", Tone::Bad));
    assert_eq!(
        words,
        "not proved to be encrypted: the gateway does not say that the object needs a key"
    );
    assert_eq!(seen(&[], &Held { echoes_all: true, ..unclear }).0, "unproved");
    // A key that is taken and not confirmed.
    let mut inspection = ring(vec![key(Kind::Master, 1)]);
    inspection.records(&tags);
    inspection.first_byte(400, Some("InvalidRequest"), None);
    inspection.head(200, &KeyEcho::default(), Some(5));
    let missing = State::Unproved(EchoError::Missing);
    assert_eq!(inspection.question(), Question::Nothing(missing));
    assert!(!missing.is_delivered());
    assert!(inspection.words(missing, None).ends_with("did not confirm the customer key"));
    assert!(inspection.customer_key().is_none() && inspection.evidence().is_none());
}

#[test]
fn plaintext_has_no_key_and_no_digest() {
    let (master, direct) = (key(Kind::Master, 1), key(Kind::Direct, 2));
    let wire = master.customer_key(&name("a"), nonce());
    for tags in
        [vec![record(&master, known(&master))], vec![record(&direct, known(&direct))], vec![]]
    {
        let mut inspection = ring(vec![key(Kind::Master, 1), key(Kind::Direct, 2)]);
        let (end, sent) = inspect(&mut inspection, &tags, &Held { key: None, ..held(&wire) });
        assert_eq!((end, sent), (Question::Nothing(State::Plain), 0));
        assert!(inspection.customer_key().is_none() && inspection.key().is_none());
        // A record that fits the content does not make it one that was proved to be encrypted.
        for writer in [&master, &direct] {
            let verdict = inspection.judge(5, Some(digest(writer))).unwrap();
            assert_eq!(verdict.code(), "not-verified");
        }
        assert_eq!(inspection.nonce().is_some(), !tags.is_empty());
    }
    let mut inspection = ring(vec![key(Kind::Master, 1)]);
    inspection.records(&[record(&master, known(&master))]);
    inspection.first_byte(404, None, None);
    assert_eq!(inspection.question(), Question::Nothing(State::Absent));
    assert!(inspection.customer_key().is_none());
}

#[test]
fn the_nonce_of_a_genuine_record_outlives_its_key() {
    let master = key(Kind::Master, 1);
    let other = key(Kind::Direct, 9);
    let wire = other.customer_key(&name("a"), nonce());
    let mut inspection = ring(vec![key(Kind::Master, 1)]);
    let (end, _) = inspect(&mut inspection, &[record(&master, known(&master))], &held(&wire));
    assert_eq!(end, Question::Nothing(State::Outdated));
    assert_eq!(inspection.nonce(), Some(nonce()));
    assert!(inspection.customer_key().is_none());
}

#[test]
fn no_key_goes_to_a_gateway_that_does_not_ask_for_one() {
    let master = key(Kind::Master, 1);
    let wire = master.customer_key(&name("a"), nonce());
    let unclear = Held { refusal: (400, Some("BadRequest")), ..held(&wire) };
    for tags in [vec![record(&master, known(&master))], vec![]] {
        let mut inspection = ring(vec![key(Kind::Master, 1), key(Kind::Direct, 2)]);
        let (end, sent) = inspect(&mut inspection, &tags, &unclear);
        let unproved = State::Unproved(EchoError::Unclear);
        assert_eq!((end, sent), (Question::Nothing(unproved), 0), "{tags:?}");
    }
}

#[test]
fn the_verdict_is_that_of_the_evidence() {
    let judge = |writer: Key, content: fn(&Key) -> Content, size| {
        let wire = writer.customer_key(&name("a"), nonce());
        let (tags, digest) = ([record(&writer, content(&writer))], digest(&writer));
        let mut inspection = ring(vec![writer]);
        inspect(&mut inspection, &tags, &held(&wire));
        inspection.judge(size, Some(digest)).map(|verdict| verdict.code())
    };
    let accepted = |key: &Key| Content::accepted(5, digest(key), LATER);
    assert_eq!(judge(key(Kind::Master, 1), known, 5), Ok("verified"));
    assert_eq!(judge(key(Kind::Master, 1), accepted, 5), Ok("verified-since"));
    assert_eq!(judge(key(Kind::Direct, 2), known, 5), Ok("verified-by-direct-key"));
    assert_eq!(judge(key(Kind::Direct, 2), accepted, 5), Ok("verified-by-direct-key-since"));
    assert_eq!(judge(key(Kind::Master, 1), known, 6), Err(Damaged));
    let mut foreign = ring(vec![key(Kind::Direct, 2)]);
    let wire = key(Kind::Direct, 2).customer_key(&name("a"), nonce());
    inspect(&mut foreign, &[], &held(&wire));
    assert_eq!(foreign.judge(5, None).unwrap().code(), "not-verified");
    // A described object without a digest to compare is none that is verified.
    let mut described = ring(vec![key(Kind::Direct, 2)]);
    let direct = key(Kind::Direct, 2);
    inspect(&mut described, &[record(&direct, known(&direct))], &held(&wire));
    assert_eq!(described.judge(5, None), Err(Damaged));
}

#[test]
fn the_same_bytes_under_both_kinds_are_refused() {
    let both = vec![key(Kind::Master, 1).into(), key(Kind::Direct, 1).into()];
    assert_eq!(Inspection::new(name("a"), both).err(), Some(KeyringError::BothKinds));
    assert!(Inspection::new(name("a"), Vec::new()).is_ok());
}
