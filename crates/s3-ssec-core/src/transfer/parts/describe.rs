//! The end of a multipart upload: its proof by two HEADs, and its record in the object's tag.

use super::super::ask::{Ask, Unheard, WithKey, WithoutKey};
use super::super::link::Link;
use super::super::put::RecordPlace;
use super::super::written::{Search, Write};
use super::{Completed, PartsLeft, PartsPlan, PartsVerdict, UploadLeft, note};
use crate::echo::{EchoError, EchoVerified, KeyEcho, KeylessRead, verify_by_heads, verify_echo};
use crate::record::TAG_KEY;
use crate::removal::{Leftover, TrustedVersion};

/// How often the tags are written: another writer may change them at the same time.
const TAG_WRITES: u32 = 3;

/// A completed upload on its way to its proof and its record.
pub(super) struct Finish<'a> {
    pub(super) link: &'a Link,
    pub(super) plan: &'a PartsPlan,
    pub(super) write: &'a Write,
    pub(super) is_noted: bool,
}

impl Finish<'_> {
    pub(super) async fn finish(&self, completed: Completed) -> PartsVerdict {
        let mut search = Search::new(self.link, self.write);
        let (version, version_id) = match &completed {
            Completed::Answered(id) => (search.answered(id.as_deref()).await, id.clone()),
            Completed::Found(found) => {
                let id = found.head.as_ref().and_then(|head| head.version_id.clone());
                (search.answered(id.as_deref()).await, id)
            }
        };
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
            (false, false) => return PartsVerdict::Unrecorded,
        };
        note(self.link, &self.plan.name, &self.write.records[0], false, true).await;
        PartsVerdict::Stored { proof, record, etag, version_id }
    }

    fn ask(&self) -> Ask<'_> {
        Ask { link: self.link, name: &self.plan.name }
    }

    fn arrived() -> PartsVerdict {
        let (object, upload) = (Leftover::Arrived, UploadLeft::Gone);
        PartsVerdict::Unanswered(PartsLeft { object, upload })
    }

    fn unknown() -> PartsVerdict {
        let (object, upload) = (Leftover::Unknown, UploadLeft::Gone);
        PartsVerdict::Unanswered(PartsLeft { object, upload })
    }

    /// Proves the object by two HEADs: Complete has no echo before RGW 20.2.4.
    async fn prove(
        &self,
        search: &mut Search<'_>,
        version: Option<&TrustedVersion>,
    ) -> Result<(EchoVerified, String), PartsVerdict> {
        let without_key =
            self.ask().without_key(version).await.map_err(|Unheard| Self::unknown())?;
        let judged = match without_key {
            WithoutKey::KeyNeeded => KeylessRead::KeyNeeded,
            WithoutKey::Absent => return Err(PartsVerdict::Overwritten),
            WithoutKey::Readable(_) => KeylessRead::Readable,
            WithoutKey::Unclear => KeylessRead::Unclear,
        };
        let (echo, etag, size) = match judged {
            KeylessRead::KeyNeeded => match self.ask().with_key(&self.write.key, version).await {
                Ok(WithKey::Opened(head)) => (head.echo, head.etag, head.size),
                Ok(WithKey::Other) => return Err(PartsVerdict::Overwritten),
                Ok(WithKey::Unclear) | Err(Unheard) => return Err(Self::unknown()),
            },
            // No key goes to an object that does not ask for one.
            _ => (KeyEcho::default(), String::new(), None),
        };
        let error = match verify_by_heads(self.write.key.md5, &echo, judged) {
            Ok(_) if size != Some(self.plan.parts.size()) => return Err(PartsVerdict::Overwritten),
            Ok(proof) => return Ok((proof, etag)),
            Err(_) if judged == KeylessRead::Readable => EchoError::Plaintext,
            Err(error) => error,
        };
        let object = search.remove_all(version.map(TrustedVersion::id)).await;
        let left = PartsLeft { object, upload: UploadLeft::Gone };
        Err(PartsVerdict::NotProved { error, left })
    }

    /// Merges the record into the tags of the object and reads it back. True if it is there.
    async fn describe(&self, version: Option<&TrustedVersion>) -> Result<bool, PartsVerdict> {
        for _ in 0..TAG_WRITES {
            let before = self.ask().tags(version).await.map_err(|Unheard| Self::arrived())?;
            let before = before.unwrap_or_default();
            let is_foreign = before
                .iter()
                .any(|(key, value)| key == TAG_KEY && !self.write.records.contains(value));
            // The record of another writer: of one who has replaced the object, or of the object that this
            // one has replaced.
            if is_foreign {
                self.is_ours(version).await?;
            }
            match self.ask().put_tags(version, self.merged(&before)).await {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(Unheard) => return Err(Self::arrived()),
            }
            if let Err(verdict) = self.is_ours(version).await {
                if verdict == PartsVerdict::Overwritten {
                    self.put_back(version, before).await;
                }
                return Err(verdict);
            }
            let tag = (TAG_KEY.to_owned(), self.write.records[0].clone());
            match self.ask().tags(version).await {
                Ok(Some(tags)) if tags.contains(&tag) => return Ok(true),
                Ok(Some(_)) => {}
                // Credentials that may write tags and not read them cannot check this.
                Ok(None) | Err(Unheard) => return Ok(false),
            }
        }
        Ok(false)
    }

    async fn is_ours(&self, version: Option<&TrustedVersion>) -> Result<(), PartsVerdict> {
        match self.ask().with_key(&self.write.key, version).await {
            // A plaintext object is answered under any key, and has no echo.
            Ok(WithKey::Opened(head)) if verify_echo(self.write.key.md5, &head.echo).is_ok() => {
                Ok(())
            }
            Ok(WithKey::Opened(_) | WithKey::Other) => Err(PartsVerdict::Overwritten),
            Ok(WithKey::Unclear) | Err(Unheard) => Err(Self::arrived()),
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

    /// The tags went to another writer's object: what was there before returns, without our record.
    async fn put_back(&self, version: Option<&TrustedVersion>, mut before: Vec<(String, String)>) {
        before.retain(|(_, value)| !self.write.records.contains(value));
        // Nothing more can be done about it.
        let _ = self.ask().put_tags(version, before).await;
    }
}
