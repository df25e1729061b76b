//! A store of `object_store` in which every object has a key of its own.

mod error;
mod read;
mod write;

use ::object_store::path::Path;
use ::object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use async_trait::async_trait;
use error::{STORE, other};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use s3_ssec::sdk::Keyed;
use s3_ssec::{Client, Listed, Watch};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use std::fmt;
use std::sync::Arc;

/// Deletions at a time.
const DELETES: usize = 8;

/// A bucket as a store: keys are derived for every object, writes are proved, whole reads verified.
///
/// | call | what it gives |
/// | --- | --- |
/// | `put` | a fresh key, the record with it, proved; taken back if it is not |
/// | `put_multipart` | the same, streamed through one upload of [`s3_ssec::Client`]: its parts are not those of the caller, and are sent when they are full |
/// | `get` | the key that the record names; the stream ends in an error if the content is not what was uploaded |
/// | `get` of a range, `head` | the key is confirmed by the gateway; a range cannot be verified |
/// | `copy` | under a key of its own, by the gateway where it can, else through this machine |
/// | `put` in mode `Update`, `copy` in mode `Create` | not offered: older gateways ignore their conditions |
///
/// Reads cost one request more, for the record. What other tools wrote under a direct key is read if
/// that key is in the ring, unverified.
#[derive(Clone)]
pub struct SsecStore(Arc<Inner>);

struct Inner {
    client: Client,
    /// For ranges, which the client has no call for.
    sdk: Keyed,
    keys: Arc<Keyring>,
    bucket: BucketName,
}

impl SsecStore {
    /// The objects of `bucket`. The first key of the ring writes, all read.
    pub fn new(client: Client, bucket: BucketName, keys: Arc<Keyring>) -> Self {
        let sdk = Keyed::new(client.clone(), Arc::clone(&keys));
        Self(Arc::new(Inner { client, sdk, keys, bucket }))
    }
}

impl Inner {
    fn name(&self, location: &Path) -> Result<ObjectName> {
        let key = ObjectKey::parse(location.as_ref()).map_err(other)?;
        Ok(ObjectName::new(self.bucket.clone(), key))
    }

    /// One page of a listing, or `None` behind the last.
    async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        start: Start,
    ) -> Result<Option<(Vec<Listed>, Start)>> {
        let token = match start {
            Start::Beginning => None,
            Start::Token(token) => Some(token),
            Start::End => return Ok(None),
        };
        let page = self.client.list_page(&self.bucket, prefix, delimiter, token).await;
        let (listed, next) = page.map_err(|error| error::call(prefix, error))?;
        Ok(Some((listed, next.map_or(Start::End, Start::Token))))
    }
}

/// Where a page of a listing begins.
enum Start {
    Beginning,
    Token(String),
    End,
}

impl fmt::Display for SsecStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({}/{})", self.0.client.endpoint(), self.0.bucket)
    }
}

impl fmt::Debug for SsecStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[async_trait]
impl ObjectStore for SsecStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        write::put(&self.0, location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = write::Upload::begin(&self.0, location, options)?;
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        read::get(&self.0, location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(&self.0);
        let delete = move |location: Result<Path>| {
            let inner = Arc::clone(&inner);
            async move {
                let location = location?;
                let deleted = inner.client.delete(&inner.name(&location)?, None).await;
                deleted.map_err(|error| error::call(location.as_ref(), error))?;
                Ok(location)
            }
        };
        locations.map(delete).buffered(DELETES).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (inner, prefix) = (Arc::clone(&self.0), below(prefix));
        let pages = stream::try_unfold(Start::Beginning, move |start| {
            let (inner, prefix) = (Arc::clone(&inner), prefix.clone());
            async move { inner.page(&prefix, None, start).await }
        });
        let objects = pages.map_ok(|listed| stream::iter(listed.into_iter().filter_map(object)));
        objects.try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let (prefix, mut start) = (below(prefix), Start::Beginning);
        let (mut common_prefixes, mut objects) = (Vec::new(), Vec::new());
        while let Some((listed, next)) = self.0.page(&prefix, Some("/"), start).await? {
            for one in listed {
                match one {
                    Listed::Prefix(prefix) => common_prefixes.push(Path::parse(prefix)?),
                    one => objects.extend(object(one).transpose()?),
                }
            }
            start = next;
        }
        Ok(ListResult { common_prefixes, objects, extensions: Default::default() })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        if options.mode == CopyMode::Create {
            return Err(Error::NotImplemented {
                operation: "copy in mode Create".to_owned(),
                implementer: self.to_string(),
            });
        }
        let (source, target) = (self.0.name(from)?, self.0.name(to)?);
        let (options, watch) = (s3_ssec::CopyOptions::default(), Watch::default());
        let copied = self.0.client.copy(&self.0.keys, &source, &target, &options, &watch).await;
        copied.map(drop).map_err(|error| error::copy(from.as_ref(), to.as_ref(), error))
    }
}

/// What every key below a path begins with.
fn below(prefix: Option<&Path>) -> String {
    let prefix = prefix.map(Path::as_ref).unwrap_or_default();
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}

/// What a listing says of an object; `None` for a prefix.
fn object(listed: Listed) -> Option<Result<ObjectMeta>> {
    let Listed::Object { key, size, etag, last_modified, .. } = listed else { return None };
    let location = Path::parse(key).map_err(Error::from);
    Some(location.map(|location| ObjectMeta {
        location,
        last_modified: read::time(last_modified),
        size,
        e_tag: Some(etag),
        version: None,
    }))
}
