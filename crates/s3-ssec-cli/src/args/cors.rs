//! Arguments of `s3-ssec cors`.

use super::parse;
use clap::{Args, Subcommand};
use s3_ssec::core::cors::{AnyOrigin, Origin, OriginError};
use s3_ssec::core::names::BucketName;

/// `s3-ssec cors`.
#[derive(Subcommand)]
pub(crate) enum CorsCommand {
    /// Show the CORS rules that stand
    #[command(after_long_help = "Example:\n  s3-ssec cors show s3://bucket")]
    Show {
        /// The bucket: s3://bucket
        #[arg(value_parser = parse::bucket)]
        bucket: BucketName,
    },
    /// Print the rule for pages of an origin, without asking a gateway
    #[command(after_long_help = PRINT)]
    Print(OriginArgs),
    /// Let pages of an origin work with customer keys in a bucket; rules for others stay
    #[command(after_long_help = APPLY)]
    Apply {
        /// The bucket: s3://bucket
        #[arg(value_parser = parse::bucket)]
        bucket: BucketName,
        #[command(flatten)]
        origin: OriginArgs,
    },
}

const PRINT: &str = "\
Example:
  s3-ssec cors print --origin https://data.example.org";

const APPLY: &str = "\
RGW looks at the first rule that fits an origin and at no other: the origin gets one rule with all
methods, and is taken out of the others.

Example:
  s3-ssec cors apply s3://bucket --origin https://data.example.org";

/// Whose pages.
#[derive(Args)]
pub(crate) struct OriginArgs {
    /// Where the page is served: https://host[:port], or http://localhost[:port]
    #[arg(long, value_name = "URL")]
    origin: String,
    /// Accept --origin '*', any page in the world
    #[arg(long)]
    any_origin: bool,
}

impl OriginArgs {
    /// The origin as browsers spell it.
    pub(crate) fn parse(&self) -> Result<Origin, OriginError> {
        let any = if self.any_origin { AnyOrigin::Accept } else { AnyOrigin::Refuse };
        Origin::parse(&self.origin, any)
    }
}
