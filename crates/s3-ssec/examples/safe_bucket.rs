//! Makes a bucket refuse uploads without a customer key, and shows that it does.
//!
//! ```text
//! safe_bucket BUCKET
//! ```
//!
//! The policy is tried on a prefix that nobody uses before it stands for the bucket: RGW before
//! release 20 would refuse the encrypted uploads too, and then nothing is changed (exit 3). Gateway and
//! credentials come from the environment (`AWS_*`).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to whoever runs it"
)]

use s3_ssec::core::names::BucketName;
use s3_ssec::core::policy::Rule;
use s3_ssec::{Client, Options, PolicyError, PolicyOptions, Watch};
use std::error::Error;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let bucket = std::env::args().nth(1).ok_or("usage: safe_bucket BUCKET")?;
    let bucket = BucketName::parse(&bucket)?;
    let client = Client::connect(&Options::default()).await?;
    let (options, watch) = (PolicyOptions::default(), Watch::default());
    match client.apply_policy(&bucket, Rule::RequireSsec, &options, &watch).await {
        Ok(applied) => println!("{}", applied.trial.claim()),
        Err(PolicyError::NotAsSaid(trial)) => {
            eprintln!("this gateway cannot require customer keys, nothing was changed: {trial}");
            return Ok(ExitCode::from(3));
        }
        Err(error) => return Err(error.into()),
    }
    // What a careless tool would do, through the SDK underneath.
    let careless = client.sdk().put_object().bucket(bucket.as_str()).key("careless");
    match careless.send().await {
        Err(error) if error.raw_response().is_some_and(|r| r.status().as_u16() == 403) => {
            println!("an upload without a key is refused");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("an upload without a key passed".into()),
    }
}
