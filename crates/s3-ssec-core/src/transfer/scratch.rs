//! A scratch object, under a name that no other client uses. It is removed by the version IDs in the answers to
//! its writes, or by a listing.

use super::ask::{Ask, Unheard, WithoutKey, upload_id};
use super::link::Link;
use super::task::{Answer, Call, KeyFacts, NoAnswer, Operation, Outcome, Task};
use crate::advice;
use crate::listing::{EntryKind, Listing};
use crate::names::ObjectName;
use crate::removal::{BucketVersions, TrustedVersion, answered_version};

pub(super) struct Scratch<'l> {
    pub(super) link: &'l Link,
    pub(super) name: ObjectName,
    pub(super) key: KeyFacts,
    /// One for each write that was answered: the version ID that it named.
    versions: Vec<Option<String>>,
    /// Something may be there that no answer named.
    is_unheard: bool,
    /// A request may still arrive.
    is_open: bool,
    upload: Option<String>,
    /// The IDs in `versions` may name nothing.
    is_distrusted: bool,
}

/// The remains of a scratch object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    /// The deletions were answered, and nothing is seen. In a bucket with versions it would be below a delete
    /// marker, or the gateway does not let us look.
    Hidden,
    Perhaps,
}

impl<'l> Scratch<'l> {
    /// `None` if this machine cannot make one.
    pub(super) async fn open(link: &'l Link, beside: ObjectName) -> Option<Self> {
        let opened = link.carry(Task::OpenScratch { beside }).await;
        let Outcome::Scratch { name, key } = opened else { return None };
        let (versions, upload) = (Vec::new(), None);
        let (is_unheard, is_open, is_distrusted) = (false, false, false);
        Some(Self { link, name, key, versions, is_unheard, is_open, upload, is_distrusted })
    }

    /// Notes that the IDs of the answers may name nothing: the object may be there after it was deleted by
    /// them.
    pub(super) fn distrust_ids(&mut self) {
        self.is_distrusted = true;
    }

    /// True if a write of it was answered.
    pub(super) fn is_stored(&self) -> bool {
        !self.versions.is_empty()
    }

    /// Sends a write under the key, and keeps what is needed to remove its object.
    pub(super) async fn write(&mut self, operation: Operation) -> Outcome {
        let stores = matches!(operation, Operation::Put { .. } | Operation::Complete { .. });
        let creates = matches!(operation, Operation::Create { .. });
        let (name, key) = (self.name.clone(), Some(self.key.key));
        let outcome = self.link.call(Call { name, key, operation }).await;
        match &outcome {
            Outcome::Answer(answer) if answer.is_success() && stores => {
                let id = answer.version_id();
                self.is_unheard |= id.is_err();
                let id = id.ok().flatten();
                self.upload = None;
                self.versions.push(answered_version(id.as_deref()).map(str::to_owned));
            }
            Outcome::Answer(answer) if answer.is_success() => {}
            Outcome::Answer(answer) if advice::is_refusal(answer.status) => {}
            Outcome::NoAnswer(NoAnswer::NotSent) | Outcome::Failed => {}
            _ => {
                self.is_unheard |= stores || creates;
                self.is_open |= stores || creates;
            }
        }
        outcome
    }

    /// Notes that a write was carried out whose answer did not come.
    pub(super) fn note_unheard_write(&mut self) {
        self.is_unheard = true;
    }

    /// The upload ID of an answer to Create. Without one there may be an upload that a listing shows.
    pub(super) fn created(&mut self, answer: &Answer) -> Option<String> {
        let id = upload_id(&answer.body);
        self.is_unheard |= id.is_none();
        self.upload.clone_from(&id);
        id
    }

    fn ask(&self) -> Ask<'_> {
        Ask { link: self.link, name: &self.name }
    }

    /// Removes all that was written. A listing shows what no answer named: without a version ID a deletion in
    /// a bucket with versions leaves a marker (RGW 20 names none for some writes). Where nothing is listed
    /// that was written, the name is deleted. Its note is kept while something may be left.
    pub(super) async fn remove(self) -> Left {
        let left = self.remove_all().await;
        if left != Left::Perhaps {
            self.link.carry(Task::CloseScratch { name: self.name.clone() }).await;
        }
        left
    }

    async fn remove_all(&self) -> Left {
        // Every write was refused.
        if self.versions.is_empty() && self.upload.is_none() && !self.is_unheard {
            return Left::Nothing;
        }
        if let Some(upload) = &self.upload
            && !self.ask().abort(upload).await
        {
            return Left::Perhaps;
        }
        let is_named = !self.is_unheard && self.versions.iter().all(Option::is_some);
        let cleared = match is_named {
            true => Ok(0),
            false => self.clear().await,
        };
        match cleared {
            Err(Unheard) if self.is_unheard => return Left::Perhaps,
            Ok(1..) => {}
            Ok(0) | Err(Unheard) => {
                for id in &self.versions {
                    let version = id.as_deref().map(TrustedVersion::of_scratch);
                    let is_deleted = matches!(self.ask().delete(version.as_ref()).await, Ok(true));
                    if !is_deleted && !self.is_distrusted {
                        return Left::Perhaps;
                    }
                }
            }
        }
        if self.is_distrusted
            && !matches!(self.ask().without_key(None).await, Ok(WithoutKey::Absent))
            && !matches!(self.ask().delete(None).await, Ok(true))
        {
            return Left::Perhaps;
        }
        let seen = self.look().await;
        // A browser repeats a request whose connection was closed and says nothing of it: below the version that
        // was answered there is another one.
        let is_repeated =
            is_named && matches!(seen, Ok(WithoutKey::KeyNeeded | WithoutKey::Readable(_)));
        let seen = match is_repeated && self.clear().await.is_ok() {
            true => self.look().await,
            false => seen,
        };
        match seen {
            // A request that may still arrive is found by the next trial.
            Ok(WithoutKey::Absent) if self.is_open => Left::Perhaps,
            Ok(WithoutKey::Absent) if cleared.is_ok() || self.is_flat().await => Left::Nothing,
            Ok(WithoutKey::Absent) => Left::Hidden,
            // Credentials that may write and delete, and not read.
            Ok(WithoutKey::Refused(_)) if !self.is_open => Left::Hidden,
            _ => Left::Perhaps,
        }
    }

    async fn look(&self) -> Result<WithoutKey, Unheard> {
        match self.ask().without_key(None).await {
            Ok(WithoutKey::Unclear | WithoutKey::Refused(_))
                if self.is_gone_under_its_key().await =>
            {
                Ok(WithoutKey::Absent)
            }
            seen => seen,
        }
    }

    /// True if a HEAD with its key finds nothing: where one without a key is refused as if it were there.
    async fn is_gone_under_its_key(&self) -> bool {
        let head = Operation::Head { version: None };
        matches!(self.ask().answer(head, Some(&self.key)).await, Ok(answer) if answer.status == 404)
    }

    /// True if the bucket is known to keep no versions.
    async fn is_flat(&self) -> bool {
        matches!(self.ask().versioning().await, Ok(Some(BucketVersions::None)))
    }

    /// Removes uploads and objects of this name, in all versions. The number of objects.
    async fn clear(&self) -> Result<usize, Unheard> {
        for upload in self.ask().list(Operation::ListUploads, Listing::Uploads).await? {
            if let Some(id) = upload.id
                && !self.ask().abort(&id).await
            {
                return Err(Unheard);
            }
        }
        let mut removed = 0;
        for version in self.ask().list(Operation::ListVersions, Listing::Versions).await? {
            let id = answered_version(version.id.as_deref()).map(TrustedVersion::of_scratch);
            if version.kind != EntryKind::DeleteMarker {
                if !matches!(self.ask().delete(id.as_ref()).await, Ok(true)) {
                    return Err(Unheard);
                }
                removed += 1;
            }
        }
        Ok(removed)
    }
}
