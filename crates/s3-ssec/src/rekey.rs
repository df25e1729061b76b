//! Every object of a place under a new key.
//!
//! What is done to one object, and in which order, is decided in the core ([`s3_ssec_core::rekey`]);
//! here its steps are taken (`object`, `read`, `replace`), or to one with all its versions (`history`), many objects at a time (`run`), with a journal on
//! disk (`log`), on a gateway whose ways were tried before (`probe`).

mod access;
mod history;
mod lock;
mod log;
mod object;
mod probe;
mod read;
mod replace;
mod run;
mod versions;

pub use versions::OldVersions;

use crate::call::CallError;
use crate::get::GetError;
use crate::select::{SelectError, Selection};
use crate::tree::Filter;
use crate::write::{Leftover, PutError};
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::lock::Hold;
use s3_ssec_core::names::{BucketName, NameError, ObjectName};
use s3_ssec_core::rekey::{Outcome, Plaintext, Way};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn copy_left(leftover: Leftover) -> &'static str {
    match leftover {
        Leftover::Nothing => "its version was removed",
        _ => "it may be what is stored now",
    }
}

/// How to rekey.
#[derive(Clone)]
#[non_exhaustive]
pub struct RekeyOptions {
    /// Which objects.
    pub selection: Selection,
    /// Which of their names, below the place.
    pub filter: Arc<Filter>,
    /// Look and count, and write nothing.
    pub dry_run: bool,
    /// Handling of plaintext objects.
    pub plaintext: Plaintext,
    /// Take encrypted objects whose content nothing describes as they are: their record is pending or
    /// gone, or another tool wrote them. They count as accepted, not as verified.
    pub accept_content: bool,
    /// Let the gateway copy objects where a trial shows that it can. Each copy is read back and compared;
    /// but on a bucket without versions it has taken the place of its source by then.
    pub gateway_copies: bool,
    /// Older versions too, on a versioned bucket: each is written anew, and the old ones are deleted.
    pub versions: bool,
    /// Objects in flight, at most.
    pub in_flight: usize,
    /// Bytes read in a second, at most.
    pub rate: Option<u64>,
    /// Where the steps are noted, instead of the state directory.
    pub steps: Option<PathBuf>,
}

impl Default for RekeyOptions {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            filter: Arc::new(Filter::default()),
            dry_run: false,
            plaintext: Plaintext::Refuse,
            accept_content: false,
            gateway_copies: false,
            versions: false,
            in_flight: 16,
            rate: None,
            steps: None,
        }
    }
}

/// One object, and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct RekeyItem {
    /// The object key.
    pub key: String,
    /// What became of it; on a dry run what would.
    pub outcome: Outcome,
    /// Its size in bytes, where it is known; of all versions that are written anew.
    pub size: u64,
    /// Versions that are written anew.
    pub versions: u64,
    /// The key it was under; `None` if it was in the clear or that is not known.
    pub from: Option<Fingerprint>,
    /// It was in the clear.
    pub was_plain: bool,
    /// Its content counts as accepted from now on: nothing vouched for it, or a direct key alone.
    pub accepted: bool,
    /// Why it did not get its new key.
    pub why: Option<RekeyError>,
}

/// How many objects, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// Objects.
    pub objects: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

/// Everything that was done, or on a dry run would be.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RekeySummary {
    /// Through this machine: written with one PUT.
    pub whole: Count,
    /// Through this machine, in parts.
    pub parts: Count,
    /// Copied by the gateway.
    pub copied: Count,
    /// Versions that these had, and that were written anew with their history.
    pub versions: u64,
    /// Of these, in the clear before.
    pub were_plain: Count,
    /// Of these, accepted as they were.
    pub accepted: Count,
    /// Under the target key already.
    pub already: Count,
    /// In the clear, and left so.
    pub left_plain: Count,
    /// Gone before it was their turn.
    pub absent: u64,
    /// What did not get its new key.
    pub bad: Vec<RekeyItem>,
    /// Rekeyed by the run that this one went on with.
    pub before: Count,
    /// The longest time between the last look at an object and its replacement, where the gateway
    /// does not honour `If-Match`: what somebody writes within it is lost.
    pub window: Option<Duration>,
    /// Older versions, on a versioned bucket: they stay as they were written, in the clear too.
    pub old_versions: Option<OldVersions>,
    /// Objects whose access list could not be read: they have the usual one now.
    pub without_grants: u64,
    /// True if it ended early, on request or because the gateway proved nothing.
    pub stopped: bool,
    /// True if the same command goes on from here.
    pub goes_on: bool,
    /// How long it took.
    pub elapsed: Duration,
    /// Bytes in a second of the last run on this gateway, for an estimate.
    pub known_rate: Option<u64>,
}

impl RekeySummary {
    /// Everything that got its new key in this run.
    pub fn rekeyed(&self) -> Count {
        let ways = [self.whole, self.parts, self.copied];
        let sum = |of: fn(&Count) -> u64| ways.iter().map(of).sum();
        Count { objects: sum(|count| count.objects), bytes: sum(|count| count.bytes) }
    }

    fn add(&mut self, item: RekeyItem) {
        match item.outcome {
            Outcome::Rekeyed(way) => {
                let count = match way {
                    Way::Whole => &mut self.whole,
                    Way::Parts => &mut self.parts,
                    Way::Copy => &mut self.copied,
                };
                count.add(item.size);
                self.versions += item.versions;
                if item.was_plain {
                    self.were_plain.add(item.size);
                }
                if item.accepted {
                    self.accepted.add(item.size);
                }
            }
            Outcome::Already => self.already.add(item.size),
            Outcome::PlainSkipped => self.left_plain.add(item.size),
            Outcome::Absent => self.absent += 1,
            _ => self.bad.push(item),
        }
    }
}

/// An object did not get its new key, or a run did not take place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RekeyError {
    /// The object could not be read, or is not what was uploaded.
    #[error(transparent)]
    Get(#[from] GetError),
    /// The new one could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
    /// Another call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// No object key of S3.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The manifest.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The journal cannot be written or belongs to another process; nothing is done without it.
    #[error("the journal of the run cannot be used: {0}")]
    Journal(io::Error),
    /// The gateway keeps no tags, and the ledger cannot be written: the object is left under its old key.
    #[error(
        "{0} is left under its old key: no tag is kept here, and there is no ledger to keep its record"
    )]
    NoLedger(ObjectName),
    /// No scratch object may be written, so that nothing can be proved before an object is replaced.
    #[error("no trial object may be written in s3://{0}")]
    NoTrial(BucketName),
    /// With the record it would have more tags than S3 allows.
    #[error("it has {0} tags, and with its record one more than the ten that S3 allows")]
    TooManyTags(usize),
    /// The gateway's copy of an object onto itself is not the same.
    #[error("its copy by the gateway is not the same as what was copied; {}", copy_left(*.0))]
    Garbled(Leftover),
    /// An upload that was begun could not be aborted.
    #[error("a half-done upload of it could not be aborted")]
    UploadLeft,
    /// Old versions cannot be rewritten where a new one takes the place of another.
    #[error("versioning is suspended in s3://{0}")]
    Suspended(BucketName),
    /// Every version is locked when it is written: trials and replacements could not be removed.
    #[error("s3://{0} locks every object that is written ({1}); nothing was written")]
    LocksEveryWrite(BucketName, String),
    /// A version cannot be removed, so nothing is written in its place.
    #[error(
        "version {version} of {name} cannot be removed, because of {hold}; nothing was written"
    )]
    Held {
        /// The object.
        name: ObjectName,
        /// The version.
        version: String,
        /// The lock on it.
        hold: Hold,
    },
    /// A version under a direct key cannot be told from somebody else's after a crash.
    #[error("older versions cannot get a direct key")]
    DirectTarget,
    /// Interrupted on request.
    #[error("interrupted")]
    Stopped,
}
