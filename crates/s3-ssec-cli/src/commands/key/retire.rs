//! `s3-ssec key retire`: takes a key out of a key file, when nothing is under it any more.

use super::{add, is_named};
use crate::args::RetireArgs;
use crate::keys::need::Need;
use crate::keys::{file, scope::Waiting, typed};
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::UnderKey;
use s3_ssec::core::endpoint::Endpoint;
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::keyfile::{Entry, KeyFile, RemoveError, remove};
use s3_ssec::core::names::S3Address;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) async fn run(session: &Session, args: RetireArgs) -> Result<(), Failure> {
    typed::refuse("FILE", &args.file)?;
    // Held until the new file is in its place.
    let lock = file::lock_if_there(&args.file)?;
    let text = add::read(&args.file)?;
    let (keys, _) = KeyFile::read(text.as_bytes()).about(&args.file.display())?;
    let key = named(&args, keys.entries())?;
    // Refused before anything is asked: the key that writes, and what cannot be read back.
    let rest = remove(&text, key).about(&args.file.display())?;
    KeyFile::read(rest.as_bytes()).about(&args.file.display())?;
    let waiting = Waiting::of_file(keys, &args.file).about(&args.file.display())?;
    let client = session.client().await?;
    let keys = Arc::new(session.admit(waiting, &client, &Need::to_read_all(&args.places))?);
    if !keys.keys().iter().any(|one| one.fingerprint() == key) {
        return Err(stranger(key, client.endpoint()));
    }
    let progress = session.progress(Total::Unknown);
    let mut looked_at = 0;
    for place in &args.places {
        let under =
            client.objects_under(&keys, place, key, &args.trust_fingerprint, &progress.watch).await;
        let under = under.about(place)?;
        if !under.is_none() {
            return Err(in_use(key, place, &under));
        }
        if under.looked_at == 0 {
            return Err(nothing(place));
        }
        looked_at += under.looked_at;
    }
    drop(progress);
    let before = kept_as(&args, key);
    file::create(&before, text.as_bytes())?;
    file::replace(&args.file, rest.as_bytes())?;
    drop(lock);
    let fields = Fields::new(format_args!("{} has one key less", args.file.display()))
        .line("key", key)
        .line("looked at", format_args!("{looked_at}, versions included: none is under it"))
        .line("before", format_args!("{}, with the key: keep or destroy it", before.display()));
    let json = json!({
        "file": args.file.to_string_lossy(),
        "retired": key.to_string(),
        "looked_at": looked_at,
        "before": before.to_string_lossy(),
    });
    session.output.report(fields, &json)
}

/// A key that this gateway may not see cannot be looked for there.
fn stranger(key: Fingerprint, endpoint: &Endpoint) -> Failure {
    let what = format!("the key {key} belongs to another place than {endpoint}");
    let todo = "Name the places where it was used: s3-ssec key scope show lists them.";
    Failure::new(Exit::Unsafe, what, todo)
}

/// The key of this fingerprint or label.
fn named(args: &RetireArgs, entries: &[Entry]) -> Result<Fingerprint, Failure> {
    entries
        .iter()
        .find(|entry| is_named(entry, &args.key))
        .map(|entry| entry.key.fingerprint())
        .ok_or_else(|| {
            let what = format!("{} has no key {:?}", args.file.display(), args.key);
            Failure::new(Exit::Usage, what, "s3-ssec key show lists what the file holds.")
        })
}

/// Where the file as it was goes.
fn kept_as(args: &RetireArgs, key: Fingerprint) -> PathBuf {
    let mut name = args.file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".before-{key}"));
    args.file.with_file_name(name)
}

/// Where nothing lies, nothing was looked at: the name is most likely another one's.
fn nothing(place: &S3Address) -> Failure {
    let what = format!("nothing lies at {place}");
    let todo = "Check the name: a key is only retired where it was looked for.";
    Failure::new(Exit::Unsafe, what, todo)
}

/// Fingerprints that an error names.
const NAMED: usize = 5;

fn counted(objects: u64) -> String {
    match objects {
        1 => "1 object or version".to_owned(),
        _ => format!("{objects} objects or versions"),
    }
}

/// How many were found.
fn found(objects: u64) -> String {
    format!("{} {}", counted(objects), if objects == 1 { "is" } else { "are" })
}

/// Something is under the key, or may be.
fn in_use(key: Fingerprint, place: &S3Address, under: &UnderKey) -> Failure {
    if !under.is_complete {
        let what = format!("{place}: interrupted before everything was looked at");
        return Failure::new(Exit::Failed, what, "Nothing was changed. Start it again.");
    }
    let example = under.found.first().or(under.unsure.first());
    let example = example.map(|entry| format!(", such as {}", entry.key)).unwrap_or_default();
    let (what, todo) = match under.objects {
        0 => (
            format!(
                "{} at {place} may be under the key {key}{example}",
                counted(under.unsure_objects)
            ),
            unsure(under),
        ),
        objects => (
            format!("{} under the key {key} at {place}{example}", found(objects)),
            "Nothing was changed. Give them another key with s3-ssec rekey; --versions takes older \
             versions along."
                .to_owned(),
        ),
    };
    Failure::new(Exit::Unsafe, what, todo)
}

/// The next step for objects that may be under the key.
fn unsure(under: &UnderKey) -> String {
    let claimed = under.claimed.iter().take(NAMED);
    let claimed: Vec<_> = claimed.map(|(key, count)| format!("{key} ({count})")).collect();
    match claimed.is_empty() {
        true => {
            "Nothing was changed. See s3-ssec audit --versions: it says what is wrong with each."
                .to_owned()
        }
        false => format!(
            "Nothing was changed. Their records name {}, which no key at hand confirms: for each key \
             of these that you know to be used there, add --trust-fingerprint FINGERPRINT.",
            claimed.join(", ")
        ),
    }
}

impl From<RemoveError> for Failure {
    fn from(error: RemoveError) -> Self {
        let what = error.to_string();
        match error {
            RemoveError::File(error) => error.into(),
            RemoveError::Writes(_) => Failure::new(
                Exit::Unsafe,
                what,
                "Make the key that takes its place first: s3-ssec key add FILE.",
            ),
            _ => Failure::new(Exit::Usage, what, "s3-ssec key show lists what the file holds."),
        }
    }
}
