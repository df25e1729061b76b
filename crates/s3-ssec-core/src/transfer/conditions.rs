//! Trials of conditions and of versions, on scratch objects: whether a write that must replace nothing, or one
//! object alone, does so here, and whether version IDs name versions.

use super::ask::{Ask, Unheard};
use super::link::Link;
use super::scratch::{Left, Scratch};
use super::task::{Answer, Body, Condition, Operation, Outcome, Unreadable};
use super::trial::{CONTENT, ScratchLeft, TrialEnd};
use crate::advice;
use crate::condition::OnlyIfAbsent;
use crate::names::ObjectName;
use crate::removal::{BucketVersions, TrustedVersion};
use std::future::Future;
use std::pin::Pin;

/// The end of a trial of `If-None-Match: *`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionVerdict {
    /// Whether the gateway keeps to it.
    pub condition: OnlyIfAbsent,
    /// Why the trial came to no end.
    pub end: Option<TrialEnd>,
    /// The scratch object that is left.
    pub left: Option<ScratchLeft>,
}

/// Writes a scratch object beside an object twice with `If-None-Match: *`.
pub async fn try_condition(link: Link, beside: ObjectName) -> ConditionVerdict {
    let Some(mut scratch) = Scratch::open(&link, beside).await else {
        let (condition, end) = (OnlyIfAbsent::Unknown, Some(TrialEnd::NoScratch));
        return ConditionVerdict { condition, end, left: None };
    };
    let tried = twice_if_absent(&mut scratch).await;
    let (condition, end) = match tried {
        Ok(condition) => (condition, None),
        Err(end) => (OnlyIfAbsent::Unknown, Some(end)),
    };
    ConditionVerdict { condition, end, left: scratch.end().await }
}

async fn twice_if_absent(scratch: &mut Scratch<'_>) -> Result<OnlyIfAbsent, TrialEnd> {
    let first = once(scratch, put(Condition::OnlyIfAbsent)).await?;
    let second = match first.is_success() {
        true => Some(once(scratch, put(Condition::OnlyIfAbsent)).await?.status),
        false => None,
    };
    Ok(OnlyIfAbsent::of_trial(first.status, second))
}

/// The end of a trial of `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplacingVerdict {
    /// The ways of the gateway, as far as they were seen; an error where the trial came to no end.
    pub seen: Result<Replacing, TrialEnd>,
    /// The scratch object that is left.
    pub left: Option<ScratchLeft>,
}

/// The ways of a gateway with writes that replace one object alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replacing {
    /// `If-Match` on a PUT replaces the object that it names, and no other.
    pub by_put: bool,
    /// On Complete too.
    pub by_complete: bool,
    /// The ETag of a PUT is the MD5 of its content.
    pub etag_is_md5: bool,
}

/// An ETag that no content of ours has.
const OTHER: &str = "00000000000000000000000000000000";

/// The MD5 of [`CONTENT`].
const CONTENT_MD5: &str = "58723627fcebc230ab0d53ddf5f16e34";

/// Replaces a scratch object beside an object: by the right ETag, and by a wrong one, which must be refused.
pub async fn try_replacing(link: Link, beside: ObjectName) -> ReplacingVerdict {
    let Some(mut scratch) = Scratch::open(&link, beside).await else {
        return ReplacingVerdict { seen: Err(TrialEnd::NoScratch), left: None };
    };
    let seen = replacing(&mut scratch).await;
    ReplacingVerdict { seen, left: scratch.end().await }
}

async fn replacing(scratch: &mut Scratch<'_>) -> Result<Replacing, TrialEnd> {
    let first = once(scratch, put(Condition::Always)).await?;
    if !first.is_success() {
        return Err(TrialEnd::Refused(first));
    }
    let etag = first.etag().map_err(|Unreadable| TrialEnd::Unanswered)?;
    let etag_is_md5 = etag == CONTENT_MD5;
    let right = once(scratch, put(Condition::OnlyIf(etag))).await?;
    let wrong = once(scratch, put(Condition::OnlyIf(OTHER.to_owned()))).await?;
    let by_put = right.is_success() && !wrong.is_success();
    let by_complete = by_put && !completes_onto_another(scratch).await?;
    Ok(Replacing { by_put, by_complete, etag_is_md5 })
}

/// True if an upload is completed although its condition names another object.
async fn completes_onto_another(scratch: &mut Scratch<'_>) -> Result<bool, TrialEnd> {
    let created = once(scratch, Operation::Create { tags: Vec::new() }).await?;
    if !created.is_success() {
        return Err(TrialEnd::Refused(created));
    }
    let upload = scratch.created(&created).ok_or(TrialEnd::Unanswered)?;
    let (number, body) = (1, Body::Bytes(CONTENT.to_vec()));
    let part =
        once(scratch, Operation::Part { upload: upload.clone(), number, body, same_as: None })
            .await?;
    if !part.is_success() {
        return Err(TrialEnd::Refused(part));
    }
    let etags = vec![part.etag().map_err(|Unreadable| TrialEnd::Unanswered)?];
    let condition = Condition::OnlyIf(OTHER.to_owned());
    Ok(once(scratch, Operation::Complete { upload, etags, condition }).await?.is_success())
}

fn put(condition: Condition) -> Operation {
    Operation::Put { body: Body::Bytes(CONTENT.to_vec()), tags: Vec::new(), condition }
}

/// A write that is not repeated: behind a second answer would be the first object. A success or a refusal.
async fn once(scratch: &mut Scratch<'_>, operation: Operation) -> Result<Answer, TrialEnd> {
    match scratch.write(operation).await {
        Outcome::Answer(answer) if answer.is_success() || advice::is_refusal(answer.status) => {
            Ok(answer)
        }
        _ => Err(TrialEnd::Unanswered),
    }
}

/// As [`try_versions`], on the heap.
pub(super) fn boxed_try_versions<'l>(
    link: &'l Link,
    beside: &'l ObjectName,
) -> Pin<Box<dyn Future<Output = Option<BucketVersions>> + Send + 'l>> {
    Box::pin(async { try_versions(link, beside).await.ok() })
}

/// Finds out where GetBucketVersioning is refused whether a bucket keeps versions: stores two contents under
/// one new name, and reads the first by its version ID. Credentials that may not do so learn nothing, and
/// nothing is believed.
async fn try_versions(link: &Link, beside: &ObjectName) -> Result<BucketVersions, Unheard> {
    let Some(mut scratch) = Scratch::open(link, beside.clone()).await else {
        return Ok(BucketVersions::Unknown);
    };
    let tried = two_versions(&mut scratch).await;
    // The IDs of a bucket without versions name nothing.
    if !matches!(tried, Ok(BucketVersions::Kept(_))) {
        scratch.distrust_ids();
    }
    match scratch.remove().await {
        Left::Perhaps => Err(Unheard),
        Left::Nothing | Left::Hidden => tried,
    }
}

async fn two_versions(scratch: &mut Scratch<'_>) -> Result<BucketVersions, Unheard> {
    let contents = [b"the first content".as_slice(), b"the second content"];
    let mut ids = Vec::new();
    for content in contents {
        let (body, tags) = (Body::Bytes(content.to_vec()), Vec::new());
        let condition = Condition::Always;
        match scratch.write(Operation::Put { body, tags, condition }).await {
            Outcome::Answer(answer) if answer.is_success() => ids.push(answer.version_id()?),
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => break,
            _ => return Err(Unheard),
        }
    }
    let read = match ids.as_slice() {
        [Some(one), Some(other)] if one != other => {
            let version = Some(TrustedVersion::of_scratch(one));
            let (ask, length) = (Ask { link: scratch.link, name: &scratch.name }, 64);
            let get = Operation::GetSmall { version, length };
            let answer = ask.answer(get, Some(&scratch.key)).await?;
            answer.is_success().then_some(answer.body)
        }
        _ => None,
    };
    Ok(BucketVersions::of_trial(contents[0], contents[1], read.as_deref()))
}
