//! Customer keys (SSE-C) for programs that reach S3 through `object_store`, `opendal`, `reqwest` or a
//! `tower` service.
//!
//! Each of these clients can send the three headers of a customer key, or can be made to. None of them
//! looks whether the gateway did anything with them. What this crate adds is a [`guard`]: every request
//! that carries a key has to go over TLS, carry all three headers, meet no redirect, and be answered
//! with a confirmation of that very key. Otherwise it fails.
//!
//! | feature | module | key per object | guarded |
//! | --- | --- | --- | --- |
//! | `reqwest` | [`reqwest`] | yes, each request its own | TLS, redirects, confirmation |
//! | `tower` | [`tower`] | yes, by layer | TLS, redirects seen by it, confirmation |
//! | `object_store` | [`object_store`] | one per store | TLS, redirects, confirmation |
//! | `store` | `object_store::SsecStore` | yes, derived | all that `s3_ssec` does |
//! | `opendal` | [`opendal`] | one per operator | TLS, redirects, confirmation |
//! | – | `s3-ssec-core` | `TargetKeyHeaders::apply(&mut http::HeaderMap)`, values marked sensitive | nothing by itself |
//!
//! # What they cannot give
//!
//! With one key for a whole store every object is under the same key, which RGW uses with a fixed
//! initialisation vector: equal blocks at equal places of two objects show, and short ends of objects
//! can be compared. No object has a record, so contents are not verified and another program has to be
//! told the key. A write that is answered without a confirmation fails, but is not taken back: the
//! object may stand in the clear. `s3_ssec::Client` has none of these limits; use it where you can
//! choose, and an adapter where a library of somebody else's does the reading and writing.
//!
//! CompleteMultipartUpload is not confirmed by RGW before 20.2.4, so it is not waited for; the upload's
//! Create and every part are.

pub mod guard;
#[cfg(feature = "object_store")]
pub mod object_store;
#[cfg(feature = "opendal")]
pub mod opendal;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;

pub use guard::{Guard, Refused};
pub use s3_ssec_core as core;
