//! What a versioned bucket keeps behind its newest objects.

use super::{RekeyError, RekeyOptions};
use crate::call::CallError;
use crate::client::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::BucketVersioningStatus;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::{BucketName, ObjectName, S3Address};

/// Versions behind the newest ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OldVersions {
    /// How many.
    pub versions: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versioning {
    /// It never did.
    Never,
    Enabled,
    /// It did; a new object takes the place of the one without an ID.
    Suspended,
}

/// A version that is no delete marker.
pub(super) struct ObjectVersion {
    /// Its ID; `null` where it was written without versions.
    pub(super) id: String,
    pub(super) size: u64,
}

/// All there is of one object.
#[derive(Default)]
pub(super) struct ObjectVersions {
    /// The oldest first.
    pub(super) versions: Vec<ObjectVersion>,
    pub(super) markers: Vec<String>,
    /// The newest of all is a marker.
    pub(super) deleted: bool,
}

impl ObjectVersions {
    /// The IDs of all, markers too.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let versions = self.versions.iter().map(|version| version.id.as_str());
        versions.chain(self.markers.iter().map(String::as_str))
    }
}

/// Walks all versions below a place, and gives each object key once.
pub(super) struct VersionedKeys {
    client: Client,
    place: S3Address,
    after: Option<Markers>,
    last: Option<String>,
}

/// Where a listing goes on.
#[derive(Clone, Default)]
struct Markers {
    key: Option<String>,
    version: Option<String>,
}

impl VersionedKeys {
    /// Those behind the key `after`.
    pub(super) fn new(client: &Client, place: &S3Address, after: Option<String>) -> Self {
        let after = Some(Markers { key: after, version: None });
        Self { client: client.clone(), place: place.clone(), after, last: None }
    }

    /// The next keys; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>, CallError> {
        let Some(after) = self.after.take() else { return Ok(None) };
        let (bucket, path) = (&self.place.bucket, &self.place.path);
        let page = self.client.list_versions(bucket, path, None, after).await?;
        self.after = next_markers(&page);
        // The SDK gives versions and markers apart, each in order.
        let versions = page.versions().iter().filter_map(|version| version.key());
        let markers = page.delete_markers().iter().filter_map(|marker| marker.key());
        let mut keys: Vec<_> = versions.chain(markers).map(str::to_owned).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.last.as_ref() != Some(key));
        if let Some(last) = keys.last() {
            self.last = Some(last.clone());
        }
        Ok(Some(keys))
    }
}

fn next_markers(page: &ListObjectVersionsOutput) -> Option<Markers> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    (page.is_truncated() == Some(true)).then(|| Markers {
        key: owned(page.next_key_marker()),
        version: owned(page.next_version_id_marker()),
    })
}

/// Versions of one object in one answer: what other objects begin alike is read in vain.
const OF_ONE: i32 = 100;

impl Client {
    async fn list_versions(
        &self,
        bucket: &BucketName,
        prefix: &str,
        most: Option<i32>,
        after: Markers,
    ) -> Result<ListObjectVersionsOutput, CallError> {
        let list = self.s3.list_object_versions().bucket(bucket.as_str()).prefix(prefix);
        let list = list.set_max_keys(most).set_key_marker(after.key);
        let answer = list.set_version_id_marker(after.version).send().await;
        answer.map_err(self.explain(Operation::ListObjectVersions, SentKey::None))
    }

    /// All versions of one object.
    pub(super) async fn versions_of(&self, name: &ObjectName) -> Result<ObjectVersions, CallError> {
        let key = name.key.as_str();
        let (mut found, mut after) = (ObjectVersions::default(), Some(Markers::default()));
        while let Some(markers) = after {
            let page = self.list_versions(&name.bucket, key, Some(OF_ONE), markers).await?;
            let versions = page.versions().iter().filter(|version| version.key() == Some(key));
            for version in versions {
                let size = version.size().and_then(|size| size.try_into().ok());
                let id = version.version_id().unwrap_or("null").to_owned();
                found.versions.push(ObjectVersion { id, size: size.unwrap_or_default() });
            }
            let markers = page.delete_markers().iter().filter(|marker| marker.key() == Some(key));
            for marker in markers {
                found.deleted |= marker.is_latest() == Some(true);
                found.markers.push(marker.version_id().unwrap_or("null").to_owned());
            }
            // What is listed behind it is of other objects.
            let more = next_markers(&page);
            after = more.filter(|markers| markers.key.as_deref() == Some(key));
        }
        // Listings begin with the newest.
        found.versions.reverse();
        Ok(found)
    }

    /// Whether the bucket keeps versions.
    pub(super) async fn versioning(&self, bucket: &BucketName) -> Result<Versioning, CallError> {
        let answer = self.s3.get_bucket_versioning().bucket(bucket.as_str()).send().await;
        let explain = self.explain(Operation::GetBucketVersioning, SentKey::None);
        Ok(match answer.map_err(explain)?.status() {
            None => Versioning::Never,
            Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
            Some(_) => Versioning::Suspended,
        })
    }

    /// Puts a delete marker on top of an object, and gives its version ID.
    pub(super) async fn delete_on_top(&self, name: &ObjectName) -> Result<String, CallError> {
        let delete = self.s3.delete_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let answer = delete.send().await;
        let answer = answer.map_err(self.explain(Operation::DeleteObject, SentKey::None))?;
        Ok(answer.version_id().unwrap_or("null").to_owned())
    }

    /// Counts the versions that are not the newest; `None` on a bucket that never had versions.
    pub(super) async fn old_versions(
        &self,
        place: &S3Address,
        options: &RekeyOptions,
    ) -> Result<Option<OldVersions>, RekeyError> {
        match self.versioning(&place.bucket).await {
            Ok(Versioning::Never) => return Ok(None),
            // Who may not know is not told.
            Err(error) if error.status() == Some(403) => return Ok(None),
            answer => drop(answer?),
        }
        let (mut old, mut after) = (OldVersions::default(), Some(Markers::default()));
        while let Some(markers) = after {
            let page = self.list_versions(&place.bucket, &place.path, None, markers).await?;
            for listed in page.versions().iter().filter(|listed| listed.is_latest() != Some(true)) {
                let name = listed.key().unwrap_or_default();
                if options.takes(place, name) {
                    let size = listed.size().unwrap_or_default();
                    old.versions += 1;
                    old.bytes += u64::try_from(size).unwrap_or_default();
                }
            }
            after = next_markers(&page);
        }
        Ok(Some(old))
    }
}
