//! A directory up.

use super::local::parts;
use super::{Crew, Item, Links, Outcome, Report, Summary, TreeError, TreeOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::list::ObjectPages;
use crate::locate::{ObjectState, ReadOptions};
use crate::put::Source;
use crate::select::{ManifestKeys, SelectError};
use crate::watch::Watch;
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::evidence::{Evidence, Verification};
use s3_ssec_core::key::Key;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use walkdir::{DirEntry, WalkDir};

/// How much of all files is in memory at once, in KiB: a file up to the limit of one PUT is there
/// whole. A larger one has the room alone; its parts keep the link busy.
const ROOM: usize = 32 << 10;

impl Client {
    /// Uploads every file below `directory` to the path of `to` plus its relative path.
    ///
    /// A file is left alone if its object is there under the writing key, is refused without one, and its
    /// record says that the content is the same.
    pub async fn put_tree(
        &self,
        keys: &Arc<Keyring>,
        directory: &Path,
        to: &S3Address,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let there = self.sizes(to).await?;
        let mut crew = Crew::new(options, watch);
        let room = Arc::new(Semaphore::new(ROOM));
        for file in files(directory, to, options) {
            let (path, relative) = match file {
                Ok(found) => found,
                Err((name, outcome)) => {
                    crew.note(report, name, outcome);
                    continue;
                }
            };
            let key = format!("{}{relative}", to.path);
            if !options.filter.takes(&relative) || !options.selection.takes_listed(&key) {
                continue;
            }
            let size = there.get(&key).copied();
            let job = Job {
                client: self.clone(),
                keys: Arc::clone(keys),
                bucket: to.bucket.clone(),
                options: options.clone(),
                watch: watch.clone(),
                room: Arc::clone(&room),
            };
            let work = async move {
                let outcome = job.run(&key, path, size).await.unwrap_or_else(Outcome::Failed);
                Item { name: key, outcome }
            };
            if !crew.take_on(report, work).await {
                break;
            }
        }
        Ok(crew.finish(report).await)
    }

    /// What is below a prefix already: key and size.
    async fn sizes(&self, place: &S3Address) -> Result<HashMap<String, u64>, CallError> {
        let mut pages = ObjectPages::new(self, place);
        let mut sizes = HashMap::new();
        while let Some(page) = pages.next().await? {
            sizes.extend(page);
        }
        Ok(sizes)
    }
}

/// A file to upload and its name below the directory, or what to say instead.
type Found = Result<(PathBuf, String), (String, Outcome)>;

/// What is below a directory, or what a manifest names of it.
fn files<'a>(
    directory: &'a Path,
    to: &S3Address,
    options: &TreeOptions,
) -> Box<dyn Iterator<Item = Found> + Send + 'a> {
    let failed = |error: TreeError| ("manifest".to_owned(), Outcome::Failed(error));
    let Some(manifest) = &options.selection.manifest else {
        let walk = WalkDir::new(directory).follow_links(options.links == Links::Follow);
        let entries = walk.sort_by_file_name().into_iter();
        return Box::new(entries.filter_map(|entry| file(entry, directory).transpose()));
    };
    match ManifestKeys::open(manifest, to, &options.selection) {
        Err(error) => Box::new(std::iter::once(Err(failed(SelectError::from(error).into())))),
        Ok(keys) => {
            let (prefix, links) = (to.path.clone(), options.links);
            Box::new(keys.map(move |key| {
                let key = key.map_err(|error| failed(error.into()))?;
                let relative = key.as_str().strip_prefix(&prefix).unwrap_or(key.as_str());
                parts(relative).map_err(|error| (key.to_string(), Outcome::Failed(error)))?;
                let path = directory.join(relative);
                match links == Links::Skip && leads_over_link(directory, &path) {
                    true => Err((path.display().to_string(), Outcome::Skipped(LINK))),
                    false => Ok((path, relative.to_owned())),
                }
            }))
        }
    }
}

/// Why a link is left out.
const LINK: &str = "a symbolic link";

/// True if the file or a directory on the way to it is a symbolic link.
fn leads_over_link(directory: &Path, path: &Path) -> bool {
    path.ancestors().take_while(|step| *step != directory).any(Path::is_symlink)
}

/// The path of a file to upload and its name below `directory`; `None` for directories.
#[allow(clippy::type_complexity, reason = "found, nothing, or what to say instead")]
fn file(
    entry: walkdir::Result<DirEntry>,
    directory: &Path,
) -> Result<Option<(PathBuf, String)>, (String, Outcome)> {
    let entry = entry.map_err(|error| {
        let path = error.path().unwrap_or(directory).to_owned();
        let error = error.into();
        (path.display().to_string(), Outcome::Failed(TreeError::Local { path, error }))
    })?;
    let kind = entry.file_type();
    if kind.is_dir() {
        return Ok(None);
    }
    let name = entry.path().display().to_string();
    if !kind.is_file() {
        let what = if kind.is_symlink() { LINK } else { "not a regular file" };
        return Err((name, Outcome::Skipped(what)));
    }
    let relative = entry.path().strip_prefix(directory).unwrap_or(entry.path());
    let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
    match parts {
        Some(parts) => Ok(Some((entry.path().to_owned(), parts.join("/")))),
        None => Err((name, Outcome::Failed(TreeError::NotUtf8(entry.into_path())))),
    }
}

struct Job {
    client: Client,
    keys: Arc<Keyring>,
    bucket: BucketName,
    options: TreeOptions,
    watch: Watch,
    room: Arc<Semaphore>,
}

impl Job {
    async fn run(
        &self,
        key: &str,
        path: PathBuf,
        there: Option<u64>,
    ) -> Result<Outcome, TreeError> {
        let name = ObjectName::new(self.bucket.clone(), ObjectKey::parse(key)?);
        let local = |error| TreeError::Local { path: path.clone(), error };
        let size = path.metadata().map_err(local)?.len();
        if there == Some(size) && self.compare(&name, &path).await?.is_some() {
            self.watch.moved(size);
            return Ok(Outcome::Same(size, None));
        }
        if self.options.dry_run {
            return Ok(Outcome::Done(size, None));
        }
        let mut options = self.options.put.clone();
        if options.headers.content_type.is_none() {
            options.headers.content_type =
                mime_guess::from_path(&path).first().map(|t| t.to_string());
        }
        let wanted = size.div_ceil(1 << 10).clamp(1, ROOM as u64) as u32;
        // Nobody closes the semaphore.
        let _room = self.room.acquire_many(wanted).await.ok();
        let source = Source::Path(path);
        let put = self.client.put(self.keys.writer(), &name, source, &options, &self.watch);
        Ok(Outcome::Done(put.await?.size, None))
    }

    /// If the object is under the writing key, proved by HEAD, and its record has the digest of the
    /// file: what that says of it.
    async fn compare(
        &self,
        name: &ObjectName,
        path: &Path,
    ) -> Result<Option<Verification>, TreeError> {
        let read = ReadOptions::default();
        // Whatever else the object is, it is not the same.
        let Ok(located) = self.client.locate(&self.keys, name, &read).await else {
            return Ok(None);
        };
        let writer = self.keys.writer();
        let described = located.state == ObjectState::Described;
        let (true, Some(known)) = (described, located.content) else { return Ok(None) };
        if located.key != Some(writer.fingerprint()) {
            return Ok(None);
        }
        let Some(headers) = &located.headers else { return Ok(None) };
        let Ok(head) = self.client.head(name, None, headers).await else { return Ok(None) };
        let proved = crate::locate::proved(name, headers, &head).is_ok();
        let hash = file_digest(writer, path).await?;
        let same = proved && head.size == known.size && hash == known.digest;
        // Some servers echo any key, on plaintext objects too.
        if same && self.client.refused_without_key(name, &read).await.is_err() {
            return Ok(None);
        }
        Ok(located.evidence().filter(|_| same).map(Evidence::verification))
    }
}

async fn file_digest(
    key: &Key,
    path: &Path,
) -> Result<s3_ssec_core::digest::ContentDigest, TreeError> {
    let (mut hasher, path) = (ContentHasher::new(&key.content_key()), path.to_owned());
    let hash = tokio::task::spawn_blocking(move || {
        let error = |error| TreeError::Local { path: path.clone(), error };
        let mut file = std::fs::File::open(&path).map_err(error)?;
        let mut block = vec![0; 256 << 10];
        loop {
            match file.read(&mut block).map_err(error)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&block[..read]),
            }
        }
    });
    hash.await.unwrap_or(Err(TreeError::Put(crate::PutError::Stopped)))
}
