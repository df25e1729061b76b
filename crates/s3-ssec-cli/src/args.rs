//! What can be asked for on the command line.

mod audit;
mod backup;
mod bucketwide;
mod cors;
mod headers;
pub(crate) mod help;
mod key;
mod ledger;
mod objects;
pub(crate) mod parse;
mod policy;
mod presign;
mod rekey;
mod retire;
mod scope;
mod trees;
mod work;

pub(crate) use audit::{AuditArgs, AuditFormat, ReportArgs};
pub(crate) use backup::{BackupArgs, DrillArgs, OpenArgs, RestoreArgs};
pub(crate) use bucketwide::DoctorArgs;
pub(crate) use cors::CorsCommand;
pub(crate) use headers::{HeaderFormat, HeadersArgs};
pub(crate) use key::{
    AddArgs, ExportArgs, ExportFormat, ImportArgs, KeyCommand, NewArgs, ShowArgs,
};
pub(crate) use ledger::{LedgerCommand, LedgerImportArgs};
pub(crate) use objects::{CatArgs, GetArgs, LsArgs, PutArgs, RmArgs, StatArgs, VerifyArgs};
pub(crate) use policy::{ApplyArgs, PolicyCommand, PrintArgs, RemoveArgs, TestArgs, option_of};
pub(crate) use presign::{LinkFormat, PresignCommand};
pub(crate) use rekey::RekeyArgs;
pub(crate) use retire::RetireArgs;
pub(crate) use scope::{PlaceArgs, ScopeCommand};
pub(crate) use trees::{CpArgs, RepairArgs, TreeArgs};
pub(crate) use work::WorkArgs;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use s3_ssec::core::names::BucketName;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Start:
  s3-ssec key new --out lab.key                      make a key, and keep a copy of it
  export S3_SSEC_KEY_FILE=$PWD/lab.key
  s3-ssec put results.csv s3://bucket/results.csv    upload, proved to be encrypted
  s3-ssec get s3://bucket/results.csv .              download, verified

Gateway, region, credentials and certificate authorities come from where AWS's tools look:
AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_CA_BUNDLE
and ~/.aws. Proxies for https come from HTTPS_PROXY.

Keys come from --key-file, --key-command or --key-fd, else from S3_SSEC_KEY_FILE, else from the rules in
~/.config/s3-ssec/config.toml, of which no two may be for the same object:
  [[keys]]
  for = \"s3://research-data\"
  file = \"~/keys/lab.key\"

Colours and progress are for terminals. NO_COLOR or CLICOLOR=0 turns colours off, CLICOLOR_FORCE on.

Exit codes:
  0  done
  1  failed
  2  the command line is wrong
  3  not proved to be encrypted, or the content is not what was uploaded
  4  the key is missing, wrong or unreadable
  5  refused for safety: plain HTTP, a key file that others read, a file that would be overwritten";

const KEYS: &str = "\
Examples:
  s3-ssec key new --out lab.key                 a master key in a file that only you can read
  s3-ssec key backup lab.key --sheet lab.html   a page to print: if the key is lost, the data are
  s3-ssec key import sse.key --out old.key      what boto, aws, rclone, s3cmd or mc used";

const POLICIES: &str = "\
Examples:
  s3-ssec policy apply s3://bucket --require-ssec
  s3-ssec policy test s3://bucket
  s3-ssec policy explain policy.json            why a policy protects nothing";

const PAGES: &str = "\
Examples:
  s3-ssec cors apply s3://bucket --origin https://data.example.org
  s3-ssec cors show s3://bucket";

const LINKS: &str = "\
Examples:
  s3-ssec presign get s3://bucket/results.csv   somebody reads it
  s3-ssec presign put s3://bucket/results.csv   somebody writes it, once";

/// S3 objects under keys of your own (SSE-C): proved to be encrypted, verified when read
#[derive(Parser)]
#[command(
    name = "s3-ssec",
    version = env!("S3_SSEC_VERSION"),
    after_long_help = EXAMPLES,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command, taken before and after its name.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Gateway, https://host[:port], instead of AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or the
    /// profile's
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Region, instead of AWS_REGION or the profile's; us-east-1 where none is set
    #[arg(long, global = true, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Profile of ~/.aws, instead of AWS_PROFILE
    #[arg(long, global = true, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,
    /// PEM file of the only certificate authorities to trust, instead of AWS_CA_BUNDLE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,
    /// File with your keys, instead of S3_SSEC_KEY_FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Command whose standard output is a key file or a key; run by sh -c
    #[arg(long, global = true, value_name = "CMD")]
    pub(crate) key_command: Option<String>,
    /// Number of an open file descriptor to read the key from: --key-fd 3 3< FILE
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(3..))]
    pub(crate) key_fd: Option<u16>,
    /// Use the keys here even if they belong to another gateway, and remember nothing of it
    #[arg(long, global = true)]
    pub(crate) any_endpoint: bool,
    /// Text for people, or one JSON value on standard output
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
    /// Say nothing but errors and what was asked for
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log more: -v what gateways answer, -vv details, -vvv libraries too; never a key
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Give up when the gateway is silent for so long
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value = "60",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub(crate) timeout: u64,
    /// Accept an http:// endpoint on this very machine, for gateways under test
    #[arg(long, global = true)]
    pub(crate) plain_http_loopback: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

/// The commands.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make, back up, restore, show, move and retire keys
    #[command(subcommand, after_long_help = KEYS)]
    Key(KeyCommand),
    /// Print the SSE-C headers for another tool; they hold the key
    Headers(HeadersArgs),
    /// Make buckets
    #[command(subcommand, after_long_help = "Example:\n  s3-ssec bucket create s3://lab-data")]
    Bucket(BucketCommand),
    /// Upload, and prove that the gateway encrypted it
    Put(PutArgs),
    /// Download to a file, verified
    Get(GetArgs),
    /// Print an object
    Cat(CatArgs),
    /// List buckets or objects
    Ls(LsArgs),
    /// Show what is known of an object
    Stat(StatArgs),
    /// Delete an object or a version of it
    Rm(RmArgs),
    /// Read an object and compare it with what was uploaded
    Verify(VerifyArgs),
    /// Copy an object; the copy gets a key of its own
    Cp(CpArgs),
    /// Finish what broke off; find a lost nonce
    Repair(RepairArgs),
    /// Export and import the records that this machine keeps of objects
    #[command(subcommand, after_long_help = "Example:\n  s3-ssec ledger export > ledger.jsonl")]
    Ledger(LedgerCommand),
    /// Say of every object under which key it is
    Audit(AuditArgs),
    /// Put the journals of shards together
    Report(ReportArgs),
    /// Put every object under a new key; encrypt what is in the clear
    Rekey(RekeyArgs),
    /// Try what this gateway really does with customer keys
    Doctor(DoctorArgs),
    /// Let a bucket refuse unencrypted uploads
    #[command(subcommand, after_long_help = POLICIES)]
    Policy(PolicyCommand),
    /// Let pages of a site work with a bucket
    #[command(subcommand, after_long_help = PAGES)]
    Cors(CorsCommand),
    /// Print address and headers for somebody without credentials; the headers hold the key
    #[command(subcommand, after_long_help = LINKS)]
    Presign(PresignCommand),
    /// Print the completions for a shell
    #[command(
        after_long_help = "Example:\n  s3-ssec completions bash > ~/.local/share/bash-completion/completions/s3-ssec"
    )]
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command
    #[command(after_long_help = "Example:\n  s3-ssec man ~/.local/share/man/man1")]
    Man {
        /// Directory to write to; made if it is not there
        directory: PathBuf,
    },
}

/// `s3-ssec bucket`.
#[derive(Subcommand)]
pub(crate) enum BucketCommand {
    /// Make a bucket
    #[command(after_long_help = "Example:\n  s3-ssec bucket create s3://lab-data")]
    Create {
        /// The bucket: s3://bucket
        #[arg(value_parser = parse::bucket)]
        bucket: BucketName,
        /// Location constraint, such as :placement on RGW; usually none
        #[arg(long, value_name = "NAME")]
        location: Option<String>,
    },
}
