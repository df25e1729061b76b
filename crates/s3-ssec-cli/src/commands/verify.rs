//! `s3-ssec verify`: reads an object to its end and compares it with its record.

use crate::args::{VerifyArgs, parse};
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::ObjectName;
use s3_ssec::{Client, GetOptions, Trusted};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: VerifyArgs) -> Result<(), Failure> {
    args.work.want_none()?;
    let object = parse::one_object(&args.object)?;
    let mut options = options();
    options.read.version = args.version_id;
    options.read.origin = args.origin;
    let (client, keys) = session.keyed(&Need::to_read(&object)).await?;
    let (fields, json) = prove(session, &client, &keys, &object, options).await?;
    session.output.report(fields, &json)
}

/// Only what is verified counts.
pub(super) fn options() -> GetOptions {
    let mut options = GetOptions::default();
    options.trusted = Trusted::OnlyVerified;
    options
}

/// Reads an object to its end, and says what it found.
pub(super) async fn prove(
    session: &Session,
    client: &Client,
    keys: &Keyring,
    object: &ObjectName,
    options: GetOptions,
) -> Result<(Fields, Value), Failure> {
    let progress = session.progress(Total::OfObject);
    let received = client.verify(keys, object, &options, &progress.watch).await;
    let took = progress.took();
    drop(progress);
    let received = received.about(object)?;
    let fields = Fields::new(object)
        .line("size", text::size(received.size))
        .optional("key", received.key)
        .toned("encrypted", "confirmed by the gateway", Tone::Good)
        .toned("content", "verified: as it was uploaded", Tone::Good)
        .optional("took", text::speed(received.size, took));
    let json = json!({
        "object": object.to_string(),
        "size": received.size,
        "key": received.key.map(|key| key.to_string()),
        "encrypted": received.key.is_some(),
        "verified": true,
    });
    Ok((fields, json))
}
