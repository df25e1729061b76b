//! `s3-ssec stat`: what HEAD and the record say of an object.

use crate::args::StatArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::ObjectName;
use s3_ssec::{ObjectState, Stat};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: StatArgs) -> Result<(), Failure> {
    let (client, keys) = session.keyed(&Need::to_read(&args.object)).await?;
    let stat = client.stat(&keys, &args.object, &args.read.options()).await.about(&args.object)?;
    session.output.answer(fields(&args.object, &stat, &keys), &in_json(&args.object, &stat, &keys))
}

fn fields(name: &ObjectName, stat: &Stat, keys: &Keyring) -> Fields {
    let encrypted = match stat.proof {
        Some(_) => ("yes, confirmed by the gateway", Tone::Good),
        None => ("NO: anyone with access reads it", Tone::Bad),
    };
    let mut fields = Fields::new(name)
        .line("size", text::size(stat.head.size))
        .optional("modified", stat.head.last_modified.map(text::time))
        .optional("type", stat.head.headers.content_type.as_ref())
        .toned("encrypted", encrypted.0, encrypted.1)
        .optional("key", key(stat, keys))
        .toned("record", record(stat.state), tone(stat.state))
        .line("etag", &stat.head.etag)
        .optional("version", stat.head.version_id.as_ref());
    for (name, value) in &stat.head.metadata {
        fields = fields.line("metadata", format_args!("{name}={value}"));
    }
    for (name, value) in stat.tags.iter().flatten() {
        fields = fields.line("tag", format_args!("{name}={value}"));
    }
    fields
}

/// Fingerprint and kind of the key that opens the object.
fn key(stat: &Stat, keys: &Keyring) -> Option<String> {
    let fingerprint = stat.key?;
    let key = keys.keys().iter().find(|key| key.fingerprint() == fingerprint)?;
    Some(format!("{fingerprint} ({})", key.kind()))
}

fn record(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Described => "complete: the content can be verified",
        ObjectState::Pending => {
            "not complete: it came by a link, or its upload broke off; s3-ssec repair completes it"
        }
        ObjectState::Stripped => "gone: the content cannot be verified",
        ObjectState::Foreign => "none: another tool wrote it, the content cannot be verified",
        ObjectState::Plain => "none",
    }
}

fn tone(state: ObjectState) -> Tone {
    match state {
        ObjectState::Described => Tone::Good,
        ObjectState::Pending | ObjectState::Stripped => Tone::Caution,
        ObjectState::Foreign | ObjectState::Plain => Tone::Plain,
    }
}

fn state_name(state: ObjectState) -> &'static str {
    match state {
        ObjectState::Described => "described",
        ObjectState::Pending => "pending",
        ObjectState::Stripped => "stripped",
        ObjectState::Foreign => "foreign",
        ObjectState::Plain => "plain",
    }
}

fn in_json(name: &ObjectName, stat: &Stat, keys: &Keyring) -> Value {
    let kind = stat.key.and_then(|fingerprint| {
        keys.keys().iter().find(|key| key.fingerprint() == fingerprint).map(|key| key.kind())
    });
    let tags = stat.tags.as_ref().map(|tags| {
        tags.iter().map(|(name, value)| (name.clone(), json!(value))).collect::<Value>()
    });
    json!({
        "object": name.to_string(),
        "size": stat.head.size,
        "etag": stat.head.etag,
        "version_id": stat.head.version_id,
        "last_modified": stat.head.last_modified.map(text::rfc3339),
        "content_type": stat.head.headers.content_type,
        "encrypted": stat.proof.is_some(),
        "state": state_name(stat.state),
        "key": stat.key.map(|key| key.to_string()),
        "key_kind": kind.map(|kind| kind.to_string()),
        "record": stat.record.as_ref().map(ToString::to_string),
        "metadata": stat.head.metadata,
        "tags": tags,
    })
}
