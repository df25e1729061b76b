//! A share as a line of text: Bech32m, 89 characters, any four wrong ones are noticed.

use super::{LineError, SET_LENGTH, SetId, Share, ShareError, VALUE_LENGTH};
use crate::typing::wrong_place;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use zeroize::Zeroizing;

/// The human-readable part of a share.
const PREFIX: &str = "s3-ssec-share";

const BYTES: usize = SET_LENGTH + 2 + VALUE_LENGTH;

/// Most shares that are read at a time: as many as a set can have.
pub const SHARES_MAX: usize = 255;

impl Share {
    /// The line. It is one of the shares: it goes to its holder and nowhere else.
    pub fn print(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let (head, value) = bytes.split_at_mut(SET_LENGTH + 2);
        head[..SET_LENGTH].copy_from_slice(&self.set.0);
        head[SET_LENGTH..].copy_from_slice(&[self.threshold, self.index]);
        value.copy_from_slice(self.value.as_slice());
        // Room for everything: a growing String would leave pieces behind.
        let mut line = Zeroizing::new(String::with_capacity(128));
        // 43 bytes are far below Bech32m's limit of length.
        let _ = bech32::encode_lower_to_fmt::<Bech32m, _>(
            &mut *line,
            Hrp::parse_unchecked(PREFIX),
            bytes.as_slice(),
        );
        line
    }

    /// Reads one line. Blanks between its characters are ignored, for those who type in groups.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let mut compact = Zeroizing::new(String::with_capacity(text.len()));
        compact.extend(text.chars().filter(|character| !character.is_whitespace()));
        let is_share =
            compact.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        if !is_share {
            return Err(LineError::NotAShare);
        }
        let checked = CheckedHrpstring::new::<Bech32m>(&compact)
            .map_err(|_| LineError::Checksum { near: wrong_place(&compact) })?;
        let mut bytes = Zeroizing::new([0; BYTES]);
        let mut given = checked.byte_iter();
        for slot in bytes.iter_mut() {
            *slot = given.next().ok_or(LineError::NotAShare)?;
        }
        let (head, value) = bytes.split_at(SET_LENGTH + 2);
        let [first, second, third, threshold, index] = *head else {
            return Err(LineError::NotAShare);
        };
        if given.next().is_some() || threshold < 2 || index == 0 {
            return Err(LineError::NotAShare);
        }
        let mut share = Share {
            set: SetId([first, second, third]),
            threshold,
            index,
            value: Zeroizing::new([0; VALUE_LENGTH]),
        };
        share.value.copy_from_slice(value);
        Ok(share)
    }
}

/// Reads shares, one on each line. Empty lines and lines that begin with `#` mean nothing.
pub fn read(text: &str) -> Result<Vec<Share>, ShareError> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let shares = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let shares = shares
        .map(|(line, text)| Share::parse(text).map_err(|error| ShareError::Line { line, error }))
        .take(SHARES_MAX + 1)
        .collect::<Result<Vec<_>, _>>()?;
    if shares.len() > SHARES_MAX { Err(ShareError::TooMany) } else { Ok(shares) }
}
