//! Every cause has an answer that leads to it, and words for people.

use super::*;

const MD5: &str = "The calculated MD5 hash of the key did not match the hash that was provided.";
const NEEDS: &str = "Requests specifying Server Side Encryption with Customer provided keys must \
                     provide";

fn situation(operation: Operation, status: u16, code: &'static str) -> Situation<'static> {
    Situation {
        operation,
        status,
        code: (!code.is_empty()).then_some(code),
        message: None,
        sent_key: SentKey::Target,
        secure: true,
    }
}

fn cause(situation: Situation<'_>) -> Cause {
    explain(&situation).cause
}

/// One answer for each cause. No wildcard: a new cause does not compile without its answer.
fn example(cause: Cause) -> Situation<'static> {
    use Operation as Op;
    let with = |message, one: Situation<'static>| Situation { message: Some(message), ..one };
    match cause {
        Cause::TlsTerminatedByUntrustedProxy => situation(Op::PutObject, 400, "InvalidRequest"),
        Cause::PlainHttp => {
            Situation { secure: false, ..situation(Op::PutObject, 400, "InvalidRequest") }
        }
        Cause::WrongKey => with(MD5, situation(Op::GetObject, 400, "InvalidArgument")),
        Cause::KeyNeeded => Situation {
            sent_key: SentKey::None,
            ..with(
                "... must provide a valid encryption algorithm.",
                situation(Op::GetObject, 400, "InvalidArgument"),
            )
        },
        Cause::IncompleteHeaders => {
            situation(Op::PutObject, 400, "InvalidEncryptionAlgorithmError")
        }
        Cause::ConflictingEncryption => with(
            "Server side error - can't do sse-c & sse-kms|sse-s3",
            situation(Op::PutObject, 400, "InvalidArgument"),
        ),
        Cause::PolicyOrRights => situation(Op::PutObject, 403, "AccessDenied"),
        Cause::BlockedBySetting => {
            with("SSE-C is blocked for this bucket", situation(Op::PutObject, 403, "AccessDenied"))
        }
        Cause::ClockSkew => situation(Op::PutObject, 403, "RequestTimeTooSkewed"),
        Cause::BadSignature => situation(Op::PutObject, 403, "SignatureDoesNotMatch"),
        Cause::UnknownAccessKey => situation(Op::PutObject, 403, "InvalidAccessKeyId"),
        Cause::NoSuchBucket => situation(Op::HeadBucket, 404, ""),
        Cause::NoSuchKey => situation(Op::HeadObject, 404, ""),
        Cause::NoSuchUpload => situation(Op::UploadPart, 404, "NoSuchUpload"),
        Cause::NoSuchSetting => situation(Op::GetBucketPolicy, 404, "NoSuchBucketPolicy"),
        Cause::InvalidDocument => situation(Op::PutBucketPolicy, 400, "InvalidArgument"),
        Cause::PreconditionFailed => situation(Op::PutObject, 412, ""),
        Cause::CopyUnsupported => situation(Op::CopyObject, 501, "NotImplemented"),
        Cause::SlowDown => situation(Op::PutObject, 503, "SlowDown"),
        Cause::Unavailable => situation(Op::PutObject, 502, ""),
        Cause::NotImplemented => situation(Op::PutObject, 411, "MissingContentLength"),
        Cause::Redirect => situation(Op::PutObject, 301, "PermanentRedirect"),
        Cause::BucketExists => situation(Op::CreateBucket, 409, "BucketAlreadyExists"),
        Cause::BadDigest => situation(Op::PutObject, 400, "XAmzContentSHA256Mismatch"),
        Cause::TooLarge => situation(Op::PutObject, 403, "QuotaExceeded"),
        Cause::PartsRefused => situation(Op::CompleteMultipartUpload, 400, "EntityTooSmall"),
        Cause::Range => situation(Op::GetObject, 416, "InvalidRange"),
        Cause::Other => situation(Op::PutObject, 418, "Teapot"),
    }
}

const CAUSES: [Cause; 28] = [
    Cause::TlsTerminatedByUntrustedProxy,
    Cause::PlainHttp,
    Cause::WrongKey,
    Cause::KeyNeeded,
    Cause::IncompleteHeaders,
    Cause::ConflictingEncryption,
    Cause::PolicyOrRights,
    Cause::BlockedBySetting,
    Cause::ClockSkew,
    Cause::BadSignature,
    Cause::UnknownAccessKey,
    Cause::NoSuchBucket,
    Cause::NoSuchKey,
    Cause::NoSuchUpload,
    Cause::NoSuchSetting,
    Cause::InvalidDocument,
    Cause::PreconditionFailed,
    Cause::CopyUnsupported,
    Cause::SlowDown,
    Cause::Unavailable,
    Cause::NotImplemented,
    Cause::Redirect,
    Cause::BucketExists,
    Cause::BadDigest,
    Cause::TooLarge,
    Cause::PartsRefused,
    Cause::Range,
    Cause::Other,
];

#[test]
fn a_501_to_a_key_names_its_headers() {
    let keyed = explain(&situation(Operation::PutObject, 501, "NotImplemented"));
    assert!(keyed.what.contains("customer key"), "{keyed:?}");
    assert_eq!(keyed.remedy, Remedy::ExamineGateway);
    let keyless = Situation {
        sent_key: SentKey::None,
        ..situation(Operation::PutObject, 501, "NotImplemented")
    };
    assert!(!explain(&keyless).what.contains("customer key"));
}

#[test]
fn refused_tags_name_the_right_that_is_missing() {
    let refused = explain(&situation(Operation::GetObjectTagging, 403, "AccessDenied"));
    assert!(refused.remedy.words().contains("s3:GetObjectTagging"), "{refused:?}");
}

#[test]
fn every_cause_is_reached_and_says_what_to_do() {
    let mut seen = std::collections::HashSet::new();
    for wanted in CAUSES {
        // `Other` is the last of the enum, so the list cannot miss one.
        assert_eq!(CAUSES.len(), Cause::Other as usize + 1);
        let Advice { cause, what, remedy } = explain(&example(wanted));
        let todo = remedy.words();
        assert_eq!(cause, wanted);
        assert!(what.starts_with(|c: char| c.is_lowercase()) && !what.ends_with('.'), "{what}");
        assert!(todo.starts_with(|c: char| c.is_uppercase()) && todo.ends_with('.'), "{todo}");
        assert!(!what.contains('\n') && !todo.contains('\n'));
        assert!(seen.insert(what), "{cause:?} has the words of another");
    }
}

#[test]
fn head_answers_have_no_body() {
    let head = |status, sent_key| {
        cause(Situation { sent_key, ..situation(Operation::HeadObject, status, "") })
    };
    assert_eq!(head(400, SentKey::Target), Cause::WrongKey);
    assert_eq!(head(400, SentKey::None), Cause::KeyNeeded);
    assert_eq!(head(403, SentKey::Target), Cause::PolicyOrRights);
    assert_eq!(head(405, SentKey::Target), Cause::NoSuchKey);
}

#[test]
fn a_missing_key_and_a_damaged_one_are_told_apart() {
    let argument = |operation, sent_key, tail: &str| {
        let message = format!("{NEEDS} {tail}");
        let one = situation(operation, 400, "InvalidArgument");
        cause(Situation { sent_key, message: Some(&message), ..one })
    };
    let algorithm = "a valid encryption algorithm.";
    use Operation as Op;
    assert_eq!(argument(Op::GetObject, SentKey::None, algorithm), Cause::KeyNeeded);
    assert_eq!(argument(Op::UploadPart, SentKey::None, algorithm), Cause::KeyNeeded);
    assert_eq!(argument(Op::CopyObject, SentKey::Target, algorithm), Cause::KeyNeeded);
    let both = SentKey::TargetAndSource;
    assert_eq!(argument(Op::CopyObject, both, algorithm), Cause::IncompleteHeaders);
    assert_eq!(argument(Op::GetObject, SentKey::Target, algorithm), Cause::IncompleteHeaders);
    for tail in ["an appropriate secret key.", "an appropriate secret key md5."] {
        assert_eq!(argument(Op::PutObject, SentKey::Target, tail), Cause::IncompleteHeaders);
    }
}

#[test]
fn an_md5_mismatch_is_another_key_only_where_one_exists() {
    let md5 = |operation, sent_key| {
        let one = situation(operation, 400, "InvalidArgument");
        cause(Situation { sent_key, message: Some(MD5), ..one })
    };
    for operation in [Operation::GetObject, Operation::UploadPart] {
        assert_eq!(md5(operation, SentKey::Target), Cause::WrongKey);
    }
    assert_eq!(md5(Operation::CopyObject, SentKey::TargetAndSource), Cause::WrongKey);
    assert_eq!(md5(Operation::PutObject, SentKey::Target), Cause::IncompleteHeaders);
    assert_eq!(md5(Operation::CreateMultipartUpload, SentKey::Target), Cause::IncompleteHeaders);
}

#[test]
fn invalid_request_means_the_proxy_only_where_keys_are_at_stake() {
    let request = |operation, sent_key, message| {
        let one = situation(operation, 400, "InvalidRequest");
        cause(Situation { sent_key, message, ..one })
    };
    let proxy = Cause::TlsTerminatedByUntrustedProxy;
    assert_eq!(request(Operation::GetObject, SentKey::None, None), proxy);
    assert_eq!(request(Operation::UploadPart, SentKey::Target, None), proxy);
    assert_eq!(request(Operation::PutBucketCors, SentKey::None, None), Cause::Other);
    let itself = "This copy request is illegal because it is trying to copy an object to itself";
    let copied = request(Operation::CopyObject, SentKey::TargetAndSource, Some(itself));
    assert_eq!(copied, Cause::Other);
}

#[test]
fn words_never_repeat_a_message_that_could_hold_the_request() {
    for code in ["Odd", "InternalError", "InvalidRequest", "AccessDenied", "InvalidArgument"] {
        let one = situation(Operation::PutObject, 400, code);
        let advice = explain(&Situation { message: Some("c2VjcmV0"), ..one });
        assert!(!format!("{advice:?}").contains("c2VjcmV0"), "{advice:?}");
    }
    let strange = explain(&situation(Operation::PutObject, 499, "<b>\u{1b}[0m"));
    assert_eq!(strange.what, "the gateway answered status 499");
    let located = Situation {
        message: Some("At character offset 24, `2018-05-24`\nis not a valid version."),
        ..situation(Operation::PutBucketPolicy, 400, "InvalidArgument")
    };
    assert!(explain(&located).what.ends_with("`2018-05-24` is not a valid version."));
}

#[test]
fn a_refusal_is_not_what_passes_or_may_follow_a_deed() {
    for status in [301, 400, 403, 404, 405, 412, 416, 501] {
        assert!(is_refusal(status), "{status}");
    }
    for status in [200, 206, 408, 429, 500, 502, 503, 504] {
        assert!(!is_refusal(status), "{status}");
    }
}
