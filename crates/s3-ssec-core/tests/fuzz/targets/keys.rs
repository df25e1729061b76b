//! Parsers of keys and of what describes an object.

use super::{assert_discreet, text, texts, vectors};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::key::{Fingerprint, Key, Kind};
use s3_ssec_core::keyfile::{self, Entry, KeyFile, Position};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::record::Record;
use s3_ssec_core::shares::{self, Share};
use s3_ssec_core::words::{self, Known};
use s3_ssec_core::{foreign, legacy};

fn entry(kind: Kind, byte: u8, label: Option<&str>) -> Entry {
    let key = Key::from_bytes(kind, &[byte; 32]).unwrap();
    Entry { key, label: label.map(str::to_owned), created: Some("2026-11-25".to_owned()) }
}

fn fingerprints(file: &KeyFile) -> Vec<Fingerprint> {
    file.entries().iter().map(|entry| entry.key.fingerprint()).collect()
}

pub(super) fn key_file(input: &[u8]) -> String {
    let (file, encoding) = match KeyFile::read(input) {
        Ok(read) => read,
        Err(error) => {
            assert_discreet(input, &error.to_string());
            return error.to_string();
        }
    };
    let (again, _) = KeyFile::read(file.print().as_bytes()).expect("what is printed is read");
    assert_eq!(fingerprints(&again), fingerprints(&file));
    let labels = |file: &KeyFile| {
        let entries = file.entries().iter();
        entries.map(|entry| (entry.label.clone(), entry.created.clone())).collect::<Vec<_>>()
    };
    assert_eq!(labels(&again), labels(&file));
    let Ok(text) = std::str::from_utf8(input) else { return encoding.to_string() };
    for position in [Position::First, Position::Last] {
        let Ok(longer) = keyfile::insert(text, &entry(Kind::Master, 250, None), position) else {
            continue;
        };
        let (longer, _) = KeyFile::read(longer.as_bytes()).expect("one more key can be read");
        assert_eq!(longer.entries().len(), file.entries().len() + 1);
    }
    format!("{encoding}, {} keys", "i".repeat(file.entries().len().min(9)))
}

pub(super) fn key_files() -> Vec<Vec<u8>> {
    let two =
        KeyFile::new(vec![entry(Kind::Master, 1, Some("lab, 2026")), entry(Kind::Direct, 2, None)]);
    let two = two.unwrap().print().as_bytes().to_vec();
    [vec![two, vec![7; 32]], texts(&["s3-ssec-keys 2\n", "s3-ssec-keys 1\n", "hello"])].concat()
}

pub(super) fn legacy_key(input: &[u8]) -> String {
    match legacy::read(input) {
        Ok((_, encoding)) => encoding.to_string(),
        Err(error) => {
            assert!(input.len() != 32, "32 bytes are always a key");
            assert_discreet(input, &error.to_string());
            error.to_string()
        }
    }
}

pub(super) fn foreign_keys(input: &[u8]) -> String {
    match foreign::read(input) {
        Ok(found) => {
            assert!(!found.entries.is_empty());
            let keys = found.entries.len().min(9);
            let file = KeyFile::new(found.entries).expect("every key once");
            KeyFile::read(file.print().as_bytes()).expect("labels of other tools fit");
            format!("{}, {}", found.form, "i".repeat(keys))
        }
        Err(error) => {
            assert_discreet(input, &error.to_string());
            error.to_string()
        }
    }
}

pub(super) fn foreign_files() -> Vec<Vec<u8>> {
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let rclone = format!(
        "[remote]\ntype = s3\nsse_customer_key_base64 = {base64}\n[other]\nsse_customer_key = 0123456789abcdef0123456789ABCDEF\n"
    );
    let s3fs = format!("# keys\n{base64}\n0123456789abcdef0123456789ABCDEF\n");
    let mc = format!("play/bucket/a={base64},play/bucket/b=0123456789abcdef0123456789ABCDEF");
    let hex = format!("{}\n", "0a".repeat(32));
    let one = format!("{base64}\n");
    [texts(&[&rclone, &s3fs, &mc, &hex, &one, "RCLONE_ENCRYPT_V0:\nx"]), vec![vec![7; 32]]].concat()
}

pub(super) fn record(input: &[u8]) -> String {
    let text = text(input);
    if let Some(nonce) = Nonce::parse(&text) {
        assert_eq!(nonce.to_string(), text);
    }
    if let Some(fingerprint) = Fingerprint::parse(&text) {
        assert_eq!(fingerprint.to_string(), text);
    }
    match Record::parse(&text) {
        Ok(record) => {
            assert_eq!(record.as_str(), text, "a record has one spelling");
            // With a size of 20 digits; one that S3 takes has 13.
            assert!(text.len() <= 161);
            let name = ObjectName::new(
                BucketName::parse("bucket").unwrap(),
                ObjectKey::parse("key").unwrap(),
            );
            for kind in [Kind::Master, Kind::Direct] {
                let key = Key::from_bytes(kind, &[9; 32]).unwrap();
                assert!(record.open(&key, &name).is_err(), "nobody made it with this key");
            }
            format!("{} {}", record.kind(), record.is_pending())
        }
        Err(error) => error.to_string(),
    }
}

pub(super) fn records() -> Vec<Vec<u8>> {
    [vectors("record.json", "tag"), texts(&["6b043d805a", "4816dfc85c4eac7b", "", "v2.m"])].concat()
}

pub(super) fn key_words(input: &[u8]) -> String {
    let text = text(input);
    let mut said = String::new();
    for kind in [None, Some(Kind::Master), Some(Kind::Direct)] {
        match words::read(&text, Known { kind, fingerprint: None }) {
            Ok(key) => {
                let printed = words::Words::of(&key).print(4);
                let known = Known { kind: None, fingerprint: Some(key.fingerprint()) };
                let again = words::read(&printed, known).expect("what is printed is read");
                assert!(again.same_bytes(&key));
                said += &key.kind().to_string();
            }
            Err(error) => said = error.to_string(),
        }
    }
    said
}

pub(super) fn word_lists() -> Vec<Vec<u8>> {
    let lists = vectors("backup.json", "words");
    // One with its fingerprint: what does not fit it is compared with 49,152 others.
    let named = format!("{}\nfingerprint 4816dfc85c4eac7b\n", text(&lists[0]));
    [lists, texts(&[&named, "", "abaisser abandon"])].concat()
}

pub(super) fn share_lines(input: &[u8]) -> String {
    let text = text(input);
    match shares::read(&text) {
        Ok(read) => {
            for share in &read {
                let again = Share::parse(&share.print()).expect("what is printed is read");
                assert_eq!((again.index(), again.threshold()), (share.index(), share.threshold()));
            }
            match shares::combine(&read) {
                Ok(key) => format!("a {} key", key.kind()),
                Err(error) => error.to_string(),
            }
        }
        Err(error) => {
            assert_discreet(input, &error.to_string());
            error.to_string()
        }
    }
}

pub(super) fn share_lists() -> Vec<Vec<u8>> {
    let lists = vectors("backup.json", "shares");
    [lists, texts(&["", "s3-ssec-share1x", "# nothing"])].concat()
}
