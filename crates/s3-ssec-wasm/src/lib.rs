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
//! const headers = seal.headers();
//! headers.set("x-amz-tagging", `${recordTagKey()}=${seal.completeTag(hasher.size, hasher.finish())}`);
//! const answer = await fetch(url, { method: "PUT", headers, body: content }); // signed by the page
//! verifyEcho(seal, answer.headers); // throws unless the gateway encrypted with this key
//! ```
//!
//! What leaves a key as a string, the headers, cannot be wiped: JavaScript keeps strings until it
//! collects them. Keys themselves are wiped by `free()`.

mod echo;
mod error;
mod headers;
mod key;
mod record;
#[cfg(feature = "vectors")]
mod vectors;

pub use echo::verify_echo;
pub use headers::CustomerKey;
pub use key::Key;
pub use record::{
    ContentDigest, ContentHasher, ObjectSeal, OpenedRecord, Record, open_record, record_tag_key,
};
#[cfg(feature = "vectors")]
pub use vectors::run_vectors;
