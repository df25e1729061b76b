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
pub(crate) use multipart::{STREAM_PART, Transferred, Upload, joined_etag, send_read};
pub(crate) use single::send;
pub use source::Source;

use crate::client::{Client, WithoutKey};
use crate::nonce;
use crate::trial::WriteKind;
use crate::watch::Watch;
use crate::write::{Existing, PutError, PutOptions, Uploaded};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::ContentKey;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Key;
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::SINGLE_PUT_MAX;
use source::Opened;
use std::sync::Arc;

/// Everything that belongs to one object version being written.
pub(crate) struct Writing<'a> {
    pub(crate) client: &'a Client,
    pub(crate) seal: Seal<'a>,
    pub(crate) headers: Arc<TargetKeyHeaders>,
    pub(crate) content_key: Arc<ContentKey>,
    pub(crate) options: &'a PutOptions,
    pub(crate) watch: &'a Watch,
}

impl<'a> Writing<'a> {
    fn new(
        client: &'a Client,
        key: &'a Key,
        name: &ObjectName,
        options: &'a PutOptions,
        watch: &'a Watch,
    ) -> Result<Self, PutError> {
        Ok(Self::under(
            nonce::draw(client.state.as_ref(), name)?,
            client,
            key,
            name,
            options,
            watch,
        ))
    }

    /// As [`Writing::new`], under the nonce of an upload that is continued.
    fn under(
        nonce: Nonce,
        client: &'a Client,
        key: &'a Key,
        name: &ObjectName,
        options: &'a PutOptions,
        watch: &'a Watch,
    ) -> Self {
        let seal = Seal::new(key, name.clone(), nonce);
        let headers = Arc::new(TargetKeyHeaders::of(&seal.customer_key()));
        let content_key = Arc::new(key.content_key());
        Self { client, seal, headers, content_key, options, watch }
    }

    pub(crate) fn name(&self) -> &ObjectName {
        self.seal.name()
    }
}

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
                let writing = self.begin(key, name, options, watch).await?;
                multipart::put_file(writing, key, file, size).await
            }
            Opened::Stream { start, reader, expected } => {
                let writing = self.begin(key, name, options, watch).await?;
                multipart::put_stream(&writing, start, reader, expected).await
            }
        }
    }

    /// Draws the nonce of an upload in parts, unless it is to replace nothing and the name is taken.
    async fn begin<'a>(
        &'a self,
        key: &'a Key,
        name: &ObjectName,
        options: &'a PutOptions,
        watch: &'a Watch,
    ) -> Result<Writing<'a>, PutError> {
        if options.existing == Existing::Keep {
            self.refuse_existing(name).await?;
        }
        Writing::new(self, key, name, options, watch)
    }

    /// Looks before an upload that is to replace nothing. RGW 16 and 18 ignore the condition on Complete
    /// and, in buckets with versions, on PUT; Garage ignores it on both (measured). There a write of
    /// another client in between is not noticed.
    async fn refuse_existing(&self, name: &ObjectName) -> Result<(), PutError> {
        match self.head_without_key(name, None).await {
            Ok(WithoutKey::Absent) => Ok(()),
            Ok(_) => Err(PutError::Exists(name.clone())),
            // Who may write but not read cannot be told more.
            Err(error) if error.status() == Some(403) => Ok(()),
            Err(error) => Err(error.into()),
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
