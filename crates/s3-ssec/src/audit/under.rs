//! Is anything left under a key? What must be known before the key is thrown away.

use super::entry::{AuditEntry, State};
use super::{AuditError, AuditEvent, AuditOptions};
use crate::client::Client;
use crate::watch::Watch;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::S3Address;
use std::io;
use std::sync::Arc;

/// What is left under a key at a place.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UnderKey {
    /// Objects and versions under the key, the first few of them.
    pub found: Vec<AuditEntry>,
    /// How many there are.
    pub objects: u64,
    /// Objects that may be under it, the first few: under an unknown key without a record, not
    /// proved, or they could not be asked about.
    pub unsure: Vec<AuditEntry>,
    /// How many there are.
    pub unsure_objects: u64,
    /// How many objects and versions were looked at.
    pub looked_at: u64,
    /// False if it was stopped before the end.
    pub is_complete: bool,
}

/// Entries that are kept of each kind.
const KEPT: usize = 20;

impl UnderKey {
    /// True only if everything was looked at and nothing can be under the key.
    pub fn is_none(&self) -> bool {
        self.is_complete && self.objects == 0 && self.unsure_objects == 0
    }

    fn add(&mut self, entry: AuditEntry, fingerprint: Fingerprint) {
        self.looked_at += 1;
        let named = entry.key_fingerprint == Some(fingerprint);
        let (list, count) = match entry.state {
            State::Plain | State::SseS3 | State::SseKms | State::DeleteMarker | State::Gone => {
                return;
            }
            // Whatever its state: the record says so, or HEAD.
            _ if named => (&mut self.found, &mut self.objects),
            State::OwnKey => return,
            // Under a key that its record names, and it is another one.
            State::OtherKey if entry.key_fingerprint.is_some() => return,
            State::OtherKey | State::Unproved | State::Failed => {
                (&mut self.unsure, &mut self.unsure_objects)
            }
        };
        *count += 1;
        if list.len() < KEPT {
            list.push(entry);
        }
    }
}

impl Client {
    /// Looks through every object and version at `place` for what is under `fingerprint`. The key
    /// itself need not be among `keys`: a record names it.
    ///
    /// The answer is about objects; half-done uploads are not looked at.
    pub async fn objects_under(
        &self,
        keys: &Arc<Keyring>,
        place: &S3Address,
        fingerprint: Fingerprint,
        watch: &Watch,
    ) -> Result<UnderKey, AuditError> {
        let mut under = UnderKey::default();
        let options = AuditOptions { versions: true, uploads: false, ..AuditOptions::default() };
        let mut tell = |event: AuditEvent| -> io::Result<()> {
            if let AuditEvent::Object(entry) = event {
                under.add(*entry, fingerprint);
            }
            Ok(())
        };
        let complete = self.audit(keys, place, &options, watch, &mut tell).await?;
        under.is_complete = complete;
        Ok(under)
    }
}
