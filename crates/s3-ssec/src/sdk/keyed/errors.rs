//! Why a keyed client did not send a request, or does not believe its answer.

use crate::get::GetError;
use crate::transport;
use crate::write::PutError;
use s3_ssec_core::echo::EchoError;
use s3_ssec_core::endpoint::EndpointError;
use s3_ssec_core::key::RandomError;
use s3_ssec_core::names::{NameError, ObjectName};
use std::error::Error;
use std::io;

/// A request was not sent, or its answer proves nothing. Inside the SDK's error: [`KeyedError::of`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyedError {
    /// Bucket or object key is none: an ARN, for instance, for which no key can be derived.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The request is not going to a TLS address. It was not sent.
    #[error(transparent)]
    PlainHttp(#[from] EndpointError),
    /// The request is going to another gateway than the one its keys are for: an override of the
    /// endpoint for one operation, for instance. It was not sent.
    #[error("{0} is not the gateway that these keys are for")]
    OtherGateway(String),
    /// The request has a customer key or another server-side encryption already. It was not sent.
    #[error("{0} already asks for encryption: leave that to the keyed client")]
    TwoKeys(ObjectName),
    /// The request would not do what it seems to. It was not sent.
    #[error("{operation} of {name} was not sent: {instead}")]
    NotOffered {
        /// The S3 operation.
        operation: &'static str,
        /// The object.
        name: ObjectName,
        /// Why, and what to use instead.
        instead: &'static str,
    },
    /// A multipart upload under a master key, and nowhere to note its nonce. It was not begun.
    #[error(
        "the upload of {0} was not begun: some gateways drop its record, so its nonce needs a ledger \
         (Client::with_state)"
    )]
    NoLedger(ObjectName),
    /// The ledger could not be written. The upload was not begun.
    #[error("the ledger cannot be written: {0}")]
    Ledger(#[source] io::Error),
    /// The upload was begun elsewhere, under a key that is not known here. Nothing was sent.
    #[error("the upload of {0} was not begun by this client: its key is not known here")]
    UnknownUpload(ObjectName),
    /// The key of an object that is to be read was not found. The request was not sent.
    #[error(transparent)]
    Read(Box<GetError>),
    /// The trial write before the first write to a bucket failed. The request was not sent.
    #[error(transparent)]
    Trial(Box<PutError>),
    /// No random byte for a nonce. The request was not sent.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The gateway said yes and did not confirm the key. What was written may stand in the clear.
    #[error("{operation} of {name} is not proved: {error}")]
    NotProved {
        /// The S3 operation.
        operation: &'static str,
        /// The object.
        name: ObjectName,
        /// The version that was written, on a versioned bucket: delete this one.
        version: Option<String>,
        /// What was missing.
        error: EchoError,
    },
}

impl KeyedError {
    /// Finds it in an error of the SDK.
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        transport::find(error)
    }
}
