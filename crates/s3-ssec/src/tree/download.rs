//! A prefix down, and a prefix read through for its digests.

use super::local::{enter, parts};
use super::{Crew, Item, Outcome, Report, Summary, TreeError, TreeOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::get::{Directory, Target, clear};
use crate::select::Objects;
use crate::watch::Watch;
use s3_ssec_core::digest::ContentHasher;
use s3_ssec_core::evidence::{Evidence, Verification};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};
use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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
        let place = Place::Directory(Arc::new(Root {
            path: directory.to_owned(),
            directory: Directory::open(directory).ok(),
            cleared: Mutex::default(),
        }));
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
        loop {
            let chosen = match objects.next().await {
                Ok(Some(chosen)) => chosen,
                Ok(None) => break,
                Err(error) => return Err(crew.unlisted(report, error).await),
            };
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
    Directory(Arc<Root>),
    Nowhere,
}

/// The directory that everything goes below.
struct Root {
    path: PathBuf,
    /// Held open from the start; `None` if that is not possible.
    directory: Option<Directory>,
    /// Where the files of killed downloads were removed.
    cleared: Mutex<HashSet<PathBuf>>,
}

impl Root {
    /// A name below it, in directories that exist then.
    fn enter(&self, parents: &[&str], name: &str) -> Result<Target, TreeError> {
        let opened = match &self.directory {
            Some(directory) => Ok(directory.clone()),
            None => Directory::open(&self.path),
        };
        let opened = opened.map_err(|error| TreeError::Local { path: self.path.clone(), error })?;
        let target = Target { directory: enter(&opened, parents)?, name: name.into() };
        let path = target.directory.path.clone();
        if self.cleared.lock().unwrap_or_else(PoisonError::into_inner).insert(path) {
            clear(&target.directory);
        }
        Ok(target)
    }
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
        let Place::Directory(root) = &self.reader.place else {
            if self.options.dry_run {
                return Ok(Outcome::Done(size.unwrap_or_default(), None));
            }
            let received = self.client.verify(&self.reader.keys, &name, get, watch).await?;
            return Ok(Outcome::Done(received.size, Some(received.verification)));
        };
        let (parents, file) = parts(relative)?;
        let path = root.path.join(relative);
        if path.symlink_metadata().is_ok() {
            // A pipe has no end that could be compared.
            let same = match path.is_file() {
                true => self.compare(&name, &path).await?,
                false => None,
            };
            if let Some(known) = same {
                let size = path.metadata().map_or(0, |file| file.len());
                watch.moved(size);
                if !self.options.dry_run {
                    // Clears the directory.
                    let _ = root.enter(&parents, file);
                }
                return Ok(Outcome::Same(size, Some(known)));
            }
            root.enter(&parents, file)?.may_take(get.replace)?;
        }
        if self.options.dry_run {
            return Ok(Outcome::Done(size.unwrap_or_default(), None));
        }
        let target = root.enter(&parents, file)?;
        let received =
            self.client.get_target(&self.reader.keys, &name, &target, get, watch).await?;
        Ok(Outcome::Done(received.size, Some(received.verification)))
    }

    /// If the file has the content that the object's record names: what that says of it.
    async fn compare(
        &self,
        name: &ObjectName,
        path: &Path,
    ) -> Result<Option<Verification>, TreeError> {
        let located = self.client.located(&self.reader.keys, name, &self.options.get).await?;
        let evidence = located.evidence();
        let (Some(known), Some(key)) = (located.content, located.content_key) else {
            return Ok(None);
        };
        let path = path.to_owned();
        let local = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::open(path)?;
            let mut hasher = ContentHasher::new(&key);
            if file.metadata()?.len() != known.size {
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
        let same = matches!(local.await, Ok(Ok(Some(local))) if local == known.digest);
        Ok(evidence.filter(|_| same).map(Evidence::verification))
    }
}
