//! The requests of a trial, as they are sent.

use super::PolicyError;
use super::plain::PlainEndpoint;
use crate::call::{CallError, WithKey as _};
use crate::client::{Client, WithoutKey, bare_etag};
use crate::doctor::exam::exchange;
use crate::presign::now;
use crate::put::{Upload, send};
use crate::write::{PutError, PutOptions};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use http::Method;
use s3_ssec_core::advice::{Cause, Operation, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::{BucketName, NameError, ObjectKey, ObjectName};
use s3_ssec_core::policy::{Attempt, Gap, GapAnswer, Outcome, Scratch};
use s3_ssec_core::request::{Payload, Place, UnsignedRequest};
use s3_ssec_core::transfer::Condition;
use std::sync::Arc;

const CONTENT: &[u8] = b"trial";

/// Sends the requests of one trial.
pub(super) struct Attempts<'a> {
    client: &'a Client,
    scratch: Scratch,
    /// A throw-away key, so that a trial shows the gateway nothing of worth.
    key: Arc<TargetKeyHeaders>,
    plain: Option<&'a PlainEndpoint>,
    /// The upload that was begun before the rule.
    earlier: Option<String>,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        client: &'a Client,
        scratch: &Scratch,
        plain: Option<&'a PlainEndpoint>,
    ) -> Result<Self, PolicyError> {
        let key = Arc::new(TargetKeyHeaders::of(&CustomerKey::generate()?));
        Ok(Self { client, scratch: scratch.clone(), key, plain, earlier: None })
    }

    pub(super) fn bucket(&self) -> &BucketName {
        self.scratch.bucket()
    }

    fn name(&self, key: &str) -> Result<ObjectName, NameError> {
        Ok(ObjectName::new(self.scratch.bucket().clone(), ObjectKey::parse(key)?))
    }

    /// Sends a request of the trial, and says what became of it.
    pub(super) async fn send(&self, attempt: Attempt) -> Result<Outcome, PolicyError> {
        let name = self.name(&attempt.object(&self.scratch))?;
        let content = Bytes::from_static(CONTENT);
        let options = PutOptions::default();
        let sent = match (attempt, self.plain) {
            (Attempt::Plain, _) => self.put_plain(&name, content).await,
            (Attempt::Encrypted, _) => {
                send(self.client, &name, &self.key, &content, None, &options).await.map(drop)
            }
            (Attempt::Multipart, _) => self.multipart(&name, &options).await,
            (Attempt::SignedOverHttp, Some(plain)) => return plain.get(self.client, &name).await,
            (Attempt::SignedOverTls | Attempt::SignedOverHttp, _) => {
                return PlainEndpoint::get_over_tls(self.client, &name).await;
            }
        };
        match sent {
            Ok(()) => Ok(Outcome::Passed),
            Err(error) if error.status() == Some(403) => self.refused(&name).await,
            Err(error) => Err(error.into()),
        }
    }

    /// A refusal counts when nothing is stored. Whoever may not look takes the gateway's word.
    async fn refused(&self, name: &ObjectName) -> Result<Outcome, PolicyError> {
        match self.client.head_without_key(name, None).await {
            Ok(WithoutKey::Absent) => Ok(Outcome::Refused),
            Ok(_) => Ok(Outcome::Passed),
            Err(error) if error.status() == Some(403) => Ok(Outcome::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// PutObject without any key: what a rule that requires keys must refuse.
    async fn put_plain(&self, name: &ObjectName, content: Bytes) -> Result<(), CallError> {
        let request = self.client.s3.put_object().bucket(name.bucket.as_str());
        let request = request.key(name.key.as_str()).body(ByteStream::from(content));
        let explain = self.client.explain(Operation::PutObject, SentKey::None);
        request.send().await.map(drop).map_err(explain)
    }

    async fn multipart(&self, name: &ObjectName, options: &PutOptions) -> Result<(), CallError> {
        // An unproved answer is the business of the first real write; here only refusals count.
        let passed = |outcome: Result<(), PutError>| match outcome {
            Err(PutError::Call(error)) => Err(error),
            _ => Ok(()),
        };
        let upload = match Upload::create(self.client, name, &self.key, None, options).await {
            Ok(upload) => upload,
            Err(error) => return passed(Err(error)),
        };
        let outcome = match upload.trial_part().await {
            Ok(part) => upload.complete(&[part], Condition::Always).await.map(drop),
            Err(error) => passed(Err(error)),
        };
        if outcome.is_err() {
            upload.abort().await;
        }
        outcome
    }

    /// Begins the upload that is continued under the rule.
    pub(super) async fn begin(&mut self, gap: Gap) -> Result<(), PolicyError> {
        let name = self.name(&gap.object(&self.scratch))?;
        let request = self.client.s3.create_multipart_upload().bucket(name.bucket.as_str());
        let explain = self.client.explain(Operation::CreateMultipartUpload, SentKey::None);
        let created = request.key(name.key.as_str()).send().await.map_err(explain)?;
        self.earlier = created.upload_id;
        Ok(())
    }

    /// Aborts the upload that was begun: where uploads may not be listed, nothing else finds it.
    pub(super) async fn abort_earlier(&mut self, gap: Gap) -> Result<(), PolicyError> {
        let Some(id) = self.earlier.take() else { return Ok(()) };
        let name = self.name(&gap.object(&self.scratch))?;
        let abort = self.client.s3.abort_multipart_upload().bucket(name.bucket.as_str());
        let abort = abort.key(name.key.as_str()).upload_id(id).send().await;
        match abort.map_err(self.client.explain(Operation::AbortMultipartUpload, SentKey::None)) {
            // Completed, or aborted before.
            Err(error) if error.cause() == Some(Cause::NoSuchUpload) => Ok(()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a request that may pass the rule, and looks at what it stored.
    pub(super) async fn gap(&self, gap: Gap) -> Result<GapAnswer, PolicyError> {
        let name = self.name(&gap.object(&self.scratch))?;
        let sent = match (gap, &self.earlier) {
            (Gap::EarlierUpload, Some(id)) => self.continue_upload(&name, id).await?,
            (Gap::EarlierUpload, None) => return Ok(GapAnswer::Untried),
            (Gap::Append, _) => self.append(&name).await?,
        };
        if !sent {
            return Ok(GapAnswer::Refused);
        }
        Ok(match self.client.head_without_key(&name, None).await? {
            WithoutKey::Readable(_) => GapAnswer::StoresPlaintext,
            WithoutKey::KeyNeeded => GapAnswer::Encrypted,
            WithoutKey::Absent => GapAnswer::Refused,
            WithoutKey::Unclear => GapAnswer::Untried,
        })
    }

    /// A part and the completion with a key, of an upload that was begun without. False if one of
    /// them was refused.
    async fn continue_upload(&self, name: &ObjectName, id: &str) -> Result<bool, CallError> {
        let (bucket, key) = (name.bucket.as_str(), name.key.as_str());
        let part = self.client.s3.upload_part().bucket(bucket).key(key).upload_id(id);
        let part = part.part_number(1).body(ByteStream::from_static(CONTENT)).customize();
        let explain = self.client.explain(Operation::UploadPart, SentKey::Target);
        let sent = part.key(&self.key).send().await.map_err(explain);
        let Some(part) = answered(sent)? else { return Ok(false) };
        let part = CompletedPart::builder().part_number(1).e_tag(bare_etag(part.e_tag()));
        let list = CompletedMultipartUpload::builder().parts(part.build()).build();
        let request = self.client.s3.complete_multipart_upload().bucket(bucket).key(key);
        let request = request.upload_id(id).multipart_upload(list).customize();
        let explain = self.client.explain(Operation::CompleteMultipartUpload, SentKey::Target);
        let completed = request.key(&self.key).send().await.map_err(explain);
        Ok(answered(completed)?.is_some())
    }

    async fn append(&self, name: &ObjectName) -> Result<bool, PolicyError> {
        let endpoint = self.client.endpoint();
        let request = UnsignedRequest::new(Method::PUT, endpoint, Place::Object(name))?;
        let request = request.parameter("append", "")?.parameter("position", "0")?;
        let request = request.key(&self.key).payload(Payload::of(CONTENT));
        let mut signer = self.client.signer().await?;
        let (method, url, headers) = signer.sign(request, now()).into_parts();
        let transport = &self.client.transport;
        let answer = exchange(transport, method, &url, &headers, CONTENT).await?;
        Ok((200..300).contains(&answer.status))
    }
}

/// The answer of a request; `None` if it was refused.
fn answered<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
