//! What a versioned bucket keeps behind its newest objects.

use super::{RekeyError, RekeyOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::list::{Begin, ListingOf, ListingPages};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::listing::{EntryKind, Marker};
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
    pages: ListingPages,
    last: Option<String>,
}

impl VersionedKeys {
    /// Those behind the key `after`.
    pub(super) fn new(client: &Client, place: &S3Address, after: Option<String>) -> Self {
        let pages = version_pages(client, place);
        let pages = match after {
            Some(at) => pages.from(Begin::After(Marker { at, id: None })),
            None => pages,
        };
        Self { pages, last: None }
    }

    /// The next keys; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>, CallError> {
        let Some(page) = self.pages.next().await? else { return Ok(None) };
        let mut keys: Vec<_> = page.into_iter().map(|entry| entry.key).collect();
        // Servers may give versions and markers apart, each in order.
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.last.as_ref() != Some(key));
        if let Some(last) = keys.last() {
            self.last = Some(last.clone());
        }
        Ok(Some(keys))
    }
}

fn version_pages(client: &Client, place: &S3Address) -> ListingPages {
    ListingPages::new(client, ListingOf::Versions, &place.bucket, &place.path)
}

/// Versions of one object in one answer: what other objects begin alike is read in vain.
const OF_ONE: i32 = 100;

impl Client {
    /// All versions of one object.
    pub(super) async fn versions_of(&self, name: &ObjectName) -> Result<ObjectVersions, CallError> {
        let (key, mut found) = (name.key.as_str(), ObjectVersions::default());
        let pages = ListingPages::new(self, ListingOf::Versions, &name.bucket, key);
        let mut pages = pages.at_most(OF_ONE);
        while let Some(page) = pages.next().await? {
            for entry in page.into_iter().filter(|entry| entry.key == key) {
                let id = entry.id.unwrap_or_else(|| "null".to_owned());
                match entry.kind {
                    EntryKind::DeleteMarker => {
                        found.deleted |= entry.is_latest;
                        found.markers.push(id);
                    }
                    _ => found.versions.push(ObjectVersion { id, size: entry.size }),
                }
            }
            // What is listed behind it is of other objects.
            if pages.marker().is_none_or(|marker| marker.at != key) {
                break;
            }
        }
        // Listings begin with the newest.
        found.versions.reverse();
        Ok(found)
    }

    /// Whether the bucket keeps versions.
    pub(super) async fn versioning(&self, bucket: &BucketName) -> Result<Versioning, CallError> {
        Ok(match self.versioning_status(bucket).await?.as_deref() {
            None => Versioning::Never,
            Some("Enabled") => Versioning::Enabled,
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
        let (mut old, mut pages) = (OldVersions::default(), version_pages(self, place));
        while let Some(page) = pages.next().await? {
            let versions = page.iter().filter(|entry| entry.kind == EntryKind::Version);
            for entry in versions.filter(|entry| !entry.is_latest) {
                if options.takes(place, &entry.key) {
                    old.versions += 1;
                    old.bytes += entry.size;
                }
            }
        }
        Ok(Some(old))
    }
}
