//! A prefix away.

use super::{Crew, Item, Outcome, Report, Summary, TreeError, TreeOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::list::{ListingOf, ListingPages};
use crate::watch::Watch;
use s3_ssec_core::listing::Entry;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

impl Client {
    /// Deletes every object below the path of `place`. On a versioned bucket older versions stay.
    ///
    /// One request for each object: DeleteObjects wants a checksum that RGW 16 does not know. An answer to
    /// it says nothing of what is there, so that the place is listed again at the end.
    pub async fn remove_tree(
        &self,
        place: &S3Address,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let mut crew = Crew::new(options, watch);
        let (mut listed, mut pages) = (Listed::default(), objects(self, place));
        // One page ahead: a listing that goes round in a circle is noticed before what it names is gone.
        let mut next = pages.next().await?;
        while let Some(page) = next {
            next = match pages.next().await {
                Ok(page) => page,
                Err(error) => return Err(crew.unlisted(report, error).await),
            };
            for entry in page {
                let relative = entry.key.strip_prefix(place.path.as_str()).unwrap_or(&entry.key);
                if !options.filter.takes(relative) || !listed.insert(&entry) {
                    continue;
                }
                let (client, bucket, dry_run) =
                    (self.clone(), place.bucket.clone(), options.dry_run);
                let work = async move {
                    let Entry { key, size, .. } = entry;
                    let outcome = match ObjectKey::parse(&key) {
                        Ok(_) if dry_run => Outcome::Done(size, None),
                        Ok(object) => {
                            client.delete(&ObjectName::new(bucket, object), None).await.map_or_else(
                                |error| Outcome::Failed(error.into()),
                                |()| Outcome::Done(size, None),
                            )
                        }
                        Err(error) => Outcome::Failed(error.into()),
                    };
                    Item { name: key, outcome }
                };
                if !crew.take_on(report, work).await {
                    return Ok(crew.finish(report).await);
                }
            }
        }
        let mut summary = crew.finish(report).await;
        if !options.dry_run && summary.done > 0 {
            self.look_again(place, &listed, watch, &mut summary).await;
        }
        Ok(summary)
    }

    /// Counts as failed what was deleted and is listed again as it was.
    async fn look_again(
        &self,
        place: &S3Address,
        listed: &Listed,
        watch: &Watch,
        summary: &mut Summary,
    ) {
        let failed: HashSet<String> = summary.failed.iter().map(|(key, _)| key.clone()).collect();
        let (mut pages, mut kept) = (objects(self, place), Listed::default());
        while !watch.is_stopped() {
            let page = match pages.next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    summary.failed.push((place.to_string(), TreeError::NotListed(error)));
                    break;
                }
            };
            for entry in page {
                if listed.contains(&entry) && !failed.contains(&entry.key) && kept.insert(&entry) {
                    summary.done -= 1;
                    summary.bytes -= entry.size;
                    summary.failed.push((entry.key, TreeError::Kept));
                }
            }
        }
        summary.stopped = watch.is_stopped();
    }
}

fn objects(client: &Client, place: &S3Address) -> Box<ListingPages> {
    let of = ListingOf::Objects { delimiter: None };
    Box::new(ListingPages::new(client, of, &place.bucket, &place.path))
}

/// The objects of a listing: what they were, so that one written meanwhile is another. Eight bytes each.
#[derive(Default)]
struct Listed {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Listed {
    fn hash(&self, entry: &Entry) -> u64 {
        self.hasher.hash_one((&entry.key, &entry.etag, entry.size, entry.time))
    }

    /// False if it is in there.
    fn insert(&mut self, entry: &Entry) -> bool {
        self.hashes.insert(self.hash(entry))
    }

    fn contains(&self, entry: &Entry) -> bool {
        self.hashes.contains(&self.hash(entry))
    }
}
