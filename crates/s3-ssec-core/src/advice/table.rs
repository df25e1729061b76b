//! The table: from an answer to a cause, and from a cause to words.

use super::{Advice, Cause, Operation, Remedy, SentKey, Situation};
use crate::error_response::printable;

/// Finds the cause of a refusal and says what to do.
pub fn explain(situation: &Situation<'_>) -> Advice {
    let cause = cause_of(situation);
    Advice { cause, what: what(cause, situation), remedy: remedy(cause, situation) }
}

fn cause_of(situation: &Situation<'_>) -> Cause {
    match situation.code.filter(|code| !code.is_empty()) {
        Some(code) => cause_of_code(code, situation).unwrap_or_else(|| cause_of_status(situation)),
        None => cause_of_status(situation),
    }
}

fn cause_of_code(code: &str, situation: &Situation<'_>) -> Option<Cause> {
    let message = situation.message.unwrap_or("");
    Some(match code {
        "InvalidRequest" => return invalid_request(message, situation),
        "InvalidArgument" => return invalid_argument(message, situation),
        "InvalidEncryptionAlgorithmError" => Cause::IncompleteHeaders,
        "AccessDenied" | "Forbidden" | "AllAccessDisabled" => access_denied(message),
        "RequestTimeTooSkewed" | "RequestExpired" => Cause::ClockSkew,
        "SignatureDoesNotMatch" => Cause::BadSignature,
        "InvalidAccessKeyId" | "InvalidToken" | "ExpiredToken" | "TokenRefreshRequired" => {
            Cause::UnknownAccessKey
        }
        "NoSuchBucket" => Cause::NoSuchBucket,
        "NoSuchKey" | "NoSuchVersion" => Cause::NoSuchKey,
        "NoSuchUpload" => Cause::NoSuchUpload,
        "NoSuchBucketPolicy" | "NoSuchCORSConfiguration" | "NoSuchTagSet" => Cause::NoSuchSetting,
        "MalformedPolicy" | "MalformedXML" | "MalformedPolicyDocument" => Cause::InvalidDocument,
        "PreconditionFailed" | "NotModified" | "ConditionalRequestConflict" => {
            Cause::PreconditionFailed
        }
        "NotImplemented" if situation.operation.copies() => Cause::CopyUnsupported,
        "NotImplemented" | "MissingContentLength" => Cause::NotImplemented,
        "SlowDown" | "TooManyRequests" | "RequestLimitExceeded" => Cause::SlowDown,
        "ServiceUnavailable" | "RequestTimeout" | "OperationAborted" => Cause::Unavailable,
        // RGW's answer to Complete for an upload ID that is gone.
        "InternalError" if message.contains("completion is already in progress") => {
            Cause::NoSuchUpload
        }
        "InternalError" => Cause::Unavailable,
        "PermanentRedirect" | "TemporaryRedirect" | "Redirect" => Cause::Redirect,
        "AuthorizationHeaderMalformed" | "InvalidLocationConstraint" => Cause::Redirect,
        "IllegalLocationConstraintException" => Cause::Redirect,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => Cause::BucketExists,
        "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" => Cause::BadDigest,
        "EntityTooLarge" | "QuotaExceeded" | "TooManyBuckets" => Cause::TooLarge,
        "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" => Cause::PartsRefused,
        "InvalidRange" => Cause::Range,
        _ => return None,
    })
}

/// RGW answers this code without a message when a customer key, or an object under one, meets a
/// connection that it does not count as TLS. AWS puts other things into the message.
fn invalid_request(message: &str, situation: &Situation<'_>) -> Option<Cause> {
    if message.contains("stored using a form of Server Side Encryption") {
        return Some(Cause::KeyNeeded);
    }
    if message.contains("not applicable to this object") {
        return Some(Cause::ConflictingEncryption);
    }
    let of_objects = situation.sent_key != SentKey::None
        || matches!(situation.operation, Operation::GetObject | Operation::HeadObject);
    match (message.is_empty() && of_objects, situation.secure) {
        (true, true) => Some(Cause::TlsTerminatedByUntrustedProxy),
        (true, false) => Some(Cause::PlainHttp),
        (false, _) => None,
    }
}

/// The texts are the same on all releases measured.
fn invalid_argument(message: &str, situation: &Situation<'_>) -> Option<Cause> {
    let Situation { operation, sent_key, .. } = *situation;
    if operation.puts_document() {
        return Some(Cause::InvalidDocument);
    }
    if message.contains("The calculated MD5 hash of the key did not match") {
        // A new object has no key yet that could be another one: the headers disagree.
        return Some(match operation.starts_object() && sent_key != SentKey::TargetAndSource {
            true => Cause::IncompleteHeaders,
            false => Cause::WrongKey,
        });
    }
    if message.contains("can't do sse-c & sse-") {
        return Some(Cause::ConflictingEncryption);
    }
    if message.contains("must provide a valid encryption algorithm") {
        let source_key_missing = operation.copies() && sent_key == SentKey::Target;
        return Some(match sent_key == SentKey::None || source_key_missing {
            true => Cause::KeyNeeded,
            false => Cause::IncompleteHeaders,
        });
    }
    message.contains("must provide an appropriate secret key").then_some(Cause::IncompleteHeaders)
}

fn access_denied(message: &str) -> Cause {
    let message = message.to_ascii_lowercase();
    // RGW 20 says so; the older ones only deny.
    if message.contains("expired") {
        return Cause::ClockSkew;
    }
    let setting = ["sse-c", "customer-provided key", "blocked encryption", "blockedencryption"];
    match setting.iter().any(|text| message.contains(text)) {
        true => Cause::BlockedBySetting,
        false => Cause::PolicyOrRights,
    }
}

fn cause_of_status(situation: &Situation<'_>) -> Cause {
    let Situation { operation, status, sent_key, .. } = *situation;
    match status {
        301 | 302 | 303 | 307 | 308 => Cause::Redirect,
        304 | 412 => Cause::PreconditionFailed,
        400 if operation == Operation::HeadObject && situation.code.is_none() => match sent_key {
            SentKey::None => Cause::KeyNeeded,
            SentKey::Target | SentKey::TargetAndSource => Cause::WrongKey,
        },
        401 | 403 => Cause::PolicyOrRights,
        404 if operation == Operation::HeadBucket => Cause::NoSuchBucket,
        404 if operation == Operation::HeadObject => Cause::NoSuchKey,
        405 if matches!(operation, Operation::HeadObject | Operation::GetObject) => {
            // A version that is a delete marker.
            Cause::NoSuchKey
        }
        405 | 411 => Cause::NotImplemented,
        413 => Cause::TooLarge,
        416 => Cause::Range,
        429 => Cause::SlowDown,
        501 if operation.copies() => Cause::CopyUnsupported,
        501 => Cause::NotImplemented,
        500..=599 => Cause::Unavailable,
        _ => Cause::Other,
    }
}

fn what(cause: Cause, situation: &Situation<'_>) -> String {
    let fixed = match cause {
        Cause::TlsTerminatedByUntrustedProxy => {
            "the gateway takes this connection for plain HTTP, though the address is https"
        }
        Cause::PlainHttp => "the gateway refuses customer keys over plain HTTP",
        Cause::WrongKey if situation.operation == Operation::HeadObject => {
            "the gateway refuses the key for this object: most likely it is under another one"
        }
        Cause::WrongKey => "this object or upload is under another customer key",
        Cause::KeyNeeded if situation.operation.copies() => {
            "the source of the copy is under a customer key, and its key was not sent"
        }
        Cause::KeyNeeded => "this object or upload is under a customer key, and none was sent",
        Cause::IncompleteHeaders => "the customer key arrived at the gateway damaged or incomplete",
        Cause::ConflictingEncryption => "the customer key does not go with this object or request",
        Cause::PolicyOrRights if situation.operation == Operation::ListObjectVersions => {
            "the gateway denies access to the list of versions; they were not looked at"
        }
        Cause::PolicyOrRights => "the gateway denies access",
        Cause::BlockedBySetting => "encryption with customer keys is switched off for this bucket",
        Cause::ClockSkew => "the gateway finds the request too old or too far ahead",
        Cause::BadSignature => "the gateway computes another signature for the request",
        Cause::UnknownAccessKey => "the gateway does not know the access key, or it has expired",
        Cause::NoSuchBucket => "there is no such bucket",
        Cause::NoSuchKey => "there is no such object",
        Cause::NoSuchUpload => "there is no such multipart upload, or no longer",
        Cause::NoSuchSetting => "nothing of the kind is set",
        Cause::PreconditionFailed => "the object is not in the state that was asked for",
        Cause::CopyUnsupported => "this gateway cannot copy objects under customer keys",
        Cause::SlowDown => "the gateway asks for fewer requests",
        Cause::Redirect => "the bucket is to be found at another address or in another region",
        Cause::BucketExists => "a bucket of this name exists",
        Cause::BadDigest => "the content arrived at the gateway damaged",
        Cause::TooLarge => "a limit of size, number or quota is exceeded",
        Cause::PartsRefused => "the gateway does not take the parts of this upload",
        Cause::Range => "the range lies outside of the object",
        Cause::NotImplemented if situation.operation == Operation::ListObjectVersions => {
            "the gateway does not list versions, nor does it say that the bucket keeps none; they were \
             not looked at"
        }
        Cause::NotImplemented if rejects_key_headers(situation) => {
            return format!(
                "the gateway does not support {:?}, or the headers of a customer key",
                situation.operation
            );
        }
        Cause::NotImplemented => {
            return format!(
                "the gateway does not support {:?}, or a part of it",
                situation.operation
            );
        }
        Cause::InvalidDocument => return document_refused(situation),
        Cause::Unavailable => return format!("the gateway failed with {}", answer(situation)),
        Cause::Other => return format!("the gateway answered {}", answer(situation)),
    };
    fixed.to_owned()
}

fn remedy(cause: Cause, situation: &Situation<'_>) -> Remedy {
    Remedy::Do(match cause {
        Cause::TlsTerminatedByUntrustedProxy => {
            "Ask the administrator to set rgw_trust_forwarded_https=true and to let the proxy set \
             X-Forwarded-Proto: https."
        }
        Cause::PlainHttp => "Use the https address of the gateway.",
        Cause::WrongKey if situation.operation == Operation::HeadObject => {
            return Remedy::GiveItsKeyOrTrustTheProxy;
        }
        Cause::WrongKey => return Remedy::GiveItsKey,
        Cause::KeyNeeded => return Remedy::GiveAKey,
        Cause::IncompleteHeaders => {
            "Look for a proxy between you and the gateway that removes or changes x-amz headers."
        }
        Cause::ConflictingEncryption => {
            "Send no other encryption header beside a customer key, and no key for a plain object."
        }
        Cause::PolicyOrRights => return access_advice(situation),
        Cause::BlockedBySetting => {
            "Ask the bucket's owner to allow it: PutBucketEncryption with BlockedEncryptionTypes \
             NONE."
        }
        Cause::ClockSkew => "Set this machine's clock, or make a new signed URL.",
        Cause::BadSignature => {
            "Check the secret key and the region; behind a proxy, check that it leaves Host and \
             path as they are."
        }
        Cause::UnknownAccessKey => return Remedy::CheckCredentials,
        Cause::NoSuchBucket => return Remedy::CheckBucket,
        Cause::NoSuchKey => return Remedy::CheckName,
        Cause::NoSuchUpload => "Start the upload again.",
        Cause::NoSuchSetting => "Set one first, or go on without.",
        Cause::InvalidDocument => return Remedy::CorrectDocument,
        Cause::PreconditionFailed => return Remedy::LookAtObject,
        Cause::CopyUnsupported => return Remedy::CopyByContent,
        Cause::SlowDown => "Wait a little and try again with fewer transfers at a time.",
        Cause::Unavailable => {
            "Try again later; if it stays, tell the administrator the request ID."
        }
        Cause::NotImplemented if situation.operation == Operation::ListObjectVersions => {
            "Ask the bucket's owner for the right s3:GetBucketVersioning: it shows whether there are any."
        }
        Cause::NotImplemented if rejects_key_headers(situation) => return Remedy::ExamineGateway,
        Cause::NotImplemented => {
            "Do without it; if AWS_REQUEST_CHECKSUM_CALCULATION is set, set it to when_required."
        }
        Cause::Redirect => return Remedy::CheckAddress,
        Cause::BucketExists => "Use it if it is yours, or choose another name.",
        Cause::BadDigest => "Try again; if it stays, look for a proxy that changes contents.",
        Cause::TooLarge => "Ask the administrator for more quota, or write less.",
        Cause::PartsRefused => "Start the upload again; every part but the last needs 5 MiB.",
        Cause::Range => return Remedy::CheckSize,
        Cause::Other => "Look up the code in the S3 reference, or ask the administrator.",
    })
}
/// True where the headers of a customer key may be the part that is not supported (JuiceFS answers so).
fn rejects_key_headers(situation: &Situation<'_>) -> bool {
    situation.status == 501 && situation.sent_key != SentKey::None
}

/// A 403 has many causes; the operation shows the likely one.
fn access_advice(situation: &Situation<'_>) -> Remedy {
    let Situation { operation, sent_key, .. } = *situation;
    Remedy::Do(match (operation, sent_key) {
        (operation, _) if operation.is_head() => {
            "Check the credentials, the clock and your rights: a HEAD answer does not say which. \
             Without s3:ListBucket the same is said of an object that does not exist."
        }
        (Operation::CopyObject, _) => {
            "Check your rights on both objects; on RGW a policy that requires customer keys refuses \
             every copy."
        }
        (operation, SentKey::None) if operation.starts_object() => {
            return Remedy::CheckPolicyForKey;
        }
        (operation, _) if operation.starts_object() => {
            return Remedy::CheckPolicyForWrites;
        }
        (Operation::UploadPart | Operation::CompleteMultipartUpload, _) => {
            "Check your rights; under a policy that requires customer keys every part and the \
             Complete need the key."
        }
        (Operation::GetObject, SentKey::Target) => {
            "Check your rights and the bucket's policy. Without s3:ListBucket the same is said of an \
             object that does not exist."
        }
        (Operation::GetObjectTagging, _) => {
            "Ask the bucket's owner for the right s3:GetObjectTagging. Without s3:ListBucket the same is \
             said of an object that does not exist."
        }
        (Operation::GetObject, _) => {
            "Check your rights and the bucket's policy. Without s3:ListBucket the same is said of an \
             object that does not exist."
        }
        (Operation::ListMultipartUploads, _) => {
            "Ask the bucket's owner for the right s3:ListBucketMultipartUploads."
        }
        (Operation::ListObjectVersions, _) => {
            "Ask the bucket's owner for the right s3:ListBucketVersions."
        }
        (Operation::ListObjects, _) => "Ask the bucket's owner for the right s3:ListBucket.",
        _ => "Check your rights and the bucket's policy with the bucket's owner.",
    })
}

/// Policies and CORS documents are no secrets, and RGW from 18 on says where the mistake is.
fn document_refused(situation: &Situation<'_>) -> String {
    match situation.message.map(printable).filter(|message| !message.is_empty()) {
        Some(message) => format!("the gateway does not take the document: {message}"),
        None => "the gateway does not take the document".to_owned(),
    }
}

/// Status and code, never the message: it may repeat parts of the request.
fn answer(situation: &Situation<'_>) -> String {
    let legible = |code: &&str| {
        (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match situation.code.filter(legible) {
        Some(code) => format!("{} {code}", situation.status),
        None => format!("status {}", situation.status),
    }
}
