//! One call to the gateway: key headers on, errors understood.

use crate::answer::what_is_wrong;
use crate::transport;
use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::{
    BeforeTransmitInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use s3_ssec_core::advice::{self, Advice, Operation, SentKey, Situation};
use s3_ssec_core::credentials::CredentialError;
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::key::Fingerprint;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The gateway answered, and refused.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The gateway was not reached, or the conversation broke.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// A refusal of the gateway, with what is known of its cause.
#[derive(Debug)]
pub struct Refusal {
    /// The S3 operation.
    pub operation: Operation,
    /// HTTP status.
    pub status: u16,
    /// The S3 error code; HEAD answers have none.
    pub code: Option<String>,
    /// The gateway's own words.
    pub message: Option<String>,
    /// For those who run the gateway.
    pub request_id: Option<String>,
    /// Cause and next step.
    pub advice: Advice,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}: {}", self.advice.what, self.operation, self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        f.write_str(")")
    }
}

impl Error for Refusal {}

impl Refusal {
    /// True if the gateway did not do it, and would answer the same tomorrow: [`advice::is_refusal`].
    pub(crate) fn is_final(&self) -> bool {
        advice::is_refusal(self.status)
    }
}

/// How a conversation with the gateway broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The certificate is not trusted, has expired, or is for another name.
    #[error("the certificate of the gateway is not accepted: {0}")]
    Certificate(String),
    /// TLS could not be agreed on.
    #[error("no TLS connection: {0}")]
    Tls(String),
    /// Nothing came for too long.
    #[error("the gateway does not answer: {0}")]
    Silent(String),
    /// No connection, or it broke.
    #[error("the connection to the gateway failed: {0}")]
    Connection(String),
    /// No credentials in the environment or the profile.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// The answer was not S3.
    #[error("the answer of the gateway cannot be understood: {0}")]
    Answer(String),
}

impl CallError {
    /// True if the same call may well succeed later: the gateway was not reached, or is out of
    /// order.
    pub fn may_pass_later(&self) -> bool {
        match self {
            CallError::Broken(broken) => {
                matches!(broken, Broken::Silent(_) | Broken::Connection(_))
            }
            CallError::Refused(refusal) => refusal.status >= 500,
        }
    }

    /// True if the gateway answered that it did not do it, and would answer the same tomorrow. After any
    /// other error it may have done it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, CallError::Refused(refusal) if refusal.is_final())
    }

    /// True if there was no answer.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, CallError::Broken(broken) if !matches!(broken, Broken::Answer(_)))
    }

    /// HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            CallError::Refused(refusal) => Some(refusal.status),
            CallError::Broken(_) => None,
        }
    }

    /// S3 error code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            CallError::Refused(refusal) => refusal.code.as_deref(),
            CallError::Broken(_) => None,
        }
    }

    /// The cause, where the gateway answered.
    pub fn cause(&self) -> Option<advice::Cause> {
        match self {
            CallError::Refused(refusal) => Some(refusal.advice.cause),
            CallError::Broken(_) => None,
        }
    }
}

/// What was asked of the gateway, for those who explain its refusal.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) operation: Operation,
    pub(crate) sent: SentKey,
    pub(crate) secure: bool,
}

impl Asked {
    /// Turns the SDK's error into ours. Nothing of the request is in it, so no key can be.
    pub(crate) fn explain<E>(self, error: SdkError<E, HttpResponse>) -> CallError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match &error {
            SdkError::ServiceError(service) => {
                let meta = service.err().meta();
                let id = service.raw().headers().get("x-amz-request-id").map(str::to_owned);
                let status = service.raw().status().as_u16();
                self.refusal(status, meta.code(), meta.message(), id)
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                match status {
                    200..=299 => unreadable(&error).into(),
                    _ => self.refusal(status, None, None, None),
                }
            }
            _ => broken(&error).into(),
        }
    }

    fn refusal(
        self,
        status: u16,
        code: Option<&str>,
        message: Option<&str>,
        request_id: Option<String>,
    ) -> CallError {
        // RGW sends empty elements where others send none.
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let (code, message) = (text(code), text(message));
        let advice = advice::explain(&Situation {
            operation: self.operation,
            status,
            code: code.as_deref(),
            message: message.as_deref(),
            sent_key: self.sent,
            secure: self.secure,
        });
        let operation = self.operation;
        CallError::Refused(Box::new(Refusal {
            operation,
            status,
            code,
            message,
            request_id,
            advice,
        }))
    }
}

/// Sorts the ways in which a conversation can break by what the person can do about them.
pub(crate) fn broken(error: &(dyn Error + 'static)) -> Broken {
    if let Some(tls) = transport::find::<rustls::Error>(error) {
        return match tls {
            rustls::Error::InvalidCertificate(reason) => Broken::Certificate(certificate(reason)),
            other => Broken::Tls(other.to_string()),
        };
    }
    if let Some(words) = silence(error) {
        return Broken::Silent(words);
    }
    if let Some(elsewhere) = transport::find::<transport::NotHere>(error) {
        return Broken::Connection(elsewhere.to_string());
    }
    if let Some(io) = transport::find::<io::Error>(error) {
        return match io.kind() {
            // The words of the TLS library are for those who program with it.
            io::ErrorKind::UnexpectedEof => Broken::Connection(
                "the gateway closed it before its answer was complete".to_owned(),
            ),
            _ => Broken::Connection(io.to_string()),
        };
    }
    use aws_credential_types::provider::error::CredentialsError;
    if let Some(unfit) = transport::find::<CredentialError>(error) {
        let what = format!("{unfit}, and that of the environment or the profile is not");
        return Broken::Credentials(what);
    }
    if transport::find::<CredentialsError>(error).is_some() {
        return Broken::Credentials("none in the environment, none in the profile".to_owned());
    }
    Broken::Connection(innermost(error))
}

/// The words for a gateway that says nothing, or next to nothing.
pub(crate) fn silence(error: &(dyn Error + 'static)) -> Option<String> {
    let slow = || transport::find::<transport::TooSlow>(error).map(ToString::to_string);
    transport::silence(error).map(ToString::to_string).or_else(slow)
}

/// A success whose body could not be read, or not be believed.
fn unreadable(error: &(dyn Error + 'static)) -> Broken {
    match (silence(error), what_is_wrong(error)) {
        (Some(words), _) => Broken::Silent(words),
        (None, Some(words)) => Broken::Answer(words),
        (None, None) => Broken::Answer(innermost(error)),
    }
}

fn certificate(reason: &rustls::CertificateError) -> String {
    match reason {
        rustls::CertificateError::UnknownIssuer => "its issuer is not trusted".to_owned(),
        other => other.to_string(),
    }
}

/// The last error of the chain: the one that names the cause.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// Puts the three target headers on a request, just before it is signed.
///
/// With [`SourceKeyed`] the one place of this crate that hands a key to the SDK: they are copied
/// into the request and nowhere else.
#[derive(Clone)]
pub(crate) struct Keyed(pub(crate) Arc<TargetKeyHeaders>);

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(..)")
    }
}

impl Intercept for Keyed {
    fn name(&self) -> &'static str {
        "customer key headers"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        for (name, value) in self.0.pairs() {
            headers.insert(name, value.to_owned());
        }
        bag.interceptor_state().store_put(KeyOrigin(self.0.origin()));
        Ok(())
    }
}

/// The person's key behind the key of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyOrigin(pub(crate) Fingerprint);

impl Storable for KeyOrigin {
    type Storer = StoreReplace<Self>;
}

/// Puts the three headers for the source of a copy on a request, just before it is signed.
#[derive(Clone)]
struct SourceKeyed(Arc<SourceKeyHeaders>);

impl fmt::Debug for SourceKeyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceKeyed(..)")
    }
}

impl Intercept for SourceKeyed {
    fn name(&self) -> &'static str {
        "copy source key headers"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.request_mut().headers_mut();
        for (name, value) in self.0.pairs() {
            headers.insert(name, value.to_owned());
        }
        Ok(())
    }
}

/// Signs this SHA-256 as the payload hash, so that the gateway refuses any other body.
#[derive(Clone, Debug)]
pub(crate) struct PayloadHash(pub(crate) String);

impl Intercept for PayloadHash {
    fn name(&self) -> &'static str {
        "payload hash"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        use aws_runtime::auth::PayloadSigningOverride::Precomputed;
        bag.interceptor_state().store_put(Precomputed(self.0.clone()));
        Ok(())
    }
}

/// Notes whether any attempt of a call may have reached the gateway: all but those for which no
/// connection was made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached(Arc<Attempts>);

#[derive(Debug, Default)]
struct Attempts {
    is_possible: AtomicBool,
    is_unanswered: AtomicBool,
}

impl Reached {
    /// True if the gateway may have acted on the call.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.is_possible.load(Relaxed)
    }

    /// True if the gateway may act on an attempt that it did not answer.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.0.is_unanswered.load(Relaxed)
    }
}

impl Intercept for Reached {
    fn name(&self) -> &'static str {
        "reached"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = context.output_or_error().and_then(Result::err);
        let connector = failed.and_then(|error| error.as_connector_error());
        let unconnected = connector.is_some_and(|error| transport::was_never_connected(error));
        if !unconnected {
            self.0.is_possible.store(true, Relaxed);
        }
        if !unconnected && context.response().is_none() {
            self.0.is_unanswered.store(true, Relaxed);
        }
        Ok(())
    }
}

/// Adds the key headers to any operation.
pub(crate) trait WithKey: Sized {
    /// Sends `headers` with the request.
    fn key(self, headers: &Arc<TargetKeyHeaders>) -> Self;

    /// Sends `headers` for the source of a copy.
    fn source_key(self, headers: SourceKeyHeaders) -> Self;
}

impl<T, E, B> WithKey for CustomizableOperation<T, E, B> {
    fn key(self, headers: &Arc<TargetKeyHeaders>) -> Self {
        self.interceptor(Keyed(Arc::clone(headers)))
    }

    fn source_key(self, headers: SourceKeyHeaders) -> Self {
        self.interceptor(SourceKeyed(Arc::new(headers)))
    }
}
