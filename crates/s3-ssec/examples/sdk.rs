//! A program that is written against `aws-sdk-s3`, with a customer key of its own for every object.
//!
//! ```text
//! sdk KEYFILE BUCKET
//! ```
//!
//! Two lines are new: where the client is made. Gateway and credentials come from the environment.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::{Client, Options, sdk::Keyed};

// ANCHOR: program
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(bucket)) = (arguments.next(), arguments.next()) else {
        return Err("usage: sdk KEYFILE BUCKET".into());
    };
    let keys = KeyFile::read(&std::fs::read(file)?)?.0.into_keyring()?;

    // New. A program with a configuration of its own takes `Client::over(&config, &options)`.
    let client = Client::connect(&Options::default()).await?;
    let s3: aws_sdk_s3::Client = Keyed::new(client, keys.into()).client();

    // As it was.
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"as it was");
    s3.put_object().bucket(&bucket).key("sdk/a").body(body).send().await?;
    let read = s3.get_object().bucket(&bucket).key("sdk/a").send().await?;
    println!("{}", String::from_utf8(read.body.collect().await?.to_vec())?);
    Ok(())
}
// ANCHOR_END: program
