//! Arguments of the commands on many objects: -r, cp, repair.

use super::parse;
use clap::Args;
use s3_ssec::core::names::{ObjectName, S3Address};
use s3_ssec::{CopyOptions, Filter, Links, TreeOptions};
use std::path::PathBuf;
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
gateway encrypts copies under the new key (RGW from 20.2.4), it makes the copy, which is then read back and
verified. Everywhere else the content goes through this machine and is verified on the way.

A source that cannot be verified is not copied (exit code 3): a plaintext object, or an encrypted one
whose record is pending or gone, or that another tool wrote without one. --encrypt-plain and
--accept-content copy it as it is. The record of the copy then says that the content was accepted, and
when: it is verified since that moment. So does a copy of an accepted content, and one that moves from a
direct key to a master key.

Examples:
  s3-ssec cp s3://bucket/draft.csv s3://archive/2026/
  s3-ssec cp s3://bucket/plain.csv s3://archive/2026/ --encrypt-plain";

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
    /// A version, on a versioned bucket; the newest where it is left out
    // RGW's version IDs may begin with a dash (measured).
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    version_id: Option<String>,
    /// The name it was written under, if the bucket was renamed or synchronised
    #[arg(long, value_name = "S3://B/K", value_parser = parse::object)]
    origin: Option<ObjectName>,
    /// Copy a plaintext object; its content is accepted as it is
    #[arg(long)]
    encrypt_plain: bool,
    /// Accept the content of an encrypted object that cannot be verified as it is
    #[arg(long)]
    accept_content: bool,
    /// Fail (exit code 3) unless the source is under a master key
    #[arg(long)]
    require_master: bool,
}

impl CpArgs {
    pub(crate) fn options(&self) -> CopyOptions {
        let mut options = CopyOptions::default();
        options.read.version = self.version_id.clone();
        options.read.origin = self.origin.clone();
        options.read.accept_plain = self.encrypt_plain;
        options.read.require_master = self.require_master;
        options.accept_content = self.accept_content;
        options
    }
}

const REPAIR: &str = "\
Aborts the uploads that this machine began and did not finish, lists those of others, and completes
records that are still pending, from the digests that this machine noted when it uploaded.

A pending or lost record without such a note is reported and left (exit code 3): whatever the gateway
holds by now, nothing here could show that it is what was uploaded. --against FILE completes it from your own copy
of the content, if the object has the same. --accept-content takes the content of an object, or of all
objects with a prefix, as it is: its record says that it was accepted, and when, and it is verified since
that moment.

--search looks for the nonce of one object whose record is lost, before and after the time it was written:
up to 512 questions for every second of --seconds. Every one shows the gateway a candidate key. So it
is never done unasked, stops when the gateway refuses, and the object should get a new key afterwards. What
is found says nothing about the content: the record stays pending.

Examples:
  s3-ssec repair s3://bucket
  s3-ssec repair s3://bucket --abort-older-than 7d
  s3-ssec repair s3://bucket/2026/results.csv --against results.csv
  s3-ssec repair s3://bucket/2026/results.csv --search";

/// `s3-ssec repair`.
#[derive(Args)]
#[command(after_long_help = REPAIR)]
pub(crate) struct RepairArgs {
    /// s3://bucket, s3://bucket/prefix/, or an object
    #[arg(value_parser = parse::address)]
    pub(crate) place: S3Address,
    /// Abort half-done uploads of others that are older than this: 90m, 12h, 7d
    #[arg(long, value_name = "AGE", value_parser = parse::age, conflicts_with = "search")]
    pub(crate) abort_older_than: Option<u64>,
    /// Complete the record of this object from your own file, if the contents are the same
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["accept_content", "search", "abort_older_than"])]
    pub(crate) against: Option<PathBuf>,
    /// Complete records from the contents that the gateway holds now; needs an object or a prefix
    #[arg(long, conflicts_with = "search")]
    pub(crate) accept_content: bool,
    /// Search the lost nonce of this object
    #[arg(long)]
    pub(crate) search: bool,
    /// How long before and after its last change the upload may have begun
    #[arg(long, value_name = "N", default_value = "900", requires = "search",
          value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub(crate) seconds: u32,
    /// Questions in a second, at most
    #[arg(long, value_name = "N", default_value = "2000", requires = "search",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
}
