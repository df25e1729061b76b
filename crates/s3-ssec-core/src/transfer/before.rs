//! The steps before any write: is the name taken, and is the record noted.

use super::ask::{Ask, Unheard, WithoutKey};
use super::link::Link;
use super::task::{Answer, Condition, Outcome, Stage, Task};
use crate::names::ObjectName;

/// The name of an upload, before it.
pub(super) enum BeforeWrite {
    /// It may be written.
    Free,
    /// There is an object, or an answer that does not exclude one.
    Taken,
    /// The gateway refuses to say.
    Refused(Answer),
}

/// Looks whether the name is taken, if the upload is to replace nothing. RGW 16 and 18 ignore the condition
/// in buckets with versions and on Complete, Garage everywhere (measured). There a write of another client
/// in between is not noticed. Credentials that may write and not read learn nothing here.
pub(super) async fn look_first(
    link: &Link,
    name: &ObjectName,
    condition: &Condition,
) -> Result<BeforeWrite, Unheard> {
    if *condition != Condition::OnlyIfAbsent {
        return Ok(BeforeWrite::Free);
    }
    Ok(match (Ask { link, name }).without_key(None).await? {
        WithoutKey::Absent => BeforeWrite::Free,
        WithoutKey::Refused(answer) if answer.status == 403 => BeforeWrite::Free,
        WithoutKey::Refused(answer) => BeforeWrite::Refused(answer),
        WithoutKey::Readable(_) | WithoutKey::KeyNeeded | WithoutKey::Unclear => BeforeWrite::Taken,
    })
}

pub(super) async fn note(link: &Link, name: &ObjectName, record: &str, stage: Stage) -> bool {
    let (name, record) = (name.clone(), record.to_owned());
    link.carry(Task::Note { name, record, stage }).await == Outcome::Noted
}
