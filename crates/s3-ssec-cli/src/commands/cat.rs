//! `s3-ssec cat`: an object to standard output.

use super::get::remark;
use crate::args::CatArgs;
use crate::keys::need::Need;
use crate::progress::Total;
use crate::report::{About as _, Exit, Failure};
use crate::session::Session;
use s3_ssec::GetOptions;
use s3_ssec::core::names::ObjectName;

pub(super) async fn run(session: &Session, args: CatArgs) -> Result<(), Failure> {
    let mut options = GetOptions::default();
    options.read = args.read.options();
    args.trust.apply_to(&mut options);
    to_stdout(session, &args.object, &options).await
}

/// Delivers the content alone. It is verified when all of it has gone by.
pub(super) async fn to_stdout(
    session: &Session,
    object: &ObjectName,
    options: &GetOptions,
) -> Result<(), Failure> {
    if session.output.is_json() {
        let what = "standard output cannot hold both the object and JSON";
        return Err(Failure::new(Exit::Usage, what, "Leave --output json out, or name a file."));
    }
    let (client, keys) = session.keyed(&Need::to_read(object)).await?;
    let mut options = options.clone();
    options.read.require_master |= session.requires_master();
    let progress = session.progress(Total::OfObject);
    let mut stdout = tokio::io::stdout();
    let received = client.get_stream(&keys, object, &mut stdout, &options, &progress.watch).await;
    let printed = progress.moved() > 0;
    drop(progress);
    let received = received.map_err(|error| {
        let failure = Failure::from(error);
        match failure.exit {
            // What has gone by was found to be wrong.
            Exit::NotProved if printed => failure.first("Do not use what was printed."),
            _ => failure,
        }
    });
    let received = received.about(object)?;
    // Where all keys are direct, that others may hold them is no news.
    let limits = keys.has_master() || received.verification.accepted().is_some();
    remark(session, object, &received, limits);
    Ok(())
}
