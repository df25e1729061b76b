//! The end of a multipart upload: the executor of [`s3_ssec_core::transfer::complete_parts`].

use super::{Transferred, Upload, Writing, joined_etag};
use crate::call::{Broken, CallError};
use crate::carry::{Carried, KeyAlone, carry};
use crate::watch::Watch;
use crate::write::{PutError, Uploaded};
use s3_ssec_core::record::Content;
use s3_ssec_core::transfer::{
    CompletePlan, CompleteVerdict, Description, KeyFacts, Stored, complete_parts, describe_parts,
};
use std::sync::Arc;

/// Whether the upload was completed.
pub(super) enum Completion {
    ToDo,
    /// It was, and the gateway names this version.
    Done(Option<String>),
}

/// Complete, proof, record.
pub(super) async fn finish(
    writing: &Writing<'_>,
    upload: &Upload,
    transferred: Transferred,
    completion: Completion,
) -> Result<Uploaded, PutError> {
    let plan = plan(writing, upload, &transferred);
    let hands = KeyAlone(Arc::clone(&writing.headers));
    let course = |link| async move {
        match completion {
            Completion::ToDo => complete_parts(&link, &plan).await,
            Completion::Done(version_id) => describe_parts(&link, &plan, version_id).await,
        }
    };
    // Whoever stops an upload while it is completed drops this future, and the journal knows how far it was.
    let carried = carry(writing.client, &hands, &Watch::default(), course).await;
    ended(writing, &transferred, carried)
}

fn plan(writing: &Writing<'_>, upload: &Upload, transferred: &Transferred) -> CompletePlan {
    let Transferred { parts, size, digest, .. } = transferred;
    let pending = writing.seal.record(Content::Pending);
    let complete = writing.seal.record(writing.options.content(*size, *digest));
    CompletePlan {
        name: writing.name().clone(),
        key: KeyFacts::of(&writing.seal, &writing.headers, &pending),
        upload: upload.id.clone(),
        etags: parts.iter().map(|part| part.etag.clone()).collect(),
        size: *size,
        description: Description { record: complete.to_string(), plain_etag: joined_etag(parts) },
        tags: writing.options.tags.clone(),
        condition: writing.options.condition(),
    }
}

fn ended(
    writing: &Writing<'_>,
    transferred: &Transferred,
    mut carried: Carried<CompleteVerdict>,
) -> Result<Uploaded, PutError> {
    let name = writing.name();
    let failed = |error: Option<CallError>| {
        let unread = || CallError::from(Broken::Answer("it is not one to Complete".to_owned()));
        PutError::Call(error.unwrap_or_else(unread))
    };
    Err(match carried.verdict.clone() {
        CompleteVerdict::Stored(Stored { proof, record, etag, version_id }) => {
            return Ok(Uploaded {
                name: name.clone(),
                version_id,
                size: transferred.size,
                etag,
                key: writing.seal.key().fingerprint(),
                nonce: writing.seal.nonce(),
                record: writing.client.kept_in(record),
                continued: transferred.continued,
                proof,
            });
        }
        CompleteVerdict::Exists => PutError::Exists(name.clone()),
        CompleteVerdict::Refused { answer, object } => {
            failed(carried.refused(&answer)).leaving(name, object.into())
        }
        CompleteVerdict::NotProved { error, object } => {
            PutError::NotProved { name: name.clone(), error, leftover: object.into() }
        }
        CompleteVerdict::Overwritten => PutError::Overwritten(name.clone()),
        CompleteVerdict::Unrecorded => writing.client.unrecorded(&writing.seal),
        // The journal says that it was being completed: a later run looks again.
        CompleteVerdict::Unanswered(_) => failed(carried.unanswered()),
        CompleteVerdict::Stopped(_) => PutError::Stopped,
    })
}
