//! Each way in which it must not work.

use harness::lab::new_master;
use harness::{Bucket, Gateway, content, live, scratch_dir};
use s3_ssec::core::endpoint::{EndpointError, PlainHttp};
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec::{
    Broken, CallError, Client, Existing, GetError, GetOptions, PutError, PutOptions, SetupError,
    Source, Watch,
};

live![
    plain_http_is_never_spoken,
    a_gateway_of_an_unknown_authority_is_refused,
    a_plain_object_is_not_delivered_as_encrypted,
    a_missing_object_and_a_missing_bucket_are_named,
    an_existing_object_is_kept_on_request,
    an_existing_file_is_kept,
    a_stopped_upload_leaves_nothing,
    a_file_that_changes_is_not_uploaded,
];

async fn plain_http_is_never_spoken(_: &'static Gateway) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut options = s3_ssec::Options::default();
    options.endpoint = Some(endpoint.clone());
    let refused = Client::connect(&options).await;
    assert!(
        matches!(refused, Err(SetupError::Endpoint(EndpointError::PlainHttp(ref url))) if *url == endpoint),
        "{refused:?}"
    );
    options.plain_http = PlainHttp::LoopbackOnly;
    assert!(Client::connect(&options).await.is_ok());
    let silence = tokio::time::timeout(std::time::Duration::from_millis(300), listener.accept());
    assert!(silence.await.is_err(), "somebody connected without TLS");
}

async fn a_gateway_of_an_unknown_authority_is_refused(gateway: &'static Gateway) {
    let mut options = gateway.options();
    options.ca_bundle = None;
    let client = Client::connect(&options).await.unwrap();
    let refused = client.list_buckets().await;
    assert!(matches!(refused, Err(CallError::Broken(Broken::Certificate(_)))), "{refused:?}");
}

async fn a_plain_object_is_not_delivered_as_encrypted(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    bucket.put_plain("plain", b"in the clear").await;
    let (keys, name) = (new_master(), bucket.object("plain"));
    let target = directory.join("target");
    let mut options = GetOptions::default();
    let refused = bucket.client.get_file(&keys, &name, &target, &options, &Watch::default()).await;
    assert!(matches!(refused, Err(GetError::NotEncrypted(_))), "{refused:?}");
    assert_eq!(directory.names(), Vec::<String>::new());
    options.read.accept_plain = true;
    let received = bucket.client.get_file(&keys, &name, &target, &options, &Watch::default()).await;
    assert!(received.unwrap().key.is_none());
    assert_eq!(std::fs::read(target).unwrap(), b"in the clear");
    bucket.remove().await;
}

async fn a_missing_object_and_a_missing_bucket_are_named(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let keys = new_master();
    let missing = bucket.client.stat(&keys, &bucket.object("missing"), &Default::default()).await;
    assert!(matches!(missing, Err(GetError::NotFound(_))));
    let nowhere = BucketName::parse("there-is-no-such-bucket").unwrap();
    let name = ObjectName::new(nowhere, ObjectKey::parse("a").unwrap());
    let source = Source::Bytes(vec![1].into());
    let (options, watch) = (PutOptions::default(), Watch::default());
    let put = bucket.client.put(keys.writer(), &name, source, &options, &watch).await;
    let Err(PutError::Call(error)) = put else { panic!("{put:?}") };
    assert_eq!(error.code(), Some("NoSuchBucket"));
    bucket.remove().await;
}

async fn an_existing_object_is_kept_on_request(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let (keys, name, watch) = (new_master(), bucket.object("kept"), Watch::default());
    let mut options = PutOptions::default();
    let first = Source::Bytes(b"first".to_vec().into());
    bucket.client.put(keys.writer(), &name, first, &options, &watch).await.unwrap();
    options.existing = Existing::Keep;
    let second = Source::Bytes(b"second".to_vec().into());
    let refused = bucket.client.put(keys.writer(), &name, second, &options, &watch).await;
    assert!(matches!(refused, Err(PutError::Exists(_))), "{refused:?}");
    let mut content = Vec::new();
    let options = GetOptions::default();
    let get = bucket.client.get_stream(&keys, &name, &mut content, &options, &watch);
    get.await.unwrap();
    assert_eq!(content, b"first");
    bucket.remove().await;
}

async fn an_existing_file_is_kept(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let (keys, name, watch) = (new_master(), bucket.object("a"), Watch::default());
    let source = Source::Bytes(b"from the bucket".to_vec().into());
    bucket.client.put(keys.writer(), &name, source, &PutOptions::default(), &watch).await.unwrap();
    let target = directory.file("target", b"from here");
    let mut options = GetOptions::default();
    let refused = bucket.client.get_file(&keys, &name, &target, &options, &watch).await;
    assert!(matches!(refused, Err(GetError::Exists(_))), "{refused:?}");
    assert_eq!(std::fs::read(&target).unwrap(), b"from here");
    options.replace = true;
    bucket.client.get_file(&keys, &name, &target, &options, &watch).await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"from the bucket");
    assert_eq!(directory.names(), ["target"]);
    let nowhere = directory.join("no-such-directory/target");
    let refused = bucket.client.get_file(&keys, &name, &nowhere, &options, &watch).await;
    assert!(matches!(refused, Err(GetError::Target { .. })), "{refused:?}");
    bucket.remove().await;
}

async fn a_stopped_upload_leaves_nothing(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let path = directory.file("source", &content(1, 48 << 20));
    let (keys, name) = (new_master(), bucket.object("stopped"));
    let mut options = PutOptions::default();
    (options.part_size, options.in_flight) = (8 << 20, 1);
    let stop = Watch::default();
    let stopper = stop.clone();
    let watch = stop.reporting_to(std::sync::Arc::new(move |_| stopper.stop()));
    let put = bucket.client.put(keys.writer(), &name, Source::Path(path), &options, &watch).await;
    assert!(matches!(put, Err(PutError::Stopped)), "{put:?}");
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_file_that_changes_is_not_uploaded(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    for grow in [true, false] {
        let path = directory.file("source", &content(1, 48 << 20));
        let (keys, name) = (new_master(), bucket.object("changed"));
        let mut options = PutOptions::default();
        (options.part_size, options.in_flight) = (8 << 20, 1);
        let changing = path.clone();
        let watch = Watch::new(std::sync::Arc::new(move |_| {
            let file = std::fs::OpenOptions::new().write(true).open(&changing).unwrap();
            file.set_len(if grow { 60 << 20 } else { 20 << 20 }).unwrap();
        }));
        let put = bucket.client.put(keys.writer(), &name, Source::Path(path), &options, &watch);
        let put = put.await;
        assert!(matches!(put, Err(PutError::SourceChanged { .. })), "grow {grow}: {put:?}");
        bucket.assert_empty().await;
    }
    bucket.remove().await;
}
