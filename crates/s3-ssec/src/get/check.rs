//! Compares what arrived with what was uploaded.

use super::fetch::{Fetched, Wanted};
use super::{GetError, Received};
use s3_ssec_core::digest::{ContentDigest, ContentTree};
use s3_ssec_core::echo::EchoVerified;
use s3_ssec_core::evidence::{Evidence, Verification};
use s3_ssec_core::key::{Fingerprint, Kind};
use s3_ssec_core::names::ObjectName;

/// Collects the hashes and proofs of the spans, in whatever order they arrive.
pub(super) struct Check {
    name: ObjectName,
    size: u64,
    key: Option<(Fingerprint, Kind)>,
    recorded: Option<ContentDigest>,
    evidence: Option<Evidence>,
    tree: Option<ContentTree>,
    proof: Option<EchoVerified>,
    etag: Option<String>,
}

impl Check {
    pub(super) fn new(wanted: &Wanted) -> Self {
        Self {
            name: wanted.fetch.name.clone(),
            size: wanted.size,
            key: wanted.key,
            recorded: wanted.digest,
            evidence: wanted.evidence,
            tree: wanted.content_key.as_deref().map(ContentTree::new),
            proof: None,
            etag: wanted.etag.clone(),
        }
    }

    pub(super) fn add(&mut self, fetched: Fetched) {
        if let Some(tree) = &mut self.tree {
            fetched.pieces.into_iter().for_each(|piece| tree.add(piece));
        }
        self.proof = self.proof.or(fetched.proof);
        self.etag = self.etag.take().or(fetched.etag);
    }

    /// The ETag of what arrived, once something has.
    pub(super) fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// Size and digest of what arrived, whatever the record says.
    pub(super) fn digest(self) -> Option<(u64, ContentDigest)> {
        Some((self.size, self.tree?.finish()?))
    }

    /// Verified, not verifiable, or damaged.
    pub(super) fn judge(self) -> Result<Received, GetError> {
        let received = self.tree.and_then(ContentTree::finish);
        // No key, no digest: a plaintext object has neither.
        let matches = received.is_some() && received == self.recorded;
        let verification = Verification::judge(self.evidence, matches);
        let verification = verification.map_err(|_| GetError::Damaged(self.name))?;
        let (key, kind) = self.key.unzip();
        Ok(Received { size: self.size, key, kind, verification, proof: self.proof })
    }
}
