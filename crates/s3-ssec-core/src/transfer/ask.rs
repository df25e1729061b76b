//! Small questions to a gateway, asked again where the line breaks, and their answers, judged.

use super::link::Link;
use super::task::{Answer, Call, KeyFacts, NoAnswer, Operation, Outcome, Unreadable};
use crate::advice;
use crate::echo::{KeyEcho, KeylessRead};
use crate::error_response::ErrorResponse;
use crate::listing::{Entry, Listing, Pages};
use crate::names::ObjectName;
use crate::removal::{self, BucketVersions, TrustedVersion, UnderKey};
use crate::xml::{self, XmlError};

/// Whether the bucket of an object keeps versions: GetBucketVersioning, or a trial where it is refused. `None`
/// if no usable answer came.
pub async fn bucket_versions(link: Link, name: ObjectName) -> Option<BucketVersions> {
    Ask { link: &link, name: &name }.versions().await.ok()
}

/// There is no answer that can be judged: the line broke each time, or what came cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unheard;

impl From<Unreadable> for Unheard {
    fn from(_: Unreadable) -> Self {
        Unheard
    }
}

/// The headers of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) etag: String,
    pub(super) version_id: Option<String>,
    pub(super) echo: KeyEcho,
    /// Bytes; `None` if the answer does not state them.
    pub(super) size: Option<u64>,
}

/// The answer to HEAD without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WithoutKey {
    Readable(Head),
    KeyNeeded,
    /// A 400 that shows nothing, or answers that contradict each other.
    Unclear,
    Absent,
    /// Refused for a reason that is not the key.
    Refused(Answer),
}

/// The answer to HEAD with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WithKey {
    Opened(Head),
    /// The object is under another key, or not there.
    Other,
    /// A refusal that says nothing of the key.
    Unclear,
}

/// The answer to PutObjectTagging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PutTags {
    Taken,
    /// Rights without PutObjectTagging, or a gateway without tags.
    NotHere,
    Refused(Answer),
}

/// Questions about one object.
pub(super) struct Ask<'a> {
    pub(super) link: &'a Link,
    pub(super) name: &'a ObjectName,
}

impl Ask<'_> {
    fn call(&self, operation: Operation, key: Option<&KeyFacts>) -> Call {
        Call { name: self.name.clone(), key: key.map(|facts| facts.key), operation }
    }

    /// The first usable answer. 503 and its kin say "later"; they are not usable.
    pub(super) async fn answer(
        &self,
        operation: Operation,
        key: Option<&KeyFacts>,
    ) -> Result<Answer, Unheard> {
        let attempts = self.link.attempts();
        for attempt in 1..=attempts {
            match self.link.call(self.call(operation.clone(), key)).await {
                Outcome::Answer(answer)
                    if answer.is_success() || advice::is_refusal(answer.status) =>
                {
                    return Ok(answer);
                }
                Outcome::Answer(_)
                | Outcome::NoAnswer(NoAnswer::NotSent | NoAnswer::MaybeExecuted)
                    if attempt < attempts =>
                {
                    self.link.pause(attempt).await;
                }
                // It takes long, so once more and no oftener.
                Outcome::NoAnswer(NoAnswer::Silent) if attempt == 1 && attempts > 1 => {
                    self.link.pause(attempt).await;
                }
                // Without its answer it cannot be said how the order ended.
                Outcome::Abandoned => {}
                _ => break,
            }
        }
        Err(Unheard)
    }

    /// HEAD without a key. Where it is refused with 400, a GET of the first byte shows whether that is
    /// about the key.
    pub(super) async fn without_key(
        &self,
        version: Option<&TrustedVersion>,
    ) -> Result<WithoutKey, Unheard> {
        let head = self.answer(Operation::Head { version: version.cloned() }, None).await?;
        if head.is_success() {
            return Ok(WithoutKey::Readable(head_of(&head)?));
        }
        let judged = match KeylessRead::of_head(head.status) {
            Some(KeylessRead::Absent) => KeylessRead::Absent,
            Some(_) => return Ok(WithoutKey::Refused(head)),
            None => self.first_byte(version).await?.after_refused_head(),
        };
        Ok(match judged {
            KeylessRead::KeyNeeded => WithoutKey::KeyNeeded,
            KeylessRead::Absent => WithoutKey::Absent,
            KeylessRead::Readable | KeylessRead::Unclear => WithoutKey::Unclear,
        })
    }

    /// GET of the first byte. RGW judges the range before the key, and an empty object has no first byte.
    async fn first_byte(&self, version: Option<&TrustedVersion>) -> Result<KeylessRead, Unheard> {
        let start = |ranged| Operation::GetStart { version: version.cloned(), ranged };
        let mut answer = self.answer(start(true), None).await?;
        if answer.status == 416 {
            answer = self.answer(start(false), None).await?;
        }
        let error = ErrorResponse::parse(&answer.body);
        let code = error.as_ref().map(|error| error.code.as_str());
        let message = error.as_ref().and_then(|error| error.message.as_deref());
        Ok(KeylessRead::of_get(answer.status, code, message))
    }

    /// HEAD with a key, of an object that is refused without one because a key is needed.
    pub(super) async fn with_key(
        &self,
        key: &KeyFacts,
        version: Option<&TrustedVersion>,
    ) -> Result<WithKey, Unheard> {
        let head = self.answer(Operation::Head { version: version.cloned() }, Some(key)).await?;
        if head.is_success() {
            return Ok(WithKey::Opened(head_of(&head)?));
        }
        Ok(match UnderKey::of_refusal(head.status, removal::WithoutKey::KeyNeeded) {
            Some(_) => WithKey::Other,
            None => WithKey::Unclear,
        })
    }

    /// The tags; `None` if the gateway refuses them.
    pub(super) async fn tags(
        &self,
        version: Option<&TrustedVersion>,
    ) -> Result<Option<Vec<(String, String)>>, Unheard> {
        tags_in(&self.answer(Operation::Tags { version: version.cloned() }, None).await?)
    }

    /// GetBucketVersioning; `None` if it is refused, or answered with another document (moto 5.2 has
    /// another root).
    pub(super) async fn versioning(&self) -> Result<Option<BucketVersions>, Unheard> {
        let answer = self.answer(Operation::Versioning, None).await?;
        let status = answer.is_success().then(|| status_of(&answer.body)).and_then(Result::ok);
        Ok(status.map(|status| BucketVersions::of_status(status.as_deref())))
    }

    /// As [`Ask::versioning`], or a trial where it is refused.
    pub(super) async fn versions(&self) -> Result<BucketVersions, Unheard> {
        if let Some(versions) = self.versioning().await? {
            return Ok(versions);
        }
        self.link.try_versions(self.name).await.ok_or(Unheard)
    }

    /// PutObjectTagging.
    pub(super) async fn put_tags(
        &self,
        version: Option<&TrustedVersion>,
        tags: Vec<(String, String)>,
    ) -> Result<PutTags, Unheard> {
        let answer =
            self.answer(Operation::PutTags { version: version.cloned(), tags }, None).await?;
        Ok(match answer.status {
            _ if answer.is_success() => PutTags::Taken,
            403 | 501 => PutTags::NotHere,
            _ => PutTags::Refused(answer),
        })
    }

    /// The entries of the name itself in a listing that takes it as its prefix.
    pub(super) async fn list(
        &self,
        operation: Operation,
        listing: Listing,
    ) -> Result<Vec<Entry>, Unheard> {
        let answer = self.answer(operation, None).await?;
        let key = self.name.key.as_str();
        if !answer.is_success() {
            return Err(Unheard);
        }
        let page = Pages::new(listing, key).read(&answer.body).map_err(|_| Unheard)?;
        // A second page is not asked for: whoever asks wants few entries, or none.
        match page.next {
            Some(_) => Err(Unheard),
            None => Ok(page.entries.into_iter().filter(|entry| entry.key == key).collect()),
        }
    }

    /// AbortMultipartUpload. True if the upload is gone: aborted now or before, or completed.
    pub(super) async fn abort(&self, upload: &str) -> bool {
        let operation = Operation::Abort { upload: upload.to_owned() };
        let answer = self.answer(operation, None).await;
        answer.is_ok_and(|answer| answer.is_success() || is_upload_gone(&answer))
    }

    /// DeleteObject. True if the gateway says that it is done.
    pub(super) async fn delete(&self, version: Option<&TrustedVersion>) -> Result<bool, Unheard> {
        let answer = self.answer(Operation::Delete { version: version.cloned() }, None).await?;
        Ok(answer.is_success())
    }
}

/// True for the refusal of a request to an upload that is not there.
pub(super) fn is_upload_gone(answer: &Answer) -> bool {
    let error = ErrorResponse::parse(&answer.body);
    answer.status == 404 && error.is_some_and(|error| error.code == "NoSuchUpload")
}

/// The upload ID in the answer to CreateMultipartUpload.
pub(super) fn upload_id(body: &[u8]) -> Option<String> {
    let mut id = String::new();
    let read = xml::read(body, Some("InitiateMultipartUploadResult"), |path, text| {
        if path == ["UploadId"] {
            text.clone_into(&mut id);
        }
        Ok::<(), XmlError>(())
    });
    (read.is_ok() && !id.is_empty()).then_some(id)
}

fn head_of(answer: &Answer) -> Result<Head, Unreadable> {
    let (etag, version_id) = (answer.etag()?, answer.version_id()?);
    let size = answer.header("content-length")?.map(|text| text.parse().map_err(|_| Unreadable));
    Ok(Head { etag, version_id, echo: answer.echo()?, size: size.transpose()? })
}

/// The tags in an answer; `None` if it is a refusal.
pub(super) fn tags_in(answer: &Answer) -> Result<Option<Vec<(String, String)>>, Unheard> {
    match answer.is_success() {
        // RGW 16 and 18 answer with no body at all instead of an empty list (measured).
        true if answer.body.is_empty() => Ok(Some(Vec::new())),
        true => tags_of(&answer.body).map(Some).map_err(|_| Unheard),
        false => Ok(None),
    }
}

fn tags_of(body: &[u8]) -> Result<Vec<(String, String)>, XmlError> {
    let (mut tags, mut key, mut value) = (Vec::new(), String::new(), String::new());
    xml::read(body, Some("Tagging"), |path, text| {
        match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["TagSet", "Tag", "Key"] => text.clone_into(&mut key),
            ["TagSet", "Tag", "Value"] => text.clone_into(&mut value),
            ["TagSet", "Tag"] => tags.push((std::mem::take(&mut key), std::mem::take(&mut value))),
            _ => {}
        }
        Ok::<(), XmlError>(())
    })?;
    Ok(tags)
}

fn status_of(body: &[u8]) -> Result<Option<String>, XmlError> {
    let mut status = None;
    xml::read(body, Some("VersioningConfiguration"), |path, text| {
        if path == ["Status"] {
            status = Some(text.to_owned());
        }
        Ok::<(), XmlError>(())
    })?;
    Ok(status)
}
