//! What a versioned bucket keeps behind its newest objects.

use super::{RekeyError, RekeyOptions};
use crate::client::Client;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::S3Address;

/// Versions behind the newest ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OldVersions {
    /// How many.
    pub versions: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Client {
    /// Counts the versions that are not the newest; `None` on a bucket that never had versions.
    pub(super) async fn old_versions(
        &self,
        place: &S3Address,
        options: &RekeyOptions,
    ) -> Result<Option<OldVersions>, RekeyError> {
        let bucket = place.bucket.as_str();
        let answer = self.s3.get_bucket_versioning().bucket(bucket).send().await;
        let explain = self.explain(Operation::GetBucketVersioning, SentKey::None);
        match answer.map_err(explain) {
            Ok(answer) if answer.status().is_none() => return Ok(None),
            // Who may not know is not told.
            Err(error) if error.status() == Some(403) => return Ok(None),
            answer => drop(answer?),
        }
        let mut old = OldVersions::default();
        let (mut key, mut version) = (None, None);
        loop {
            let list = self.s3.list_object_versions().bucket(bucket).prefix(&place.path);
            let page = list.set_key_marker(key).set_version_id_marker(version).send().await;
            let explain = self.explain(Operation::ListObjectVersions, SentKey::None);
            let page = page.map_err(explain)?;
            for listed in page.versions().iter().filter(|listed| listed.is_latest() != Some(true)) {
                let name = listed.key().unwrap_or_default();
                if options.takes(place, name) {
                    let size = listed.size().unwrap_or_default();
                    old.versions += 1;
                    old.bytes += u64::try_from(size).unwrap_or_default();
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(Some(old));
            }
            key = page.next_key_marker().map(str::to_owned);
            version = page.next_version_id_marker().map(str::to_owned);
        }
    }
}
