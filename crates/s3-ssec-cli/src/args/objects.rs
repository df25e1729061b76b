//! Arguments of the commands on objects.

use super::parse;
use super::trees::{LinkArgs, TreeArgs};
use super::work::WorkArgs;
use clap::Args;
use s3_ssec::core::names::{ObjectName, S3Address};
use s3_ssec::{GetOptions, ReadOptions, Trusted};
use std::path::PathBuf;

const PUT: &str = "\
The upload succeeds only when the gateway confirmed the customer key; else what was written is taken
back and the exit code is 3. A large upload that broke off goes on where it was when the same command is
started again; s3-ssec repair aborts it instead.

Examples:
  s3-ssec put results.csv s3://bucket/2026/results.csv
  s3-ssec put results.csv s3://bucket/2026/              the file's name is appended
  s3-ssec put -r data s3://bucket/data/                  what is there and verified is skipped
  tar c data | s3-ssec put - s3://bucket/data.tar --expected-size 200GiB
  s3-ssec put page.html s3://bucket/page.html --metadata author=me --tag project=lab";

/// `s3-ssec put`.
#[derive(Args)]
#[command(after_long_help = PUT)]
pub(crate) struct PutArgs {
    /// File to upload, - for standard input, or with -r a directory
    pub(crate) source: PathBuf,
    /// Where to: s3://bucket/key, or s3://bucket/prefix/ to append the file's name
    #[arg(value_parser = parse::address)]
    pub(crate) target: S3Address,
    /// MIME type; guessed from the name where it is left out
    #[arg(long, value_name = "TYPE")]
    pub(crate) content_type: Option<String>,
    /// User metadata, name=value; may be repeated
    #[arg(long, value_name = "K=V", value_parser = parse::metadata)]
    pub(crate) metadata: Vec<(String, String)>,
    /// Object tag, name=value; at most nine
    #[arg(long, value_name = "K=V", value_parser = parse::tag)]
    pub(crate) tag: Vec<(String, String)>,
    /// Fail (exit code 5) if the object exists
    #[arg(long)]
    pub(crate) if_none_match: bool,
    /// Size of standard input, where it is known: cuts it into parts of one size
    #[arg(long, value_name = "SIZE", value_parser = parse::size)]
    pub(crate) expected_size: Option<u64>,
    /// Size of the parts of a large file
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = parse::part_size)]
    pub(crate) part_size: u64,
    /// Parts in flight, at most: it takes more while that is faster
    #[arg(long, value_name = "N", default_value = "16", value_parser = in_flight())]
    pub(crate) in_flight: u8,
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) links: LinkArgs,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

fn in_flight() -> clap::builder::RangedI64ValueParser<u8> {
    clap::value_parser!(u8).range(1..=64)
}

/// Which version of an object, and what it may be.
#[derive(Args)]
pub(crate) struct ReadArgs {
    /// A version, on a versioned bucket; the newest where it is left out
    // RGW's version IDs may begin with a dash (measured).
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) version_id: Option<String>,
    /// The name it was written under, if the bucket was renamed or synchronised
    #[arg(long, value_name = "S3://B/K", value_parser = parse::object)]
    pub(crate) origin: Option<ObjectName>,
    /// Accept objects that are not encrypted with a customer key
    #[arg(long)]
    pub(crate) allow_plain: bool,
}

impl ReadArgs {
    pub(crate) fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.version = self.version_id.clone();
        options.origin = self.origin.clone();
        options.accept_plain = self.allow_plain;
        options
    }
}

/// How much proof a content needs.
#[derive(Args)]
pub(crate) struct TrustArgs {
    /// Fail (exit code 3) when there is no digest to compare with
    #[arg(long, conflicts_with = "allow_unverified")]
    require_verified: bool,
    /// Fail (exit code 3) unless the digest is that of the writer's source: one that was accepted from
    /// a gateway does not do
    #[arg(long, conflicts_with = "allow_unverified")]
    require_source: bool,
    /// Fail (exit code 3) unless the object is under a master key
    #[arg(long)]
    require_master: bool,
    /// Deliver objects of ours whose record is gone or was never completed, and those under a direct
    /// key that were last written here under a master key
    #[arg(long)]
    allow_unverified: bool,
}

impl TrustArgs {
    pub(crate) fn apply_to(&self, options: &mut GetOptions) {
        options.trusted = match self {
            Self { require_source: true, .. } => Trusted::OnlySource,
            Self { require_verified: true, .. } => Trusted::OnlyVerified,
            Self { allow_unverified: true, .. } => Trusted::Anything,
            _ => Trusted::Records,
        };
        options.read.require_master = self.require_master;
        options.read.accept_replaced = self.allow_unverified;
    }
}

const GET: &str = "\
The file appears whole and verified, or not at all. An object that another tool wrote has no digest:
it is delivered with a note, or with --require-verified not at all (exit code 3). A digest that was
accepted from a gateway vouches for the content since then; one under a direct key is worth as much as
all who hold that key. --require-source and --require-master refuse them.

Examples:
  s3-ssec get s3://bucket/2026/results.csv results.csv
  s3-ssec get s3://bucket/2026/results.csv .             the object's name is appended
  s3-ssec get s3://bucket/data.tar - | tar x
  s3-ssec get -r s3://bucket/data/ data --exclude '*.tmp'";

/// `s3-ssec get`.
#[derive(Args)]
#[command(after_long_help = GET)]
pub(crate) struct GetArgs {
    /// The object: s3://bucket/key; with -r a bucket or prefix
    #[arg(value_parser = parse::address)]
    pub(crate) object: S3Address,
    /// File or directory to write to, or - for standard output
    pub(crate) target: PathBuf,
    /// Replace an existing file
    #[arg(long, short)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Requests in flight, at most: it takes more while that is faster
    #[arg(long, value_name = "N", default_value = "16", value_parser = in_flight())]
    pub(crate) in_flight: u8,
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

const CAT: &str = "\
The content is verified when all of it has gone by: look at the exit code before you use it.

Example:
  s3-ssec cat s3://bucket/2026/results.csv | head";

/// `s3-ssec cat`.
#[derive(Args)]
#[command(after_long_help = CAT)]
pub(crate) struct CatArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

const LS: &str = "\
Needs no key. With -l, a column says how each object is encrypted: under a key from which master key,
under a direct key, or under a customer key without a record. A listing does not tell, so -l asks for
every object: two small questions each, about a thousand objects in a second. Marks:

  master KEY, direct KEY  under a key of yours or another's with this fingerprint
  master KEY?             its record is not complete: it came by a link, or its upload broke off;
                          s3-ssec repair completes it from what this machine noted of the
                          upload, from your file (--against), or as it is (--accept-content)
  customer key            under a customer key without a record: another tool's
  not proved              refused without a key, but not because one is needed
  PLAIN                   not encrypted with a customer key: for anyone with access to read
  gone                    deleted since it was listed
  may not be asked        the gateway does not let you look

Examples:
  s3-ssec ls                        your buckets
  s3-ssec ls s3://bucket/2026/      one level
  s3-ssec ls -l s3://bucket/2026/   with a column for encryption
  s3-ssec ls -r s3://bucket         everything";

/// `s3-ssec ls`.
#[derive(Args)]
#[command(after_long_help = LS)]
pub(crate) struct LsArgs {
    /// s3://bucket or s3://bucket/prefix/; your buckets where it is left out
    #[arg(value_parser = parse::address)]
    pub(crate) address: Option<S3Address>,
    /// List what lies below prefixes too
    #[arg(long, short, requires = "address")]
    pub(crate) recursive: bool,
    /// Show how each object is encrypted
    #[arg(long, short, requires = "address")]
    pub(crate) long: bool,
}

/// `s3-ssec stat`.
#[derive(Args)]
#[command(after_long_help = "Example:\n  s3-ssec stat s3://bucket/2026/results.csv")]
pub(crate) struct StatArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// `s3-ssec rm`.
#[derive(Args)]
#[command(
    after_long_help = "Examples:\n  s3-ssec rm s3://bucket/2026/results.csv\n  s3-ssec rm -r s3://bucket/2026/ --dry-run"
)]
pub(crate) struct RmArgs {
    /// The object: s3://bucket/key; with -r a bucket or prefix
    #[arg(value_parser = parse::address)]
    pub(crate) object: S3Address,
    /// Delete this version for good, on a versioned bucket
    #[arg(long, value_name = "ID", allow_hyphen_values = true, conflicts_with = "recursive")]
    pub(crate) version_id: Option<String>,
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
}

const VERIFY: &str = "\
Reads all of the object and keeps nothing of it. Exit code 3 if a byte differs from what was
uploaded, and if there is no digest to compare with.

Examples:
  s3-ssec verify s3://bucket/2026/results.csv
  s3-ssec verify -r s3://bucket/2026/";

/// `s3-ssec verify`.
#[derive(Args)]
#[command(after_long_help = VERIFY)]
pub(crate) struct VerifyArgs {
    /// The object: s3://bucket/key; with -r a bucket or prefix
    #[arg(value_parser = parse::address)]
    pub(crate) object: S3Address,
    /// A version, on a versioned bucket; the newest where it is left out
    // RGW's version IDs may begin with a dash (measured).
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub(crate) version_id: Option<String>,
    /// The name it was written under, if the bucket was renamed or synchronised
    #[arg(long, value_name = "S3://B/K", value_parser = parse::object)]
    pub(crate) origin: Option<ObjectName>,
    /// Fail (exit code 3) unless the digest is that of the writer's source: one that was accepted from
    /// a gateway does not do
    #[arg(long)]
    require_source: bool,
    /// Fail (exit code 3) unless the object is under a master key
    #[arg(long)]
    require_master: bool,
    #[command(flatten)]
    pub(crate) tree: TreeArgs,
    #[command(flatten)]
    pub(crate) work: WorkArgs,
}

impl VerifyArgs {
    /// Only what is verified counts.
    pub(crate) fn options(&self) -> GetOptions {
        let mut options = GetOptions::default();
        options.trusted = match self.require_source {
            true => Trusted::OnlySource,
            false => Trusted::OnlyVerified,
        };
        options.read.version.clone_from(&self.version_id);
        options.read.origin.clone_from(&self.origin);
        options.read.require_master = self.require_master;
        options
    }
}
