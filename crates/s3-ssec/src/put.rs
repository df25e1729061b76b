//! Uploads: proved, described by their record, and taken back when anything is amiss.
//!
//! One PUT up to 16 MiB with the record in the same request; above that a multipart upload whose
//! record is pending until its content is known.

mod body;
mod journal;
mod multipart;
mod single;
mod source;

pub(crate) use journal::broken_off;
use multipart::Writing;
pub(crate) use multipart::{
    STREAM_PART, Transferred, Upload, abort_uploads_of, joined_etag, send_read,
};
pub(crate) use single::send;
pub use source::Source;

use crate::client::Client;
use crate::trial::WriteKind;
use crate::watch::Watch;
use crate::write::{PutError, PutOptions, Uploaded};
use s3_ssec_core::key::Key;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::SINGLE_PUT_MAX;
use source::Opened;

impl Client {
    /// Writes `source` as `name` under a fresh key of `key`.
    ///
    /// Returns only when the gateway confirmed the customer key, or fails and leaves nothing behind
    /// (or says what it had to leave).
    pub async fn put(
        &self,
        key: &Key,
        name: &ObjectName,
        source: Source,
        options: &PutOptions,
        watch: &Watch,
    ) -> Result<Uploaded, PutError> {
        let opened = source.open(SINGLE_PUT_MAX).await?;
        let kind = match opened {
            Opened::Small(_) => WriteKind::Single,
            Opened::File { .. } | Opened::Stream { .. } => WriteKind::Multipart,
        };
        let options = &self.try_first(name, kind, options, watch).await?;
        match opened {
            Opened::Small(content) => single::put(self, key, name, content, options, watch).await,
            Opened::File { file, size } => {
                let writing = Writing { client: self, key, name, options, watch };
                multipart::put_file(writing, file, size).await
            }
            Opened::Stream { start, reader, expected } => {
                let writing = Writing { client: self, key, name, options, watch };
                multipart::put_stream(&writing, start, reader, expected).await
            }
        }
    }
}

/// The value of an `x-amz-tagging` header: an URL query of the record and the caller's tags.
pub(crate) fn tagging(tags: &[(String, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(tags);
    // RGW and S3 decode both forms of a blank; `%20` is the one of the reference.
    query.finish().replace('+', "%20")
}
