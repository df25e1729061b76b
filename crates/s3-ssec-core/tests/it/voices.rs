//! Types that hold secrets have no voice, and what those around them say is pinned.

use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::{ContentHasher, ContentKey, ContentTree, PieceHasher};
use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
use s3_ssec_core::foreign::Found;
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::key::{CustomerKey, Key, Kind, MasterKey};
use s3_ssec_core::keyfile::{Entry, KeyFile};
use s3_ssec_core::keyring::{Keyring, Seal};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::record::{Content, OpenedRecord};
use s3_ssec_core::request::{Place, UnsignedRequest};
use s3_ssec_core::sigv4::{Lifetime, Signer};
use s3_ssec_core::timestamp::Timestamp;
use static_assertions::assert_not_impl_any;
use std::fmt::{Debug, Display};

/// No way to print, write down or multiply it.
macro_rules! silent {
    ($($secret:ty),+ $(,)?) => {
        $(assert_not_impl_any!($secret: Debug, Display, Clone, serde::Serialize, PartialEq);)+
    };
}

silent!(
    CustomerKey,
    MasterKey,
    Key,
    Keyring,
    KeyFile,
    Entry,
    Found,
    TargetKeyHeaders,
    SourceKeyHeaders,
    ContentKey,
    ContentHasher,
    PieceHasher,
    ContentTree,
    OpenedRecord,
    SecretAccessKey,
);
assert_not_impl_any!(Seal<'static>: Debug, Display, Clone, serde::Serialize);
#[cfg(feature = "words")]
silent!(s3_ssec_core::words::Words);
#[cfg(feature = "shares")]
silent!(s3_ssec_core::shares::Share);

/// The secret key of the account, in text.
const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY";

fn signer() -> Signer {
    let secret = SecretAccessKey::from_bytes(SECRET.as_bytes()).unwrap();
    let credentials = Credentials::new("AKID", secret, Some("session")).unwrap();
    Signer::new(credentials, "us-east-1").unwrap()
}

fn name() -> ObjectName {
    ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse("a").unwrap())
}

#[test]
fn what_carries_a_key_says_names_only() {
    let endpoint = Endpoint::parse("https://x.org", PlainHttp::Refuse).unwrap();
    let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap();
    let seal = Seal::new(&key, name(), Nonce::parse("6b043d805a").unwrap());
    let (headers, time) =
        (TargetKeyHeaders::of(&seal.customer_key()), Timestamp::from_unix_seconds(0));
    let request = || {
        let place = Place::Object(seal.name());
        UnsignedRequest::new(http::Method::PUT, &endpoint, place).unwrap().key(&headers)
    };
    let (algorithm, value, md5) = {
        let [a, b, c] = headers.pairs().map(|(name, _)| name);
        (a, b, c)
    };
    let mut signer = signer();
    assert_eq!(format!("{signer:?}"), "Signer(Credentials(AKID), us-east-1)");
    let unsigned = format!("{:?}", request());
    let names = format!("[{algorithm:?}, {value:?}, {md5:?}]");
    assert_eq!(unsigned, format!("UnsignedRequest(PUT https://x.org/bucket/a {names})"));
    let signed = format!("{:?}", signer.sign(request(), time));
    assert!(signed.starts_with("SignedRequest(PUT https://x.org/bucket/a ["), "{signed}");
    let presigned = signer.presign(request(), time, Lifetime::from_seconds(60).unwrap());
    let presigned = format!("{presigned:#?}");
    let record = seal.record(Content::Pending);
    let all =
        [unsigned, signed, presigned, format!("{record:?}"), format!("{:?}", headers.key_md5())];
    let secrets = headers.pairs().map(|(_, value)| value.to_owned());
    for said in all {
        // The algorithm is no secret, and the other two values are.
        assert!(secrets[1..2].iter().all(|secret| !said.contains(secret)), "{said}");
        assert!(!said.contains(SECRET) && !said.contains("Signature"), "{said}");
    }
}

#[test]
fn what_describes_a_content_does_not_show_it() {
    let key = Key::from_bytes(Kind::Master, &[7; 32]).unwrap();
    let mut hasher = ContentHasher::new(&key.content_key());
    hasher.update(b"attack at dawn");
    let digest = hasher.finish();
    assert_eq!(format!("{digest:?}"), "ContentDigest(..)");
    let known = Content::of_source(14, digest);
    let debug = "Known(KnownContent { size: 14, digest: ContentDigest(..), provenance: Source })";
    assert_eq!(format!("{known:?}"), debug);
}
