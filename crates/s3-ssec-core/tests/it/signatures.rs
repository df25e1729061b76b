//! Our signatures against those of AWS's own crate, for requests that a generator made up.

use aws_credential_types::Credentials as TheirCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;
use s3_ssec_core::credentials::{Credentials, SecretAccessKey};
use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
use s3_ssec_core::headers::{SourceKeyHeaders, TargetKeyHeaders};
use s3_ssec_core::key::CustomerKey;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec_core::request::{Payload, Place, RequestError, SignedRequest, UnsignedRequest};
use s3_ssec_core::sigv4::{Lifetime, Signer};
use s3_ssec_core::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What the generator chooses.
#[derive(Debug)]
struct Made {
    method: http::Method,
    key: String,
    parameters: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    keys: [[u8; 32]; 2],
    body: Option<Vec<u8>>,
    token: Option<String>,
    seconds: u64,
}

fn made() -> impl Strategy<Value = Made> {
    let method = prop_oneof![
        Just(http::Method::GET),
        Just(http::Method::PUT),
        Just(http::Method::POST),
        Just(http::Method::DELETE)
    ];
    let parameters = prop::collection::btree_map("[a-zA-Z][a-zA-Z0-9-]{0,8}", "\\PC{0,12}", 0..5);
    let headers = prop::collection::btree_map(
        "(x-amz-meta|[a-wyz])-[a-z0-9]{1,6}",
        "[!-~]{1,5}( {1,2}[!-~]{1,5}){0,2}",
        0..5,
    );
    let body = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let token = prop::option::of("[A-Za-z0-9/+=]{1,40}");
    let rest = (any::<[[u8; 32]; 2]>(), body, token, 0_u64..4_000_000_000);
    (method, "\\PC{1,40}", parameters, headers, rest).prop_map(
        |(method, key, parameters, headers, (keys, body, token, seconds))| Made {
            method,
            key,
            parameters,
            headers,
            keys,
            body,
            token,
            seconds,
        },
    )
}

fn ours(made: &Made) -> Result<UnsignedRequest, RequestError> {
    let endpoint = Endpoint::parse("https://gw.example.org:8443", PlainHttp::Refuse).unwrap();
    let key = ObjectKey::parse(&made.key).unwrap();
    let name = ObjectName::new(BucketName::parse("bucket").unwrap(), key);
    let [target, source] = made.keys.map(|key| CustomerKey::from_bytes(&key).unwrap());
    let mut request = UnsignedRequest::new(made.method.clone(), &endpoint, Place::Object(&name))?
        .key(&TargetKeyHeaders::of(&target))
        .source_key(&SourceKeyHeaders::of(&source))
        .payload(made.body.as_deref().map_or(Payload::Unsigned, Payload::of));
    for (name, value) in &made.parameters {
        request = request.parameter(name.clone(), value)?;
    }
    for (name, value) in &made.headers {
        request = request.header(name, value)?;
    }
    Ok(request)
}

fn signer(made: &Made) -> Signer {
    let secret = SecretAccessKey::from_bytes(SECRET.as_bytes()).unwrap();
    Signer::new(Credentials::new(ID, secret, made.token.as_deref()).unwrap(), "us-east-1").unwrap()
}

/// AWS's signature for what we would send, as the parameters and headers it would add.
fn theirs(
    made: &Made,
    ours: SignedRequest,
    location: SignatureLocation,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = location;
    if location == SignatureLocation::QueryParams {
        settings.expires_in = Some(Duration::from_secs(60));
    } else {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let identity = TheirCredentials::new(ID, SECRET, made.token.clone(), None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(UNIX_EPOCH + Duration::from_secs(made.seconds))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let (method, url, headers) = ours.into_parts();
    // Without what the signature itself adds.
    let (address, query) = url.split_once('?').unwrap_or((&url, ""));
    let unsigned: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("X-Amz-")).collect();
    let url = format!("{address}?{}", unsigned.join("&"));
    let added = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"];
    let given = headers.iter().filter(|(name, _)| !added.contains(&name.as_str()));
    let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
    let body = match (&made.body, location) {
        (Some(body), SignatureLocation::Headers) => SignableBody::Bytes(body),
        _ => SignableBody::UnsignedPayload,
    };
    let request = SignableRequest::new(method.as_str(), url, given, body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let (headers, parameters) = instructions.into_parts();
    let headers =
        headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
    (parameters.collect(), headers.collect())
}

proptest! {
    #[test]
    fn headers_are_signed_as_aws_signs_them(made in made()) {
        let now = Timestamp::from_unix_seconds(made.seconds);
        let Ok(request) = ours(&made) else { return Ok(()) };
        let signed = signer(&made).sign(request, now);
        let again = signer(&made).sign(ours(&made).unwrap(), now);
        let (_, wanted) = theirs(&made, signed, SignatureLocation::Headers);
        let (_, _, headers) = again.into_parts();
        prop_assert!(wanted.contains_key("authorization"));
        for (name, value) in wanted {
            let found = headers.iter().find(|(found, _)| *found == name);
            prop_assert_eq!(found.map(|(_, value)| value.as_str()), Some(&*value), "{}", name);
        }
    }

    #[test]
    fn addresses_are_signed_as_aws_signs_them(made in made()) {
        let now = Timestamp::from_unix_seconds(made.seconds);
        let lifetime = Lifetime::from_seconds(60).unwrap();
        let Ok(request) = ours(&made) else { return Ok(()) };
        let signed = signer(&made).presign(request, now, lifetime).request;
        let again = signer(&made).presign(ours(&made).unwrap(), now, lifetime).request;
        let (wanted, _) = theirs(&made, signed, SignatureLocation::QueryParams);
        let (_, url, _) = again.into_parts();
        let signature = &wanted["X-Amz-Signature"];
        prop_assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{} {:?}", url, wanted);
    }
}
