//! The means of an examination: requests as they are wanted, answers as they come.

use super::place::ScratchPlace;
use super::{DoctorError, ProbeError, Seen, Verdict};
use crate::call::{Broken, CallError, broken};
use crate::client::Client;
use crate::nonce::unix_now;
use crate::presign::now;
use crate::transport::Transport;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use bytes::Bytes;
use http::{HeaderMap, Method};
use s3_ssec_core::advice::{self, Advice, Operation, SentKey, Situation};
use s3_ssec_core::echo::{KeyEcho, KeylessRead};
use s3_ssec_core::error_response::ErrorResponse;
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::profile::Profile;
use s3_ssec_core::request::{Payload, Place, SignedRequest, UnsignedRequest};
use s3_ssec_core::sigv4::Signer;
use std::fmt;
use zeroize::Zeroizing;

/// The content of every scratch object that needs none in particular.
pub(super) const TRIAL: &[u8] = b"trial";

/// One gateway under examination.
pub(super) struct Exam<'a> {
    pub(super) client: &'a Client,
    pub(super) place: ScratchPlace,
    pub(super) signer: Signer,
    /// The key of the scratch objects, and one that opens none of them. Both are thrown away.
    pub(super) key: TargetKeyHeaders,
    pub(super) other: TargetKeyHeaders,
    pub(super) profile: Profile,
    redirected: Vec<String>,
    /// The gateway's clock, in seconds since 1970, and ours when its answer came.
    pub(super) clocks: Option<(i64, i64)>,
}

/// An answer, as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(super) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn echo(&self) -> KeyEcho {
        s3_ssec_core::echo::echo_in(&self.headers)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn etag(&self) -> String {
        crate::client::bare_etag(self.header("etag"))
    }

    fn refusal(&self) -> Option<ErrorResponse> {
        ErrorResponse::parse(&self.body)
    }

    /// The text of the first element of this name.
    pub(super) fn element(&self, name: &str) -> Option<String> {
        let body = str::from_utf8(&self.body).ok()?;
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(text, _)| text.to_owned())
    }

    /// Cause and next step of a refusal.
    pub(super) fn advice(&self, operation: Operation, sent_key: SentKey) -> Advice {
        let refusal = self.refusal();
        advice::explain(&Situation {
            operation,
            status: self.status,
            code: refusal.as_ref().map(|refusal| refusal.code.as_str()),
            message: refusal.as_ref().and_then(|refusal| refusal.message.as_deref()),
            sent_key,
            secure: true,
        })
    }

    /// An error where this step had to succeed for the next one to mean anything.
    pub(super) fn needed(self, step: &str) -> Result<Self, ProbeError> {
        match self.is_success() {
            true => Ok(self),
            false => Err(ProbeError::Before(format!("{step} was answered {self}"))),
        }
    }
}

/// Status and code, as people quote them.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match self.refusal() {
            Some(refusal) => write!(f, " {}", refusal.code),
            None => Ok(()),
        }
    }
}

impl<'a> Exam<'a> {
    pub(super) async fn new(client: &'a Client, bucket: &BucketName) -> Result<Self, DoctorError> {
        Ok(Self {
            client,
            place: ScratchPlace::new(bucket)?,
            signer: client.signer().await?,
            key: TargetKeyHeaders::of(&CustomerKey::generate()?),
            other: TargetKeyHeaders::of(&CustomerKey::generate()?),
            profile: Profile::new(client.endpoint().as_str(), unix_now()),
            redirected: Vec::new(),
            clocks: None,
        })
    }

    /// A scratch object below our prefix.
    pub(super) fn name(&self, key: &str) -> Result<ObjectName, ProbeError> {
        self.place.object(key)
    }

    /// A request for a scratch object.
    pub(super) fn object(&self, method: Method, key: &str) -> Result<UnsignedRequest, ProbeError> {
        let name = self.name(key)?;
        Ok(UnsignedRequest::new(method, self.client.endpoint(), Place::Object(&name))?)
    }

    /// A request for an object of the scratch bucket.
    pub(super) fn object_in(
        &self,
        bucket: &BucketName,
        method: Method,
        key: &str,
    ) -> Result<UnsignedRequest, ProbeError> {
        let name = ObjectName::new(bucket.clone(), ObjectKey::parse(key)?);
        Ok(UnsignedRequest::new(method, self.client.endpoint(), Place::Object(&name))?)
    }

    /// A request for a setting of a bucket.
    pub(super) fn setting(
        &self,
        bucket: &BucketName,
        method: Method,
        setting: &'static str,
    ) -> Result<UnsignedRequest, ProbeError> {
        let request = UnsignedRequest::new(method, self.client.endpoint(), Place::Bucket(bucket))?;
        Ok(request.parameter(setting, "")?)
    }

    /// Signs and sends, with the hash of the body.
    pub(super) async fn send(
        &mut self,
        request: UnsignedRequest,
        body: &[u8],
    ) -> Result<Answer, ProbeError> {
        let request = request.payload(Payload::of(body));
        self.send_as_is(request, body).await
    }

    /// Signs and sends, with whatever the request says of its body.
    pub(super) async fn send_as_is(
        &mut self,
        request: UnsignedRequest,
        body: &[u8],
    ) -> Result<Answer, ProbeError> {
        let signed = self.signer.sign(request, now());
        self.deliver(signed, Vec::new(), body).await
    }

    /// Sends what is signed already, and perhaps headers that are not.
    pub(super) async fn deliver(
        &mut self,
        request: SignedRequest,
        unsigned: Vec<(String, Zeroizing<String>)>,
        body: &[u8],
    ) -> Result<Answer, ProbeError> {
        let (method, url, mut headers) = request.into_parts();
        headers.extend(unsigned);
        self.raw(method, &url, &headers, body).await
    }

    /// Sends anything.
    pub(super) async fn raw(
        &mut self,
        method: Method,
        url: &str,
        headers: &[(String, Zeroizing<String>)],
        body: &[u8],
    ) -> Result<Answer, ProbeError> {
        let transport = self.client.transport.clone();
        let answer = exchange(&transport, method, url, headers, body).await?;
        self.look_at(&answer);
        Ok(answer)
    }

    /// What every answer tells by the way.
    fn look_at(&mut self, answer: &Answer) {
        if (300..400).contains(&answer.status) && answer.status != 304 {
            let to = answer.header("location").unwrap_or("nowhere");
            self.redirected.push(format!("{} to {to}", answer.status));
        }
        if let Some(server) = answer.header("server") {
            self.profile.server.get_or_insert_with(|| server.to_owned());
        }
        use aws_smithy_types::DateTime;
        use aws_smithy_types::date_time::Format;
        let date = answer.header("date").map(|date| DateTime::from_str(date, Format::HttpDate));
        if let Some(Ok(date)) = date {
            let ours = i64::try_from(unix_now()).unwrap_or(i64::MAX);
            self.clocks = Some((date.secs(), ours));
        }
    }

    /// The row on redirects: all answers counted.
    pub(super) fn redirects(&self) -> Seen {
        match self.redirected.first() {
            None => Seen::good("none", "every answer came from where it was asked"),
            Some(first) => Seen::new(
                Verdict::Caution,
                format!("{} of them; the first: {first}", self.redirected.len()),
                "a program that follows a redirect sends the key to another place; this one follows \
                 none",
            )
            .todo("Give the address it points to with --endpoint, if it is your gateway's."),
        }
    }

    /// PUT of a scratch object under our key.
    pub(super) async fn put(&mut self, key: &str, body: &[u8]) -> Result<Answer, ProbeError> {
        let request = self.object(Method::PUT, key)?.key(&self.key);
        self.send(request, body).await
    }

    /// PUT of a scratch object without any key.
    pub(super) async fn put_plain(&mut self, key: &str) -> Result<Answer, ProbeError> {
        let request = self.object(Method::PUT, key)?;
        self.send(request, TRIAL).await
    }

    pub(super) async fn head_plain(&mut self, key: &str) -> Result<Answer, ProbeError> {
        let request = self.object(Method::HEAD, key)?;
        self.send(request, b"").await
    }

    /// The state of a scratch object that should be under our key.
    pub(super) async fn stored(&mut self, key: &str) -> Result<Stored, ProbeError> {
        let (without, answer) = self.without_key(key).await?;
        let request = self.object(Method::HEAD, key)?.key(&self.key);
        let with = self.send(request, b"").await?;
        let echoed = s3_ssec_core::echo::verify_echo(self.key.key_md5(), &with.echo()).is_ok();
        Ok(match (without, with.is_success() && echoed) {
            (KeylessRead::KeyNeeded, true) => Stored::Encrypted,
            (KeylessRead::Absent, _) => Stored::Nothing,
            (KeylessRead::Readable, _) => Stored::Plaintext,
            _ => Stored::Unclear(format!("a read without a key {answer}, HEAD with it {with}")),
        })
    }

    /// Whether a scratch object needs a key, and the answer that shows it.
    pub(super) async fn without_key(
        &mut self,
        key: &str,
    ) -> Result<(KeylessRead, Answer), ProbeError> {
        let head = self.head_plain(key).await?;
        if let Some(judged) = KeylessRead::of_head(head.status) {
            return Ok((judged, head));
        }
        let request = self.object(Method::GET, key)?.header("range", "bytes=0-0")?;
        let get = self.send(request, b"").await?;
        let refusal = get.refusal();
        let (code, message) = match &refusal {
            Some(refusal) => (Some(refusal.code.as_str()), refusal.message.as_deref()),
            None => (None, None),
        };
        let judged = KeylessRead::of_get(get.status, code, message).after_refused_head();
        Ok((judged, get))
    }
}

/// What lies at the gateway after a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Encrypted,
    Plaintext,
    Nothing,
    Unclear(String),
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stored::Encrypted => f.write_str("stored encrypted"),
            Stored::Plaintext => f.write_str("stored in the clear"),
            Stored::Nothing => f.write_str("nothing stored"),
            Stored::Unclear(why) => f.write_str(why),
        }
    }
}

/// One request and its whole answer.
pub(crate) async fn exchange(
    transport: &Transport,
    method: Method,
    url: &str,
    headers: &[(String, Zeroizing<String>)],
    body: &[u8],
) -> Result<Answer, CallError> {
    // RGW wants a length for a copied part, which has no body.
    let announced = body.is_empty() && (method == Method::PUT || method == Method::POST);
    let mut request = http::Request::builder().method(method).uri(url);
    if announced {
        request = request.header(http::header::CONTENT_LENGTH, 0);
    }
    for (name, value) in headers {
        let mut value = http::HeaderValue::from_str(value).map_err(|error| broken(&error))?;
        value.set_sensitive(true);
        request = request.header(name.as_str(), value);
    }
    let body = SdkBody::from(body.to_vec());
    let request = request.body(body).map_err(|error| broken(&error))?;
    let request = HttpRequest::try_from(request).map_err(|error| broken(&error))?;
    let answer = transport.send(request).await.map_err(|error| broken(&error))?;
    let answer = answer.try_into_http1x().map_err(|error| broken(&error))?;
    let (parts, body) = answer.into_parts();
    let body = ByteStream::new(body).collect().await;
    let body = body.map_err(|error| Broken::Answer(error.to_string()))?.into_bytes();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}
