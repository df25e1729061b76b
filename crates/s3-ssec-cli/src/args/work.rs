//! Arguments of commands whose work several processes or machines may share.

use crate::report::{Exit, Failure};
use clap::Args;
use s3_ssec::core::shard::Shard;
use s3_ssec::{Manifest, Selection};
use std::path::PathBuf;

/// Whose part of the work this is.
#[derive(Args)]
#[command(next_help_heading = "Sharing the work")]
pub(crate) struct WorkArgs {
    /// Only shard I of N, such as 2/4: a stable hash of the object key says which object is whose
    #[arg(long, value_name = "I/N", value_parser = Shard::parse, requires = "journal")]
    pub(crate) shard: Option<Shard>,
    /// Only the objects whose keys stand in this file, one a line, keys with line ends as JSON
    /// strings; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Note here what is done, and go on from it when started again; s3-ssec report reads it
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
}

impl WorkArgs {
    /// What takes part; nothing is done yet.
    pub(crate) fn selection(&self) -> Selection {
        let mut selection = Selection::default();
        selection.shard = self.shard.unwrap_or(Shard::WHOLE);
        selection.manifest = self.manifest.as_deref().map(Manifest::named);
        selection
    }

    /// An error if any of these is given to a command on one object.
    pub(crate) fn want_none(&self) -> Result<(), Failure> {
        let given = [
            (self.shard.is_some(), "--shard"),
            (self.manifest.is_some(), "--manifest"),
            (self.journal.is_some(), "--journal"),
        ];
        match given.iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, option)) => {
                let what = format!("{option} is for many objects, and one is named");
                Err(Failure::new(Exit::Usage, what, "Add -r for everything below a place."))
            }
        }
    }

    /// The manifest as part of what makes a work this one.
    pub(crate) fn manifest_detail(&self) -> Option<String> {
        self.manifest.as_ref().map(|path| format!("manifest={}", path.display()))
    }
}
