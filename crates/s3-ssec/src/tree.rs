//! Many files at once: directories up, prefixes down, prefixes away.
//!
//! What is already there and verified is left alone. One failure does not stop the others; the
//! summary names every one.

mod download;
mod local;
mod remove;
mod upload;

pub use local::{Filter, FilterError, Links};

use crate::call::CallError;
use crate::client::Client;
use crate::get::{GetError, GetOptions};
use crate::list::Listed;
use crate::select::{SelectError, Selection};
use crate::watch::Watch;
use crate::write::{PutError, PutOptions};
use s3_ssec_core::names::{NameError, S3Address};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How to treat many files.
#[derive(Clone)]
#[non_exhaustive]
pub struct TreeOptions {
    /// Which files and keys take part.
    pub filter: Arc<Filter>,
    /// Which of these objects are ours to deal with.
    pub selection: Selection,
    /// What to do with symbolic links on the way up.
    pub links: Links,
    /// Do nothing, only report what would be done.
    pub dry_run: bool,
    /// Files in flight at once.
    pub files: usize,
    /// How each file is written.
    pub put: PutOptions,
    /// How each object is read.
    pub get: GetOptions,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            filter: Arc::new(Filter::default()),
            selection: Selection::default(),
            links: Links::default(),
            dry_run: false,
            files: 16,
            put: PutOptions::default(),
            get: GetOptions::default(),
        }
    }
}

/// What became of one file or object.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was transferred or removed (or would be, on a dry run): its size in bytes.
    Done(u64),
    /// It was there already and is verified: its size in bytes.
    Same(u64),
    /// It is none of ours: a link, a device, a directory marker. Says why.
    Skipped(&'static str),
    /// It failed.
    Failed(TreeError),
}

/// One file or object failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The upload failed.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The download failed.
    #[error(transparent)]
    Get(#[from] GetError),
    /// A call to the gateway failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The manifest does not say which object.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The file's name makes no object key.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A file name that is not UTF-8.
    #[error("{0:?} is not UTF-8 and cannot be the name of an object")]
    NotUtf8(PathBuf),
    /// An object key that would leave the target directory, or that no file can have.
    #[error("the object key {0:?} is no path below the target directory")]
    Unsafe(String),
    /// A directory cannot be read or made.
    #[error("{path:?}: {error}")]
    Local {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// One file or object, and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Item {
    /// The object key, or the path of a file that has none.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// Everything that was done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Summary {
    /// Transferred or removed.
    pub done: u64,
    /// Their bytes.
    pub bytes: u64,
    /// There already, and verified.
    pub same: u64,
    /// Skipped on purpose.
    pub skipped: u64,
    /// What failed, by name.
    pub failed: Vec<(String, TreeError)>,
    /// True if it ended early on request.
    pub stopped: bool,
}

/// Told of every file as it is dealt with, in the order in which they finish.
pub type Report<'a> = &'a mut (dyn FnMut(&Item) + Send);

impl Summary {
    fn add(&mut self, item: Item, report: &mut (dyn FnMut(&Item) + Send)) {
        report(&item);
        match item.outcome {
            Outcome::Done(bytes) => {
                self.done += 1;
                self.bytes += bytes;
            }
            Outcome::Same(_) => self.same += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(error) => self.failed.push((item.name, error)),
        }
    }
}

/// Runs the work of many files, a bounded number at a time.
struct Crew<'a> {
    tasks: JoinSet<Item>,
    most: usize,
    watch: &'a Watch,
    summary: Summary,
}

impl<'a> Crew<'a> {
    fn new(options: &TreeOptions, watch: &'a Watch) -> Self {
        let tasks = JoinSet::new();
        Self { tasks, most: options.files.max(1), watch, summary: Summary::default() }
    }

    /// Takes on one more file, when there is room. False once it was asked to stop.
    async fn take_on(
        &mut self,
        report: Report<'_>,
        work: impl Future<Output = Item> + Send + 'static,
    ) -> bool {
        while self.tasks.len() >= self.most {
            self.finish_one(report).await;
        }
        if self.watch.is_stopped() {
            return false;
        }
        self.tasks.spawn(work);
        true
    }

    /// Adds what needed no work.
    fn note(&mut self, report: Report<'_>, name: impl Into<String>, outcome: Outcome) {
        self.summary.add(Item { name: name.into(), outcome }, report);
    }

    async fn finish_one(&mut self, report: Report<'_>) -> bool {
        match self.tasks.join_next().await {
            Some(Ok(item)) => {
                self.summary.add(item, report);
                true
            }
            // A task ends without a word only by a defect; nothing is claimed for it.
            Some(Err(_)) => true,
            None => false,
        }
    }

    async fn finish(mut self, report: Report<'_>) -> Summary {
        while self.finish_one(report).await {}
        self.summary.stopped = self.watch.is_stopped();
        self.summary
    }
}

/// Walks a listing page by page.
pub(crate) struct Pages<'a> {
    client: &'a Client,
    place: &'a S3Address,
    next: Option<Option<String>>,
    after: Option<String>,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(client: &'a Client, place: &'a S3Address) -> Self {
        Self::after(client, place, None)
    }

    /// From the first object behind this key on.
    pub(crate) fn after(client: &'a Client, place: &'a S3Address, after: Option<String>) -> Self {
        Self { client, place, next: Some(None), after }
    }

    /// The next objects: key and size. `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(String, u64)>>, CallError> {
        let Some(start) = self.next.take() else { return Ok(None) };
        let (bucket, path) = (&self.place.bucket, &self.place.path);
        let page = self.client.list_after(bucket, path, None, start, self.after.take()).await?;
        self.next = page.1.map(Some);
        let objects = page.0.into_iter().filter_map(|listed| match listed {
            Listed::Object { key, size, .. } => Some((key, size)),
            Listed::Prefix(_) => None,
        });
        Ok(Some(objects.collect()))
    }
}
