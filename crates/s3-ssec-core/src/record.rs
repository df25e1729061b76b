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
//! let content = Content::Known { size: hasher.size(), digest: hasher.finish() };
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

/// What is known about the content when a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing yet: a multipart upload is under way.
    Pending,
    /// Size in bytes and keyed digest.
    Known {
        /// Size of the plaintext in bytes.
        size: u64,
        /// Keyed digest of the plaintext.
        digest: ContentDigest,
    },
}

/// A record as it was found: well formed, but of unknown worth until a key opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    text: String,
    kind: Kind,
    fingerprint: Option<Fingerprint>,
    nonce: Nonce,
    sealed: Option<(u64, [u8; 32])>,
    mac: [u8; MAC_LENGTH],
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
            Content::Known { size, digest } => {
                Some((size, masked(&expander, &name, nonce, digest.0)))
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
            Some((size, sealed)) => {
                let digest = ContentDigest(masked(&expander, &digest, self.nonce, sealed));
                Content::Known { size, digest }
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
    sealed: Option<(u64, [u8; 32])>,
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
            Some((size, sealed)) => {
                write!(f, "{size}.{}", base16ct::lower::encode_string(sealed))
            }
            None => f.write_str("-.-"),
        }
    }
}

fn parse_v1(text: &str) -> Option<Record> {
    let fields: Vec<&str> = text.split('.').collect();
    let [_, kind, fingerprint, nonce, size, sealed, mac] = fields[..] else { return None };
    let kind = Kind::from_letter(kind)?;
    let fingerprint = match (kind, fingerprint) {
        (Kind::Direct, "-") => None,
        (Kind::Master, text) => Some(Fingerprint::parse(text)?),
        _ => return None,
    };
    let sealed = match (size, sealed) {
        ("-", "-") => None,
        (size, sealed) => Some((decimal(size)?, hex(sealed)?)),
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

/// `digest xor X("mask", N || nonce)`: its own inverse, so that equal contents do not show in tags.
fn masked(expander: &Expander, name: &[u8; 32], nonce: Nonce, mut digest: [u8; 32]) -> [u8; 32] {
    let mask = expander.expand(Purpose::Mask, &[name, &nonce.bytes()]);
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
