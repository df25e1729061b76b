//! What an audit says of one object, and of all together.

use s3_ssec_core::key::{Fingerprint, Kind};
use std::collections::BTreeMap;
use std::fmt;

/// How an object is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// Under a customer key that comes from one of our master keys.
    OwnKey,
    /// Under one of our direct keys, which others may hold.
    DirectKey,
    /// Under one of our direct keys, and this machine last wrote the name under a master key.
    Replaced,
    /// Under a customer key that is none of ours.
    OtherKey,
    /// The gateway did not confirm the key that its record names, or did not say that one is needed.
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
    const ALL: [State; 11] = [
        State::OwnKey,
        State::DirectKey,
        State::Replaced,
        State::OtherKey,
        State::Unproved,
        State::SseS3,
        State::SseKms,
        State::Plain,
        State::DeleteMarker,
        State::Gone,
        State::Failed,
    ];

    /// True where a customer key is needed, or is said to be.
    fn is_encrypted(self) -> bool {
        matches!(
            self,
            State::OwnKey | State::DirectKey | State::Replaced | State::OtherKey | State::Unproved
        )
    }

    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            State::OwnKey => "own-key",
            State::DirectKey => "direct-key",
            State::Replaced => "replaced",
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
    /// Genuine, with a digest of the writer's source.
    Complete,
    /// Genuine, with a digest that was taken from what a gateway held.
    Accepted,
    /// Genuine, but its upload was never finished: there is no digest yet.
    Pending,
    /// In the ledger of this machine alone: genuine, with a digest.
    InLedger,
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
    const ALL: [RecordState; 13] = [
        RecordState::Complete,
        RecordState::Accepted,
        RecordState::Pending,
        RecordState::InLedger,
        RecordState::Missing,
        RecordState::NotGenuine,
        RecordState::OtherSize,
        RecordState::Outdated,
        RecordState::OfOtherKey,
        RecordState::Damaged,
        RecordState::Newer,
        RecordState::NotReadable,
        RecordState::NotAsked,
    ];

    /// The word in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordState::Complete => "complete",
            RecordState::Accepted => "accepted",
            RecordState::Pending => "pending",
            RecordState::InLedger => "in-ledger",
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

    /// True if there is a digest to compare the content with.
    pub fn has_digest(self) -> bool {
        matches!(self, Self::Complete | Self::Accepted | Self::InLedger)
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
    /// The kind of that key, if it is one of ours.
    pub key_kind: Option<Kind>,
    /// The key that the record of an object names which is under no customer key.
    pub claimed_key: Option<Fingerprint>,
    /// What its record is worth.
    pub record: RecordState,
    /// Time at which the digest of an accepted record was taken from what a gateway held, in seconds
    /// since 1970.
    pub accepted: Option<u32>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What an audit found, without the name: equal for most objects of a bucket, so it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Finding {
    /// How the object is protected.
    pub state: State,
    /// The key: proved, or as the record says.
    pub key_fingerprint: Option<Fingerprint>,
    /// What its record is worth.
    pub record: RecordState,
    /// True if the gateway showed it.
    pub is_proved: bool,
}

/// For journals: `own-key 4816dfc85c4eac7b complete`, and `unproved` behind it where it is.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.state)?;
        match self.key_fingerprint {
            Some(fingerprint) => write!(f, "{fingerprint}")?,
            None => f.write_str("-")?,
        }
        write!(f, " {}", self.record)?;
        if self.is_proved { Ok(()) } else { f.write_str(" unproved") }
    }
}

impl Finding {
    /// Reads what [`Finding`] prints.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (state, key, record) = (words.next()?, words.next()?, words.next()?);
        let state = State::ALL.into_iter().find(|known| known.as_str() == state)?;
        let record = RecordState::ALL.into_iter().find(|known| known.as_str() == record)?;
        let key_fingerprint = match key {
            "-" => None,
            text => Some(Fingerprint::parse(text)?),
        };
        let is_proved = match words.next() {
            None => true,
            Some("unproved") => false,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Self { state, key_fingerprint, record, is_proved })
    }
}

impl AuditEntry {
    /// What was found, without the name.
    pub fn finding(&self) -> Finding {
        let Self { state, key_fingerprint, record, is_proved, .. } = *self;
        Finding { state, key_fingerprint, record, is_proved }
    }
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
    pub fn add(&mut self, finding: Finding, bytes: u64) {
        *self.states.entry(finding.state).or_default() += 1;
        if let Some(fingerprint) = finding.key_fingerprint {
            *self.keys.entry(fingerprint).or_default() += 1;
        }
        if finding.state.is_encrypted() {
            *self.records.entry(finding.record).or_default() += 1;
            self.unproved += u64::from(!finding.is_proved);
        }
        self.bytes += bytes;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_as_they_are_printed() {
        let keys = [None, Fingerprint::parse("00112233aabbccdd")];
        for (state, record) in State::ALL.iter().zip(RecordState::ALL.iter().cycle().skip(3)) {
            for (key_fingerprint, is_proved) in keys.into_iter().zip([true, false]) {
                let (state, record) = (*state, *record);
                let finding = Finding { state, key_fingerprint, record, is_proved };
                assert_eq!(Finding::parse(&finding.to_string()), Some(finding));
            }
        }
        for bad in
            ["", "own-key", "own-key - x", "own-key - complete proved", "own-key - complete "]
        {
            assert_eq!(Finding::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn counts_add_up() {
        let mut summary = AuditSummary::default();
        let finding = |text: &str| Finding::parse(text).unwrap();
        summary.add(finding("own-key 00112233aabbccdd complete"), 10);
        summary.add(finding("own-key 00112233aabbccdd pending unproved"), 5);
        summary.add(finding("plain - missing"), 1);
        assert_eq!((summary.entries(), summary.of(State::OwnKey), summary.bytes), (3, 2, 16));
        assert_eq!(summary.keys.into_values().collect::<Vec<_>>(), [2]);
        assert_eq!((summary.unproved, summary.records.len()), (1, 2));
    }
}
