//! Clients of `aws-sdk-s3` that key every request: what they do, and what they refuse.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use harness::lab::{new_direct, new_master};
use harness::{Asked, Bucket, Deed, Gateway, Moto, Proxy, content, live, scratch_dir};
use s3_ssec::core::key::CustomerKey;
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::sdk::{Keyed, KeyedError, SseCustomer as _};
use s3_ssec::{
    Client, GetOptions, ObjectState, Options, PutOptions, ReadOptions, RepairError, RepairOptions,
    Source, StateDir, Verification, Watch, WithoutKey,
};
use std::collections::BTreeSet;
use std::sync::Arc;

live![
    a_keyed_client_derives_and_describes,
    a_streamed_put_is_described_later,
    a_keyed_client_uploads_in_parts,
    a_keyed_client_says_what_it_does_not_do,
    a_keyed_client_believes_only_the_echo,
    a_keyed_client_leaves_alone_what_is_not_its_own,
    no_key_goes_astray,
    a_program_keeps_its_own_configuration,
];

fn keyed(client: &Client, keys: &Arc<Keyring>) -> aws_sdk_s3::Client {
    Keyed::new(client.clone(), Arc::clone(keys)).client()
}

async fn a_keyed_client_derives_and_describes(gateway: &'static Gateway) {
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let bucket = Bucket::at(proxy.client().await).await;
    let (watch, name) = (Watch::default(), bucket.name.as_str());
    for keys in [new_master(), new_direct()].map(Arc::new) {
        let s3 = keyed(&bucket.client, &keys);
        let put = |body| s3.put_object().bucket(name).key("a").tagging("case=7").body(body);
        put(ByteStream::from(content(1, 5000))).send().await.unwrap();
        put(ByteStream::from(content(2, 6000))).send().await.unwrap();
        // What it wrote this crate reads, verified, and the other tag is there too.
        let object = bucket.object("a");
        let stat = bucket.client.stat(&keys, &object, &ReadOptions::default()).await.unwrap();
        assert_eq!(stat.state, ObjectState::Described);
        assert_eq!(stat.tags.unwrap(), [("case".to_owned(), "7".to_owned())]);
        let options = GetOptions::default();
        let read = bucket.client.verify(&keys, &object, &options, &watch).await.unwrap();
        assert!(read.verification.is_verified(), "{:?}", read.verification);
        // What this crate wrote it reads.
        let source = Source::Bytes(content(3, 700).into());
        let (key, options) = (keys.writer(), PutOptions::default());
        bucket.client.put(key, &bucket.object("b"), source, &options, &watch).await.unwrap();
        let get =
            s3.get_object().bucket(name).key("b").range("bytes=100-199").send().await.unwrap();
        assert_eq!(get.body.collect().await.unwrap().to_vec(), content(3, 700)[100..200]);
        assert!(s3.head_object().bucket(name).key("a").send().await.is_ok());
        let absent = s3.get_object().bucket(name).key("c").send().await.unwrap_err();
        assert!(absent.as_service_error().unwrap().is_no_such_key(), "{absent:?}");
        // Another keyring opens neither, and sends no key.
        let before = proxy.seen().len();
        let stranger = keyed(&bucket.client, &Arc::new(new_master()));
        let refused = stranger.get_object().bucket(name).key("a").send().await.unwrap_err();
        assert!(matches!(KeyedError::of(&refused), Some(KeyedError::Read(_))), "{refused:?}");
        assert!(proxy.seen()[before..].iter().all(|asked| asked.key_headers().is_empty()));
    }
    let puts = proxy.seen();
    let puts = puts.iter().filter(|a| a.operation() == "PutObject" && a.object() == "a");
    let md5s: Vec<_> = puts.map(|asked| asked.key_md5().unwrap().to_owned()).collect();
    assert_eq!((md5s.len(), md5s.iter().collect::<BTreeSet<_>>().len()), (4, 3), "{md5s:?}");
    bucket.remove().await;
}

async fn a_streamed_put_is_described_later(gateway: &'static Gateway) {
    let (bucket, keys, files) = (Bucket::new(gateway).await, Arc::new(new_master()), scratch_dir());
    let (s3, name) = (keyed(&bucket.client, &keys), bucket.name.as_str());
    let body = ByteStream::from_path(files.file("a", &content(12, 200_000))).await.unwrap();
    s3.put_object().bucket(name).key("a").body(body).send().await.unwrap();
    let (object, watch) = (bucket.object("a"), Watch::default());
    let stat = bucket.client.stat(&keys, &object, &ReadOptions::default()).await.unwrap();
    assert_eq!(stat.state, ObjectState::Pending);
    let place = S3Address::parse(&bucket.url("a")).unwrap();
    let mut options = RepairOptions::default();
    let repaired = bucket.client.repair(&keys, &place, &options, &watch).await.unwrap();
    assert!(matches!(repaired.failed[..], [(_, RepairError::NoEvidence(_))]), "{repaired:?}");
    options.accept_content = true;
    let repaired = bucket.client.repair(&keys, &place, &options, &watch).await.unwrap();
    assert_eq!(repaired.accepted, ["a"], "{repaired:?}");
    let read = bucket.client.verify(&keys, &object, &GetOptions::default(), &watch).await.unwrap();
    // What was completed from what the gateway holds was accepted.
    assert!(matches!(read.verification, Verification::VerifiedSince { .. }), "{read:?}");
    assert_eq!(read.size, 200_000);
    bucket.remove().await;
}

async fn a_keyed_client_uploads_in_parts(gateway: &'static Gateway) {
    let (bucket, state, keys) = (Bucket::new(gateway).await, scratch_dir(), Arc::new(new_master()));
    let client = bucket.client.clone().with_state(StateDir::new(state.path()));
    let (s3, name) = (keyed(&client, &keys), bucket.name.as_str());
    let create = || s3.create_multipart_upload().bucket(name).key("parts");
    let without = keyed(&bucket.client, &keys).create_multipart_upload().bucket(name).key("parts");
    let refused = without.send().await.unwrap_err();
    assert!(matches!(KeyedError::of(&refused), Some(KeyedError::NoLedger(_))), "{refused:?}");
    let id = create().send().await.unwrap().upload_id.unwrap();
    let bytes = content(9, 11 << 20);
    let mut parts = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(bytes.chunks(6 << 20)) {
        let upload = s3.upload_part().bucket(name).key("parts").upload_id(&id).part_number(number);
        let done = upload.body(ByteStream::from(part.to_vec())).send().await.unwrap();
        parts = parts
            .parts(CompletedPart::builder().part_number(number).e_tag(done.e_tag.unwrap()).build());
    }
    let list = s3.list_parts().bucket(name).key("parts").upload_id(&id).send().await.unwrap();
    assert_eq!(list.parts().len(), 2);
    // Another client does not know the key of this upload.
    let stranger = keyed(&client, &keys).upload_part().bucket(name).key("parts").upload_id(&id);
    let refused = stranger.part_number(3).send().await.unwrap_err();
    assert!(matches!(KeyedError::of(&refused), Some(KeyedError::UnknownUpload(_))));
    let complete = s3.complete_multipart_upload().bucket(name).key("parts").upload_id(&id);
    complete.multipart_upload(parts.build()).send().await.unwrap();
    let object = bucket.object("parts");
    assert!(matches!(client.head_without_key(&object, None).await, Ok(WithoutKey::KeyNeeded)));
    let read = s3.get_object().bucket(name).key("parts").send().await.unwrap();
    assert!(read.body.collect().await.unwrap().to_vec() == bytes);
    // Its record is pending, on RGW 16 and 18 gone; what the gateway holds is accepted on request.
    let place = S3Address::parse(&format!("s3://{name}/parts")).unwrap();
    let mut accepting = RepairOptions::default();
    accepting.accept_content = true;
    let repaired = client.repair(&keys, &place, &accepting, &Watch::default()).await.unwrap();
    assert_eq!(repaired.accepted, ["parts"], "{repaired:?}");
    let options = GetOptions::default();
    client.verify(&keys, &object, &options, &Watch::default()).await.unwrap();
    // An upload that is given up is forgotten.
    let id = create().send().await.unwrap().upload_id.unwrap();
    let abort = s3.abort_multipart_upload().bucket(name).key("parts").upload_id(&id);
    abort.send().await.unwrap();
    let part = s3.upload_part().bucket(name).key("parts").upload_id(&id).part_number(1).send();
    assert!(matches!(KeyedError::of(&part.await.unwrap_err()), Some(KeyedError::UnknownUpload(_))));
    bucket.remove().await;
}

async fn a_keyed_client_says_what_it_does_not_do(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, Arc::new(new_master()));
    let (s3, name) = (keyed(&bucket.client, &keys), bucket.name.as_str());
    let body = || ByteStream::from_static(b"content");
    s3.put_object().bucket(name).key("a").body(body()).send().await.unwrap();
    let record = bucket.record("a").await.unwrap();
    macro_rules! refused {
        ($call:expr) => {{
            let error = $call.await.map(drop).unwrap_err();
            assert!(
                matches!(
                    KeyedError::of(&error),
                    Some(KeyedError::NotOffered { .. } | KeyedError::TwoKeys(_))
                ),
                "{error:?}"
            );
        }};
    }
    refused!(s3.copy_object().bucket(name).key("b").copy_source(format!("{name}/a")).send());
    refused!(s3.delete_object_tagging().bucket(name).key("a").send());
    let tagging = |key: &str, value: &str| {
        let tag = aws_sdk_s3::types::Tag::builder().key(key).value(value).build().unwrap();
        aws_sdk_s3::types::Tagging::builder().tag_set(tag).build().unwrap()
    };
    let tag = |tagging| s3.put_object_tagging().bucket(name).key("a").tagging(tagging).send();
    refused!(tag(tagging("case", "7")));
    tag(tagging("s3-ssec", &record)).await.unwrap();
    let aes = aws_sdk_s3::types::ServerSideEncryption::Aes256;
    let put = || s3.put_object().bucket(name).key("b").body(body());
    refused!(put().server_side_encryption(aes).send());
    let key = CustomerKey::generate().unwrap();
    assert!(put().sse_customer(&key).send().await.is_err(), "a key beside the derived one");
    let lifetime = std::time::Duration::from_secs(60);
    let presigning = aws_sdk_s3::presigning::PresigningConfig::expires_in(lifetime).unwrap();
    refused!(put().presigned(presigning.clone()));
    let get = s3.get_object().bucket(name).key("a").presigned(presigning).await.unwrap();
    assert!(!get.uri().contains("customer-key="), "a key in an address");
    assert!(get.headers().any(|(name, _)| name.ends_with("customer-key")));
    assert_eq!(bucket.keys().await, ["a"]);
    bucket.remove().await;
}

async fn a_keyed_client_believes_only_the_echo(gateway: &'static Gateway) {
    let lie = |asked: &Asked| if asked.is_trial() { Deed::Pass } else { Deed::StripEcho };
    let proxy = Proxy::new(gateway, lie).await;
    let (bucket, keys) = (Bucket::new(gateway).await, Arc::new(new_master()));
    let name = bucket.name.as_str();
    let honest = keyed(&bucket.client, &keys);
    let body = || ByteStream::from_static(b"content");
    honest.put_object().bucket(name).key("a").body(body()).send().await.unwrap();
    let lied_to = keyed(&proxy.client().await, &keys);
    macro_rules! not_proved {
        ($call:expr) => {{
            let error = $call.send().await.map(drop).unwrap_err();
            assert!(
                matches!(KeyedError::of(&error), Some(KeyedError::NotProved { .. })),
                "{error:?}"
            );
        }};
    }
    not_proved!(lied_to.put_object().bucket(name).key("b").body(body()));
    not_proved!(lied_to.get_object().bucket(name).key("a"));
    not_proved!(lied_to.head_object().bucket(name).key("a"));
    // One that has never heard of customer keys takes no object: the trial comes first.
    let moto = Moto::start().await;
    let proxy = Proxy::before(moto.address, |_| Deed::Pass).await;
    let deaf = Bucket::at(proxy.client().await).await;
    let put = keyed(&deaf.client, &keys).put_object().bucket(deaf.name.as_str()).key("a");
    let error = put.body(body()).send().await.unwrap_err();
    assert!(matches!(KeyedError::of(&error), Some(KeyedError::Trial(_))), "{error:?}");
    deaf.assert_empty().await;
    bucket.remove().await;
}

async fn a_keyed_client_leaves_alone_what_is_not_its_own(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, Arc::new(new_master()));
    let name = bucket.name.as_str();
    let secret = Keyed::choosing(bucket.client.clone(), move |object| {
        object.key.as_str().starts_with("secret/").then(|| Arc::clone(&keys))
    });
    let s3 = secret.client();
    for key in ["secret/a", "public/a"] {
        s3.put_object()
            .bucket(name)
            .key(key)
            .body(ByteStream::from_static(b"1"))
            .send()
            .await
            .unwrap();
        assert!(s3.get_object().bucket(name).key(key).send().await.is_ok());
    }
    let plain = bucket.client.sdk();
    assert!(plain.get_object().bucket(name).key("public/a").send().await.is_ok());
    assert!(plain.get_object().bucket(name).key("secret/a").send().await.is_err());
    // An object in the clear where keys belong is not read for one that is encrypted.
    bucket.put_plain("secret/b", b"2").await;
    let error = s3.get_object().bucket(name).key("secret/b").send().await.unwrap_err();
    assert!(matches!(KeyedError::of(&error), Some(KeyedError::Read(_))), "{error:?}");
    bucket.remove().await;
}

async fn no_key_goes_astray(gateway: &'static Gateway) {
    let (bucket, keys) = (Bucket::new(gateway).await, Arc::new(new_master()));
    let name = bucket.name.as_str();
    let elsewhere = Proxy::new(gateway, |_| Deed::Pass).await;
    let place = elsewhere.endpoint.clone();
    let redirecting = Proxy::new(gateway, move |asked| match asked.key_headers().is_empty() {
        true => Deed::Pass,
        false => {
            let location = format!("{place}{}", asked.path);
            Deed::Answer(307, vec![("location", location)], String::new())
        }
    });
    let redirecting = redirecting.await;
    let astray = redirecting.client().await;
    let body = || ByteStream::from_static(b"content");
    let key = CustomerKey::generate().unwrap();
    let once = astray.sdk().put_object().bucket(name).key("a").body(body()).sse_customer(&key);
    assert!(once.send().await.is_err());
    let put = keyed(&astray, &keys).put_object().bucket(name).key("a").body(body());
    assert!(put.send().await.is_err());
    assert!(redirecting.seen().iter().any(|asked| !asked.key_headers().is_empty()));
    // Another endpoint for one request is another gateway.
    let other = aws_sdk_s3::config::Builder::new().endpoint_url(&elsewhere.endpoint);
    let put = keyed(&bucket.client, &keys).put_object().bucket(name).key("a").body(body());
    let refused = put.customize().config_override(other).send().await.unwrap_err();
    assert!(matches!(KeyedError::of(&refused), Some(KeyedError::OtherGateway(_))), "{refused:?}");
    assert!(elsewhere.seen().is_empty(), "{:?}", elsewhere.operations());
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_program_keeps_its_own_configuration(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let programs = bucket.client.sdk().config().to_builder();
    let programs = programs.app_name(aws_sdk_s3::config::AppName::new("a-program").unwrap());
    let proxy = Proxy::new(gateway, |_| Deed::Pass).await;
    let client = Client::over(&programs.build(), &proxy.options()).await.unwrap();
    let (keys, watch) = (new_master(), Watch::default());
    let source = Source::Bytes(content(4, 100).into());
    let object = bucket.object("a");
    client.put(keys.writer(), &object, source, &PutOptions::default(), &watch).await.unwrap();
    client.verify(&keys, &object, &GetOptions::default(), &watch).await.unwrap();
    let seen = proxy.seen();
    let agent = |asked: &Asked| asked.header("user-agent").unwrap_or_default().to_owned();
    assert!(seen.iter().any(|asked| agent(asked).contains("a-program")), "{:?}", agent(&seen[0]));
    let mut plain = Options::default();
    plain.endpoint = Some("http://gateway.example.org".to_owned());
    let config = bucket.client.sdk().config();
    assert!(Client::over(config, &plain).await.is_err(), "plain HTTP was accepted");
    bucket.remove().await;
}
