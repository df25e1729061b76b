//! `s3-ssec cp`: a copy with a key of its own.

use crate::args::CpArgs;
use crate::keys::need::Need;
use crate::output::Fields;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use crate::style::Tone;
use crate::text;
use s3_ssec::core::names::{ObjectKey, ObjectName};
use s3_ssec::{Copied, CopiedBy, GetOptions, Verification};
use serde_json::json;

pub(super) async fn run(session: &Session, args: CpArgs) -> Result<(), Failure> {
    let to = target(&args)?;
    let mut options = GetOptions::default();
    options.read = args.read.options();
    options.trusted = args.trust.trusted();
    let (client, keys) = session.keyed(&Need::to_copy(&args.source, &to)).await?;
    let progress = session.progress(Total::OfObject);
    let copied = client.copy(&keys, &args.source, &to, &options, &progress.watch).await;
    drop(progress);
    let Copied { uploaded: copied, by, .. } = copied.about(&args.source)?;
    let (content, copied_by) = match by {
        CopiedBy::Gateway => ("copied by the gateway, with the digest of its source", "gateway"),
        CopiedBy::ThisMachine(Verification::Verified) => {
            ("verified on its way through this machine", "this machine")
        }
        CopiedBy::ThisMachine(Verification::NoDigest) => {
            ("not verified: the source has no digest; the copy has one", "this machine")
        }
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
