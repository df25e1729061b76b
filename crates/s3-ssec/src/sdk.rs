//! For programs that already use `aws-sdk-s3`.
//!
//! Two ways, from the least change to the most safety:
//!
//! * **One request, one key**: [`SseCustomer::sse_customer`] on every builder of the SDK that takes a
//!   customer key, [`CopySourceSseCustomer::copy_source_sse_customer`] on the two that take one for a
//!   source, and [`VerifyEcho::verify_echo`] on every output that echoes. Which key is the program's
//!   choice: a direct key, or one derived with [`fresh_seal`](crate::fresh_seal).
//! * **A whole client**: [`Keyed`] gives an `aws_sdk_s3::Client` whose every request carries the right
//!   key. It derives one for every write, sets the record, finds the key of what is read, and turns a
//!   missing confirmation into an error.
//!
//! Where a program is free to choose, [`Client`](crate::Client) does more than either: it takes back
//! what is not proved, and it verifies contents. [`Client::over`](crate::Client::over) puts it on the
//! program's own configuration.
//!
//! # What both do
//!
//! The headers are put on just before signing, not through the fields of the SDK's builders: those
//! keep further copies of the key in plain strings for as long as the builder lives, and they are three
//! that have to agree. (The request itself is such a copy, and goes with it.) A request that would
//! leave without TLS, or that carries a key already, fails before it is sent. The SDK follows no
//! redirect, so no key follows one either; an HTTP client of your own under it must follow none.
//!
//! The SDK prints every header it signs, the key among them, on the log target `aws_sigv4` at level
//! TRACE (aws-sigv4 1.6). Keep that target off: [`WITHOUT_KEYS`].
//!
//! ```no_run
//! use s3_ssec::core::key::CustomerKey;
//! use s3_ssec::sdk::{SseCustomer as _, VerifyEcho as _};
//!
//! # async fn example(s3: aws_sdk_s3::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let key = CustomerKey::generate()?; // or `CustomerKey::from_bytes` of what you keep
//! let put = s3.put_object().bucket("research-data").key("a.csv").body(b"1;2".to_vec().into());
//! let stored = put.sse_customer(&key).send().await?;
//! let proof = stored.verify_echo(&key)?; // an error here: it may lie there in the clear
//! # let _ = proof;
//! # Ok(())
//! # }
//! ```

mod builders;
mod keyed;
mod outputs;

pub use builders::{CopySourceSseCustomer, SseCustomer};
pub use keyed::{Keyed, KeyedError};
pub use outputs::VerifyEcho;

use s3_ssec_core::endpoint::{Endpoint, EndpointError, PlainHttp};

/// A directive for `tracing_subscriber`'s `EnvFilter` that keeps keys out of a log of the SDK, at any
/// level: `EnvFilter::new(format!("trace,{WITHOUT_KEYS}"))`.
pub const WITHOUT_KEYS: &str = "aws_sigv4=off";

/// Refuses an address that is not TLS; with `loopback` one on this very machine is good too.
fn only_tls(address: &str, plain_http: PlainHttp) -> Result<(), EndpointError> {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    Endpoint::parse(&address[..end], plain_http).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_refused_with_and_without_a_query() {
        for address in ["http://gateway/bucket/key", "http://gateway/bucket/key?partNumber=1"] {
            assert!(only_tls(address, PlainHttp::Refuse).is_err());
            assert!(only_tls(address, PlainHttp::LoopbackOnly).is_err());
        }
        let loopback = "http://localhost:8000/bucket/key?uploads";
        assert!(only_tls(loopback, PlainHttp::Refuse).is_err());
        assert!(only_tls(loopback, PlainHttp::LoopbackOnly).is_ok());
        assert!(only_tls("https://gateway/bucket/key?x-id=GetObject", PlainHttp::Refuse).is_ok());
    }
}
