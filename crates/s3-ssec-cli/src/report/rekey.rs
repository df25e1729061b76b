//! What can go wrong with one object of a rekey, and with a run.

use super::{Exit, Failure};
use s3_ssec::core::rekey::Outcome;
use s3_ssec::{RekeyError, RekeyItem};

impl From<RekeyError> for Failure {
    fn from(error: RekeyError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            RekeyError::Get(error) => return error.into(),
            RekeyError::Put(error) => return error.into(),
            RekeyError::Call(error) => return error.into(),
            RekeyError::Name(error) => return error.into(),
            RekeyError::Select(error) => return error.into(),
            RekeyError::Journal(_) => (
                Exit::Failed,
                "If no other rekey of this place is running, look at the state directory \
                 (~/.local/state/s3-ssec).",
            ),
            RekeyError::NoTrial(_) => (
                Exit::Failed,
                "Get the right to write and delete objects whose names begin with .s3-ssec-trial-: \
                 nothing is replaced before it is proved to be encrypted.",
            ),
            RekeyError::TooManyTags(_) => (Exit::Failed, "Take one of its tags away."),
            RekeyError::Suspended(_) => (
                Exit::Usage,
                "Enable versioning for the time of the run, or leave --versions out: where it is \
                 suspended, a new object would take the place of a version.",
            ),
            RekeyError::DirectTarget => {
                (Exit::Usage, "Make a master key: s3-ssec key new --out new.key")
            }
            RekeyError::UploadLeft => {
                (Exit::Failed, "Run the same command again, or s3-ssec repair: they abort it.")
            }
            _ => (Exit::Failed, "Run it again with -v and look at what the gateway says."),
        };
        Failure::new(exit, what, todo)
    }
}

/// Why an object did not get its new key.
pub(crate) fn of_item(item: &mut RekeyItem, place: &str) -> Failure {
    let about = format!("{place}/{}", item.key);
    let why = item.why.take().map(Failure::from);
    let new = |exit, what: &str, todo: &str| Failure::new(exit, format!("{about} {what}"), todo);
    match (item.outcome, why) {
        (Outcome::Undescribed, _) => new(
            Exit::NotProved,
            "is left as it is: its record is pending or gone, so that it cannot be verified",
            "Complete the record with s3-ssec repair, or take it as it is with --allow-unverified.",
        ),
        (Outcome::Changed, None) => new(
            Exit::Failed,
            "is left as it is: somebody else wrote it meanwhile",
            "Run the same command again: it takes what is there now.",
        ),
        (Outcome::Damaged, Some(why)) => why.about(&about).instead(
            "It is left as it was, under its old key. Get another copy or version of it, and tell the \
             administrator of the gateway.",
        ),
        (Outcome::Unfinished, Some(why)) => why.about(&about).first(
            "It was replaced, or may be. The same command finishes it.",
        ),
        (Outcome::Unproved, Some(why)) => why.about(&about).instead(
            "Do not trust this gateway or a proxy before it. The run ended here; the same command looks \
             again at this object.",
        ),
        (_, Some(why)) => why.about(&about),
        (_, None) => new(
            Exit::Failed,
            "did not get its new key",
            "Run the same command again with -v and look at what the gateway says.",
        ),
    }
}
