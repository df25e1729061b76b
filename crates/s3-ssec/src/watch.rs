//! What a caller may watch, and how it can stop a transfer.

use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Told how many more bytes are safely at the other end. Called from many tasks.
pub type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// An observer of one command, with a way to stop it.
///
/// A stopped transfer takes back what it began: uploads are aborted, temporary files removed.
#[derive(Clone, Default)]
pub struct Watch {
    progress: Option<Progress>,
    expected: Option<Progress>,
    stop: CancellationToken,
}

impl Watch {
    /// Reports to `progress`.
    pub fn new(progress: Progress) -> Self {
        Self { progress: Some(progress), ..Self::default() }
    }

    /// Reports to `expected` how many more bytes are going to come, once that is known: for each
    /// object that is read, its size.
    #[must_use]
    pub fn expecting(self, expected: Progress) -> Self {
        Self { expected: Some(expected), ..self }
    }

    /// The same stop, another report.
    #[must_use]
    pub fn reporting_to(&self, progress: Progress) -> Self {
        Self { progress: Some(progress), ..self.clone() }
    }

    /// Asks everything that watches this to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// True once it was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(crate) fn moved(&self, bytes: u64) {
        if let Some(progress) = &self.progress {
            progress(bytes);
        }
    }

    pub(crate) fn to_come(&self, bytes: u64) {
        if let Some(expected) = &self.expected {
            expected(bytes);
        }
    }

    /// Runs `work` unless asked to stop first; `None` then.
    pub(crate) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.stop.run_until_cancelled(work).await
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
