//! `s3-ssec cp`: a copy with a key of its own.

use super::put::reminder::{self, Input};
use crate::args::CpArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::names::{ObjectKey, ObjectName};
use s3_ssec::{Copied, CopiedBy, CopyError, GetError};
use serde_json::json;

pub(super) async fn run(session: &Session, args: CpArgs) -> Result<(), Failure> {
    let to = target(&args)?;
    let mut options = args.options();
    let (client, keys) = session.keyed(&Need::to_copy(&args.source, &to)).await?;
    options.read.require_master |= session.requires_master();
    reminder::remind(session, Input::Nothing)?;
    let progress = session.progress(Total::OfObject);
    let copied = client.copy(&keys, &args.source, &to, &options, &progress.watch).await;
    drop(progress);
    let copied = match copied {
        // What to add to this very command.
        Err(CopyError::Get(error @ GetError::NotEncrypted(_))) => {
            return Err(Failure::from(error).instead(
                "If its content is right, --encrypt-plain copies it as it is, encrypted.",
            ));
        }
        copied => copied.about(&args.source)?,
    };
    let Copied { uploaded: copied, by, provenance, .. } = copied;
    let since = provenance.accepted_since().map(i64::from);
    let (verified, copied_by) = match by {
        CopiedBy::Gateway => ("verified: read back from the gateway's copy", "gateway"),
        CopiedBy::ThisMachine => ("verified on its way through this machine", "this machine"),
    };
    let content = match since {
        None => verified.to_owned(),
        Some(since) => format!("accepted on {}: verified since then", text::time(since)),
    };
    let fields = Fields::new(&to)
        .line("copy of", &args.source)
        .line("size", text::size(copied.size))
        .line("key", copied.key)
        .toned("encrypted", "confirmed by the gateway", Tone::Good)
        .line("content", content);
    let json = json!({
        "source": args.source.to_string(),
        "object": to.to_string(),
        "size": copied.size,
        "key": copied.key.to_string(),
        "encrypted": true,
        "copied_by": copied_by,
        "provenance": if since.is_none() { "source" } else { "accepted" },
        "accepted_since": since.map(text::rfc3339),
        "version_id": copied.version_id,
    });
    session.output.report(fields, &json)
}

fn target(args: &CpArgs) -> Result<ObjectName, Failure> {
    let to = match args.target.is_prefix() {
        false => args.target.object()?,
        true => {
            let name = args.source.key.as_str().rsplit('/').next().unwrap_or_default();
            let key = ObjectKey::parse(&format!("{}{name}", args.target.path))?;
            ObjectName::new(args.target.bucket.clone(), key)
        }
    };
    match to == args.source {
        false => Ok(to),
        true => Err(Failure::new(
            Exit::Usage,
            format!("{to} cannot be copied onto itself"),
            "Name another target.",
        )),
    }
}
