//! A store of `object_store` under a customer key, guarded.
//!
//! ```text
//! object_store_guarded KEYFILE BUCKET
//! ```
//!
//! The key file holds a direct key: `s3-ssec key new --direct --out KEYFILE`. Gateway and credentials
//! come from the environment (`AWS_*`).
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload, WriteMultipart};
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec_adapters::object_store::with_customer_key;
use s3_ssec_adapters::reqwest::client_builder;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: object_store_guarded KEYFILE BUCKET";
    let keys = KeyFile::read(&std::fs::read(arguments.next().ok_or(usage)?)?)?.0.into_keyring()?;
    let Key::Direct(key) = keys.writer() else { return Err("a store has one direct key".into()) };
    let bucket = arguments.next().ok_or(usage)?;

    let mut client = client_builder();
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE") {
        let bundle = reqwest::Certificate::from_pem_bundle(&std::fs::read(bundle)?)?;
        client = client.tls_certs_only(bundle);
    }
    let builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let builder = builder.with_endpoint(std::env::var("AWS_ENDPOINT_URL_S3")?);
    let store = with_customer_key(builder, &TargetKeyHeaders::of(key), client.build()?).build()?;

    let (small, large) = (Path::from("store/small"), Path::from("store/large"));
    store.put(&small, PutPayload::from_static(b"stored under a key")).await?;
    let mut parts =
        WriteMultipart::new_with_chunk_size(store.put_multipart(&large).await?, 5 << 20);
    parts.write(&vec![7; 6 << 20]);
    parts.finish().await?;
    let read = store.get(&small).await?.bytes().await?;
    let tail = store.get_range(&large, (6 << 20) - 4..6 << 20).await?;
    println!("{} and {} bytes, each confirmed", read.len(), tail.len());
    Ok(())
}
