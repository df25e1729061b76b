//! Customer keys (SSE-C) for S3 in JavaScript: keys, headers, records and proof.
//!
//! A thin layer over `s3-ssec-core`: it holds keys in WebAssembly memory, gives headers for a
//! `fetch` that the page does itself, and checks the answers. It opens no connection and stores
//! nothing. Every function throws an `Error` with a `code` (type `SsecError`).
//!
//! ```js
//! const key = Key.fromBytes("master", bytes);
//! const seal = new ObjectSeal(key, "bucket", "a/b.txt", Date.now() / 1000);
//! const hasher = new ContentHasher(key.contentKey()); // from "s3-ssec/digest"
//! hasher.update(content);
//! const tag = `${recordTagKey()}=${seal.completeTag(hasher.size, hasher.finish())}`;
//! const request = new Gateway("https://gateway").request("PUT", "bucket", "a/b.txt");
//! request.header("x-amz-tagging", tag);
//! request.key(seal.customerKey());
//! const signed = signer.sign(request, Date.now() / 1000);
//! const answer = await fetch(signed.url, { ...signed, body: content });
//! verifyEcho(seal, answer.headers); // throws unless the gateway encrypted with this key
//! ```
//!
//! The package has four modules, each for a feature of this crate: `s3-ssec` (keys, seals, requests),
//! `s3-ssec/digest` (what hashes whole contents, best in a worker), `s3-ssec/documents` (listings, nonces, journals,
//! policies, CORS rules, what refusals mean, uploads step by step) and `s3-ssec/words` (keys from paper). A page that only lists
//! never loads the others.
//!
//! What leaves a key as a string, the headers, cannot be wiped: JavaScript keeps strings until it
//! collects them. Keys themselves are wiped by `free()`.

#[cfg(feature = "documents")]
mod advice;
#[cfg(feature = "digest")]
mod digest;
#[cfg(feature = "documents")]
mod documents;
#[cfg(feature = "keys")]
mod echo;
mod error;
#[cfg(feature = "keys")]
mod headers;
#[cfg(feature = "keys")]
mod inspection;
#[cfg(feature = "documents")]
mod journal;
#[cfg(feature = "keys")]
mod key;
#[cfg(feature = "keys")]
mod keyfile;
#[cfg(feature = "documents")]
mod listing;
#[cfg(feature = "documents")]
mod nonces;
#[cfg(any(feature = "keys", feature = "digest", feature = "documents"))]
mod number;
#[cfg(feature = "keys")]
mod plan;
#[cfg(feature = "documents")]
mod policy;
#[cfg(feature = "keys")]
mod record;
#[cfg(feature = "keys")]
mod request;
#[cfg(feature = "documents")]
mod transfer;
#[cfg(feature = "vectors")]
mod vectors;
#[cfg(feature = "words")]
mod words;

#[cfg(feature = "documents")]
pub use advice::{explain_inspected, explain_refusal};
#[cfg(feature = "digest")]
pub use digest::{ContentHasher, ContentPiece, ContentTree, PieceHasher, piece_length};
#[cfg(feature = "documents")]
pub use documents::{admits_origin, apply_cors, explain_policy};
#[cfg(feature = "keys")]
pub use echo::verify_echo;
#[cfg(feature = "keys")]
pub use headers::CustomerKey;
#[cfg(feature = "keys")]
pub use inspection::Inspection;
#[cfg(feature = "documents")]
pub use journal::{
    UploadJournal, journal_begun, journal_completing, journal_created, journal_sending,
    journal_stored,
};
#[cfg(feature = "keys")]
pub use key::Key;
#[cfg(feature = "keys")]
pub use keyfile::KeyFile;
#[cfg(feature = "documents")]
pub use listing::{ListingPages, listing_page_max};
#[cfg(feature = "documents")]
pub use nonces::{draw_nonce, nonce_after_reading, nonce_slot};
#[cfg(feature = "keys")]
pub use plan::{MultipartPlan, Part, range_header};
#[cfg(feature = "documents")]
pub use policy::PolicyChange;
#[cfg(feature = "keys")]
pub use record::{ObjectSeal, OpenedRecord, Record, open_record, record_tag_key};
#[cfg(feature = "keys")]
pub use request::{Gateway, S3Request, Signer, link_expires_at};
#[cfg(feature = "documents")]
pub use transfer::{Transfer, is_refusal, keyless_read};
#[cfg(feature = "vectors")]
pub use vectors::run_vectors;
#[cfg(feature = "words")]
pub use words::key_file_of_words;
