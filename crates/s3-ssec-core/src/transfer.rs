//! Orders of requests, without IO: what is asked of a gateway, in which order, and what follows from the
//! answers.
//!
//! An order is written as one asynchronous function over a [`Link`], from its first request to its
//! verdict, and wrapped in a [`Machine`], which hands out its [`Task`]s and takes their [`Outcome`]s. An
//! executor carries the tasks in any order and at any pace, many at a time if it likes; it decides
//! nothing. Time, randomness and keys stay with the executor: a machine holds names of keys, and the facts
//! about them that are no secret.
//!
//! ```
//! use s3_ssec_core::transfer::{Machine, Outcome, Task};
//!
//! let mut machine = Machine::new(|link| async move { link.sleep(100).await; "slept" });
//! let tasks = machine.next(8);
//! assert_eq!(tasks[0].1, Task::Sleep { ms: 100 });
//! machine.done(tasks[0].0, Outcome::Slept)?;
//! assert!(machine.next(8).is_empty());
//! assert_eq!(machine.verdict(), Some(&"slept"));
//! # Ok::<(), s3_ssec_core::transfer::StrayTask>(())
//! ```
//!
//! The tests drive every order against a simulated gateway that loses requests and answers, executes late,
//! lies, and serves other writers at the same time.

mod ask;
mod before;
mod complete;
mod completion;
mod conditions;
mod describe;
mod link;
mod parts;
mod put;
mod scratch;
#[cfg(test)]
mod sim;
mod task;
mod trial;
mod written;

pub use ask::bucket_versions;
pub use complete::{complete_parts, describe_parts};
pub use completion::{CompletePlan, CompleteVerdict};
pub use conditions::{ConditionVerdict, Replacing, ReplacingVerdict, try_condition, try_replacing};
pub use link::Link;
pub use parts::{
    Before, OnFailure, PartsHalt, PartsLeft, PartsPlan, PartsSource, PartsVerdict, UploadLeft,
    drop_uploads, put_parts,
};
pub use put::{PutPlan, PutVerdict, RecordPlace, Stored, put};
pub use task::{
    Answer, Body, Call, Condition, Description, JournalStep, KeyFacts, KeyRef, NoAnswer, Operation,
    Outcome, Stage, Task, Unreadable,
};
pub use trial::{ScratchLeft, TrialEnd, TrialVerdict, WriteKind, trial};
pub use written::{Finding, Removable, Write, find_written, remove_written};

use link::{Desk, TryVersions};
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The number of a task. Never reused within a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(u64);

/// An outcome for a task that is not out: it was never handed out, or has its outcome already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such task is waiting for its outcome")]
pub struct StrayTask;

/// An order of requests on its way to a verdict.
pub struct Machine<V> {
    course: Option<Pin<Box<dyn Future<Output = V> + Send>>>,
    desk: Arc<Desk>,
    verdict: Option<V>,
}

impl<V> Machine<V> {
    /// Begins the order that `course` describes. It may wait for outcomes of its [`Link`] and for nothing
    /// else.
    pub fn new<C>(course: impl FnOnce(Link) -> C) -> Self
    where
        C: Future<Output = V> + Send + 'static,
    {
        Self::over(Some(conditions::boxed_try_versions), course)
    }

    /// As [`Machine::new`], for an executor that may not be shown all headers, as a page by its browser. A missing
    /// version ID means nothing there: where the gateway does not say whether a bucket keeps versions, it is not
    /// tried, and nothing is deleted by its name alone but scratch objects.
    pub fn with_hidden_headers<C>(course: impl FnOnce(Link) -> C) -> Self
    where
        C: Future<Output = V> + Send + 'static,
    {
        Self::over(None, course)
    }

    fn over<C>(try_versions: Option<TryVersions>, course: impl FnOnce(Link) -> C) -> Self
    where
        C: Future<Output = V> + Send + 'static,
    {
        let desk = Arc::<Desk>::default();
        let course = Box::pin(course(Link::new(Arc::clone(&desk), try_versions)));
        Self { course: Some(course), desk, verdict: None }
    }

    /// Sends a request so often whose answer does not come, the first time included; three times without this.
    #[must_use]
    pub fn with_attempts(self, attempts: NonZeroU32) -> Self {
        self.desk.set_attempts(attempts);
        self
    }

    /// The tasks to carry now, `room` at most. Each is handed out once. Empty while outcomes are missing,
    /// and at the end.
    pub fn next(&mut self, room: usize) -> Vec<(TaskId, Task)> {
        if let Some(course) = &mut self.course {
            // Nothing but outcomes wakes an order, and the caller of this function brings them.
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(verdict) = course.as_mut().poll(&mut context) {
                self.verdict = Some(verdict);
                self.course = None;
            }
        }
        self.desk.take_tasks(room)
    }

    /// Takes the outcome of a task. In any order, once each; [`Machine::next`] then has what follows.
    pub fn done(&mut self, id: TaskId, outcome: Outcome) -> Result<(), StrayTask> {
        self.desk.give(id, outcome)
    }

    /// Ends the order as soon as it can be ended: it looks after what it began first. Tasks that are out
    /// still get their outcomes, [`Outcome::Abandoned`] if they are given up.
    pub fn cancel(&mut self) {
        self.desk.cancel();
    }

    /// The verdict, at the end.
    pub fn verdict(&self) -> Option<&V> {
        self.verdict.as_ref()
    }
}
