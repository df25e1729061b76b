//! The search for a lost nonce: bounded, rate-limited, and only when asked for by name.

use super::RepairError;
use crate::call::CallError;
use crate::client::{Client, WithoutKey};
use crate::get::GetError;
use crate::watch::Watch;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::derive::Nonce;
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
    /// How long before the last known moment the write may have begun, in seconds.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Searched {
    /// The nonce was found and a record written, complete from the content that is there.
    Found {
        /// The nonce.
        nonce: Nonce,
        /// Candidates that the gateway saw.
        tried: u64,
    },
    /// No candidate fits.
    NotFound {
        /// Candidates that the gateway saw.
        tried: u64,
    },
}

impl Client {
    /// Searches the nonce of an object whose record is lost, backwards from when it was last
    /// changed, with the writing master key of `keys`.
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
        let WithoutKey::KeyNeeded = self.head_without_key(name, None).await? else {
            return Err(GetError::NotEncrypted(name.clone()).into());
        };
        let last = self.last_modified(name).await?;
        let mut tried = 0;
        for key in keys.keys().iter().filter(|key| key.kind() == Kind::Master) {
            let found = self.search_with(key, name, last, options, watch, &mut tried).await?;
            let Some(nonce) = found else { continue };
            let tags = self.tags(name, None).await?;
            let record = Record::write(key, name, nonce, Content::Pending);
            let mut new = vec![(TAG_KEY.to_owned(), record.to_string())];
            new.extend(tags.into_iter().filter(|(tag, _)| tag != TAG_KEY));
            self.put_tags(name, None, &new).await?;
            self.describe(keys, name, nonce, watch).await?;
            return Ok(Searched::Found { nonce, tried });
        }
        Ok(Searched::NotFound { tried })
    }

    /// HEAD without the key says nothing, so the listing has to.
    async fn last_modified(&self, name: &ObjectName) -> Result<u32, RepairError> {
        let answer = self
            .s3
            .list_objects_v2()
            .bucket(name.bucket.as_str())
            .prefix(name.key.as_str())
            .max_keys(1)
            .send()
            .await
            .map_err(self.explain(Operation::ListObjects, SentKey::None))?;
        let object = answer.contents().iter().find(|o| o.key() == Some(name.key.as_str()));
        let time = object.and_then(|object| object.last_modified()).map(|time| time.secs());
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
        // Clocks differ: a writer's may be a little ahead of the gateway's.
        let newest = last.saturating_add(2);
        let seconds = (0..=options.seconds).map_while(|back| newest.checked_sub(back));
        let mut candidates = seconds.flat_map(Nonce::candidates);
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
            Err(error) if error.status() == Some(400) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
