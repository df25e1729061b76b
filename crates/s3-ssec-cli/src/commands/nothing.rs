//! Places where nothing lies: most often their name is mistyped, and zeros would hide it.

use crate::report::{About as _, Exit, Failure};
use s3_ssec::core::names::S3Address;
use s3_ssec::{Client, Listed};

/// Refuses a place below which nothing lies. Asked by commands that found nothing to do: a shard, a
/// journal or a filter may be why. A whole bucket may be empty.
pub(super) async fn refuse(client: &Client, place: &S3Address) -> Result<(), Failure> {
    if place.path.is_empty() {
        return Ok(());
    }
    let page = client.list_page(&place.bucket, &place.path, None, None).await;
    let (listed, more) = page.about(place)?;
    let lies_here = |listed: &Listed| match listed {
        Listed::Object { key, .. } => place.holds(key),
        _ => true,
    };
    if more.is_some() || listed.iter().any(lies_here) {
        return Ok(());
    }
    let what = format!("nothing lies at {place}");
    let todo = format!("Check the name; s3-ssec ls s3://{}/ shows what is there.", place.bucket);
    Err(Failure::new(Exit::Failed, what, todo))
}
