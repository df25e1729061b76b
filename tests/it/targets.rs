//! What downloads write to: only files are ever replaced, and nothing half-done stays.

use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use rustix::process::Signal;
use s3_ssec::core::key::Kind;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};
use std::path::Path;

live![
    what_is_no_file_is_never_replaced,
    what_a_killed_download_leaves_is_cleared_away,
    a_replaced_file_keeps_its_mode,
    objects_named_like_unfinished_files_are_delivered,
];

const FORCE: [&[&str]; 2] = [&[], &["--force"]];

/// A person, and a bucket with an object for each name below `p/`.
async fn written(gateway: &'static Gateway, names: &[&str]) -> (Bucket, Person) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    for name in names {
        person.file(&format!("source/{name}"), format!("content of {name}").as_bytes());
    }
    person.run(["put", "-r", "source", &bucket.url("p/")]).await.done();
    (bucket, person)
}

async fn what_is_no_file_is_never_replaced(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, &["pipe", "link", "file"]).await;
    let there = person.work().join("there");
    person.file("there/file", b"old");
    person.file("led-to", b"precious");
    symlink("../led-to", there.join("link")).unwrap();
    person.run_program(Path::new("mkfifo"), ["there/pipe"]).await.done();
    let untouched = || {
        assert!(std::fs::symlink_metadata(there.join("pipe")).unwrap().file_type().is_fifo());
        assert_eq!(std::fs::read_link(there.join("link")).unwrap(), Path::new("../led-to"));
        assert_eq!(person.read("led-to"), b"precious");
    };
    let place = bucket.url("p/");
    for force in FORCE {
        let cases = [
            ("pipe", "is no regular file", "Name another file, or write to it with - and"),
            ("link", "is a symbolic link", "Name the file that it leads to."),
        ];
        for (name, is, advice) in cases {
            let (url, target) = (bucket.url(&format!("p/{name}")), format!("there/{name}"));
            let (what, todo) =
                person.run([&["get", &url, &target], force].concat()).await.refused(5);
            assert!(what.contains(is) && todo.contains(advice), "{what}\n{todo}");
            untouched();
        }
        let all = [&["get", "-r", &place, "there"], force].concat();
        let ran = person.run(all).await;
        assert_eq!(ran.code, Some(5), "{}", ran.stderr);
        assert!(ran.stderr.contains("is no regular file"), "{}", ran.stderr);
        assert!(ran.stderr.contains("is a symbolic link"), "{}", ran.stderr);
        untouched();
    }
    assert_eq!(person.read("there/file"), b"content of file", "files are replaced");
    // A link to what the object has is as good as the file.
    std::fs::write(person.work().join("led-to"), "content of link").unwrap();
    let only = ["get", "-r", &place, "there", "--include", "link"];
    assert!(person.run(only).await.done().text().contains("1, the digest matches"));
    bucket.remove().await;
}

/// The names of files that are not whole: only their owner reads them.
fn parts(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let parts = entries.filter(|entry| entry.file_name().to_str().unwrap().ends_with("-part"));
    let private = parts.inspect(|part| assert_eq!(mode(&part.path()), 0o1600));
    private.map(|part| part.file_name().into_string().unwrap()).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

async fn a_replaced_file_keeps_its_mode(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, &["one"]).await;
    let url = bucket.url("p/one");
    let path = person.file_with_mode("one", b"old", 0o600);
    person.run(["get", &url, "one", "--force", "--quiet"]).await.done();
    assert_eq!((person.read("one"), mode(&path)), (b"content of one".to_vec(), 0o600));
    bucket.remove().await;
}

/// An object may have the name of an unfinished download, and is delivered as any other.
async fn objects_named_like_unfinished_files_are_delivered(gateway: &'static Gateway) {
    let odd = [".one.s3-ssec-part", ".one.001122334455.s3-ssec-part"];
    let (bucket, person) = written(gateway, &["one", odd[0], odd[1]]).await;
    let get = ["get", "-r", &bucket.url("p/"), "back", "--quiet"];
    person.run(get).await.done();
    std::fs::remove_file(person.work().join("back/one")).unwrap();
    person.run(get).await.done();
    for name in ["one", odd[0], odd[1]] {
        assert_eq!(person.read(&format!("back/{name}")), format!("content of {name}").as_bytes());
    }
    bucket.remove().await;
}

async fn what_a_killed_download_leaves_is_cleared_away(gateway: &'static Gateway) {
    let (bucket, person) = written(gateway, &["one", "two", "three"]).await;
    let proxy = Proxy::new(gateway, |asked: &Asked| match asked.operation() {
        "GetObject" => Deed::Stall(0),
        _ => Deed::Pass,
    })
    .await;
    let (place, endpoint) = (bucket.url("p/"), proxy.endpoint.as_str());
    let get = ["get", "-r", &place, "back", "--quiet"];
    let stalled = [get.as_slice(), &["--any-endpoint", "--endpoint", endpoint]].concat();
    let back = person.work().join("back");
    let running = person.start(&stalled);
    for _ in 0..1000 {
        if back.is_dir() && parts(&back).len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(parts(&back).len(), 3);
    // Another run leaves alone what this one is still writing.
    person.run(get).await.done();
    assert_eq!(parts(&back).len(), 3);
    running.signal(Signal::KILL);
    assert_eq!(running.end().await.code, None);
    assert_eq!(parts(&back).len(), 3);
    // What is there already counts as well as what is written anew.
    std::fs::remove_file(back.join("two")).unwrap();
    person.run(get).await.done();
    assert_eq!(parts(&back), Vec::<String>::new());
    std::fs::write(back.join("any"), b"").unwrap();
    for name in ["one", "two", "three"] {
        let path = back.join(name);
        assert_eq!(std::fs::read(&path).unwrap(), format!("content of {name}").as_bytes());
        assert_eq!(mode(&path), mode(&back.join("any")));
    }
    bucket.remove().await;
}
