//! The search for a lost nonce: bounded, rate-limited, and only when asked for by name.

use super::RepairError;
use crate::call::{Broken, CallError};
use crate::client::{Client, WithoutKey};
use crate::get::GetError;
use crate::list::{ListingOf, ListingPages};
use crate::watch::Watch;
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::{Key, Kind};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, Record, TAG_KEY};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Where to search, and how fast.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchOptions {
    /// How long before and after Last-Modified the write may have begun, in seconds: clocks differ.
    pub seconds: u32,
    /// Candidates tried in a second, at most.
    pub rate: u32,
    /// Requests in flight at once.
    pub in_flight: usize,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { seconds: 15 * 60, rate: 2000, in_flight: 16 }
    }
}

/// How a search ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Searched {
    /// The nonce was found.
    #[non_exhaustive]
    Found {
        /// The pending record, which holds the nonce. It says nothing about the content: that may be
        /// anybody's.
        record: Record,
        /// Candidates that the gateway saw.
        tried: u64,
        /// True if the ledger of this machine has the record.
        in_ledger: bool,
        /// Why the object's tag does not hold the record; `None` if it does.
        tag_error: Option<CallError>,
    },
    /// No candidate fits.
    NotFound {
        /// Candidates that the gateway saw.
        tried: u64,
    },
}

impl Client {
    /// Searches the nonce of an object whose record is lost, around the time when it was last changed,
    /// with the master keys of `keys`. What is found is noted in the ledger, and in the object's tag
    /// where that can be written.
    ///
    /// The gateway sees every candidate key, so a search should be followed by a new key for the
    /// object. It stops at once when the gateway answers 403, 429 or 503.
    pub async fn search_nonce(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        options: &SearchOptions,
        watch: &Watch,
    ) -> Result<Searched, RepairError> {
        match self.head_without_key(name, None).await? {
            WithoutKey::KeyNeeded => {}
            WithoutKey::Readable(_) => return Err(GetError::NotEncrypted(name.clone()).into()),
            WithoutKey::Absent => return Err(GetError::NotFound(name.clone()).into()),
            WithoutKey::Unclear => {
                let error = EchoError::Unclear;
                return Err(GetError::NotProved { name: name.clone(), error }.into());
            }
        }
        let last = self.last_modified(name).await?;
        let mut tried = 0;
        for key in keys.keys().iter().filter(|key| key.kind() == Kind::Master) {
            let found = self.search_with(key, name, last, options, watch, &mut tried).await?;
            let Some(nonce) = found else { continue };
            let record = Record::write(key, name, nonce, Content::Pending);
            let in_ledger = self.note(name, &record).await.is_ok();
            let tag_error = self.put_found(name, &record).await.err();
            return Ok(Searched::Found { record, tried, in_ledger, tag_error });
        }
        Ok(Searched::NotFound { tried })
    }

    /// Writes the record into the object's tag, and reads it back.
    pub(super) async fn put_found(
        &self,
        name: &ObjectName,
        record: &Record,
    ) -> Result<(), CallError> {
        let mut tags = vec![(TAG_KEY.to_owned(), record.to_string())];
        let others = self.tags(name, None).await?;
        tags.extend(others.into_iter().filter(|(tag, _)| tag != TAG_KEY));
        self.put_tags(name, None, &tags).await?;
        match self.tags(name, None).await?.contains(&tags[0]) {
            true => Ok(()),
            false => Err(CallError::Broken(Broken::Answer("the tag was not kept".to_owned()))),
        }
    }

    /// HEAD without the key says nothing, so the listing has to.
    async fn last_modified(&self, name: &ObjectName) -> Result<u32, RepairError> {
        let (of, key) = (ListingOf::Objects { delimiter: None }, name.key.as_str());
        let mut pages = ListingPages::new(self, of, &name.bucket, key).at_most(1);
        let page = pages.next().await?.unwrap_or_default();
        let time = page.iter().find(|object| object.key == key).and_then(|object| object.time);
        let time = time.and_then(|seconds| u32::try_from(seconds).ok());
        Ok(time.ok_or_else(|| GetError::NotFound(name.clone()))?)
    }

    async fn search_with(
        &self,
        key: &Key,
        name: &ObjectName,
        last: u32,
        options: &SearchOptions,
        watch: &Watch,
        tried: &mut u64,
    ) -> Result<Option<Nonce>, RepairError> {
        let mut candidates = around(last, options.seconds).flat_map(Nonce::candidates);
        let mut tasks: JoinSet<Result<Option<Nonce>, CallError>> = JoinSet::new();
        let pause = Duration::from_secs(1) / options.rate.max(1);
        let mut due = Instant::now();
        loop {
            while tasks.len() < options.in_flight.max(1) && !watch.is_stopped() {
                let Some(nonce) = candidates.next() else { break };
                tokio::time::sleep_until(due.into()).await;
                due += pause;
                *tried += 1;
                let headers = Arc::new(TargetKeyHeaders::of(&key.customer_key(name, nonce)));
                let (client, name) = (self.clone(), name.clone());
                tasks.spawn(async move { client.fits_nonce(&name, &headers, nonce).await });
            }
            let Some(done) = tasks.join_next().await else { return Ok(None) };
            // Any refusal but "another key" ends the search: the gateway wants no more of it.
            if let Some(nonce) = done.unwrap_or(Ok(None))? {
                return Ok(Some(nonce));
            }
            watch.moved(1);
        }
    }

    async fn fits_nonce(
        &self,
        name: &ObjectName,
        headers: &Arc<TargetKeyHeaders>,
        nonce: Nonce,
    ) -> Result<Option<Nonce>, CallError> {
        match self.head(name, None, headers).await {
            Ok(head) => Ok(crate::locate::proved(name, headers, &head).ok().map(|_| nonce)),
            Err(error) => match self.is_of_other_key(name, None, &error).await? {
                true => Ok(None),
                false => Err(error),
            },
        }
    }
}

/// The seconds around `middle`, the nearest first: an upload began before its object was there, and
/// clocks differ both ways.
fn around(middle: u32, seconds: u32) -> impl Iterator<Item = u32> {
    (0..=seconds).flat_map(move |away| {
        let before = middle.checked_sub(away);
        let after = middle.checked_add(away).filter(|_| away > 0);
        before.into_iter().chain(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_second_are_searched() {
        assert_eq!(around(100, 2).collect::<Vec<_>>(), [100, 99, 101, 98, 102]);
        assert_eq!(around(1, 2).collect::<Vec<_>>(), [1, 0, 2, 3]);
        assert_eq!(around(u32::MAX, 1).collect::<Vec<_>>(), [u32::MAX, u32::MAX - 1]);
        let all: std::collections::BTreeSet<_> = around(5000, 900).collect();
        assert_eq!((all.len(), all.first(), all.last()), (1801, Some(&4100), Some(&5900)));
    }
}
