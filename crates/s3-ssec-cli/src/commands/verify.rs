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
    let mut options = args.options();
    let (client, keys) = session.keyed(&Need::to_read(&object)).await?;
    options.read.require_master |= session.requires_master();
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
        .optional("key", super::get::key(&received))
        .toned("encrypted", "confirmed by the gateway", Tone::Good)
        .toned("content", received.verification, super::get::tone(received.verification))
        .optional("took", text::speed(received.size, took));
    let mut json = json!({ "object": object.to_string() });
    super::get::add_to_json(&mut json, &received);
    Ok((fields, json))
}
