//! What there is to audit: a listing of objects or versions, or a manifest, page by page.

use super::{AuditMark, AuditOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::select::{ManifestKeys, SelectError, Selection};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::names::S3Address;

/// Keys of a manifest in one page.
const NAMED: usize = 1000;

/// An object or version to ask about.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) version: Option<String>,
    pub(super) is_latest: bool,
    pub(super) is_marker: bool,
    pub(super) size: Option<u64>,
    pub(super) last_modified: Option<i64>,
    /// A line of the manifest that names nothing.
    pub(super) broken: Option<SelectError>,
}

impl Found {
    fn named(key: String) -> Self {
        let (version, size, last_modified, broken) = (None, None, None, None);
        Self { key, version, is_latest: true, is_marker: false, size, last_modified, broken }
    }
}

/// Some objects in order, and where the next page begins.
pub(super) struct Page {
    pub(super) found: Vec<Found>,
    /// The last of the page, whosever shard it is in. `None` where there is none.
    pub(super) mark: Option<AuditMark>,
}

/// Lists a place.
pub(super) struct Lister {
    client: Client,
    place: S3Address,
    selection: Selection,
    source: Source,
}

enum Source {
    /// Where the next page starts: a token, or behind a key.
    Objects {
        token: Option<String>,
        after: Option<String>,
        more: bool,
    },
    /// Key and version markers.
    Versions {
        key: Option<String>,
        version: Option<String>,
        more: bool,
    },
    Named(Box<ManifestKeys>, bool),
    Broken(Option<SelectError>),
}

impl Lister {
    pub(super) fn new(client: &Client, place: &S3Address, options: &AuditOptions) -> Self {
        let selection = options.selection.clone();
        let after = options.after.clone();
        let source = match &selection.manifest {
            Some(manifest) => match ManifestKeys::open(manifest, place, &selection) {
                Ok(keys) => Source::Named(Box::new(keys), true),
                Err(error) => Source::Broken(Some(error.into())),
            },
            None if options.versions => {
                let (key, version) = after.map(|mark| (mark.key, mark.version)).unzip();
                Source::Versions { key, version: version.flatten(), more: true }
            }
            None => {
                let after = after.map(|mark| mark.key);
                Source::Objects { token: None, after, more: true }
            }
        };
        Self { client: client.clone(), place: place.clone(), selection, source }
    }

    pub(super) fn has_more(&self) -> bool {
        match &self.source {
            Source::Objects { more, .. }
            | Source::Versions { more, .. }
            | Source::Named(_, more) => *more,
            Source::Broken(error) => error.is_some(),
        }
    }

    pub(super) async fn page(&mut self) -> Result<Page, CallError> {
        let mut page = match &mut self.source {
            Source::Objects { .. } => self.objects().await?,
            Source::Versions { .. } => self.versions().await?,
            Source::Named(keys, more) => {
                let found: Vec<_> = keys.by_ref().take(NAMED).map(named).collect();
                *more = !found.is_empty();
                let last = found.iter().rfind(|found| found.broken.is_none());
                let mark = last.map(|last| AuditMark { key: last.key.clone(), version: None });
                return Ok(Page { found, mark });
            }
            Source::Broken(error) => {
                let found = error.take().map(|error| named(Err(error)));
                return Ok(Page { found: found.into_iter().collect(), mark: None });
            }
        };
        let (place, selection) = (&self.place, &self.selection);
        page.found.retain(|found| place.holds(&found.key) && selection.takes_listed(&found.key));
        Ok(page)
    }

    async fn objects(&mut self) -> Result<Page, CallError> {
        let Source::Objects { token, after, more } = &mut self.source else {
            return Ok(Page { found: Vec::new(), mark: None });
        };
        let (client, place) = (&self.client, &self.place);
        let answer = client
            .s3
            .list_objects_v2()
            .bucket(place.bucket.as_str())
            .prefix(&place.path)
            .set_start_after(after.take())
            .set_continuation_token(token.take())
            .send()
            .await
            .map_err(client.explain(Operation::ListObjects, SentKey::None))?;
        let object = |object: &aws_sdk_s3::types::Object| Found {
            size: object.size().and_then(|size| size.try_into().ok()),
            last_modified: object.last_modified().map(|time| time.secs()),
            ..Found::named(object.key().unwrap_or_default().to_owned())
        };
        let found: Vec<_> = answer.contents().iter().map(object).collect();
        *more = answer.is_truncated().unwrap_or_default();
        *token = answer.next_continuation_token().map(str::to_owned);
        let mark = found.last().map(|last| AuditMark { key: last.key.clone(), version: None });
        Ok(Page { found, mark })
    }

    async fn versions(&mut self) -> Result<Page, CallError> {
        let Source::Versions { key, version, more } = &mut self.source else {
            return Ok(Page { found: Vec::new(), mark: None });
        };
        let (client, place) = (&self.client, &self.place);
        let answer = client
            .s3
            .list_object_versions()
            .bucket(place.bucket.as_str())
            .prefix(&place.path)
            .set_key_marker(key.take())
            .set_version_id_marker(version.take())
            .send()
            .await
            .map_err(client.explain(Operation::ListObjects, SentKey::None))?;
        let versions = answer.versions().iter().map(|version| Found {
            version: version.version_id().map(str::to_owned),
            is_latest: version.is_latest().unwrap_or(true),
            size: version.size().and_then(|size| size.try_into().ok()),
            last_modified: version.last_modified().map(|time| time.secs()),
            ..Found::named(version.key().unwrap_or_default().to_owned())
        });
        let markers = answer.delete_markers().iter().map(|marker| Found {
            version: marker.version_id().map(str::to_owned),
            is_latest: marker.is_latest().unwrap_or(true),
            is_marker: true,
            last_modified: marker.last_modified().map(|time| time.secs()),
            ..Found::named(marker.key().unwrap_or_default().to_owned())
        });
        let mut found: Vec<_> = versions.chain(markers).collect();
        // The SDK gives versions and markers apart; within a key the newest comes first.
        found.sort_by(|a, b| (&a.key, !a.is_latest).cmp(&(&b.key, !b.is_latest)));
        *more = answer.is_truncated().unwrap_or_default();
        *key = answer.next_key_marker().filter(|_| *more).map(str::to_owned);
        *version = answer.next_version_id_marker().filter(|_| *more).map(str::to_owned);
        let at_end = found.last().map(|last| AuditMark { key: last.key.clone(), version: None });
        let mark = match key {
            Some(key) => Some(AuditMark { key: key.clone(), version: version.clone() }),
            None => at_end,
        };
        Ok(Page { found, mark })
    }
}

fn named(key: Result<s3_ssec_core::names::ObjectKey, SelectError>) -> Found {
    match key {
        Ok(key) => Found::named(key.as_str().to_owned()),
        Err(error) => Found { broken: Some(error), ..Found::named("manifest".to_owned()) },
    }
}
