//! Parsers of documents, journals, addresses and answers.

use super::{text, texts, vectors};
use s3_ssec_core::cors::{AnyOrigin, CorsConfiguration, Origin};
use s3_ssec_core::endpoint::{Endpoint, PlainHttp};
use s3_ssec_core::error_response::ErrorResponse;
use s3_ssec_core::journal::{
    DownloadBegun, DownloadJournal, DownloadLine, UploadBegun, UploadJournal, UploadLine, print,
};
use s3_ssec_core::listing::Listing;
use s3_ssec_core::names::{BucketName, S3Address};
use s3_ssec_core::plan::is_possible_size;
use s3_ssec_core::policy::{self, Policy, Rule, Scope};
use s3_ssec_core::rules;
use s3_ssec_core::timestamp::Timestamp;
use serde_json::Value;

pub(super) fn journal(input: &[u8]) -> String {
    let text = text(input);
    let mut said = String::new();
    if let Some(journal) = UploadJournal::parse(&text) {
        assert!(journal.stored.keys().all(|part| journal.sent.contains_key(part)));
        let (nonce, key) = (journal.nonce().is_some(), journal.key().is_some());
        let stored = "i".repeat(journal.stored.len().min(5));
        said += &format!("upload {nonce} {key} {} {stored}", journal.completing);
    }
    if let Some(journal) = DownloadJournal::parse(&text) {
        said += &format!("download {}", "i".repeat(journal.here.len().min(5)));
    }
    said
}

pub(super) fn journals() -> Vec<Vec<u8>> {
    let begun = UploadLine::Begun(UploadBegun {
        endpoint: "https://x.org".to_owned(),
        object: "s3://bucket/a".to_owned(),
        source: "/a".to_owned(),
        size: 7,
        part_size: 5 << 20,
        key: "4816dfc85c4eac7b".to_owned(),
        nonce: "6b043d805a".to_owned(),
    });
    let lines = [
        begun,
        UploadLine::Created { upload_id: "2~x".to_owned() },
        UploadLine::Sending { part: 1, sha256: "00".to_owned() },
        UploadLine::Stored { part: 1, etag: "ff".to_owned() },
        UploadLine::Completing,
        UploadLine::CompletingAs { record: "v1.m.4816dfc85c4eac7b.6b043d805a.-.-.00".to_owned() },
    ];
    let upload: String = lines.iter().map(print).collect();
    let begun = DownloadLine::Begun(DownloadBegun {
        endpoint: "https://x.org".to_owned(),
        object: "s3://bucket/a".to_owned(),
        etag: "ff".to_owned(),
        size: 7,
        span: 4,
        partial: "a.part".to_owned(),
    });
    let here = DownloadLine::Here { spans: vec![0, 1] };
    texts(&["", &upload, &print(&lines[0]), &(print(&begun) + &print(&here))])
}

pub(super) fn bucket_policy(input: &[u8]) -> String {
    let text = text(input);
    let mut read = match Policy::parse(&text) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let printed = read.to_string();
    let again = Policy::parse(&printed).expect("what is printed is read");
    // Fractions and numbers beyond 64 bits may change in their last digit. Policies have none.
    if !has_fraction(&serde_json::from_str(&printed).unwrap()) {
        assert_eq!(again, read);
    }
    let findings = policy::explain(&read).len().min(5);
    let before = read.statements().len();
    let scope = Scope::bucket(BucketName::parse("bucket").unwrap());
    let mut said = format!("{} {}", "i".repeat(findings), "o".repeat(before.min(5)));
    for rule in Rule::ALL {
        let mut changed = read.clone();
        match changed.apply(rule, &scope) {
            Ok(()) => {
                assert!(changed.holds(rule, &scope), "what is applied holds");
                let once = changed.clone();
                changed.apply(rule, &scope).expect("again");
                assert_eq!(changed, once, "applying twice is applying once");
                assert!(changed.remove(rule) == 1 && !changed.rules().contains(&rule));
            }
            Err(error) => said += &error.to_string(),
        }
        read.remove(rule);
    }
    assert!(read.rules().is_empty());
    said
}

fn has_fraction(json: &Value) -> bool {
    match json {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

pub(super) fn policies() -> Vec<Vec<u8>> {
    [vectors("policy.json", "after"), texts(&["", "{}", "[]", "{\"Statement\":7}"])].concat()
}

pub(super) fn cors(input: &[u8]) -> String {
    let mut read = match CorsConfiguration::parse(&text(input)) {
        Ok(read) => read,
        Err(error) => return error.to_string(),
    };
    let again = CorsConfiguration::parse(&read.to_xml()).expect("what is printed is read");
    assert_eq!(again, read);
    let rules = "i".repeat(read.rules.len().min(9));
    for origin in ["https://app.example.org", "*"] {
        let origin = Origin::parse(origin, AnyOrigin::Accept).unwrap();
        if let Err(error) = read.apply(&origin) {
            return error.to_string();
        }
    }
    format!("rules {rules}")
}

pub(super) fn cors_rules() -> Vec<Vec<u8>> {
    [vectors("cors.json", "after"), texts(&["", "<CORSConfiguration/>", "<html>"])].concat()
}

pub(super) fn error_response(input: &[u8]) -> String {
    let Some(read) = ErrorResponse::parse(input) else { return "none".to_owned() };
    let all =
        [Some(&read.code), read.message.as_ref(), read.request_id.as_ref(), read.bucket.as_ref()];
    for text in all.into_iter().flatten() {
        assert!(!text.is_empty() && text.chars().count() <= 300);
        assert!(!text.chars().any(char::is_control), "{text:?} steers a terminal");
    }
    all.map(|text| if text.is_some() { 'x' } else { '-' }).iter().collect()
}

const LISTINGS: [Listing; 4] =
    [Listing::Objects, Listing::Versions, Listing::Uploads, Listing::Parts];

pub(super) fn listing(input: &[u8]) -> String {
    let mut said = String::new();
    for listing in LISTINGS {
        let Ok(page) = listing.read(input) else {
            said.push('-');
            continue;
        };
        assert!(page.next.is_none_or(|marker| !marker.at.is_empty()));
        assert!(page.entries.iter().all(|entry| is_possible_size(entry.size)));
        // Whatever comes before the end is not a page.
        let end = input.trim_ascii_end().len().saturating_sub(1);
        assert!(listing.read(&input[..end]).is_err());
        said += &"i".repeat(page.entries.len().min(5));
    }
    said
}

pub(super) fn listings() -> Vec<Vec<u8>> {
    let entry = "<Key>a%2Fb</Key><Size>5</Size><VersionId>1</VersionId><UploadId>u</UploadId>\
                 <PartNumber>1</PartNumber><LastModified>2026-11-30T15:00:00.000Z</LastModified>";
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
                <NextKeyMarker>a</NextKeyMarker><NextPartNumberMarker>1</NextPartNumberMarker>";
    let names = ["Contents", "Version", "Upload", "Part"];
    let page = |(listing, name): (Listing, &str)| {
        let root = listing.root();
        let entries = format!("<{name}>{entry}</{name}>").repeat(2);
        [
            format!("<{root}><EncodingType>url</EncodingType>{entries}{more}</{root}>"),
            format!("<{root}><IsTruncated>false</IsTruncated></{root}>"),
        ]
    };
    LISTINGS.into_iter().zip(names).flat_map(page).map(String::into_bytes).collect()
}

pub(super) fn error_responses() -> Vec<Vec<u8>> {
    texts(&[
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InvalidRequest</Code><Message></Message>\
         <BucketName>b</BucketName><RequestId>tx000-1</RequestId><HostId>x</HostId></Error>",
        "<Error xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Code>A</Code>\
         <Message>a &lt;b&gt; &amp; <![CDATA[c]]></Message><Nested><Code>x</Code></Nested></Error>",
        "<html><body>502</body></html>",
        "",
    ])
}

pub(super) fn config(input: &[u8]) -> String {
    let text = text(input);
    match rules::parse(&text) {
        Ok(read) => {
            for (index, rule) in read.iter().enumerate() {
                assert!(!rule.file.is_empty() && rule.line <= text.lines().count());
                let others = read[..index].iter();
                assert!(others.clone().all(|other| !other.touches(&rule.place)), "they overlap");
            }
            "i".repeat(read.len().min(9))
        }
        Err(error) => {
            assert!(error.line <= text.lines().count().max(1) + 1, "line {} of it", error.line);
            assert!(!error.to_string().contains('\n'), "one line");
            error.to_string()
        }
    }
}

pub(super) fn configs() -> Vec<Vec<u8>> {
    let rule =
        |place: &str, file: &str| format!("[[keys]]\nfor = \"{place}\"\nfile = \"{file}\"\n");
    let (one, other) = (rule("s3://abc/a/", "a.key"), rule("s3://abc/b/", "~/b.key"));
    let both = format!("# mine\n{one}\n{other}");
    let overlapping = format!("{one}{}", rule("s3://abc", "c"));
    texts(&["", &one, &both, &overlapping, "keys = 7", &rule("abc", "a"), &rule("s3://abc", "")])
}

pub(super) fn address(input: &[u8]) -> String {
    let text = text(input);
    let mut said = String::new();
    for plain in [PlainHttp::Refuse, PlainHttp::LoopbackOnly] {
        match Endpoint::parse(&text, plain) {
            Ok(endpoint) => {
                let canonical = endpoint.canonical();
                let again = Endpoint::parse(&canonical, plain).expect("its one spelling is one");
                assert_eq!(again.canonical(), canonical);
                assert_eq!(
                    (again.host(), again.is_secure()),
                    (endpoint.host(), endpoint.is_secure())
                );
                assert!(endpoint.is_secure() || plain == PlainHttp::LoopbackOnly);
                said += "endpoint ";
            }
            Err(error) => said += &error.to_string().chars().rev().take(20).collect::<String>(),
        }
    }
    if let Ok(origin) = Origin::parse(&text, AnyOrigin::Refuse) {
        let again = Origin::parse(origin.as_str(), AnyOrigin::Refuse).expect("an origin");
        assert_eq!(again, origin);
        said += "origin ";
    }
    if let Ok(address) = S3Address::parse(&text) {
        assert_eq!(S3Address::parse(&address.to_string()).as_ref(), Ok(&address));
        assert!(address.holds(&address.path));
        if let Ok(object) = address.object() {
            assert!(object.as_copy_source(None).is_ascii());
        }
        said += "address";
    }
    if let Some(time) = Timestamp::parse(&text) {
        assert_eq!(time.to_string(), text);
        said += "time";
    }
    said
}

pub(super) fn addresses() -> Vec<Vec<u8>> {
    texts(&[
        "https://x.example.org",
        "https://X.org:8443/S3/",
        "http://localhost:80",
        "http://[::1]:8080",
        "s3://bucket/a//b c",
        "s3://bucket",
        "20261125T171612Z",
        "https://user:pw@x.org",
        "x",
    ])
}
