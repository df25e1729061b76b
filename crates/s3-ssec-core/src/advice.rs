//! What a refusal means, and what to do about it.
//!
//! S3 answers too little for a person: RGW's `InvalidRequest` without a message on an `https`
//! address means that a proxy ended the TLS; a bare 400 on HEAD is a wrong key or a missing one.
//! The table in [`explain`] turns operation, status, code and what was sent into one [`Advice`].
//! Its facts were measured on RGW 16.2.15, 18.2.7 and 20.2.4, or are from the AWS reference.

mod remedy;
mod table;

pub use remedy::Remedy;
pub use table::explain;

/// The S3 call that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the S3 operation of the same name")]
pub enum Operation {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    ListObjects,
    ListObjectVersions,
    ListMultipartUploads,
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
    CopyObject,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    GetObjectAcl,
    PutObjectAcl,
    GetObjectTagging,
    PutObjectTagging,
    GetBucketVersioning,
    GetObjectLockConfiguration,
    GetObjectLegalHold,
    GetObjectRetention,
    GetBucketPolicy,
    PutBucketPolicy,
    DeleteBucketPolicy,
    GetBucketCors,
    PutBucketCors,
    DeleteBucketCors,
}

impl Operation {
    /// HEAD answers have no body, so code and message are missing.
    fn is_head(self) -> bool {
        matches!(self, Operation::HeadBucket | Operation::HeadObject)
    }

    /// Creates an object version, or the upload of one.
    fn starts_object(self) -> bool {
        matches!(
            self,
            Operation::PutObject | Operation::CopyObject | Operation::CreateMultipartUpload
        )
    }

    /// Reads from an object that exists.
    fn copies(self) -> bool {
        matches!(self, Operation::CopyObject | Operation::UploadPartCopy)
    }

    fn puts_document(self) -> bool {
        matches!(self, Operation::PutBucketPolicy | Operation::PutBucketCors)
    }
}

/// Which customer keys went with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentKey {
    /// None.
    None,
    /// The key of the object written or read.
    Target,
    /// That one, and the key of the source of a copy.
    TargetAndSource,
}

/// All that is known of a refused request.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The S3 call.
    pub operation: Operation,
    /// The HTTP status.
    pub status: u16,
    /// The S3 error code, if the answer had one.
    pub code: Option<&'a str>,
    /// The gateway's message, if it was not empty.
    pub message: Option<&'a str>,
    /// Which keys were sent.
    pub sent_key: SentKey,
    /// True if the address was `https`.
    pub secure: bool,
}

/// Why the gateway refused, as far as an answer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// TLS ends at a proxy which the gateway was not told to trust.
    TlsTerminatedByUntrustedProxy,
    /// A customer key, or an object under one, over plain HTTP.
    PlainHttp,
    /// The object is under another customer key.
    WrongKey,
    /// The object is under a customer key and none was sent.
    KeyNeeded,
    /// The three key headers arrived damaged or not all.
    IncompleteHeaders,
    /// Key headers together with a header of another kind of encryption, or for a plain object.
    ConflictingEncryption,
    /// A bucket policy, or the user's rights.
    PolicyOrRights,
    /// SSE-C is switched off for the bucket (AWS, new buckets since April 2026).
    BlockedBySetting,
    /// The clocks differ by more than 15 minutes.
    ClockSkew,
    /// The signature does not fit: a wrong secret key, or a proxy that changes requests.
    BadSignature,
    /// The access key or session token is not known, or has expired.
    UnknownAccessKey,
    /// There is no such bucket.
    NoSuchBucket,
    /// There is no such object or version.
    NoSuchKey,
    /// There is no such multipart upload, or no longer.
    NoSuchUpload,
    /// The bucket has no policy, no CORS configuration, or the object no tags.
    NoSuchSetting,
    /// A policy or CORS document the gateway does not take.
    InvalidDocument,
    /// `If-Match` or `If-None-Match` did not hold.
    PreconditionFailed,
    /// The gateway cannot copy objects under customer keys.
    CopyUnsupported,
    /// Too many requests.
    SlowDown,
    /// The gateway or something behind it is out of order.
    Unavailable,
    /// The gateway does not know this call, or a feature of it.
    NotImplemented,
    /// The bucket is to be found at another address or in another region.
    Redirect,
    /// The bucket's name is taken.
    BucketExists,
    /// The content arrived damaged.
    BadDigest,
    /// A limit or quota was exceeded.
    TooLarge,
    /// A part is missing, too small, or not the one that was sent.
    PartsRefused,
    /// The range is outside of the object.
    Range,
    /// None of the above.
    Other,
}

/// The meaning of a refusal for the customer key that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedKey {
    /// The object is under another one, as RGW and most servers say with 400.
    IsAnother,
    /// The object is under another one if a request without any key is refused with 400. AWS answers
    /// 403 to a wrong key, and to everyone without rights, with a key or without.
    IsAnotherIfNeeded,
    /// Nothing.
    NothingSaid,
}

/// True for the status of a refusal: the gateway did not do it, and would answer the same tomorrow. 408 and
/// 429 pass. From 500 on an error may follow a deed, except 501, and so may one with the status of a success.
pub fn is_refusal(status: u16) -> bool {
    matches!(status, 300..=407 | 409..=428 | 430..=499 | 501)
}

/// Judges the status that a HEAD or GET with a customer key was refused with.
pub fn refused_key(status: u16) -> RefusedKey {
    match status {
        400 => RefusedKey::IsAnother,
        403 => RefusedKey::IsAnotherIfNeeded,
        _ => RefusedKey::NothingSaid,
    }
}

/// One refusal: what happened in words, the cause for a program, and the next step for a front end to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// For branching.
    pub cause: Cause,
    /// What happened: one line, lower case, no full stop.
    pub what: String,
    /// The next step.
    pub remedy: Remedy,
}

#[cfg(test)]
mod tests;
