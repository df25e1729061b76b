//! The words in which a change and whoever drives it talk: what to do next, and how it ended.

#[cfg(doc)]
use super::PolicyChange;
use crate::policy::{Attempt, Gap, PolicyError, Rule, Scratch};
use std::fmt;
use std::time::Duration;

/// Wishes of the caller beyond the rule, and its abilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeOptions {
    /// Replace or remove a statement under the Sid of the rule that was edited.
    pub edited: bool,
    /// There is an address for plain HTTP.
    pub plain_http: bool,
    /// Try also what a rule that requires customer keys cannot refuse.
    pub gaps: bool,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the policy: [`PolicyChange::read`].
    Read,
    /// Write this document, or delete the policy: [`PolicyChange::done`]. It is read next, so a lost
    /// answer is a failure like any other.
    Write(Option<String>),
    /// Begin an upload without a key: [`PolicyChange::done`].
    Begin(Gap),
    /// Send a request of the trial: [`PolicyChange::tried`].
    Try(Attempt),
    /// Send a request that may pass the rule: [`PolicyChange::gap`].
    TryGap(Gap),
    /// Let some time go by: [`PolicyChange::done`].
    Wait(Duration),
    /// Remove all objects and uploads of these trials: [`PolicyChange::done`].
    Clear(Vec<Scratch>),
    /// Nothing more.
    End(Ending),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The rule is in the policy, for the whole bucket, and nothing contradicts it.
    Applied {
        /// False if it was there before.
        changed: bool,
    },
    /// So many statements were taken out.
    Removed(usize),
    /// The trial of what stands is over.
    Tested,
    /// The rule did something else than it says, and was taken out again.
    NotAsSaid,
    /// The statement under the Sid of this rule was edited. Nothing was changed.
    Edited(Rule),
    /// The policy cannot be read, or the rule cannot go into it. Nothing was changed.
    Document(PolicyError),
    /// Another client changed the policy meanwhile. Theirs stands, without our statement.
    Changed,
    /// The gateway accepts a policy and does not have it then.
    NotKept,
    /// Stopped. The policy is as it was.
    Stopped,
    /// A request failed. The policy is as it was.
    Failed,
    /// It was to be undone, and that failed: a statement of ours may be left.
    NotRestored,
}

impl Ending {
    /// The next step for a person, one imperative line without an address.
    pub fn todo(&self) -> &'static str {
        match self {
            Ending::Edited(_) => "Look at it, and replace it or take it out if it is yours.",
            Ending::Changed => "Try it again when no other client changes the policy.",
            Ending::NotKept => "Look at the policy, and ask the administrator.",
            Ending::NotRestored => "Look at the policy, and take the rule out.",
            Ending::Document(PolicyError::Contradiction { .. }) => "Take the other rule out first.",
            _ => "Look at the policy, and try it again.",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Applied { .. } => f.write_str("the rule is in the policy"),
            Ending::Removed(count) => write!(f, "{count} statements were taken out"),
            Ending::Tested => f.write_str("the policy was tried"),
            Ending::NotAsSaid => f.write_str("on this gateway the rule does not do what it says"),
            Ending::Edited(rule) => {
                write!(f, "the statement {rule} of the policy was edited, and was left as it is")
            }
            Ending::Document(error) => error.fmt(f),
            Ending::Changed => f.write_str(
                "another client changed the policy at the same time; the rule was not put in place",
            ),
            Ending::NotKept => {
                f.write_str("the gateway accepted the policy and does not have it now")
            }
            Ending::Stopped => f.write_str("interrupted"),
            Ending::Failed => f.write_str("a request failed; the policy is as it was"),
            Ending::NotRestored => {
                f.write_str("the trial is over, but its statement could not be taken out")
            }
        }
    }
}
