//! Pages of listings, judged before they are believed.
//!
//! A listing decides what is audited, rekeyed, removed, and which key is still in use: an entry that is
//! missing is a mistake without a trace. So a page counts only as a whole: its root element is the one
//! asked for and it is closed, the number of entries is the one it states, it says whether more follows,
//! and if so from where. Names are asked for as `encoding-type=url` where the answer says that they are
//! encoded, because XML has no form for some of the characters that a name may have.

use crate::journal::merge::identity_of;
use crate::plan::is_possible_size;
use crate::xml::{self, XmlError};
use std::collections::BTreeSet;

/// Bytes of a page, at most: 1,000 entries of the longest names are 4 MiB.
pub const PAGE_MAX: usize = 16 << 20;

/// The kind of things listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Listing {
    /// Objects, by ListObjectsV2.
    Objects,
    /// Versions and delete markers.
    Versions,
    /// Incomplete multipart uploads.
    Uploads,
    /// The parts of one upload.
    Parts,
}

/// True if a listing of objects shows all that a bucket holds, although its versions were not listed.
///
/// `refused` is the status of ListObjectVersions, `versioning` what GetBucketVersioning answered. Where that
/// is refused as well nothing is known.
pub fn shows_all_without_versions(refused: u16, versioning: Option<&str>) -> bool {
    // Not known to the server, or not permitted.
    matches!(refused, 400 | 403 | 404 | 405 | 501) && versioning.is_none()
}

/// The kind of an entry of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// An object.
    Object,
    /// A version of an object.
    Version,
    /// A version that stands for a deletion.
    DeleteMarker,
    /// Names that go on behind a delimiter.
    Prefix,
    /// An incomplete multipart upload.
    Upload,
    /// A part of an upload.
    Part,
}

/// An entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its kind.
    pub kind: EntryKind,
    /// The name: an object key, or a prefix. Empty for a part.
    pub key: String,
    /// Size of the plaintext in bytes, of objects, versions and parts; otherwise 0.
    pub size: u64,
    /// The ETag without quotes; may be empty.
    pub etag: String,
    /// Last change, or the begin of an upload, in seconds since 1970.
    pub time: Option<i64>,
    /// The ID of a version, or of an upload.
    pub id: Option<String>,
    /// True for the newest version of an object.
    pub is_latest: bool,
    /// The number of a part; otherwise 0.
    pub number: u16,
}

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marker {
    /// A token of the server's, an object key, or the number of a part.
    pub at: String,
    /// The ID of the version or the upload under that key.
    pub id: Option<String>,
}

/// A whole page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Its entries, in the order of the answer.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end of the listing.
    pub next: Option<Marker>,
}

/// A page cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// It is not the XML that was asked for.
    #[error("the listing is not complete: {0}")]
    Xml(#[from] XmlError),
    /// It is too large.
    #[error("the listing is larger than {} MiB", PAGE_MAX >> 20)]
    TooLarge,
    /// It states another number of entries than it has.
    #[error("the listing states {stated} entries and has {found}")]
    Count {
        /// The number that it states.
        stated: u64,
        /// The number that it has.
        found: usize,
    },
    /// It does not say whether more follows, or more follows and it does not say from where.
    #[error("the listing does not say {0}")]
    Silent(&'static str),
    /// An entry lacks something, or has it in a form that is not S3's.
    #[error("the listing has an entry with no valid {0}")]
    Entry(&'static str),
    /// It goes on where it already was.
    #[error("the listing goes round in a circle: it names the same continuation twice")]
    Circle,
    /// An entry is not below the prefix.
    #[error("the listing has entries that were not asked for")]
    Elsewhere,
}

impl Listing {
    /// The name of the root element.
    pub fn root(self) -> &'static str {
        match self {
            Listing::Objects => "ListBucketResult",
            Listing::Versions => "ListVersionsResult",
            Listing::Uploads => "ListMultipartUploadsResult",
            Listing::Parts => "ListPartsResult",
        }
    }

    /// Reads a page, and judges it.
    pub fn read(self, body: &[u8]) -> Result<Page, ListingError> {
        if body.len() > PAGE_MAX {
            return Err(ListingError::TooLarge);
        }
        let (mut page, mut entry) = (Raw::default(), RawEntry::default());
        xml::read(body, Some(self.root()), |path, text| {
            match path {
                [name] => match self.entry_kind(name) {
                    Some(kind) => page.entries.push((kind, std::mem::take(&mut entry))),
                    None => {
                        page.field(name, text);
                        entry = RawEntry::default();
                    }
                },
                [_, field] => entry.field(field, text),
                _ => {}
            }
            Ok::<_, ListingError>(())
        })?;
        page.judge(self)
    }

    fn entry_kind(self, name: &str) -> Option<EntryKind> {
        Some(match (self, name) {
            (Listing::Objects, "Contents") => EntryKind::Object,
            (Listing::Versions, "Version") => EntryKind::Version,
            (Listing::Versions, "DeleteMarker") => EntryKind::DeleteMarker,
            (Listing::Uploads, "Upload") => EntryKind::Upload,
            (Listing::Parts, "Part") => EntryKind::Part,
            (_, "CommonPrefixes") => EntryKind::Prefix,
            _ => return None,
        })
    }
}

/// The pages of one listing: each is judged, none is asked for twice, and every entry was asked for.
pub struct Pages {
    listing: Listing,
    prefix: String,
    seen: Continuations,
}

impl Pages {
    /// A listing of what begins with `prefix`. The names of parts are not compared.
    pub fn new(listing: Listing, prefix: impl Into<String>) -> Self {
        Self { listing, prefix: prefix.into(), seen: Continuations::default() }
    }

    /// Begins where an earlier listing went on.
    #[must_use]
    pub fn going_on(mut self, at: &Marker) -> Self {
        self.seen.0.insert(identity_of(&at.at, at.id.as_deref()));
        self
    }

    /// The text with which all that is listed begins.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Reads the next page.
    pub fn read(&mut self, body: &[u8]) -> Result<Page, ListingError> {
        let page = self.listing.read(body)?;
        self.check(page)
    }

    /// Checks the next page, which [`Listing::read`] read.
    pub fn check(&mut self, page: Page) -> Result<Page, ListingError> {
        let strange =
            |entry: &Entry| entry.kind != EntryKind::Part && !entry.key.starts_with(&self.prefix);
        if page.entries.iter().any(strange) {
            return Err(ListingError::Elsewhere);
        }
        if let Some(next) = &page.next {
            self.seen.follow(next)?;
        }
        Ok(page)
    }
}

/// Where a listing went on so far: one that names a continuation twice goes round in a circle.
#[derive(Debug, Default)]
pub struct Continuations(BTreeSet<u128>);

impl Continuations {
    /// Takes note of where the listing goes on.
    pub fn follow(&mut self, at: &Marker) -> Result<(), ListingError> {
        match self.0.insert(identity_of(&at.at, at.id.as_deref())) {
            true => Ok(()),
            false => Err(ListingError::Circle),
        }
    }
}

/// A page as it was sent.
#[derive(Default)]
struct Raw {
    entries: Vec<(EntryKind, RawEntry)>,
    is_encoded: bool,
    is_truncated: Option<bool>,
    key_count: Option<u64>,
    token: Option<String>,
    key_marker: Option<String>,
    id_marker: Option<String>,
    part_marker: Option<String>,
}

/// An entry as it was sent.
#[derive(Default)]
struct RawEntry {
    key: Option<String>,
    size: Option<u64>,
    etag: String,
    time: Option<i64>,
    id: Option<String>,
    is_latest: bool,
    number: Option<u16>,
}

impl Raw {
    fn field(&mut self, name: &str, text: &str) {
        let filled = || (!text.is_empty()).then(|| text.to_owned());
        match name {
            "EncodingType" => self.is_encoded = text.eq_ignore_ascii_case("url"),
            "IsTruncated" => self.is_truncated = flag(text),
            "KeyCount" => self.key_count = text.trim().parse().ok(),
            "NextContinuationToken" => self.token = filled(),
            "NextKeyMarker" => self.key_marker = filled(),
            "NextVersionIdMarker" | "NextUploadIdMarker" => self.id_marker = filled(),
            "NextPartNumberMarker" => self.part_marker = filled(),
            _ => {}
        }
    }

    fn judge(self, listing: Listing) -> Result<Page, ListingError> {
        let decode = |text: String| match self.is_encoded {
            true => decode(&text),
            false => Some(text),
        };
        if let Some(stated) = self.key_count.filter(|_| listing == Listing::Objects) {
            let objects = self.entries.iter().filter(|(kind, _)| *kind == EntryKind::Object);
            // Servers differ in whether prefixes count.
            let counts = [self.entries.len(), objects.count()];
            if !counts.iter().any(|count| *count as u64 == stated) {
                return Err(ListingError::Count { stated, found: self.entries.len() });
            }
        }
        let is_truncated = self.is_truncated.ok_or(ListingError::Silent("whether more follows"))?;
        let entry = |(kind, raw): (EntryKind, RawEntry)| raw.judge(kind, &decode);
        let entries = self.entries.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let at = match listing {
            Listing::Objects => self.token,
            Listing::Parts => self.part_marker,
            Listing::Versions | Listing::Uploads => match (self.key_marker, entries.last()) {
                // RGW 16 and 18 encode the names of versions and leave this one as it is, RGW 20 encodes
                // both (measured). It is the last name of the page, which decides.
                (Some(marker), Some(last)) if marker == last.key => Some(marker),
                (Some(marker), _) => Some(decode(marker).ok_or(ListingError::Entry("marker"))?),
                (None, _) => None,
            },
        };
        let next = match (is_truncated, at) {
            (false, _) => None,
            (true, Some(at)) => Some(Marker { at, id: self.id_marker }),
            (true, None) => return Err(ListingError::Silent("from where to go on")),
        };
        Ok(Page { entries, next })
    }
}

impl RawEntry {
    fn field(&mut self, name: &str, text: &str) {
        match name {
            "Key" | "Prefix" => self.key = Some(text.to_owned()),
            "Size" => self.size = text.trim().parse().ok().filter(|size| is_possible_size(*size)),
            "ETag" => self.etag = text.trim_matches('"').to_owned(),
            "LastModified" | "Initiated" => self.time = moment(text.trim()),
            "VersionId" | "UploadId" => self.id = Some(text.to_owned()),
            "IsLatest" => self.is_latest = flag(text) == Some(true),
            "PartNumber" => self.number = text.trim().parse().ok(),
            _ => {}
        }
    }

    fn judge(
        self,
        kind: EntryKind,
        decode: &impl Fn(String) -> Option<String>,
    ) -> Result<Entry, ListingError> {
        let (mut size, mut number) = (0, 0);
        if matches!(kind, EntryKind::Object | EntryKind::Version) {
            size = self.size.ok_or(ListingError::Entry("size"))?;
        }
        if kind == EntryKind::Part {
            number = self.number.ok_or(ListingError::Entry("part number"))?;
        }
        if kind == EntryKind::Upload && self.id.as_ref().is_none_or(String::is_empty) {
            return Err(ListingError::Entry("upload ID"));
        }
        let key = match (kind, self.key) {
            (EntryKind::Part, _) => String::new(),
            (_, key) => key.and_then(decode).ok_or(ListingError::Entry("name"))?,
        };
        let Self { etag, time, id, is_latest, .. } = self;
        Ok(Entry { kind, key, size, etag, time, id, is_latest, number })
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Undoes the encoding that `encoding-type=url` asks for.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let mut decoded = [0];
                base16ct::mixed::decode(digits, &mut decoded).ok()?;
                bytes.extend(decoded);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Seconds since 1970 of `2026-11-30T15:00:00.000Z`.
fn moment(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let time = time.split('.').next().unwrap_or_default();
    let compact = [date.replace('-', ""), "T".to_owned(), time.replace(':', ""), "Z".to_owned()];
    let moment = crate::timestamp::Timestamp::parse(&compact.concat())?;
    i64::try_from(moment.unix_seconds()).ok()
}

#[cfg(test)]
mod tests;
