//! Customer keys (SSE-C) for S3 in JavaScript: keys, headers, records and proof.
//!
//! A thin layer over `s3-ssec-core`: it holds keys in WebAssembly memory, gives headers for a
//! `fetch` that the page does itself, and checks the answers. It opens no connection and stores
//! nothing. Every function throws an `Error` with a `code` (type `SsecError`).
//!
//! ```js
//! const key = Key.fromBytes("master", bytes);
//! const seal = new ObjectSeal(key, "bucket", "a/b.txt", Date.now() / 1000);
//! const hasher = new ContentHasher(key);
//! hasher.update(content);
//! const tag = `${recordTagKey()}=${seal.completeTag(hasher.size, hasher.finish())}`;
//! const request = new Gateway("https://gateway").request("PUT", "bucket", "a/b.txt")
//!   .header("x-amz-tagging", tag).key(seal.customerKey());
//! const signed = signer.sign(request, Date.now() / 1000);
//! const answer = await fetch(signed.url, { ...signed, body: content });
//! verifyEcho(seal, answer.headers); // throws unless the gateway encrypted with this key
//! ```
//!
//! What leaves a key as a string, the headers, cannot be wiped: JavaScript keeps strings until it
//! collects them. Keys themselves are wiped by `free()`.

mod advice;
mod digest;
mod documents;
mod echo;
mod error;
mod headers;
mod journal;
mod key;
mod keyfile;
mod number;
mod plan;
mod record;
mod request;
#[cfg(feature = "vectors")]
mod vectors;

pub use advice::explain_refusal;
pub use digest::{
    ContentDigest, ContentHasher, ContentPiece, ContentTree, PieceHasher, piece_length,
};
pub use documents::{admits_origin, apply_cors, apply_policy, explain_policy, remove_policy};
pub use echo::verify_echo;
pub use headers::CustomerKey;
pub use journal::{
    UploadJournal, journal_begun, journal_completing, journal_created, journal_sending,
    journal_stored,
};
pub use key::Key;
pub use keyfile::KeyFile;
pub use plan::{MultipartPlan, Part, range_header};
pub use record::{ObjectSeal, OpenedRecord, Record, open_record, record_tag_key};
pub use request::{Gateway, S3Request, Signer, link_expires_at};
#[cfg(feature = "vectors")]
pub use vectors::run_vectors;
