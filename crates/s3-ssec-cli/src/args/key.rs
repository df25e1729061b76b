//! Arguments of `s3-ssec key`.

use super::backup::{BackupArgs, DrillArgs, RestoreArgs};
use super::parse;
use super::retire::RetireArgs;
use super::scope::ScopeArgs;
use clap::{Args, Subcommand, ValueEnum};
use s3_ssec::core::key::Fingerprint;
use std::path::PathBuf;

/// `s3-ssec key`.
#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key in a new file that only you can read
    New(NewArgs),
    /// Show what keys a file holds, never the keys
    Show(ShowArgs),
    /// Add a key to a key file: a new one that writes from now on, or old ones to read with
    Add(AddArgs),
    /// Turn keys of rclone, s3fs, mc, aws, boto or s3cmd into a key file
    Import(ImportArgs),
    /// Write a direct key in the form that other tools read
    Export(ExportArgs),
    /// Make a copy that outlives this machine: words, a page to print, shares
    Backup(BackupArgs),
    /// Make a key file from a backup of any form
    Restore(RestoreArgs),
    /// Prove that a backup opens an object
    Drill(DrillArgs),
    /// Take a key out of a file, when no object is under it any more
    Retire(RetireArgs),
    /// Show or change which gateway may see which key
    Scope(ScopeArgs),
}

const NEW: &str = "\
A master key never leaves this machine: every upload gets a key of its own, derived from it.
A direct key is sent as it is, for sharing objects with boto, aws, rclone and s3cmd.

Examples:
  s3-ssec key new
  s3-ssec key new --out ~/keys/lab.key --label 'lab data 2026'
  s3-ssec key new --direct --out shared.key";

/// `s3-ssec key new`.
#[derive(Args)]
#[command(after_long_help = NEW)]
pub(crate) struct NewArgs {
    /// Make a direct key, which is sent to the gateway for every object, instead of a master key
    #[arg(long)]
    pub(crate) direct: bool,
    /// File to make; an existing one is never touched
    #[arg(long, value_name = "FILE", default_value = parse::DEFAULT_KEY_FILE)]
    pub(crate) out: PathBuf,
    /// A name for the key, written into the file
    #[arg(long, value_name = "TEXT", value_parser = parse::label)]
    pub(crate) label: Option<String>,
}

const SHOW: &str = "\
Examples:
  s3-ssec key show lab.key
  s3-ssec key show --md5 shared.key     the MD5 that S3 calls SSE-CustomerKeyMD5";

/// `s3-ssec key show`.
#[derive(Args)]
#[command(after_long_help = SHOW)]
pub(crate) struct ShowArgs {
    /// Key file or legacy key; the one of --key-file or --key-command where it is left out
    pub(crate) file: Option<PathBuf>,
    /// Show the MD5 of direct keys too
    #[arg(long)]
    pub(crate) md5: bool,
}

const ADD: &str = "\
Without --from, a new key is made and put first: uploads use it from now on, and what is there is read
with the others. With --from, the keys of another file are put last: they read. What stood in the
file stays, and it is replaced as a whole or not at all.

Examples:
  s3-ssec key add lab.key --label 'from 2027'
  s3-ssec key add lab.key --from old-shared.key";

/// `s3-ssec key add`.
#[derive(Args)]
#[command(after_long_help = ADD)]
pub(crate) struct AddArgs {
    /// Key file
    pub(crate) file: PathBuf,
    /// Make a direct key instead of a master key
    #[arg(long, conflicts_with = "from")]
    pub(crate) direct: bool,
    /// A name for the key, written into the file
    #[arg(long, value_name = "TEXT", value_parser = parse::label)]
    pub(crate) label: Option<String>,
    /// Key file, or file of another tool, whose keys are added to read with
    #[arg(long, value_name = "OTHER")]
    pub(crate) from: Option<PathBuf>,
}

const IMPORT: &str = "\
What is read: 32 raw bytes, base64 or hex; the sse_customer_key of every remote in an rclone.conf; the
lines of a key file of s3fs (use_sse=custom:FILE); prefixes and keys of mc (MC_ENC_C). 32 bytes are
always a raw key. What is imported is a direct key: it was made to be sent.

Examples:
  s3-ssec key import sse.key --out lab.key
  s3-ssec key import fileb://sse.bin --out lab.key
  s3-ssec key import ~/.config/rclone/rclone.conf --out rclone.key
  printenv MC_ENC_C | s3-ssec key import - --out mc.key";

/// `s3-ssec key import`.
#[derive(Args)]
#[command(after_long_help = IMPORT)]
pub(crate) struct ImportArgs {
    /// File with keys, fileb://FILE as for aws, or - for standard input
    pub(crate) file: PathBuf,
    /// File to make; an existing one is never touched
    #[arg(long, value_name = "FILE", default_value = parse::DEFAULT_KEY_FILE)]
    pub(crate) out: PathBuf,
    /// A name for the key, written into the file
    #[arg(long, value_name = "TEXT", value_parser = parse::label)]
    pub(crate) label: Option<String>,
}

const EXPORT: &str = "\
Master keys are not exported: another tool would send them. For one object of a master key,
`s3-ssec headers` gives the headers that open it.

Examples:
  s3-ssec key export shared.key --format raw --out sse.bin
  s3-ssec key export shared.key --format base64 --stdout | wl-copy";

/// `s3-ssec key export`.
#[derive(Args)]
#[command(after_long_help = EXPORT)]
#[command(group = clap::ArgGroup::new("where").required(true))]
pub(crate) struct ExportArgs {
    /// Key file
    pub(crate) file: PathBuf,
    /// Form of the key
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Which key, if the file holds several direct ones
    #[arg(long, value_name = "FINGERPRINT", value_parser = parse::fingerprint)]
    pub(crate) key: Option<Fingerprint>,
    /// File to make, readable by you alone; an existing one is never touched
    #[arg(long, value_name = "NEWFILE", group = "where")]
    pub(crate) out: Option<PathBuf>,
    /// Print it
    #[arg(long, group = "where")]
    pub(crate) stdout: bool,
}

/// Form of an exported key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Raw,
    Base64,
    Hex,
}
