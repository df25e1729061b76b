//! A share link: one object, for a while, for somebody without credentials.
//!
//! ```text
//! share KEYFILE s3://BUCKET/OBJECT > link.json
//! ```
//!
//! The address may be known; the headers hold the customer key of this one object and travel by a
//! private way. Neither works without the other, and neither opens anything else. What the link is used
//! with: `examples/link.py` of the command, `examples/reqwest_link.rs` of the adapters, or curl.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::sigv4::Lifetime;
use s3_ssec::{Client, DirectKeys, Options, ReadOptions};
use serde_json::{Map, Value, json};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(object)) = (arguments.next(), arguments.next()) else {
        return Err("usage: share KEYFILE s3://BUCKET/OBJECT".into());
    };
    let keys = KeyFile::read(&std::fs::read(file)?)?.0.into_keyring()?;
    let name = S3Address::parse(&object)?.object()?;
    let client = Client::connect(&Options::default()).await?;
    let (options, lifetime) = (ReadOptions::default(), Lifetime::from_seconds(3600)?);
    // The key of this object alone: one that opens others too is not given away.
    let direct = DirectKeys::Refuse;
    let link = client.presign_get(&keys, &name, &options, lifetime, direct).await?;
    let expires = link.expires_at.unix_seconds();
    let (method, url, headers) = link.request.into_parts();
    let headers: Map<_, _> =
        headers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let method = method.as_str();
    println!(
        "{}",
        json!({ "method": method, "url": url, "expires_at": expires, "headers": headers })
    );
    Ok(())
}
