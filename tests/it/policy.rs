//! Rules that are tried before they stand. What a gateway cannot do is refused, and the policy that
//! stood is there as it was, byte for byte.

use harness::lab::new_master;
use harness::{Asked, Bucket, Deed, Gateway, Person, Proxy, content, live};
use rustix::process::Signal;
use s3_ssec::core::endpoint::PlainHttp;
use s3_ssec::core::key::Kind;
use s3_ssec::core::policy::{Policy, Rule};
use s3_ssec::{Applied, Client, PolicyError, PolicyOptions, PutOptions, Source, Watch};
use std::time::Duration;

live![
    a_required_key_is_required_or_nothing_changes,
    a_blocked_key_is_blocked_or_nothing_changes,
    tls_is_required,
    foreign_statements_survive,
    rules_that_contradict_are_refused,
    a_stopped_trial_puts_the_old_policy_back,
    the_command_applies_or_says_why_not,
    an_interrupted_command_puts_the_old_policy_back,
];

async fn apply(bucket: &Bucket, rule: Rule) -> Result<Applied, PolicyError> {
    bucket
        .client
        .apply_policy(&bucket.name, rule, &PolicyOptions::default(), &Watch::default())
        .await
}

async fn remove(bucket: &Bucket, rule: Rule) -> usize {
    bucket.client.remove_policy(&bucket.name, &[rule], &PolicyOptions::default()).await.unwrap()
}

async fn plain_put_passes(client: &Client, bucket: &Bucket) -> bool {
    let put = client.sdk().put_object().bucket(bucket.name.as_str()).key("plain");
    match put.body(b"plain".to_vec().into()).send().await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
            false
        }
    }
}

async fn encrypted_puts_pass(bucket: &Bucket) {
    let keys = new_master();
    for (key, size) in [("small", 10), ("in parts", 17 << 20)] {
        let source = Source::reader(std::io::Cursor::new(content(1, size)));
        let (options, watch) = (PutOptions::default(), Watch::default());
        let name = bucket.object(key);
        bucket.client.put(keys.writer(), &name, source, &options, &watch).await.unwrap();
    }
}

/// Nothing but what these tests wrote themselves.
async fn assert_no_trial_objects(bucket: &Bucket) {
    let keys = bucket.keys().await;
    assert!(
        keys.iter().all(|key| ["plain", "small", "in parts"].contains(&key.as_str())),
        "{keys:?}"
    );
    assert_eq!(bucket.uploads().await, Vec::<String>::new());
}

async fn put_policy(bucket: &Bucket, policy: &str) {
    let put = bucket.client.sdk().put_bucket_policy().bucket(bucket.name.as_str());
    put.policy(policy).send().await.unwrap();
}

/// A policy of somebody else, in their own layout.
fn foreign(bucket: &Bucket) -> String {
    format!(
        "{{ \"Version\":\"2012-10-17\",\n\"Statement\": [ {{\"Sid\":\"theirs\", \"Effect\":\"Allow\",\
         \"Principal\":\"*\",\"Action\":[\"s3:GetObject\"],\
         \"Resource\":[\"arn:aws:s3:::{}/public/*\"]}} ]}}",
        bucket.name
    )
}

async fn a_required_key_is_required_or_nothing_changes(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let stands = match apply(&bucket, Rule::RequireSsec).await {
        Ok(applied) => {
            assert!(applied.changed && applied.trial.in_force());
            assert!(!plain_put_passes(&bucket.client, &bucket).await);
            encrypted_puts_pass(&bucket).await;
            let again = apply(&bucket, Rule::RequireSsec).await.unwrap();
            assert!(!again.changed && again.trial.agrees());
            assert_no_trial_objects(&bucket).await;
            assert_eq!(remove(&bucket, Rule::RequireSsec).await, 1);
            true
        }
        Err(PolicyError::NotAsSaid(trial)) => {
            assert!(!trial.agrees());
            false
        }
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), None);
    assert!(plain_put_passes(&bucket.client, &bucket).await);
    encrypted_puts_pass(&bucket).await;
    assert_no_trial_objects(&bucket).await;
    // Measured: 20.2 fills the condition key, 16.2 and 18.2 do not.
    if let Some(major) = gateway.major() {
        assert_eq!(stands, major >= 20);
    }
    bucket.remove().await;
}

async fn a_blocked_key_is_blocked_or_nothing_changes(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let stands = match apply(&bucket, Rule::BlockSsec).await {
        Ok(applied) => {
            assert!(applied.changed && applied.trial.agrees());
            assert!(plain_put_passes(&bucket.client, &bucket).await);
            let (keys, name, watch) = (new_master(), bucket.object("small"), Watch::default());
            let source = Source::Bytes(vec![1].into());
            let options = PutOptions::default();
            let put = bucket.client.put(keys.writer(), &name, source, &options, &watch).await;
            assert!(put.is_err(), "{put:?}");
            assert_eq!(bucket.keys().await, ["plain"]);
            true
        }
        Err(PolicyError::NotAsSaid(_)) => {
            assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), None);
            encrypted_puts_pass(&bucket).await;
            false
        }
        Err(error) => panic!("{error:?}"),
    };
    assert_no_trial_objects(&bucket).await;
    if let Some(major) = gateway.major() {
        assert_eq!(stands, major >= 20);
    }
    bucket.remove().await;
}

async fn tls_is_required(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let applied = apply(&bucket, Rule::RequireTls).await.unwrap();
    assert!(applied.changed && applied.trial.agrees());
    assert!(!applied.trial.in_force(), "its refusal was never seen");
    assert!(plain_put_passes(&bucket.client, &bucket).await);
    encrypted_puts_pass(&bucket).await;
    // Without TLS the same user is refused. Somebody else's gateway may have no such port.
    if let Some(http) = &gateway.http {
        let mut options = gateway.options();
        options.endpoint = Some(http.clone());
        options.plain_http = PlainHttp::LoopbackOnly;
        let in_the_clear = Client::connect(&options).await.unwrap();
        assert!(!plain_put_passes(&in_the_clear, &bucket).await);
    }
    assert_no_trial_objects(&bucket).await;
    bucket.remove().await;
}

async fn foreign_statements_survive(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    put_policy(&bucket, &foreign(&bucket)).await;
    let before = bucket.client.policy(&bucket.name).await.unwrap().unwrap();
    for rule in Rule::ALL {
        match apply(&bucket, rule).await {
            Ok(applied) => {
                assert_eq!(applied.policy.rules(), [rule]);
                let stands = bucket.client.policy(&bucket.name).await.unwrap().unwrap();
                let stands = Policy::parse(&stands).unwrap();
                assert_eq!((stands.statements().len(), stands.rules()), (2, vec![rule]));
                assert_eq!(stands.statements()[0]["Sid"], "theirs");
                assert_eq!(remove(&bucket, rule).await, 1);
                let after = bucket.client.policy(&bucket.name).await.unwrap().unwrap();
                assert_eq!(Policy::parse(&after), Policy::parse(&before));
                put_policy(&bucket, &before).await;
            }
            Err(PolicyError::NotAsSaid(_)) => {
                let after = bucket.client.policy(&bucket.name).await.unwrap();
                assert_eq!(after.as_ref(), Some(&before), "byte for byte");
            }
            Err(error) => panic!("{error:?}"),
        }
        assert_no_trial_objects(&bucket).await;
    }
    bucket.remove().await;
}

async fn rules_that_contradict_are_refused(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let resource = format!("arn:aws:s3:::{}/elsewhere/*", bucket.name);
    // Our own statement, narrowed so that the gateway lets the test go on.
    put_policy(
        &bucket,
        &format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Sid\":\"S3SsecBlockCustomerKey\",\
             \"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:PutObject\",\
             \"Resource\":\"{resource}\"}}]}}"
        ),
    )
    .await;
    let before = bucket.client.policy(&bucket.name).await.unwrap();
    let refused = apply(&bucket, Rule::RequireSsec).await;
    assert!(matches!(refused, Err(PolicyError::Document(_))), "{refused:?}");
    assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), before);
    bucket.assert_empty().await;
    bucket.remove().await;
}

/// A gateway that takes the narrowed rule and then says nothing to the writes of the trial.
async fn stuck_in_the_trial(gateway: &'static Gateway) -> Proxy {
    let stuck = |asked: &Asked| match (asked.is_trial(), asked.operation()) {
        (true, "PutObject") => Deed::Silence,
        _ => Deed::Pass,
    };
    Proxy::new(gateway, stuck).await
}

async fn a_stopped_trial_puts_the_old_policy_back(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let proxy = stuck_in_the_trial(gateway).await;
    for old in [None, Some(foreign(&bucket))] {
        if let Some(old) = &old {
            put_policy(&bucket, old).await;
        }
        let watch = Watch::default();
        let (client, name, stop) = (proxy.client().await, bucket.name.clone(), watch.clone());
        let before = proxy.seen().len();
        let work = tokio::spawn(async move {
            client.apply_policy(&name, Rule::RequireTls, &PolicyOptions::default(), &watch).await
        });
        proxy.until(|asked| asked.is_trial(), before).await;
        let narrowed = bucket.client.policy(&bucket.name).await.unwrap().unwrap();
        assert!(narrowed.contains(s3_ssec::TRIAL_PREFIX), "{narrowed}");
        stop.stop();
        let stopped = tokio::time::timeout(Duration::from_secs(30), work).await.unwrap().unwrap();
        assert!(matches!(stopped, Err(PolicyError::Stopped)), "{stopped:?}");
        assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), old);
        bucket.assert_empty().await;
    }
    bucket.remove().await;
}

async fn the_command_applies_or_says_why_not(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let person = Person::new(gateway).with_key(Kind::Master);
    person.file("large", &content(1, 17 << 20));
    let applied = person.run(["policy", "apply", &bucket.url(""), "--require-ssec"]).await;
    if plain_put_passes(&bucket.client, &bucket).await {
        let (what, todo) = applied.refused(1);
        assert!(what.contains("S3SsecRequireCustomerKey does not do what it says"), "{what}");
        assert!(todo.contains("Nothing was changed"), "{todo}");
        assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), None);
    } else {
        let said = applied.done().text();
        assert!(
            said.contains("an upload without a key") && said.contains("refused (expected)"),
            "{said}"
        );
        assert!(said.contains("is in force"), "{said}");
        person.run(["policy", "test", &bucket.url("")]).await.done();
        person.run(["put", "large", &bucket.url("in parts")]).await.done();
        person.run(["policy", "remove", &bucket.url("")]).await.done();
        assert!(plain_put_passes(&bucket.client, &bucket).await);
    }
    assert_no_trial_objects(&bucket).await;
    bucket.remove().await;
}

async fn an_interrupted_command_puts_the_old_policy_back(gateway: &'static Gateway) {
    let bucket = Bucket::new(gateway).await;
    let old = foreign(&bucket);
    put_policy(&bucket, &old).await;
    let proxy = stuck_in_the_trial(gateway).await;
    let person = Person::new(gateway).with("AWS_ENDPOINT_URL_S3", &proxy.endpoint);
    for signal in [Signal::INT, Signal::TERM] {
        let before = proxy.seen().len();
        let url = bucket.url("");
        let running = person.start(["policy", "apply", &url, "--require-ssec", "--quiet"]);
        proxy.until(|asked| asked.is_trial(), before).await;
        running.signal(signal);
        let (what, todo) = running.end().await.refused(1);
        assert!(what.contains("interrupted") && todo.contains("as it was"), "{what}\n{todo}");
        assert_eq!(bucket.client.policy(&bucket.name).await.unwrap(), Some(old.clone()));
        bucket.assert_empty().await;
    }
    bucket.remove().await;
}
