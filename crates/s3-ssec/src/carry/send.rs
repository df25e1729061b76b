//! One request of a machine, through the SDK.

use super::capture::{Captive, Capture};
use super::{Hands, Payload, Sent};
use crate::answer::is_judged;
use crate::call::{Broken, CallError, PayloadHash, Reached, WithKey as _};
use crate::client::{Client, tag_set};
use crate::put::tagging;
use crate::write::PutOptions;
use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, EncodingType};
use base64::Engine as _;
use bytes::Bytes;
use md5::Digest as _;
use s3_ssec_core::advice::{Operation as Asked, SentKey};
use s3_ssec_core::headers::TargetKeyHeaders;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::plan::PARTS_MAX;
use s3_ssec_core::removal::TrustedVersion;
use s3_ssec_core::transfer::{Body, Call, Condition, NoAnswer, Operation, Outcome};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Sends a request once, with this key. The second value explains a refusal or a missing answer.
pub(super) async fn send(
    client: &Client,
    hands: &impl Hands,
    call: &Call,
    key: Option<Arc<TargetKeyHeaders>>,
) -> (Outcome, Option<CallError>) {
    let (capture, reached, is_judged) = (Capture::default(), Reached::default(), false.into());
    let once = Once { client, key, capture, reached, is_judged };
    let done = match once.send(hands, call).await {
        Ok(done) => done,
        Err(unsent) => return (unsent, None),
    };
    // HEAD has no body, and the start of a content is not read. A small one was.
    let is_body_needed = match call.operation {
        Operation::Head { .. } => false,
        Operation::GetStart { .. } | Operation::GetSmall { .. } => done.is_err(),
        _ => true,
    };
    match once.capture.take(is_body_needed) {
        Captive::Whole(answer) => (Outcome::Answer(answer), done.err()),
        Captive::Broken => (once.broken_off(), Some(unread(done.err()))),
        Captive::Nothing => (no_answer(&once.reached, done.as_ref().err()), done.err()),
    }
}

/// The error for an answer whose end did not come. By its status alone it would be another one.
fn unread(error: Option<CallError>) -> CallError {
    match error {
        Some(error @ CallError::Broken(_)) => error,
        _ => Broken::Answer("it ended early".to_owned()).into(),
    }
}

fn no_answer(reached: &Reached, error: Option<&CallError>) -> Outcome {
    match error {
        Some(CallError::Broken(Broken::Certificate(_) | Broken::Credentials(_))) => Outcome::Failed,
        _ if !reached.is_possible() => Outcome::NoAnswer(NoAnswer::NotSent),
        _ => Outcome::NoAnswer(NoAnswer::MaybeExecuted),
    }
}

/// One request: this client of the SDK does not repeat it.
struct Once<'a> {
    client: &'a Client,
    key: Option<Arc<TargetKeyHeaders>>,
    capture: Capture,
    reached: Reached,
    /// The answer was ended because of its size or its pace.
    is_judged: AtomicBool,
}

type Done = Result<(), CallError>;

impl Once<'_> {
    /// The outcome instead, if there is nothing to send.
    async fn send(&self, hands: &impl Hands, call: &Call) -> Result<Done, Outcome> {
        let (bucket, name) = (call.name.bucket.as_str(), call.name.key.as_str());
        let id = |version: &Option<TrustedVersion>| version.as_ref().map(|one| one.id().to_owned());
        let s3 = &self.client.once;
        Ok(match &call.operation {
            Operation::Head { version } => {
                let head = s3.head_object().bucket(bucket).key(name);
                let head = head.set_version_id(id(version)).customize();
                self.explained(Asked::HeadObject, self.prepared(head).send().await)
            }
            Operation::GetStart { version, ranged } => {
                let range = ranged.then(|| "bytes=0-0".to_owned());
                let get = s3.get_object().bucket(bucket).key(name).set_range(range);
                let get = get.set_version_id(id(version)).customize();
                self.explained(Asked::GetObject, self.prepared(get).send().await)
            }
            Operation::GetSmall { version, length } => {
                let range = format!("bytes=0-{}", length.saturating_sub(1));
                let get = s3.get_object().bucket(bucket).key(name).range(range);
                let get = get.set_version_id(id(version)).customize();
                self.small(self.prepared(get).send().await).await
            }
            Operation::Tags { version } => {
                let get = s3.get_object_tagging().bucket(bucket).key(name);
                let get = get.set_version_id(id(version)).customize();
                self.explained(Asked::GetObjectTagging, self.prepared(get).send().await)
            }
            Operation::PutTags { version, tags } => {
                let put = s3.put_object_tagging().bucket(bucket).key(name);
                let put = put.set_tagging(tag_set(tags)).set_version_id(id(version)).customize();
                self.explained(Asked::PutObjectTagging, self.prepared(put).send().await)
            }
            Operation::Delete { version } => {
                let delete = s3.delete_object().bucket(bucket).key(name);
                let delete = delete.set_version_id(id(version)).customize();
                self.explained(Asked::DeleteObject, self.prepared(delete).send().await)
            }
            Operation::Versioning => {
                let get = s3.get_bucket_versioning().bucket(bucket).customize();
                self.explained(Asked::GetBucketVersioning, self.prepared(get).send().await)
            }
            Operation::Put { body, tags, condition } => {
                let payload = payload(hands, Sent::Whole, body).await?;
                self.put(&call.name, hands.options(), payload, tags, condition).await
            }
            operation => return self.upload_or_list(hands, call, operation).await,
        })
    }

    async fn upload_or_list(
        &self,
        hands: &impl Hands,
        call: &Call,
        operation: &Operation,
    ) -> Result<Done, Outcome> {
        let (bucket, name) = (call.name.bucket.as_str(), call.name.key.as_str());
        let s3 = &self.client.once;
        Ok(match operation {
            Operation::Create { tags } => self.create(&call.name, hands.options(), tags).await,
            Operation::Part { upload, number, body, same_as } => {
                let sent = Sent::Part { number: *number, body, same_as: same_as.as_deref() };
                let payload = payload(hands, sent, body).await?;
                let part = s3.upload_part().bucket(bucket).key(name).upload_id(upload);
                let part = part.part_number(i32::from(*number)).body(payload.body);
                let part = part.content_length(i64::try_from(payload.length).unwrap_or(i64::MAX));
                let part = part.customize().interceptor(PayloadHash(payload.sha256));
                self.explained(Asked::UploadPart, self.prepared(part).send().await)
            }
            Operation::WrongPart { upload } => {
                let part = s3.upload_part().bucket(bucket).key(name).upload_id(upload);
                let part = part.content_md5(md5_of_another()).content_length(0);
                // No plan of ours reaches it before 10,000 parts.
                let last = i32::try_from(PARTS_MAX).unwrap_or(i32::MAX);
                let part = part.part_number(last).customize();
                self.explained(Asked::UploadPart, self.prepared(part).send().await)
            }
            Operation::ListParts { upload, after } => {
                let list = s3.list_parts().bucket(bucket).key(name).upload_id(upload);
                let list = list.set_part_number_marker(after.clone()).customize();
                self.explained(Asked::ListParts, self.prepared(list).send().await)
            }
            Operation::Complete { upload, etags, condition } => {
                self.complete(&call.name, upload, etags, condition).await
            }
            Operation::Abort { upload } => {
                let abort = s3.abort_multipart_upload().bucket(bucket).key(name).upload_id(upload);
                let abort = abort.customize();
                self.explained(Asked::AbortMultipartUpload, self.prepared(abort).send().await)
            }
            Operation::ListVersions => {
                let list = s3.list_object_versions().bucket(bucket).prefix(name);
                let list = list.encoding_type(EncodingType::Url).customize();
                self.explained(Asked::ListObjectVersions, self.prepared(list).send().await)
            }
            Operation::ListUploads => {
                // Not encoded: RGW encodes the names and does not say so (measured).
                let list = s3.list_multipart_uploads().bucket(bucket).prefix(name).customize();
                self.explained(Asked::ListMultipartUploads, self.prepared(list).send().await)
            }
            // The others are sent by `send`.
            _ => return Err(Outcome::Failed),
        })
    }

    async fn put(
        &self,
        name: &ObjectName,
        options: Option<&PutOptions>,
        payload: Payload,
        tags: &[(String, String)],
        condition: &Condition,
    ) -> Done {
        let options = &options.cloned().unwrap_or_default();
        let (if_none_match, if_match) = conditions(condition);
        let put = self.client.once.put_object().bucket(name.bucket.as_str()).key(name.key.as_str());
        let put = put
            .set_tagging((!tags.is_empty()).then(|| tagging(tags)))
            .set_content_type(options.headers.content_type.clone())
            .set_cache_control(options.headers.cache_control.clone())
            .set_content_disposition(options.headers.disposition.clone())
            .set_content_encoding(options.headers.encoding.clone())
            .set_content_language(options.headers.language.clone())
            .set_metadata(Some(options.metadata.iter().cloned().collect()))
            .set_if_none_match(if_none_match)
            .set_if_match(if_match)
            .set_storage_class(options.kept.class())
            .set_expires(options.kept.expires())
            .body(payload.body)
            .customize()
            .interceptor(PayloadHash(payload.sha256));
        self.explained(Asked::PutObject, self.prepared(put).send().await)
    }

    async fn create(
        &self,
        name: &ObjectName,
        options: Option<&PutOptions>,
        tags: &[(String, String)],
    ) -> Done {
        let options = &options.cloned().unwrap_or_default();
        let create = self.client.once.create_multipart_upload();
        let create = create.bucket(name.bucket.as_str()).key(name.key.as_str());
        let create = create
            .set_tagging((!tags.is_empty()).then(|| tagging(tags)))
            .set_content_type(options.headers.content_type.clone())
            .set_cache_control(options.headers.cache_control.clone())
            .set_content_disposition(options.headers.disposition.clone())
            .set_content_encoding(options.headers.encoding.clone())
            .set_content_language(options.headers.language.clone())
            .set_metadata(Some(options.metadata.iter().cloned().collect()))
            .set_storage_class(options.kept.class())
            .set_expires(options.kept.expires())
            .customize();
        self.explained(Asked::CreateMultipartUpload, self.prepared(create).send().await)
    }

    async fn complete(
        &self,
        name: &ObjectName,
        upload: &str,
        etags: &[String],
        condition: &Condition,
    ) -> Done {
        let list = part_list((1..).zip(etags.iter().map(String::as_str)));
        let (if_none_match, if_match) = conditions(condition);
        let complete = self.client.once.complete_multipart_upload();
        let complete = complete.bucket(name.bucket.as_str()).key(name.key.as_str());
        let complete = complete
            .upload_id(upload)
            .multipart_upload(list)
            .set_if_none_match(if_none_match)
            .set_if_match(if_match)
            .customize();
        self.explained(Asked::CompleteMultipartUpload, self.prepared(complete).send().await)
    }

    /// The outcome where an answer began and did not come to its end.
    fn broken_off(&self) -> Outcome {
        Outcome::NoAnswer(match self.is_judged.load(Relaxed) {
            // The next one would take as long, or be as large.
            true => NoAnswer::Silent,
            false => NoAnswer::MaybeExecuted,
        })
    }

    fn prepared<T, E, B>(
        &self,
        operation: CustomizableOperation<T, E, B>,
    ) -> CustomizableOperation<T, E, B> {
        let operation = operation.interceptor(self.capture.clone());
        let operation = operation.interceptor(self.reached.clone());
        match &self.key {
            Some(headers) => operation.key(headers),
            None => operation,
        }
    }

    /// A content that is the body of the answer.
    async fn small<E>(&self, result: Result<GetObjectOutput, SdkError<E, HttpResponse>>) -> Done
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match result {
            Ok(answer) => {
                let content = answer.body.collect().await;
                let unread = |_| Broken::Answer("it could not be read to its end".to_owned());
                self.capture.read(&content.map_err(unread)?.into_bytes());
                Ok(())
            }
            failed => self.explained(Asked::GetObject, failed),
        }
    }

    fn explained<T, E>(&self, asked: Asked, result: Result<T, SdkError<E, HttpResponse>>) -> Done
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let sent = if self.key.is_some() { SentKey::Target } else { SentKey::None };
        if let Err(error) = &result {
            self.is_judged.store(is_judged(error), Relaxed);
        }
        result.map(drop).map_err(self.client.explain(asked, sent))
    }
}

async fn payload(hands: &impl Hands, sent: Sent<'_>, body: &Body) -> Result<Payload, Outcome> {
    match body {
        Body::Range { .. } => hands.payload(sent).await,
        Body::Bytes(bytes) => Ok(Payload::of(Bytes::copy_from_slice(bytes))),
    }
}

/// A Content-MD5 that is not that of an empty content.
fn md5_of_another() -> String {
    base64::prelude::BASE64_STANDARD.encode(md5::Md5::digest(b"wrong"))
}

/// The document of CompleteMultipartUpload: numbers and ETags without quotes.
pub(crate) fn part_list<'e>(
    parts: impl Iterator<Item = (u16, &'e str)>,
) -> CompletedMultipartUpload {
    let part = |(number, etag): (u16, &str)| {
        let part = CompletedPart::builder().part_number(i32::from(number));
        part.e_tag(format!("\"{etag}\"")).build()
    };
    CompletedMultipartUpload::builder().set_parts(Some(parts.map(part).collect())).build()
}

/// `If-None-Match` and `If-Match`.
pub(crate) fn conditions(condition: &Condition) -> (Option<String>, Option<String>) {
    match condition {
        Condition::Always => (None, None),
        Condition::OnlyIfAbsent => (Some("*".to_owned()), None),
        Condition::OnlyIf(etag) => (None, Some(format!("\"{etag}\""))),
    }
}
