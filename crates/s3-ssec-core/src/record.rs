//! The record: what an object says about its own key and content, in one tag under one MAC.
//!
//! Not secret, so it is readable without the key (HEAD of the object is not). Byte-exact in
//! `FORMAT.md`, "Record".
//!
//! ```
//! use s3_ssec_core::derive::Nonce;
//! use s3_ssec_core::digest::ContentHasher;
//! use s3_ssec_core::key::{Key, Kind};
//! use s3_ssec_core::keyring::{Keyring, Seal};
//! use s3_ssec_core::names::S3Address;
//! use s3_ssec_core::record::{Content, Record};
//!
//! // Who writes: a fresh key for this version, and the record that goes into the tag `s3-ssec`.
//! let key = Key::from_bytes(Kind::Master, &[7; 32])?;
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let seal = Seal::new(&key, name.clone(), Nonce::next(1_764_000_000, 0x5a, None));
//! let mut hasher = ContentHasher::new(&key.content_key());
//! hasher.update(b"1;2");
//! let content = Content::of_source(hasher.size(), hasher.finish());
//! let tag = seal.record(content).to_string();
//! assert!(tag.len() <= 144 && tag.starts_with("v1.m."));
//!
//! // Who reads: the tag says which key is needed, and nothing is sent to find out.
//! let keys = Keyring::new(vec![key])?;
//! let (_, opened) = keys.open(&Record::parse(&tag)?, &name)?;
//! assert_eq!(opened.content, content);
//! let renamed = S3Address::parse("s3://research-data/b.csv")?.object()?;
//! assert!(keys.open(&Record::parse(&tag)?, &renamed).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::derive::{Expander, Nonce, Purpose};
use crate::digest::ContentDigest;
use crate::key::{CustomerKey, Fingerprint, Key, Kind};
use crate::names::ObjectName;
use crate::secret::hmac_sha256;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The key of the object tag that holds the record.
pub const TAG_KEY: &str = "s3-ssec";

const MAC_LENGTH: usize = 16;

/// A tag that is not a record of this format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not of the form that this format writes.
    #[error("the record of the object is damaged")]
    Malformed,
    /// Written by a newer format; never guessed at.
    #[error("the record of the object is of format {0:?}, newer than this program knows")]
    NewerFormat(String),
}

/// The record's MAC fails under this key: another key's, another name's, or tampered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record was not made with this key for this object name")]
pub struct ForeignRecord;

/// Where the digest of a record comes from: how far back a matching content is vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// The writer computed it from its own source, before or while it sent the bytes.
    Source,
    /// It was taken from the content that a gateway held. It vouches for the content since then, and
    /// says nothing about the time before.
    Accepted {
        /// Time of the acceptance, in seconds since 1970 (valid until 2106).
        since: u32,
    },
}

impl Provenance {
    /// The provenance of a copy made at `now` (seconds since 1970) whose content was compared with a
    /// record of this provenance under a key of kind `from`, and whose record is under one of kind `to`.
    ///
    /// A copy never raises it. All holders of a direct key, the gateway included, can make records
    /// under it, so what moves from a direct key to a master key counts as accepted.
    pub fn of_copy(self, from: Kind, to: Kind, now: u32) -> Self {
        match (self, from, to) {
            (_, Kind::Direct, Kind::Master) => Provenance::Accepted { since: now },
            (provenance, ..) => provenance,
        }
    }

    /// Time of the acceptance in seconds since 1970; `None` for a digest of the writer's source.
    pub fn accepted_since(self) -> Option<u32> {
        match self {
            Provenance::Source => None,
            Provenance::Accepted { since } => Some(since),
        }
    }
}

/// The knowledge about a content that a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing yet: a multipart upload is under way.
    Pending,
    /// Its size and its digest.
    Known(KnownContent),
}

/// Size and keyed digest of a content, and who vouches for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownContent {
    /// Size of the plaintext in bytes.
    pub size: u64,
    /// Keyed digest of the plaintext.
    pub digest: ContentDigest,
    /// Where the digest comes from.
    pub provenance: Provenance,
}

impl Content {
    /// A content whose digest its writer computed from its own source. `size` is in bytes.
    pub fn of_source(size: u64, digest: ContentDigest) -> Self {
        Content::Known(KnownContent { size, digest, provenance: Provenance::Source })
    }

    /// A content as a gateway held it at `since`, in seconds since 1970. `size` is in bytes.
    pub fn accepted(size: u64, digest: ContentDigest, since: u32) -> Self {
        Content::Known(KnownContent { size, digest, provenance: Provenance::Accepted { since } })
    }

    /// True if this is exactly that content, wherever its digest comes from. False while pending.
    pub fn matches(&self, size: u64, digest: ContentDigest) -> bool {
        matches!(self, Content::Known(known) if known.size == size && known.digest == digest)
    }

    /// Where the digest comes from; `None` while pending.
    pub fn provenance(&self) -> Option<Provenance> {
        match self {
            Content::Pending => None,
            Content::Known(known) => Some(known.provenance),
        }
    }
}

/// A record as it was found: well formed, but of unknown worth until a key opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    text: String,
    kind: Kind,
    fingerprint: Option<Fingerprint>,
    nonce: Nonce,
    sealed: Option<Sealed>,
    mac: [u8; MAC_LENGTH],
}

/// Size, masked digest and provenance, as they stand in the tag.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sealed {
    size: u64,
    masked: [u8; 32],
    provenance: Provenance,
}

/// A record whose MAC a key of ours confirmed, with the customer key that opens the object.
pub struct OpenedRecord {
    /// The key to send for this object version.
    pub customer_key: CustomerKey,
    /// The nonce of this object version.
    pub nonce: Nonce,
    /// What the writer knew of the content.
    pub content: Content,
}

impl Record {
    /// Writes the record for a version of `name` under `nonce`.
    pub fn write(key: &Key, name: &ObjectName, nonce: Nonce, content: Content) -> Record {
        let expander = Expander::of(key);
        let name = name.digest();
        let fingerprint = match key.kind() {
            Kind::Master => Some(key.fingerprint()),
            // A typed key must not be guessable from a public tag.
            Kind::Direct => None,
        };
        let sealed = match content {
            Content::Pending => None,
            Content::Known(KnownContent { size, digest, provenance }) => {
                let masked = masked(&expander, &name, nonce, provenance, digest.0);
                Some(Sealed { size, masked, provenance })
            }
        };
        let body = Body { kind: key.kind(), fingerprint, nonce, sealed }.to_string();
        let short = mac(&expander, &name, &body);
        let text = format!("{body}.{}", base16ct::lower::encode_string(&short));
        Record { text, kind: key.kind(), fingerprint, nonce, sealed, mac: short }
    }

    /// Parses the value of the tag. One spelling only: lower-case hex, no leading zeros.
    pub fn parse(text: &str) -> Result<Record, RecordError> {
        let (version, _) = text.split_once('.').ok_or(RecordError::Malformed)?;
        if version != "v1" {
            let newer = version.strip_prefix('v').is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
            });
            return Err(match newer {
                true => RecordError::NewerFormat(version.to_owned()),
                false => RecordError::Malformed,
            });
        }
        parse_v1(text).ok_or(RecordError::Malformed)
    }

    /// Checks the MAC under `key` for `name` and, if it holds, derives the customer key.
    pub fn open(&self, key: &Key, name: &ObjectName) -> Result<OpenedRecord, ForeignRecord> {
        if key.kind() != self.kind {
            return Err(ForeignRecord);
        }
        let expander = Expander::of(key);
        let digest = name.digest();
        let body = &self.text[..self.text.len() - 1 - MAC_LENGTH * 2];
        if !bool::from(mac(&expander, &digest, body).ct_eq(&self.mac)) {
            return Err(ForeignRecord);
        }
        let content = match self.sealed {
            None => Content::Pending,
            Some(Sealed { size, masked: sealed, provenance }) => {
                let plain = masked(&expander, &digest, self.nonce, provenance, sealed);
                Content::Known(KnownContent { size, digest: ContentDigest(plain), provenance })
            }
        };
        let customer_key = key.customer_key(name, self.nonce);
        Ok(OpenedRecord { customer_key, nonce: self.nonce, content })
    }

    /// The tag's value.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the object's key is derived or direct.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The fingerprint of the master key; `None` for direct keys.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The nonce. Not trusted until the record is opened.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// True if the record was never completed: the upload broke off before its last step.
    pub fn is_pending(&self) -> bool {
        self.sealed.is_none()
    }

    /// Where the digest is said to come from; `None` while pending. Not trusted until the record is
    /// opened.
    pub fn provenance(&self) -> Option<Provenance> {
        self.sealed.map(|sealed| sealed.provenance)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({})", self.text)
    }
}

/// `R` of `FORMAT.md`: everything of the record but its MAC.
struct Body {
    kind: Kind,
    fingerprint: Option<Fingerprint>,
    nonce: Nonce,
    sealed: Option<Sealed>,
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1.{}.", self.kind.letter())?;
        match self.fingerprint {
            Some(fingerprint) => write!(f, "{fingerprint}")?,
            None => f.write_str("-")?,
        }
        write!(f, ".{}.", self.nonce)?;
        match &self.sealed {
            Some(Sealed { size, masked, provenance }) => {
                write!(f, "{size}.{}", base16ct::lower::encode_string(masked))?;
                match provenance {
                    Provenance::Source => Ok(()),
                    Provenance::Accepted { since } => write!(f, ".a{since:08x}"),
                }
            }
            None => f.write_str("-.-"),
        }
    }
}

fn parse_v1(text: &str) -> Option<Record> {
    let fields: Vec<&str> = text.split('.').collect();
    let (fields, provenance, mac) = match fields[..] {
        [_, a, b, c, d, e, mac] => ([a, b, c, d, e], Provenance::Source, mac),
        [_, a, b, c, d, e, mark, mac] => ([a, b, c, d, e], accepted_in(mark)?, mac),
        _ => return None,
    };
    let [kind, fingerprint, nonce, size, sealed] = fields;
    let kind = Kind::from_letter(kind)?;
    let fingerprint = match (kind, fingerprint) {
        (Kind::Direct, "-") => None,
        (Kind::Master, text) => Some(Fingerprint::parse(text)?),
        _ => return None,
    };
    let sealed = match (size, sealed, provenance) {
        ("-", "-", Provenance::Source) => None,
        (size, masked, provenance) => {
            Some(Sealed { size: decimal(size)?, masked: hex(masked)?, provenance })
        }
    };
    Some(Record {
        text: text.to_owned(),
        kind,
        fingerprint,
        nonce: Nonce::parse(nonce)?,
        sealed,
        mac: hex(mac)?,
    })
}

/// `a` and the time of the acceptance in eight hex digits.
fn accepted_in(mark: &str) -> Option<Provenance> {
    let since = u32::from_be_bytes(hex(mark.strip_prefix('a')?)?);
    Some(Provenance::Accepted { since })
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    (text.len() == N * 2).then(|| base16ct::lower::decode(text, &mut bytes).ok())??;
    Some(bytes)
}

fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    // Refuses "+1" and "01": a record has one spelling.
    (number.to_string() == text).then_some(number)
}

/// `digest xor X("mask", N || nonce)`, or `N || nonce || "a" || time` in the context of an accepted
/// one: its own inverse, so that equal contents do not show in tags.
fn masked(
    expander: &Expander,
    name: &[u8; 32],
    nonce: Nonce,
    provenance: Provenance,
    mut digest: [u8; 32],
) -> [u8; 32] {
    let mask = match provenance {
        Provenance::Source => expander.expand(Purpose::Mask, &[name, &nonce.bytes()]),
        Provenance::Accepted { since } => {
            let context: [&[u8]; 4] = [name, &nonce.bytes(), b"a", &since.to_be_bytes()];
            expander.expand(Purpose::Mask, &context)
        }
    };
    for (byte, mask) in digest.iter_mut().zip(mask.bytes()) {
        *byte ^= mask;
    }
    digest
}

fn mac(expander: &Expander, name: &[u8; 32], body: &str) -> [u8; MAC_LENGTH] {
    let key = expander.expand(Purpose::Record, &[]);
    let whole = hmac_sha256(key.bytes(), &[b"s3-ssec/v1/record\0", name, body.as_bytes()]);
    let mut short = [0; MAC_LENGTH];
    short.copy_from_slice(&whole.bytes()[..MAC_LENGTH]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_raises_its_provenance() {
        let accepted = Provenance::Accepted { since: 7 };
        for (from, to) in [
            (Kind::Master, Kind::Master),
            (Kind::Master, Kind::Direct),
            (Kind::Direct, Kind::Direct),
        ] {
            assert_eq!(accepted.of_copy(from, to, 9), accepted);
        }
        // Every holder of the direct key could have named any time.
        let moved = accepted.of_copy(Kind::Direct, Kind::Master, 9);
        assert_eq!(moved, Provenance::Accepted { since: 9 });
        let copy = |from, to| Provenance::Source.of_copy(from, to, 9);
        assert_eq!(copy(Kind::Master, Kind::Master), Provenance::Source);
        assert_eq!(copy(Kind::Master, Kind::Direct), Provenance::Source);
        assert_eq!(copy(Kind::Direct, Kind::Direct), Provenance::Source);
        assert_eq!(copy(Kind::Direct, Kind::Master), Provenance::Accepted { since: 9 });
    }
}
