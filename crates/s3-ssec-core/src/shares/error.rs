//! What can be wrong with shares.

use super::SetId;
use crate::typing::place;

/// Numbers that make no shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// One alone would restore the key.
    #[error("at least two shares restore a key: one that does so alone is a copy")]
    Copy,
    /// More would be needed than there are.
    #[error("more shares would be needed than are made")]
    TooFew,
}

/// Not as many random bytes as the scheme takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{wanted} random bytes are wanted, these are {got}")]
pub struct SplitError {
    /// How many were given.
    pub got: usize,
    /// How many it takes.
    pub wanted: usize,
}

/// What is wrong with one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The checksum fails.
    #[error("holds a share with a typing error{}", place(*near))]
    Checksum {
        /// The character that is wrong, counted from 1 without blanks, if only one is.
        near: Option<usize>,
    },
    /// Something else than a share.
    #[error("holds something that is no share of a key")]
    NotAShare,
}

/// A text that holds no shares, or a damaged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// A line is wrong.
    #[error("line {line} {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        error: LineError,
    },
    /// More than any set can have.
    #[error("there are more than 255 shares in it")]
    TooMany,
}

/// Shares do not give a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CombineError {
    /// There is no share at all.
    #[error("there is no share")]
    Nothing,
    /// Fewer than it takes.
    #[error("{needed} shares restore this key, and these are {have}")]
    NotEnough {
        /// How many were given.
        have: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A share of another key, or of another set of this one.
    #[error("share {place} belongs to another set ({set}) than the first one")]
    OtherSet {
        /// Counted from 1, in the order in which they were given.
        place: usize,
        /// The set it belongs to.
        set: SetId,
    },
    /// The same share twice.
    #[error("share number {0} is given twice")]
    Twice(u8),
    /// They belong together, but give no key of the fingerprint that was split with it.
    #[error("the shares do not give the key that was split: one of them was altered")]
    NotGenuine,
}
