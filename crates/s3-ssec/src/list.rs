//! Listings: what is where. They say nothing about encryption; records and HEAD do.

use crate::call::CallError;
use crate::client::{Client, bare_etag};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::BucketName;

/// An object or a common prefix in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Listed {
    /// An object.
    Object {
        /// Its key, unescaped.
        key: String,
        /// Size of the plaintext in bytes.
        size: u64,
        /// The ETag without quotes.
        etag: String,
        /// Seconds since 1970.
        last_modified: Option<i64>,
    },
    /// A prefix up to and with the delimiter.
    Prefix(String),
}

/// A bucket of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedBucket {
    /// Its name.
    pub name: String,
    /// Seconds since 1970.
    pub created: Option<i64>,
}

impl Client {
    /// Our buckets.
    pub async fn list_buckets(&self) -> Result<Vec<ListedBucket>, CallError> {
        let answer = self
            .s3
            .list_buckets()
            .send()
            .await
            .map_err(self.explain(Operation::ListBuckets, SentKey::None))?;
        let bucket = |bucket: &aws_sdk_s3::types::Bucket| ListedBucket {
            name: bucket.name().unwrap_or_default().to_owned(),
            created: bucket.creation_date().map(|time| time.secs()),
        };
        Ok(answer.buckets().iter().map(bucket).collect())
    }

    /// One page of a listing, at most 1,000 entries, and where the next one starts.
    ///
    /// With `delimiter` (usually `/`) keys that go on behind it are folded into prefixes.
    pub async fn list_page(
        &self,
        bucket: &BucketName,
        prefix: &str,
        delimiter: Option<&str>,
        start: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), CallError> {
        self.list_after(bucket, prefix, delimiter, start, None).await
    }

    /// As [`Client::list_page`]; the first page begins behind the key `after`.
    pub(crate) async fn list_after(
        &self,
        bucket: &BucketName,
        prefix: &str,
        delimiter: Option<&str>,
        start: Option<String>,
        after: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), CallError> {
        let answer = self
            .s3
            .list_objects_v2()
            .bucket(bucket.as_str())
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .set_continuation_token(start)
            .set_start_after(after)
            .send()
            .await
            .map_err(self.explain(Operation::ListObjects, SentKey::None))?;
        let prefixes = answer.common_prefixes().iter();
        let prefixes = prefixes.filter_map(|common| common.prefix()).map(str::to_owned);
        let object = |object: &aws_sdk_s3::types::Object| Listed::Object {
            key: object.key().unwrap_or_default().to_owned(),
            size: object.size().and_then(|size| size.try_into().ok()).unwrap_or_default(),
            etag: bare_etag(object.e_tag()),
            last_modified: object.last_modified().map(|time| time.secs()),
        };
        let objects = answer.contents().iter().map(object);
        let listed = prefixes.map(Listed::Prefix).chain(objects).collect();
        let more = answer.is_truncated().unwrap_or_default();
        let next = answer.next_continuation_token().filter(|_| more).map(str::to_owned);
        Ok((listed, next))
    }
}
