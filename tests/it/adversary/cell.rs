//! One verb against one lie.

use super::table::{O, Row};
use harness::adversary::{BUCKET, Object, Store};
use harness::{Adversary, Lie, Person, Ran, content};
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The verbs, in the order of the table.
pub(super) const VERBS: [&str; 14] = [
    "put", "put -r", "get", "get -r", "cat", "verify", "stat", "ls", "audit", "cp", "rekey",
    "repair", "rm", "retire",
];

/// The object that lies about objects are about.
pub(super) const TARGET: &str = "p/b";
/// Its length.
pub(super) const SIZE: usize = 3000;
const OBJECTS: [&str; 4] = ["keep/z", "p/a", "p/b", "p/c"];

pub(super) const WRITER: u64 = 11;
pub(super) const OLD: u64 = 12;
pub(super) const DIRECT: u64 = 13;
pub(super) const NEW: u64 = 14;

/// A key of these tests, by its number.
pub(super) fn key(number: u64) -> Key {
    let kind = if number == DIRECT { Kind::Direct } else { Kind::Master };
    Key::from_bytes(kind, &content(number, 32)).unwrap()
}

pub(super) fn object(name: &str) -> ObjectName {
    ObjectName::new(BucketName::parse(BUCKET).unwrap(), ObjectKey::parse(name).unwrap())
}

/// The content that was uploaded under this name, or is about to be.
fn uploaded(name: &str) -> Vec<u8> {
    content(name.bytes().last().unwrap().into(), SIZE)
}

/// The gateway, and a person whose objects are there.
pub(super) struct World {
    gateway: Adversary,
    person: Person,
}

impl World {
    async fn new() -> Self {
        let gateway = Adversary::start().await;
        let person = Person::new(&gateway.gateway());
        let rings: [(&str, &[u64]); 5] = [
            ("writer", &[WRITER]),
            ("old", &[OLD]),
            ("ring", &[WRITER, OLD, DIRECT]),
            ("new", &[NEW]),
            ("all", &[WRITER, OLD, NEW, DIRECT]),
        ];
        for (file, numbers) in rings {
            person.key_file_of(file, numbers.iter().map(|number| key(*number)));
        }
        for name in OBJECTS {
            person.file(&format!("source/{name}"), &uploaded(name));
            let file = if name == TARGET { "old" } else { "writer" };
            let (source, url) = (format!("source/{name}"), format!("s3://{BUCKET}/{name}"));
            person.run(["put", &source, &url, "--key-file", file]).await.done();
        }
        for name in ["a", "b", "c", "d"] {
            person.file(&format!("tree/{name}"), &uploaded(name));
        }
        person.file("n", &uploaded("n"));
        Self { gateway, person: person.with("S3_SSEC_KEY_FILE", "ring") }
    }
}

fn arguments(verb: &str) -> Vec<String> {
    let old = key(OLD).fingerprint();
    let line = match verb {
        "put" => "put n s3://B/p/n".to_owned(),
        "put -r" => "put -r tree s3://B/p/".to_owned(),
        "get" => "get s3://B/p/b out".to_owned(),
        "get -r" => "get -r s3://B/p/ back".to_owned(),
        "cat" | "verify" | "stat" => format!("{verb} s3://B/p/b"),
        "ls" => "ls -r -l s3://B/p/".to_owned(),
        "audit" => "audit s3://B/p/ --expect own".to_owned(),
        "cp" => "cp s3://B/p/b s3://B/q/b".to_owned(),
        "rekey" => "rekey s3://B/p/ --to new".to_owned(),
        "repair" => "repair s3://B/p/".to_owned(),
        "rm" => "rm -r s3://B/p/".to_owned(),
        _ => format!("key retire ring --key {old} s3://B"),
    };
    line.replace("s3://B", &format!("s3://{BUCKET}")).split(' ').map(str::to_owned).collect()
}

/// Runs all verbs, and fails with all that is not as it has to be.
pub(super) async fn check(row: Row) {
    let world = World::new().await;
    let honest = world.gateway.stored();
    let mut planted = honest.clone();
    (row.plant)(&world, &mut planted);
    let mut wrong = String::new();
    for (verb, code) in VERBS.into_iter().zip(row.codes).filter(|(_, code)| *code != O) {
        world.gateway.restore(planted.clone());
        world.gateway.lie(row.lie);
        let person = world.person.copy();
        let ran = person.run(arguments(verb)).await;
        world.gateway.lie(Lie::None);
        let cell = Cell { verb, row, person, ran, before: &planted, after: world.gateway.stored() };
        let mut faults = cell.faults();
        if cell.is_write() {
            faults.extend(cell.unreadable().await);
        }
        if cell.ran.code != Some(code) {
            faults.push(format!("exit code {:?}, expected {code}", cell.ran.code));
        }
        for fault in &faults {
            let _ = writeln!(wrong, "{verb}: {fault}");
        }
        if !faults.is_empty() {
            let _ = writeln!(wrong, "  {}", cell.ran.stderr.trim_end().replace('\n', "\n  "));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{wrong}", row.name);
}

/// The outcome of one verb.
struct Cell<'w> {
    verb: &'static str,
    row: Row,
    person: Person,
    ran: Ran,
    before: &'w Store,
    after: Store,
}

impl Cell<'_> {
    fn is_write(&self) -> bool {
        matches!(self.verb, "put" | "put -r" | "cp" | "rekey" | "repair")
    }

    fn is_planted(&self) -> bool {
        self.row.lie == Lie::None && self.row.name != "honest"
    }

    fn faults(&self) -> Vec<String> {
        let stored =
            self.after.objects.iter().filter_map(|(name, object)| self.stored(name, object));
        let lost =
            self.before.objects.keys().filter(|name| !self.after.objects.contains_key(*name));
        let lost = lost.filter(|name| !self.may_go(name));
        let lost = lost.map(|name| format!("{name} is destroyed"));
        let uploads =
            self.after.uploads().into_iter().map(|name| format!("an upload of {name} is left"));
        self.delivered().into_iter().chain(stored).chain(lost).chain(uploads).collect()
    }

    /// Whether the command is asked to remove or to replace this object.
    fn may_go(&self, name: &str) -> bool {
        match self.verb {
            "rm" => name.starts_with("p/"),
            // Its record is of another key, so it is written again.
            "put -r" => name == TARGET,
            _ => false,
        }
    }

    /// Why this object may not be stored so.
    fn stored(&self, name: &str, object: &Object) -> Option<String> {
        if name.contains(s3_ssec::TRIAL_PREFIX) {
            return Some(format!("{name} is left"));
        }
        let planted = self.before.objects.get(name).filter(|_| name == TARGET && self.is_planted());
        if planted == Some(object) {
            return None;
        }
        // A repair writes the record of what was uploaded, and does not look at the content.
        let same =
            |planted: &Object| (&planted.content, &planted.key) == (&object.content, &object.key);
        if self.verb == "repair" && planted.is_some_and(same) {
            return None;
        }
        if *object.content != uploaded(name) {
            return Some(format!("{name} has other bytes than were uploaded"));
        }
        (object.key.is_none() && !self.may_stay_plain()).then(|| format!("{name} is plaintext"))
    }

    /// Of an object that was replaced, what is stored may be all that is left of the content.
    fn may_stay_plain(&self) -> bool {
        self.verb == "rekey" && self.ran.code == Some(3)
    }

    /// Contents that were delivered and may not be.
    fn delivered(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut files = BTreeMap::new();
        read_all(&self.person.work(), &mut files);
        for (path, bytes) in &files {
            let is_ours = !(path.starts_with("back") || path.starts_with("out"));
            let name = if path == "out" { "b" } else { path.as_str() };
            if !is_ours && *bytes != uploaded(name) {
                wrong.push(format!("{path} was delivered with other bytes"));
            }
        }
        let failed = self.ran.code != Some(0);
        if self.verb == "get" && failed && files.contains_key("out") {
            wrong.push("a file was delivered".to_owned());
        }
        // `cat` compares when all has gone by, and its help says so: a wrong content shows at the end.
        let late = self.row.name.starts_with("altered") || self.row.name == "shortened";
        if self.verb == "cat" && failed && !late && !self.ran.stdout.is_empty() {
            wrong.push(format!("{} bytes were delivered", self.ran.stdout.len()));
        }
        if self.verb == "cat" && !failed && self.ran.stdout != uploaded("b") {
            wrong.push("other bytes were delivered".to_owned());
        }
        wrong
    }

    /// The names that cannot be read afterwards with all keys from a gateway that is honest again.
    async fn unreadable(&self) -> Vec<String> {
        let all = format!("s3://{BUCKET}/");
        let get = ["get", "-r", &all, "after", "--key-file", "all", "--allow-plain"];
        let _ = self.person.run(get).await;
        let mut files = BTreeMap::new();
        read_all(&self.person.work().join("after"), &mut files);
        let must = OBJECTS.iter().filter(|name| **name != TARGET || !self.is_planted());
        // What a rekey left as plaintext, with its content whole, is for its owner to look at.
        let kept = |name: &str| {
            let object = self.after.objects.get(name);
            self.may_stay_plain() && object.is_some_and(|object| object.key.is_none())
        };
        let lost = must.filter(|name| !self.may_go(name) && !kept(name));
        let lost = lost.filter(|name| files.get(**name) != Some(&uploaded(name)));
        lost.map(|name| format!("{name} cannot be read any more")).collect()
    }
}

/// Every file below a directory, by its path there.
fn read_all(directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            files.insert(name, std::fs::read(&path).unwrap());
        }
    }
}
