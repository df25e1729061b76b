//! The steps that move bytes or change what is at the gateway.

use super::RekeyError;
use super::object::Work;
use super::read::IN_MEMORY;
use crate::call::Reached;
use crate::client::{Head, WithoutKey};
use crate::copy::{CopyRequest, provenance_of_copy, send_copy};
use crate::get::GetError;
use crate::ledger::Noted;
use crate::nonce;
use crate::put::{Upload, abort_uploads_of, joined_etag, send, tagging};
use crate::removal::Written;
use crate::trial::WriteKind;
use crate::write::{Leftover, PutError, PutOptions, md5_hex};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::echo::{KeyEcho, verify_by_heads, verify_echo};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::Kind;
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::record::{Content as Recorded, KnownContent, Record, TAG_KEY};
use s3_ssec_core::rekey::{Mark, Outcome, RekeyLine, Replacing, Standing, Way};
use s3_ssec_core::transfer::KeyFacts;
use s3_ssec_core::transfer::Removable;
use std::sync::Arc;

impl Work {
    fn seal(&self) -> Result<Seal<'_>, RekeyError> {
        // Drawn before anything is noted.
        let nonce = self.found.nonce.ok_or(RekeyError::Stopped)?;
        Ok(Seal::new(self.shared.keys.writer(), self.name.clone(), nonce))
    }

    fn new_headers(&self) -> Result<Arc<TargetKeyHeaders>, RekeyError> {
        Ok(Arc::new(TargetKeyHeaders::of(&self.seal()?.customer_key())))
    }

    /// How the new object is written: as the old one was.
    fn put_options(&self) -> PutOptions {
        let Some(head) = &self.found.head else { return PutOptions::default() };
        PutOptions {
            headers: head.headers.clone(),
            metadata: head.metadata.clone().into_iter().collect(),
            tags: self.found.tags.clone(),
            kept: head.kept.clone(),
            ..PutOptions::default()
        }
    }

    fn tagging(&self, tags: &[(String, String)]) -> Option<String> {
        (!self.found.tagless).then(|| tagging(tags))
    }

    /// The line that announces a step. Draws the nonce and writes the record.
    pub(super) fn line(&mut self, mark: Mark) -> Result<RekeyLine, RekeyError> {
        let object = self.name.key.as_str().to_owned();
        if mark == Mark::Opening || (mark == Mark::Replacing && self.found.upload.is_none()) {
            let state = self.shared.client.state.as_ref();
            self.found.nonce = Some(nonce::draw(state, &self.name).map_err(PutError::from)?);
        }
        Ok(match mark {
            Mark::Opening => RekeyLine::Opening { object, nonce: self.seal()?.nonce().to_string() },
            Mark::Opened => {
                let upload_id = self.found.upload.as_ref().map(|upload| upload.id.clone());
                RekeyLine::Opened { object, upload_id: upload_id.unwrap_or_default() }
            }
            Mark::Settled(outcome) => {
                let size = if let Outcome::Rekeyed(_) = outcome { self.found.size } else { 0 };
                RekeyLine::Settled { object, outcome, size }
            }
            Mark::Replacing => {
                let (size, digest) = self.found.digest.ok_or(RekeyError::Stopped)?;
                let located = self.found.located.as_ref().ok_or(RekeyError::Stopped)?;
                let provenance = provenance_of_copy(located, &self.shared.keys);
                let known = KnownContent { size, digest, provenance };
                let record = self.seal()?.record(Recorded::Known(known)).to_string();
                let mut tags = vec![(TAG_KEY.to_owned(), record)];
                tags.extend(self.found.tags.iter().cloned());
                self.found.new_tags.clone_from(&tags);
                let way = self.machine.way();
                let (old_etag, grants) = (self.found.etag.clone(), self.found.grants.clone());
                let nonce = self.seal()?.nonce().to_string();
                RekeyLine::Replacing {
                    object,
                    with: Replacing { way, nonce, old_etag, tags, grants },
                }
            }
        })
    }

    /// Opens the upload that the content is read into.
    pub(super) async fn open(&mut self) -> Result<(), RekeyError> {
        self.found.room = self.shared.room(IN_MEMORY).await;
        let head = self.old_head().await?;
        self.found.head = Some(head.ok_or_else(|| GetError::Changed(self.name.clone()))?);
        let (client, name, watch) = (&self.shared.client, &self.name, &self.shared.watch);
        let options = self.put_options();
        client.try_first(name, WriteKind::Multipart, &options, watch).await?;
        let mut tags =
            vec![(TAG_KEY.to_owned(), self.seal()?.record(Recorded::Pending).to_string())];
        tags.extend(self.found.tags.iter().cloned());
        let (headers, tags) = (self.new_headers()?, self.tagging(&tags));
        let upload = Upload::create(client, name, &headers, tags, &options).await?;
        self.found.upload = Some(upload);
        Ok(())
    }

    pub(super) async fn replace(&mut self, way: Way) -> Result<(), RekeyError> {
        let (confirmed, abilities) = (self.found.confirmed.take(), self.shared.abilities);
        let conditional = match way {
            Way::Whole => {
                self.put_whole().await?;
                abilities.put_condition
            }
            Way::Parts => {
                self.complete().await?;
                abilities.complete_condition
            }
            Way::Copy => {
                self.copy().await?;
                // The condition is on the source, which is the same object.
                true
            }
        };
        if !conditional {
            self.replaced_after(confirmed);
        }
        self.found.room = None;
        Ok(())
    }

    /// Believes the echo in the answer, and nothing else.
    fn prove(&mut self, echo: &KeyEcho, headers: &TargetKeyHeaders) -> Result<(), RekeyError> {
        match verify_echo(headers.key_md5(), echo) {
            Ok(_) => {
                self.found.echoed = true;
                Ok(())
            }
            Err(error) => {
                let (name, leftover) = (self.name.clone(), Leftover::Perhaps);
                Err(PutError::NotProved { name, error, leftover }.into())
            }
        }
    }

    /// The record of the new object, once it is made.
    pub(super) fn new_record(&self) -> Option<Record> {
        let tag = self.found.new_tags.first().filter(|(key, _)| key == TAG_KEY);
        tag.and_then(|(_, record)| Record::parse(record).ok())
    }

    /// Notes the record before the old object is replaced. Where neither the ledger nor a tag keeps it,
    /// the old one stays: nothing would open the new one.
    async fn remember(&mut self, kept: bool) -> Result<(), RekeyError> {
        let record = self.new_record().ok_or(RekeyError::Stopped)?;
        let noted = self.shared.client.note_before(&self.name, &record, kept).await;
        self.found.tag_trusted = noted == Noted::TagTrusted;
        match noted {
            Noted::Nowhere if !self.shared.abilities.tags_kept || self.found.tagless => {
                Err(RekeyError::NoLedger(self.name.clone()))
            }
            _ => Ok(()),
        }
    }

    async fn put_whole(&mut self) -> Result<(), RekeyError> {
        let mut options = self.put_options();
        options.kept.only = self.shared.abilities.put_condition.then(|| self.found.etag.clone());
        let headers = self.new_headers()?;
        self.remember(self.shared.abilities.tags_kept && !self.found.tagless).await?;
        let tags = self.tagging(&self.found.new_tags);
        let (client, content) = (&self.shared.client, &self.found.content);
        let sent = send(client, &self.name, &headers, content, tags, &options).await?;
        self.found.version = sent.version_id;
        self.prove(&sent.echo, &headers)
    }

    async fn complete(&mut self) -> Result<(), RekeyError> {
        let mut options = PutOptions::default();
        let only = self.shared.abilities.complete_condition.then(|| self.found.etag.clone());
        options.kept.only = only;
        // Between Complete and its tags, other commands find the record here.
        self.remember(false).await?;
        let (Some(upload), Some(sent)) = (&self.found.upload, &self.found.sent) else {
            return Err(RekeyError::Stopped);
        };
        let completed = upload.complete(&sent.parts, options.condition()).await?;
        self.found.version = completed.version_id;
        Ok(())
    }

    async fn copy(&mut self) -> Result<(), RekeyError> {
        let options = self.put_options();
        let headers = self.new_headers()?;
        let located = self.found.located.as_ref();
        let opens = located.and_then(|located| located.headers.as_ref());
        let source_key = opens.ok_or(RekeyError::Stopped)?.as_source();
        self.remember(false).await?;
        let request = CopyRequest {
            from: &self.name,
            version: self.source.as_deref(),
            etag: Some(&self.found.etag),
            source_key,
            to: &self.name,
            key: &headers,
            tagging: self.tagging(&self.found.new_tags),
            options: &options,
            reached: Reached::default(),
        };
        let answer = send_copy(&self.shared.client, request).await?;
        self.found.version = answer.version_id;
        self.prove(&answer.echo, &headers)
    }

    /// Who is there now.
    pub(super) async fn check(&mut self) -> Result<Standing, RekeyError> {
        if self.found.nonce.is_none() {
            self.take_up();
        }
        let (client, name) = (&self.shared.client, &self.name);
        let (headers, version) = (self.new_headers()?, self.found.version.as_deref());
        let Some(head) = client.head_if_opened(name, version, &headers).await? else {
            let old = self.old_head().await?;
            let same = old.is_some_and(|old| old.etag == self.found.etag);
            return Ok(if same { Standing::Old } else { Standing::Others });
        };
        if self.source.is_some() && self.found.version.is_none() {
            self.found.version.clone_from(&head.version_id);
        }
        let version = self.found.version.as_deref();
        if self.found.echoed && verify_echo(headers.key_md5(), &head.echo).is_ok() {
            return Ok(Standing::Ours);
        }
        let without_key = client.head_without_key(name, version).await?;
        match &without_key {
            WithoutKey::Readable(head) => match self.standing_in_the_clear(head).await? {
                Standing::Unproved => {}
                standing => return Ok(standing),
            },
            WithoutKey::Absent => return Ok(Standing::Others),
            WithoutKey::KeyNeeded | WithoutKey::Unclear => {}
        }
        match verify_by_heads(headers.key_md5(), &head.echo, without_key.evidence()) {
            Ok(_) => {
                self.found.size = head.size;
                Ok(Standing::Ours)
            }
            Err(error) => {
                let (name, leftover) = (name.clone(), Leftover::Perhaps);
                self.complain(PutError::NotProved { name, error, leftover }.into());
                Ok(Standing::Unproved)
            }
        }
    }

    /// Reads the gateway's copy and compares it with the record that was made for it.
    pub(super) async fn compare(&mut self) -> Result<bool, RekeyError> {
        let seal = self.seal()?;
        let opened = self.new_record().and_then(|record| record.open(seal.key(), seal.name()).ok());
        let Some(Recorded::Known(content)) = opened.map(|opened| opened.content) else {
            return Err(PutError::Unfinished(self.name.clone()).into());
        };
        self.shared.pace(content.size).await;
        let client = &self.shared.client;
        let work = client.reads_back(&seal, self.found.version.as_deref(), content);
        let same = self.shared.watch.unless_stopped(work).await.ok_or(RekeyError::Stopped)??;
        if !same {
            self.complain(RekeyError::Garbled(Leftover::Arrived));
        }
        Ok(same)
    }

    /// Whose object that is which needs no key: the old one, somebody's, or ours that was not encrypted.
    async fn standing_in_the_clear(&self, head: &Head) -> Result<Standing, RekeyError> {
        let (client, name) = (&self.shared.client, &self.name);
        let tags = client.tags(name, self.found.version.as_deref()).await?;
        let record = self.found.new_tags.first();
        let sent = self.found.sent.as_ref();
        let ours = record.is_some_and(|record| tags.contains(record))
            || sent.is_some_and(|sent| head.etag == joined_etag(sent.etags()));
        let was_plain = self.found.located.as_ref().is_some_and(|old| old.headers.is_none());
        Ok(match ours {
            true => Standing::Unproved,
            false if was_plain && head.etag == self.found.etag => Standing::Old,
            false => Standing::Others,
        })
    }

    /// Takes over what the journal knows of an earlier run.
    fn take_up(&mut self) {
        let Some(pending) = &self.pending else { return };
        let with = pending.replacing.clone();
        let nonce = with.as_ref().map(|with| &with.nonce).or(pending.nonce.as_ref());
        self.found.nonce = nonce.and_then(|nonce| Nonce::parse(nonce));
        let Some(Replacing { tags, grants, old_etag, .. }) = with else { return };
        (self.found.new_tags, self.found.grants) = (tags, grants);
        self.found.etag = old_etag;
    }

    /// Tags and access list.
    pub(super) async fn describe(&mut self) -> Result<(), RekeyError> {
        let (client, name) = (&self.shared.client, &self.name);
        let version = self.found.version.as_deref();
        if !self.found.tagless {
            client.put_tags(name, version, &self.found.new_tags).await?;
        }
        if !self.found.grants.is_empty() {
            client.put_grants(name, version, &self.found.grants).await?;
        }
        Ok(())
    }

    /// Removes the version that is not proved, or not the same, where it is one of its own: an object
    /// without versions may be all that is left of its content.
    pub(super) async fn take_back(&mut self) -> Result<(), RekeyError> {
        let (client, name) = (&self.shared.client, &self.name);
        let headers = self.new_headers()?;
        let seal = self.seal()?;
        let pending = seal.record(Recorded::Pending).to_string();
        let record = self.found.new_tags.first().map(|(_, record)| record.clone());
        let records: Vec<_> = record.into_iter().chain([pending]).collect();
        let written = Written::new(&seal, &headers, records, self.plain_etag());
        let version = self.found.version.as_deref();
        let left = client.remove_written(&written, version, Removable::AnyVersion).await;
        let unfinished = PutError::Unfinished(name.clone());
        self.complain_of_left(left);
        if left == Leftover::Nothing { Ok(()) } else { Err(unfinished.into()) }
    }

    /// The ETag that the new object has if it was stored in plaintext. Empty where that is the one of the
    /// old object, which is plaintext too.
    fn plain_etag(&self) -> String {
        let etag = match (self.machine.way(), &self.found.sent) {
            (Way::Parts, Some(sent)) => joined_etag(sent.etags()),
            (Way::Whole, _) => md5_hex(&self.found.content),
            _ => self.found.etag.clone(),
        };
        let was_plain = self.found.located.as_ref().is_some_and(|old| old.headers.is_none());
        if was_plain && etag == self.found.etag { String::new() } else { etag }
    }

    /// Aborts an upload that an earlier run left, and nothing else.
    pub(super) async fn only_abort(mut self) -> Result<(), RekeyError> {
        self.abort().await
    }

    /// Aborts the upload of this run, or the one that an earlier run left.
    pub(super) async fn abort(&mut self) -> Result<(), RekeyError> {
        if self.found.nonce.is_none() {
            self.take_up();
        }
        let known = self.found.upload.take().map(|upload| upload.id);
        let pending = self.pending.take();
        let known = known.or_else(|| pending.and_then(|pending| pending.upload_id));
        let (client, name) = (self.shared.client.clone(), self.name.clone());
        let headers = self.new_headers()?;
        let upload = |id| Upload {
            client: client.clone(),
            name: name.clone(),
            id,
            headers: Arc::clone(&headers),
        };
        let mut left = Leftover::Nothing;
        match known {
            Some(id) => left = upload(id).abort().await,
            // Its ID was never heard. Under a direct key it cannot be told from another machine's.
            None if self.shared.keys.writer().kind() == Kind::Direct => {}
            None => {
                let seal = self.seal()?;
                let facts = KeyFacts::of(&seal, &headers, &seal.record(Recorded::Pending));
                left = abort_uploads_of(&client, &name, facts, &headers).await;
            }
        }
        match left {
            Leftover::Nothing => Ok(()),
            _ => Err(RekeyError::UploadLeft),
        }
    }
}
