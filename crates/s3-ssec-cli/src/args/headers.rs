//! Arguments of `s3-ssec headers`.

use super::objects::ReadArgs;
use super::parse;
use clap::{Args, ValueEnum};
use s3_ssec::core::names::ObjectName;

const HEADERS: &str = "\
The output holds the key. It goes to standard output only; keep it out of shells' histories and
argument lists, which other users of the machine can read.

A direct key needs no object. A master key has another key for every object version: name the
object, or take --new for one that another tool is going to write.

Examples:
  s3-ssec headers s3://bucket/key --format curl | curl -K - $SIGNED_URL
  s3-ssec headers --key-file shared.key --format json
  s3-ssec headers --new s3://bucket/key
  (umask 077; cp ~/.s3cfg my.cfg; s3-ssec headers --format s3cmd --key-file shared.key >> my.cfg)
  s3cmd -c my.cfg put --disable-multipart file s3://bucket/key";

/// `s3-ssec headers`.
#[derive(Args)]
#[command(after_long_help = HEADERS)]
pub(crate) struct HeadersArgs {
    /// The object: s3://bucket/key
    #[arg(value_parser = parse::object)]
    pub(crate) object: Option<ObjectName>,
    /// http: header lines. curl: for `curl -K -`. json: one object. s3cmd: a line of its
    /// configuration file
    #[arg(long, value_name = "FORMAT", default_value = "http")]
    pub(crate) format: HeaderFormat,
    /// Headers for the source of a copy
    #[arg(long)]
    pub(crate) copy_source: bool,
    /// Draw a fresh key for an upload by another tool, and print the tag that finds it again
    #[arg(long, requires = "object", conflicts_with = "copy_source")]
    pub(crate) new: bool,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
}

/// Form of the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HeaderFormat {
    Http,
    Curl,
    Json,
    S3cmd,
}
