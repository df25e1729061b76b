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
//! Start with [`Client::connect`]. The core without IO is re-exported as [`core`].

mod bucket_policy;
mod call;
mod client;
mod copy;
mod cors;
mod doctor;
mod flight;
mod get;
mod list;
mod locate;
mod mark;
mod nonce;
mod options;
mod positioned;
mod presign;
mod profile;
mod put;
mod repair;
mod state;
mod transport;
mod tree;
mod trial;
mod watch;
mod write;

pub use bucket_policy::{Applied, Outcome, PolicyError, Trial, TrialStep};
pub use call::{Broken, CallError, Refusal};
pub use client::{Client, Head, WithoutKey};
pub use copy::{Copied, CopiedBy, CopyError};
pub use cors::{CorsApplied, CorsError};
pub use doctor::{DoctorError, Examination, Row, Topic, Verdict};
pub use get::{GetError, GetOptions, Received, Trusted, Verification};
pub use list::{Listed, ListedBucket};
pub use locate::{Located, ObjectState, ReadOptions, Stat};
pub use mark::Mark;
pub use nonce::fresh_seal;
pub use options::{Options, SetupError};
pub use presign::PresignError;
pub use put::Source;
pub use repair::{HalfDone, RepairError, Repaired, SearchOptions, Searched};
pub use s3_ssec_core as core;
pub use state::StateDir;
pub use transport::{Timeouts, TrustError};
pub use tree::Outcome as TreeOutcome;
pub use tree::{Filter, FilterError, Item, Links, Report, Summary, TreeError, TreeOptions};
pub use trial::TRIAL_PREFIX;
pub use watch::{Progress, Watch};
pub use write::{ContentHeaders, Existing, Leftover, PutError, PutOptions, RecordKept, Uploaded};
