//! Arguments of `s3-ssec policy`.

use super::parse;
use clap::{Args, Subcommand};
use s3_ssec::PolicyOptions;
use s3_ssec::core::names::BucketName;
use s3_ssec::core::policy::Rule;
use std::path::PathBuf;

/// `s3-ssec policy`.
#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show the policy of a bucket, which rules of ours are in it, and what in it does nothing
    #[command(after_long_help = "Example:\n  s3-ssec policy show s3://bucket")]
    Show {
        /// The bucket: s3://bucket
        #[arg(value_parser = parse::bucket)]
        bucket: BucketName,
    },
    /// Print a policy with rules of ours, without asking a gateway
    Print(PrintArgs),
    /// Say what in a policy document does nothing, or something else than it seems to
    #[command(
        after_long_help = "Exit code 1 if something was found.\n\nExample:\n  s3-ssec policy explain policy.json"
    )]
    Explain {
        /// File with the document, JSON
        file: PathBuf,
        /// For this release of RGW, 16 to 20; what the doctor saw of a gateway is used by `policy show`
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(14..=30))]
        release: Option<u8>,
    },
    /// Try a rule on the gateway, and put it into the policy if it does what it says
    #[command(after_long_help = APPLY)]
    Apply(ApplyArgs),
    /// Try what the policy of a bucket does, without changing it
    #[command(after_long_help = TEST)]
    Test(TestArgs),
    /// Take our rules out; other statements stay
    #[command(after_long_help = REMOVE)]
    Remove(RemoveArgs),
}

const APPLY: &str = "\
The rule is first added for a random prefix that no one uses, and uploads with and without a customer
key are tried there. Only when each of them is accepted or refused as the rule says is it widened to the
bucket; else the old policy is left as it was. An interrupted run leaves at most the statement for that
prefix, which the next run takes out. RGW before release 20 cannot require customer keys: there the trial
ends with exit code 1 and nothing is changed.

--require-tls refuses plain HTTP, and only --plain-endpoint can try that: a signed download of a scratch
object, valid for 5 s, without a customer key, is sent to that address. Without the option the rule is
put in place if uploads over TLS still pass, and the output says that its refusal was not tried.

With --require-ssec the output also says what the rule does not refuse on this gateway, and lists the
incomplete uploads of the bucket: they were begun before the rule.

The policy is read before and after each write. S3 has no conditional write for policies: a change that
another client makes in between, within one request, is lost.

Examples:
  s3-ssec policy apply s3://bucket --require-ssec
  s3-ssec policy apply s3://bucket --require-tls --plain-endpoint http://gateway.example.org";

const TEST: &str = "\
Tries every way to write, with a customer key and without: put, create, part and complete of a
multipart upload, copy from a plain object, form. Without a rule, all rules of ours in the policy say what
must become of each. A gateway judges every request by its own headers, so each is tried.

A second user, whose credentials are in a profile of ~/.aws, is tried too: what a rule refuses must be
refused to everybody. Everything is written below a random prefix and taken away again.

Exit code 1 if the bucket does something else than its rules say.

Examples:
  s3-ssec policy test s3://bucket
  s3-ssec policy test s3://bucket --require-ssec --second-profile guest";

const REMOVE: &str = "\
Without a rule, all rules of ours are taken out, and what an interrupted trial left. A statement under the
Sid of a rule that was edited is left as it is, with exit code 5, unless --edited is given.

Example:
  s3-ssec policy remove s3://bucket --require-ssec";

const PRINT: &str = "\
--legacy-page prints the policy of a how-to page that many sites copied, and on standard error why
it protects nothing.

Examples:
  s3-ssec policy print --require-ssec s3://bucket
  s3-ssec policy print --legacy-page s3://bucket";

/// The rules on a command line.
#[derive(Args)]
pub(crate) struct Rules {
    /// Refuse uploads without a customer key
    #[arg(long, conflicts_with = "block_ssec")]
    require_ssec: bool,
    /// Refuse uploads with a customer key
    #[arg(long)]
    block_ssec: bool,
    /// Refuse requests that do not come over TLS
    #[arg(long)]
    require_tls: bool,
}

impl Rules {
    /// The rules that were named.
    pub(crate) fn named(&self) -> Vec<Rule> {
        let named = [
            (self.require_ssec, Rule::RequireSsec),
            (self.block_ssec, Rule::BlockSsec),
            (self.require_tls, Rule::RequireTls),
        ];
        named.into_iter().filter_map(|(named, rule)| named.then_some(rule)).collect()
    }
}

/// The option that names a rule.
pub(crate) fn option_of(rule: Rule) -> &'static str {
    match rule {
        Rule::RequireSsec => "--require-ssec",
        Rule::BlockSsec => "--block-ssec",
        Rule::RequireTls => "--require-tls",
    }
}

/// `s3-ssec policy print`.
#[derive(Args)]
#[command(after_long_help = PRINT)]
#[command(override_usage = "\
s3-ssec policy print <--require-ssec|--block-ssec|--require-tls|--legacy-page> <BUCKET>")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["require_ssec", "block_ssec", "require_tls", "legacy_page"]))]
pub(crate) struct PrintArgs {
    /// The bucket: s3://bucket
    #[arg(value_parser = parse::bucket)]
    pub(crate) bucket: BucketName,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// The policy of the how-to page, with what is wrong with it
    #[arg(long, conflicts_with_all = ["require_ssec", "block_ssec", "require_tls"])]
    pub(crate) legacy_page: bool,
}

/// `s3-ssec policy test`.
#[derive(Args)]
pub(crate) struct TestArgs {
    /// The bucket: s3://bucket
    #[arg(value_parser = parse::bucket)]
    pub(crate) bucket: BucketName,
    #[command(flatten)]
    pub(crate) rules: Rules,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
    /// Try as the user of this profile of ~/.aws too
    #[arg(long, value_name = "NAME", env = "S3_SSEC_SECOND_PROFILE")]
    pub(crate) second_profile: Option<String>,
}

/// `s3-ssec policy remove`.
#[derive(Args)]
pub(crate) struct RemoveArgs {
    /// The bucket: s3://bucket
    #[arg(value_parser = parse::bucket)]
    pub(crate) bucket: BucketName,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Remove a statement under the Sid of a rule even if it was edited
    #[arg(long)]
    pub(crate) edited: bool,
}

/// `s3-ssec policy apply`: a bucket and at least one rule.
#[derive(Args)]
#[command(group = clap::ArgGroup::new("rule").required(true).multiple(true)
    .args(["require_ssec", "block_ssec", "require_tls"]))]
pub(crate) struct ApplyArgs {
    /// The bucket: s3://bucket
    #[arg(value_parser = parse::bucket)]
    pub(crate) bucket: BucketName,
    #[command(flatten)]
    pub(crate) rules: Rules,
    /// Replace a statement under the Sid of the rule that was edited
    #[arg(long)]
    pub(crate) replace_statement: bool,
    #[command(flatten)]
    pub(crate) plain: PlainArgs,
}

/// How a rule for TLS is tried.
#[derive(Args)]
pub(crate) struct PlainArgs {
    /// Address of the gateway without TLS, to try what --require-tls refuses: http://host[:port]
    #[arg(long, value_name = "URL")]
    pub(crate) plain_endpoint: Option<String>,
}

impl PlainArgs {
    /// The options of a change of the policy.
    pub(crate) fn options(&self, edited: bool) -> PolicyOptions {
        PolicyOptions { edited, plain_endpoint: self.plain_endpoint.clone() }
    }
}
