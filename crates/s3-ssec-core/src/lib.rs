//! Customer keys (SSE-C) for S3, without IO.
//!
//! This crate decides; others carry. It takes bytes, keys, names, time and random bytes as
//! arguments and gives data back: headers to send, records to store, proofs from answers. It opens
//! no file and no socket, reads no clock and no environment, and draws no randomness, except
//! through the `generate` functions of the feature `getrandom`.
//!
//! You probably want the crate `s3-ssec` (native) or the npm package `s3-ssec` (browser).
//!
//! | to | start with |
//! | --- | --- |
//! | hold a key | [`Key`](key::Key), [`Keyring`](keyring::Keyring), [`KeyFile`](keyfile::KeyFile) |
//! | take one over | [`foreign::read`], [`weakness::of`] |
//! | write an object | [`Seal`](keyring::Seal), [`TargetKeyHeaders`](headers::TargetKeyHeaders) |
//! | read one | [`Record`](record::Record), [`Keyring::open`](keyring::Keyring::open) |
//! | believe an answer | [`verify_echo`](echo::verify_echo), [`Verification`](evidence::Verification) |
//! | sign a request | [`UnsignedRequest`](request::UnsignedRequest), [`Signer`](sigv4::Signer) |
//! | back a key up | [`KeyFile::print`](keyfile::KeyFile::print); features `words` and `shares` |
//! | judge a listing | [`Listing::read`](listing::Listing::read) |
//! | explain a refusal | [`advice`], [`error_response`] |
//! | protect a bucket | [`policy`] |

mod secret;
mod typing;

pub mod key;
pub mod keyring;

pub mod foreign;
pub mod keyfile;
pub mod legacy;
#[cfg(feature = "shares")]
pub mod shares;
pub mod weakness;
#[cfg(feature = "words")]
pub mod words;

pub mod derive;
pub mod digest;
pub mod evidence;
pub mod inspection;
pub mod nonce_table;
pub mod record;

pub mod echo;
pub mod headers;
pub mod md5;

pub mod credentials;
pub mod request;
#[cfg(feature = "rules")]
pub mod rules;
pub mod sigv4;
pub mod timestamp;

pub mod endpoint;
pub mod journal;
pub mod ledger;
pub mod listing;
pub mod lock;
pub mod manifest;
pub mod names;
mod percent;
pub mod plan;
pub mod profile;
pub mod rekey;
pub mod removal;
pub mod shard;

pub mod advice;
pub mod condition;
pub mod cors;
pub mod error_response;
pub mod policy;
pub mod transfer;
pub mod xml;

#[cfg(any(test, feature = "vectors"))]
pub mod vectors;

pub use secret::KEY_LENGTH;
