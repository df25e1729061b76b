//! Is anything left under a key? What must be known before the key is thrown away.

use super::entry::{AuditEntry, State};
use super::{AuditError, AuditEvent, AuditOptions};
use crate::client::Client;
use crate::watch::Watch;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::S3Address;
use std::collections::BTreeMap;
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
    /// Objects that may be under it, the first few: under an unknown key, whatever key their records
    /// name, not proved, or they could not be asked about.
    pub unsure: Vec<AuditEntry>,
    /// How many there are.
    pub unsure_objects: u64,
    /// How many of these have records that name other keys, by the key that is named. No key at hand
    /// confirms these records: whoever may write tags can write any name.
    pub claimed: BTreeMap<Fingerprint, u64>,
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

    fn add(&mut self, entry: AuditEntry, fingerprint: Fingerprint, trusted: &[Fingerprint]) {
        self.looked_at += 1;
        let named = entry.key_fingerprint == Some(fingerprint);
        let (list, count) = match entry.state {
            // Its record is of the key, and the gateway says that it needs none: one of both is false.
            State::Plain | State::SseS3 | State::SseKms
                if entry.claimed_key == Some(fingerprint) =>
            {
                (&mut self.unsure, &mut self.unsure_objects)
            }
            State::Plain | State::SseS3 | State::SseKms | State::DeleteMarker | State::Gone => {
                return;
            }
            // Whatever its state: the record says so, or HEAD.
            _ if named => (&mut self.found, &mut self.objects),
            State::OwnKey | State::DirectKey | State::Replaced => return,
            // Its record names another key, which the caller vouches for.
            State::OtherKey if entry.key_fingerprint.is_some_and(|key| trusted.contains(&key)) => {
                return;
            }
            State::OtherKey | State::Unproved | State::Failed => {
                if let Some(claimed) = entry.key_fingerprint {
                    *self.claimed.entry(claimed).or_default() += 1;
                }
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
    /// itself has to be among `keys`, or nothing under it is confirmed.
    ///
    /// A record that names another key and that no key at hand confirms proves nothing, so its object
    /// counts as unsure, unless that key is among `trusted`: keys of others that are known to be used
    /// there.
    ///
    /// The answer is about objects; half-done uploads are not looked at.
    pub async fn objects_under(
        &self,
        keys: &Arc<Keyring>,
        place: &S3Address,
        fingerprint: Fingerprint,
        trusted: &[Fingerprint],
        watch: &Watch,
    ) -> Result<UnderKey, AuditError> {
        let mut under = UnderKey::default();
        let options = AuditOptions { versions: true, uploads: false, ..AuditOptions::default() };
        let mut tell = |event: AuditEvent| -> io::Result<()> {
            if let AuditEvent::Object(entry) = event {
                under.add(*entry, fingerprint, trusted);
            }
            Ok(())
        };
        let complete = self.audit(keys, place, &options, watch, &mut tell).await?;
        under.is_complete = complete;
        Ok(under)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::RecordState;

    fn entry(state: State, key: Option<&str>) -> AuditEntry {
        AuditEntry {
            key: "a".to_owned(),
            version: None,
            is_latest: true,
            size: Some(1),
            last_modified: None,
            state,
            is_proved: true,
            key_fingerprint: key.and_then(Fingerprint::parse),
            key_kind: None,
            claimed_key: None,
            record: RecordState::OfOtherKey,
            accepted: None,
            note: None,
        }
    }

    #[test]
    fn a_name_in_a_record_that_no_key_confirms_proves_nothing() {
        let (mine, other) = ("00112233aabbccdd", "1111111111111111");
        let [key, trusted] = [mine, other].map(|text| Fingerprint::parse(text).unwrap());
        let under = |state, named, trusted: &[Fingerprint]| {
            let mut under = UnderKey { is_complete: true, ..UnderKey::default() };
            under.add(entry(state, named), key, trusted);
            (under.objects, under.unsure_objects, under.is_none())
        };
        assert_eq!(under(State::OwnKey, Some(mine), &[]), (1, 0, false));
        assert_eq!(under(State::OtherKey, Some(mine), &[key]), (1, 0, false), "never released");
        assert_eq!(under(State::OwnKey, Some(other), &[]), (0, 0, true));
        assert_eq!(under(State::OtherKey, Some(other), &[]), (0, 1, false));
        assert_eq!(under(State::OtherKey, Some(other), &[trusted]), (0, 0, true));
        assert_eq!(under(State::OtherKey, None, &[trusted]), (0, 1, false));
        assert_eq!(under(State::Unproved, Some(other), &[trusted]), (0, 1, false));
        assert_eq!(under(State::Plain, None, &[]), (0, 0, true));
        let claiming = |claimed| {
            let mut under = UnderKey { is_complete: true, ..UnderKey::default() };
            let entry = AuditEntry { claimed_key: claimed, ..entry(State::Plain, None) };
            under.add(entry, key, &[]);
            under.is_none()
        };
        assert!(!claiming(Some(key)), "plaintext under a record of the key");
        assert!(claiming(Some(trusted)) && claiming(None));
    }
}
