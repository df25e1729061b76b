//! A gateway that garbles what it copies: every byte of the copy is another one, and the answer is that
//! of a good copy.

use super::{Asked, CUSTOMER, Deed};
use crate::lab::Gateway;

/// Headers of the key that opens the source of a copy.
const SOURCE: &str = "x-amz-copy-source-server-side-encryption-customer-";

/// Makes the copy that is asked for, garbled. Another request passes.
pub fn garbled_copy(gateway: &'static Gateway, asked: &Asked) -> Deed {
    match asked.operation() {
        "CopyObject" => {
            let asked = asked.clone();
            let copy = move || {
                let mut runtime = tokio::runtime::Builder::new_current_thread();
                runtime.enable_all().build().unwrap().block_on(copy(gateway, &asked))
            };
            std::thread::spawn(copy).join().unwrap()
        }
        _ => Deed::Pass,
    }
}

/// As [`garbled_copy`]; the answer names no version, as that of RGW 20.2.4.
pub fn unnamed_garbled_copy(gateway: &'static Gateway, asked: &Asked) -> Deed {
    match garbled_copy(gateway, asked) {
        Deed::Answer(status, mut headers, body) => {
            headers.retain(|(name, _)| *name != "x-amz-version-id");
            Deed::Answer(status, headers, body)
        }
        deed => deed,
    }
}

async fn copy(gateway: &Gateway, asked: &Asked) -> Deed {
    let header = |name: &str| asked.header(name).unwrap_or_default().to_owned();
    let key = |prefix: &str| {
        let part = |name: &str| header(&format!("{prefix}{name}"));
        (part("algorithm"), part("key"), part("key-md5"))
    };
    let source = header("x-amz-copy-source");
    let (path, version) = match source.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (source.as_str(), None),
    };
    let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap();
    let (bucket, from) = path.trim_start_matches('/').split_once('/').unwrap();
    let (client, (algorithm, wire, md5)) = (gateway.client().await, key(SOURCE));
    let get = client.sdk().get_object().bucket(bucket).key(from).set_version_id(version);
    let get =
        get.sse_customer_algorithm(algorithm).sse_customer_key(wire).sse_customer_key_md5(md5);
    let content = get.send().await.unwrap().body.collect().await.unwrap().to_vec();
    let garbled: Vec<u8> = content.into_iter().map(|byte| byte ^ 0x55).collect();
    let target = asked.path.trim_start_matches('/').split('/').next().unwrap();
    let (algorithm, wire, md5) = key(CUSTOMER);
    let put = client.sdk().put_object().bucket(target).key(asked.object()).body(garbled.into());
    let put = put.set_tagging(asked.header("x-amz-tagging").map(str::to_owned));
    let put = put.sse_customer_algorithm(&algorithm).sse_customer_key(wire);
    let put = put.sse_customer_key_md5(&md5).send().await.unwrap();
    let mut headers = vec![
        ("content-type", "application/xml".to_owned()),
        ("x-amz-server-side-encryption-customer-algorithm", algorithm),
        ("x-amz-server-side-encryption-customer-key-md5", md5),
    ];
    headers.extend(put.version_id.map(|id| ("x-amz-version-id", id)));
    let etag = put.e_tag.unwrap_or_default();
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CopyObjectResult>\
         <LastModified>2026-11-30T15:00:00.000Z</LastModified><ETag>{etag}</ETag></CopyObjectResult>"
    );
    Deed::Answer(200, headers, body)
}
