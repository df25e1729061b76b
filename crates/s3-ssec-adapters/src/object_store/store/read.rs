//! Reads: whole ones verified, ranges confirmed.

use super::Inner;
use super::error::{self, other};
use ::object_store::path::Path;
use ::object_store::{
    Attribute, Attributes, GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, Result,
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use s3_ssec::core::removal::answered_version;
use s3_ssec::{ContentHeaders, Head, ReadOptions, Watch};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use tokio_util::io::ReaderStream;

/// Bytes between download and reader.
const PIPE: usize = 1 << 18;

/// Seconds since 1970; the beginning of 1970 where nothing is known.
pub(super) fn time(seconds: Option<i64>) -> DateTime<Utc> {
    seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).unwrap_or_default()
}

pub(super) async fn get(
    inner: &Arc<Inner>,
    location: &Path,
    options: GetOptions,
) -> Result<GetResult> {
    match &options.range {
        Some(range) if !options.head => {
            let range = range.clone();
            part(inner, location, options, range).await
        }
        _ => whole(inner, location, options).await,
    }
}

/// The whole object, or what HEAD says of it.
async fn whole(inner: &Arc<Inner>, location: &Path, options: GetOptions) -> Result<GetResult> {
    let name = inner.name(location)?;
    let mut read = ReadOptions::default();
    read.version.clone_from(&options.version);
    let stat = inner.client.stat(&inner.keys, &name, &read).await;
    let head = stat.map_err(|error| error::get(location.as_ref(), error))?.head;
    let meta = meta(location, &head);
    options.check_preconditions(&meta)?;
    let (size, attributes) = (meta.size, attributes(&head.headers, &head.metadata));
    let content = match options.head {
        true => stream::empty().boxed(),
        false => {
            let (mut writer, reader) = tokio::io::duplex(PIPE);
            let inner = Arc::clone(inner);
            let download = async move {
                let mut options = s3_ssec::GetOptions::default();
                options.read = read;
                let (keys, watch) = (&inner.keys, Watch::default());
                let got = inner.client.get_stream(keys, &name, &mut writer, &options, &watch).await;
                match got {
                    Ok(received) if received.size == size => Ok(bytes::Bytes::new()),
                    Ok(_) => Err(io::Error::other("the object changed while it was read")),
                    Err(error) => Err(io::Error::other(error)),
                }
            };
            let download = tokio::spawn(download);
            // The last word has the verification.
            let verified = stream::once(download).map_err(io::Error::other);
            let verified = verified.and_then(std::future::ready);
            ReaderStream::with_capacity(reader, PIPE).chain(verified).map_err(other).boxed()
        }
    };
    let payload = GetResultPayload::Stream(content);
    Ok(GetResult { payload, meta, range: 0..size, attributes, extensions: Default::default() })
}

/// A range: its answer says everything, and was confirmed, or there is none.
async fn part(
    inner: &Inner,
    location: &Path,
    options: GetOptions,
    range: GetRange,
) -> Result<GetResult> {
    let name = inner.name(location)?;
    let request = inner.sdk.client().get_object();
    let request = request.bucket(name.bucket.as_str()).key(name.key.as_str());
    let request = request.range(range.to_string()).set_version_id(options.version.clone());
    let answer = request.send().await.map_err(|error| {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        error::sdk(location.as_ref(), status, error)
    })?;
    let (range, size) = content_range(answer.content_range())
        .ok_or_else(|| other(io::Error::other("the answer does not say which range it holds")))?;
    let meta = ObjectMeta {
        location: location.clone(),
        last_modified: time(answer.last_modified().map(|time| time.secs())),
        size,
        e_tag: answer.e_tag().map(|etag| etag.trim_matches('"').to_owned()),
        version: answered_version(answer.version_id()).map(str::to_owned),
    };
    options.check_preconditions(&meta)?;
    let mut headers = ContentHeaders::default();
    headers.content_type.clone_from(&answer.content_type);
    headers.cache_control.clone_from(&answer.cache_control);
    headers.disposition.clone_from(&answer.content_disposition);
    headers.encoding.clone_from(&answer.content_encoding);
    headers.language.clone_from(&answer.content_language);
    let metadata = answer.metadata.unwrap_or_default().into_iter().collect();
    let content = ReaderStream::with_capacity(answer.body.into_async_read(), PIPE);
    let payload = GetResultPayload::Stream(content.map_err(other).boxed());
    let attributes = attributes(&headers, &metadata);
    Ok(GetResult { payload, meta, range, attributes, extensions: Default::default() })
}

/// Reads `bytes 100-199/700`.
fn content_range(text: Option<&str>) -> Option<(std::ops::Range<u64>, u64)> {
    let (range, size) = text?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?, size.parse().ok()?))
}

fn meta(location: &Path, head: &Head) -> ObjectMeta {
    ObjectMeta {
        location: location.clone(),
        last_modified: time(head.last_modified),
        size: head.size,
        e_tag: Some(head.etag.clone()),
        version: head.version_id.clone(),
    }
}

fn attributes(headers: &ContentHeaders, metadata: &BTreeMap<String, String>) -> Attributes {
    let fields = [
        (Attribute::ContentType, &headers.content_type),
        (Attribute::CacheControl, &headers.cache_control),
        (Attribute::ContentDisposition, &headers.disposition),
        (Attribute::ContentEncoding, &headers.encoding),
        (Attribute::ContentLanguage, &headers.language),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let metadata = metadata
        .iter()
        .map(|(name, value)| (Attribute::Metadata(name.clone().into()), value.clone()));
    fields.chain(metadata).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_where_it_is() {
        assert_eq!(content_range(Some("bytes 100-199/700")), Some((100..200, 700)));
        for wrong in ["", "bytes */700", "bytes 1-2", "bytes 1-2/x", "100-199/700"] {
            assert_eq!(content_range(Some(wrong)), None, "{wrong}");
        }
    }
}
