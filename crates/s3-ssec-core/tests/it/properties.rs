//! Properties: what must hold for any key, name, content and answer.

use proptest::prelude::*;
use s3_ssec_core::cors::{AnyOrigin, CorsConfiguration, Origin};
use s3_ssec_core::derive::Nonce;
use s3_ssec_core::digest::{ContentHasher, ContentTree, PieceHasher};
use s3_ssec_core::echo::{KeyEcho, verify_echo};
use s3_ssec_core::error_response::ErrorResponse;
use s3_ssec_core::headers::{ALGORITHM, KEY_MD5, TargetKeyHeaders};
use s3_ssec_core::key::{CustomerKey, Key, Kind};
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::plan::{MultipartPlan, OBJECT_MAX, PART_MAX, PART_MIN, PARTS_MAX};
use s3_ssec_core::policy::{Policy, Rule, Scope};
use s3_ssec_core::record::{Content, Record};
use serde_json::{Value, json};

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Master), Just(Kind::Direct)]
}

fn object_names() -> impl Strategy<Value = ObjectName> {
    ("[a-zA-Z0-9][a-z0-9_-]{1,60}[a-z0-9]", "\\PC{1,80}").prop_map(|(bucket, key)| {
        ObjectName::new(BucketName::parse(&bucket).unwrap(), ObjectKey::parse(&key).unwrap())
    })
}

fn nonces() -> impl Strategy<Value = Nonce> {
    (any::<u32>(), any::<u8>()).prop_map(|(time, random)| Nonce::next(time.into(), random, None))
}

fn key(kind: Kind, bytes: [u8; 32]) -> Key {
    Key::from_bytes(kind, &bytes).unwrap()
}

fn content(key: &Key, plaintext: Option<&[u8]>) -> Content {
    plaintext.map_or(Content::Pending, |plaintext| {
        let mut hasher = ContentHasher::new(&key.content_key());
        hasher.update(plaintext);
        Content::of_source(hasher.size(), hasher.finish())
    })
}

proptest! {
    #[test]
    fn a_record_opens_with_its_key_and_name_and_with_nothing_else(
        kind in kinds(),
        bytes in any::<[u8; 32]>(),
        name in object_names(),
        other_name in object_names(),
        nonce in nonces(),
        plaintext in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        place in any::<prop::sample::Index>(),
        replacement in "[0-9a-z.-]",
    ) {
        let writer = key(kind, bytes);
        let written = Record::write(&writer, &name, nonce, content(&writer, plaintext.as_deref()));
        let text = written.as_str();
        prop_assert!(text.len() <= 144);
        let parsed = Record::parse(text).unwrap();
        prop_assert_eq!(parsed.is_pending(), plaintext.is_none());
        let opened = parsed.open(&writer, &name).unwrap();
        prop_assert_eq!(opened.nonce, nonce);
        prop_assert_eq!(opened.content, content(&writer, plaintext.as_deref()));
        prop_assert_eq!(opened.customer_key.md5(), writer.customer_key(&name, nonce).md5());

        prop_assert!(name == other_name || parsed.open(&writer, &other_name).is_err());
        let mut other_bytes = bytes;
        other_bytes[place.index(32)] ^= 1;
        prop_assert!(parsed.open(&key(kind, other_bytes), &name).is_err());
        let other_kind = if kind == Kind::Master { Kind::Direct } else { Kind::Master };
        prop_assert!(parsed.open(&key(other_kind, bytes), &name).is_err());

        let place = place.index(text.len());
        let altered = format!("{}{replacement}{}", &text[..place], &text[place + 1..]);
        let opens = Record::parse(&altered).is_ok_and(|it| it.open(&writer, &name).is_ok());
        prop_assert_eq!(opens, altered == text, "{}", altered);
        let shortened = format!("{}{}", &text[..place], &text[place + 1..]);
        prop_assert!(!Record::parse(&shortened).is_ok_and(|it| it.open(&writer, &name).is_ok()));
    }

    #[test]
    fn any_text_is_a_record_or_an_error(text in "\\PC{0,200}") {
        if let Ok(record) = Record::parse(&text) {
            prop_assert_eq!(record.as_str(), &text);
        }
    }

    #[test]
    fn every_version_of_every_name_has_a_key_of_its_own(
        bytes in any::<[u8; 32]>(),
        name in object_names(),
        other_name in object_names(),
        nonce in nonces(),
        random in any::<u8>(),
    ) {
        let master = key(Kind::Master, bytes);
        let later = Nonce::next(0, random, Some(nonce));
        prop_assume!(nonce.bytes() != [255; 5]);
        prop_assert!(later > nonce);
        let wire = master.customer_key(&name, nonce);
        prop_assert!(!Key::Direct(master.customer_key(&name, nonce)).same_bytes(&master));
        prop_assert_ne!(wire.md5(), master.customer_key(&name, later).md5());
        prop_assert!(
            name == other_name || wire.md5() != master.customer_key(&other_name, nonce).md5()
        );
        prop_assert_eq!(Nonce::parse(&nonce.to_string()), Some(nonce));
        prop_assert!(Nonce::candidates(nonce.unix_seconds()).any(|candidate| candidate == nonce));
    }

    #[test]
    fn only_the_right_echo_proves(
        bytes in any::<[u8; 32]>(),
        algorithm in "(AES256|aes256|AES128|)",
        place in 0..24_usize,
        letter in "[A-Za-z0-9+/=]",
    ) {
        let sent = CustomerKey::from_bytes(&bytes).unwrap();
        let headers = TargetKeyHeaders::of(&sent);
        let value = |wanted| headers.pairs().into_iter().find(|(name, _)| *name == wanted);
        prop_assert_eq!(value(ALGORITHM), Some((ALGORITHM, "AES256")));
        let md5 = value(KEY_MD5).unwrap().1.to_owned();
        let right = verify_echo(sent.md5(), &KeyEcho::new(Some(&algorithm), Some(&md5)));
        prop_assert_eq!(right.is_ok(), algorithm == "AES256");
        let altered = format!("{}{letter}{}", &md5[..place], &md5[place + 1..]);
        let echo = KeyEcho::new(Some("AES256"), Some(&altered));
        // Padding is optional, and base64 has one spelling for every 16 bytes.
        let same = altered.trim_end_matches('=') == md5.trim_end_matches('=');
        prop_assert_eq!(verify_echo(sent.md5(), &echo).is_ok(), same, "{} {}", md5, altered);
    }

    #[test]
    fn a_digest_does_not_depend_on_how_the_bytes_arrive(
        bytes in any::<[u8; 32]>(),
        plaintext in proptest::collection::vec(any::<u8>(), 0..5000),
        cut in any::<prop::sample::Index>(),
    ) {
        let content_key = key(Kind::Master, bytes).content_key();
        let (left, right) = plaintext.split_at(cut.index(plaintext.len() + 1));
        let mut hasher = ContentHasher::new(&content_key);
        hasher.update(left);
        hasher.update(right);
        let mut piece = PieceHasher::new(&content_key, 0);
        prop_assert!(piece.update(left).is_empty() && piece.update(right).is_empty());
        let mut tree = ContentTree::new(&content_key);
        piece.finish().into_iter().for_each(|piece| tree.add(piece));
        prop_assert_eq!(tree.size(), plaintext.len() as u64);
        prop_assert_eq!(tree.finish(), Some(hasher.finish()));
    }

    #[test]
    fn a_plan_covers_the_content_within_the_limits(size in 0..=OBJECT_MAX, wanted in any::<u64>()) {
        let plan = MultipartPlan::new(size, wanted).unwrap();
        prop_assert!((1..=PARTS_MAX).contains(&plan.part_count()));
        prop_assert!((PART_MIN..=PART_MAX).contains(&plan.part_size()));
        let mut covered = 0;
        for part in plan.parts() {
            prop_assert_eq!(part.span.offset, covered);
            covered += part.span.length;
            prop_assert!(covered == size || part.span.length == plan.part_size());
        }
        prop_assert_eq!(covered, size);
    }

    #[test]
    fn names_are_kept_exactly_or_refused(text in "\\PC{0,40}") {
        if let Ok(bucket) = BucketName::parse(&text) {
            prop_assert_eq!(bucket.as_str(), &text);
            prop_assert!(text.is_ascii() && !text.contains(['/', ':', '*', '$']));
        }
        if let Ok(object) = ObjectKey::parse(&text) {
            prop_assert_eq!(object.as_str(), &text);
            let address = format!("s3://bucket/{text}");
            prop_assert_eq!(S3Address::parse(&address).unwrap().object().unwrap().key, object);
        }
    }

    #[test]
    fn applying_and_removing_leaves_foreign_policies_as_they_were(
        foreign in proptest::collection::vec(("[a-zA-Z]{1,8}", "\\PC{0,20}", any::<i64>()), 1..5),
        prefix in "[a-z./]{1,10}",
    ) {
        let statements: Vec<_> = foreign
            .iter()
            .map(|(field, text, number)| json!({field: text, "Sid": text, "x": [number, null]}))
            .collect();
        let document = json!({"Statement": statements, "Version": "2012-10-17", "Id": "ä"});
        let before = Policy::parse(&document.to_string()).unwrap();
        let bucket = BucketName::parse("bucket").unwrap();
        let mut policy = before.clone();
        let narrow = Scope::prefix(bucket.clone(), &prefix).unwrap();
        for rule in [Rule::RequireTls, Rule::RequireSsec] {
            policy.apply(rule, &narrow).unwrap();
            policy.apply(rule, &Scope::bucket(bucket.clone())).unwrap();
            prop_assert!(policy.holds(rule, &Scope::bucket(bucket.clone())));
        }
        prop_assert_eq!(&policy.statements()[..foreign.len()], before.statements());
        let printed: Value = serde_json::from_str(&policy.to_string()).unwrap();
        prop_assert_eq!(printed["Statement"].as_array().unwrap().len(), foreign.len() + 2);
        policy.remove(Rule::RequireSsec);
        policy.remove(Rule::RequireTls);
        prop_assert_eq!(policy.to_string(), before.to_string());
    }

    #[test]
    fn cors_documents_survive_any_text(
        id in "[ -~äß]{0,20}",
        host in "[a-z]{1,10}(\\.[a-z]{1,5})?",
        port in proptest::option::of(1..=65535_u16),
    ) {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let origin = Origin::parse(&format!("https://{host}{port}"), AnyOrigin::Refuse).unwrap();
        prop_assert_eq!(Origin::parse(origin.as_str(), AnyOrigin::Refuse), Ok(origin.clone()));
        let mut cors = CorsConfiguration::default();
        cors.apply(&origin).unwrap();
        prop_assert!(cors.admits(&origin));
        cors.rules[0].id = Some(id);
        let mut again = CorsConfiguration::parse(&cors.to_xml()).unwrap();
        // XML keeps no white space around a text.
        cors.rules[0].id = cors.rules[0].id.take().map(|id| id.trim().to_owned());
        again.rules[0].id = again.rules[0].id.take().map(|id| id.trim().to_owned());
        prop_assert_eq!(again, cors);
    }

    #[test]
    fn any_body_is_an_error_response_or_none(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(error) = ErrorResponse::parse(&body) {
            prop_assert!(!error.code.is_empty());
        }
    }
}
