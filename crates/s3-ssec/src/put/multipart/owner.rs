//! Under which key an upload was created, found out by parts that cannot be stored.
//!
//! A part whose Content-MD5 is wrong is refused for its key where that is not the upload's, and else
//! for its digest (measured on RGW 16, 18 and 20). A gateway that took such a part would alter an
//! upload that may be another client's, so this is tried first on a scratch upload.

use super::Upload;
use crate::call::{CallError, WithKey as _};
use crate::client::Client;
use crate::trial::scratch_name;
use crate::write::{Leftover, PutOptions};
use base64::Engine as _;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::PARTS_MAX;
use s3_ssec_core::removal::{UploadOwner, UploadProbe};
use std::sync::Arc;

impl Upload {
    /// Whether the upload was created under our key. Writes nothing into it.
    pub(crate) async fn owner(&self) -> UploadOwner {
        match self.client.refuses_wrong_parts(&self.name).await {
            true => self.probe().await,
            false => UploadOwner::Unknown,
        }
    }

    async fn probe(&self) -> UploadOwner {
        let Ok(random) = CustomerKey::generate() else { return UploadOwner::Unknown };
        let random = Arc::new(TargetKeyHeaders::of(&random));
        let Some(under_key) = self.wrong_part(&self.headers).await else {
            return UploadOwner::Unknown;
        };
        let Some(under_random) = self.wrong_part(&random).await else {
            return UploadOwner::Unknown;
        };
        UploadProbe {
            under_key: (under_key.0, under_key.1.as_deref()),
            under_random: (under_random.0, under_random.1.as_deref()),
        }
        .judge()
    }

    /// The refusal of an empty part with the Content-MD5 of another content. The last possible number
    /// is used, which no plan of ours reaches before 10,000 parts.
    async fn wrong_part(&self, headers: &Arc<TargetKeyHeaders>) -> Option<(u16, Option<String>)> {
        use md5::Digest as _;
        let wrong = base64::prelude::BASE64_STANDARD.encode(md5::Md5::digest(b"wrong"));
        let part = self.client.s3.upload_part().bucket(self.name.bucket.as_str());
        let part = part.key(self.name.key.as_str()).upload_id(&self.id).content_md5(wrong);
        let part = part.part_number(i32::try_from(PARTS_MAX).ok()?).content_length(0);
        let answer = part.customize().key(headers).send().await;
        let explain = self.client.explain(Operation::UploadPart, SentKey::Target);
        match answer.map_err(explain) {
            Ok(_) => Some((200, None)),
            Err(CallError::Refused(refusal)) => Some((refusal.status, refusal.code)),
            Err(CallError::Broken(_)) => None,
        }
    }
}

impl Client {
    /// True if this gateway refuses wrong parts for the right reasons, tried once on an upload that
    /// is ours.
    async fn refuses_wrong_parts(&self, beside: &ObjectName) -> bool {
        *self.wrong_parts.get_or_init(|| self.try_wrong_parts(beside)).await
    }

    async fn try_wrong_parts(&self, beside: &ObjectName) -> bool {
        let keys = (CustomerKey::generate(), CustomerKey::generate());
        let (Ok(scratch), (Ok(key), Ok(other))) = (scratch_name(beside), keys) else {
            return false;
        };
        let note = self.note_trial(&scratch);
        let headers = Arc::new(TargetKeyHeaders::of(&key));
        let options = PutOptions::default();
        let Ok(ours) = Upload::create(self, &scratch, &headers, None, &options).await else {
            return false;
        };
        let foreign = Upload { headers: Arc::new(TargetKeyHeaders::of(&other)), ..ours.clone() };
        let right = ours.probe().await == UploadOwner::ThisKey
            && foreign.probe().await == UploadOwner::Other
            && ours.list_parts().await.is_ok_and(|parts| parts.is_empty());
        if ours.abort().await == Leftover::Nothing
            && let Some(note) = note
        {
            note.remove();
        }
        right
    }
}
