//! What can be seen of an object's encryption without any key.
//!
//! The answer to a read without a key is the fact: a gateway refuses it and says that a key is needed.
//! The record in the tag is a claim about which key that is, and is not trusted for more than display.

use crate::call::CallError;
use crate::client::{Client, WithoutKey};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use s3_ssec_core::echo::KeylessRead;
use s3_ssec_core::key::{Fingerprint, Kind};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Record, TAG_KEY};

/// Objects asked about at once.
const AT_ONCE: usize = 32;

/// How an object is encrypted, as far as it shows without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// A customer key is needed, and the record says of which kind and from which master key.
    Described {
        /// Whether the key is derived from a master key or direct.
        kind: Kind,
        /// The master key; records of direct keys name none.
        key: Option<Fingerprint>,
        /// True if the upload was never completed.
        pending: bool,
    },
    /// A customer key is needed, and no record says which.
    Undescribed,
    /// It is refused without a key, but not because one is needed.
    Unclear,
    /// Anyone with access reads it.
    Plain,
    /// It is gone since it was listed.
    Absent,
    /// It may not be asked (403).
    Hidden,
}

impl Client {
    /// The mark of each object, in the order of `names`: one read each, and one question for the tags
    /// of those that need a key.
    pub async fn marks(&self, names: Vec<ObjectName>) -> Result<Vec<Mark>, CallError> {
        let ask = |name: ObjectName| async move { self.mark(&name).await };
        stream::iter(names).map(ask).buffered(AT_ONCE).try_collect().await
    }

    async fn mark(&self, name: &ObjectName) -> Result<Mark, CallError> {
        match self.read_without_key(name, None).await? {
            KeylessRead::Readable => return Ok(Mark::Plain),
            KeylessRead::Absent => return Ok(Mark::Absent),
            KeylessRead::Unclear => return self.unclear_mark(name).await,
            KeylessRead::KeyNeeded => {}
        }
        match self.tags(name, None).await {
            Ok(tags) => Ok(described(&tags).unwrap_or(Mark::Undescribed)),
            // Tags that may not be read, or that the gateway has not.
            Err(error) if matches!(error.status(), Some(403 | 404 | 501)) => Ok(Mark::Undescribed),
            Err(error) => Err(error),
        }
    }
}

impl Client {
    /// HEAD, where a read shows nothing: rights are missing, or the object is in an archive.
    async fn unclear_mark(&self, name: &ObjectName) -> Result<Mark, CallError> {
        match self.head_without_key(name, None).await {
            Ok(WithoutKey::Readable(_)) => Ok(Mark::Plain),
            Ok(WithoutKey::Absent) => Ok(Mark::Absent),
            Ok(_) => Ok(Mark::Unclear),
            Err(error) if error.status() == Some(403) => Ok(Mark::Hidden),
            Err(error) => Err(error),
        }
    }
}

fn described(tags: &[(String, String)]) -> Option<Mark> {
    let (_, value) = tags.iter().find(|(key, _)| key == TAG_KEY)?;
    let record = Record::parse(value).ok()?;
    let (kind, key, pending) = (record.kind(), record.fingerprint(), record.is_pending());
    Some(Mark::Described { kind, key, pending })
}
