//! The ledger under many writers, readers and crashes.

use super::files::RECENT;
use super::*;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::key::Kind;
use s3_ssec_core::names::{BucketName, ObjectKey};
use std::fs;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn name(key: &str) -> ObjectName {
    ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
}

fn key(byte: u8) -> Key {
    Key::from_bytes(Kind::Master, &[byte; 32]).unwrap()
}

fn entry(key_byte: u8, object: &str, time: u64) -> LedgerEntry {
    let nonce = Nonce::next(time, 7, None);
    let record = Record::write(&key(key_byte), &name(object), nonce, Content::Pending);
    LedgerEntry::new("https://a", name(object), record)
}

fn ledger(test: &str) -> (Ledger, PathBuf) {
    let directory =
        std::env::temp_dir().join(format!("s3-ssec-ledger-{test}-{}", std::process::id()));
    (Ledger::open(&StateDir::new(&directory)), directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_note_at_once_is_all_there() {
    let (ledger, directory) = ledger("many");
    let other = Ledger::open(&StateDir::new(&directory));
    let mut tasks = tokio::task::JoinSet::new();
    for time in 1..=200 {
        let ledger = if time % 2 == 0 { ledger.clone() } else { other.clone() };
        tasks.spawn(async move { ledger.note(&entry(1, "x", time), Safety::OnDisk).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let entries = ledger.of("https://a", &name("x"));
    assert_eq!(entries.len(), 200);
    assert!(entries.windows(2).all(|pair| pair[0].record.nonce() > pair[1].record.nonce()));
    assert!(ledger.of("https://b", &name("x")).is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&directory.join(RECENT))), (0o700, 0o600));
    }
    fs::remove_dir_all(directory).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_cut_short_costs_only_itself() {
    let (ledger, directory) = ledger("torn");
    ledger.note(&entry(1, "x", 1), Safety::OnDisk).await.unwrap();
    let torn = entry(1, "x", 2).print();
    let mut file = fs::OpenOptions::new().append(true).open(directory.join(RECENT)).unwrap();
    file.write_all(&torn.as_bytes()[..30]).unwrap();
    assert_eq!(ledger.of("https://a", &name("x")).len(), 1);
    ledger.note(&entry(1, "x", 3), Safety::Written).await.unwrap();
    assert_eq!(ledger.of("https://a", &name("x")).len(), 2);
    fs::remove_dir_all(directory).unwrap();
}

/// The sizes of the sorted files.
fn sorted(directory: &Path) -> Vec<u64> {
    let files = fs::read_dir(directory.join("ledger")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_not_grow_with_every_write_of_a_name() {
    let (ledger, directory) = ledger("compact");
    let tagged = |time| {
        let mut entry = entry(1, "x", time);
        entry.in_tag = true;
        entry.print()
    };
    ledger.note(&entry(1, "only here", 1), Safety::OnDisk).await.unwrap();
    let reader = Ledger::open(&StateDir::new(&directory));
    assert_eq!(all(&reader).len(), 1);
    let lines: String = (1..32_000).map(tagged).collect();
    ledger.0.files.append(&lines, Safety::Written).unwrap();
    assert_eq!(fs::metadata(directory.join(RECENT)).unwrap().len(), 0);
    assert!(sorted(&directory).iter().sum::<u64>() < 1000);
    assert_eq!(all(&reader).len(), 2);
    assert_eq!(reader.of("https://a", &name("x"))[0].record.nonce().unix_seconds(), 31_999);
    assert_eq!(reader.of("https://a", &name("only here")).len(), 1);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn of_many_objects_each_is_found_and_few_lines_are_held() {
    let (ledger, directory) = ledger("many-objects");
    const GROUPS: u64 = 12;
    for group in 0..GROUPS {
        let of = |n: u64| entry(1, &format!("{:05}", (n * 7919 + group) % 99_991), 1).print();
        let lines: String = (group * 8_000..(group + 1) * 8_000).map(of).collect();
        // Less than what is sorted away at once, so that some stay.
        ledger.0.files.append(&lines, Safety::Written).unwrap();
    }
    let reader = Ledger::open(&StateDir::new(&directory));
    for n in (0..GROUPS * 8_000).step_by(997) {
        let object = format!("{:05}", (n * 7919 + n / 8_000) % 99_991);
        assert!(!reader.of("https://a", &name(&object)).is_empty(), "{n} {object}");
    }
    assert!(reader.of("https://a", &name("99992")).is_empty());
    let sizes = sorted(&directory);
    assert!(sizes.len() <= 4 && sizes.iter().sum::<u64>() > 8 << 20, "{sizes:?}");
    assert!(fs::metadata(directory.join(RECENT)).unwrap().len() < 4 << 20);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn nothing_is_missed_while_it_is_sorted_away() {
    let (ledger, directory) = ledger("meanwhile");
    let wanted = entry(1, "wanted", 1);
    ledger.0.files.append(&wanted.print(), Safety::Written).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let reader = Ledger::open(&StateDir::new(&directory));
                while !done.load(Relaxed) {
                    assert_eq!(
                        reader.of("https://a", &name("wanted")),
                        std::slice::from_ref(&wanted)
                    );
                }
            });
        }
        for group in 0..4 {
            let of = |n| entry(1, &format!("{group}-{n}"), 1).print();
            let lines: String = (0..20_000).map(of).collect();
            ledger.0.files.append(&lines, Safety::Written).unwrap();
        }
        done.store(true, Relaxed);
    });
    fs::remove_dir_all(directory).unwrap();
}

fn all(ledger: &Ledger) -> Vec<LedgerEntry> {
    let mut all = Vec::new();
    ledger
        .for_each(|entry| {
            all.push(entry.clone());
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn an_import_takes_what_a_key_at_hand_made() {
    let (ledger, directory) = ledger("import");
    let (good, foreign) = (entry(1, "x", 1), entry(2, "x", 1));
    let moved = LedgerEntry::new("https://a", name("y"), good.record.clone());
    let text = format!("{}{}{}\nnot a line\n", good.print(), foreign.print(), moved.print());
    let keys = Keyring::new(vec![key(1)]).unwrap();
    let endless = ledger.import(&keys, io::BufReader::new(io::repeat(b'x'))).unwrap_err();
    assert!(endless.to_string().contains("line 1 has more than"), "{endless}");
    let imported = ledger.import(&keys, text.as_bytes()).unwrap();
    let missing = OpenError::KeyMissing(key(2).fingerprint());
    let refused = [
        (2, ImportRefused::Record(missing)),
        (3, ImportRefused::Record(OpenError::NotGenuine)),
        (5, ImportRefused::Malformed),
    ];
    assert_eq!((imported.added, imported.known), (1, 0));
    assert_eq!(imported.refused, refused);
    assert_eq!(all(&ledger), std::slice::from_ref(&good));
    assert_eq!(ledger.import(&keys, good.print().as_bytes()).unwrap().known, 1);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_import_takes_over_that_a_write_was_proved_and_not_that_a_tag_was_seen() {
    let (ledger, directory) = ledger("import-flags");
    let keys = Keyring::new(vec![key(1)]).unwrap();
    let import = |entry: &LedgerEntry| ledger.import(&keys, entry.print().as_bytes()).unwrap();
    let begun = entry(1, "x", 1);
    let mut proved = begun.clone();
    (proved.confirmed, proved.in_tag) = (true, true);
    assert_eq!(import(&begun).added, 1);
    assert_eq!(import(&proved).added, 1);
    proved.in_tag = false;
    assert_eq!(all(&ledger), std::slice::from_ref(&proved));
    for known in [&begun, &proved] {
        assert_eq!(import(known).known, 1);
    }
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_import_does_not_believe_the_holders_of_a_direct_key() {
    let (ledger, directory) = ledger("import-direct");
    let direct = Key::from_bytes(Kind::Direct, &[2; 32]).unwrap();
    let begun = entry(1, "x", 1);
    let content = ContentHasher::new(&direct.content_key()).finish();
    let nonce = Nonce::next(2, 7, None);
    let record = Record::write(&direct, &begun.object, nonce, Content::of_source(0, content));
    let mut theirs = LedgerEntry::new(begun.endpoint, begun.object, record);
    theirs.confirmed = true;
    let keys = Keyring::new(vec![key(1), direct]).unwrap();
    assert_eq!(ledger.import(&keys, theirs.print().as_bytes()).unwrap().added, 1);
    assert!(all(&ledger).iter().all(|entry| !entry.confirmed), "they could hide a replacement");
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn an_import_of_something_else_ends_and_takes_nothing_in() {
    let (ledger, directory) = ledger("import-other");
    let keys = Keyring::new(vec![key(1)]).unwrap();
    let good = entry(1, "x", 1).print();
    let with = |refused| format!("{good}{}", "not a line\n".repeat(refused));
    let import = |text: String| ledger.import(&keys, text.as_bytes());
    let error = import(with(REFUSED_MAX + 1)).unwrap_err();
    let malformed = ImportRefused::Malformed;
    assert!(matches!(error, ImportError::Refused { line: 2, why } if why == malformed), "{error}");
    assert!(all(&ledger).is_empty());
    let imported = import(with(REFUSED_MAX)).unwrap();
    assert_eq!((imported.added, imported.refused.len()), (1, REFUSED_MAX));
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn lines_that_cannot_be_merged_are_there_all_the_same() {
    let (ledger, directory) = ledger("no-merge");
    fs::create_dir_all(&directory).unwrap();
    // Sorted files have no place to be.
    fs::write(directory.join("ledger"), b"").unwrap();
    let lines: String = (0..40_000).map(|n| entry(1, &n.to_string(), 1).print()).collect();
    ledger.0.files.append(&lines, Safety::Written).unwrap();
    assert_eq!(fs::metadata(directory.join(RECENT)).unwrap().len(), lines.len() as u64);
    fs::remove_file(directory.join("ledger")).unwrap();
    ledger.0.files.append(&entry(1, "next", 1).print(), Safety::Written).unwrap();
    assert_eq!(sorted(&directory).len(), 1);
    assert_eq!(ledger.of("https://a", &name("39999")).len(), 1);
    assert_eq!(ledger.of("https://a", &name("next")).len(), 1);
    fs::remove_dir_all(directory).unwrap();
}

#[cfg(unix)]
#[test]
fn a_sorted_file_that_cannot_be_opened_is_an_error_and_no_endless_search() {
    let (ledger, directory) = ledger("dangling");
    fs::create_dir_all(directory.join("ledger")).unwrap();
    let dangling = directory.join("ledger/1.jsonl");
    std::os::unix::fs::symlink(directory.join("nowhere"), dangling).unwrap();
    assert!(ledger.0.files.of("https://a", &name("x")).is_err());
    assert!(ledger.for_each(|_| Ok(())).is_err());
    fs::remove_dir_all(directory).unwrap();
}

/// As another program may have written them.
fn rearranged(entry: &LedgerEntry) -> String {
    let line: serde_json::Value = serde_json::from_str(&entry.print()).unwrap();
    let (record, object, endpoint) = (&line["record"], &line["object"], &line["endpoint"]);
    format!("{{ \"record\": {record}, \"object\": {object}, \"endpoint\": {endpoint} }}\n")
}

#[test]
fn lines_in_another_form_are_found_after_a_merge_too() {
    let (ledger, directory) = ledger("forms");
    let (odd, plain) = (entry(1, "odd", 1), entry(1, "odd", 2));
    assert_ne!(rearranged(&odd), odd.print());
    let others: String = (0..40_000).map(|n| entry(1, &n.to_string(), 1).print()).collect();
    let lines = [rearranged(&odd), others, plain.print()].concat();
    ledger.0.files.append(&lines, Safety::Written).unwrap();
    assert_eq!(fs::metadata(directory.join(RECENT)).unwrap().len(), 0, "merged");
    assert_eq!(ledger.of("https://a", &name("odd")), [plain, odd]);
    fs::remove_dir_all(directory).unwrap();
}
