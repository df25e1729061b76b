//! A prefix away.

use super::{Crew, Item, Outcome, Pages, Report, Summary, TreeOptions};
use crate::call::CallError;
use crate::client::Client;
use crate::watch::Watch;
use s3_ssec_core::names::{ObjectKey, ObjectName, S3Address};

impl Client {
    /// Deletes every object below the path of `place`. On a versioned bucket older versions stay.
    ///
    /// One request for each object: DeleteObjects wants a checksum that RGW 16 does not know.
    pub async fn remove_tree(
        &self,
        place: &S3Address,
        options: &TreeOptions,
        watch: &Watch,
        report: Report<'_>,
    ) -> Result<Summary, CallError> {
        let mut crew = Crew::new(options, watch);
        let mut pages = Pages::new(self, place);
        // One page ahead: a listing that goes round in a circle is noticed before what it names is gone.
        let mut next = pages.next().await?;
        while let Some(page) = next {
            next = match pages.next().await {
                Ok(page) => page,
                Err(error) => return Err(crew.unlisted(report, error).await),
            };
            for (key, size) in page {
                let relative = key.strip_prefix(place.path.as_str()).unwrap_or(&key);
                if !options.filter.takes(relative) {
                    continue;
                }
                let (client, bucket, dry_run) =
                    (self.clone(), place.bucket.clone(), options.dry_run);
                let work = async move {
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
        Ok(crew.finish(report).await)
    }
}
