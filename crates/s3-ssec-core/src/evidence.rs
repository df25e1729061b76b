//! How far a matching digest vouches for a content: one verdict for the command, the crate and the page.
//!
//! ```
//! use s3_ssec_core::evidence::{Evidence, RecordSource, Verification};
//! use s3_ssec_core::key::Kind;
//! use s3_ssec_core::record::Provenance;
//!
//! let since = 1_796_000_000;
//! let evidence = Evidence {
//!     provenance: Provenance::Accepted { since },
//!     kind: Kind::Master,
//!     source: RecordSource::Tag,
//! };
//! let verification = Verification::judge(Some(evidence), true)?;
//! assert_eq!(verification.code(), "verified-since");
//! assert_eq!(verification.to_string(), "verified since it was accepted on 2026-11-30 (UTC)");
//! assert!(Verification::judge(Some(evidence), false).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::key::Kind;
use crate::record::Provenance;
use crate::timestamp::Timestamp;
use std::fmt;

/// Where a record was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordSource {
    /// The object's tag: the gateway and everyone who may write tags could have put it there.
    Tag,
    /// The notes of this machine, which its owner alone writes.
    Ledger,
}

/// The worth of a complete record that a key confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// Where its digest comes from.
    pub provenance: Provenance,
    /// Kind of the key that confirmed it.
    pub kind: Kind,
    /// Where the record was read from.
    pub source: RecordSource,
}

/// The content is not the one that its record describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content does not match the digest of its record")]
pub struct Damaged;

impl Damaged {
    /// The machine-readable name.
    pub const CODE: &str = "damaged";
}

/// The verdict on a content that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verification {
    /// Every byte is as it was uploaded: the digest is that of the writer's own source.
    Verified,
    /// Every byte is as it was when its digest was taken from what a gateway held.
    VerifiedSince {
        /// Time of the acceptance, in seconds since 1970.
        accepted: u32,
    },
    /// The digest matches, and everyone who has or had the direct key could have made both.
    VerifiedByDirectKey {
        /// Time of the acceptance, in seconds since 1970, if the record names one.
        accepted: Option<u32>,
    },
    /// There was nothing to compare with.
    NoDigest,
}

impl Verification {
    /// The verdict on a content that was read to its end. `matches` says whether it has the size and the
    /// digest of the record; without a record it means nothing.
    pub fn judge(evidence: Option<Evidence>, matches: bool) -> Result<Self, Damaged> {
        match evidence {
            None => Ok(Verification::NoDigest),
            Some(evidence) if matches => Ok(evidence.verification()),
            Some(_) => Err(Damaged),
        }
    }

    /// The machine-readable name, the same in JSON, in reports and on the page.
    pub fn code(self) -> &'static str {
        match self {
            Verification::Verified => "verified",
            Verification::VerifiedSince { .. } => "verified-since",
            Verification::VerifiedByDirectKey { accepted: None } => "verified-by-direct-key",
            Verification::VerifiedByDirectKey { accepted: Some(_) } => {
                "verified-by-direct-key-since"
            }
            Verification::NoDigest => "not-verified",
        }
    }

    /// True if there was a digest, and it matched.
    pub fn is_verified(self) -> bool {
        self != Verification::NoDigest
    }

    /// Time at which the digest was taken from what a gateway held, in seconds since 1970.
    pub fn accepted(self) -> Option<u32> {
        match self {
            Verification::VerifiedSince { accepted } => Some(accepted),
            Verification::VerifiedByDirectKey { accepted } => accepted,
            Verification::Verified | Verification::NoDigest => None,
        }
    }

    /// Its limit, to follow "verified"; `None` where there is none.
    pub fn limit(self) -> Option<String> {
        let direct = matches!(self, Verification::VerifiedByDirectKey { .. });
        let direct = direct.then(|| "by a key that others may hold".to_owned());
        let since = self.accepted().map(|since| format!("since it was accepted on {}", day(since)));
        match (direct, since) {
            (Some(direct), Some(since)) => Some(format!("{direct}, {since}")),
            (direct, since) => direct.or(since),
        }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.limit()) {
            (Verification::NoDigest, _) => f.write_str("not verified: no digest"),
            (_, None) => f.write_str("verified: as it was uploaded"),
            (_, Some(limit)) => write!(f, "verified {limit}"),
        }
    }
}

impl Evidence {
    /// The verdict on a content that matches the record.
    pub fn verification(self) -> Verification {
        let accepted = self.provenance.accepted_since();
        match (self.kind, self.source, accepted) {
            // Notes of one's own are not made by others, whoever holds the key.
            (Kind::Direct, RecordSource::Tag, accepted) => {
                Verification::VerifiedByDirectKey { accepted }
            }
            (_, _, Some(accepted)) => Verification::VerifiedSince { accepted },
            (_, _, None) => Verification::Verified,
        }
    }
}

/// True if an object that a key of kind `opened_by` opens replaced one that this machine wrote under a
/// master key: `last_written` is the kind of the key of the last write of that name, as far as this
/// machine noted it.
pub fn replaces_master(opened_by: Kind, last_written: Option<Kind>) -> bool {
    opened_by == Kind::Direct && last_written == Some(Kind::Master)
}

/// `2026-11-30 (UTC)`.
fn day(unix_seconds: u32) -> String {
    let date = Timestamp::from_unix_seconds(unix_seconds.into()).date();
    format!("{}-{}-{} (UTC)", &date[..4], &date[4..6], &date[6..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SINCE: u32 = 1_796_000_000;
    const ACCEPTED: Provenance = Provenance::Accepted { since: SINCE };

    fn judged(kind: Kind, source: RecordSource, provenance: Provenance) -> (&'static str, String) {
        let evidence = Evidence { provenance, kind, source };
        assert_eq!(Verification::judge(Some(evidence), false), Err(Damaged));
        let verification = Verification::judge(Some(evidence), true).unwrap();
        assert!(verification.is_verified());
        assert_eq!(verification.accepted(), provenance.accepted_since());
        (verification.code(), verification.to_string())
    }

    #[test]
    fn every_kind_of_evidence_has_its_own_words() {
        use RecordSource::{Ledger, Tag};
        let verdict = |code, words: &str| (code, words.to_owned());
        let whole = verdict("verified", "verified: as it was uploaded");
        let since = verdict("verified-since", "verified since it was accepted on 2026-11-30 (UTC)");
        assert_eq!(judged(Kind::Master, Tag, Provenance::Source), whole);
        assert_eq!(judged(Kind::Master, Tag, ACCEPTED), since);
        assert_eq!(judged(Kind::Direct, Ledger, Provenance::Source), whole);
        assert_eq!(judged(Kind::Direct, Ledger, ACCEPTED), since);
        assert_eq!(
            judged(Kind::Direct, Tag, Provenance::Source),
            verdict("verified-by-direct-key", "verified by a key that others may hold")
        );
        assert_eq!(
            judged(Kind::Direct, Tag, ACCEPTED),
            verdict(
                "verified-by-direct-key-since",
                "verified by a key that others may hold, since it was accepted on 2026-11-30 (UTC)"
            )
        );
    }

    #[test]
    fn nothing_to_compare_with_is_not_verified() {
        for matches in [true, false] {
            let verification = Verification::judge(None, matches).unwrap();
            assert_eq!(verification, Verification::NoDigest);
            assert!(!verification.is_verified());
            assert_eq!(verification.to_string(), "not verified: no digest");
        }
    }

    #[test]
    fn only_a_direct_key_replaces_a_master_key() {
        assert!(replaces_master(Kind::Direct, Some(Kind::Master)));
        assert!(!replaces_master(Kind::Direct, Some(Kind::Direct)));
        assert!(!replaces_master(Kind::Direct, None));
        assert!(!replaces_master(Kind::Master, Some(Kind::Master)));
    }
}
