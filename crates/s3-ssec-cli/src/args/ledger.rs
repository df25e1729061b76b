//! Arguments of `s3-ssec ledger`.

use super::parse;
use clap::{Args, Subcommand};
use s3_ssec::core::names::S3Address;
use std::path::PathBuf;

const EXPORT: &str = "\
Prints one line for each object version: the gateway, the object, and its record. Records are not secret,
and another machine checks them under its keys. Needs no key and asks no gateway.

Examples:
  s3-ssec ledger export > ledger.jsonl
  s3-ssec ledger export s3://bucket/2026/ | ssh other s3-ssec ledger import -";

const IMPORT: &str = "\
Takes in the lines whose records were made with one of your keys, and reports the others (exit code 3; 4 if
only keys are missing). A line counts for the gateway that it names. Asks no gateway.

Example:
  s3-ssec ledger import ledger.jsonl";

/// `s3-ssec ledger`.
#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// Print the records that this machine keeps
    #[command(after_long_help = EXPORT)]
    Export {
        /// Only objects of this bucket or prefix, s3://bucket/prefix/
        #[arg(value_parser = parse::address)]
        place: Option<S3Address>,
    },
    /// Take in records from another machine
    Import(LedgerImportArgs),
}

/// `s3-ssec ledger import`.
#[derive(Args)]
#[command(after_long_help = IMPORT)]
pub(crate) struct LedgerImportArgs {
    /// File that ledger export printed, or - for standard input
    pub(crate) file: PathBuf,
}
