//! Arguments of `s3-ssec presign`.

use super::objects::ReadArgs;
use super::parse;
use clap::{Args, Subcommand, ValueEnum};
use s3_ssec::DirectKeys;
use s3_ssec::core::names::ObjectName;
use s3_ssec::core::sigv4::Lifetime;

/// `s3-ssec presign`.
#[derive(Subcommand)]
pub(crate) enum PresignCommand {
    /// Let another person upload one object
    #[command(after_long_help = PUT)]
    Put(PresignPutArgs),
    /// Let somebody download an object
    #[command(after_long_help = GET)]
    Get(PresignGetArgs),
}

const PUT: &str = "\
The output holds the key of this one object, in the headers. The address alone is refused. The link
asks the gateway to upload only while there is no object of this name. RGW 16 and 18 ignore that on
buckets with versions, others everywhere: the command tries it on a scratch object and reports how often
the link works. After the object was deleted it always works again, until it expires. All its contents
would be under the same key and nonce, so make a new link for a new upload. Send these headers and no
other: RGW 20.2.4 refuses even a Content-Type that is not signed. Whether the upload was encrypted is
not proved until `s3-ssec stat` saw the object. Its content has no digest until `s3-ssec repair` completes
its record, from your own copy (--against) or as it is (--accept-content): before, get wants
--allow-unverified.

Examples:
  s3-ssec presign put s3://bucket/results.csv
  s3-ssec presign put --expires 2d --format curl s3://bucket/a > link; curl -K link -T results.csv";

const GET: &str = "\
The output holds the key of this one object, in the headers. The address alone is refused.
A direct key is the key of all its objects: a link with it is made only with --give-away-key.

Examples:
  s3-ssec presign get s3://bucket/results.csv
  s3-ssec presign get --format curl s3://bucket/results.csv | curl -K - -o results.csv";

/// `s3-ssec presign put`.
#[derive(Args)]
pub(crate) struct PresignPutArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    /// How long it works: 15m, 1h, at most 7d
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = lifetime)]
    pub(crate) expires: Lifetime,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
}

/// `s3-ssec presign get`.
#[derive(Args)]
pub(crate) struct PresignGetArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: ObjectName,
    /// How long it works: 15m, 1h, at most 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    pub(crate) expires: Lifetime,
    #[command(flatten)]
    pub(crate) link: LinkArgs,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// What address and headers look like.
#[derive(Args)]
pub(crate) struct LinkArgs {
    /// Make a link with a direct key too: whoever gets it can read and write every object of that key
    #[arg(long)]
    give_away_key: bool,
    /// text: the address, then header lines. curl: for `curl -K`. json: one object
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: LinkFormat,
}

impl LinkArgs {
    pub(crate) fn direct_keys(&self) -> DirectKeys {
        match self.give_away_key {
            true => DirectKeys::GiveAway,
            false => DirectKeys::Refuse,
        }
    }
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
