//! `s3-ssec stat`: what HEAD and the record say of an object.

use crate::args::StatArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::report::{About as _, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::names::ObjectName;
use s3_ssec::core::record::Provenance;
use s3_ssec::{ObjectState, Stat};
use serde_json::{Value, json};

pub(super) async fn run(session: &Session, args: StatArgs) -> Result<(), Failure> {
    let (client, keys) = session.keyed(&Need::to_read(&args.object)).await?;
    let mut options = args.read.options();
    options.require_master = session.requires_master();
    let stat = client.stat(&keys, &args.object, &options).await.about(&args.object)?;
    session.output.answer(fields(&args.object, &stat), &in_json(&args.object, &stat))
}

fn fields(name: &ObjectName, stat: &Stat) -> Fields {
    let encrypted = match stat.proof {
        Some(_) => ("yes, confirmed by the gateway", Tone::Good),
        None => ("NO: anyone with access reads it", Tone::Bad),
    };
    let mut fields = Fields::new(name)
        .line("size", text::size(stat.head.size))
        .optional("modified", stat.head.last_modified.map(text::time))
        .optional("type", stat.head.headers.content_type.as_ref())
        .toned("encrypted", encrypted.0, encrypted.1)
        .optional("key", key(stat))
        .toned("record", record(stat), tone(stat.state))
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
fn key(stat: &Stat) -> Option<String> {
    let (fingerprint, kind) = stat.key.zip(stat.kind)?;
    Some(format!("{fingerprint} ({kind})"))
}

fn record(stat: &Stat) -> String {
    let text = match stat.state {
        ObjectState::Described => {
            let limit = stat.evidence.and_then(|evidence| evidence.verification().limit());
            let limit = limit.map(|limit| format!(" {limit}")).unwrap_or_default();
            let place = if stat.in_ledger { ", in this machine's ledger alone" } else { "" };
            return format!("complete{place}: the content can be verified{limit}");
        }
        ObjectState::Pending => {
            "not complete: it came by a link, or its upload broke off; the content cannot be verified"
        }
        ObjectState::Stripped => "gone: the content cannot be verified",
        ObjectState::Foreign => "none: another tool wrote it, the content cannot be verified",
        ObjectState::Plain => "none",
    };
    text.to_owned()
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

fn in_json(name: &ObjectName, stat: &Stat) -> Value {
    let accepted = stat.evidence.and_then(|evidence| evidence.provenance.accepted_since());
    let provenance = stat.evidence.map(|evidence| match evidence.provenance {
        Provenance::Source => "source",
        Provenance::Accepted { .. } => "accepted",
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
        "key_kind": stat.kind.map(|kind| kind.to_string()),
        "provenance": provenance,
        "accepted_since": accepted.map(|since| text::rfc3339(since.into())),
        "record": stat.record.as_ref().map(ToString::to_string),
        "record_in_ledger": stat.in_ledger,
        "metadata": stat.head.metadata,
        "tags": tags,
    })
}
