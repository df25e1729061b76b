//! The promises of verdicts, as the invariants see them.

use crate::removal::Leftover;
use crate::transfer::conditions::{ConditionVerdict, ReplacingVerdict};
use crate::transfer::parts::{PartsHalt, PartsLeft, PartsVerdict, UploadLeft};
use crate::transfer::put::PutVerdict;
use crate::transfer::trial::{TrialEnd, TrialVerdict};

/// The promises of a verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub(super) is_stored: bool,
    /// By HEADs with the key and without it.
    pub(super) is_proved_twice: bool,
    pub(super) nothing_left: bool,
    pub(super) upload_gone: bool,
    /// Encrypted objects count too.
    pub(super) is_trial: bool,
}

/// A verdict, as the invariants see it.
pub(super) trait Says: Clone {
    fn said(&self) -> Said;
}

impl Says for PutVerdict {
    fn said(&self) -> Said {
        let nothing_left = match self {
            PutVerdict::NotProved { leftover, .. }
            | PutVerdict::Refused { leftover, .. }
            | PutVerdict::Unanswered(leftover)
            | PutVerdict::Stopped(leftover) => *leftover == Leftover::Nothing,
            _ => false,
        };
        let is_stored = matches!(self, PutVerdict::Stored { .. });
        Said { is_stored, nothing_left, ..Said::default() }
    }
}

impl Says for ReplacingVerdict {
    fn said(&self) -> Said {
        let is_gone = self.left.is_none();
        Said { nothing_left: is_gone, upload_gone: is_gone, is_trial: true, ..Said::default() }
    }
}

impl Says for ConditionVerdict {
    fn said(&self) -> Said {
        let is_gone = self.left.is_none();
        Said { nothing_left: is_gone, upload_gone: is_gone, is_trial: true, ..Said::default() }
    }
}

impl Says for TrialVerdict {
    fn said(&self) -> Said {
        let is_gone = self.left.is_none();
        let is_stored = matches!(self.end, TrialEnd::Proved { .. });
        Said {
            is_stored,
            is_proved_twice: true,
            nothing_left: is_gone,
            upload_gone: is_gone,
            is_trial: true,
        }
    }
}

impl Says for PartsVerdict {
    fn said(&self) -> Said {
        match self {
            PartsVerdict::Stored(_, unheard) => Said {
                is_stored: true,
                is_proved_twice: true,
                upload_gone: *unheard == UploadLeft::Gone,
                ..Said::default()
            },
            PartsVerdict::Failed(halt, PartsLeft { object, upload }) => {
                let is_gone = *upload == UploadLeft::Gone;
                // Of another writer's object they say that it is there.
                use PartsHalt::{Exists, Overwritten, Unrecorded};
                let is_silent = matches!(halt, Exists | Overwritten | Unrecorded);
                let nothing_left = *object == Leftover::Nothing && is_gone && !is_silent;
                Said { nothing_left, upload_gone: is_gone, ..Said::default() }
            }
        }
    }
}
