//! Arguments of audit and report.

use super::parse;
use super::work::WorkArgs;
use clap::{Args, ValueEnum};
use s3_ssec::Expectation;
use s3_ssec::core::names::S3Address;
use std::path::PathBuf;

const AUDIT: &str = "\
Asks of every object under which key it is; downloads no content. What an object's record says is proved
by HEAD with the key it names, and by a GET without a key, which has to be refused for the lack of one.
Entries are in the order of the listing. States:

  own-key       under a customer key that comes from a master key of yours
  direct-key    under a direct key of yours, which others may hold
  replaced      under a direct key of yours, and last written here under a master key: exit code 3
  other-key     under a customer key that is none of yours
  unproved      the gateway does not confirm the key, or does not say that one is needed
  sse-s3        encrypted with a key that the gateway keeps
  sse-kms       encrypted with a key of a key management service
  plain         not encrypted
  half-done     an upload that was begun and not completed
  delete-marker, gone, failed

Records: complete (with a digest of the writer's source), accepted (with a digest of what the gateway
held when it was accepted), pending (no digest yet), missing, not-genuine, other-size, outdated, of-other-key,
damaged, newer-format, not-readable.

With --expect the exit code is 3 if an object is not so: encrypted (any customer key), own (a master
key of yours), described (own, and a record with a digest), own-source (own, and a complete record),
direct (a key of yours, direct keys included), key=FINGERPRINT. Without it the exit code says only
whether every object could be asked about and none was replaced.

In CSV, control characters are escaped, and a ' stands before a cell that begins as a formula does
(= + - @); JSON lines hold every name as it is.

An audit that was interrupted goes on when the same command is started again with the same --out or
--journal.

Examples:
  s3-ssec audit s3://bucket --expect own
  s3-ssec audit s3://bucket/2026/ --versions --out audit.csv
  s3-ssec audit s3://bucket --expect encrypted --format jsonl | jq -r .key
  s3-ssec audit s3://bucket --shard 2/4 --journal audit-2.jsonl --out audit-2.csv";

/// `s3-ssec audit`.
#[derive(Args)]
#[command(after_long_help = AUDIT)]
pub(crate) struct AuditArgs {
    /// What to look at: s3://bucket, s3://bucket/prefix/ or s3://bucket/key
    #[arg(value_parser = parse::address)]
    pub(crate) place: S3Address,
    /// Every version, not only the newest
    #[arg(long, conflicts_with = "manifest")]
    pub(crate) versions: bool,
    /// Believe records: one question for each object instead of two, and nothing is proved
    #[arg(long)]
    pub(crate) trust_records: bool,
    /// Condition for every object: encrypted, own, described, own-source, direct or key=FINGERPRINT
    #[arg(long, value_name = "WHAT")]
    pub(crate) expect: Option<Expectation>,
    /// A line for every object, to --out or standard output
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<AuditFormat>,
    /// File for the lines, never overwritten; CSV if its name ends in .csv, else JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Objects asked about at once, at most: it takes more while that is faster
    #[arg(long, value_name = "N", default_value = "64",
          value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) in_flight: u16,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

impl AuditArgs {
    /// How lines are written; `None` if there are to be none.
    pub(crate) fn format(&self) -> Option<AuditFormat> {
        let by_name = self.out.as_ref().map(|path| match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("csv") => AuditFormat::Csv,
            _ => AuditFormat::Jsonl,
        });
        self.format.or(by_name)
    }
}

/// How the lines of an audit are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// Comma-separated values with a headline (RFC 4180)
    Csv,
    /// One JSON object a line
    Jsonl,
}

const REPORT: &str = "\
Puts the journals of all shards together: what is done, what failed, which shard has no journal or did
not come to its end, and which object two shards did. The exit code is the worst of all.

Example:
  s3-ssec report audit-*.jsonl";

/// `s3-ssec report`.
#[derive(Args)]
#[command(after_long_help = REPORT)]
pub(crate) struct ReportArgs {
    /// Journals, as --journal wrote them
    #[arg(required = true, value_name = "JOURNAL")]
    pub(crate) journals: Vec<PathBuf>,
}
