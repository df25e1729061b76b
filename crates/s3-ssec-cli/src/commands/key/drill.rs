//! `s3-ssec key drill`: proves that a backup opens the data, before it has to.

use super::restore;
use crate::args::DrillArgs;
use crate::commands::verify;
use crate::report::{Exit, Failure};
use crate::session::Session;
use s3_ssec::core::keyfile::KeyFile;

/// Reads an object with nothing but the backup.
pub(super) async fn run(session: &Session, args: &DrillArgs) -> Result<(), Failure> {
    let (form, entries) = restore::entries(session, &args.backup, &args.open)?;
    let keys = KeyFile::new(entries)?.into_keyring()?;
    let proved = verify::prove(session, &keys, &args.object, verify::options()).await;
    let (fields, json) = proved.map_err(|failure| match failure.exit {
        Exit::Key => failure.instead("This backup does not open it: try one of the right key."),
        _ => failure,
    })?;
    session
        .output
        .report(fields.line("backup", format_args!("{form}: it opens this object")), &json)
}
