//! What somebody expects of every object.

use super::entry::{AuditEntry, RecordState, State};
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::Keyring;
use std::fmt;
use std::str::FromStr;

/// What every object must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// Under a customer key, whosever it is.
    Encrypted,
    /// Under a master key of ours.
    Own,
    /// Under a master key of ours, with a genuine record whose digest is that of the writer's source.
    OwnSource,
    /// Under a key of ours, direct keys included.
    Direct,
    /// Under a master key of ours, with a genuine record that has a digest.
    Described,
    /// Under this key.
    Key(Fingerprint),
}

/// Not an expectation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot be expected; encrypted, own, own-source, described, direct or key=FINGERPRINT can"
)]
pub struct ExpectationError(String);

impl Expectation {
    /// True if the entry is as expected. What could not be asked about is not, nor what has another size
    /// than its record says; delete markers and what went away meanwhile have nothing to protect.
    pub fn is_met_by(self, entry: &AuditEntry) -> bool {
        let (own, direct) = (entry.state == State::OwnKey, entry.state == State::DirectKey);
        match (entry.state, self) {
            (State::DeleteMarker | State::Gone, _) => true,
            (State::Failed | State::Unproved | State::Replaced, _) => false,
            _ if entry.record == RecordState::OtherSize => false,
            (_, Expectation::Encrypted) => own || direct || entry.state == State::OtherKey,
            (_, Expectation::Own) => own,
            (_, Expectation::OwnSource) => {
                own && matches!(entry.record, RecordState::Complete | RecordState::InLedger)
            }
            (_, Expectation::Direct) => own || direct,
            (_, Expectation::Described) => own && entry.record.has_digest(),
            (_, Expectation::Key(wanted)) => {
                (own || direct) && entry.key_fingerprint == Some(wanted)
            }
        }
    }

    /// True if keys like these can meet it: what is expected of a master key needs one.
    pub fn can_be_met_with(self, keys: &Keyring) -> bool {
        match self {
            Self::Own | Self::OwnSource | Self::Described => keys.has_master(),
            Self::Encrypted | Self::Direct | Self::Key(_) => true,
        }
    }
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let wrong = || ExpectationError(text.to_owned());
        match text {
            "encrypted" => Ok(Self::Encrypted),
            "own" => Ok(Self::Own),
            "own-source" => Ok(Self::OwnSource),
            "direct" => Ok(Self::Direct),
            "described" => Ok(Self::Described),
            _ => {
                let fingerprint = text.strip_prefix("key=").and_then(Fingerprint::parse);
                fingerprint.map(Self::Key).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => f.write_str("encrypted"),
            Self::Own => f.write_str("own"),
            Self::OwnSource => f.write_str("own-source"),
            Self::Direct => f.write_str("direct"),
            Self::Described => f.write_str("described"),
            Self::Key(fingerprint) => write!(f, "key={fingerprint}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: State, record: RecordState, fingerprint: Option<&str>) -> AuditEntry {
        AuditEntry {
            key: "a".to_owned(),
            version: None,
            is_latest: true,
            size: Some(1),
            last_modified: None,
            state,
            is_proved: true,
            key_fingerprint: fingerprint.and_then(Fingerprint::parse),
            key_kind: None,
            claimed_key: None,
            record,
            accepted: None,
            note: None,
        }
    }

    #[test]
    fn expectations_are_met_by_what_they_name() {
        let mine = "00112233aabbccdd";
        let all = [
            entry(State::OwnKey, RecordState::Complete, Some(mine)),
            entry(State::OwnKey, RecordState::Pending, Some("1111111111111111")),
            entry(State::OtherKey, RecordState::OfOtherKey, Some(mine)),
            entry(State::Unproved, RecordState::Complete, Some(mine)),
            entry(State::SseS3, RecordState::Missing, None),
            entry(State::Plain, RecordState::Missing, None),
            entry(State::Failed, RecordState::NotAsked, None),
            entry(State::DeleteMarker, RecordState::NotAsked, None),
            entry(State::Gone, RecordState::NotAsked, None),
            entry(State::OwnKey, RecordState::Accepted, Some("1111111111111111")),
            entry(State::DirectKey, RecordState::Complete, Some("2222222222222222")),
            entry(State::Replaced, RecordState::Complete, Some("2222222222222222")),
            entry(State::OwnKey, RecordState::OtherSize, Some(mine)),
        ];
        let met = |text: &str| {
            let expectation: Expectation = text.parse().unwrap();
            assert_eq!(expectation.to_string(), text);
            let met = all.iter().enumerate().filter(|(_, entry)| expectation.is_met_by(entry));
            met.map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(met("encrypted"), [0, 1, 2, 7, 8, 9, 10]);
        assert_eq!(met("own"), [0, 1, 7, 8, 9]);
        assert_eq!(met("own-source"), [0, 7, 8]);
        assert_eq!(met("direct"), [0, 1, 7, 8, 9, 10]);
        assert_eq!(met("described"), [0, 7, 8, 9]);
        assert_eq!(met(&format!("key={mine}")), [0, 7, 8]);
        assert_eq!(met("key=2222222222222222"), [7, 8, 10]);
        for bad in ["", "all", "key=", "key=xyz", "Encrypted"] {
            assert!(bad.parse::<Expectation>().is_err(), "{bad}");
        }
    }
}
