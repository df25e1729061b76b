//! Arguments of `s3-ssec presign`.

use super::objects::ReadArgs;
use super::parse;
use clap::{Args, Subcommand, ValueEnum};
use s3_ssec::core::names::ObjectName;
use s3_ssec::core::sigv4::Lifetime;

/// `s3-ssec presign`.
#[derive(Subcommand)]
pub(crate) enum PresignCommand {
    /// Let somebody upload one object, once
    #[command(after_long_help = PUT)]
    Put(PresignPutArgs),
    /// Let somebody download an object
    #[command(after_long_help = GET)]
    Get(PresignGetArgs),
}

const PUT: &str = "\
The output holds the key of this one object, in the headers. The address alone is refused. It works
once, and only where no object is yet. Send these headers and no other: RGW 20.2.4 refuses even a
Content-Type that is not signed. Whether the upload was encrypted is not proved until `s3-ssec stat`
saw the object. Its content has no digest until `s3-ssec repair` read it: before, get wants
--allow-unverified.

Examples:
  s3-ssec presign put s3://bucket/results.csv
  s3-ssec presign put --expires 2d --format curl s3://bucket/a > link; curl -K link -T results.csv";

const GET: &str = "\
The output holds the key of this one object, in the headers. The address alone is refused.

Examples:
  s3-ssec presign get s3://bucket/results.csv
  s3-ssec presign get --format curl s3://bucket/results.csv | curl -K - -o results.csv";

/// `s3-ssec presign put`.
#[derive(Args)]
pub(crate) struct PresignPutArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
}

/// `s3-ssec presign get`.
#[derive(Args)]
pub(crate) struct PresignGetArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// What address and headers look like.
#[derive(Args)]
pub(crate) struct LinkArgs {
    /// How long it works: 15m, 1h, at most 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    pub(crate) expires: Lifetime,
    /// text: the address, then header lines. curl: for `curl -K`. json: one object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LinkFormat,
}

/// Form of address and headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinkFormat {
    Text,
    Curl,
    Json,
}

fn lifetime(text: &str) -> Result<Lifetime, String> {
    Lifetime::from_seconds(parse::age(text)?).map_err(|error| error.to_string())
}
