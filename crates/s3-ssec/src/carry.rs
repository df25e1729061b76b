//! Carries the tasks of the core's machines ([`s3_ssec_core::transfer`]): sends each request once, and brings
//! its answer as it came. Which request follows, and what an answer means, the machine decides.

mod capture;
mod scratch;
mod send;

use crate::call::CallError;
use crate::client::Client;
use crate::ledger::Safety;
use crate::state::StateDir;
use crate::watch::Watch;
use crate::write::PutOptions;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::Record;
use s3_ssec_core::transfer::{
    Answer, Body, Call, KeyFacts, KeyRef, Link, Machine, Operation, Outcome, Stage, Task, TaskId,
};
use scratch::ScratchKey;
pub(crate) use send::{conditions, part_list};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The side of an order that does not leave this machine: its key, and the content that it sends.
pub(crate) trait Hands: Sync {
    /// The headers of the key of this name.
    fn headers(&self, key: KeyRef) -> Option<Arc<TargetKeyHeaders>>;

    /// Draws the key of a write. `None` if that cannot be done, or is not this order's to do.
    fn draw(&self, _name: &ObjectName, _is_described: bool) -> Option<KeyFacts> {
        None
    }

    /// A content of the source, to send. The outcome if it is not sent; [`Outcome::Failed`] if this order has no
    /// source.
    fn payload(&self, _sent: Sent<'_>) -> impl Future<Output = Result<Payload, Outcome>> + Send {
        async { Err(Outcome::Failed) }
    }

    /// The headers that are stored with an object, and its metadata.
    fn options(&self) -> Option<&PutOptions> {
        None
    }

    /// Carries a task that concerns the source or the journal of this order.
    fn local(&self, _task: Task) -> impl Future<Output = Outcome> + Send {
        async { Outcome::Failed }
    }

    /// Tasks that may be out at a time.
    fn room(&self) -> usize {
        usize::MAX
    }
}

/// A content to send.
pub(crate) enum Sent<'a> {
    Whole,
    Part { number: u16, body: &'a Body, same_as: Option<&'a str> },
}

/// A content on its way.
pub(crate) struct Payload {
    pub(crate) body: ByteStream,
    /// Bytes.
    pub(crate) length: u64,
    /// In lower-case hexadecimal; the gateway refuses any other body.
    pub(crate) sha256: String,
}

impl Payload {
    /// A content in memory.
    pub(crate) fn of(content: Bytes) -> Self {
        let sha256 = base16ct::lower::encode_string(&Sha256::digest(&content));
        Self { length: content.len() as u64, sha256, body: content.into() }
    }
}

/// No key but those of scratch objects, and nothing to send.
pub(crate) struct NoHands;

impl Hands for NoHands {
    fn headers(&self, _: KeyRef) -> Option<Arc<TargetKeyHeaders>> {
        None
    }
}

/// The key of one write, and nothing to send.
pub(crate) struct KeyAlone(pub(crate) Arc<TargetKeyHeaders>);

impl Hands for KeyAlone {
    fn headers(&self, _: KeyRef) -> Option<Arc<TargetKeyHeaders>> {
        Some(Arc::clone(&self.0))
    }
}

/// The end of an order, and the requests of it that failed.
pub(crate) struct Carried<V> {
    pub(crate) verdict: V,
    troubles: Vec<(Operation, CallError)>,
}

impl<V> Carried<V> {
    /// The error behind a refusal that the machine named: of a write, if one was refused so, for the questions
    /// that clean up behind it may be refused alike.
    pub(crate) fn refused(&mut self, refusal: &Answer) -> Option<CallError> {
        let is_it = |error: &CallError| error.status() == Some(refusal.status);
        let write = self.troubles.iter().rposition(|(sent, error)| is_write(sent) && is_it(error));
        let any = || self.troubles.iter().rposition(|(_, error)| is_it(error));
        Some(self.troubles.swap_remove(write.or_else(any)?).1)
    }

    /// The error of the last request that failed.
    pub(crate) fn last(&mut self) -> Option<CallError> {
        self.troubles.pop().map(|(_, error)| error)
    }

    /// The error behind an order without a usable answer: that of its last write, or else of the first
    /// question that was not answered. A refusal is an answer.
    pub(crate) fn unanswered(&mut self) -> Option<CallError> {
        let is_it = |error: &CallError| !error.is_refusal();
        let write = self.troubles.iter().rposition(|(sent, error)| is_write(sent) && is_it(error));
        let first = || self.troubles.iter().position(|(_, error)| is_it(error));
        Some(self.troubles.swap_remove(write.or_else(first)?).1)
    }
}

fn is_write(operation: &Operation) -> bool {
    use Operation::{Complete, Create, Part, Put};
    matches!(operation, Put { .. } | Create { .. } | Part { .. } | Complete { .. })
}

/// Carries an order to its end. `watch` cancels it.
pub(crate) async fn carry<V, C>(
    client: &Client,
    hands: &impl Hands,
    watch: &Watch,
    course: impl FnOnce(Link) -> C,
) -> Carried<V>
where
    V: Clone,
    C: Future<Output = V> + Send + 'static,
{
    let (troubles, scratch) = (Mutex::default(), ScratchKey::default());
    let carrier = Carrier { client, hands, troubles, scratch };
    let mut machine = Machine::new(course).with_attempts(client.attempts);
    let mut out = FuturesUnordered::new();
    loop {
        let room = hands.room().saturating_sub(out.len()).max(usize::from(out.is_empty()));
        out.extend(machine.next(room).into_iter().map(|task| carrier.task(task, watch)));
        if let Some(verdict) = machine.verdict() {
            let verdict = verdict.clone();
            drop(out);
            let troubles = carrier.troubles.into_inner().unwrap_or_else(PoisonError::into_inner);
            return Carried { verdict, troubles };
        }
        let Some((id, outcome)) = out.next().await else { std::future::pending().await };
        if watch.is_stopped() {
            machine.cancel();
        }
        // Each task has one outcome, so it is taken.
        let _ = machine.done(id, outcome);
    }
}

struct Carrier<'a, H> {
    client: &'a Client,
    hands: &'a H,
    troubles: Mutex<Vec<(Operation, CallError)>>,
    scratch: ScratchKey,
}

impl<H: Hands> Carrier<'_, H> {
    /// A task that is out when the order is cancelled is given up; those that follow are not.
    async fn task(&self, (id, task): (TaskId, Task), watch: &Watch) -> (TaskId, Outcome) {
        let outcome = match task {
            Task::Call(call) if watch.is_stopped() => self.call(&call).await,
            Task::Call(call) => {
                watch.unless_stopped(self.call(&call)).await.unwrap_or(Outcome::Abandoned)
            }
            Task::Sleep { ms } => {
                watch.unless_stopped(tokio::time::sleep(Duration::from_millis(ms))).await;
                Outcome::Slept
            }
            Task::DrawKey { name, is_described } => {
                self.hands.draw(&name, is_described).map_or(Outcome::Failed, Outcome::Key)
            }
            Task::Note { name, record, stage } => self.note(&name, &record, stage).await,
            Task::OpenScratch { beside } => self.scratch.open(self.client, &beside),
            Task::CloseScratch { .. } => self.scratch.close(),
            task @ (Task::Hash { .. } | Task::Read { .. }) => {
                let work = self.hands.local(task);
                watch.unless_stopped(work).await.unwrap_or(Outcome::Abandoned)
            }
            task @ (Task::Describe { .. } | Task::Compare { .. } | Task::Journal(_)) => {
                self.hands.local(task).await
            }
        };
        (id, outcome)
    }

    async fn call(&self, call: &Call) -> Outcome {
        let key = match call.key {
            None => None,
            Some(KeyRef::Scratch) => self.scratch.headers(),
            Some(KeyRef::Stranger) => self.scratch.stranger(),
            Some(key @ KeyRef::Write(_)) => self.hands.headers(key),
        };
        if key.is_none() && call.key.is_some() {
            return Outcome::Failed;
        }
        let (outcome, trouble) = send::send(self.client, self.hands, call, key).await;
        match &outcome {
            Outcome::Answer(answer) => {
                tracing::debug!("{}: answered {}", call.operation.name(), answer.status);
            }
            other => tracing::debug!("{}: {other:?}", call.operation.name()),
        }
        if let Some(error) = trouble {
            let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
            troubles.push((call.operation.clone(), error));
        }
        outcome
    }

    async fn note(&self, name: &ObjectName, record: &str, stage: Stage) -> Outcome {
        let Ok(record) = Record::parse(record) else { return Outcome::Failed };
        let client = self.client;
        let safety = match stage {
            Stage::Confirmed { in_tag } => {
                client.confirm(name, &record, in_tag).await;
                return Outcome::Noted;
            }
            // Where nothing can be remembered, the tag itself is looked at.
            Stage::Begun if !client.state.as_ref().is_some_and(StateDir::is_writable) => {
                return Outcome::Failed;
            }
            Stage::Begun => Safety::Written,
            Stage::BegunAlone => Safety::OnDisk,
        };
        match client.note_begun(name, &record, safety).await {
            Ok(()) => Outcome::Noted,
            Err(error) => {
                tracing::debug!("the ledger cannot be written: {error}");
                Outcome::Failed
            }
        }
    }
}
