//! `s3-ssec cat`: an object to standard output.

use super::get::not_verified;
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
    options.trusted = args.trust.trusted();
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
    let progress = session.progress(Total::OfObject);
    let mut stdout = tokio::io::stdout();
    let received = client.get_stream(&keys, object, &mut stdout, options, &progress.watch).await;
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
    not_verified(session, object, &received.about(object)?);
    Ok(())
}
