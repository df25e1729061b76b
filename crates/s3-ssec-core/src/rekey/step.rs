//! The words in which a rewriting and whoever drives it talk: what was seen, what to do, what came of it.

use crate::key::Fingerprint;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is known of the content of an object under a key at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Description {
    /// A record, genuine and complete.
    Whole,
    /// None: another tool wrote it.
    None,
    /// A record that was never completed, or that is gone.
    Lost,
}

/// What a look at an object found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// There is no such object.
    Absent,
    /// It is not encrypted with a customer key. Its size in bytes.
    Plain(u64),
    /// A key at hand opens it.
    Open {
        /// The person's key.
        key: Fingerprint,
        /// What it says of its content.
        description: Description,
        /// Size in bytes.
        size: u64,
    },
    /// It is under a key that is not at hand.
    Locked,
    /// Its record is not genuine, damaged, or of a newer format.
    False,
}

/// How an object gets its new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Held in memory, and written with one PUT.
    Whole,
    /// Through this machine part by part; Complete makes it stand.
    Parts,
    /// Read here to be verified, and copied by the gateway.
    Copy,
}

/// What a whole read of the old content found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It equals its record.
    Verified,
    /// There is no record to compare with.
    Unverified,
    /// It is not what was uploaded.
    Damaged,
    /// It changed while it was read.
    Changed,
}

/// Who is there, after a replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The new object, proved to be under its new key.
    Ours,
    /// The old one: the replacement did not arrive.
    Old,
    /// Another object, or none.
    Others,
    /// The new object, but nothing proves that it is encrypted.
    Unproved,
}

/// How a step can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The gateway was not reached or is out of order: it may pass. What was asked may be done.
    MayPass,
    /// Refused. What was asked is not done.
    Refused,
    /// The object is not the one that was named: the condition of the request failed.
    Condition,
    /// Done, but not proved to be encrypted.
    Unproved,
}

/// What is noted before the next step is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// An upload is about to be opened.
    Opening,
    /// It has its ID.
    Opened,
    /// The object is about to be replaced.
    Replacing,
    /// There is nothing more to do.
    Settled(Outcome),
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Find out what is there: [`Rewrite::looked`](super::Rewrite::looked).
    Look,
    /// Note it, safely on disk: [`Rewrite::done`](super::Rewrite::done).
    Note(Mark),
    /// Open an upload under a new key: [`Rewrite::done`](super::Rewrite::done).
    Open,
    /// Read all of the old content and compare it with its record; for [`Way::Parts`] into the parts of
    /// the upload: [`Rewrite::read`](super::Rewrite::read).
    Read(Way),
    /// Ask once more what is there: [`Rewrite::confirmed`](super::Rewrite::confirmed).
    Confirm,
    /// Put the new object in the place of the old one: [`Rewrite::done`](super::Rewrite::done).
    Replace(Way),
    /// Find out who is there now: [`Rewrite::checked`](super::Rewrite::checked).
    Check,
    /// Read all of the copy that the gateway made and compare it with what was copied:
    /// [`Rewrite::compared`](super::Rewrite::compared).
    Compare,
    /// Write the tags and the access list that the replacement could not carry: [`Rewrite::done`](super::Rewrite::done).
    Describe,
    /// Remove the version that is not proved or not the same; only where it has an ID: [`Rewrite::done`](super::Rewrite::done).
    TakeBack,
    /// Abort the upload: [`Rewrite::done`](super::Rewrite::done).
    Abort,
    /// Let some time go by: [`Rewrite::done`](super::Rewrite::done).
    Wait(Duration),
    /// Nothing more.
    End(Outcome),
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is under its new key.
    Rekeyed(Way),
    /// It was under the target key already.
    Already,
    /// It is gone: somebody deleted it.
    Absent,
    /// It is not encrypted, and to be skipped for that.
    PlainSkipped,
    /// It is not encrypted. Whoever may write could have put it there, so it is encrypted only on
    /// request.
    Plain,
    /// It is under a key that is not at hand.
    Locked,
    /// Nothing describes its content: its record is pending or gone, or another tool wrote it without
    /// one. That was not to be accepted.
    Undescribed,
    /// Its record is not genuine.
    False,
    /// Its content is not what was uploaded. It is as it was.
    Damaged,
    /// Somebody else wrote it in between. Theirs is there.
    Changed,
    /// A step failed. It is as it was.
    Failed,
    /// The gateway did not prove that it encrypted.
    Unproved,
    /// The gateway copied it, and the copy is not the same. It was removed where it is a version of its
    /// own.
    Garbled,
    /// It was replaced or may be, and the rest could not be done: the journal keeps what is needed.
    Unfinished,
}

impl Outcome {
    /// True if there is nothing to do or to say any more.
    pub fn is_good(self) -> bool {
        use Outcome::{Absent, Already, PlainSkipped, Rekeyed};
        matches!(self, Rekeyed(_) | Already | Absent | PlainSkipped)
    }
}

/// Handling of plaintext objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plaintext {
    /// Leave them, and count that as a failure: whoever may write could have put them there.
    #[default]
    Refuse,
    /// Leave them without a word.
    Skip,
    /// Encrypt them. Their contents are accepted as they are.
    Encrypt,
}

/// What holds for all objects of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rules {
    /// The key that objects get.
    pub target: Fingerprint,
    /// Handling of plaintext objects.
    pub plaintext: Plaintext,
    /// Take encrypted objects whose content nothing describes as they are.
    pub accept_content: bool,
    /// Write anew also what is under the target key.
    pub renew: bool,
    /// The gateway may copy, and was seen to copy from one customer key to another.
    pub copies: bool,
    /// The gateway was seen to honour `If-Match` on a PUT.
    pub conditional: bool,
    /// Up to this size in bytes an object is held in memory.
    pub whole_max: u64,
    /// Up to this size in bytes the gateway copies.
    pub copy_max: u64,
}

impl Rules {
    /// What is to be done with what was seen: a way, or an outcome at once.
    pub fn decide(&self, sight: Sight) -> Result<Way, Outcome> {
        let (size, keyed) = match sight {
            Sight::Absent => return Err(Outcome::Absent),
            Sight::Locked => return Err(Outcome::Locked),
            Sight::False => return Err(Outcome::False),
            Sight::Plain(size) => match self.plaintext {
                Plaintext::Refuse => return Err(Outcome::Plain),
                Plaintext::Skip => return Err(Outcome::PlainSkipped),
                Plaintext::Encrypt => (size, false),
            },
            Sight::Open { key, description, .. }
                if key == self.target && description != Description::Lost && !self.renew =>
            {
                return Err(Outcome::Already);
            }
            Sight::Open { description: Description::Whole, size, .. } => (size, true),
            Sight::Open { .. } if !self.accept_content => return Err(Outcome::Undescribed),
            Sight::Open { size, .. } => (size, true),
        };
        Ok(match size {
            // A plain source is stored in the clear by gateways that copy keyed ones right.
            size if keyed && self.copies && size <= self.copy_max => Way::Copy,
            size if size <= self.whole_max => Way::Whole,
            _ => Way::Parts,
        })
    }
}
