//! What can go wrong with one object of a rekey, and with a run.

use super::{Exit, Failure};
use s3_ssec::core::rekey::Outcome;
use s3_ssec::{Leftover, RekeyError, RekeyItem};

impl From<RekeyError> for Failure {
    fn from(error: RekeyError) -> Self {
        let what = error.to_string();
        let (exit, todo) = match error {
            RekeyError::Get(error) => return error.into(),
            RekeyError::Put(error) => return error.into(),
            RekeyError::Call(error) => return error.into(),
            RekeyError::Name(error) => return error.into(),
            RekeyError::Select(error) => return error.into(),
            RekeyError::NoLedger(_) => (Exit::NotProved, super::native::MAKE_ROOM),
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
            RekeyError::LocksEveryWrite(..) => (
                Exit::Unsafe,
                "Trial objects and replacements would stay locked. Let the bucket's owner take away the \
                 default retention for the time of the run, or copy the objects to another bucket: \
                 s3-ssec cp.",
            ),
            RekeyError::Held { .. } => (
                Exit::Unsafe,
                "Run it again when nothing holds its versions any more, or without --versions: then the \
                 newest content gets the new key, and older versions stay under their keys.",
            ),
            RekeyError::DirectTarget => {
                (Exit::Usage, "Make a master key: s3-ssec key new --out new.key")
            }
            RekeyError::Garbled(Leftover::Nothing) => (
                Exit::NotProved,
                "The run ended here: run it again without --gateway-copies, and report this to the \
                 administrator of the gateway.",
            ),
            RekeyError::Garbled(_) => (
                Exit::NotProved,
                "Look for another copy or version of the object. The run ended here: run it again without \
                 --gateway-copies, and report this to the administrator of the gateway.",
            ),
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
            "is left as it is: it cannot be verified, because its record is pending or gone, or another \
             tool wrote it",
            "If its content is right, --accept-content rekeys it as it is; s3-ssec repair completes \
             records from better evidence.",
        ),
        (Outcome::Plain, _) => new(
            Exit::NotProved,
            "is left as it is: it is plaintext, which everybody who may write could have put there",
            "If its content is right, --encrypt-plain encrypts it as it is; --skip-plain leaves plaintext \
             objects without an error.",
        ),
        (Outcome::Changed, None) => new(
            Exit::Failed,
            "is left as it is: somebody else wrote it meanwhile",
            "Run the same command again: it takes what is there now.",
        ),
        (Outcome::Damaged, Some(why)) => why.about(&about).instead(
            "It is left as it was. Get another copy or version of it, and report this to the administrator \
             of the gateway.",
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
