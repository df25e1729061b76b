//! `s3-ssec policy remove`: takes our rules out and leaves the rest.

use crate::args::RemoveArgs;
use crate::report::{About as _, Failure};
use crate::session::Session;
use s3_ssec::PolicyOptions;
use s3_ssec::core::policy::Rule;
use serde_json::json;

pub(super) async fn run(session: &Session, args: &RemoveArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let address = format!("s3://{}", args.bucket);
    let rules = match args.rules.named() {
        named if named.is_empty() => Rule::ALL.to_vec(),
        named => named,
    };
    let options = PolicyOptions { edited: args.edited, ..PolicyOptions::default() };
    let removed = client.remove_policy(&args.bucket, &rules, &options).await.about(&address)?;
    let text = match removed {
        0 => format!("{address}: there was no such rule"),
        1 => format!("{address}: the rule is taken out"),
        _ => format!("{address}: {removed} rules are taken out"),
    };
    session.output.report(text, &json!({ "bucket": address, "removed": removed }))
}
