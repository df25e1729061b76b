//! Audit: under which key is every object, and is its record whole? No body is read.
//!
//! The record in an object's tag is a hint. What it says is proved by HEAD with the key it names, whose
//! echo must be right, or the object is reported as not proved. Entries come in the order of the
//! listing, many are asked about at once, and none is kept: memory does not grow with the bucket.

mod entry;
mod expect;
mod list;
mod prove;
mod under;

pub use entry::{AuditEntry, AuditSummary, Finding, RecordState, State};
pub use expect::{Expectation, ExpectationError};
pub use under::UnderKey;

use crate::call::CallError;
use crate::client::Client;
use crate::flight::Flight;
use crate::select::Selection;
use crate::uploads::HalfDone;
use crate::uploads::UploadPages;
use crate::watch::Watch;
use list::{Found, Lister, Page};
use prove::Prover;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::S3Address;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::{JoinHandle, JoinSet};

/// How to audit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditOptions {
    /// Every version, not only the newest.
    pub versions: bool,
    /// Believe records: HEAD is asked only about objects without one.
    pub trust_records: bool,
    /// Which objects.
    pub selection: Selection,
    /// Objects asked about at once, at most.
    pub in_flight: usize,
    /// Go on behind this.
    pub after: Option<AuditMark>,
    /// Report half-done uploads too.
    pub uploads: bool,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self {
            versions: false,
            trust_records: false,
            selection: Selection::default(),
            in_flight: 64,
            after: None,
            uploads: true,
        }
    }
}

/// A place in a listing: everything up to and with it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditMark {
    /// The last object key.
    pub key: String,
    /// The last version of it, in an audit of versions.
    pub version: Option<String>,
}

/// What an audit tells, in the order of the listing.
#[derive(Debug)]
#[non_exhaustive]
pub enum AuditEvent {
    /// One object, or version of one.
    Object(Box<AuditEntry>),
    /// A half-done upload.
    Upload(HalfDone),
    /// Uploads were not listed: rights are missing, or the gateway has no such listing.
    UploadsNotListed(CallError),
    /// Everything up to here was told.
    Through(AuditMark),
}

/// An audit ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The listing failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What was told could not be kept.
    #[error("{0}")]
    Told(#[from] io::Error),
}

/// Told of everything; an error of it ends the audit.
pub type AuditTell<'a> = &'a mut (dyn FnMut(AuditEvent) -> io::Result<()> + Send);

/// Entries that wait for an earlier one to be told first, for each request in flight.
const WAITING: usize = 8;

impl Client {
    /// Tells of every object at `place` under which key it is. True if it came to the end, false if
    /// it was stopped.
    pub async fn audit(
        &self,
        keys: &Arc<Keyring>,
        place: &S3Address,
        options: &AuditOptions,
        watch: &Watch,
        tell: AuditTell<'_>,
    ) -> Result<bool, AuditError> {
        let lister = Lister::new(self, place, options);
        let prover = Prover::new(self, keys, place, options.trust_records);
        let mut desk = Desk::new(Arc::new(prover), options.in_flight);
        let mut next = Some(ahead(lister));
        while let Some(page) = next.take() {
            let (lister, page) = page.await.map_err(io::Error::other)?;
            let Page { found, mark } = page?;
            next = lister.map(ahead);
            for found in found {
                if watch.is_stopped() {
                    desk.finish(tell).await?;
                    return Ok(false);
                }
                desk.take_on(found, tell).await?;
            }
            if let Some(mark) = mark {
                desk.waiting.push_back(Slot::Mark(mark));
            }
        }
        desk.finish(tell).await?;
        match options.uploads {
            true => match self.report_uploads(place, options, watch, tell).await {
                // What was found out about the objects counts all the same.
                Err(AuditError::Call(error)) if matches!(error.status(), Some(403 | 405 | 501)) => {
                    tell(AuditEvent::UploadsNotListed(error))?;
                    Ok(!watch.is_stopped())
                }
                reported => reported,
            },
            false => Ok(!watch.is_stopped()),
        }
    }

    async fn report_uploads(
        &self,
        place: &S3Address,
        options: &AuditOptions,
        watch: &Watch,
        tell: AuditTell<'_>,
    ) -> Result<bool, AuditError> {
        let mut pages = UploadPages::new(self, place);
        while let Some(uploads) = pages.next().await? {
            if watch.is_stopped() {
                return Ok(false);
            }
            for upload in uploads {
                if options.selection.takes_listed(&upload.key) {
                    tell(AuditEvent::Upload(upload))?;
                }
            }
        }
        Ok(true)
    }
}

/// A page that is on its way, and what lists the one behind it.
type Ahead = JoinHandle<(Option<Lister>, Result<Page, CallError>)>;

/// Lists while entries are asked about.
fn ahead(mut lister: Lister) -> Ahead {
    tokio::spawn(async move {
        let page = lister.page().await;
        let more = page.is_ok() && lister.has_more();
        (more.then_some(lister), page)
    })
}

/// Where an entry stands until it is its turn to be told.
enum Slot {
    Asked,
    Known(Box<AuditEntry>),
    Mark(AuditMark),
}

/// Asks about many at once and tells in order.
struct Desk {
    prover: Arc<Prover>,
    flight: Flight,
    asked: JoinSet<(u64, AuditEntry)>,
    waiting: VecDeque<Slot>,
    /// The number of the first that waits.
    first: u64,
    most: usize,
}

impl Desk {
    fn new(prover: Arc<Prover>, most: usize) -> Self {
        let flight = Flight::of_small(most, Instant::now());
        let (asked, waiting) = (JoinSet::new(), VecDeque::new());
        Self { prover, flight, asked, waiting, first: 0, most: most.max(1) }
    }

    /// Asks about one more, when there is room.
    async fn take_on(&mut self, found: Found, tell: AuditTell<'_>) -> Result<(), AuditError> {
        while self.asked.len() >= self.flight.limit() || self.waiting.len() >= self.most * WAITING {
            self.settle_one(tell).await?;
        }
        let number = self.first + self.waiting.len() as u64;
        self.waiting.push_back(Slot::Asked);
        let prover = Arc::clone(&self.prover);
        self.asked.spawn(async move { (number, prover.entry(found).await) });
        Ok(())
    }

    /// Waits for one answer and tells what can be told. False when nothing is in flight.
    async fn settle_one(&mut self, tell: AuditTell<'_>) -> Result<bool, AuditError> {
        let Some(settled) = self.asked.join_next().await else { return Ok(false) };
        // A task ends without a word only by a defect; then nothing behind it is told.
        let (number, entry) = settled.map_err(io::Error::other)?;
        self.flight.finished(1, Instant::now());
        if let Some(slot) = self.waiting.get_mut((number - self.first) as usize) {
            *slot = Slot::Known(Box::new(entry));
        }
        self.tell(tell)?;
        Ok(true)
    }

    fn tell(&mut self, tell: AuditTell<'_>) -> Result<(), AuditError> {
        while let Some(slot) = self.waiting.pop_front() {
            self.first += 1;
            match slot {
                Slot::Known(entry) => tell(AuditEvent::Object(entry))?,
                Slot::Mark(mark) => tell(AuditEvent::Through(mark))?,
                Slot::Asked => {
                    self.waiting.push_front(Slot::Asked);
                    self.first -= 1;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn finish(&mut self, tell: AuditTell<'_>) -> Result<(), AuditError> {
        while self.settle_one(tell).await? {}
        self.tell(tell)
    }
}
