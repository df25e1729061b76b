//! `s3-ssec verify`: reads an object to its end and compares it with its record.

use crate::args::{VerifyArgs, parse};
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::text;
use s3_ssec::{GetOptions, Trusted};
use serde_json::json;

pub(super) async fn run(session: &Session, args: VerifyArgs) -> Result<(), Failure> {
    let object = parse::one_object(&args.object)?;
    let mut options = GetOptions::default();
    options.read.version = args.version_id;
    options.read.origin = args.origin;
    options.trusted = Trusted::OnlyVerified;
    let keys = session.keyring()?;
    let client = session.client().await?;
    let progress = session.progress(Total::OfObject);
    let received = client.verify(&keys, &object, &options, &progress.watch).await;
    drop(progress);
    let received = received.about(&object)?;
    let fields = Fields::new(&object)
        .line("size", text::size(received.size))
        .optional("key", received.key)
        .line("encrypted", "confirmed by the gateway")
        .line("content", "verified: as it was uploaded");
    let json = json!({
        "object": object.to_string(),
        "size": received.size,
        "key": received.key.map(|key| key.to_string()),
        "encrypted": received.key.is_some(),
        "verified": true,
    });
    session.output.report(fields, &json)
}
