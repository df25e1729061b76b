//! Takes up an upload that broke off: finds out from the gateway how far it came.

use super::super::Writing;
use super::super::journal::UploadLog;
use super::super::source::SourceFile;
use super::parts::{Transferred, hash_file};
use super::{Completed, Upload, describe};
use crate::call::CallError;
use crate::client::{Client, bare_etag};
use crate::write::{Leftover, PutError, Uploaded};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::journal::UploadJournal;
use s3_ssec_core::key::{Key, Kind};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::MultipartPlan;
use std::collections::BTreeMap;

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
    let mut leftover = Leftover::Nothing;
    for id in uploads {
        let upload = Upload::with_id(writing, &id);
        // Under a direct key another machine may be uploading too: its upload looks like ours.
        let somebodys = writing.seal.key().kind() == Kind::Direct;
        if somebodys || (upload.is_ours().await && upload.abort().await == Leftover::Upload) {
            leftover = Leftover::Upload;
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
    let head = match old.client.head(old.name(), None, &old.headers).await {
        Ok(head) => head,
        Err(error) if matches!(error.status(), Some(400 | 404)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let plan = MultipartPlan::new(file.size(), before.begun.part_size)?;
    let Some((parts, digest)) = hash_file(old, file, plan, before).await? else {
        tracing::warn!("{:?} changed since it was uploaded: it starts anew", file.path());
        return Ok(None);
    };
    let size = file.size();
    let transferred = Transferred { parts, size, digest, continued: size };
    let completed = Completed::found(head.version_id);
    describe(old, upload, transferred, completed).await.map(Some)
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
        use crate::call::WithKey as _;
        let (mut parts, mut marker) = (BTreeMap::new(), None);
        loop {
            let answer = self
                .client
                .s3
                .list_parts()
                .bucket(self.name.bucket.as_str())
                .key(self.name.key.as_str())
                .upload_id(&self.id)
                .set_part_number_marker(marker)
                .customize()
                .key(&self.headers)
                .send()
                .await
                .map_err(self.client.explain(Operation::ListParts, SentKey::Target))?;
            for part in answer.parts() {
                let number = part.part_number().and_then(|number| number.try_into().ok());
                parts.insert(number.unwrap_or_default(), bare_etag(part.e_tag()));
            }
            marker = answer.next_part_number_marker().map(str::to_owned);
            if !answer.is_truncated().unwrap_or_default() || marker.is_none() {
                return Ok(parts);
            }
        }
    }

    /// True if the upload was created under our key: then, and only then, it takes a part with our
    /// key and echoes it. The last possible part number is used, which no plan of ours reaches
    /// before 10,000 parts.
    pub(crate) async fn is_ours(&self) -> bool {
        self.probe_part().await.is_ok()
    }
}

impl Client {
    /// The IDs of half-done uploads of exactly this object.
    pub(crate) async fn uploads_of(&self, name: &ObjectName) -> Result<Vec<String>, CallError> {
        let answer = self
            .s3
            .list_multipart_uploads()
            .bucket(name.bucket.as_str())
            .prefix(name.key.as_str())
            .send()
            .await
            .map_err(self.explain(Operation::ListMultipartUploads, SentKey::None))?;
        let ours = answer.uploads().iter().filter(|upload| upload.key() == Some(name.key.as_str()));
        Ok(ours.filter_map(|upload| upload.upload_id().map(str::to_owned)).collect())
    }
}
