//! What stays in memory after a key is dropped: nothing that opens an object.
//!
//! The test runs itself as a child process, which uses a key, drops it and waits, and searches all
//! memory of the child from outside. Keys come from a number at run time, so that none of their bytes
//! stand in the program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::{ContentHasher, ContentTree, PieceHasher};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Key, Kind};
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::record::{Content, Record};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Child, Command, Stdio};
use zeroize::Zeroizing;

/// Set in the child: `drop` or `hold`, a blank, and the number its key is made from.
const TASK: &str = "S3_SSEC_TEST_WIPES";
const BUCKET: &str = "bucket";
const OBJECT: &str = "a/b.bin";
const NONCE: &str = "6b043d805a";

#[test]
fn nothing_that_opens_an_object_outlives_its_key() {
    if let Ok(task) = std::env::var(TASK) {
        return child(&task);
    }
    let seed = 0x9e37_79b9_7f4a_7c15 ^ u64::from(std::process::id());
    // Whether the search finds anything at all shows in a child that still holds its key.
    assert_eq!(found("hold", seed), ["master key", "object key", "object key in base64"]);
    assert_eq!(found("drop", seed), [""; 0]);
}

/// Uses one key in every way, then waits for the end of standard input.
fn child(task: &str) {
    let (what, seed) = task.split_once(' ').unwrap();
    let mut bytes = Box::new(Zeroizing::new([0_u8; 32]));
    fill(&mut bytes, seed.parse().unwrap());
    let key = Key::from_bytes(Kind::Master, &bytes[..]).unwrap();
    drop(bytes);
    let seal = Seal::new(&key, name(), Nonce::parse(NONCE).unwrap());
    let customer_key = seal.customer_key();
    let headers = TargetKeyHeaders::of(&customer_key);
    let content_key = key.content_key();
    let mut hasher = ContentHasher::new(&content_key);
    hasher.update(b"attack at dawn");
    let mut piece = PieceHasher::new(&content_key, 0);
    piece.update(b"attack at dawn");
    let mut tree = ContentTree::new(&content_key);
    tree.add(piece.finish().unwrap());
    let digest = hasher.finish();
    assert_eq!(tree.finish(), Some(digest));
    let record = seal.record(Content::of_source(14, digest));
    let record = Record::parse(record.as_str()).unwrap();
    drop(record.open(&key, &name()).ok().unwrap());
    let _ = key.fingerprint();
    drop(content_key);
    if what == "hold" {
        return wait();
    }
    drop(headers);
    drop(customer_key);
    drop(key);
    wait();
}

fn wait() {
    // Not through the harness, which would keep it.
    std::io::stdout().write_all(b"\nready\n").unwrap();
    let mut rest = String::new();
    std::io::stdin().read_to_string(&mut rest).unwrap();
}

/// Names the secrets that stand in the memory of a child.
fn found(task: &str, seed: u64) -> Vec<&'static str> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "wipes::nothing_that_opens_an_object_outlives_its_key", "--nocapture"])
        .env(TASK, format!("{task} {seed}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"), "the child did not get there");
    let memory = memory(&child);
    child.stdin.take().unwrap().flush().unwrap();
    assert!(child.wait().unwrap().success());
    let finder = |secret: &[u8]| memory.windows(secret.len()).any(|window| window == secret);
    let secrets = secrets(seed).into_iter();
    let mut found: Vec<_> =
        secrets.filter(|(_, secret)| finder(secret)).map(|(name, _)| name).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Everything the child may write to: heap, stacks, data.
fn memory(child: &Child) -> Vec<u8> {
    let process = format!("/proc/{}", child.id());
    let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
    let mut file = File::open(format!("{process}/mem")).unwrap();
    let mut memory = Vec::new();
    for map in maps.lines().filter(|map| map.contains(" rw")) {
        let (start, end) = map.split_once(' ').unwrap().0.split_once('-').unwrap();
        let address = |hex: &str| u64::from_str_radix(hex, 16).unwrap();
        file.seek(SeekFrom::Start(address(start))).unwrap();
        let length = address(end) - address(start);
        let read = (&mut file).take(length).read_to_end(&mut memory).unwrap();
        assert_eq!(read as u64, length, "{map}");
    }
    memory
}

/// All that may not be there, computed apart from the code under test.
fn secrets(seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    let mut master = [0_u8; 32];
    fill(&mut master, seed);
    let mut name = Sha256::new();
    name.update(b"s3-ssec/v1/name\0");
    for part in [BUCKET, OBJECT] {
        name.update((part.len() as u16).to_be_bytes());
        name.update(part);
    }
    let nonce = Nonce::parse(NONCE).unwrap().bytes();
    let context = [&name.finalize()[..], &nonce].concat();
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(b"s3-ssec/v1"), &master);
    let derived = |label: &str, context: &[u8]| {
        let mut out = vec![0; 32];
        let info = [b"s3-ssec/v1/", label.as_bytes(), b"\0", context].concat();
        hkdf.expand(&info, &mut out).unwrap();
        out
    };
    let object = derived("object-key", &context);
    vec![
        ("master key", master.to_vec()),
        ("pseudo-random key", prk.to_vec()),
        ("object key in base64", STANDARD.encode(&object).into_bytes()),
        ("object key", object),
        ("mask", derived("mask", &context)),
        ("content key", derived("content", &[])),
        ("record key", derived("record", &[])),
    ]
    .into_iter()
    // Half of a key is as bad, and is what a register leaves behind.
    .flat_map(|(name, secret)| {
        let half = secret.len() / 2;
        let halves = [secret[..half].to_vec(), secret[half..].to_vec()];
        // HMAC works on its key mixed with these two.
        let pads = [0x36, 0x5c].map(|pad| secret.iter().map(|byte| byte ^ pad).collect());
        halves.into_iter().chain(pads).map(move |form| (name, form))
    })
    .collect()
}

/// Xorshift: any 32 bytes will do, as long as they are made at run time.
fn fill(bytes: &mut [u8; 32], seed: u64) {
    let mut state = seed | 1;
    for byte in bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8;
    }
}

fn name() -> ObjectName {
    ObjectName::new(BucketName::parse(BUCKET).unwrap(), ObjectKey::parse(OBJECT).unwrap())
}
