//! Which objects a command on many takes: all of a listing or those of a manifest, of one shard, and
//! not what its journal says is done.

use crate::call::CallError;
use crate::client::Client;
use crate::lines::{LimitedLines, LineError};
use crate::list::ObjectPages;
use crate::pipes::LimitedFile;
use s3_ssec_core::journal::merge::identity_of;
use s3_ssec_core::manifest::{ManifestError, read_line, without_mark};
use s3_ssec_core::names::{ObjectKey, S3Address};
use s3_ssec_core::shard::Shard;
use std::collections::HashSet;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Objects taken from a manifest at once.
const BATCH: usize = 1000;

/// Bytes of the longest line of a manifest: an object key of 1,024 bytes, every one of them escaped.
const LINE_MAX: usize = 8 << 10;

/// Lines of the longest manifest. Each object costs memory until the end, so that none is taken twice.
const LINES_MAX: u64 = 10_000_000;

/// A file of object keys, one a line (see [`s3_ssec_core::manifest`]).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Manifest {
    /// In a file.
    File(PathBuf),
    /// On standard input.
    StandardInput,
}

impl Manifest {
    /// `-` is standard input.
    pub fn named(path: &Path) -> Self {
        match path == Path::new("-") {
            true => Self::StandardInput,
            false => Self::File(path.to_owned()),
        }
    }
}

/// Which objects take part.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Selection {
    /// Only the objects of this shard.
    pub shard: Shard,
    /// Only what it names, instead of what the listing has.
    pub manifest: Option<Manifest>,
    /// Not these: [`identity_of`] keys and versions.
    pub done: Arc<HashSet<u128>>,
}

impl Default for Selection {
    fn default() -> Self {
        Self { shard: Shard::WHOLE, manifest: None, done: Arc::default() }
    }
}

impl Selection {
    /// True for what is in the shard and not done yet.
    pub fn takes(&self, object_key: &ObjectKey) -> bool {
        self.shard.contains(object_key)
            && (self.done.is_empty()
                || !self.done.contains(&identity_of(object_key.as_str(), None)))
    }

    /// As [`Selection::takes`] for a key as it is listed. What is no object key is taken, so that
    /// somebody says so.
    pub(crate) fn takes_listed(&self, key: &str) -> bool {
        ObjectKey::parse(key).is_ok_and(|key| self.takes(&key)) || ObjectKey::parse(key).is_err()
    }
}

/// A line of a manifest cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// It names no object.
    #[error("line {line} of the manifest: {error}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        error: ManifestError,
    },
    /// It names an object elsewhere.
    #[error("line {line} of the manifest names {key:?}, which is not at the place named")]
    Elsewhere {
        /// From 1.
        line: u64,
        /// The object key.
        key: String,
    },
    /// A line is longer than any that names an object.
    #[error("line {line} of the manifest has more than {LINE_MAX} bytes")]
    TooLong {
        /// From 1.
        line: u64,
    },
    /// It has too many lines.
    #[error("the manifest has more than {LINES_MAX} lines")]
    TooMany,
    /// The manifest cannot be read.
    #[error("the manifest cannot be read: {0}")]
    Read(#[from] io::Error),
}

impl From<LineError> for SelectError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::TooLong { line, .. } => Self::TooLong { line },
            LineError::Read(error) => Self::Read(error),
        }
    }
}

/// The keys of a manifest that belong to a place and a selection, each once.
pub(crate) struct ManifestKeys {
    lines: LimitedLines<Box<dyn BufRead + Send>>,
    /// Lines, at most.
    most: u64,
    place: S3Address,
    selection: Selection,
    seen: HashSet<u128>,
}

impl ManifestKeys {
    pub(crate) fn open(
        manifest: &Manifest,
        place: &S3Address,
        selection: &Selection,
    ) -> io::Result<Self> {
        let lines: Box<dyn BufRead + Send> = match manifest {
            Manifest::File(path) => Box::new(BufReader::new(LimitedFile::open(path)?)),
            Manifest::StandardInput => Box::new(BufReader::new(io::stdin())),
        };
        Ok(Self::of(lines, LINES_MAX, place, selection))
    }

    fn of(
        lines: Box<dyn BufRead + Send>,
        most: u64,
        place: &S3Address,
        selection: &Selection,
    ) -> Self {
        let lines = LimitedLines::new(lines, LINE_MAX);
        let (place, selection) = (place.clone(), selection.clone());
        Self { lines, most, place, selection, seen: HashSet::new() }
    }
}

impl Iterator for ManifestKeys {
    type Item = Result<ObjectKey, SelectError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.lines.number() <= self.most {
            let text = match self.lines.next_line() {
                Ok(text) => text?.to_owned(),
                Err(error) => return Some(Err(error.into())),
            };
            let line = self.lines.number();
            if line > self.most {
                return Some(Err(SelectError::TooMany));
            }
            let text = if line == 1 { without_mark(&text) } else { &text };
            let key = match read_line(text) {
                Ok(None) => continue,
                Ok(Some(key)) => key,
                Err(error) => return Some(Err(SelectError::Line { line, error })),
            };
            if !self.place.holds(key.as_str()) {
                let key = key.as_str().to_owned();
                return Some(Err(SelectError::Elsewhere { line, key }));
            }
            if self.selection.takes(&key) && self.seen.insert(identity_of(key.as_str(), None)) {
                return Some(Ok(key));
            }
        }
        None
    }
}

/// An object to deal with: its key, and its size where a listing said it.
pub(crate) type Chosen = Result<(String, Option<u64>), SelectError>;

/// Hands out the objects of a selection, some at a time.
pub(crate) enum Objects {
    Listed(ObjectPages, Selection),
    Named(Box<ManifestKeys>),
    /// The manifest cannot be opened.
    Broken(Option<SelectError>),
}

impl Objects {
    pub(crate) fn new(client: &Client, place: &S3Address, selection: &Selection) -> Self {
        match &selection.manifest {
            None => Self::Listed(ObjectPages::new(client, place), selection.clone()),
            Some(manifest) => match ManifestKeys::open(manifest, place, selection) {
                Ok(keys) => Self::Named(Box::new(keys)),
                Err(error) => Self::Broken(Some(error.into())),
            },
        }
    }

    /// The next objects; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Chosen>>, CallError> {
        Ok(match self {
            Self::Listed(pages, selection) => pages.next().await?.map(|page| {
                let mine = page.into_iter().filter(|(key, _)| selection.takes_listed(key));
                mine.map(|(key, size)| Ok((key, Some(size)))).collect()
            }),
            Self::Named(keys) => {
                let named = |key: Result<ObjectKey, SelectError>| {
                    key.map(|key| (key.as_str().to_owned(), None))
                };
                let batch: Vec<_> = keys.by_ref().take(BATCH).map(named).collect();
                (!batch.is_empty()).then_some(batch)
            }
            Self::Broken(error) => error.take().map(|error| vec![Err(error)]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, selection: &Selection) -> Vec<Result<String, String>> {
        let place = S3Address::parse("s3://bucket/p/").unwrap();
        let lines = Box::new(io::Cursor::new(text.to_owned()));
        let keys = ManifestKeys::of(lines, LINES_MAX, &place, selection);
        let text = |key: Result<ObjectKey, SelectError>| {
            key.map(|key| key.to_string()).map_err(|error| error.to_string())
        };
        keys.map(text).collect()
    }

    #[test]
    fn each_object_is_named_once_and_lies_at_the_place() {
        let found = keys("p/a\n\np/b\r\n\"p/a\"\nq/a\n\"p\n", &Selection::default());
        let ok = |key: &str| Ok(key.to_owned());
        assert_eq!(found[..2], [ok("p/a"), ok("p/b")]);
        assert_eq!(found.len(), 4);
        assert!(found[2].as_ref().unwrap_err().contains("line 5"), "{:?}", found[2]);
        assert!(found[3].as_ref().unwrap_err().contains("line 6"), "{:?}", found[3]);
    }

    #[test]
    fn manifests_end_even_if_their_files_do_not() {
        let place = S3Address::parse("s3://bucket/p/").unwrap();
        let endless = |byte| {
            let lines = Box::new(BufReader::new(io::repeat(byte)));
            ManifestKeys::of(lines, 9, &place, &Selection::default())
        };
        let mut zeros = endless(0);
        assert!(matches!(zeros.next(), Some(Err(SelectError::TooLong { line: 1 }))));
        assert!(zeros.next().is_none());
        let mut empty = endless(b'\n');
        assert!(matches!(empty.next(), Some(Err(SelectError::TooMany))));
        assert!(empty.next().is_none());
        let longest = format!("\"p/{}\"\n", "\\u0001".repeat(1022));
        assert!(longest.len() <= LINE_MAX);
        assert!(keys(&longest, &Selection::default())[0].is_ok());
    }

    #[test]
    fn shards_and_what_is_done_are_left_out() {
        let all: String = (0..100).map(|n| format!("p/{n}\n")).collect();
        let done = Arc::new(HashSet::from([identity_of("p/7", None)]));
        let mut selection = Selection { done, ..Selection::default() };
        assert_eq!(keys(&all, &selection).len(), 99);
        selection.shard = Shard::parse("1/3").unwrap();
        let first = keys(&all, &selection).len();
        assert!((20..50).contains(&first), "{first}");
    }
}
