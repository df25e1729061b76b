//! `s3-ssec bucket`.

use crate::args::BucketCommand;
use crate::report::{About as _, Failure};
use crate::session::Session;
use serde_json::json;

pub(super) async fn run(session: &Session, command: BucketCommand) -> Result<(), Failure> {
    let BucketCommand::Create { bucket, location } = command;
    let client = session.client().await?;
    let address = format!("s3://{bucket}");
    client.create_bucket(&bucket, location.as_deref()).await.about(&address)?;
    session.output.report(format_args!("{address} is ready"), &json!({ "bucket": address }))
}
