//! The words for what an object is: those of `stat`, `audit` and `verify`.

use super::{Inspection, State};
use crate::key::Kind;

/// How a state is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is as it should be.
    Good,
    /// Encrypted, and less than what the best key and record show.
    Caution,
    /// Not ours to read, or not to be trusted.
    Bad,
}

impl Tone {
    /// The machine-readable name.
    pub fn code(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Caution => "caution",
            Tone::Bad => "bad",
        }
    }
}

impl State {
    /// The machine-readable name.
    pub fn code(self) -> &'static str {
        match self {
            State::Described => "open",
            State::Pending => "pending",
            State::Undescribed => "undescribed",
            State::OtherSize => "other-size",
            State::OtherKey => "other-key",
            State::Outdated => "outdated",
            State::NotGenuine => "not-genuine",
            State::DamagedRecord => "damaged-record",
            State::NewerRecord => "newer-record",
            State::Unproved(_) => "unproved",
            State::Plain => "plain",
            State::Absent => "absent",
        }
    }

    /// True if the content is delivered without a further question.
    pub fn is_delivered(self) -> bool {
        matches!(self, State::Described | State::Undescribed)
    }
}

impl Inspection {
    /// How to show a state. A direct key beside a master key is never shown like the master key: others
    /// may hold it.
    pub fn tone(&self, state: State) -> Tone {
        let kind = self.key().map(|(_, key)| key.kind());
        match state {
            State::Described if kind == Some(Kind::Direct) && self.has_master() => Tone::Caution,
            State::Described => Tone::Good,
            State::Pending | State::Undescribed => Tone::Caution,
            _ => Tone::Bad,
        }
    }

    /// A state in words, lower case, no full stop. `label` is what the owner calls the key.
    pub fn words(&self, state: State, label: Option<&str>) -> String {
        let key = self.key().map(|(_, key)| key.fingerprint().to_string());
        let own = label.map(str::to_owned).or(key).unwrap_or_default();
        let under_own = |more: &str| format!("encrypted, key “{own}”{more}");
        let cannot = "the content cannot be verified";
        match state {
            State::Described => {
                let limit = self.evidence().and_then(|evidence| evidence.verification().limit());
                let limit = limit.map(|limit| format!(", can be verified {limit}"));
                under_own(&limit.unwrap_or_default())
            }
            State::Pending => under_own(&format!(", record not completed: {cannot}")),
            State::Undescribed => under_own(&format!(", no digest: {cannot}")),
            State::OtherSize => under_own(", but of another size than its record says"),
            State::OtherKey => match self.named() {
                Some(named) => format!("encrypted with another key ({named})"),
                None => "encrypted with another key".to_owned(),
            },
            State::Outdated => "encrypted with another key than its record says".to_owned(),
            State::NotGenuine => {
                "encrypted; its record is not genuine: it was altered, or the object renamed"
                    .to_owned()
            }
            State::DamagedRecord => "encrypted; its record is damaged".to_owned(),
            State::NewerRecord => {
                "encrypted; its record is of a newer format than this program knows".to_owned()
            }
            State::Unproved(error) => format!("not proved to be encrypted: {error}"),
            State::Plain => "not encrypted with a customer key".to_owned(),
            State::Absent => "gone".to_owned(),
        }
    }
}
