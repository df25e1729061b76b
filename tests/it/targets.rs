//! What downloads write to: only files are ever replaced.

use harness::{Bucket, Gateway, Person, live};
use s3_ssec::core::key::Kind;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::Path;

live![what_is_no_file_is_never_replaced];

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
    assert!(person.run(only).await.done().text().contains("1, verified"));
    bucket.remove().await;
}
