//! What buckets can be told: policies, CORS, public access, lifecycle.
//!
//! The settings of the bucket itself are only read. What is changed is changed in a scratch bucket.

use super::exam::{Answer, Exam, TRIAL};
use super::{ProbeError, Rows, Seen, Topic, Verdict};
use http::Method;
use s3_ssec_core::headers::ALGORITHM;
use s3_ssec_core::names::BucketName;
use s3_ssec_core::policy::{Policy, Rule, Scope};
use s3_ssec_core::profile::Ability;
use std::time::Duration;
use zeroize::Zeroizing;

/// Gateways that share a cluster learn of a new setting one after the other.
const PATIENCE: Duration = Duration::from_millis(700);
const ORIGIN: &str = "https://page.example.org";

pub(super) async fn check(exam: &mut Exam<'_>, rows: &mut Rows) {
    let topic = Topic::Settings;
    let bucket = exam.place.bucket.clone();
    let tried = "the lifecycle of the bucket, read";
    rows.add(topic, "lifecycle", tried, lifecycle(exam, &bucket).await);
    rows.add(topic, "cors", "the CORS rules of the bucket, read", cors(exam, &bucket).await);
    let own = exam.place.own.clone();
    let made = exam.client.create_bucket(&own, None).await;
    let not_made = |error: &crate::call::CallError| {
        Err(ProbeError::Before(format!("a scratch bucket could not be made: {error}")))
    };
    // First: what was written before there were versions has no ID to be removed by.
    let tried = "in a scratch bucket with versions: PUT with If-None-Match: * onto an object";
    let seen = match &made {
        Ok(()) => super::server::condition(exam, &own).await,
        Err(error) => not_made(error),
    };
    rows.add(topic, "condition-versions", tried, seen);
    let tried = "in a scratch bucket: two CORS rules for one origin, the second asked for";
    let seen = match &made {
        Ok(()) => second_rule(exam, &own).await,
        Err(error) => not_made(error),
    };
    rows.add(topic, "cors-rules", tried, seen);
    let (mut has_policies, tried) = (true, "in a scratch bucket: a policy, put and read back");
    let seen = match &made {
        Ok(()) => policies(exam, &own).await.map(|(seen, works)| {
            has_policies = works;
            seen
        }),
        Err(error) => not_made(error),
    };
    rows.add(topic, "policy", tried, seen);
    if has_policies {
        let tried = "in a scratch bucket: uploads under a policy that wants customer keys";
        let seen = match &made {
            Ok(()) => condition_key(exam, &own).await,
            Err(error) => not_made(error),
        };
        rows.add(topic, "policy-require", tried, seen);
        let tried = "in a scratch bucket: uploads under AWS's policy for TLS (Bool) and ours";
        let seen = match &made {
            Ok(()) => tls_rule(exam, &own).await,
            Err(error) => not_made(error),
        };
        rows.add(topic, "policy-tls", tried, seen);
    }
    let tried = "in a scratch bucket: an upload under BlockPublicAcls";
    let seen = match &made {
        Ok(()) => public_access(exam, &own, &bucket).await,
        Err(error) => not_made(error),
    };
    rows.add(topic, "public-access-block", tried, seen);
}

async fn read(
    exam: &mut Exam<'_>,
    bucket: &BucketName,
    setting: &'static str,
) -> Result<Answer, ProbeError> {
    let request = exam.setting(bucket, Method::GET, setting)?;
    exam.send(request, b"").await
}

/// Objects under customer keys that move to a cloud leave as ciphertext, without the attributes that
/// say so (measured on 17.2 to 20.2).
async fn lifecycle(exam: &mut Exam<'_>, bucket: &BucketName) -> Result<Seen, ProbeError> {
    let answer = read(exam, bucket, "lifecycle").await?;
    if answer.status == 404 {
        return Ok(Seen::good(&answer, "no rule moves objects to a cloud"));
    }
    let answer = answer.needed("GET ?lifecycle")?;
    let text = String::from_utf8_lossy(&answer.body);
    let classes = text.split("<StorageClass>").skip(1);
    let classes = classes.filter_map(|rest| rest.split_once('<').map(|(class, _)| class));
    let classes: Vec<_> = classes.collect();
    Ok(match classes.is_empty() {
        true => Seen::good("rules, none of them moves objects", "objects stay where they are"),
        false => Seen::new(
            Verdict::Danger,
            format!("objects move to {}", classes.join(", ")),
            "if that is a cloud tier, objects under customer keys arrive there as ciphertext that \
             nobody decrypts, and are deleted here",
        )
        .todo(
            "Take objects under customer keys out of the rule, unless the class is of this zone.",
        ),
    })
}

async fn cors(exam: &mut Exam<'_>, bucket: &BucketName) -> Result<Seen, ProbeError> {
    let answer = read(exam, bucket, "cors").await?;
    if answer.status == 404 {
        let means = "no page may work with the bucket";
        return Ok(Seen::new(Verdict::Note, &answer, means)
            .todo("If one should: s3-ssec cors apply --origin URL."));
    }
    let answer = answer.needed("GET ?cors")?;
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    let exposed = text
        .split("<exposeheader>")
        .skip(1)
        .any(|header| header.starts_with(ALGORITHM) || header.starts_with('*'));
    Ok(match exposed {
        true => Seen::good("rules, the echo is exposed", "pages see the proof of encryption"),
        false => Seen::new(
            Verdict::Caution,
            "rules, the echo is not exposed",
            "pages cannot see whether an upload was encrypted",
        )
        .todo("Run s3-ssec cors apply --origin URL for each origin."),
    })
}

async fn second_rule(exam: &mut Exam<'_>, own: &BucketName) -> Result<Seen, ProbeError> {
    let rule = |method: &str| {
        format!(
            "<CORSRule><AllowedOrigin>{ORIGIN}</AllowedOrigin><AllowedMethod>{method}\
             </AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule>"
        )
    };
    let body = format!("<CORSConfiguration>{}{}</CORSConfiguration>", rule("GET"), rule("PUT"));
    let request = exam.setting(own, Method::PUT, "cors")?.document(&body, "application/xml");
    exam.send_as_is(request, body.as_bytes()).await?.needed("PUT ?cors")?;
    let mut answers = Vec::new();
    for method in ["GET", "PUT"] {
        let url = format!("{}/{own}/a", exam.client.endpoint());
        let header = |name: &str, value: &str| (name.to_owned(), Zeroizing::new(value.to_owned()));
        let headers = [header("origin", ORIGIN), header("access-control-request-method", method)];
        answers.push(exam.raw(Method::OPTIONS, &url, &headers, b"").await?);
    }
    let (first, second) = (&answers[0], &answers[1]);
    let saw = format!("first {first}, second {second}");
    exam.profile.saw(Ability::AllCorsRules, first.is_success() && second.is_success());
    Ok(match (first.is_success(), second.is_success()) {
        (true, true) => Seen::good(saw, "every rule counts"),
        (true, false) => Seen::new(
            Verdict::Caution,
            saw,
            "only the first rule of an origin counts; s3-ssec cors apply writes one for each",
        )
        .todo("Put all methods of an origin into one rule."),
        _ => Seen::new(Verdict::Note, saw, "pages of other origins cannot work with this gateway"),
    })
}

async fn put_policy(
    exam: &mut Exam<'_>,
    own: &BucketName,
    policy: &str,
) -> Result<Answer, ProbeError> {
    let request = exam.setting(own, Method::PUT, "policy")?.document(policy, "application/json");
    exam.send_as_is(request, policy.as_bytes()).await
}

/// Whether there are bucket policies at all.
async fn policies(exam: &mut Exam<'_>, own: &BucketName) -> Result<(Seen, bool), ProbeError> {
    let policy = statement(Rule::RequireTls, own)?;
    let policy = policy.replace(&format!("\"arn:aws:s3:::{own}\","), "");
    let put = put_policy(exam, own, &policy).await?;
    let read = read(exam, own, "policy").await?;
    clear_policy(exam, own).await?;
    let works = put.is_success() && read.is_success();
    let saw = format!("put {put}, read {read}");
    let seen = match works {
        true => Seen::good(saw, "buckets take policies"),
        false => Seen::new(
            Verdict::Note,
            saw,
            "there are no bucket policies: no rule can ask for customer keys or TLS",
        ),
    };
    Ok((seen, works))
}

/// An upload with our key, and one without any.
async fn uploads(exam: &mut Exam<'_>, own: &BucketName) -> Result<(Answer, Answer), ProbeError> {
    let request = exam.object_in(own, Method::PUT, "with")?.key(&exam.key);
    let with = exam.send(request, TRIAL).await?;
    let request = exam.object_in(own, Method::PUT, "without")?;
    let without = exam.send(request, TRIAL).await?;
    Ok((with, without))
}

fn statement(rule: Rule, own: &BucketName) -> Result<String, ProbeError> {
    let mut policy = Policy::new();
    policy.apply(rule, &Scope::bucket(own.clone()))?;
    Ok(policy.to_string())
}

async fn condition_key(exam: &mut Exam<'_>, own: &BucketName) -> Result<Seen, ProbeError> {
    let policy = statement(Rule::RequireSsec, own)?;
    put_policy(exam, own, &policy).await?.needed("PUT ?policy")?;
    let (mut with, mut without) = uploads(exam, own).await?;
    if !with.is_success() || without.is_success() {
        tokio::time::sleep(PATIENCE).await;
        (with, without) = uploads(exam, own).await?;
    }
    clear_policy(exam, own).await?;
    let works = with.is_success() && without.status == 403;
    exam.profile.saw(Ability::ConditionKey, works);
    let saw = format!("with a key {with}, without {without}");
    Ok(match (works, with.status) {
        (true, _) => Seen::good(saw, "s3-ssec policy apply --require-ssec works here"),
        (false, 403) => Seen::new(
            Verdict::Note,
            saw,
            "no policy can ask for customer keys: the condition key is never filled, so such a \
             policy refuses every upload",
        )
        .todo("Upgrade to RGW 20 for that; what s3-ssec writes is proved all the same."),
        _ => Seen::new(Verdict::Caution, saw, "policies that ask for customer keys do nothing"),
    })
}

async fn clear_policy(exam: &mut Exam<'_>, own: &BucketName) -> Result<(), ProbeError> {
    let request = exam.setting(own, Method::DELETE, "policy")?;
    exam.send(request, b"").await.map(drop)
}

/// Over TLS nothing may be refused by our rule; that AWS's form refuses nothing in the clear cannot
/// be seen from here, and is told as it was measured.
async fn tls_rule(exam: &mut Exam<'_>, own: &BucketName) -> Result<Seen, ProbeError> {
    let policy = statement(Rule::RequireTls, own)?;
    // On objects alone: behind a proxy that is not trusted the rule would lock us out of the bucket.
    let policy = policy.replace(&format!("\"arn:aws:s3:::{own}\","), "");
    put_policy(exam, own, &policy).await?.needed("PUT ?policy")?;
    let (with, without) = uploads(exam, own).await?;
    clear_policy(exam, own).await?;
    let saw = format!("with a key {with}, without {without}");
    Ok(match with.is_success() && without.is_success() {
        true => Seen::good(
            saw,
            "s3-ssec policy apply --require-tls works; write BoolIfExists, not Bool",
        ),
        false => Seen::new(
            Verdict::Caution,
            saw,
            "the gateway takes this connection for plain HTTP: a policy for TLS would lock you out",
        )
        .todo("Set rgw_trust_forwarded_https=true, and let the proxy overwrite X-Forwarded-Proto."),
    })
}

async fn public_access(
    exam: &mut Exam<'_>,
    own: &BucketName,
    bucket: &BucketName,
) -> Result<Seen, ProbeError> {
    let body = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
                </PublicAccessBlockConfiguration>";
    let request = exam.setting(own, Method::PUT, "publicAccessBlock")?;
    let request = request.document(body, "application/xml");
    exam.send_as_is(request, body.as_bytes()).await?.needed("PUT ?publicAccessBlock")?;
    let (with, without) = uploads(exam, own).await?;
    let request = exam.setting(own, Method::DELETE, "publicAccessBlock")?;
    exam.send(request, b"").await?;
    let works = with.is_success() && without.is_success();
    exam.profile.saw(Ability::PublicAccessBlock, works);
    let here = read(exam, bucket, "publicAccessBlock").await?;
    let set_here = here.element("BlockPublicAcls").as_deref() == Some("true");
    let saw = format!("with a key {with}, without {without}");
    Ok(match (works, set_here) {
        (true, _) => Seen::good(saw, "public ACLs can be blocked"),
        (false, false) => {
            let means = "BlockPublicAcls refuses every upload on this release; it is not set here";
            Seen::new(Verdict::Note, saw, means).todo("Do not set it before RGW 20.2.4.")
        }
        (false, true) => {
            let means = "BlockPublicAcls refuses every upload on this release, and it is set here";
            Seen::new(Verdict::Caution, saw, means)
                .todo("Take BlockPublicAcls off the bucket, or upgrade to RGW 20.2.4.")
        }
    })
}
