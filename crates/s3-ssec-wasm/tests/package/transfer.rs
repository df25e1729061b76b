//! Orders of requests: as the page carries them, with a gateway that each test plays.

use crate::{NONCE, code, key, seal};
use s3_ssec_core::headers::{ALGORITHM, KEY_MD5};
use s3_ssec_wasm as ssec;
use serde_json::{Value, json};
use ssec::Transfer;
use wasm_bindgen_test::wasm_bindgen_test;

const NAME: &str = "a&b.bin";

/// The facts about the key of these tests, with this record.
fn facts(record: &str) -> Value {
    let md5 = seal(&key()).pairs().get(2);
    let md5 = js_sys::Array::from(&md5).get(1).as_string();
    json!({ "nonce": NONCE, "md5": md5, "kind": "master", "record": record })
}

fn put_plan(existing: &str) -> String {
    let plan = json!({ "bucket": "research-data", "name": NAME, "size": 5, "existing": existing });
    let mut plan = plan;
    plan["tagsKept"] = json!(true);
    plan.to_string()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Value {
    json!({ "outcome": "answer", "status": status, "headers": headers, "body": body })
}

/// The echo of the key of these tests, with an ETag.
fn echoed(status: u16) -> Value {
    let md5 = facts("")["md5"].as_str().unwrap().to_owned();
    answer(status, &[("etag", "\"e\""), (ALGORITHM, "AES256"), (KEY_MD5, &md5)], "")
}

fn tagged(record: &str) -> Value {
    let tag = format!("<Tag><Key>s3-ssec</Key><Value>{record}</Value></Tag>");
    answer(200, &[], &format!("<Tagging><TagSet>{tag}</TagSet></Tagging>"))
}

/// Carries an order to its verdict. The operations that it asked for, with the version of each.
fn carry(
    transfer: &mut Transfer,
    play: impl Fn(&Value, &[String]) -> Value,
) -> (Value, Vec<String>) {
    let mut took = Vec::new();
    for _ in 0..200 {
        let tasks: Value = serde_json::from_str(&transfer.next(4)).unwrap();
        for task in tasks.as_array().unwrap() {
            let outcome = match task["task"].as_str().unwrap() {
                "draw-key" => {
                    let mut key = facts("v1.ours");
                    key["outcome"] = json!("key");
                    key
                }
                "open-scratch" => json!({
                    "outcome": "scratch", "bucket": task["bucket"], "name": task["name"],
                    "md5": facts("")["md5"],
                }),
                "close-scratch" => json!({ "outcome": "noted" }),
                "call" => play(task, &took),
                "sleep" => json!({ "outcome": "slept" }),
                _ => json!({ "outcome": "failed" }),
            };
            if let Some(operation) = task["operation"].as_str() {
                let version = task["parameters"]["versionId"].as_str();
                took.push(version.map_or(operation.to_owned(), |id| format!("{operation} {id}")));
            }
            let id = task["id"].as_u64().unwrap() as u32;
            transfer.done(id, &outcome.to_string()).unwrap();
            assert_eq!(code(transfer.done(id, &outcome.to_string())), "argument", "taken once");
        }
        if let Some(verdict) = transfer.verdict() {
            return (serde_json::from_str(&verdict).unwrap(), took);
        }
    }
    panic!("it never ends: {took:?}");
}

#[wasm_bindgen_test]
fn an_upload_in_one_request_is_stored_with_its_record() {
    let mut transfer = Transfer::put(&put_plan("keep")).unwrap();
    let (verdict, took) = carry(&mut transfer, |task, _| {
        match task["operation"].as_str().unwrap() {
            "PutObject" => {
                let headers = json!({ "if-none-match": "*", "x-amz-tagging": "s3-ssec=v1.ours" });
                assert_eq!((&task["headers"], &task["isKeyed"]), (&headers, &json!(true)));
                assert_eq!((&task["name"], &task["body"]), (&json!(NAME), &json!([0, 5])));
                echoed(200)
            }
            // Nothing was noted: the tag itself is looked at.
            "GetObjectTagging" => tagged("v1.ours"),
            _ => answer(404, &[], ""),
        }
    });
    assert_eq!(verdict, json!({ "end": "stored", "isInTag": true }));
    assert_eq!(took, ["HeadObject", "PutObject", "GetObjectTagging"]);
    let mut transfer = Transfer::put(&put_plan("keep")).unwrap();
    let (verdict, took) = carry(&mut transfer, |_, _| echoed(200));
    assert_eq!((verdict, took), (json!({ "end": "exists" }), vec!["HeadObject".to_owned()]));
}

fn trial_of(
    kind: &str,
    tags: &str,
    play: impl Fn(&Value) -> Option<Value>,
) -> (Value, Vec<String>) {
    let plan = json!({ "bucket": "research-data", "name": "a/b", "kind": kind }).to_string();
    carry(&mut Transfer::trial(&plan).unwrap(), |task, took| {
        if let Some(answer) = play(task) {
            return answer;
        }
        let list = |root: &str| {
            let body = format!("<{root}><IsTruncated>false</IsTruncated></{root}>");
            answer(200, &[], &body)
        };
        match (task["operation"].as_str().unwrap(), task["isKeyed"].as_bool().unwrap()) {
            ("ListMultipartUploads", _) => list("ListMultipartUploadsResult"),
            ("ListObjectVersions", _) => list("ListVersionsResult"),
            ("CreateMultipartUpload", _) => {
                let mut created = echoed(200);
                let id = "<UploadId>u</UploadId>";
                let body =
                    format!("<InitiateMultipartUploadResult>{id}</InitiateMultipartUploadResult>");
                created["body"] = json!(body);
                created
            }
            ("GetObjectTagging", _) => tagged(tags),
            ("HeadObject", false) if took.iter().any(|one| one == "DeleteObject") => {
                answer(404, &[], "")
            }
            ("HeadObject", false) => answer(400, &[], ""),
            ("GetObject", _) => answer(400, &[], "<Error><Code>InvalidRequest</Code></Error>"),
            _ => echoed(200),
        }
    })
}

#[wasm_bindgen_test]
fn a_kind_of_write_is_proved_on_a_scratch_object() {
    for (tags, is_kept) in [("trial", true), ("another", false)] {
        let (verdict, took) = trial_of("single", tags, |task| {
            if let Some(name) = task["name"].as_str() {
                let random = name.strip_prefix("a/.s3-ssec-trial-").unwrap();
                assert_eq!(random.len(), 16, "{name}");
            }
            if task["operation"] == "PutObject" {
                assert_eq!((&task["content"], &task["isKeyed"]), (&json!("trial"), &json!(true)));
            }
            None
        });
        assert_eq!(verdict, json!({ "end": "proved", "tagsKept": is_kept }));
        let proof = ["PutObject", "HeadObject", "GetObject", "HeadObject", "GetObjectTagging"];
        let removal = ["ListMultipartUploads", "ListObjectVersions", "DeleteObject", "HeadObject"];
        assert_eq!(took, [&proof[..], &removal[..]].concat());
    }
    let (verdict, took) = trial_of("multipart", "trial", |task| {
        if task["operation"] == "UploadPart" {
            let parameters = json!({ "partNumber": "1", "uploadId": "u" });
            assert_eq!((&task["parameters"], &task["content"]), (&parameters, &json!("trial")));
        }
        None
    });
    assert_eq!(verdict, json!({ "end": "proved", "tagsKept": true }));
    let writes = ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];
    assert_eq!((&took[..3], &*took[3]), (&writes.map(str::to_owned)[..], "PutObjectTagging"));
}

#[wasm_bindgen_test]
fn a_trial_says_which_refusal_counts_and_what_is_left() {
    let (verdict, took) = trial_of("single", "trial", |task| {
        let denied = || answer(403, &[], "<Error><Code>AccessDenied</Code></Error>");
        (task["operation"] == "PutObject").then(denied)
    });
    let (end, body) = (json!("refused"), json!("<Error><Code>AccessDenied</Code></Error>"));
    assert_eq!(verdict, json!({ "end": end, "status": 403, "body": body }));
    assert_eq!(took, ["PutObject", "PutObject"], "the second one is without tags");
    let (verdict, _) = trial_of("single", "trial", |task| match task["operation"].as_str() {
        Some("DeleteObject") => Some(answer(403, &[], "")),
        Some("HeadObject") => Some(answer(200, &[], "")),
        _ => None,
    });
    assert_eq!(
        (&verdict["end"], &verdict["code"]),
        (&json!("not-proved"), &json!("echo-plaintext"))
    );
    let words = verdict["words"].as_str().unwrap();
    assert!(words.starts_with("The trial object s3://research-data/a/.s3-ssec-trial-"), "{words}");
}

/// The version that the answer named, in plaintext: it is looked at, removed, and looked for again.
#[wasm_bindgen_test]
fn plaintext_is_removed_by_its_record_and_its_version() {
    let mut transfer = Transfer::put(&put_plan("replace")).unwrap();
    let version = [("etag", "\"e\""), ("content-length", "5"), ("x-amz-version-id", "v1")];
    let (verdict, took) = carry(&mut transfer, |task, took| {
        let is_removed = took.iter().any(|one| one == "DeleteObject v1");
        match task["operation"].as_str().unwrap() {
            "GetBucketVersioning" => {
                let body =
                    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
                answer(200, &[], body)
            }
            "GetObjectTagging" => tagged("v1.ours"),
            "DeleteObject" => answer(204, &[], ""),
            "HeadObject" if is_removed => answer(404, &[], ""),
            _ => answer(200, &version, ""),
        }
    });
    let left = (&verdict["end"], &verdict["code"], &verdict["leftover"]);
    assert_eq!(left, (&json!("not-proved"), &json!("echo-missing"), &json!("nothing")));
    assert_eq!(verdict["words"], "Nothing of it is left at the gateway.");
    let looks = ["PutObject", "GetBucketVersioning", "HeadObject v1", "GetObjectTagging v1"];
    assert_eq!(took[..4], looks);
    assert_eq!(took[4..], ["DeleteObject v1", "HeadObject v1", "HeadObject v1", "HeadObject"]);
}

#[wasm_bindgen_test]
fn an_order_that_is_cancelled_looks_after_what_it_sent() {
    for (found, leftover) in [(404, "not-found"), (400, "arrived")] {
        let mut transfer = Transfer::put(&put_plan("replace")).unwrap();
        for outcome in ["key", "failed"] {
            let tasks: Value = serde_json::from_str(&transfer.next(4)).unwrap();
            let id = tasks[0]["id"].as_u64().unwrap() as u32;
            let mut facts = facts("v1.ours");
            facts["outcome"] = json!(outcome);
            transfer.done(id, &facts.to_string()).unwrap();
        }
        let tasks: Value = serde_json::from_str(&transfer.next(4)).unwrap();
        assert_eq!(tasks[0]["operation"], "PutObject");
        transfer.cancel();
        let id = tasks[0]["id"].as_u64().unwrap() as u32;
        transfer.done(id, r#"{"outcome":"abandoned"}"#).unwrap();
        let (verdict, _) = carry(&mut transfer, |task, _| {
            let sized = |mut answer: Value| {
                answer["headers"].as_array_mut().unwrap().push(json!(["content-length", "5"]));
                answer
            };
            match (task["operation"].as_str().unwrap(), task["isKeyed"].as_bool().unwrap()) {
                ("HeadObject", true) => sized(echoed(200)),
                ("HeadObject", false) => answer(found, &[], ""),
                ("GetObject", _) => answer(400, &[], "<Error><Code>InvalidRequest</Code></Error>"),
                _ => tagged("v1.ours"),
            }
        });
        assert_eq!((&verdict["end"], &verdict["leftover"]), (&json!("stopped"), &json!(leftover)));
    }
}

#[wasm_bindgen_test]
fn an_upload_in_parts_is_completed_and_described() {
    let plan = |is_completed: bool| {
        json!({
            "bucket": "research-data", "name": NAME, "key": facts("v1.pending"), "upload": "u",
            "etags": ["e1", "<2>"], "size": 5, "record": "v1.ours", "existing": "keep",
            "isCompleted": is_completed,
        })
        .to_string()
    };
    let play = |task: &Value, took: &[String]| {
        let is_described = took.iter().any(|one| one == "PutObjectTagging");
        match (task["operation"].as_str().unwrap(), task["isKeyed"].as_bool().unwrap()) {
            ("CompleteMultipartUpload", _) => {
                let parts = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;e1\
                             &quot;</ETag></Part><Part><PartNumber>2</PartNumber><ETag>&quot;&lt;2&gt;\
                             &quot;</ETag></Part></CompleteMultipartUpload>";
                assert_eq!(task["document"], parts);
                assert_eq!(task["headers"], json!({ "if-none-match": "*" }));
                answer(200, &[], "<CompleteMultipartUploadResult/>")
            }
            ("PutObjectTagging", _) => {
                let both = "<Tag><Key>s3-ssec</Key><Value>v1.ours</Value></Tag>\
                            <Tag><Key>a&amp;b</Key><Value>&lt;c&gt;</Value></Tag>";
                assert_eq!(task["document"], format!("<Tagging><TagSet>{both}</TagSet></Tagging>"));
                answer(200, &[], "")
            }
            ("GetObjectTagging", _) if is_described => tagged("v1.ours"),
            ("GetObjectTagging", _) => {
                let theirs = "<Tag><Key>a&amp;b</Key><Value>&lt;c&gt;</Value></Tag>";
                answer(200, &[], &format!("<Tagging><TagSet>{theirs}</TagSet></Tagging>"))
            }
            ("HeadObject", true) => {
                let mut head = echoed(200);
                head["headers"].as_array_mut().unwrap().push(json!(["content-length", "5"]));
                head
            }
            ("HeadObject", false) => answer(400, &[], ""),
            _ => answer(400, &[], "<Error><Code>InvalidRequest</Code></Error>"),
        }
    };
    for is_completed in [false, true] {
        let (verdict, took) = carry(&mut Transfer::complete(&plan(is_completed)).unwrap(), play);
        assert_eq!(verdict, json!({ "end": "stored", "isInTag": true }), "{took:?}");
        assert_eq!(took.contains(&"CompleteMultipartUpload".to_owned()), !is_completed);
    }
}

#[wasm_bindgen_test]
fn plans_and_outcomes_are_checked() {
    assert_eq!(code(Transfer::put("{}")), "argument");
    assert_eq!(code(Transfer::put(&put_plan("overwrite"))), "argument");
    assert_eq!(code(Transfer::complete(&put_plan("keep"))), "argument");
    assert_eq!(code(Transfer::trial(&put_plan("keep"))), "argument");
    let mut transfer = Transfer::put(&put_plan("keep")).unwrap();
    assert_eq!(transfer.next(0), "[]");
    assert!(transfer.next(1).contains("\"HeadObject\""));
    for (id, outcome) in
        [(0, "{}"), (0, r#"{"outcome":"answer","status":99999}"#), (1, r#"{"outcome":"slept"}"#)]
    {
        assert_eq!(code(transfer.done(id, outcome)), "argument", "{outcome}");
    }
    assert_eq!(transfer.verdict(), None);
    let read = |status, code: &str| ssec::keyless_read(status, Some(code.to_owned()), None);
    assert_eq!(
        [206, 404, 400].map(|status| read(status, "InvalidRequest")),
        ["readable", "absent", "key-needed"]
    );
    assert_eq!(read(400, "BadRequest"), "unclear");
}
