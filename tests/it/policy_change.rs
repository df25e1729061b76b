//! A rule on its way into a policy: killed at every step, beside an administrator's own statements, on
//! servers that enforce nothing or keep nothing, and over plain HTTP.

use crate::faults::killed::{Moment, Steps, stepping};
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, live};
use s3_ssec::core::policy::{Policy, Rule, Scope};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

live![
    a_change_killed_at_any_step_leaves_the_bucket_as_strict,
    an_edited_statement_is_left_alone,
    a_server_that_enforces_nothing_is_seen_through,
    a_gateway_that_keeps_no_policy_is_seen_through,
    plain_http_is_tried_where_it_has_an_address,
    an_address_that_says_nothing_proves_nothing,
    rules_are_tried_beside_each_other,
    what_a_rule_does_not_refuse_is_said,
];

async fn put_policy(bucket: &Bucket, statements: &[Value]) {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let put = bucket.client.sdk().put_bucket_policy().bucket(bucket.name.as_str());
    put.policy(policy).send().await.unwrap();
}

async fn policy(bucket: &Bucket) -> Policy {
    let text = bucket.client.policy(&bucket.name).await.unwrap();
    text.map_or_else(Policy::new, |text| Policy::parse(&text).unwrap())
}

/// A statement of the bucket's administrator.
fn foreign(bucket: &Bucket) -> Value {
    json!({
        "Sid": "theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{}/frozen/*", bucket.name),
    })
}

/// Our statement for TLS, narrowed by an administrator.
fn edited(bucket: &Bucket) -> Value {
    let mut statement = Rule::RequireTls.statement(&Scope::bucket(bucket.name.clone()));
    statement["Resource"] = format!("arn:aws:s3:::{}/secret/*", bucket.name).into();
    statement
}

async fn plain_put_passes(bucket: &Bucket, key: &str) -> bool {
    let put = bucket.client.sdk().put_object().bucket(bucket.name.as_str()).key(key);
    let passes = put.body(b"plain".to_vec().into()).send().await.is_ok();
    if passes {
        bucket.client.delete(&bucket.object(key), None).await.unwrap();
    }
    passes
}

/// The rule that does on this gateway what it says.
fn working_rule(gateway: &Gateway) -> (Rule, &'static str) {
    match gateway.major() {
        Some(16 | 18) => (Rule::RequireTls, "--require-tls"),
        _ => (Rule::RequireSsec, "--require-ssec"),
    }
}

async fn a_change_killed_at_any_step_leaves_the_bucket_as_strict(gateway: &'static Gateway) {
    let (bucket, steps) = (Bucket::new(gateway).await, Arc::<Steps>::default());
    let proxy = stepping(gateway, &steps, |_| true).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let (rule, option) = working_rule(gateway);
    let url = bucket.url("");
    let arguments = ["policy", "apply", &url, option, "--quiet"];
    put_policy(&bucket, &[foreign(&bucket)]).await;
    person.run(arguments).await.done();
    let operations: Vec<_> = proxy.seen().iter().map(Asked::operation).collect();
    let settings = operations.iter().filter(|one| **one == "bucket setting").count();
    assert!(settings >= 6, "read before and after each write: {operations:?}");
    let whole = Scope::bucket(bucket.name.clone());
    // The request after which the rule is in place.
    let puts = |asked: &Asked| asked.method == "PUT" && asked.operation() == "bucket setting";
    let widened = proxy.seen().iter().rposition(puts).unwrap();
    for (step, operation) in operations.iter().enumerate() {
        let setting = *operation == "bucket setting";
        for moment in [Moment::Unheard, Moment::Unanswered] {
            if !setting && moment == Moment::Unheard {
                continue;
            }
            put_policy(&bucket, &[foreign(&bucket)]).await;
            steps.kill(&person, &arguments, step, moment).await;
            let what = format!("{operation} (step {step}), {moment:?}");
            let after = policy(&bucket).await;
            assert_eq!(after.statements()[0], foreign(&bucket), "{what}");
            assert!(!plain_put_passes(&bucket, "frozen/a").await, "{what}: less strict");
            let stands = step > widened || (step == widened && moment == Moment::Unanswered);
            assert_eq!(after.holds(rule, &whole), stands, "{what}: {after}");
            if rule == Rule::RequireSsec {
                assert_eq!(plain_put_passes(&bucket, "a").await, !stands, "{what}: locked");
            }
            person.run(arguments).await.done();
            let last = policy(&bucket).await;
            assert!(last.holds(rule, &whole), "{what}: {last}");
            assert_eq!(last.statements().len(), 2, "{what}: a trial is left: {last}");
            assert_eq!(bucket.keys().await, Vec::<String>::new(), "{what}");
            assert_eq!(bucket.uploads().await, Vec::<String>::new(), "{what}");
        }
    }
    person.run(["policy", "remove", &url]).await.done();
    assert_eq!(policy(&bucket).await.statements(), [foreign(&bucket)]);
    bucket.remove().await;
}

async fn an_edited_statement_is_left_alone(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let (theirs, url) = ([foreign(&bucket), edited(&bucket)], bucket.url(""));
    put_policy(&bucket, &theirs).await;
    for arguments in
        [vec!["policy", "apply", &url, "--require-tls"], vec!["policy", "remove", &url]]
    {
        let (what, todo) = person.run(arguments).await.refused(5);
        assert!(what.contains("S3SsecRequireTls") && what.contains("was edited"), "{what}");
        assert!(todo.contains("--replace-statement") && todo.contains("--edited"), "{todo}");
        assert_eq!(policy(&bucket).await.statements(), theirs);
    }
    let apply = ["policy", "apply", &url, "--require-tls", "--replace-statement"];
    person.run(apply).await.done();
    let whole = Scope::bucket(bucket.name.clone());
    let expected = [foreign(&bucket), Rule::RequireTls.statement(&whole)];
    assert_eq!(policy(&bucket).await.statements(), expected);
    put_policy(&bucket, &theirs).await;
    person.run(["policy", "remove", &url, "--edited"]).await.done();
    assert_eq!(policy(&bucket).await.statements(), [foreign(&bucket)]);
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// A server that takes every policy, hands it back, and refuses nothing, as LocalStack.
async fn enforcing_nothing(gateway: &Gateway) -> Proxy {
    let kept = Arc::<Mutex<Option<String>>>::default();
    let rule = move |asked: &Asked| {
        if asked.query != "policy" && asked.query != "policy=" {
            return Deed::Pass;
        }
        let policy = kept.lock().unwrap().clone();
        match (asked.method.as_str(), policy) {
            ("PUT", _) => Deed::Keep(Arc::clone(&kept)),
            ("DELETE", _) => {
                *kept.lock().unwrap() = None;
                Deed::Answer(204, Vec::new(), String::new())
            }
            (_, Some(policy)) => Deed::Answer(200, Vec::new(), policy),
            (_, None) => Deed::refuse(404, "NoSuchBucketPolicy"),
        }
    };
    Proxy::new(gateway, rule).await
}

async fn a_server_that_enforces_nothing_is_seen_through(gateway: &'static Gateway) {
    let (bucket, proxy) = (Bucket::new(gateway).await, enforcing_nothing(gateway).await);
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let url = bucket.url("");
    let (what, _) = person.run(["policy", "apply", &url, "--require-ssec"]).await.refused(1);
    assert!(what.contains("an upload without a key passed"), "{what}");
    let shown = person.run(["policy", "show", &url]).await.done();
    assert!(shown.text().contains("has no policy"), "{}", shown.text());
    // Without an address for plain HTTP nothing contradicts, and nothing is claimed.
    let applied = person.run(["policy", "apply", &url, "--require-tls"]).await.done();
    assert!(applied.text().contains("whether it refuses plain HTTP was not tried"));
    assert!(!applied.text().contains("in force"), "{}", applied.text());
    let tested = person.run(["policy", "test", &url, "--output", "json"]).await.done().json();
    assert_eq!(tested["rules"][0]["in_force"], false, "{tested}");
    let shown = person.run(["policy", "show", &url]).await.done();
    assert!(!shown.stderr.contains("in force"), "{}", shown.stderr);
    // With one it is seen.
    if let Some(plain) = &gateway.http {
        for verb in ["apply", "test"] {
            let arguments = ["policy", verb, &url, "--require-tls", "--plain-endpoint", plain];
            let (what, _) = person.run(arguments).await.refused(1);
            assert!(what.contains("the same over plain HTTP passed"), "{what}");
        }
    }
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_gateway_that_keeps_no_policy_is_seen_through(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let forgets = |asked: &Asked| match (asked.operation(), asked.method.as_str()) {
        ("bucket setting", "PUT") => Deed::Answer(204, Vec::new(), String::new()),
        _ => Deed::Pass,
    };
    let proxy = Proxy::new(gateway, forgets).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    let url = bucket.url("");
    let (what, _) = person.run(["policy", "apply", &url, "--require-tls"]).await.refused(1);
    assert!(what.contains("accepted the policy and does not have it now"), "{what}");
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn plain_http_is_tried_where_it_has_an_address(gateway: &'static Gateway) {
    let Some(plain) = &gateway.http else { return };
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let url = bucket.url("");
    let apply = ["policy", "apply", &url, "--require-tls", "--plain-endpoint", plain];
    let said = person.run(apply).await.done().text();
    assert!(said.contains("S3SsecRequireTls is in force"), "{said}");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("a signed download over TLS accepted (expected)"), "{said}");
    assert!(said.contains("the same over plain HTTP refused (expected)"), "{said}");
    let test = ["policy", "test", &url, "--plain-endpoint", plain, "--output", "json"];
    let tested = person.run(test).await.done().json();
    assert_eq!(tested["rules"][0]["in_force"], true, "{tested}");
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// A port that answers every request with a redirect, and notes what was sent to it.
async fn redirecting() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let noted = Arc::<Mutex<String>>::default();
    let heard = Arc::clone(&noted);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).await.unwrap_or(0);
            heard.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..length]));
            let answer =
                b"HTTP/1.1 301 Moved\r\nlocation: https://elsewhere\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer).await;
        }
    });
    (address, noted)
}

async fn an_address_that_says_nothing_proves_nothing(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let (url, (plain, noted)) = (bucket.url(""), redirecting().await);
    let apply = ["policy", "apply", &url, "--require-tls", "--plain-endpoint", &plain];
    let (what, _) = person.run(apply).await.refused(1);
    assert!(what.contains("plain HTTP was answered with 301"), "{what}");
    assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), None);
    let sent = noted.lock().unwrap().to_lowercase();
    assert!(sent.starts_with("get /") && sent.contains("x-amz-expires=5&"), "{sent}");
    assert!(!sent.contains("customer") && !sent.contains("security-token"), "{sent}");
    // A session token never goes there: nothing is sent at all.
    let before = noted.lock().unwrap().len();
    let person = person.with("AWS_SESSION_TOKEN", "token");
    let (what, _) = person.run(apply).await.refused(5);
    assert!(what.contains("session token"), "{what}");
    assert_eq!(noted.lock().unwrap().len(), before);
    let with_tls = ["policy", "apply", &url, "--require-tls", "--plain-endpoint", &gateway.https];
    let (what, _) = person.run(with_tls).await.refused(2);
    assert!(what.contains("is not an address without TLS"), "{what}");
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// Where both rules are in place, an upload without a key is refused by the other one.
async fn rules_are_tried_beside_each_other(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let url = bucket.url("");
    let both = ["policy", "apply", &url, "--require-ssec", "--require-tls"];
    let ran = person.run(both).await;
    match gateway.major() {
        Some(16 | 18) => drop(ran.refused(1)),
        _ => {
            ran.done();
            assert_eq!(policy(&bucket).await.rules(), [Rule::RequireSsec, Rule::RequireTls]);
            person.run(["policy", "test", &url]).await.done();
        }
    }
    person.run(["policy", "remove", &url]).await.done();
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn what_a_rule_does_not_refuse_is_said(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway);
    let url = bucket.url("");
    let create = bucket.client.sdk().create_multipart_upload().bucket(bucket.name.as_str());
    let id = create.key("begun").send().await.unwrap().upload_id.unwrap();
    let ran = person.run(["policy", "apply", &url, "--require-ssec", "--output", "json"]).await;
    match gateway.major() {
        Some(16 | 18) => assert_eq!(ran.code, Some(1), "{}", ran.stderr),
        _ => {
            let applied = ran.done().json();
            let rule = &applied["rules"][0];
            let open = format!("s3://{}/begun", bucket.name);
            assert_eq!(rule["open_uploads"][0]["object"], open.as_str(), "{applied}");
            // Measured on 20.2.4.
            for gap in rule["gaps"].as_array().unwrap() {
                assert_eq!(gap["result"], "plaintext", "{applied}");
            }
            assert_eq!(rule["gaps"].as_array().unwrap().len(), 2);
            let text = person.run(["policy", "apply", &url, "--require-ssec"]).await.done();
            let words = text.text().split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("an append with a customer key accepted, and stores plaintext"));
            assert!(words.contains("1 incomplete upload"), "{words}");
        }
    }
    let abort = bucket.client.sdk().abort_multipart_upload().bucket(bucket.name.as_str());
    abort.key("begun").upload_id(id).send().await.unwrap();
    person.run(["policy", "remove", &url]).await.done();
    bucket.assert_empty().await;
    bucket.remove().await;
}
