//! S3 server-side encryption with customer keys (SSE-C), made for Ceph RGW and right on any S3.
//!
//! What this crate promises:
//!
//! * an upload succeeds only when the gateway confirmed the customer key ([`Uploaded`] holds the
//!   proof), or it fails and leaves nothing behind;
//! * every object version gets a key of its own, derived from one master key;
//! * a download is a file only when it is whole and equals what was uploaded;
//! * no key is sent without TLS, followed by a redirect, or written to a log.
//!
//! It does not remember which gateway a key belongs to, unlike the command. A program's keys
//! go to the endpoint that it was given. [`Client::on_first_echo`] says when a gateway first confirmed
//! one, and [`Client::endpoint`] is there to be compared before.
//!
//! Start with [`Client::connect`], or with [`sdk`] in a program that is written against `aws-sdk-s3`.
//! The core without IO is re-exported as [`core`].
//!
//! ```no_run
//! use s3_ssec::core::keyfile::KeyFile;
//! use s3_ssec::core::names::S3Address;
//! use s3_ssec::{Client, GetOptions, Options, PutOptions, Source, Watch};
//! use std::path::Path;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = KeyFile::read(&std::fs::read("lab.key")?)?.0.into_keyring()?;
//! let client = Client::connect(&Options::default()).await?; // AWS_*, ~/.aws; HTTPS only
//! let name = S3Address::parse("s3://research-data/a.csv")?.object()?;
//! let watch = Watch::default();
//!
//! let (source, options) = (Source::Path("a.csv".into()), PutOptions::default());
//! let uploaded = client.put(keys.writer(), &name, source, &options, &watch).await?;
//! println!("{} bytes, proved: {:?}", uploaded.size, uploaded.proof);
//!
//! let options = GetOptions::default();
//! let received = client.get_file(&keys, &name, Path::new("copy.csv"), &options, &watch).await?;
//! println!("{} bytes, {:?}", received.size, received.verification);
//! # Ok(())
//! # }
//! ```

mod answer;
mod audit;
mod bucket_policy;
mod call;
mod carry;
mod checked;
mod client;
mod confirm;
mod copy;
mod cors;
mod doctor;
mod flight;
mod form;
mod get;
mod ledger;
mod lines;
mod list;
mod locate;
mod mark;
mod nonce;
mod options;
mod pipes;
mod positioned;
mod presign;
mod profile;
mod put;
mod rekey;
mod removal;
mod repair;
pub mod sdk;
mod select;
mod state;
mod transport;
mod tree;
mod trial;
mod uploads;
mod watch;
mod work;
mod write;

pub use audit::{
    AuditEntry, AuditError, AuditEvent, AuditMark, AuditOptions, AuditSummary, AuditTell,
    Expectation, ExpectationError, Finding, RecordState, State, UnderKey,
};
pub use bucket_policy::{
    Applied, Cell, Outcome, PolicyError, PolicyOptions, PolicyRow, PolicyTable, Trial, TrialStep,
    Write,
};
pub use call::{Broken, CallError, Refusal};
pub use client::{Client, Head, WithoutKey};
pub use copy::{Copied, CopiedBy, CopyError, CopyOptions};
pub use cors::{CorsApplied, CorsError};
pub use doctor::{DoctorError, Examination, Row, Topic, Verdict};
pub use get::{GetError, GetOptions, Received, Trusted};
pub use ledger::{ImportError, ImportRefused, Imported, Ledger, LedgerEntry};
pub use lines::{LimitedLines, LineError};
pub use list::{Listed, ListedBucket};
pub use locate::{Located, ObjectState, ReadOptions, Stat};
pub use mark::Mark;
pub use nonce::fresh_seal;
pub use options::{Options, SetupError};
pub use pipes::LimitedFile;
pub use presign::{DirectKeys, PresignError};
pub use put::Source;
pub use rekey::{Count, OldVersions, RekeyError, RekeyItem, RekeyOptions, RekeySummary};
pub use repair::{Against, RepairError, RepairOptions, Repaired, SearchOptions, Searched};
pub use s3_ssec_core as core;
pub use s3_ssec_core::evidence::Verification;
pub use select::{Manifest, SelectError, Selection};
pub use state::StateDir;
pub use transport::{Timeouts, TrustError};
pub use tree::Outcome as TreeOutcome;
pub use tree::{Filter, FilterError, Item, Links, Report, Summary, TreeError, TreeOptions};
pub use trial::{ConditionTrial, TRIAL_PREFIX};
pub use uploads::HalfDone;
pub use watch::{Progress, Watch};
pub use work::{GoOn, WORK_LINE_MAX, WorkError, WorkJournal};
pub use write::{ContentHeaders, Existing, Leftover, PutError, PutOptions, RecordKept, Uploaded};
