//! The words for what an object is: those of `stat`, `audit` and `verify`.

use super::{Inspection, State};
use crate::key::Kind;
use crate::names::{ObjectName, quoted};

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

/// Why the content of an object that is not delivered stays where it is, and what to do. `words` are those of
/// [`Inspection::words`], `name` is the object's.
pub fn refusal(state: &str, words: &str, name: &ObjectName) -> (String, String) {
    let name = quoted(&name.to_string());
    let altered = "Restore it from a copy, and report it to the administrator of the gateway.";
    let (what, todo) = match state {
        "absent" => {
            ("this object does not exist any more".to_owned(), "Refresh the list.".to_owned())
        }
        "other-key" => (
            format!("this object is {words}"),
            format!(
                "Open the file of that key. If the object is yours and its record is lost, search for it: \
                 s3-ssec repair {name} --search"
            ),
        ),
        "pending" => (
            "the record of this object was never completed: its content cannot be verified"
                .to_owned(),
            format!(
                "s3-ssec repair {name} --against FILE completes it from your own copy of the content; \
                 s3-ssec repair {name} --accept-content accepts the content as it is now."
            ),
        ),
        "plain" => (
            "this object is not encrypted with a customer key".to_owned(),
            "Anyone who may read the bucket can read it. Download it only if you expected that."
                .to_owned(),
        ),
        "other-size" => (
            "this is not what was uploaded: it has another size than its record says".to_owned(),
            altered.to_owned(),
        ),
        "unproved" => (
            words.to_owned(),
            "Do not trust what is there. Show this to the administrator of the gateway.".to_owned(),
        ),
        _ => (
            format!("this object is {words}"),
            format!("Look at it with the command: s3-ssec stat {name}"),
        ),
    };
    (what, todo)
}
