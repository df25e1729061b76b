//! What an audit says of one object, and of all together.

use s3_ssec_core::key::Fingerprint;
use std::collections::BTreeMap;
use std::fmt;

/// How an object is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// Under a customer key, and the key is one of ours.
    OwnKey,
    /// Under a customer key that is none of ours.
    OtherKey,
    /// Its record names a key of ours, but the gateway did not confirm it.
    Unproved,
    /// Encrypted with a key that the gateway keeps (SSE-S3).
    SseS3,
    /// Encrypted with a key of a key management service (SSE-KMS).
    SseKms,
    /// Not encrypted.
    Plain,
    /// A delete marker, in an audit of versions.
    DeleteMarker,
    /// It went away between the listing and the question.
    Gone,
    /// It could not be asked about.
    Failed,
}

impl State {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            State::OwnKey => "own-key",
            State::OtherKey => "other-key",
            State::Unproved => "unproved",
            State::SseS3 => "sse-s3",
            State::SseKms => "sse-kms",
            State::Plain => "plain",
            State::DeleteMarker => "delete-marker",
            State::Gone => "gone",
            State::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the record of an object is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RecordState {
    /// Genuine, with a digest.
    Complete,
    /// Genuine, but its upload was never finished: there is no digest yet.
    Pending,
    /// There is none, so there is no digest.
    Missing,
    /// It names a key of ours and was not made with it: altered, or the object was renamed.
    NotGenuine,
    /// Genuine, and of content of another size.
    OtherSize,
    /// Genuine, and of an object that was here before: its key does not open what is here now.
    Outdated,
    /// Of a key that is none of ours, so nobody here can tell what it is worth.
    OfOtherKey,
    /// It is no record, or there are two.
    Damaged,
    /// Of a format that this program does not know.
    Newer,
    /// The tags may not be read.
    NotReadable,
    /// Nobody asked.
    NotAsked,
}

impl RecordState {
    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordState::Complete => "complete",
            RecordState::Pending => "pending",
            RecordState::Missing => "missing",
            RecordState::NotGenuine => "not-genuine",
            RecordState::OtherSize => "other-size",
            RecordState::Outdated => "outdated",
            RecordState::OfOtherKey => "of-other-key",
            RecordState::Damaged => "damaged",
            RecordState::Newer => "newer-format",
            RecordState::NotReadable => "not-readable",
            RecordState::NotAsked => "not-asked",
        }
    }
}

impl fmt::Display for RecordState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object, or version of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its key, as listed; for a line of a manifest that names no object, the line.
    pub key: String,
    /// Its version, in an audit of versions.
    pub version: Option<String>,
    /// False for a version that is not the newest.
    pub is_latest: bool,
    /// Size of the plaintext in bytes, where it is known.
    pub size: Option<u64>,
    /// Seconds since 1970.
    pub last_modified: Option<i64>,
    /// How it is protected.
    pub state: State,
    /// True if the gateway was asked and its answer shows the state. False for what only the record
    /// says.
    pub is_proved: bool,
    /// The key: proved, or as the record says. `None` for direct keys that are none of ours.
    pub key_fingerprint: Option<Fingerprint>,
    /// What its record is worth.
    pub record: RecordState,
    /// What else there is to say.
    pub note: Option<String>,
}

/// Counts of an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditSummary {
    /// Entries by state.
    pub states: BTreeMap<State, u64>,
    /// Entries by key, where one is known.
    pub keys: BTreeMap<Fingerprint, u64>,
    /// Encrypted entries by what their record is worth.
    pub records: BTreeMap<RecordState, u64>,
    /// Entries whose state only the record says.
    pub unproved: u64,
    /// Bytes of all of them.
    pub bytes: u64,
}

impl AuditSummary {
    /// Counts one more.
    pub fn add(&mut self, entry: &AuditEntry) {
        *self.states.entry(entry.state).or_default() += 1;
        if let Some(fingerprint) = entry.key_fingerprint {
            *self.keys.entry(fingerprint).or_default() += 1;
        }
        if matches!(entry.state, State::OwnKey | State::OtherKey | State::Unproved) {
            *self.records.entry(entry.record).or_default() += 1;
            self.unproved += u64::from(!entry.is_proved);
        }
        self.bytes += entry.size.unwrap_or_default();
    }

    /// Everything that was counted, delete markers too.
    pub fn entries(&self) -> u64 {
        self.states.values().sum()
    }

    /// How many are in this state.
    pub fn of(&self, state: State) -> u64 {
        self.states.get(&state).copied().unwrap_or_default()
    }
}
