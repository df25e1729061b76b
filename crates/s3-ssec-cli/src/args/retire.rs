//! Arguments of `s3-ssec key retire`.

use super::parse;
use clap::Args;
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::names::S3Address;
use std::path::PathBuf;

const RETIRE: &str = "\
Looks at every object and version below the places named, as s3-ssec audit does, and takes the key out
of the file only if nothing there is under it, or may be (exit code 5 otherwise). A record that names a
key that is not in the file cannot be checked: anyone who may write tags could have written that name. Such
objects keep the key, unless you name that key with --trust-fingerprint: once for each key of others that
you know to be used there. Name all places where
the key was ever used: an object that is not looked at cannot be read any more without it. The file as it
was is kept beside it, as FILE.before-FINGERPRINT, readable by you alone; destroy it when you are sure.
The key that writes, the first of the file, is never retired.

Examples:
  s3-ssec key retire lab.key --key 4816dfc85c4eac7b s3://bucket s3://archive
  s3-ssec key retire lab.key --key 'lab data 2025' s3://bucket";

/// `s3-ssec key retire`.
#[derive(Args)]
#[command(after_long_help = RETIRE)]
pub(crate) struct RetireArgs {
    /// Key file
    pub(crate) file: PathBuf,
    /// The key: its fingerprint, or its label in the file
    #[arg(long, value_name = "FINGERPRINT|LABEL")]
    pub(crate) key: String,
    /// Believe records that name this key, which is not in the file; may be repeated
    #[arg(long, value_name = "FINGERPRINT", value_parser = parse::fingerprint)]
    pub(crate) trust_fingerprint: Vec<Fingerprint>,
    /// Where the key was used: s3://bucket or s3://bucket/prefix
    #[arg(required = true, value_parser = parse::address)]
    pub(crate) places: Vec<S3Address>,
}
