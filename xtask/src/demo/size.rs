//! Sizes as people write them.

use anyhow::{Context, Result};

const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Reads a number of bytes, with or without a unit: `1GiB`, `300 MiB`, `17`.
pub(super) fn parse(text: &str) -> Result<u64> {
    let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
    let (number, factor) = unit.unwrap_or((text, 1));
    let bytes = number.trim().parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
    bytes.with_context(|| format!("`{text}` is no size\nWrite a number with KiB, MiB or GiB."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(parse("1GiB").unwrap(), 1 << 30);
        assert_eq!(parse("300 MiB").unwrap(), 300 << 20);
        assert_eq!(parse("17").unwrap(), 17);
    }

    #[test]
    fn other_units_are_refused() {
        for bad in ["1GB", "-1", "", "GiB", "99999999999GiB"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
