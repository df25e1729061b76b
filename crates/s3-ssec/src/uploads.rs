//! Half-done uploads, page by page.

use crate::call::CallError;
use crate::client::Client;
use crate::repair::HalfDone;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::S3Address;

/// Where the next page of half-done uploads begins: object key and upload ID.
pub(crate) type UploadMark = (Option<String>, Option<String>);

impl Client {
    /// One page of the half-done uploads at `place`, and where the next one starts.
    pub(crate) async fn uploads_page(
        &self,
        place: &S3Address,
        (key_marker, id_marker): UploadMark,
    ) -> Result<(Vec<HalfDone>, Option<UploadMark>), CallError> {
        let answer = self
            .s3
            .list_multipart_uploads()
            .bucket(place.bucket.as_str())
            .prefix(&place.path)
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker)
            .send()
            .await
            .map_err(self.explain(Operation::ListMultipartUploads, SentKey::None))?;
        let here = answer.uploads().iter().map(|upload| HalfDone {
            key: upload.key().unwrap_or_default().to_owned(),
            upload_id: upload.upload_id().unwrap_or_default().to_owned(),
            initiated: upload.initiated().map(|time| time.secs()),
            aborted: false,
        });
        let uploads = here.filter(|upload| place.holds(&upload.key)).collect();
        let more = answer.is_truncated().unwrap_or_default();
        let next = answer.next_key_marker().filter(|_| more).map(str::to_owned);
        let id = answer.next_upload_id_marker().map(str::to_owned);
        Ok((uploads, next.map(|key| (Some(key), id))))
    }
}
