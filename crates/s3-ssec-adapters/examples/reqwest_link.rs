//! A share link, used by somebody without credentials: one download through `reqwest`.
//!
//! ```text
//! reqwest_link < link.json        # s3-ssec presign get s3://bucket/object --format json > link.json
//! ```
//!
//! The description holds address and headers, the key among them; it came by a private way. Nothing
//! else is needed, least of all the key of the one who shares.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use s3_ssec_adapters::reqwest::{client_builder, send};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let link: serde_json::Value = serde_json::from_reader(std::io::stdin())?;
    let mut headers = HeaderMap::new();
    for (name, value) in link["headers"].as_object().ok_or("no headers")? {
        let mut value = HeaderValue::from_str(value.as_str().unwrap_or_default())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes())?, value);
    }
    let mut client = client_builder();
    if let Some(bundle) = std::env::var_os("AWS_CA_BUNDLE") {
        let bundle = reqwest::Certificate::from_pem_bundle(&std::fs::read(bundle)?)?;
        client = client.tls_certs_only(bundle);
    }
    let client = client.build()?;
    let request = client.get(link["url"].as_str().ok_or("no address")?).headers(headers);
    let (answer, proof) = send(&client, request.build()?).await?;
    let answer = answer.error_for_status()?;
    match proof {
        Some(_) => println!("{}", answer.text().await?),
        None => return Err("the object is not encrypted".into()),
    }
    Ok(())
}
