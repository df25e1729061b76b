//! Takes up an upload that broke off: finds out from the gateway how far it came.

use super::super::Writing;
use super::super::journal::UploadLog;
use super::super::source::SourceFile;
use super::parts::{Transferred, hash_file};
use super::{Completion, Upload, finish};
use crate::call::CallError;
use crate::client::Head;
use crate::list::{ListingOf, ListingPages};
use crate::write::{Leftover, PutError, Uploaded};
use s3_ssec_core::echo::verify_echo;
use s3_ssec_core::journal::UploadJournal;
use s3_ssec_core::key::{Key, Kind};
use s3_ssec_core::plan::MultipartPlan;
use s3_ssec_core::removal::UploadOwner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What can be done about an upload that broke off.
pub(super) enum Resumed<'a> {
    /// There is none, or it cannot be continued and is gone.
    Nothing,
    /// Its parts are there.
    GoOn(Box<(Writing<'a>, Upload)>),
    /// It was complete; only its record was missing.
    Done(Box<Uploaded>),
}

pub(super) async fn take_up<'a>(
    new: &Writing<'a>,
    key: &'a Key,
    log: &mut UploadLog,
    file: &SourceFile,
) -> Result<Resumed<'a>, PutError> {
    let Some(before) = log.before().cloned() else { return Ok(Resumed::Nothing) };
    let Some(nonce) = before.nonce().filter(|_| before.key() == Some(key.fingerprint())) else {
        // It cannot be continued under the key of today. The journal proves that it is ours to drop.
        if let Some(id) = &before.upload_id {
            Upload::with_id(new, id).abort().await;
        }
        return Ok(Resumed::Nothing);
    };
    let old = Writing::under(nonce, new.client, key, new.name(), new.options, new.watch);
    let Some(upload) = created(&old, &before).await? else { return Ok(Resumed::Nothing) };
    if before.begun.size != file.size() {
        tracing::warn!("{:?} changed since its upload broke off: it starts anew", file.path());
        upload.abort().await;
        return Ok(Resumed::Nothing);
    }
    match upload.list_parts().await {
        Ok(listed) => {
            log.confirm(&listed);
            Ok(Resumed::GoOn(Box::new((old, upload))))
        }
        // RGW names the object or the upload, once an upload is complete.
        Err(error) if error.status() == Some(404) => {
            match completed(&old, &upload, &before, file).await? {
                Some(uploaded) => {
                    log.close();
                    Ok(Resumed::Done(Box::new(uploaded)))
                }
                None => Ok(Resumed::Nothing),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// The upload of the journal. If it broke off around Create its ID is not known: then ours is
/// removed, if there is one.
async fn created(old: &Writing<'_>, before: &UploadJournal) -> Result<Option<Upload>, PutError> {
    if let Some(id) = &before.upload_id {
        return Ok(Some(Upload::with_id(old, id)));
    }
    drop_unheard(old).await;
    Ok(None)
}

/// Removes an upload whose Create was sent and its answer not heard. Says what is left.
pub(super) async fn drop_unheard(writing: &Writing<'_>) -> Leftover {
    let Ok(uploads) = writing.client.uploads_of(writing.name()).await else {
        return Leftover::Upload;
    };
    // Under a direct key another machine may be uploading too: its upload looks like ours.
    let is_shared = writing.seal.key().kind() == Kind::Direct;
    let mut leftover = Leftover::Nothing;
    for id in uploads {
        let upload = Upload::with_id(writing, &id);
        let left = match is_shared {
            true => Leftover::Upload,
            false => upload.abort_if_ours().await,
        };
        if left != Leftover::Nothing {
            leftover = left;
        }
    }
    leftover
}

/// Complete was sent, but its answer was not heard: the object stands if our key opens it.
async fn completed(
    old: &Writing<'_>,
    upload: &Upload,
    before: &UploadJournal,
    file: &SourceFile,
) -> Result<Option<Uploaded>, PutError> {
    if !before.completing {
        return Ok(None);
    }
    let head = old.client.head_if_opened(old.name(), None, &old.headers).await?;
    // Another writer's plaintext is answered under any key, and has no echo.
    let is_ours = |head: &Head| verify_echo(old.headers.key_md5(), &head.echo).is_ok();
    let Some(head) = head.filter(is_ours) else { return Ok(None) };
    let plan = MultipartPlan::new(file.size(), before.begun.part_size)?;
    let Some((parts, digest)) = hash_file(old, file, plan, before).await? else {
        tracing::warn!("{:?} changed since it was uploaded: it starts anew", file.path());
        return Ok(None);
    };
    let size = file.size();
    let transferred = Transferred { parts, size, digest, continued: size };
    finish(old, upload, transferred, Completion::Done(head.version_id)).await.map(Some)
}

impl Upload {
    fn with_id(writing: &Writing<'_>, id: &str) -> Self {
        Self {
            client: writing.client.clone(),
            name: writing.name().clone(),
            id: id.to_owned(),
            headers: writing.headers.clone(),
        }
    }

    /// The parts the gateway has, by number. Needs no key; it is sent all the same, as some
    /// gateways ask for it under a policy.
    pub(super) async fn list_parts(&self) -> Result<BTreeMap<u16, String>, CallError> {
        let (upload_id, headers) = (self.id.clone(), Arc::clone(&self.headers));
        let of = ListingOf::Parts { upload_id, headers };
        let (bucket, key) = (&self.name.bucket, self.name.key.as_str());
        let parts = ListingPages::new(&self.client, of, bucket, key).all().await?;
        Ok(parts.into_iter().map(|part| (part.number, part.etag)).collect())
    }

    /// Aborts the upload if it was created under our key. Says what is left of it.
    pub(crate) async fn abort_if_ours(&self) -> Leftover {
        match self.owner().await {
            UploadOwner::ThisKey => self.abort().await,
            UploadOwner::Other => Leftover::Nothing,
            UploadOwner::Unknown => Leftover::Upload,
        }
    }
}
