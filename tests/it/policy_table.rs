//! Every way to write, under policies of ours and of others, as the owner and as a second user: the
//! table says what the gateway does, release by release, and where a policy does not do what it says.

use harness::lab::new_master;
use harness::{Bucket, Gateway, Person, live, scratch_dir};
use s3_ssec::core::policy::Rule;
use s3_ssec::core::profile::Ability;
use s3_ssec::{
    Cell, CopyOptions, Outcome, PolicyError, PolicyOptions, PolicyTable, PutOptions, Source,
    StateDir, Watch, Write,
};

live![
    without_a_policy_everything_passes,
    a_rule_is_tried_in_every_way,
    the_form_of_the_manuals_is_seen_through,
    a_second_user_is_tried_too,
    what_the_doctor_saw_is_used,
];

async fn put_policy(bucket: &Bucket, policy: &str) {
    let put = bucket.client.sdk().put_bucket_policy().bucket(bucket.name.as_str());
    put.policy(policy).send().await.unwrap();
}

/// A Deny of PutObject on this condition.
fn deny(bucket: &Bucket, condition: &str) -> String {
    format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Sid\":\"theirs\",\"Effect\":\"Deny\",\
         \"Principal\":\"*\",\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::{}/*\",\
         \"Condition\":{condition}}}]}}",
        bucket.name
    )
}

const CONDITION_KEY: &str = "s3:x-amz-server-side-encryption-customer-algorithm";

async fn table(bucket: &Bucket, rules: &[Rule]) -> PolicyTable {
    let watch = Watch::default();
    let table = bucket.client.policy_table(&bucket.name, rules, None, &watch).await.unwrap();
    assert_eq!(table.left, Vec::<String>::new());
    assert_eq!(table.rows.len(), 12);
    table
}

fn owner(table: &PolicyTable, write: Write, with_key: bool) -> Cell {
    let row = table.rows.iter().find(|row| (row.write, row.with_key) == (write, with_key));
    row.unwrap().owner
}

async fn without_a_policy_everything_passes(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let table = table(&bucket, &[]).await;
    for row in &table.rows {
        assert_eq!((row.owner, row.said, row.second), (Cell::Passed, None, None), "{row:?}");
    }
    assert_eq!(table.surprises().count(), 0);
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// The require rule as it was measured: 20.2 tells requests apart, before that all are refused.
async fn a_rule_is_tried_in_every_way(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let condition = format!("{{\"StringNotEqualsIfExists\":{{\"{CONDITION_KEY}\":\"AES256\"}}}}");
    put_policy(&bucket, &deny(&bucket, &condition)).await;
    let table = table(&bucket, &[Rule::RequireSsec]).await;
    let tells = gateway.major().is_none_or(|major| major >= 20);
    for row in &table.rows {
        let said = if row.with_key { Outcome::Passed } else { Outcome::Refused };
        assert_eq!(row.said, Some(said));
        match (row.write, row.with_key) {
            // No release tells a policy whether a copy gets a key.
            (Write::Copy, _) => assert_eq!(row.owner, Cell::Refused, "{row:?}"),
            (_, true) if tells => assert_eq!(row.owner, Cell::Passed, "{row:?}"),
            (_, false) if tells => assert_eq!(row.owner, Cell::Refused, "{row:?}"),
            // RGW 16 and 18 refuse everything, so there is no upload to give parts to.
            (Write::Part | Write::Complete, _) => assert_eq!(row.owner, Cell::Untried, "{row:?}"),
            // Forms are judged without the condition before 20, or refused like the rest.
            (Write::Form, _) => assert_ne!(row.owner, Cell::Untried, "{row:?}"),
            _ => assert_eq!(row.owner, Cell::Refused, "{row:?}"),
        }
    }
    assert_eq!(table.surprises().count() == 0, tells, "{table:?}");
    bucket.client.sdk().delete_bucket_policy().bucket(bucket.name.as_str()).send().await.unwrap();
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// `StringNotEquals`, as manuals have it, refuses nothing on any release: the table shows it.
async fn the_form_of_the_manuals_is_seen_through(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let condition = format!("{{\"StringNotEquals\":{{\"{CONDITION_KEY}\":\"AES256\"}}}}");
    put_policy(&bucket, &deny(&bucket, &condition)).await;
    let table = table(&bucket, &[Rule::RequireSsec]).await;
    assert_eq!(owner(&table, Write::Put, false), Cell::Passed);
    let surprises: Vec<_> = table.surprises().map(|row| (row.write, row.with_key)).collect();
    let all = [Write::Put, Write::Create, Write::Part, Write::Complete, Write::Copy, Write::Form];
    assert_eq!(surprises, all.map(|write| (write, false)));
    let person = Person::new(gateway);
    let ran = person.run(["policy", "test", &bucket.url("")]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.text().contains("put without a key       passed        nothing"), "{}", ran.text());
    assert!(ran.stderr.contains("as one user only"), "{}", ran.stderr);
    let ran = person.run(["policy", "test", &bucket.url(""), "--require-ssec"]).await;
    assert!(ran.refused(1).0.contains("is not in force"), "{}", ran.stderr);
    bucket.assert_empty().await;
    bucket.remove().await;
}

async fn a_second_user_is_tried_too(gateway: &'static Gateway) {
    let (Some(access), Some(secret)) = (&gateway.access_key_2, &gateway.secret_key_2) else {
        panic!("the laboratory has a second user; of a foreign gateway, set S3_SSEC_ACCESS_KEY_2")
    };
    let bucket = Bucket::new(gateway).await;
    let directory = scratch_dir();
    let credentials =
        format!("[guest]\naws_access_key_id = {access}\naws_secret_access_key = {secret}\n");
    let credentials = directory.file("credentials", credentials.as_bytes());
    let person = Person::new(gateway).with("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    let url = bucket.url("");
    let test = ["policy", "test", &url, "--second-profile", "guest", "--output", "json"];
    let cells = async || {
        let json = person.run(test).await.done().json();
        let rows = json["table"].as_array().unwrap().clone();
        rows.iter().map(|row| row["second"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // A policy that grants nothing, and one that grants everybody uploads.
    let condition = format!("{{\"StringEquals\":{{\"{CONDITION_KEY}\":\"none\"}}}}");
    put_policy(&bucket, &deny(&bucket, &condition)).await;
    let seen = cells().await;
    assert!(seen.iter().all(|cell| cell != "passed"), "{seen:?}");
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("refused", "refused"));
    let allow = format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":\"*\",\
         \"Action\":[\"s3:PutObject\",\"s3:GetObject\"],\"Resource\":\"arn:aws:s3:::{}/*\"}}]}}",
        bucket.name
    );
    put_policy(&bucket, &allow).await;
    let seen = cells().await;
    assert!(seen.iter().all(|cell| cell == "passed"), "{seen:?}");
    let nobody = ["policy", "test", &url, "--second-profile", "nobody"];
    let ran = person.run(nobody).await;
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    bucket.client.sdk().delete_bucket_policy().bucket(bucket.name.as_str()).send().await.unwrap();
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// What the doctor saw fail is not tried again: the rule is refused at once, and a copy goes through
/// this machine without a trial. What it saw work is tried all the same.
async fn what_the_doctor_saw_is_used(gateway: &'static Gateway) {
    let (bucket, directory) = (Bucket::new(gateway).await, scratch_dir());
    let proxy = harness::Proxy::new(gateway, |_| harness::Deed::Pass).await;
    let state = StateDir::new(directory.join("state"));
    let client = proxy.client().await.with_state(state);
    let examined = client.examine(&bucket.name, &Watch::default()).await.unwrap();
    let profile = examined.profile;
    let before = proxy.seen().len();
    let (options, watch) = (PolicyOptions::default(), Watch::default());
    let applied = client.apply_policy(&bucket.name, Rule::RequireSsec, &options, &watch).await;
    match profile.can(Ability::ConditionKey) {
        Some(true) => assert!(applied.unwrap().trial.agrees()),
        _ => {
            assert!(matches!(applied, Err(PolicyError::NotKnownHere { .. })), "{applied:?}");
            assert_eq!(proxy.seen().len(), before, "nothing was sent");
        }
    }
    client.remove_policy(&bucket.name, &Rule::ALL, &options).await.unwrap();
    let keys = new_master();
    let (from, to, watch) = (bucket.object("from"), bucket.object("to"), Watch::default());
    let source = Source::Bytes(b"content".to_vec().into());
    client.put(keys.writer(), &from, source, &PutOptions::default(), &watch).await.unwrap();
    let before = proxy.seen().len();
    client.copy(&keys, &from, &to, &CopyOptions::default(), &watch).await.unwrap();
    let asked = proxy.seen();
    let asked = asked.iter().skip(before);
    let copies = asked.filter(|asked| asked.operation() == "CopyObject").count();
    match profile.can(Ability::CopyChangesKey) {
        Some(true) => assert!(copies >= 2, "a trial and the copy: {copies}"),
        _ => assert_eq!(copies, 0, "no trial"),
    }
    bucket.remove().await;
}
