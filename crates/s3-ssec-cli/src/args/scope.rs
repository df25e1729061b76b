//! Arguments of `s3-ssec key scope`.

use super::parse;
use clap::{Args, Subcommand};
use s3_ssec::core::endpoint::{Endpoint, EndpointError, PlainHttp};
use s3_ssec::core::key::Fingerprint;
use s3_ssec::core::names::S3Address;

const SCOPE: &str = "\
A key belongs to the endpoint that it was first used with, and goes to no other: a wrong address in the
environment cannot get hold of it. What is remembered stands in ~/.local/state/s3-ssec/keys.json.

Examples:
  s3-ssec key scope                                                    what is known of your keys
  s3-ssec key scope add 4816dfc85c4eac7b https://other.example.org     it may go there too
  s3-ssec key scope add 4816dfc85c4eac7b https://other.example.org s3://bucket/prefix/
  s3-ssec key scope remove 4816dfc85c4eac7b https://old.example.org    not any more
A key without any place left is as if it had never been used.";

const ADD: &str = "\
Examples:
  s3-ssec key scope add 4816dfc85c4eac7b https://other.example.org
  s3-ssec key scope add 4816dfc85c4eac7b https://other.example.org s3://bucket/prefix/";

const REMOVE: &str = "\
Example:
  s3-ssec key scope remove 4816dfc85c4eac7b https://old.example.org";

/// `s3-ssec key scope`.
#[derive(Args)]
#[command(after_long_help = SCOPE)]
pub(crate) struct ScopeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ScopeCommand>,
}

/// What to do with it; to show it where nothing is said.
#[derive(Subcommand)]
pub(crate) enum ScopeCommand {
    /// Show where keys belong and which copies of them are known
    #[command(after_long_help = "Example:\n  s3-ssec key scope show 4816dfc85c4eac7b")]
    Show {
        /// Only this key
        #[arg(value_parser = parse::fingerprint)]
        key: Option<Fingerprint>,
    },
    /// Let a key be used at a gateway
    #[command(after_long_help = ADD)]
    Add(PlaceArgs),
    /// Do not let a key be used at a gateway any more
    #[command(after_long_help = REMOVE)]
    Remove(PlaceArgs),
}

/// A key and a place.
#[derive(Args)]
pub(crate) struct PlaceArgs {
    /// The key, by its fingerprint: see s3-ssec key show
    #[arg(value_parser = parse::fingerprint)]
    pub(crate) key: Fingerprint,
    /// The gateway: https://host[:port]
    #[arg(value_parser = endpoint, value_name = "GATEWAY")]
    pub(crate) gateway: Endpoint,
    /// Only this bucket or prefix there: s3://bucket/prefix/
    #[arg(value_parser = parse::address)]
    pub(crate) within: Option<S3Address>,
}

/// Also one without TLS on this machine: whether it is spoken to is not decided here.
fn endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    Endpoint::parse(text, PlainHttp::LoopbackOnly)
}
