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
use crate::get::{GetError, GetOptions};
use crate::select::{SelectError, Selection};
use crate::watch::Watch;
use crate::write::{PutError, PutOptions};
use s3_ssec_core::evidence::Verification;
use s3_ssec_core::names::NameError;
use std::collections::BTreeMap;
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
    /// It was transferred or removed (or would be, on a dry run): its size in bytes, and what is known
    /// of a content that was read.
    Done(u64, Option<Verification>),
    /// It was there already and is verified: its size in bytes, and what is known of it.
    Same(u64, Option<Verification>),
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
    /// The gateway answered that it deleted the object, and lists it as it was.
    #[error("it is there, although the gateway answered that it is deleted")]
    Kept,
    /// Whether the deleted objects are gone could not be seen.
    #[error(
        "the gateway answered that the objects are deleted, and did not list what is left: {0}"
    )]
    NotListed(CallError),
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
    /// Contents that were read or compared, by the code of what is known of them
    /// ([`Verification::code`]).
    pub verifications: BTreeMap<&'static str, u64>,
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
        if let Outcome::Done(_, Some(known)) | Outcome::Same(_, Some(known)) = item.outcome {
            *self.verifications.entry(known.code()).or_default() += 1;
        }
        match item.outcome {
            Outcome::Done(bytes, _) => {
                self.done += 1;
                self.bytes += bytes;
            }
            Outcome::Same(..) => self.same += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(error) => self.failed.push((item.name, error)),
        }
    }
}

/// Runs the work of many files, a bounded number at a time.
struct Crew<'a> {
    tasks: JoinSet<(u64, Item)>,
    most: usize,
    /// A dry run reports in the order of the listing; work reports when it is done.
    in_order: bool,
    taken: u64,
    reported: u64,
    /// Results that wait for one before them.
    ended: BTreeMap<u64, Item>,
    watch: &'a Watch,
    summary: Summary,
}

impl<'a> Crew<'a> {
    fn new(options: &TreeOptions, watch: &'a Watch) -> Self {
        Self {
            tasks: JoinSet::new(),
            most: options.files.max(1),
            in_order: options.dry_run,
            taken: 0,
            reported: 0,
            ended: BTreeMap::new(),
            watch,
            summary: Summary::default(),
        }
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
        let number = self.take_number();
        self.tasks.spawn(async move { (number, work.await) });
        true
    }

    /// Adds what needed no work.
    fn note(&mut self, report: Report<'_>, name: impl Into<String>, outcome: Outcome) {
        let number = self.take_number();
        self.end(report, number, Item { name: name.into(), outcome });
    }

    fn take_number(&mut self) -> u64 {
        self.taken += 1;
        self.taken - 1
    }

    fn end(&mut self, report: Report<'_>, number: u64, item: Item) {
        if !self.in_order {
            return self.summary.add(item, report);
        }
        self.ended.insert(number, item);
        while let Some(item) = self.ended.remove(&self.reported) {
            self.reported += 1;
            self.summary.add(item, report);
        }
    }

    async fn finish_one(&mut self, report: Report<'_>) -> bool {
        match self.tasks.join_next().await {
            Some(Ok((number, item))) => {
                self.end(report, number, item);
                true
            }
            // A task ends without a word only by a defect; nothing is claimed for it.
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// Brings to its end what was begun where the listing fails: what is given up in the middle
    /// leaves partial files.
    async fn unlisted(self, report: Report<'_>, error: CallError) -> CallError {
        self.finish(report).await;
        error
    }

    async fn finish(mut self, report: Report<'_>) -> Summary {
        while self.finish_one(report).await {}
        // None of them waits any more, unless a task ended by a defect.
        std::mem::take(&mut self.ended)
            .into_values()
            .for_each(|item| self.summary.add(item, report));
        self.summary.stopped = self.watch.is_stopped();
        self.summary
    }
}
