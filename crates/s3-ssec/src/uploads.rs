//! Incomplete multipart uploads, page by page.

use crate::call::CallError;
use crate::client::Client;
use crate::list::{ListingOf, ListingPages};
use s3_ssec_core::names::S3Address;

/// An incomplete multipart upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HalfDone {
    /// The object it would have become.
    pub key: String,
    /// Its upload ID.
    pub upload_id: String,
    /// When it began, in seconds since 1970.
    pub initiated: Option<i64>,
    /// True if it was aborted now.
    pub aborted: bool,
}

/// Lists the incomplete multipart uploads at a place.
pub(crate) struct UploadPages {
    pages: ListingPages,
    place: S3Address,
}

impl UploadPages {
    pub(crate) fn new(client: &Client, place: &S3Address) -> Self {
        let pages = ListingPages::new(client, ListingOf::Uploads, &place.bucket, &place.path);
        Self { pages, place: place.clone() }
    }

    /// The next uploads; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<HalfDone>>, CallError> {
        let Some(page) = self.pages.next().await? else { return Ok(None) };
        let here = page.into_iter().filter(|upload| self.place.holds(&upload.key));
        let upload = here.map(|upload| HalfDone {
            key: upload.key,
            upload_id: upload.id.unwrap_or_default(),
            initiated: upload.time,
            aborted: false,
        });
        Ok(Some(upload.collect()))
    }
}
