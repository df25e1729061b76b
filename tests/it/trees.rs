//! Many files: up, down, again, and away.

use harness::lab::new_master;
use harness::{Bucket, Gateway, content, live, scratch_dir};
use s3_ssec::core::keyring::Keyring;
use s3_ssec::core::names::S3Address;
use s3_ssec::{Filter, Item, Summary, TreeError, TreeOptions, Watch};
use std::path::Path;
use std::sync::Arc;

live![
    a_directory_goes_up_and_comes_down,
    what_is_there_and_verified_is_left_alone,
    keys_that_lead_out_of_the_directory_fail,
    a_dry_run_and_filters_touch_nothing_else,
];

fn place(bucket: &Bucket, prefix: &str) -> S3Address {
    S3Address { bucket: bucket.name.clone(), path: prefix.to_owned() }
}

async fn up(
    bucket: &Bucket,
    keys: &Arc<Keyring>,
    directory: &Path,
    options: &TreeOptions,
) -> Summary {
    let to = place(bucket, "p/");
    let (watch, mut ignore) = (Watch::default(), |_: &Item| {});
    let put = bucket.client.put_tree(keys, directory, &to, options, &watch, &mut ignore);
    put.await.unwrap()
}

async fn down(
    bucket: &Bucket,
    keys: &Arc<Keyring>,
    directory: &Path,
    options: &TreeOptions,
) -> Summary {
    let from = place(bucket, "p/");
    let (watch, mut ignore) = (Watch::default(), |_: &Item| {});
    let get = bucket.client.get_tree(keys, &from, directory, options, &watch, &mut ignore);
    get.await.unwrap()
}

fn make_tree(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let files: Vec<_> = (0..40)
        .map(|n: usize| (format!("d{}/f {n}+ü.txt", n % 3), content(n as u64, n * 700)))
        .collect();
    for (name, content) in &files {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    files
}

async fn a_directory_goes_up_and_comes_down(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let keys = Arc::new(new_master());
    let files = make_tree(&directory.join("source"));
    let options = TreeOptions::default();
    let summary = up(&bucket, &keys, &directory.join("source"), &options).await;
    assert_eq!((summary.done, summary.same, summary.failed.len()), (40, 0, 0));
    let target = directory.join("target");
    std::fs::create_dir(&target).unwrap();
    let summary = down(&bucket, &keys, &target, &options).await;
    assert_eq!((summary.done, summary.failed.len()), (40, 0), "{:?}", summary.failed);
    for (name, content) in files {
        assert!(std::fs::read(target.join(&name)).unwrap() == content, "{name}");
    }
    let verify = place(&bucket, "p/");
    let (watch, mut ignore) = (Watch::default(), |_: &Item| {});
    let verify = bucket.client.verify_tree(&keys, &verify, &options, &watch, &mut ignore);
    assert_eq!(verify.await.unwrap().done, 40);
    let from = place(&bucket, "");
    let (watch, mut ignore) = (Watch::default(), |_: &Item| {});
    let gone = bucket.client.remove_tree(&from, &options, &watch, &mut ignore);
    assert_eq!(gone.await.unwrap().done, 40);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn what_is_there_and_verified_is_left_alone(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let keys = Arc::new(new_master());
    let source = directory.join("source");
    make_tree(&source);
    let options = TreeOptions::default();
    up(&bucket, &keys, &source, &options).await;
    // One file changes in place, keeping its size; one object is overwritten without a key.
    let changed = source.join("d1/f 10+ü.txt");
    let mut content = std::fs::read(&changed).unwrap();
    content[5] ^= 1;
    std::fs::write(&changed, content).unwrap();
    let plain = std::fs::read(source.join("d2/f 11+ü.txt")).unwrap();
    bucket.put_plain("p/d2/f 11+ü.txt", &plain).await;
    let summary = up(&bucket, &keys, &source, &options).await;
    assert_eq!((summary.done, summary.same, summary.failed.len()), (2, 38, 0));
    let again = up(&bucket, &keys, &source, &options).await;
    assert_eq!((again.done, again.same), (0, 40));
    let down_again = down(&bucket, &keys, &source, &options).await;
    assert_eq!((down_again.done, down_again.same), (0, 40));
    std::fs::write(&changed, b"other").unwrap();
    let refused = down(&bucket, &keys, &source, &options).await;
    assert_eq!((refused.same, refused.failed.len()), (39, 1));
    assert_eq!(std::fs::read(&changed).unwrap(), b"other");
    // Under a new key everything is written anew.
    let other = Arc::new(new_master());
    let summary = up(&bucket, &other, &source, &options).await;
    assert_eq!((summary.done, summary.same), (40, 0));
    bucket.remove().await;
}

async fn keys_that_lead_out_of_the_directory_fail(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let keys = Arc::new(new_master());
    let escapes =
        ["p/../escaped", "p//etc/escaped", "p/a/../../escaped", "p/link/escaped", "p/good"];
    for key in escapes {
        let (name, source) = (bucket.object(key), s3_ssec::Source::Bytes(b"x".to_vec().into()));
        let options = s3_ssec::PutOptions::default();
        bucket.client.put(keys.writer(), &name, source, &options, &Watch::default()).await.unwrap();
    }
    let (inside, outside) = (directory.join("inside"), directory.join("outside"));
    std::fs::create_dir(&inside).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
    let summary = down(&bucket, &keys, &inside, &TreeOptions::default()).await;
    assert_eq!(summary.done, 1);
    assert_eq!(summary.failed.len(), 4, "{:?}", summary.failed);
    let unsafe_keys = summary.failed.iter().filter(|(_, e)| matches!(e, TreeError::Unsafe(_)));
    assert_eq!(unsafe_keys.count(), 3);
    assert_eq!(directory.names(), ["inside", "outside"]);
    assert_eq!(std::fs::read_dir(outside).unwrap().count(), 0);
    bucket.remove().await;
}

async fn a_dry_run_and_filters_touch_nothing_else(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let keys = Arc::new(new_master());
    let source = directory.join("source");
    make_tree(&source);
    std::os::unix::fs::symlink("/etc/hostname", source.join("link")).unwrap();
    let mut options = TreeOptions::default();
    options.dry_run = true;
    let summary = up(&bucket, &keys, &source, &options).await;
    assert_eq!((summary.done, summary.skipped), (40, 1));
    bucket.assert_empty().await;
    options.dry_run = false;
    let patterns = |list: &[&str]| list.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
    let filter = Filter::new(&patterns(&["d1/**"]), &patterns(&["f 1+*"])).unwrap();
    options.filter = Arc::new(filter);
    let summary = up(&bucket, &keys, &source, &options).await;
    assert_eq!(summary.done, 12, "13 files in d1, one of them excluded");
    bucket.remove().await;
}
