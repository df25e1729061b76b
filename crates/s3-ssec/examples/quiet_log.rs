//! Everything that the SDK has to say, at its loudest, and no key in it.
//!
//! ```text
//! quiet_log KEYFILE BUCKET 2> log
//! ```
//!
//! `quiet_log KEYFILE BUCKET loud` shows why one target is turned off: then the key is in the log.

use s3_ssec::core::keyfile::KeyFile;
use s3_ssec::{Client, Options, sdk};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(bucket)) = (arguments.next(), arguments.next()) else {
        return Err("usage: quiet_log KEYFILE BUCKET".into());
    };
    let filter = match arguments.next().as_deref() {
        Some("loud") => "trace".to_owned(),
        _ => format!("trace,{}", sdk::WITHOUT_KEYS),
    };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr);
    log.with_env_filter(EnvFilter::new(filter)).init();

    let keys = KeyFile::read(&std::fs::read(file)?)?.0.into_keyring()?;
    let client = Client::connect(&Options::default()).await?;
    let s3 = sdk::Keyed::new(client, keys.into()).client();
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"logged");
    s3.put_object().bucket(&bucket).key("logged").body(body).send().await?;
    s3.get_object().bucket(&bucket).key("logged").send().await?.body.collect().await?;
    Ok(())
}
