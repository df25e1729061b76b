//! Outcomes of tasks, from JSON.

use super::plan::{key_facts, name, text};
use s3_ssec_core::key::Kind;
use s3_ssec_core::md5::KeyMd5;
use s3_ssec_core::transfer::{Answer, Description, KeyFacts, KeyRef, NoAnswer, Outcome};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads a `TransferOutcome`. `None` if it is not one.
pub(super) fn read(json: &str) -> Option<Outcome> {
    let outcome: Value = serde_json::from_str(json).ok()?;
    Some(match outcome["outcome"].as_str()? {
        "answer" => Outcome::Answer(answer(&outcome)?),
        // A browser does not say whether a request left this machine.
        "no-answer" => Outcome::NoAnswer(NoAnswer::MaybeExecuted),
        "silent" => Outcome::NoAnswer(NoAnswer::Silent),
        "key" => Outcome::Key(key_facts(&outcome)?),
        "hashed" => Outcome::Hashed,
        "other-content" => Outcome::OtherContent,
        "agreed" => Outcome::Agreed(numbers(&outcome["numbers"])?),
        "described" => {
            let (record, plain_etag) = (text(&outcome["record"])?, String::new());
            Outcome::Described(Description { record, plain_etag })
        }
        "scratch" => Outcome::Scratch { name: name(&outcome)?, key: scratch_facts(&outcome)? },
        "noted" => Outcome::Noted,
        "slept" => Outcome::Slept,
        "failed" => Outcome::Failed,
        "abandoned" => Outcome::Abandoned,
        _ => return None,
    })
}

fn numbers(numbers: &Value) -> Option<BTreeSet<u16>> {
    numbers.as_array()?.iter().map(|number| number.as_u64()?.try_into().ok()).collect()
}

fn scratch_facts(outcome: &Value) -> Option<KeyFacts> {
    let md5 = KeyMd5::from_base64(outcome["md5"].as_str()?)?;
    Some(KeyFacts { key: KeyRef::Scratch, md5, kind: Kind::Direct, record: String::new() })
}

fn answer(outcome: &Value) -> Option<Answer> {
    let header = |pair: &Value| {
        let (name, value) = (pair[0].as_str()?, pair[1].as_str()?);
        Some((name.to_owned(), value.as_bytes().to_vec()))
    };
    Some(Answer {
        status: outcome["status"].as_u64()?.try_into().ok()?,
        headers: outcome["headers"].as_array()?.iter().map(header).collect::<Option<_>>()?,
        body: outcome["body"].as_str()?.as_bytes().to_vec(),
    })
}
