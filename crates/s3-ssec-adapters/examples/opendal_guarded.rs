//! An operator of OpenDAL under a customer key, guarded.
//!
//! ```text
//! opendal_guarded KEYFILE BUCKET
//! ```
//!
//! The key file holds a direct key: `s3-ssec key new --direct --out KEYFILE`. Gateway and credentials
//! come from the environment (`AWS_*`).
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use opendal::Operator;
use opendal::services::S3;
use s3_ssec::core::headers::TargetKeyHeaders;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::KeyFile;
use s3_ssec_adapters::opendal::{guarded, with_customer_key};
use s3_ssec_adapters::reqwest::client_builder;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: opendal_guarded KEYFILE BUCKET";
    let keys = KeyFile::read(&std::fs::read(arguments.next().ok_or(usage)?)?)?.0.into_keyring()?;
    let Key::Direct(key) = keys.writer() else {
        return Err("an operator has one direct key".into());
    };
    let bucket = arguments.next().ok_or(usage)?;

    let mut client = client_builder();
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE") {
        let bundle = reqwest::Certificate::from_pem_bundle(&std::fs::read(bundle)?)?;
        client = client.tls_certs_only(bundle);
    }
    let service = S3::default()
        .bucket(&bucket)
        .endpoint(&std::env::var("AWS_ENDPOINT_URL_S3")?)
        .region(&std::env::var("AWS_REGION")?)
        .access_key_id(&std::env::var("AWS_ACCESS_KEY_ID")?)
        .secret_access_key(&std::env::var("AWS_SECRET_ACCESS_KEY")?);
    let service = with_customer_key(service, &TargetKeyHeaders::of(key));
    let operator = guarded(Operator::new(service)?, client.build()?);

    operator.write("operator/small", "stored under a key").await?;
    let mut parts = operator.writer_with("operator/large").chunk(5 << 20).await?;
    parts.write(vec![7; 6 << 20]).await?;
    parts.close().await?;
    let read = operator.read("operator/small").await?;
    let size = operator.stat("operator/large").await?.content_length();
    println!("{} and {size} bytes, each confirmed", read.len());
    Ok(())
}
