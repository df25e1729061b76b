//! Arguments of the commands on a whole bucket: doctor.

use super::parse;
use clap::Args;
use s3_ssec::core::names::BucketName;

const DOCTOR: &str = "\
Tries what this gateway does with customer keys, on scratch objects below a random prefix and in a
scratch bucket, with throw-away keys. Both are gone at the end. Each row says what was tried, what came
back, what it means and what to change; good and note need nothing, a caution is a trap for other
programs, a danger would cost data or leave them in the clear.

Exit code 3 if the gateway does not encrypt or lets other keys in, 1 for another danger.

Examples:
  s3-ssec doctor s3://bucket
  s3-ssec doctor s3://bucket --output json";

/// `s3-ssec doctor`.
#[derive(Args)]
#[command(after_long_help = DOCTOR)]
pub(crate) struct DoctorArgs {
    /// The bucket that scratch objects may be written to: s3://bucket
    #[arg(value_parser = parse::bucket)]
    pub(crate) bucket: BucketName,
}
