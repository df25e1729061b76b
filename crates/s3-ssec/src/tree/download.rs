//! A prefix down, and a prefix read through for its digests.

use super::local::{make_parents, target};
use super::{Crew, Item, Outcome, Report, Summary, TreeError, TreeOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::get::{clear, may_take};
use crate::select::Objects;
use crate::watch::Watch;
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Client {
    /// Downloads every object below the path of `from` into `directory`.
    ///
    /// A file that is there with the content of its object's record is left alone. Object keys that
    /// would lead out of the directory fail, whatever they say.
    pub async fn get_tree(
        &self,
        keys: &Arc<Keyring>,
        from: &S3Address,
        directory: &Path,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let place = Place::Directory(directory.to_owned());
        let reader = Reader { keys: Arc::clone(keys), from: from.clone(), place };
        self.read_tree(&reader, options, watch, report).await
    }

    /// Reads every object below the path of `from` to its end and compares it with its record.
    pub async fn verify_tree(
        &self,
        keys: &Arc<Keyring>,
        from: &S3Address,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let reader = Reader { keys: Arc::clone(keys), from: from.clone(), place: Place::Nowhere };
        self.read_tree(&reader, options, watch, report).await
    }

    async fn read_tree(
        &self,
        reader: &Reader,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let mut crew = Crew::new(options, watch);
        let mut objects = Objects::new(self, &reader.from, &options.selection);
        while let Some(chosen) = objects.next().await? {
            for chosen in chosen {
                let (key, size) = match chosen {
                    Ok(chosen) => chosen,
                    Err(error) => {
                        crew.note(report, "manifest", Outcome::Failed(error.into()));
                        continue;
                    }
                };
                let prefix = reader.from.path.as_str();
                let relative = key.strip_prefix(prefix).unwrap_or(&key).to_owned();
                if !options.filter.takes(&relative) {
                    continue;
                }
                if key.ends_with('/') && size == Some(0) {
                    crew.note(report, key, Outcome::Skipped("a directory marker"));
                    continue;
                }
                let job = Job {
                    client: self.clone(),
                    reader: reader.clone(),
                    options: options.clone(),
                    watch: watch.clone(),
                };
                let work = async move {
                    let outcome = job.run(&key, &relative, size).await;
                    Item { name: key, outcome: outcome.unwrap_or_else(Outcome::Failed) }
                };
                if !crew.take_on(report, work).await {
                    return Ok(crew.finish(report).await);
                }
            }
        }
        Ok(crew.finish(report).await)
    }
}

/// Who reads what, and where it goes.
#[derive(Clone)]
struct Reader {
    keys: Arc<Keyring>,
    from: S3Address,
    place: Place,
}

/// Where contents go.
#[derive(Clone)]
enum Place {
    Directory(PathBuf),
    Nowhere,
}

struct Job {
    client: Client,
    reader: Reader,
    options: TreeOptions,
    watch: Watch,
}

impl Job {
    async fn run(
        &self,
        key: &str,
        relative: &str,
        size: Option<u64>,
    ) -> Result<Outcome, TreeError> {
        let name = ObjectName::new(self.reader.from.bucket.clone(), ObjectKey::parse(key)?);
        let (get, watch) = (&self.options.get, &self.watch);
        let Place::Directory(directory) = &self.reader.place else {
            if self.options.dry_run {
                return Ok(Outcome::Done(size.unwrap_or_default()));
            }
            let received = self.client.verify(&self.reader.keys, &name, get, watch).await?;
            return Ok(Outcome::Done(received.size));
        };
        let path = target(directory, relative)?;
        if path.symlink_metadata().is_ok() {
            // A pipe has no end that could be compared.
            if path.is_file() && self.is_same(&name, &path).await? {
                let size = path.metadata().map_or(0, |file| file.len());
                watch.moved(size);
                clear(&path);
                return Ok(Outcome::Same(size));
            }
            may_take(&path, get.replace)?;
        }
        if self.options.dry_run {
            return Ok(Outcome::Done(size.unwrap_or_default()));
        }
        make_parents(directory, &path)?;
        let received = self.client.get_file(&self.reader.keys, &name, &path, get, watch).await?;
        Ok(Outcome::Done(received.size))
    }

    /// True if the file has the content that the object's record names.
    async fn is_same(&self, name: &ObjectName, path: &Path) -> Result<bool, TreeError> {
        let located = self.client.locate(&self.reader.keys, name, &self.options.get.read).await?;
        let (Some((size, digest)), Some(key)) = (located.content, located.content_key) else {
            return Ok(false);
        };
        let path = path.to_owned();
        let local = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::open(path)?;
            let mut hasher = ContentHasher::new(&key);
            if file.metadata()?.len() != size {
                return Ok(None);
            }
            let mut block = vec![0; 256 << 10];
            loop {
                match file.read(&mut block)? {
                    0 => return Ok::<_, std::io::Error>(Some(hasher.finish())),
                    read => hasher.update(&block[..read]),
                }
            }
        });
        // What cannot be read is not the same; whatever is wrong with it will be said by the write.
        Ok(matches!(local.await, Ok(Ok(Some(local))) if local == digest))
    }
}
