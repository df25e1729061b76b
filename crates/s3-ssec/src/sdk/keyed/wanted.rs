//! What a request of the program is about, read from the SDK's input.

use super::errors::KeyedError;
use crate::trial::WriteKind;
use aws_sdk_s3::operation::abort_multipart_upload::AbortMultipartUploadInput;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadInput;
use aws_sdk_s3::operation::copy_object::CopyObjectInput;
use aws_sdk_s3::operation::create_multipart_upload::CreateMultipartUploadInput;
use aws_sdk_s3::operation::delete_object_tagging::DeleteObjectTaggingInput;
use aws_sdk_s3::operation::get_object::GetObjectInput;
use aws_sdk_s3::operation::get_object_attributes::GetObjectAttributesInput;
use aws_sdk_s3::operation::head_object::HeadObjectInput;
use aws_sdk_s3::operation::list_parts::ListPartsInput;
use aws_sdk_s3::operation::put_object::PutObjectInput;
use aws_sdk_s3::operation::put_object_tagging::PutObjectTaggingInput;
use aws_sdk_s3::operation::select_object_content::SelectObjectContentInput;
use aws_sdk_s3::operation::upload_part::UploadPartInput;
use aws_sdk_s3::operation::upload_part_copy::UploadPartCopyInput;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use s3_ssec_core::names::{BucketName, NameError, ObjectKey, ObjectName};
use s3_ssec_core::record::TAG_KEY;

/// One request, as far as keys are concerned.
pub(super) struct Wanted {
    pub(super) operation: &'static str,
    pub(super) name: ObjectName,
    pub(super) job: Job,
    /// Whether the answer names the key that was used.
    pub(super) echoes: bool,
}

/// Where its key comes from.
pub(super) enum Job {
    /// A new one.
    Write(WriteKind),
    /// The one of this upload ID; `ends` says that the upload is over when the answer is good.
    Part { upload: String, ends: bool },
    /// The upload is given up: no key, but it is forgotten.
    Abort { upload: String },
    /// The one that the object names.
    Read { version: Option<String> },
    /// None: it is not sent. Why, and what to use instead.
    Refuse(&'static str),
}

const COPY: &str =
    "a copy that is right on every gateway is more than one request; use Client::copy";
const TAGS: &str = "it would take the record away; read the tags, keep `s3-ssec`, and put them all";

/// What `input` is about; `None` for requests that no key belongs to.
pub(super) fn wanted(input: &Input) -> Result<Option<Wanted>, KeyedError> {
    let found = writes(input).or_else(|| parts(input)).or_else(|| reads(input));
    match found.or_else(|| refusals(input)) {
        None => Ok(None),
        Some(found) => Ok(Some(found?)),
    }
}

type Found = Option<Result<Wanted, NameError>>;

fn writes(input: &Input) -> Found {
    if let Some(put) = input.downcast_ref::<PutObjectInput>() {
        let job = Job::Write(WriteKind::Single);
        return Some(about("PutObject", put.bucket(), put.key(), job, true));
    }
    let create = input.downcast_ref::<CreateMultipartUploadInput>()?;
    let job = Job::Write(WriteKind::Multipart);
    Some(about("CreateMultipartUpload", create.bucket(), create.key(), job, true))
}

macro_rules! each {
    ($input:ident, $($type:ident $operation:literal $echoes:literal |$it:ident| $job:expr),+ $(,)?) => {
        $(if let Some($it) = $input.downcast_ref::<$type>() {
            return Some(about($operation, $it.bucket(), $it.key(), $job, $echoes));
        })+
    };
}

fn parts(input: &Input) -> Found {
    let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
    each!(input,
        UploadPartInput "UploadPart" true
            |part| Job::Part { upload: id(part.upload_id()), ends: false },
        CompleteMultipartUploadInput "CompleteMultipartUpload" false
            |all| Job::Part { upload: id(all.upload_id()), ends: true },
        ListPartsInput "ListParts" false
            |list| Job::Part { upload: id(list.upload_id()), ends: false },
        AbortMultipartUploadInput "AbortMultipartUpload" false
            |abort| Job::Abort { upload: id(abort.upload_id()) },
    );
    None
}

fn reads(input: &Input) -> Found {
    let version = |id: Option<&str>| Job::Read { version: id.map(str::to_owned) };
    each!(input,
        GetObjectInput "GetObject" true |get| version(get.version_id()),
        HeadObjectInput "HeadObject" true |head| version(head.version_id()),
        GetObjectAttributesInput "GetObjectAttributes" false |get| version(get.version_id()),
        SelectObjectContentInput "SelectObjectContent" false |_it| version(None),
    );
    None
}

fn refusals(input: &Input) -> Found {
    if let Some(tagging) = input.downcast_ref::<PutObjectTaggingInput>() {
        let tags = tagging.tagging().map(|tagging| tagging.tag_set()).unwrap_or_default();
        if tags.iter().any(|tag| tag.key() == TAG_KEY) {
            return None;
        }
    }
    each!(input,
        CopyObjectInput "CopyObject" true |_it| Job::Refuse(COPY),
        UploadPartCopyInput "UploadPartCopy" true |_it| Job::Refuse(COPY),
        PutObjectTaggingInput "PutObjectTagging" false |_it| Job::Refuse(TAGS),
        DeleteObjectTaggingInput "DeleteObjectTagging" false |_it| Job::Refuse(TAGS),
    );
    None
}

fn about(
    operation: &'static str,
    bucket: Option<&str>,
    key: Option<&str>,
    job: Job,
    echoes: bool,
) -> Result<Wanted, NameError> {
    let bucket = BucketName::parse(bucket.unwrap_or_default())?;
    let name = ObjectName::new(bucket, ObjectKey::parse(key.unwrap_or_default())?);
    Ok(Wanted { operation, name, job, echoes })
}
