//! Arguments of `s3-ssec rekey`.

use super::{WorkArgs, parse};
use clap::Args;
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::names::S3Address;
use s3_ssec::core::rekey::Plaintext;
use s3_ssec::{Filter, FilterError, RekeyOptions};
use std::path::PathBuf;
use std::sync::Arc;

const REKEY: &str = "\
Every object gets a new nonce and a new key under the first key of --to FILE. The other keys of that
file, and those of --key-file, open what is there. What is under the target key already is left alone,
so the same command can be run again, and goes on where it was killed.

The content of an object is read whole and compared with its record before anything takes its place.
The content goes through this machine, with bounded memory. With --gateway-copies the gateway makes the
new object where a trial shows that it copies from one key to another (RGW from 20.2.4), and the copy is
read back and compared: as many bytes to read, and none to send. Metadata, content headers, tags, storage
class and access list are kept.

Objects that cannot be verified are reported and left as they are (exit code 3): plaintext objects,
which everybody who may write could have put there, and encrypted ones whose record is pending, gone or
false, or that another tool wrote without one. --encrypt-plain and --accept-content rekey them as they
are. Their records then say that the content was accepted, and when: it is verified since that moment.
Objects under a key that is not at hand are reported and left too (exit code 4).

On a gateway that honours If-Match nothing that somebody else writes meanwhile is lost. Elsewhere the
object is looked at just before and just after; the time between is reported. On a versioned bucket the
older versions stay as they are, under the keys they were written with; their number is reported.

With --versions they get the new key too. S3 orders versions by time alone, so all versions of an object
are rewritten on top, the oldest first, and the old ones are deleted only when all new ones exist. Until
then a reader who names no version may meet an older one: choose a quiet hour. Version IDs and dates become
new, and deletions between versions are forgotten. After a failure the new versions that can be proved to be
this run's are removed.
Under object lock nothing is written where a version could not be removed, or where every write is
locked.

From a direct key to derived keys needs a newly made master key: the same 32 bytes cannot be both.
Contents that come from a direct key count as accepted under the master key, because everybody who ever
had the direct key could have written them.

Examples:
  s3-ssec key new --out new.key
  s3-ssec rekey s3://bucket --to new.key --key-file old.key --dry-run
  s3-ssec rekey s3://bucket --to new.key --key-file old.key
  s3-ssec rekey s3://bucket/2026/ --to lab.key --rate 100MiB      after s3-ssec key add lab.key
  s3-ssec rekey s3://bucket --to new.key --key-file old.key --versions
  s3-ssec rekey s3://plain --to lab.key --encrypt-plain           encrypts a bucket
  s3-ssec rekey s3://bucket --to new.key --accept-content         from other tools
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
    /// Encrypt plaintext objects; their contents are accepted as they are
    #[arg(long, conflicts_with = "skip_plain")]
    encrypt_plain: bool,
    /// Leave plaintext objects as they are, without an error
    #[arg(long)]
    skip_plain: bool,
    /// Accept the contents of encrypted objects that cannot be verified as they are
    #[arg(long)]
    accept_content: bool,
    /// Let the gateway copy where it can. Each copy is read back, but on a bucket without versions a bad
    /// one has taken the place of its source by then
    #[arg(long)]
    gateway_copies: bool,
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
        options.plaintext = match (self.encrypt_plain, self.skip_plain) {
            (true, _) => Plaintext::Encrypt,
            (false, true) => Plaintext::Skip,
            (false, false) => Plaintext::Refuse,
        };
        options.accept_content = self.accept_content;
        options.gateway_copies = self.gateway_copies;
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
