//! What there is to audit: a listing of objects or versions, or a manifest, page by page.

use super::{AuditMark, AuditOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::list::{Begin, ListingOf, ListingPages};
use crate::select::{ManifestKeys, SelectError, Selection};
use s3_ssec_core::listing::{Entry, EntryKind, Marker};
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
    place: S3Address,
    selection: Selection,
    source: Source,
}

enum Source {
    Listed(Box<ListingPages>),
    Named(Box<ManifestKeys>, bool),
    Broken(Option<SelectError>),
}

impl Lister {
    pub(super) fn new(client: &Client, place: &S3Address, options: &AuditOptions) -> Self {
        let selection = options.selection.clone();
        let source = match &selection.manifest {
            Some(manifest) => match ManifestKeys::open(manifest, place, &selection) {
                Ok(keys) => Source::Named(Box::new(keys), true),
                Err(error) => Source::Broken(Some(error.into())),
            },
            None => {
                let of = match options.versions {
                    true => ListingOf::Versions,
                    false => ListingOf::Objects { delimiter: None },
                };
                let pages = ListingPages::new(client, of, &place.bucket, &place.path);
                Source::Listed(Box::new(match options.after.clone() {
                    Some(AuditMark { key: at, version: id }) => {
                        pages.from(Begin::After(Marker { at, id }))
                    }
                    None => pages,
                }))
            }
        };
        Self { place: place.clone(), selection, source }
    }

    pub(super) fn has_more(&self) -> bool {
        match &self.source {
            Source::Listed(pages) => pages.has_more(),
            Source::Named(_, more) => *more,
            Source::Broken(error) => error.is_some(),
        }
    }

    pub(super) async fn page(&mut self) -> Result<Page, CallError> {
        let pages = match &mut self.source {
            Source::Listed(pages) => pages,
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
        let entries = pages.next().await?.unwrap_or_default();
        let mut found: Vec<_> = entries.into_iter().map(Found::from).collect();
        // Servers may give versions and markers apart; within a key the newest comes first.
        found.sort_by(|a, b| (&a.key, !a.is_latest).cmp(&(&b.key, !b.is_latest)));
        let last = found.last().map(|last| AuditMark { key: last.key.clone(), version: None });
        let mark = match (pages.of(), pages.marker()) {
            (ListingOf::Versions, Some(Marker { at: key, id: version })) => {
                Some(AuditMark { key: key.clone(), version: version.clone() })
            }
            _ => last,
        };
        let (place, selection) = (&self.place, &self.selection);
        found.retain(|found| place.holds(&found.key) && selection.takes_listed(&found.key));
        Ok(Page { found, mark })
    }
}

impl From<Entry> for Found {
    fn from(entry: Entry) -> Self {
        let is_marker = entry.kind == EntryKind::DeleteMarker;
        Self {
            version: entry.id,
            // Only listings of versions say so.
            is_latest: entry.is_latest || entry.kind == EntryKind::Object,
            is_marker,
            size: (!is_marker).then_some(entry.size),
            last_modified: entry.time,
            ..Self::named(entry.key)
        }
    }
}

fn named(key: Result<s3_ssec_core::names::ObjectKey, SelectError>) -> Found {
    match key {
        Ok(key) => Found::named(key.as_str().to_owned()),
        Err(error) => Found { broken: Some(error), ..Found::named("manifest".to_owned()) },
    }
}
