//! Listings: what is where. They say nothing about encryption; records and HEAD do.
//!
//! Every listing of this crate goes through [`ListingPages`], so that every page is judged
//! ([`s3_ssec_core::listing`]) and none is asked for twice.

use crate::answer::Judge;
use crate::call::{Broken, CallError};
use crate::client::Client;
use aws_sdk_s3::types::EncodingType;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::listing::{
    Continuations, Entry, EntryKind, Listing, ListingError, Marker, Page, Pages,
    shows_all_without_versions,
};
use s3_ssec_core::names::{BucketName, ObjectName, S3Address};

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

/// The kind of a listing.
#[derive(Clone)]
pub(crate) enum ListingOf {
    /// Objects; keys that go on behind the delimiter are folded into prefixes.
    Objects { delimiter: Option<String> },
    /// Versions and delete markers; objects on a server that keeps no versions and lists none.
    Versions,
    /// Incomplete multipart uploads.
    Uploads,
}

/// Where a page begins.
#[derive(Clone)]
pub(crate) enum Begin {
    Beginning,
    /// Behind this object key, or version or upload of it.
    After(Marker),
    /// Where the last page said.
    Token(Marker),
}

/// A listing under way, page by page.
pub(crate) struct ListingPages {
    client: Client,
    of: ListingOf,
    bucket: BucketName,
    pages: Pages,
    most: Option<i32>,
    next: Option<Begin>,
}

impl ListingPages {
    /// Names that begin with `prefix`; of parts, those of the object with this key.
    pub(crate) fn new(client: &Client, of: ListingOf, bucket: &BucketName, prefix: &str) -> Self {
        let (client, bucket) = (client.clone(), bucket.clone());
        let pages = Pages::new(of.listing(), prefix);
        Self { client, of, bucket, pages, most: None, next: Some(Begin::Beginning) }
    }

    /// Begins elsewhere.
    #[must_use]
    pub(crate) fn from(mut self, from: Begin) -> Self {
        if let Begin::Token(marker) = &from {
            self.pages = self.pages.going_on(marker);
        }
        self.next = Some(from);
        self
    }

    /// With so many entries in a page, at most.
    #[must_use]
    pub(crate) fn at_most(mut self, entries: i32) -> Self {
        self.most = Some(entries);
        self
    }

    /// Where the next page begins; `None` at the end.
    pub(crate) fn marker(&self) -> Option<&Marker> {
        match &self.next {
            Some(Begin::After(marker) | Begin::Token(marker)) => Some(marker),
            _ => None,
        }
    }

    /// The kind of things listed.
    pub(crate) fn of(&self) -> &ListingOf {
        &self.of
    }

    /// True if there is another page.
    pub(crate) fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// The next page; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Entry>>, CallError> {
        let Some(from) = self.next.take() else { return Ok(None) };
        let page = match self.fetch(from.clone()).await {
            Err(error)
                if !matches!(from, Begin::Token(_)) && self.are_objects_all(&error).await? =>
            {
                self.of = ListingOf::Objects { delimiter: None };
                self.fetch(from).await?
            }
            page => page?,
        };
        let page = self.pages.check(page).map_err(|error| unbelievable(&error))?;
        self.next = page.next.map(Begin::Token);
        Ok(Some(page.entries))
    }

    /// Everything, however many pages it takes.
    pub(crate) async fn all(mut self) -> Result<Vec<Entry>, CallError> {
        let mut entries = Vec::new();
        while let Some(page) = self.next().await? {
            entries.extend(page);
        }
        Ok(entries)
    }

    /// True if versions cannot be listed here because there are none.
    async fn are_objects_all(&self, refused: &CallError) -> Result<bool, CallError> {
        let (ListingOf::Versions, Some(refused)) = (&self.of, refused.status()) else {
            return Ok(false);
        };
        // Asked only where the answer decides.
        if !shows_all_without_versions(refused, None) {
            return Ok(false);
        }
        match self.client.versioning_status(&self.bucket).await {
            Ok(status) => Ok(shows_all_without_versions(refused, status.as_deref())),
            Err(error) if error.status().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, from: Begin) -> Result<Page, CallError> {
        let (client, bucket) = (&self.client, self.bucket.as_str());
        let (prefix, url) = (self.pages.prefix(), EncodingType::Url);
        let judge = Judge::new(self.of.listing());
        match &self.of {
            ListingOf::Objects { delimiter } => {
                let list = client.s3.list_objects_v2().bucket(bucket).prefix(prefix);
                let list = list.encoding_type(url).set_delimiter(delimiter.clone());
                let list = match from {
                    Begin::Beginning => list,
                    Begin::After(marker) => list.start_after(marker.at),
                    Begin::Token(marker) => list.continuation_token(marker.at),
                };
                let list = list.set_max_keys(self.most).customize().interceptor(judge.clone());
                let explain = client.explain(Operation::ListObjects, SentKey::None);
                list.send().await.map(drop).map_err(explain)?;
            }
            ListingOf::Versions => {
                let (at, id) = from.marker();
                let list = client.s3.list_object_versions().bucket(bucket).prefix(prefix);
                let list = list.encoding_type(url).set_key_marker(at).set_version_id_marker(id);
                let list = list.set_max_keys(self.most).customize().interceptor(judge.clone());
                let explain = client.explain(Operation::ListObjectVersions, SentKey::None);
                list.send().await.map(drop).map_err(explain)?;
            }
            ListingOf::Uploads => {
                let (at, id) = from.marker();
                let list = client.s3.list_multipart_uploads().bucket(bucket).prefix(prefix);
                // Not encoded: RGW encodes the names and not the marker, and does not say so (measured).
                let list = list.set_key_marker(at).set_upload_id_marker(id);
                let list = list.set_max_uploads(self.most).customize().interceptor(judge.clone());
                let explain = client.explain(Operation::ListMultipartUploads, SentKey::None);
                list.send().await.map(drop).map_err(explain)?;
            }
        }
        judge.page().ok_or_else(|| Broken::Answer("it has no listing".to_owned()).into())
    }
}

impl ListingOf {
    fn listing(&self) -> Listing {
        match self {
            ListingOf::Objects { .. } => Listing::Objects,
            ListingOf::Versions => Listing::Versions,
            ListingOf::Uploads => Listing::Uploads,
        }
    }
}

impl Begin {
    fn marker(self) -> (Option<String>, Option<String>) {
        match self {
            Begin::Beginning => (None, None),
            Begin::After(marker) | Begin::Token(marker) => (Some(marker.at), marker.id),
        }
    }
}

fn unbelievable(error: &ListingError) -> CallError {
    Broken::Answer(error.to_string()).into()
}

impl Client {
    /// Our buckets: all of them, however many pages the gateway makes of them.
    pub async fn list_buckets(&self) -> Result<Vec<ListedBucket>, CallError> {
        let (mut buckets, mut seen, mut token) = (Vec::new(), Continuations::default(), None);
        let listed = |bucket: &aws_sdk_s3::types::Bucket| ListedBucket {
            name: bucket.name().unwrap_or_default().to_owned(),
            created: bucket.creation_date().map(|time| time.secs()),
        };
        loop {
            let answer = self.s3.list_buckets().set_continuation_token(token).send().await;
            let answer = answer.map_err(self.explain(Operation::ListBuckets, SentKey::None))?;
            buckets.extend(answer.buckets().iter().map(listed));
            let next = answer.continuation_token().filter(|token| !token.is_empty());
            let Some(next) = next.map(str::to_owned) else { return Ok(buckets) };
            let marker = Marker { at: next.clone(), id: None };
            seen.follow(&marker).map_err(|error| unbelievable(&error))?;
            token = Some(next);
        }
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
        let of = ListingOf::Objects { delimiter: delimiter.map(str::to_owned) };
        let mut pages = ListingPages::new(self, of, bucket, prefix);
        if let Some(at) = start {
            pages = pages.from(Begin::Token(Marker { at, id: None }));
        }
        let entries = pages.next().await?.unwrap_or_default();
        let next = pages.marker().map(|marker| marker.at.clone());
        // Prefixes first, each group in order.
        let (prefixes, objects): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| entry.kind == EntryKind::Prefix);
        Ok((prefixes.into_iter().chain(objects).map(Listed::from).collect(), next))
    }

    /// The IDs of incomplete uploads of exactly this object.
    pub(crate) async fn uploads_of(&self, name: &ObjectName) -> Result<Vec<String>, CallError> {
        let key = name.key.as_str();
        let pages = ListingPages::new(self, ListingOf::Uploads, &name.bucket, key);
        let uploads = pages.all().await?.into_iter().filter(|upload| upload.key == key);
        Ok(uploads.filter_map(|upload| upload.id).collect())
    }
}

impl From<Entry> for Listed {
    fn from(entry: Entry) -> Self {
        let Entry { kind, key, size, etag, time: last_modified, .. } = entry;
        match kind {
            EntryKind::Prefix => Listed::Prefix(key),
            _ => Listed::Object { key, size, etag, last_modified },
        }
    }
}

/// Walks the objects at a place, page by page.
pub(crate) struct ObjectPages(Box<ListingPages>);

impl ObjectPages {
    pub(crate) fn new(client: &Client, place: &S3Address) -> Self {
        Self::after(client, place, None)
    }

    /// From the first object behind this key on.
    pub(crate) fn after(client: &Client, place: &S3Address, after: Option<String>) -> Self {
        let of = ListingOf::Objects { delimiter: None };
        let pages = ListingPages::new(client, of, &place.bucket, &place.path);
        Self(Box::new(match after {
            Some(at) => pages.from(Begin::After(Marker { at, id: None })),
            None => pages,
        }))
    }

    /// The next objects: key and size. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(String, u64)>>, CallError> {
        let page = self.0.next().await?;
        Ok(page.map(|page| page.into_iter().map(|object| (object.key, object.size)).collect()))
    }
}
