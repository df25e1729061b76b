//! Answers that cannot be believed: cut, endless, of other sizes than they state. One row for each, and
//! for each verb that may meet it. Every one ends soon, says what is wrong, and does nothing more.

use harness::proxy::evil::{Evil, Says};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::core::key::{Key, Kind};
use std::time::{Duration, Instant};

live![
    no_listing_is_believed_that_is_not_whole,
    no_object_is_believed_that_lies_about_its_size,
    a_wrong_key_may_be_answered_with_403,
    names_of_all_characters_are_listed,
    buckets_on_several_pages_are_listed,
    what_exists_is_kept_on_versioned_buckets,
];

/// Row by row: what the server does, and what the command says about it.
type Row = (&'static str, fn(&Asked) -> Says, &'static str);

const NOW: Duration = Duration::ZERO;
const ALGORITHM: &str = "x-amz-server-side-encryption-customer-algorithm";
const KEY_MD5: &str = "x-amz-server-side-encryption-customer-key-md5";

fn answer(status: u16, headers: &str, body: &str) -> Says {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n");
    Says::All((head + body).into_bytes())
}

fn entry(key: &str, size: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2026-11-30T15:00:00.000Z</LastModified>\
         <ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag><Size>{size}</Size></Contents>"
    )
}

fn listing(entries: &str, rest: &str) -> Says {
    answer(200, "", &format!("<ListBucketResult>{entries}{rest}</ListBucketResult>"))
}

const END: &str = "<IsTruncated>false</IsTruncated>";
const MORE: &str = "<IsTruncated>true</IsTruncated>";

fn endless(head: &str, body: &str, again: &str, pause: Duration) -> Says {
    let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let first = (head + &chunk(body)).into_bytes();
    Says::Endless(first, chunk(again).into_bytes(), pause)
}

const OK: &str = "HTTP/1.1 200 OK\r\n";

const LISTINGS: [Row; 13] = [
    (
        "cut",
        |_| answer(200, "", &format!("<ListBucketResult>{}<Cont", entry("t/a", "5"))),
        "breaks off",
    ),
    (
        "cut between entries",
        |_| answer(200, "", &format!("<ListBucketResult>{}", entry("t/a", "5"))),
        "breaks off",
    ),
    ("empty", |_| answer(200, "", ""), "not XML"),
    ("a page of HTML", |_| answer(200, "", "<html><body>log in</body></html>"), "ListBucketResult"),
    (
        "an error with 200",
        |_| answer(200, "", "<Error><Code>SlowDown</Code></Error>"),
        "ListBucketResult",
    ),
    (
        "fewer than stated",
        |_| listing(&entry("t/a", "5"), &format!("<KeyCount>3</KeyCount>{END}")),
        "states 3",
    ),
    ("no end", |_| listing(&entry("t/a", "5"), ""), "whether more follows"),
    ("no token", |_| listing(&entry("t/a", "5"), MORE), "from where to go on"),
    (
        "the same token",
        |_| listing("", &format!("{MORE}<NextContinuationToken>t</NextContinuationToken>")),
        "twice",
    ),
    ("elsewhere", |_| listing(&entry("other/a", "5"), END), "not asked for"),
    ("a size near 2^63", |_| listing(&entry("t/a", "9223372036854775807"), END), "no valid size"),
    (
        "without an end",
        |_| endless(OK, "<ListBucketResult>", &"<A></A>".repeat(9999), NOW),
        "larger than",
    ),
    (
        "a trickle",
        |_| endless(OK, "<ListBucketResult>", " ", Duration::from_millis(100)),
        "less than 1 KiB",
    ),
];

async fn no_listing_is_believed_that_is_not_whole(gateway: &'static Gateway) {
    let verbs: [&[&str]; 7] = [
        &["ls", "-r", "s3://bucket/t/"],
        &["audit", "s3://bucket/t/"],
        &["get", "-r", "s3://bucket/t/", "target"],
        &["verify", "-r", "s3://bucket/t/"],
        &["rm", "-r", "s3://bucket/t/"],
        &["rekey", "--dry-run", "s3://bucket/t/", "--to", "key"],
        &["put", "-r", ".", "s3://bucket/t/"],
    ];
    for (what, says, words) in LISTINGS {
        let evil = Evil::start(says_listing(says)).await;
        let person = Person::new(gateway).with_key(Kind::Master);
        let person = person.with("AWS_ENDPOINT_URL_S3", &evil.endpoint);
        // A trickle takes as long as the time-out, whatever asks for it.
        let some = if what == "a trickle" { 2 } else { 7 };
        for verb in &verbs[..some] {
            assert_ends(&person, verb, &[1], words, what).await;
        }
    }
}

/// An answer that is not a listing.
fn says_listing(says: fn(&Asked) -> Says) -> impl Fn(&Asked) -> Says + Send + Sync {
    move |asked| match asked.operation() {
        "ListObjects" => says(asked),
        _ => answer(404, "", "<Error><Code>NoSuchKey</Code></Error>"),
    }
}

/// Runs a verb to its end, which comes soon, with one of these exit codes and these words.
async fn assert_ends(person: &Person, verb: &[&str], codes: &[i32], words: &str, what: &str) {
    let begun = Instant::now();
    let options = ["--timeout", "2", "--any-endpoint"];
    let ran = person.run(verb.iter().copied().chain(options)).await;
    let said = format!("{what}: {verb:?}: {:?}: {}", ran.code, ran.stderr);
    assert!(ran.code.is_some_and(|code| codes.contains(&code)), "{said}");
    assert!(ran.stderr.contains(words) && !ran.stderr.contains("panicked"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{said}");
    assert_eq!(person.names(), ["key"], "{said}");
}

/// HEAD of an object under the key that was sent: its echo, and these headers.
fn head(asked: &Asked, headers: &str) -> Says {
    let Some(md5) = asked.key_md5() else { return answer(400, "", "") };
    let echo = format!("{ALGORITHM}: AES256\r\n{KEY_MD5}: {md5}\r\nETag: \"ab\"\r\n");
    Says::All(format!("HTTP/1.1 200 OK\r\n{echo}{headers}\r\n").into_bytes())
}

/// As RGW refuses a read without a key.
const KEY_NEEDED: &str = "<Error><Code>InvalidRequest</Code><Message>The object was stored using a form \
                          of Server Side Encryption.</Message></Error>";
const NO_TAGS: &str = "<Tagging><TagSet></TagSet></Tagging>";

/// An object of 10 bytes whose content is sent with this status and these headers.
fn content(asked: &Asked, status: u16, headers: &str, body: &str) -> Says {
    match (asked.operation(), asked.key_md5()) {
        ("GetObjectTagging", _) => answer(200, "", NO_TAGS),
        ("HeadObject", _) => head(asked, "Content-Length: 10\r\n"),
        (_, Some(md5)) => {
            let echo = format!("{ALGORITHM}: AES256\r\n{KEY_MD5}: {md5}\r\nETag: \"ab\"\r\n");
            answer(status, &(echo + headers), body)
        }
        _ => answer(400, "", KEY_NEEDED),
    }
}

/// An object that needs a key and has no tags, but for its HEAD.
fn headed(asked: &Asked, headers: &str) -> Says {
    match asked.operation() {
        "HeadObject" => head(asked, headers),
        _ => content(asked, 200, "", "0123456789"),
    }
}

const OBJECTS: [Row; 11] = [
    ("HEAD without a size", |asked| headed(asked, ""), "does not state the size"),
    (
        "2^63 - 1",
        |asked| headed(asked, "Content-Length: 9223372036854775807\r\n"),
        "no object can have",
    ),
    (
        "2^62",
        |asked| headed(asked, "Content-Length: 4611686018427387904\r\n"),
        "no object can have",
    ),
    ("2^50", |asked| headed(asked, "Content-Length: 1125899906842624\r\n"), "no object can have"),
    (
        "tags that break off",
        |asked| match asked.operation() {
            "GetObjectTagging" => answer(200, "", "<Tagging><TagSet><Tag><Key>s3-ssec</Key><Val"),
            _ => headed(asked, "Content-Length: 10\r\n"),
        },
        "answer",
    ),
    (
        "tags without an end",
        |asked| match asked.operation() {
            "GetObjectTagging" => endless(OK, "<Tagging>", &"<A></A>".repeat(9999), NOW),
            _ => headed(asked, "Content-Length: 10\r\n"),
        },
        "larger than",
    ),
    (
        "an error without an end",
        |_| endless("HTTP/1.1 403 X\r\n", "<Error>", &"<A></A>".repeat(9999), NOW),
        "denies access",
    ),
    (
        "headers without an end",
        |_| Says::Endless(OK.into(), format!("x-a: {}\r\n", "a".repeat(999)).into(), NOW),
        "",
    ),
    (
        "a head byte by byte",
        |_| Says::Endless(format!("{OK}x-a: ").into(), b"a".to_vec(), Duration::from_millis(100)),
        "did not begin",
    ),
    (
        "provisional answers without an end",
        |_| {
            let again = "HTTP/1.1 100 Continue\r\n\r\n".into();
            Says::Endless(Vec::new(), again, Duration::from_millis(1))
        },
        "did not begin",
    ),
    (
        "a part that was not asked for",
        |asked| content(asked, 206, "Content-Range: bytes 5-14/100\r\n", "0123456789"),
        "than were asked for",
    ),
];

async fn no_object_is_believed_that_lies_about_its_size(gateway: &'static Gateway) {
    let verbs: [&[&str]; 4] = [
        &["get", "s3://bucket/a", "target"],
        &["cat", "s3://bucket/a"],
        &["verify", "s3://bucket/a"],
        &["stat", "s3://bucket/a"],
    ];
    for (what, says, words) in OBJECTS {
        let evil = Evil::start(says).await;
        let person = Person::new(gateway).with_key(Kind::Direct);
        let person = person.with("AWS_ENDPOINT_URL_S3", &evil.endpoint);
        // stat and verify ask for no content here; what is slow is asked for once.
        let some = match what {
            "a part that was not asked for" => 2,
            _ if words == "did not begin" => 1,
            _ => 4,
        };
        for verb in &verbs[..some] {
            assert_ends(&person, verb, &[1], words, what).await;
        }
    }
}

/// Gateways that answer 403 to a wrong key, as AWS does: the next key is tried, and if none fits that is
/// said. Without rights 403 is what it was.
async fn a_wrong_key_may_be_answered_with_403(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let key = harness::lab::new_key(Kind::Direct);
    let Key::Direct(customer_key) = &key else { panic!("a direct key") };
    let md5 = customer_key.md5().to_base64();
    let person = Person::new(gateway).with("S3_SSEC_KEY_FILE", "key");
    person.key_file("key", key);
    person.file("small", b"content");
    person.run(["put", "small", &bucket.url("a")]).await.done();
    let rule = move |asked: &Asked| match (asked.operation(), asked.key_md5()) {
        ("HeadObject" | "GetObject", Some(sent)) if sent != md5 => {
            Deed::refuse(403, "AccessDenied")
        }
        ("GetObjectTagging", _) => Deed::Answer(200, Vec::new(), NO_TAGS.to_owned()),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, rule).await;
    let others = Person::new(gateway).with_key(Kind::Direct).moved_to(&proxy.endpoint);
    for verb in ["verify", "stat", "cat"] {
        let (what, _) = others.run([verb, &bucket.url("a")]).await.refused(4);
        assert!(what.contains("none of your direct keys"), "{verb}: {what}");
    }
    let audit = others.run(["audit", &bucket.url(""), "--output", "json"]).await.done();
    assert!(audit.text().contains("other-key"), "{}", audit.text());
    // With the right key behind a wrong one.
    let text = |person: &Person| String::from_utf8(person.read("key")).unwrap();
    let (first, second) = (text(&others), text(&person));
    let is_entry = |line: &&str| line.starts_with("key ") || line.starts_with("created ");
    let entry: Vec<_> = second.lines().filter(is_entry).collect();
    let both = Person::new(gateway);
    both.file_with_mode("key", format!("{first}\n{}\n", entry.join("\n")).as_bytes(), 0o600);
    let both = both.with("S3_SSEC_KEY_FILE", "key").with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    both.run(["stat", &bucket.url("a")]).await.done();
    let shut = Proxy::new(gateway, |asked| match asked.operation() {
        "GetObjectTagging" => Deed::Answer(200, Vec::new(), NO_TAGS.to_owned()),
        "HeadObject" | "GetObject" => Deed::refuse(403, "AccessDenied"),
        _ => Deed::Pass,
    });
    let others = others.moved_to(&shut.await.endpoint);
    let (what, _) = others.run(["stat", &bucket.url("a")]).await.refused(1);
    assert!(!what.contains("none of your direct keys"), "{what}");
    bucket.remove().await;
}

async fn buckets_on_several_pages_are_listed(gateway: &'static Gateway) {
    let page = |name: &str, token: &str| {
        let bucket = format!("<Bucket><Name>{name}</Name></Bucket>");
        let next = match token {
            "" => String::new(),
            _ => format!("<ContinuationToken>{token}</ContinuationToken>"),
        };
        format!(
            "<ListAllMyBucketsResult><Buckets>{bucket}</Buckets>{next}</ListAllMyBucketsResult>"
        )
    };
    let paged = move |last: &'static str| {
        move |asked: &Asked| {
            let pages = [("", "a", "1"), ("continuation-token=1", "b", "2")];
            let begins = |at: &str| at.is_empty() != asked.query.contains("continuation-token");
            let found = pages.iter().find(|(at, ..)| begins(at) && asked.query.contains(at));
            let (name, next) = found.map_or(("c", last), |(_, name, next)| (*name, *next));
            Deed::Answer(200, Vec::new(), page(name, next))
        }
    };
    let proxy = Proxy::new(gateway, paged("")).await;
    let listed = proxy.client().await.list_buckets().await.unwrap();
    assert_eq!(
        listed.iter().map(|bucket| bucket.name.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    let proxy = Proxy::new(gateway, paged("1")).await;
    let error = proxy.client().await.list_buckets().await.unwrap_err().to_string();
    assert!(error.contains("round in a circle"), "{error}");
}

async fn names_of_all_characters_are_listed(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let names = ["a\u{7}b", "a b", "a%41", "a&b", "a+b", "a\u{fffe}b", "ü/ü"];
    for name in names {
        bucket.put_plain(name, b"x").await;
    }
    assert_eq!(bucket.keys().await, names);
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let page = bucket.client.list_page(&bucket.name, "", Some("/"), start).await.unwrap();
        found.extend(page.0);
        start = page.1;
        if start.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), names.len());
    let person = Person::new(gateway).with_key(Kind::Master);
    person.run(["ls", "-r", &bucket.url("")]).await.done();
    person.run(["audit", &bucket.url("")]).await.done();
    person.run(["rm", "-r", &bucket.url("")]).await.done();
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// RGW 16 and 18 take a PUT with `If-None-Match` all the same where versions are kept.
async fn what_exists_is_kept_on_versioned_buckets(gateway: &'static Gateway) {
    use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
    let bucket = Bucket::new(gateway).await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = bucket.client.sdk().put_bucket_versioning().bucket(bucket.name.as_str());
    request.versioning_configuration(on).send().await.unwrap();
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("first", b"first");
    person.file("second", b"second");
    let url = bucket.url("a");
    person.run(["put", "first", &url, "--if-none-match"]).await.done();
    person.run(["put", "second", &url, "--if-none-match"]).await.refused(5);
    assert_eq!(person.run(["cat", &url]).await.done().text(), "first");
    bucket.remove().await;
}
