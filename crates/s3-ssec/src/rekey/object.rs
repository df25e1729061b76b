//! One object: takes the steps that its state machine asks for, and tells it what came of them.

use super::probe::Abilities;
use super::{RekeyError, RekeyItem, RekeyOptions};
use crate::client::{Client, Head, WithoutKey};
use crate::copy::provenance_of_copy;
use crate::get::{GetError, GetOptions, Reading};
use crate::locate::{Located, ObjectState, ReadOptions, proved};
use crate::put::{Transferred, Upload};
use crate::rekey::log::Log;
use crate::watch::Watch;
use crate::write::{Leftover, PutError};
use bytes::Bytes;
use s3_ssec_core::advice::Cause;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::{ContentDigest, ContentKey};
use s3_ssec_core::evidence::replaces_master;
use s3_ssec_core::key::Fingerprint;
use s3_ssec_core::keyring::{Keyring, OpenError};
use s3_ssec_core::lock::BucketLock;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::TAG_KEY;
use s3_ssec_core::rekey::{
    Content, Description, Grant, Mark, Outcome, Pace, Pending, Rewrite, Rules, Sight, Step, Trouble,
};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What all objects of a run share.
pub(super) struct Shared {
    pub(super) client: Client,
    /// The first key is the target.
    pub(super) keys: Arc<Keyring>,
    pub(super) content_key: Arc<ContentKey>,
    pub(super) rules: Rules,
    pub(super) abilities: Abilities,
    /// Of the bucket.
    pub(super) lock: BucketLock,
    pub(super) options: RekeyOptions,
    pub(super) log: Log,
    pub(super) pace: Option<Mutex<Pace>>,
    pub(super) begun: Instant,
    /// KiB of contents in memory.
    pub(super) room: Arc<Semaphore>,
    pub(super) watch: Watch,
    /// The longest time between a last look and a replacement, in microseconds.
    pub(super) window: AtomicU64,
    pub(super) without_grants: AtomicU64,
}

impl Shared {
    /// Waits until so many bytes may be read.
    pub(super) async fn pace(&self, bytes: u64) {
        let Some(pace) = &self.pace else { return };
        let now = self.begun.elapsed();
        let wait = pace.lock().unwrap_or_else(PoisonError::into_inner).take(bytes, now);
        self.watch.unless_stopped(tokio::time::sleep(wait)).await;
    }

    /// Takes memory for so many bytes.
    pub(super) async fn room(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = bytes.div_ceil(1 << 10).clamp(1, super::run::ROOM as u64) as u32;
        // Nobody closes the semaphore.
        Arc::clone(&self.room).acquire_many_owned(wanted).await.ok()
    }
}

/// What was found out about an object, and what was begun with it. All of it is of one try.
#[derive(Default)]
pub(super) struct Found {
    pub(super) located: Option<Located>,
    /// The tags besides the record.
    pub(super) tags: Vec<(String, String)>,
    /// The gateway has no tags at all.
    pub(super) tagless: bool,
    pub(super) head: Option<Head>,
    pub(super) grants: Vec<Grant>,
    pub(super) size: u64,
    /// The ETag of what was read.
    pub(super) etag: String,
    /// Size and digest under the new key.
    pub(super) digest: Option<(u64, ContentDigest)>,
    pub(super) content: Bytes,
    pub(super) nonce: Option<Nonce>,
    pub(super) upload: Option<Upload>,
    pub(super) sent: Option<Transferred>,
    /// All tags of the new object, its record among them.
    pub(super) new_tags: Vec<(String, String)>,
    /// The gateway was seen to keep the tags of such a write.
    pub(super) tag_trusted: bool,
    /// The version that was written.
    pub(super) version: Option<String>,
    /// The answer to what replaced the old one had the echo of the new key.
    pub(super) echoed: bool,
    pub(super) confirmed: Option<Instant>,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

/// The work on one object.
pub(super) struct Work {
    pub(super) shared: Arc<Shared>,
    pub(super) name: ObjectName,
    /// The version that is read, and written anew on top; else the object is replaced.
    pub(super) source: Option<String>,
    pub(super) machine: Rewrite,
    pub(super) found: Found,
    /// What an earlier run left of it.
    pub(super) pending: Option<Pending>,
    why: Option<RekeyError>,
}

impl Work {
    pub(super) fn new(shared: Arc<Shared>, name: ObjectName) -> Self {
        let machine = Rewrite::new(shared.rules);
        let (source, found) = (None, Found::default());
        Self { shared, name, source, machine, found, pending: None, why: None }
    }

    /// One version of the object, into a new one.
    pub(super) fn version(shared: Arc<Shared>, name: ObjectName, version: String) -> Self {
        Self { source: Some(version), ..Self::new(shared, name) }
    }

    /// Goes on with what a crash left in the middle.
    pub(super) fn recover(shared: Arc<Shared>, name: ObjectName, pending: Pending) -> Self {
        let machine = Rewrite::recover(shared.rules, &pending);
        Self { machine, pending: Some(pending), ..Self::new(shared, name) }
    }

    /// Takes every step to the end.
    pub(super) async fn run(mut self) -> RekeyItem {
        let outcome = self.run_to_end().await;
        self.item(outcome)
    }

    pub(super) async fn run_to_end(&mut self) -> Outcome {
        let outcome = self.take_steps().await;
        if let (Outcome::Rekeyed(_), Some(record)) = (outcome, self.new_record()) {
            let (client, in_tag) = (&self.shared.client, self.found.tag_trusted);
            match self.source {
                None => client.confirm(&self.name, &record, in_tag).await,
                // It counts once all its history is there.
                Some(_) if in_tag => client.mention_in_tag(&self.name, &record).await,
                Some(_) => {}
            }
        }
        outcome
    }

    async fn take_steps(&mut self) -> Outcome {
        loop {
            let step = self.machine.step();
            match step {
                Step::End(outcome) => return outcome,
                Step::Note(Mark::Settled(outcome)) if self.shared.options.dry_run => {
                    return outcome;
                }
                Step::Read(_) | Step::Note(_) if self.shared.options.dry_run => {
                    return Outcome::Rekeyed(self.machine.way());
                }
                _ => {}
            }
            tracing::debug!("{}: {step:?}", self.name);
            // On the heap: the futures of all steps together are too much for the stack of a worker.
            if let Err(error) = Box::pin(self.take(step)).await {
                let trouble = trouble(step, &error);
                tracing::debug!("{}: {trouble:?}: {error}", self.name);
                // What cannot be taken back was complained of before.
                if step != Step::TakeBack || self.why.is_none() {
                    self.why = Some(error);
                }
                self.machine.failed(trouble);
            }
        }
    }

    /// Says why, where a step is not an error in itself.
    pub(super) fn complain(&mut self, why: RekeyError) {
        self.why = Some(why);
    }

    /// Says what is left of an object that was to be taken back.
    pub(super) fn complain_of_left(&mut self, left: Leftover) {
        if let Some(
            RekeyError::Garbled(leftover) | RekeyError::Put(PutError::NotProved { leftover, .. }),
        ) = &mut self.why
        {
            *leftover = left;
        }
    }

    /// Why it did not end well.
    pub(super) fn why(&mut self) -> Option<RekeyError> {
        self.why.take()
    }

    /// The version that was written.
    pub(super) fn written(&self) -> Option<String> {
        self.found.version.clone()
    }

    /// The key that what was read is under, and whether it is in the clear.
    pub(super) fn origin(&self) -> (Option<Fingerprint>, bool) {
        let located = self.found.located.as_ref();
        let was_plain = located.is_some_and(|located| located.state == ObjectState::Plain);
        (located.and_then(|located| located.key), was_plain)
    }

    /// True if the record of what was read says more than that of the new object can.
    pub(super) fn accepts(&self) -> bool {
        let Some(located) = &self.found.located else { return false };
        let before = located.content.and_then(|known| known.provenance.accepted_since());
        let after = provenance_of_copy(located, &self.shared.keys).accepted_since();
        before.is_none() && after.is_some()
    }

    fn item(self, outcome: Outcome) -> RekeyItem {
        let (from, was_plain) = self.origin();
        let accepted = self.accepts();
        if let Outcome::Rekeyed(_) = outcome {
            self.shared.watch.moved(self.found.size);
        }
        RekeyItem {
            key: self.name.key.as_str().to_owned(),
            outcome,
            size: self.found.size,
            versions: 1,
            from,
            was_plain,
            accepted,
            why: self.why.filter(|_| !outcome.is_good()),
        }
    }

    async fn take(&mut self, step: Step) -> Result<(), RekeyError> {
        let early = matches!(step, Step::Look | Step::Open | Step::Read(_) | Step::Confirm);
        if early && self.shared.watch.is_stopped() {
            return Err(RekeyError::Stopped);
        }
        match step {
            Step::Look => {
                let sight = Box::pin(self.look()).await?;
                self.machine.looked(sight);
                return Ok(());
            }
            Step::Read(way) => {
                let content = Box::pin(self.read(way)).await?;
                self.machine.read(content, !self.found.grants.is_empty());
                return Ok(());
            }
            Step::Confirm => {
                let same = self.confirm().await?;
                self.machine.confirmed(same);
                return Ok(());
            }
            Step::Check => {
                let standing = Box::pin(self.check()).await?;
                self.machine.checked(standing);
                return Ok(());
            }
            Step::Compare => {
                let same = Box::pin(self.compare()).await?;
                self.machine.compared(same);
                return Ok(());
            }
            Step::Note(mark) => self.note(mark).await?,
            Step::Open => Box::pin(self.open()).await?,
            Step::Replace(way) => Box::pin(self.replace(way)).await?,
            Step::Describe => self.describe().await?,
            Step::TakeBack => Box::pin(self.take_back()).await?,
            Step::Abort => Box::pin(self.abort()).await?,
            Step::Wait(time) => {
                self.shared.watch.unless_stopped(tokio::time::sleep(time)).await;
            }
            Step::End(_) => {}
        }
        self.machine.done();
        Ok(())
    }

    /// What is there, and which key opens it.
    pub(super) async fn look(&mut self) -> Result<Sight, RekeyError> {
        let (client, name) = (&self.shared.client, &self.name);
        self.found = Found::default();
        let (tags, refused) = match client.readable_tags(name, self.source.as_deref()).await {
            Ok(read) => read,
            Err(GetError::NotFound(_)) => return Ok(Sight::Absent),
            Err(error) => return Err(error.into()),
        };
        self.found.tagless = match refused.as_ref().map(crate::CallError::status) {
            None => false,
            Some(Some(501)) => true,
            // Tags that cannot be read cannot be kept.
            Some(_) => return refused.map_or(Ok(Sight::Locked), |error| Err(error.into())),
        };
        let options = self.read_options();
        let located =
            client.locate_by(&self.shared.keys, name, &options, tags.as_deref(), None).await;
        let located = match located {
            Ok(located) => located,
            Err(GetError::NotFound(_)) => return Ok(Sight::Absent),
            Err(error) => return self.closed(error),
        };
        let tags = tags.unwrap_or_default().into_iter();
        self.found.tags = tags.filter(|(key, _)| key != TAG_KEY).collect();
        self.sight(located).await
    }

    /// A newest version under a direct key that took the place of a master key's is not moved unasked: a look
    /// at an object refuses it, one at a version does not know which is the newest.
    pub(super) fn unless_replaced(&mut self, sight: Sight) -> Sight {
        let Sight::Open { key, .. } = sight else { return sight };
        let kind = self.found.located.as_ref().and_then(|located| located.kind);
        let last = || self.shared.client.last_written(&self.shared.keys, &self.name);
        let accepts = self.shared.rules.accept_content;
        if accepts || !kind.is_some_and(|kind| replaces_master(kind, last())) {
            return sight;
        }
        self.complain(GetError::Replaced { name: self.name.clone(), key }.into());
        Sight::False
    }

    /// The object cannot be opened.
    fn closed(&mut self, error: GetError) -> Result<Sight, RekeyError> {
        let sight = match &error {
            GetError::Open(OpenError::NotGenuine)
            | GetError::Record(_)
            | GetError::Replaced { .. } => Sight::False,
            GetError::Open(_) | GetError::NoKeyFits(_) => Sight::Locked,
            _ => return Err(error.into()),
        };
        self.why = Some(error.into());
        Ok(sight)
    }

    async fn sight(&mut self, mut located: Located) -> Result<Sight, RekeyError> {
        let (client, name) = (&self.shared.client, &self.name);
        let description = match located.state {
            ObjectState::Described => Description::Whole,
            ObjectState::Foreign => Description::None,
            ObjectState::Pending | ObjectState::Stripped => Description::Lost,
            ObjectState::Plain => {
                self.found.size = located.head.as_ref().map_or(0, |head| head.size);
                self.found.located = Some(located);
                return Ok(Sight::Plain(self.found.size));
            }
        };
        // A record is a hint: before an object is left alone, the gateway confirms its key.
        let target = located.key == Some(self.shared.rules.target);
        if let (None, Some(headers)) = (&located.head, &located.headers)
            && (target || located.content.is_none())
        {
            let version = self.source.as_deref();
            let head = match client.head(name, version, headers).await {
                Ok(head) => head,
                Err(error) if client.is_of_other_key(name, version, &error).await? => {
                    return Err(GetError::OtherKey(name.clone()).into());
                }
                Err(error) => return Err(error.into()),
            };
            let _ = proved(name, headers, &head)?;
            located.head = Some(head);
        }
        // Some servers echo any key, on plaintext objects too. Where no digest decides, a read without a
        // key does.
        if target || located.content.is_none() {
            match client.refused_without_key(name, &self.read_options()).await {
                Ok(()) => {}
                Err(GetError::NotFound(_)) => return Ok(Sight::Absent),
                Err(error @ GetError::NotProved { .. }) => {
                    self.why = Some(error.into());
                    return Ok(Sight::False);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (head, recorded) = (located.head.as_ref(), located.content);
        let size = recorded.map(|known| known.size).or(head.map(|head| head.size));
        self.found.size = size.unwrap_or_default();
        let key = located.key;
        self.found.located = Some(located);
        Ok(match key {
            Some(key) => Sight::Open { key, description, size: self.found.size },
            None => Sight::Locked,
        })
    }

    fn read_options(&self) -> ReadOptions {
        let version = self.source.clone();
        // What moves from a direct key to a master key is recorded as accepted, but what took the place of
        // a master key's object is not moved unasked.
        let accept_replaced = self.shared.rules.accept_content;
        ReadOptions { accept_plain: true, accept_replaced, version, ..ReadOptions::default() }
    }

    /// HEAD with the key that opens the old object, or without one. `None` if it is not there.
    pub(super) async fn old_head(&self) -> Result<Option<Head>, RekeyError> {
        let (client, name, version) = (&self.shared.client, &self.name, self.source.as_deref());
        let Some(located) = &self.found.located else { return Ok(None) };
        let Some(headers) = &located.headers else {
            return match client.head_without_key(name, version).await? {
                WithoutKey::Readable(head) => Ok(Some(*head)),
                _ => Ok(None),
            };
        };
        let Some(head) = client.head_if_opened(name, version, headers).await? else {
            return Ok(None);
        };
        match proved(name, headers, &head) {
            Ok(_) => Ok(Some(head)),
            // Another client has replaced it by a plaintext object.
            Err(_) if self.is_readable().await? => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// True if what is there needs no key.
    pub(super) async fn is_readable(&self) -> Result<bool, RekeyError> {
        let head = self.shared.client.head_without_key(&self.name, self.source.as_deref()).await?;
        Ok(matches!(head, WithoutKey::Readable(_)))
    }

    /// Begins to read the old content.
    pub(super) async fn reading(&self) -> Result<Reading, RekeyError> {
        let gone = || GetError::NotFound(self.name.clone());
        let located = self.found.located.as_ref().ok_or_else(gone)?;
        let options = GetOptions { read: self.read_options(), ..GetOptions::default() };
        let wanted = self.shared.client.want(&self.name, located, &options).await?;
        Ok(Reading::new(wanted))
    }

    /// Is it still what was read? Brings what belongs to the object besides its content.
    async fn confirm(&mut self) -> Result<bool, RekeyError> {
        self.found.confirmed = Some(Instant::now());
        let Some(head) = self.old_head().await? else { return Ok(false) };
        let before = self.found.head.as_ref();
        let unchanged = before.is_none_or(|before| {
            before.last_modified == head.last_modified && before.metadata == head.metadata
        });
        let same = head.etag == self.found.etag && unchanged;
        self.found.head = Some(head);
        Ok(same)
    }

    /// Notes how long somebody else's write could have gone unnoticed.
    pub(super) fn replaced_after(&self, confirmed: Option<Instant>) {
        // A version takes nobody's place.
        if self.source.is_some() {
            return;
        }
        let open = confirmed.map_or(Duration::ZERO, |confirmed| confirmed.elapsed());
        self.shared.window.fetch_max(open.as_micros() as u64, Relaxed);
    }

    async fn note(&mut self, mark: Mark) -> Result<(), RekeyError> {
        // Of a version its history is told.
        if self.source.is_some() && matches!(mark, Mark::Settled(_)) {
            return Ok(());
        }
        let line = self.line(mark)?;
        match self.shared.log.note(line).await {
            true => Ok(()),
            false => Err(RekeyError::Journal(std::io::ErrorKind::WriteZero.into())),
        }
    }
}

/// What an error of a step means for the object.
fn trouble(step: Step, error: &RekeyError) -> Trouble {
    match error {
        // It was replaced between two questions.
        RekeyError::Get(GetError::OtherKey(_) | GetError::NotFound(_)) if step != Step::Look => {
            Trouble::Condition
        }
        error => trouble_of(error),
    }
}

pub(super) fn trouble_of(error: &RekeyError) -> Trouble {
    let call = |error: &crate::CallError| match error.status() {
        Some(412) => Trouble::Condition,
        // An earlier try of the same request may have completed it.
        _ if error.cause() == Some(Cause::NoSuchUpload) => Trouble::MayPass,
        _ if error.may_pass_later() => Trouble::MayPass,
        // Asked to slow down.
        Some(429) => Trouble::MayPass,
        _ => Trouble::Refused,
    };
    match error {
        RekeyError::Call(error)
        | RekeyError::Put(PutError::Call(error) | PutError::BrokenOff(error))
        | RekeyError::Get(GetError::Call(error)) => call(error),
        RekeyError::Put(PutError::NotProved { .. })
        | RekeyError::Get(GetError::NotProved { .. }) => Trouble::Unproved,
        RekeyError::Get(error) if error.may_pass_later() => Trouble::MayPass,
        _ => Trouble::Refused,
    }
}

/// What a verified read means for the object; other errors are the caller's.
pub(super) fn judged(read: Result<crate::get::Received, GetError>) -> Result<Content, RekeyError> {
    match read {
        Ok(received) if received.verification.is_verified() => Ok(Content::Verified),
        Ok(_) => Ok(Content::Unverified),
        Err(GetError::Changed(_)) => Ok(Content::Changed),
        Err(error) => Err(error.into()),
    }
}
