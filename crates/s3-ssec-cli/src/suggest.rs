//! Names like the one that is not there: a typing error costs one more question, and no search.
//!
//! Asked only after a command failed because a bucket or object does not exist. What goes wrong on the
//! way changes nothing: the failure stands as it was.

use crate::report::{Failure, Missing};
use crate::session::Session;
use s3_ssec::core::names::{BucketName, ObjectName};
use s3_ssec::{Client, Listed};
use std::time::Duration;

/// Nobody waits longer for a hint.
const PATIENCE: Duration = Duration::from_secs(5);

/// Adds the likeliest name to a failure about one that does not exist.
pub(crate) async fn likely_name(session: &Session, failure: Failure) -> Failure {
    let Some(missing) = failure.missing() else { return failure };
    let found = tokio::time::timeout(PATIENCE, search(session, missing)).await;
    match found.ok().flatten() {
        Some(name) => failure.first(&format!("Did you mean {name}?")),
        None => failure,
    }
}

async fn search(session: &Session, missing: &Missing) -> Option<String> {
    let client = session.client().await.ok()?;
    match missing {
        Missing::Bucket(bucket) => bucket_like(&client, bucket).await,
        Missing::Object(object) => object_like(&client, object).await,
    }
}

async fn bucket_like(client: &Client, bucket: &BucketName) -> Option<String> {
    let buckets = client.list_buckets().await.ok()?;
    let names = buckets.iter().map(|bucket| bucket.name.as_str());
    Some(format!("s3://{}", nearest(bucket.as_str(), names)?))
}

/// Looks at one page of names beside the missing one.
async fn object_like(client: &Client, object: &ObjectName) -> Option<String> {
    let key = object.key.as_str();
    let directory = key.rfind('/').map_or("", |slash| &key[..=slash]);
    let page = client.list_page(&object.bucket, directory, Some("/"), None).await.ok()?;
    let name = |listed: &Listed| match listed {
        Listed::Object { key, .. } => Some(key.clone()),
        Listed::Prefix(prefix) => Some(prefix.clone()),
        _ => None,
    };
    let names: Vec<_> = page.0.iter().filter_map(name).collect();
    let found = nearest(key, names.iter().map(String::as_str))?;
    Some(format!("s3://{}/{found}", object.bucket))
}

/// The name that takes the fewest changes, if they are few for its length; a `/` at the end is none.
fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let most = (wanted.chars().count() / 4).clamp(1, 3);
    let distance = |name: &str| {
        let bare = name.strip_suffix('/').unwrap_or(name);
        strsim::damerau_levenshtein(&wanted.to_lowercase(), &bare.to_lowercase())
    };
    let near = names.map(|name| (distance(name), name)).filter(|(distance, _)| *distance <= most);
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_found_and_another_name_is_not() {
        let names = ["2026/results.csv", "2026/notes.txt", "2026/raw/"];
        let of = |wanted| nearest(wanted, names.into_iter());
        assert_eq!(of("2026/result.csv"), Some("2026/results.csv"));
        assert_eq!(of("2026/Results.CSV"), Some("2026/results.csv"));
        assert_eq!(of("2026/raw"), Some("2026/raw/"));
        assert_eq!(of("2026/rwa"), Some("2026/raw/"));
        assert_eq!(of("2026/summary.pdf"), None);
        assert_eq!(of("a"), None);
        assert_eq!(nearest("missing", ["a", "b", "c"].into_iter()), None);
    }
}
