//! The suite by which `object_store` judges stores that others make, run on ours.
//!
//! ```text
//! object_store_suite KEYFILE BUCKET [without-attributes]     # an empty bucket
//! ```
//!
//! Left out is what asks for `copy_if_not_exists` or conditional updates, which the store does not
//! offer. Gateway and credentials come from the environment (`AWS_*`).
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use object_store::ObjectStore;
use object_store::integration::*;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::names::BucketName;
use s3_ssec::{Client, Options};
use s3_ssec_adapters::object_store::SsecStore;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: object_store_suite KEYFILE BUCKET";
    let keys = KeyFile::read(&std::fs::read(arguments.next().ok_or(usage)?)?)?.0.into_keyring()?;
    let bucket = BucketName::parse(&arguments.next().ok_or(usage)?)?;
    let client = Client::connect(&Options::default()).await?;
    let store: Arc<dyn ObjectStore> = Arc::new(SsecStore::new(client, bucket, Arc::new(keys)));

    put_get_delete_list(&store).await;
    get_opts(&store).await;
    list_uses_directories_correctly(&store).await;
    list_with_delimiter(&store).await;
    list_with_offset_exclusivity(&store).await;
    rename_and_copy(&store).await;
    stream_get(&store).await;
    multipart_out_of_order(&store).await;
    put_opts(&store, false).await;
    // RGW 16 turns an underscore in the name of a metadata field into a dash.
    if arguments.next().as_deref() != Some("without-attributes") {
        put_get_attributes(&store).await;
    }
    println!("it is a store");
    Ok(())
}
