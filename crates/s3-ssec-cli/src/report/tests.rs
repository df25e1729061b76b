//! The table of errors: exit codes and two lines for each.

use super::*;
use s3_ssec::core::advice::{self, Operation, SentKey, Situation};
use s3_ssec::core::echo::EchoError;
use s3_ssec::core::endpoint::{Endpoint, PlainHttp};
use s3_ssec::core::evidence::{Evidence, RecordSource};
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::keyring::OpenError;
use s3_ssec::core::names::{ObjectName, S3Address};
use s3_ssec::core::policy::{self, Rule};
use s3_ssec::core::record::{Provenance, RecordError};
use s3_ssec::{
    Broken, CallError, GetError, Leftover, PolicyError, PutError, Refusal, SetupError, Trial,
};
use std::io;
use std::path::PathBuf;

fn name() -> ObjectName {
    S3Address::parse("s3://bucket/key").unwrap().object().unwrap()
}

fn refused(operation: Operation, status: u16, code: &str, message: &str) -> CallError {
    let sent_key = SentKey::Target;
    let (code, message) = (Some(code).filter(|text| !text.is_empty()), Some(message));
    let situation = Situation { operation, status, code, message, sent_key, secure: true };
    CallError::Refused(Box::new(Refusal {
        operation,
        status,
        code: code.map(str::to_owned),
        message: message.map(str::to_owned),
        request_id: Some("tx1".to_owned()),
        advice: advice::explain(&situation),
    }))
}

fn io_error(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

fn puts() -> Vec<(Exit, Failure)> {
    let path = PathBuf::from("a");
    let not_proved =
        |leftover| PutError::NotProved { name: name(), error: EchoError::Missing, leftover };
    let silent = || Broken::Silent("60 s".to_owned());
    let left =
        |leftover| PutError::Left { name: name(), leftover, error: PutError::Stopped.into() };
    let source = io_error(io::ErrorKind::NotFound);
    let errors = [
        (Exit::NotProved, not_proved(Leftover::Nothing)),
        (Exit::NotProved, not_proved(Leftover::Perhaps)),
        (Exit::Failed, PutError::Source { path: path.clone(), error: source }),
        (Exit::Failed, PutError::SourceChanged { path }),
        (Exit::Unsafe, PutError::Exists(name())),
        (Exit::Failed, PutError::Overwritten(name())),
        (Exit::Failed, PutError::Stopped),
        (Exit::Failed, PutError::Unfinished(name())),
        (Exit::Failed, PutError::Call(refused(Operation::PutObject, 403, "AccessDenied", ""))),
        (Exit::Failed, PutError::Call(silent().into())),
        (Exit::Failed, PutError::BrokenOff(silent().into())),
        (Exit::NotProved, not_proved(Leftover::Upload)),
        (Exit::NotProved, not_proved(Leftover::Scratch)),
        (Exit::Failed, left(Leftover::Upload)),
        (Exit::Failed, left(Leftover::Arrived)),
        (Exit::Failed, left(Leftover::Unknown)),
        (
            Exit::NotProved,
            PutError::Left {
                name: name(),
                leftover: Leftover::Unknown,
                error: PutError::Call(silent().into()).into(),
            },
        ),
    ];
    errors.into_iter().map(|(exit, error)| (exit, error.into())).collect()
}

fn gets() -> Vec<(Exit, Failure)> {
    let target = |path: &str, kind| GetError::Target { path: path.into(), error: io_error(kind) };
    let fingerprint = Key::from_bytes(Kind::Master, &[1; 32]).unwrap().fingerprint();
    let provenance = Provenance::Accepted { since: 1_796_000_000 };
    let evidence = Evidence { provenance, kind: Kind::Master, source: RecordSource::Tag };
    let errors = [
        (Exit::Failed, GetError::NotFound(name())),
        (Exit::NotProved, RecordError::Malformed.into()),
        (Exit::Key, RecordError::NewerFormat("v2".to_owned()).into()),
        (Exit::Key, OpenError::KeyMissing(fingerprint).into()),
        (Exit::Key, OpenError::DirectKeyMissing.into()),
        (Exit::NotProved, OpenError::NotGenuine.into()),
        (Exit::Key, GetError::NoKeyFits(name())),
        (Exit::Key, GetError::OtherKey(name())),
        (Exit::NotProved, GetError::NotEncrypted(name())),
        (Exit::NotProved, GetError::NotProved { name: name(), error: EchoError::Plaintext }),
        (Exit::NotProved, GetError::Undescribed(name(), "gone")),
        (Exit::NotProved, GetError::NoDigest(name())),
        (Exit::NotProved, GetError::Accepted { name: name(), evidence }),
        (Exit::NotProved, GetError::NotMaster { name: name(), key: None }),
        (Exit::NotProved, GetError::NotMaster { name: name(), key: Some(fingerprint) }),
        (Exit::NotProved, GetError::Replaced { name: name(), key: fingerprint }),
        (Exit::NotProved, GetError::Damaged(name())),
        (Exit::Failed, GetError::Changed(name())),
        (Exit::Failed, GetError::Truncated(name())),
        (Exit::Failed, GetError::BrokenOff(GetError::Truncated(name()).into())),
        (Exit::Unsafe, GetError::Exists("a".into())),
        (Exit::Failed, target("a", io::ErrorKind::PermissionDenied)),
        (Exit::Failed, target("-", io::ErrorKind::BrokenPipe)),
        (Exit::Failed, target("-", io::ErrorKind::StorageFull)),
        (Exit::Failed, GetError::Stopped),
        (Exit::Key, refused(Operation::HeadObject, 400, "", "").into()),
        (Exit::Failed, refused(Operation::GetObject, 404, "NoSuchBucket", "").into()),
    ];
    errors.into_iter().map(|(exit, error): (_, GetError)| (exit, error.into())).collect()
}

fn others() -> Vec<(Exit, Failure)> {
    let endpoint =
        |text| SetupError::Endpoint(Endpoint::parse(text, PlainHttp::Refuse).err().unwrap()).into();
    let broken = |broken: Broken| CallError::from(broken).into();
    let text = || "x".to_owned();
    let trial =
        |rule| PolicyError::NotAsSaid(Trial { rule, in_policy: true, steps: Vec::new() }).into();
    let key_file = |bytes: &[u8]| KeyFile::read(bytes).err().unwrap().into();
    let both =
        policy::PolicyError::Contradiction { present: Rule::BlockSsec, wanted: Rule::RequireSsec };
    vec![
        (Exit::Usage, SetupError::NoEndpoint.into()),
        (Exit::Unsafe, endpoint("http://gateway")),
        (Exit::Usage, endpoint("gateway:8080")),
        (Exit::Usage, endpoint("https://user:password@gateway")),
        (Exit::Failed, broken(Broken::Certificate(text()))),
        (Exit::Failed, broken(Broken::Tls(text()))),
        (Exit::Failed, broken(Broken::Silent(text()))),
        (Exit::Failed, broken(Broken::Connection(text()))),
        (Exit::Failed, broken(Broken::Credentials(text()))),
        (Exit::Failed, broken(Broken::Answer(text()))),
        (Exit::Failed, trial(Rule::RequireSsec)),
        (Exit::Failed, trial(Rule::RequireTls)),
        (Exit::Failed, PolicyError::Stopped.into()),
        (Exit::Failed, PolicyError::Document(both).into()),
        (Exit::Key, key_file(b"")),
        (Exit::Key, key_file(&[7; 31])),
        (Exit::Key, key_file(b"s3-ssec-keys 2\nkey x\n")),
        (Exit::Key, key_file(b"s3-ssec-keys 1\nkey x\n")),
    ]
}

#[test]
fn what_an_error_is_about_is_said_once() {
    let about = |what: &str| Failure::new(Exit::Failed, what, "").about(&"s3://b/a").what;
    for said in ["s3://b/a is gone", "no s3://b/a", "s3://b/a: gone", "s3://b/a, s3://b/b"] {
        assert_eq!(about(said), said);
    }
    for other in ["gone", "s3://b/ab is gone", "s3://b/a.txt is gone", "s3://b/a/b is gone"] {
        assert_eq!(about(other), format!("s3://b/a: {other}"));
    }
}

#[test]
fn every_error_has_its_code_and_two_lines() {
    for (exit, failure) in puts().into_iter().chain(gets()).chain(others()) {
        let text = failure.to_string();
        assert_eq!(failure.exit, exit, "{text}");
        let lines: Vec<_> = text.lines().collect();
        let [what, todo] = lines[..] else { panic!("two lines: {text}") };
        let what = what.strip_prefix("s3-ssec: ").unwrap();
        assert!(!what.is_empty() && !what.ends_with('.'), "{text}");
        assert!(todo.starts_with("  ") && todo.len() > 12 && todo.ends_with('.'), "{text}");
    }
}

#[test]
fn the_words_of_strangers_stay_on_their_line_and_hold_no_key() {
    let key = "pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=";
    let message = format!("bad\nheader {key}");
    let failure = Failure::from(refused(Operation::PutObject, 400, "InvalidArgument", &message));
    assert!(!failure.to_string().contains(key) && failure.to_string().lines().count() == 2);
    let json = failure.json().to_string();
    assert!(json.contains("tx1") && json.contains("header [...]"), "{json}");
}

#[test]
fn a_subject_is_named_once() {
    let subject = "s3://bucket/key";
    let absent = Failure::from(GetError::NotFound(name())).about(&subject);
    assert_eq!(absent.to_string().matches(subject).count(), 1);
    let denied = Failure::from(refused(Operation::PutObject, 403, "AccessDenied", ""));
    let denied = denied.about(&subject).to_string();
    assert!(
        denied.starts_with("s3-ssec: s3://bucket/key: the gateway denies access\n"),
        "{denied}"
    );
}
