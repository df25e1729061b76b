//! Object lock: what keeps a version from being removed.

use crate::timestamp::Timestamp;
use std::fmt;

/// The object lock of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketLock {
    /// It has none.
    None,
    /// Single versions may be locked.
    Versions,
    /// Every version is locked when it is written. The mode, and for how long.
    EveryWrite(String),
    /// It may not be read.
    Unknown,
}

impl BucketLock {
    /// Reads the answer to GetObjectLockConfiguration: whether it says that object lock is enabled, and
    /// mode and period of its default retention.
    pub fn of_answer(is_enabled: bool, default: Option<(&str, &str)>) -> Self {
        match default {
            Some((mode, period)) => BucketLock::EveryWrite(format!("{mode}, {period}")),
            None if is_enabled => BucketLock::Versions,
            None => BucketLock::None,
        }
    }

    /// Reads a refusal: 404 where there is no lock, 400, 405 and 501 from servers without object lock.
    pub fn of_refusal(status: u16) -> Option<Self> {
        match status {
            400 | 404 | 405 | 501 => Some(BucketLock::None),
            403 => Some(BucketLock::Unknown),
            _ => None,
        }
    }
}

/// Why a version cannot be removed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A legal hold, until it is taken away.
    LegalHold,
    /// Retention in this mode, up to this time in seconds since 1970.
    Retention {
        /// `COMPLIANCE` or `GOVERNANCE`.
        mode: String,
        /// When it ends.
        until: i64,
    },
}

impl Hold {
    /// Judges the legal hold and the retention of a version at `now`, in seconds since 1970.
    pub fn of_version(
        legal_hold: Option<&str>,
        retention: Option<(&str, i64)>,
        now: i64,
    ) -> Option<Self> {
        if legal_hold == Some("ON") {
            return Some(Hold::LegalHold);
        }
        let (mode, until) = retention.filter(|(_, until)| *until > now)?;
        Some(Hold::Retention { mode: mode.to_owned(), until })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::LegalHold => f.write_str("a legal hold"),
            Hold::Retention { mode, until } => {
                let until = Timestamp::from_unix_seconds(u64::try_from(*until).unwrap_or_default());
                write!(f, "a retention ({mode}) until {until}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_has_a_lock_only_if_it_says_so() {
        assert_eq!(BucketLock::of_answer(false, None), BucketLock::None);
        assert_eq!(BucketLock::of_answer(true, None), BucketLock::Versions);
        let every = BucketLock::of_answer(true, Some(("GOVERNANCE", "1 day")));
        assert_eq!(every, BucketLock::EveryWrite("GOVERNANCE, 1 day".to_owned()));
        for status in [400, 404, 405, 501] {
            assert_eq!(BucketLock::of_refusal(status), Some(BucketLock::None), "{status}");
        }
        assert_eq!(BucketLock::of_refusal(403), Some(BucketLock::Unknown));
        assert_eq!(BucketLock::of_refusal(503), None, "it may pass");
    }

    #[test]
    fn a_version_is_held_until_its_retention_ends() {
        let retention = Some(("COMPLIANCE", 1000));
        let held = Hold::of_version(None, retention, 999).unwrap();
        assert_eq!(held.to_string(), "a retention (COMPLIANCE) until 19700101T001640Z");
        assert_eq!(Hold::of_version(None, retention, 1000), None);
        assert_eq!(Hold::of_version(Some("OFF"), None, 0), None);
        assert_eq!(Hold::of_version(Some("ON"), None, 0), Some(Hold::LegalHold));
        assert_eq!(Hold::of_version(Some("ON"), retention, 0), Some(Hold::LegalHold));
    }
}
