//! The object of a write whose answer proves nothing: looked for, and removed where that is ours to do.

use crate::carry::{KeyAlone, carry};
use crate::client::Client;
use crate::watch::Watch;
use crate::write::{Leftover, PutError};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, Record};
use s3_ssec_core::transfer::{Finding, KeyFacts, Removable, Write, find_written, remove_written};
use std::sync::Arc;

/// A write, for those who look for its object.
pub(crate) struct Written {
    write: Write,
    pub(crate) headers: Arc<TargetKeyHeaders>,
}

impl Written {
    /// The write of a seal. `records` are those that it puts into the object's tag, and `plain_etag` is the
    /// ETag that its content would have in plaintext; empty if that is not known.
    pub(crate) fn new(
        seal: &Seal<'_>,
        headers: &Arc<TargetKeyHeaders>,
        records: Vec<String>,
        plain_etag: String,
    ) -> Self {
        let (name, pending) = (seal.name().clone(), seal.record(Content::Pending));
        let key = KeyFacts::of(seal, headers, &pending);
        Self { write: Write { name, key, records, plain_etag }, headers: Arc::clone(headers) }
    }

    pub(crate) fn name(&self) -> &ObjectName {
        &self.write.name
    }
}

impl Client {
    /// Looks whether a name holds the object of a write whose answer proves nothing, and removes it if it is
    /// surely this write's plaintext.
    pub(crate) async fn find_written(&self, written: &Written) -> Finding {
        let (hands, write) = (KeyAlone(Arc::clone(&written.headers)), written.write.clone());
        // On the heap: it is rare, and would make the future of every write larger.
        let course = |link| async move { find_written(&link, &write).await };
        Box::pin(carry(self, &hands, &Watch::default(), course)).await.verdict
    }

    /// Removes the object of a write, if its record or its key shows that it is ours. `id` is the version that
    /// the answer to the write named.
    pub(crate) async fn remove_written(
        &self,
        written: &Written,
        id: Option<&str>,
        which: Removable,
    ) -> Leftover {
        let (hands, write) = (KeyAlone(Arc::clone(&written.headers)), written.write.clone());
        let id = id.map(str::to_owned);
        let course =
            |link| async move { remove_written(&link, &write, id.as_deref(), which).await };
        Box::pin(carry(self, &hands, &Watch::default(), course)).await.verdict.into()
    }

    /// The error for a write that was given up on request: whether its object had arrived. An encrypted
    /// one is left where it is, for the object that it replaced is gone.
    pub(crate) async fn stopped(&self, written: &Written, record: &Record) -> PutError {
        let name = written.name();
        let leftover = match self.find_written(written).await {
            Finding::Unheard => Leftover::Unknown,
            // The gateway may still be at work on it.
            Finding::NotOurs => Leftover::MayArrive,
            Finding::Encrypted { is_tagged, .. } => {
                self.confirm(name, record, is_tagged).await;
                Leftover::Arrived
            }
            Finding::NotProved { error, leftover } => {
                let (name, leftover) = (name.clone(), leftover.into());
                return PutError::NotProved { name, error, leftover };
            }
        };
        PutError::Stopped.leaving(name, leftover)
    }
}
