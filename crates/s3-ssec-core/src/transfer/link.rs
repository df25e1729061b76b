//! The way from an order of requests to whoever carries them.

use super::task::{Call, Outcome, Task};
use super::{StrayTask, TaskId};
use crate::names::ObjectName;
use crate::removal::BucketVersions;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// How often a request is sent whose answer does not come, unless the executor asks for another number.
const ATTEMPTS: u32 = 3;
/// Milliseconds before the second attempt; twice as many before each later one.
const PAUSE: u64 = 500;

/// Tasks on their way out, and outcomes on their way in.
#[derive(Default)]
pub(super) struct Desk(Mutex<Papers>);

#[derive(Default)]
struct Papers {
    next_id: u64,
    /// Tasks that were not handed out yet.
    waiting: Vec<(TaskId, Task)>,
    /// Tasks that are out, not many; those with an outcome wait for the order to take it.
    out: Vec<(TaskId, Option<Outcome>)>,
    is_cancelled: bool,
    attempts: Option<NonZeroU32>,
}

impl Papers {
    /// The outcome of a task, once.
    fn take(&mut self, id: TaskId) -> Option<Outcome> {
        let index = self.out.iter().position(|(out, outcome)| *out == id && outcome.is_some())?;
        self.out.swap_remove(index).1
    }
}

impl Desk {
    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_tasks(&self, room: usize) -> Vec<(TaskId, Task)> {
        let mut papers = self.papers();
        let room = room.min(papers.waiting.len());
        let tasks: Vec<_> = papers.waiting.drain(..room).collect();
        papers.out.extend(tasks.iter().map(|(id, _)| (*id, None)));
        tasks
    }

    pub(super) fn give(&self, id: TaskId, outcome: Outcome) -> Result<(), StrayTask> {
        let mut papers = self.papers();
        let place = papers.out.iter_mut().find(|(out, outcome)| *out == id && outcome.is_none());
        place.ok_or(StrayTask)?.1 = Some(outcome);
        Ok(())
    }

    pub(super) fn set_attempts(&self, attempts: NonZeroU32) {
        self.papers().attempts = Some(attempts);
    }

    pub(super) fn cancel(&self) {
        self.papers().is_cancelled = true;
    }
}

/// The trial of an executor that is shown all headers. A pointer, so that a page does not load what it never
/// calls.
pub(super) type TryVersions =
    for<'l> fn(
        &'l Link,
        &'l ObjectName,
    ) -> Pin<Box<dyn Future<Output = Option<BucketVersions>> + Send + 'l>>;

/// An order's side of a [`Machine`](super::Machine).
pub struct Link(Arc<Desk>, Option<TryVersions>);

impl Link {
    pub(super) fn new(desk: Arc<Desk>, try_versions: Option<TryVersions>) -> Self {
        Self(desk, try_versions)
    }

    /// Finds out by scratch objects beside `name` whether its bucket keeps versions. `None` if no usable
    /// answer came, or if this executor may not be shown all headers.
    pub(super) async fn try_versions(&self, name: &ObjectName) -> Option<BucketVersions> {
        let try_versions = self.1?;
        try_versions(self, name).await
    }

    /// Hands out a task. [`Link::next_of`] has its outcome.
    pub fn start(&self, task: Task) -> TaskId {
        let mut papers = self.0.papers();
        let id = TaskId(papers.next_id);
        papers.next_id += 1;
        papers.waiting.push((id, task));
        id
    }

    /// Hands out a task and waits for its outcome.
    pub async fn carry(&self, task: Task) -> Outcome {
        let id = self.start(task);
        poll_fn(|_| self.0.papers().take(id).map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Waits for the outcome of any of these tasks. `None` if there are none.
    pub async fn next_of<T>(&self, tasks: &BTreeMap<TaskId, T>) -> Option<(TaskId, Outcome)> {
        if tasks.is_empty() {
            return None;
        }
        poll_fn(|_| {
            let mut papers = self.0.papers();
            let done = tasks.keys().find_map(|id| Some((*id, papers.take(*id)?)));
            done.map_or(Poll::Pending, |done| Poll::Ready(Some(done)))
        })
        .await
    }

    /// Sends a request and waits for what comes of it.
    pub async fn call(&self, call: Call) -> Outcome {
        self.carry(Task::Call(call)).await
    }

    /// Waits.
    pub async fn sleep(&self, ms: u64) {
        self.carry(Task::Sleep { ms }).await;
    }

    /// How often a request is sent whose answer does not come.
    pub(super) fn attempts(&self) -> u32 {
        self.0.papers().attempts.map_or(ATTEMPTS, NonZeroU32::get)
    }

    /// Waits after this attempt, counted from 1.
    pub(super) async fn pause(&self, attempt: u32) {
        self.sleep(self.pause_of(attempt)).await;
    }

    /// The milliseconds of that.
    pub(super) fn pause_of(&self, attempt: u32) -> u64 {
        PAUSE << (attempt - 1).min(16)
    }

    /// True after [`Machine::cancel`](super::Machine::cancel).
    pub fn is_cancelled(&self) -> bool {
        self.0.papers().is_cancelled
    }
}
