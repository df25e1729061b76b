//! Policies: the exact documents, and that nothing foreign is ever lost.

use super::*;
use crate::names::BucketName;
use serde_json::json;

fn bucket() -> BucketName {
    BucketName::parse("research-data").unwrap()
}

fn whole() -> Scope {
    Scope::bucket(bucket())
}

const FOREIGN: &str = r#"{
  "Id": "site",
  "Version": "2008-10-17",
  "Future": {"b": 1, "a": [1.5, null]},
  "Statement": [
    {"Resource": "arn:aws:s3:::research-data/*", "Effect": "Allow", "Sid": "z", "NotYet": {"y": 1, "x": 2},
     "Action": ["s3:GetObject"], "Principal": {"AWS": ["arn:aws:iam:::user/lab"]}},
    {"Sid": "S3SsecRequireTls", "Effect": "Allow"},
    {"Effect": "Deny"}
  ]
}"#;

#[test]
fn foreign_statements_and_fields_stay_as_they_were() {
    let before = Policy::parse(FOREIGN).unwrap();
    let mut policy = before.clone();
    policy.apply(Rule::RequireSsec, &whole()).unwrap();
    policy.apply(Rule::RequireTls, &whole()).unwrap();
    assert_eq!(policy.rules(), [Rule::RequireSsec, Rule::RequireTls]);
    let foreign = |policy: &Policy| [0, 2].map(|index| policy.statements()[index].to_string());
    assert_eq!(foreign(&policy), foreign(&before));
    // Our own Sid is replaced where it stands; the new one goes to the end.
    assert_eq!(policy.statements()[1], Rule::RequireTls.statement(&whole()));
    assert_eq!(policy.statements()[3], Rule::RequireSsec.statement(&whole()));
    let text = policy.to_string();
    let order = ["\"Id\"", "\"Version\"", "\"Future\"", "\"Statement\""].map(|key| text.find(key));
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{text}");
    assert_eq!(policy.version(), Some("2008-10-17"));

    assert_eq!(policy.remove(Rule::RequireSsec), 1);
    assert_eq!(policy.remove(Rule::RequireTls), 1);
    assert_eq!(policy.remove(Rule::RequireTls), 0);
    let kept: Vec<_> = policy.statements().iter().map(ToString::to_string).collect();
    assert_eq!(kept, foreign(&before));
}

#[test]
fn a_rule_is_narrowed_and_widened_in_place() {
    let mut policy = Policy::new();
    let narrow = Scope::prefix(bucket(), ".s3-ssec/trial-7/").unwrap();
    policy.apply(Rule::RequireTls, &narrow).unwrap();
    assert!(policy.holds(Rule::RequireTls, &narrow) && !policy.holds(Rule::RequireTls, &whole()));
    let resource = "arn:aws:s3:::research-data/.s3-ssec/trial-7/*";
    assert_eq!(policy.statements()[0]["Resource"], resource);
    policy.apply(Rule::RequireTls, &whole()).unwrap();
    assert!(policy.holds(Rule::RequireTls, &whole()));
    assert_eq!(policy.statements().len(), 1);
    for bad in ["", "a*", "a?b", "${aws:username}"] {
        assert_eq!(Scope::prefix(bucket(), bad), Err(PolicyError::Prefix(bad.to_owned())));
    }
}

#[test]
fn a_single_statement_and_repeated_sids_are_merged() {
    let mut policy = Policy::parse(r#"{"Statement": {"Effect": "Allow"}}"#).unwrap();
    policy.apply(Rule::BlockSsec, &whole()).unwrap();
    assert_eq!(policy.statements().len(), 2);
    // AWS reads a missing version as the old one, which changes what foreign statements mean.
    assert_eq!(policy.version(), None);
    let twice = json!({"Statement": [Rule::BlockSsec.statement(&whole()),
        Rule::BlockSsec.statement(&whole())]});
    let mut policy = Policy::parse(&twice.to_string()).unwrap();
    assert!(!policy.holds(Rule::BlockSsec, &whole()));
    policy.apply(Rule::BlockSsec, &whole()).unwrap();
    assert!(policy.holds(Rule::BlockSsec, &whole()));
    assert_eq!(policy.version(), Some(VERSION));
    assert_eq!(policy.remove(Rule::BlockSsec), 1);
    assert!(policy.is_empty());
}

#[test]
fn require_and_block_exclude_each_other() {
    let mut policy = Policy::new();
    policy.apply(Rule::BlockSsec, &whole()).unwrap();
    let before = policy.clone();
    assert_eq!(
        policy.apply(Rule::RequireSsec, &whole()),
        Err(PolicyError::Contradiction { present: Rule::BlockSsec, wanted: Rule::RequireSsec })
    );
    assert_eq!(policy, before);
}

#[test]
fn what_is_no_policy_is_refused() {
    let error = |json| Policy::parse(json).unwrap_err();
    assert_eq!(error("{\n  \"a\": }"), PolicyError::NotJson { line: 2, column: 8 });
    assert_eq!(error(""), PolicyError::NotJson { line: 1, column: 0 });
    assert_eq!(error("[]"), PolicyError::NotAnObject);
    for wrong in ["1", "\"x\"", "null", "[[]]", "[{}, 3]"] {
        let json = format!("{{\"Statement\": {wrong}}}");
        assert_eq!(Policy::parse(&json), Err(PolicyError::StatementType), "{wrong}");
    }
}

#[test]
fn the_page_of_2018_is_explained() {
    let page = legacy_page(&bucket());
    let problems: Vec<_> = page.findings.iter().map(|finding| &finding.problem).collect();
    let version = Problem::Version("2018-05-24".to_owned());
    let operator = Problem::NegatedOperator("StringNotEquals".to_owned());
    assert_eq!(problems, [&version, &Problem::WrongHeader, &operator]);
    let mut repaired = page.policy.clone();
    repaired.apply(Rule::RequireSsec, &whole()).unwrap();
    assert_eq!(repaired.version(), Some(VERSION));
}

#[test]
fn each_problem_is_found_and_ours_have_none() {
    let problem = |condition: serde_json::Value| {
        let statement = json!({"Effect": "Deny", "Action": "s3:*", "Principal": {"AWS": ["*"]},
            "Resource": "*", "Condition": condition});
        let policy = Policy::parse(&json!({"Statement": statement}).to_string()).unwrap();
        explain(&policy).into_iter().map(|finding| finding.problem).collect::<Vec<_>>()
    };
    let key = crate::headers::CONDITION_KEY;
    let upper = key.to_uppercase();
    assert_eq!(problem(json!({})), [Problem::DeniesEverything]);
    assert_eq!(problem(json!({"Null": {key: "true"}})), [Problem::Null("true".to_owned())]);
    assert_eq!(problem(json!({"Null": {key: ["false"]}})), [Problem::Null("false".to_owned())]);
    assert_eq!(problem(json!({"Bool": {"aws:SecureTransport": "false"}})), [Problem::PlainBool]);
    assert_eq!(
        problem(json!({"StringLike": {&upper: "*"}})),
        [Problem::KeyCase { found: upper.clone(), known: key }]
    );
    let other = key.replace("algorithm", "key-MD5");
    assert_eq!(problem(json!({"StringLike": {&other: "*"}})), [Problem::UnknownKey(other.clone())]);
    let known = "aws:SecureTransport";
    let case = Problem::KeyCase { found: "aws:securetransport".to_owned(), known };
    assert_eq!(problem(json!({"BoolIfExists": {"aws:securetransport": "false"}})), [case]);
    let text = Problem::NotText("Bool".to_owned());
    assert_eq!(problem(json!({"Bool": {known: false}})), [text, Problem::PlainBool]);
    for rule in Rule::ALL {
        let mut policy = Policy::new();
        policy.apply(rule, &whole()).unwrap();
        assert_eq!(explain(&policy), [], "{rule}");
    }
}

#[test]
fn statements_that_miss_their_aim_are_found() {
    let problems = |statement: serde_json::Value| {
        let policy = Policy::parse(&json!({ "Statement": statement }).to_string()).unwrap();
        explain(&policy).into_iter().map(|finding| finding.problem).collect::<Vec<_>>()
    };
    let key = crate::headers::CONDITION_KEY;
    let allow = json!({"Effect": "Allow", "Action": "s3:PutObject", "Principal": "*",
        "Resource": "arn:aws:s3:::b/*", "Condition": {"StringEquals": {key: "AES256"}}});
    assert_eq!(problems(allow), [Problem::AllowCondition]);
    let deny = |action: serde_json::Value, resource: &str| json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource});
    let put = json!(["s3:PutObject"]);
    assert_eq!(problems(deny(put.clone(), "arn:aws:s3:::b")), [Problem::NoObjects]);
    assert_eq!(problems(deny(put, "arn:aws:s3:::b/*")), []);
    for action in ["s3:DeleteBucketPolicy", "s3:*BucketPolicy", "s3:Put*"] {
        let list = json!(["s3:GetObject", action]);
        assert_eq!(problems(deny(list, "arn:aws:s3:::b*")), [Problem::LocksOut], "{action}");
    }
    let all = json!(["s3:GetObject", "s3:*"]);
    assert_eq!(problems(deny(all, "arn:aws:s3:::b")), [Problem::DeniesEverything]);
    assert_eq!(problems(deny(json!("s3:Get*"), "arn:aws:s3:::b/*")), []);
}

#[test]
fn a_release_without_the_key_turns_conditions_around() {
    let on = |rule: Rule, release| {
        let mut policy = Policy::new();
        policy.apply(rule, &whole()).unwrap();
        explain_for(&policy, release).into_iter().map(|one| one.problem).collect::<Vec<_>>()
    };
    let old = Release::WithoutConditionKey;
    let always = Problem::AlwaysBefore20("StringNotEqualsIfExists".to_owned());
    assert_eq!(on(Rule::RequireSsec, old), [always]);
    let never = Problem::NoOpBefore20("StringLike".to_owned());
    assert_eq!(on(Rule::BlockSsec, old), [never]);
    assert_eq!(on(Rule::RequireTls, old), []);
    for release in [Release::Any, Release::WithConditionKey] {
        assert_eq!(on(Rule::RequireSsec, release), []);
    }
}

#[test]
fn a_rule_is_known_in_other_forms_of_the_same() {
    let scope = whole();
    let mut statement = Rule::RequireTls.statement(&scope);
    statement["Action"] = json!(["s3:*"]);
    let resources = statement["Resource"].as_array_mut().unwrap();
    resources.reverse();
    let policy = |statement| {
        let document = json!({ "Version": VERSION, "Statement": [statement] });
        Policy::parse(&document.to_string()).unwrap()
    };
    let other_form = policy(statement.clone());
    assert!(other_form.holds(Rule::RequireTls, &scope));
    assert!(!other_form.is_edited(Rule::RequireTls, &bucket()));
    assert!(other_form.says_the_same(&policy(Rule::RequireTls.statement(&scope))));
    for (field, value) in [("Action", json!("s3:Put*")), ("Effect", json!("Allow"))] {
        statement[field] = value;
        let edited = policy(statement.clone());
        assert!(edited.is_edited(Rule::RequireTls, &bucket()), "{field}");
        assert!(!edited.holds(Rule::RequireTls, &scope), "{field}");
        assert!(!edited.says_the_same(&other_form), "{field}");
    }
}

#[test]
fn only_a_statement_of_a_trial_is_one() {
    let scratch = Scratch::new(bucket(), [7; 8]);
    assert_eq!(scratch.prefix(), ".s3-ssec-trial-0707070707070707-");
    assert_eq!(Scratch::parse(bucket(), &scratch.prefix()), Some(scratch.clone()));
    assert_eq!(Scratch::parse(bucket(), ".s3-ssec-trial-07-"), None);
    let statement = Rule::BlockSsec.trial_statement(&scratch);
    assert_eq!(statement["Sid"], "S3SsecTrial0707070707070707");
    assert_eq!(Scratch::of(&bucket(), &statement), Some(scratch));
    // What an administrator made of it is not ours to remove.
    for (field, value) in [
        ("Resource", json!("arn:aws:s3:::research-data/*")),
        ("Sid", json!("S3SsecTrial0707070707070708")),
        ("Sid", json!("S3SsecTrialOfMine")),
        ("Principal", json!({ "AWS": "arn:aws:iam:::user/lab" })),
    ] {
        let mut other = statement.clone();
        other[field] = value;
        assert_eq!(Scratch::of(&bucket(), &other), None, "{field}");
    }
    let elsewhere = BucketName::parse("elsewhere").unwrap();
    assert_eq!(Scratch::of(&elsewhere, &statement), None);
}
