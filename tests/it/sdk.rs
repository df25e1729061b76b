//! Programs written against `aws-sdk-s3`: a key on every builder that takes one.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    CompressionType, CsvInput, CsvOutput, ExpressionType, InputSerialization, ObjectAttributes,
    OutputSerialization,
};
use harness::{Asked, Bucket, Deed, Gateway, Proxy, live};
use s3_ssec::core::echo::EchoError;
use s3_ssec::core::key::CustomerKey;
use s3_ssec::sdk::{CopySourceSseCustomer as _, SseCustomer as _, VerifyEcho as _};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

live![
    every_operation_of_the_model_carries_its_headers,
    one_key_for_one_request,
    a_request_without_tls_is_not_sent,
];

const TARGET: &str = "x-amz-server-side-encryption-customer-";
const SOURCE: &str = "x-amz-copy-source-server-side-encryption-customer-";

/// The operations whose input has a member of this name, from the source of the SDK itself.
fn operations_with(member: &str) -> BTreeSet<String> {
    let sdk = sdk_source().join("src/operation");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(&sdk).unwrap().map(Result::unwrap) {
        let operation = entry.file_name().into_string().unwrap();
        let input = entry.path().join(format!("_{operation}_input.rs"));
        let text = std::fs::read_to_string(input).unwrap_or_default();
        if text.contains(&format!("pub {member}: ")) {
            found.insert(operation);
        }
    }
    found
}

/// Where cargo has the source of the SDK that these tests were built with.
fn sdk_source() -> PathBuf {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let arguments = ["metadata", "--offline", "--format-version=1", "--manifest-path", manifest];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "aws-sdk-s3").unwrap();
    PathBuf::from(sdk["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

/// What one request carried: the ends of the names of its key headers, and the MD5s.
#[derive(Debug, PartialEq)]
struct Carried {
    target: Option<String>,
    source: Option<String>,
}

fn carried(asked: &Asked) -> Carried {
    let family = |prefix: &str| {
        let names: BTreeSet<_> =
            asked.headers.keys().filter_map(|name| name.as_str().strip_prefix(prefix)).collect();
        if names.is_empty() {
            return None;
        }
        assert_eq!(names, BTreeSet::from(["algorithm", "key", "key-md5"]), "{asked:?}");
        let signed = asked.header("authorization").unwrap();
        for name in names {
            assert!(signed.contains(&format!("{prefix}{name};")), "{name} is not signed");
        }
        Some(asked.header(&format!("{prefix}key-md5")).unwrap().to_owned())
    };
    Carried { target: family(TARGET), source: family(SOURCE) }
}

/// Sends each operation with its keys and gives what the last request of each carried. Whether this
/// gateway offers the operation does not matter: what was sent does.
async fn all_operations(
    proxy: &Proxy,
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &CustomerKey,
    old: &CustomerKey,
) -> BTreeMap<&'static str, Carried> {
    let mut table = BTreeMap::new();
    macro_rules! operation {
        ($name:ident $(.$set:ident($value:expr))* => $($method:ident($with:expr)),+) => {{
            let builder = s3.$name().bucket(bucket).key("object")$(.$set($value))*;
            let _ = builder$(.$method($with))+.send().await;
            table.insert(stringify!($name), carried(proxy.seen().last().unwrap()));
        }};
    }
    let from = format!("{bucket}/object");
    let csv = || InputSerialization::builder().csv(CsvInput::builder().build());
    let input = csv().compression_type(CompressionType::None).build();
    let output = OutputSerialization::builder().csv(CsvOutput::builder().build()).build();
    operation!(put_object.body(ByteStream::from_static(b"1,2\n")) => sse_customer(key));
    operation!(get_object => sse_customer(key));
    operation!(head_object => sse_customer(key));
    operation!(copy_object.copy_source(&from)
        => sse_customer(key), copy_source_sse_customer(old));
    operation!(create_multipart_upload => sse_customer(key));
    operation!(upload_part.upload_id("none").part_number(1) => sse_customer(key));
    operation!(upload_part_copy.upload_id("none").part_number(1).copy_source(&from)
        => copy_source_sse_customer(old), sse_customer(key));
    operation!(list_parts.upload_id("none") => sse_customer(key));
    operation!(complete_multipart_upload.upload_id("none") => sse_customer(key));
    operation!(get_object_attributes.object_attributes(ObjectAttributes::Etag)
        => sse_customer(key));
    operation!(select_object_content.expression("select * from s3object")
        .expression_type(ExpressionType::Sql).input_serialization(input)
        .output_serialization(output) => sse_customer(key));
    table
}

async fn every_operation_of_the_model_carries_its_headers(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let (key, old) = (CustomerKey::generate().unwrap(), CustomerKey::generate().unwrap());
    let s3 = bucket.client.sdk();
    let table = all_operations(&proxy, s3, bucket.name.as_str(), &key, &old).await;
    let both = operations_with("copy_source_sse_customer_algorithm");
    for (operation, carried) in &table {
        let source = both.contains(*operation).then(|| old.md5().to_base64());
        let expected = Carried { target: Some(key.md5().to_base64()), source };
        assert_eq!(*carried, expected, "{operation}");
    }
    // The model is the SDK's own: an operation that learns of customer keys fails here.
    let mut model = operations_with("sse_customer_algorithm");
    // What a Lambda function says of an object. It carries no key.
    assert!(model.remove("write_get_object_response"));
    assert_eq!(table.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), model);
    assert_eq!((model.len(), both.len()), (11, 2));
    assert!(proxy.seen().iter().all(|asked| !asked.query.contains("customer")));
    for upload in
        s3.list_multipart_uploads().bucket(bucket.name.as_str()).send().await.unwrap().uploads()
    {
        let abort = s3.abort_multipart_upload().bucket(bucket.name.as_str()).key("object");
        abort.upload_id(upload.upload_id().unwrap()).send().await.unwrap();
    }
    bucket.remove().await;
}

async fn one_key_for_one_request(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (key, other) = (CustomerKey::generate().unwrap(), CustomerKey::generate().unwrap());
    let (s3, name) = (bucket.client.sdk(), bucket.name.as_str());
    let put = || s3.put_object().bucket(name).key("a").body(ByteStream::from_static(b"content"));
    let stored = put().sse_customer(&key).send().await.unwrap();
    assert!(stored.verify_echo(&key).is_ok());
    assert_eq!(stored.verify_echo(&other), Err(EchoError::OtherKey));
    let get = || s3.get_object().bucket(name).key("a");
    let read = get().sse_customer(&key).send().await.unwrap();
    assert!(read.verify_echo(&key).is_ok());
    assert_eq!(read.body.collect().await.unwrap().to_vec(), b"content");
    assert!(get().sse_customer(&other).send().await.is_err(), "another key opened it");
    assert!(get().send().await.is_err(), "no key opened it");
    // Twice, or beside the SDK's own field: not sent.
    assert!(put().sse_customer(&key).sse_customer(&other).send().await.is_err());
    assert!(put().sse_customer_algorithm("AES256").sse_customer(&other).send().await.is_err());
    assert!(s3.head_object().bucket(name).key("a").sse_customer(&key).send().await.is_ok());
    // The gateway encrypts nothing that it was not asked to: the answer says so.
    let plain = put().send().await.unwrap();
    assert_eq!(plain.verify_echo(&key), Err(EchoError::Missing));
    bucket.remove().await;
}

async fn a_request_without_tls_is_not_sent(gateway: &'static Gateway) {
    let key = CustomerKey::generate().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let config = gateway.client().await.sdk().config().to_builder().endpoint_url(address).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    let put = s3.put_object().bucket("bucket").key("a").body(ByteStream::from_static(b"a"));
    let error = put.sse_customer(&key).send().await.unwrap_err();
    assert!(chain(&error).contains("must not travel in the clear"), "{}", chain(&error));
    let connected = tokio::time::timeout(std::time::Duration::from_millis(300), listener.accept());
    assert!(connected.await.is_err(), "somebody connected");
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
