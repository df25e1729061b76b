//! Where in a line of Bech32m somebody has mistyped: the place is told, and never what stands there.

use bech32::Bech32m;
use bech32::primitives::correction::CorrectableError as _;
use bech32::primitives::decode::CheckedHrpstringError;

/// The character of `line` that is wrong, counted from 1, if it seems to be only one.
pub(crate) fn wrong_place(error: &CheckedHrpstringError, line: &str) -> Option<usize> {
    let corrector = error.correction_context::<Bech32m>()?;
    let (from_end, _) = corrector.bch_errors()?.next()?;
    let separator = line.rfind('1')?;
    line.len().checked_sub(from_end).filter(|place| *place > separator + 1)
}

/// The end of a sentence about it.
pub(crate) fn place(near: Option<usize>) -> String {
    near.map_or(String::new(), |place| format!(", probably in character {place}"))
}
