//! `s3-ssec key new`: a key in a new file.

use super::{in_json, made};
use crate::args::NewArgs;
use crate::keys::file;
use crate::report::Failure;
use crate::session::Session;
use crate::text::today;
use s3_ssec::core::key::{Key, Kind};
use s3_ssec::core::keyfile::{Entry, KeyFile};
use serde_json::json;

pub(super) fn run(session: &Session, args: NewArgs) -> Result<(), Failure> {
    let kind = if args.direct { Kind::Direct } else { Kind::Master };
    let key = Key::generate(kind)?;
    let key_file = KeyFile::new(vec![Entry { key, label: args.label, created: Some(today()) }])?;
    file::create(&args.out, key_file.print().as_bytes())?;
    let keys: Vec<_> = key_file.entries().iter().map(in_json).collect();
    let json = json!({ "file": args.out.to_string_lossy(), "keys": keys });
    session.output.report(made(&args.out, key_file.entries()), &json)
}
