//! Arguments of `s3-ssec rekey`.

use super::{WorkArgs, parse};
use clap::Args;
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::names::S3Address;
use s3_ssec::{Filter, FilterError, RekeyOptions};
use std::path::PathBuf;
use std::sync::Arc;

const REKEY: &str = "\
Every object gets a new nonce and a new key under the first key of --to FILE. The other keys of that
file, and those of --key-file, open what is there. What is under the target key already is left alone,
so the same command can be run again, and goes on where it was killed.

The content of an object is read whole and compared with its record before anything takes its place.
Where a trial shows that the gateway copies from one key to another (RGW from 20.2.4) it makes the new
object; everywhere else the content goes through this machine, with bounded memory. Metadata, content
headers, tags, storage class and access list are kept. Objects in the clear are encrypted, unless
--skip-plain is given. Objects of yours whose record is pending, gone or false are reported and not
touched (exit code 3), as are those under a key that is not at hand (4).

On a gateway that honours If-Match nothing that somebody else writes meanwhile is lost. Elsewhere the
object is looked at just before and just after; the time between is reported. On a versioned bucket the
older versions stay as they are, under the keys they were written with; their number is reported.

With --versions they get the new key too. S3 orders versions by time alone, so all versions of an object
are written anew on top, the oldest first, and only when all stand there do the old ones go. Until then a
reader who names no version may meet an older one: choose a quiet hour. Version IDs and dates become new,
and deletions between versions are forgotten. Whatever goes wrong, what was written is taken back.

From a direct key to derived keys needs a newly made master key: the same 32 bytes cannot be both.

Examples:
  s3-ssec key new --out new.key
  s3-ssec rekey s3://bucket --to new.key --key-file old.key --dry-run
  s3-ssec rekey s3://bucket --to new.key --key-file old.key
  s3-ssec rekey s3://bucket/2026/ --to lab.key --rate 100MiB      after s3-ssec key add lab.key
  s3-ssec rekey s3://bucket --to new.key --key-file old.key --versions
  s3-ssec rekey s3://in-the-clear --to lab.key                    encrypts a bucket
  s3-ssec rekey s3://bucket --to new.key --shard 2/4 --journal 2.jsonl";

/// `s3-ssec rekey`.
#[derive(Args)]
#[command(after_long_help = REKEY)]
pub(crate) struct RekeyArgs {
    /// s3://bucket, s3://bucket/prefix or one object
    #[arg(value_parser = parse::address)]
    pub(crate) place: S3Address,
    /// Key file whose first key the objects get
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Only what matches this glob (*.csv, 2026/**); may be repeated
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches this glob; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only look, count and estimate
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave objects in the clear as they are
    #[arg(long)]
    skip_plain: bool,
    /// Take objects of yours whose record is pending or gone as they are, unverified
    #[arg(long)]
    allow_unverified: bool,
    /// Rewrite older versions too, and delete them under their old keys
    #[arg(long)]
    versions: bool,
    /// Bytes read in a second, at most: 50MiB
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) rate: Option<u64>,
    /// Objects in flight at once
    #[arg(long, value_name = "N", default_value = "16",
          value_parser = clap::value_parser!(u8).range(1..))]
    files: u8,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

impl RekeyArgs {
    pub(crate) fn options(&self) -> Result<RekeyOptions, FilterError> {
        let mut options = RekeyOptions::default();
        options.filter = Arc::new(Filter::new(&self.include, &self.exclude)?);
        options.dry_run = self.dry_run;
        options.encrypt_plain = !self.skip_plain;
        options.accept_undescribed = self.allow_unverified;
        options.versions = self.versions;
        options.rate = self.rate;
        options.in_flight = self.files.into();
        options.selection = self.work.selection();
        // Beside the journal, so that another machine of a scheduler finds both.
        options.steps = self.work.journal.as_ref().map(|journal| {
            let mut steps = journal.clone().into_os_string();
            steps.push(".steps");
            steps.into()
        });
        Ok(options)
    }

    /// What besides place and shard makes this work another one.
    pub(crate) fn details(&self, target: Fingerprint) -> Vec<String> {
        let include = self.include.iter().map(|glob| format!("include={glob}"));
        let exclude = self.exclude.iter().map(|glob| format!("exclude={glob}"));
        let to = [format!("to={target}")];
        let versions = self.versions.then(|| "versions".to_owned());
        let mut details: Vec<_> = include.chain(exclude).chain(to).chain(versions).collect();
        details.extend(self.work.manifest_detail());
        details
    }
}
