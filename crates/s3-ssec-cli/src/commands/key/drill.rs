//! `s3-ssec key drill`: proves that a backup opens the data, before it has to.

use super::restore;
use crate::args::DrillArgs;
use crate::commands::verify;
use crate::keys::need::Need;
use crate::keys::scope::Waiting;
use crate::report::{Exit, Failure};
use crate::session::Session;
use s3_ssec::core::key::Key;
use s3_ssec::core::keyfile::KeyFile;

/// Reads an object with nothing but the backup.
pub(super) async fn run(session: &Session, args: &DrillArgs) -> Result<(), Failure> {
    let restore::Backup { form, entries, .. } =
        restore::entries(session, &args.backup, &args.open)?;
    let waiting = Waiting::of_backup(KeyFile::new(entries)?)?;
    let client = session.client().await?;
    let keys = session.admit(waiting, &client, &Need::to_read(&args.object))?;
    let proved = verify::prove(session, &client, &keys, &args.object, verify::options()).await;
    let (fields, json) = proved.map_err(|failure| match failure.exit {
        Exit::Key => failure.instead("This backup does not open it: try one of the right key."),
        _ => failure,
    })?;
    session.copied(form, keys.keys().iter().map(Key::fingerprint));
    session
        .output
        .report(fields.line("backup", format_args!("{form}: it opens this object")), &json)
}
