//! Arguments of the commands on many objects: -r, cp, repair.

use super::objects::{ReadArgs, TrustArgs};
use super::parse;
use clap::Args;
use s3_ssec::core::names::{ObjectName, S3Address};
use s3_ssec::{Filter, Links, TreeOptions};
use std::sync::Arc;

/// What of a tree takes part, and how.
#[derive(Args)]
#[command(next_help_heading = "Many files")]
pub(crate) struct TreeArgs {
    /// Everything below a directory or prefix
    #[arg(long, short)]
    pub(crate) recursive: bool,
    /// Only what matches this glob (*.csv, 2026/**); may be repeated
    #[arg(long, value_name = "GLOB", requires = "recursive")]
    include: Vec<String>,
    /// Nothing that matches this glob; may be repeated
    #[arg(long, value_name = "GLOB", requires = "recursive")]
    exclude: Vec<String>,
    /// Only say what would be done
    #[arg(long, requires = "recursive")]
    pub(crate) dry_run: bool,
    /// Files in flight at once
    #[arg(long, value_name = "N", default_value = "16", requires = "recursive",
          value_parser = clap::value_parser!(u8).range(1..))]
    files: u8,
}

impl TreeArgs {
    /// The filters as part of what makes a work this one.
    pub(crate) fn details(&self) -> Vec<String> {
        let include = self.include.iter().map(|glob| format!("include={glob}"));
        include.chain(self.exclude.iter().map(|glob| format!("exclude={glob}"))).collect()
    }

    pub(crate) fn options(&self) -> Result<TreeOptions, s3_ssec::FilterError> {
        let mut options = TreeOptions::default();
        options.filter = Arc::new(Filter::new(&self.include, &self.exclude)?);
        options.dry_run = self.dry_run;
        options.files = self.files.into();
        Ok(options)
    }
}

/// What to do with links on the way up.
#[derive(Args)]
#[command(next_help_heading = "Many files")]
pub(crate) struct LinkArgs {
    /// Upload what symbolic links point to; else they are left out
    #[arg(long, requires = "recursive")]
    follow_links: bool,
}

impl LinkArgs {
    pub(crate) fn links(&self) -> Links {
        if self.follow_links { Links::Follow } else { Links::Skip }
    }
}

const CP: &str = "\
The new object has a key of its own, under the first key of the key file. Where a trial shows that the
gateway encrypts what it copies anew (RGW from 20.2.4), it makes the copy, and the copy carries the
digest of its source. Everywhere else, and with --require-verified, the content goes through this
machine and is verified on the way.

Example:
  s3-ssec cp s3://bucket/draft.csv s3://archive/2026/";

/// `s3-ssec cp`.
#[derive(Args)]
#[command(after_long_help = CP)]
pub(crate) struct CpArgs {
    /// The object to copy: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) source: ObjectName,
    /// Where to: s3://bucket/key, or s3://bucket/prefix/ to append the object's name
    #[arg(value_parser = parse::address)]
    pub(crate) target: S3Address,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

const REPAIR: &str = "\
Aborts the uploads that this machine began and did not finish, lists those of others, and completes
records that are still pending.

--search looks for the nonce of one object whose record is lost, backwards from when it was written:
up to 256 questions for every second of --seconds. Every one shows the gateway a candidate key. So it
is never done unasked, stops when the gateway refuses, and the object should get a new key afterwards:
copy it to a new name with s3-ssec cp, and delete the old one.

Examples:
  s3-ssec repair s3://bucket
  s3-ssec repair s3://bucket --abort-older-than 7d
  s3-ssec repair s3://bucket/2026/results.csv --search";

/// `s3-ssec repair`.
#[derive(Args)]
#[command(after_long_help = REPAIR)]
pub(crate) struct RepairArgs {
    /// s3://bucket, s3://bucket/prefix/, or with --search an object
    #[arg(value_parser = parse::address)]
    pub(crate) place: S3Address,
    /// Abort half-done uploads of others that are older than this: 90m, 12h, 7d
    #[arg(long, value_name = "AGE", value_parser = parse::age, conflicts_with = "search")]
    pub(crate) abort_older_than: Option<u64>,
    /// Search the lost nonce of this object
    #[arg(long)]
    pub(crate) search: bool,
    /// How long before its last change the upload may have begun
    #[arg(long, value_name = "N", default_value = "900", requires = "search",
          value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub(crate) seconds: u32,
    /// Questions in a second, at most
    #[arg(long, value_name = "N", default_value = "2000", requires = "search",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
}
