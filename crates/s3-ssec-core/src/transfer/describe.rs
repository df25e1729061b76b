//! The end of a multipart upload: its proof by two HEADs, and its record in the object's tag.
//!
//! Tags have no condition, and without a version ID they go to whatever is newest. So the object is proved
//! to be this write's before they are written and again afterwards, and the tags that were there are kept.

use super::ask::{Ask, PutTags, Unheard, WithKey, WithoutKey};
use super::before::note;
use super::completion::{CompletePlan, CompleteVerdict};
use super::put::{RecordPlace, Stored};
use super::task::Stage;
use super::written::{Removable, Search, Write};
use crate::echo::{EchoVerified, KeyEcho, KeylessRead, verify_by_heads, verify_echo};
use crate::record::TAG_KEY;
use crate::removal::{Leftover, TrustedVersion};

/// How often the tags are written: another writer may change them at the same time.
const TAG_WRITES: u32 = 3;

/// A completed upload on its way to its proof and its record.
pub(super) struct Finish<'a> {
    pub(super) ask: Ask<'a>,
    pub(super) plan: &'a CompletePlan,
    pub(super) write: &'a Write,
    pub(super) is_noted: bool,
}

type Version<'v> = Option<&'v TrustedVersion>;

impl Finish<'_> {
    /// Proves and describes the object. `answered` is the version ID that the gateway named.
    pub(super) async fn finish(&self, answered: Option<String>) -> CompleteVerdict {
        let mut search = Search::sized(self.ask.link, self.write, self.plan.size);
        let version = search.answered(answered.as_deref()).await;
        let (proof, etag) = match self.prove(&mut search, version.as_ref()).await {
            Ok(proved) => proved,
            Err(verdict) => return verdict,
        };
        let in_tag = match self.describe(version.as_ref()).await {
            Ok(in_tag) => in_tag,
            Err(verdict) => return verdict,
        };
        let record = match (in_tag, self.is_noted) {
            (true, _) => RecordPlace::Tag,
            (false, true) => RecordPlace::Ledger,
            (false, false) => return CompleteVerdict::Unrecorded,
        };
        let confirmed = Stage::Confirmed { in_tag };
        note(self.ask.link, &self.plan.name, &self.write.records[0], confirmed).await;
        CompleteVerdict::Stored(Stored { proof, record, etag, version_id: answered })
    }

    /// HEAD without a key and HEAD with it. Gives the ETag too: RGW 16 leaves it out of the answer to
    /// Complete.
    async fn prove(
        &self,
        search: &mut Search<'_>,
        version: Version<'_>,
    ) -> Result<(EchoVerified, String), CompleteVerdict> {
        let unheard = |Unheard| CompleteVerdict::Unanswered(Leftover::Unknown);
        let judged = match self.ask.without_key(version).await.map_err(unheard)? {
            WithoutKey::KeyNeeded => KeylessRead::KeyNeeded,
            WithoutKey::Absent => return Err(CompleteVerdict::Overwritten),
            WithoutKey::Readable(_) => KeylessRead::Readable,
            WithoutKey::Unclear => KeylessRead::Unclear,
            WithoutKey::Refused(answer) => {
                return Err(CompleteVerdict::Refused { answer, object: Leftover::Unknown });
            }
        };
        let (mut echo, mut etag, mut size) = (KeyEcho::default(), String::new(), None);
        // No key goes to an object that does not ask for one.
        if judged == KeylessRead::KeyNeeded {
            match self.ask.with_key(&self.write.key, version).await.map_err(unheard)? {
                WithKey::Opened(head) => (echo, etag, size) = (head.echo, head.etag, head.size),
                WithKey::Other => return Err(CompleteVerdict::Overwritten),
                WithKey::Unclear => return Err(unheard(Unheard)),
            }
        }
        let error = match verify_by_heads(self.write.key.md5, &echo, judged) {
            Ok(_) if size != Some(self.plan.size) => return Err(CompleteVerdict::Overwritten),
            Ok(proof) => return Ok((proof, etag)),
            Err(error) => error,
        };
        let id = version.map(TrustedVersion::id);
        let object = search.remove_all(id, Removable::Plaintext).await;
        Err(CompleteVerdict::NotProved { error, object })
    }

    /// Merges the record into the tags of the object and reads it back. True if it is there.
    async fn describe(&self, version: Version<'_>) -> Result<bool, CompleteVerdict> {
        let arrived = |Unheard| CompleteVerdict::Unanswered(Leftover::Arrived);
        for _ in 0..TAG_WRITES {
            let before = self.ask.tags(version).await.map_err(arrived)?.unwrap_or_default();
            let is_foreign = before
                .iter()
                .any(|(key, value)| key == TAG_KEY && !self.write.records.contains(value));
            // The record of another writer: of one who has replaced the object, or of the object that this
            // one has replaced.
            if is_foreign {
                self.is_ours(version).await?;
            }
            match self.ask.put_tags(version, self.merged(&before)).await.map_err(arrived)? {
                PutTags::Taken => {}
                PutTags::NotHere => return Ok(false),
                PutTags::Refused(answer) => {
                    return Err(CompleteVerdict::Refused { answer, object: Leftover::Arrived });
                }
            }
            if let Err(verdict) = self.is_ours(version).await {
                if verdict == CompleteVerdict::Overwritten {
                    self.put_back(version, before).await;
                }
                return Err(verdict);
            }
            let tag = (TAG_KEY.to_owned(), self.write.records[0].clone());
            match self.ask.tags(version).await {
                Ok(Some(tags)) if tags.contains(&tag) => return Ok(true),
                Ok(Some(_)) => {}
                // Credentials that may write tags and not read them cannot check this.
                Ok(None) | Err(Unheard) => return Ok(false),
            }
        }
        Ok(false)
    }

    async fn is_ours(&self, version: Version<'_>) -> Result<(), CompleteVerdict> {
        match self.ask.with_key(&self.write.key, version).await {
            // A plaintext object is answered under any key, and has no echo.
            Ok(WithKey::Opened(head)) if verify_echo(self.write.key.md5, &head.echo).is_ok() => {
                Ok(())
            }
            Ok(WithKey::Opened(_) | WithKey::Other) => Err(CompleteVerdict::Overwritten),
            Ok(WithKey::Unclear) | Err(Unheard) => {
                Err(CompleteVerdict::Unanswered(Leftover::Arrived))
            }
        }
    }

    fn merged(&self, before: &[(String, String)]) -> Vec<(String, String)> {
        let mut tags = vec![(TAG_KEY.to_owned(), self.write.records[0].clone())];
        tags.extend(self.plan.tags.iter().cloned());
        let others = before.iter().filter(|(key, _)| !tags.iter().any(|(ours, _)| ours == key));
        let others: Vec<_> = others.cloned().collect();
        tags.extend(others);
        tags
    }

    /// The tags went to another writer's object: those that were there before return, without our record.
    async fn put_back(&self, version: Version<'_>, mut before: Vec<(String, String)>) {
        before.retain(|(_, value)| !self.write.records.contains(value));
        // Nothing more can be done about it.
        let _ = self.ask.put_tags(version, before).await;
    }
}
