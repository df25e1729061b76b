//! A store of `object_store` in which every object has a customer key of its own.
//!
//! ```text
//! object_store_keyed KEYFILE BUCKET
//! ```
//!
//! Whatever is written against `ObjectStore` works on it. Gateway and credentials come from the
//! environment (`AWS_*`).
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, WriteMultipart};
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::names::BucketName;
use s3_ssec::{Client, Options};
use s3_ssec_adapters::object_store::SsecStore;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: object_store_keyed KEYFILE BUCKET";
    let keys = KeyFile::read(&std::fs::read(arguments.next().ok_or(usage)?)?)?.0.into_keyring()?;
    let bucket = BucketName::parse(&arguments.next().ok_or(usage)?)?;
    let client = Client::connect(&Options::default()).await?;
    let store: Arc<dyn ObjectStore> = Arc::new(SsecStore::new(client, bucket, Arc::new(keys)));

    let (small, large) = (Path::from("tables/small"), Path::from("tables/2026/large"));
    store.put(&small, PutPayload::from_static(b"a key of its own")).await?;
    let again = store.put_opts(&small, PutPayload::new(), PutMode::Create.into()).await;
    if !matches!(again, Err(Error::AlreadyExists { .. })) {
        return Err(format!("overwritten: {again:?}").into());
    }
    let mut parts =
        WriteMultipart::new_with_chunk_size(store.put_multipart(&large).await?, 5 << 20);
    for piece in 0..20_u8 {
        parts.write(&vec![piece; 1 << 20]);
        parts.wait_for_capacity(2).await?;
    }
    parts.finish().await?;
    let mut given_up = store.put_multipart(&Path::from("tables/given-up")).await?;
    given_up.put_part(PutPayload::from_static(b"half")).await?;
    given_up.abort().await?;

    let whole = store.get(&large).await?.bytes().await?;
    let piece = store.get_range(&large, (7 << 20) - 2..(7 << 20) + 2).await?;
    println!("{} bytes, verified; a range of it: {:?}", whole.len(), piece.as_ref());
    store.copy(&small, &Path::from("tables/copy")).await?;
    let copy = store.get(&Path::from("tables/copy")).await?.bytes().await?;
    println!("the copy: {}", String::from_utf8_lossy(&copy));
    store.delete(&small).await?;
    let gone = store.get(&small).await;
    let from_nothing = store.copy(&small, &Path::from("tables/nothing")).await;
    if !matches!((&gone, &from_nothing), (Err(Error::NotFound { .. }), Err(Error::NotFound { .. })))
    {
        return Err(format!("still there: {gone:?}, {from_nothing:?}").into());
    }
    let tables = Path::from("tables");
    let mut all: Vec<_> = store.list(Some(&tables)).try_collect().await?;
    all.sort_by(|one, other| one.location.cmp(&other.location));
    let folded = store.list_with_delimiter(Some(&tables)).await?;
    for object in all {
        println!("{} {}", object.location, object.size);
    }
    println!("{} in the folder, {} below", folded.objects.len(), folded.common_prefixes.len());
    Ok(())
}
