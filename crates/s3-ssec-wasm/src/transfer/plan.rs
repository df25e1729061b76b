//! Plans of orders, from JSON.

use s3_ssec_core::derive::Nonce;
use s3_ssec_core::journal::UploadJournal;
use s3_ssec_core::key::Kind;
use s3_ssec_core::md5::KeyMd5;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::plan::MultipartPlan;
use s3_ssec_core::transfer::{
    Before, CompletePlan, Condition, Description, KeyFacts, KeyRef, OnFailure, PartsPlan,
    PartsSource, PutPlan, WriteKind,
};
use serde_json::Value;

/// The plan of an upload in one request. `None` if it is not one.
///
/// A page does not know the MD5 of its content: a plaintext is recognised by its record, or suspected by its
/// size.
pub(super) fn put(json: &str) -> Option<PutPlan> {
    let plan: Value = serde_json::from_str(json).ok()?;
    Some(PutPlan {
        name: name(&plan)?,
        size: plan["size"].as_u64()?,
        plain_etag: String::new(),
        tags: Vec::new(),
        condition: condition(&plan)?,
        tags_kept: plan["tagsKept"].as_bool()?,
    })
}

/// The plan of an upload in parts. `None` if it is not one. A person decides what becomes of one that fails.
pub(super) fn parts(json: &str) -> Option<PartsPlan> {
    let plan: Value = serde_json::from_str(json).ok()?;
    let size = plan["size"].as_u64()?;
    let before = match plan["journal"].as_str() {
        Some(journal) => {
            let key = key_facts(&plan["key"])?;
            Some(Before::of(&UploadJournal::parse(journal)?, size, Some(key)))
        }
        None => None,
    };
    Some(PartsPlan {
        name: name(&plan)?,
        source: PartsSource::Known(MultipartPlan::new(size, plan["partSize"].as_u64()?).ok()?),
        tags: Vec::new(),
        condition: condition(&plan)?,
        at_once: plan["atOnce"].as_u64()?.try_into().ok()?,
        on_failure: OnFailure::Keep,
        before,
    })
}

/// The plan of the end of an upload in parts, and whether it was completed already. `None` if it is not one.
pub(super) fn complete(json: &str) -> Option<(CompletePlan, bool)> {
    let plan: Value = serde_json::from_str(json).ok()?;
    let etags = plan["etags"].as_array()?.iter().map(|etag| etag.as_str().map(str::to_owned));
    let complete = CompletePlan {
        name: name(&plan)?,
        key: key_facts(&plan["key"])?,
        upload: text(&plan["upload"])?,
        etags: etags.collect::<Option<_>>()?,
        size: plan["size"].as_u64()?,
        description: Description { record: text(&plan["record"])?, plain_etag: String::new() },
        tags: Vec::new(),
        condition: condition(&plan)?,
    };
    Some((complete, plan["isCompleted"].as_bool()?))
}

/// The object beside which a kind of write is proved, and the kind. `None` if it is not a plan of that.
pub(super) fn trial(json: &str) -> Option<(ObjectName, WriteKind)> {
    let plan: Value = serde_json::from_str(json).ok()?;
    let kind = match plan["kind"].as_str()? {
        "single" => WriteKind::Single,
        "multipart" => WriteKind::Multipart,
        _ => return None,
    };
    Some((name(&plan)?, kind))
}

pub(super) fn name(plan: &Value) -> Option<ObjectName> {
    let bucket = BucketName::parse(plan["bucket"].as_str()?).ok()?;
    Some(ObjectName::new(bucket, ObjectKey::parse(plan["name"].as_str()?).ok()?))
}

fn condition(plan: &Value) -> Option<Condition> {
    match plan["existing"].as_str()? {
        "keep" => Some(Condition::OnlyIfAbsent),
        "replace" => Some(Condition::Always),
        _ => None,
    }
}

/// The facts about the key of a write.
pub(super) fn key_facts(facts: &Value) -> Option<KeyFacts> {
    let kind = match facts["kind"].as_str()? {
        "master" => Kind::Master,
        "direct" => Kind::Direct,
        _ => return None,
    };
    Some(KeyFacts {
        key: KeyRef::Write(Nonce::parse(facts["nonce"].as_str()?)?),
        md5: KeyMd5::from_base64(facts["md5"].as_str()?)?,
        kind,
        record: text(&facts["record"])?,
    })
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
