//! CORS: origins, merging, and the document both ways.

use super::*;

fn origin(text: &str) -> Origin {
    Origin::parse(text, AnyOrigin::Accept).unwrap()
}

fn foreign(origins: &[&str]) -> CorsRule {
    CorsRule {
        id: Some("a & b".to_owned()),
        origins: origins.iter().map(|&one| one.to_owned()).collect(),
        methods: vec!["GET".to_owned()],
        ..CorsRule::default()
    }
}

#[test]
fn origins_are_spelt_as_browsers_spell_them() {
    for (text, shown) in [
        ("https://app.example.org", "https://app.example.org"),
        ("HTTPS://App.Example.org/", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ] {
        assert_eq!(Origin::parse(text, AnyOrigin::Refuse).unwrap().as_str(), shown, "{text}");
    }
    for bad in [
        "",
        "null",
        "app.example.org",
        "//x.org",
        "ftp://x.org",
        "https://",
        "https://x.org/path",
        "https://x.org/?q",
        "https://x.org?q",
        "https://u@x.org",
        "https://x.org:",
        "https://*.x.org",
        "https://x.org#f",
        "https://x y.org",
        "https://x.org:70000",
    ] {
        let error = OriginError::Malformed(bad.to_owned());
        assert_eq!(Origin::parse(bad, AnyOrigin::Accept), Err(error), "{bad}");
    }
    for plain in ["http://x.org", "http://x.org:8080", "http://10.0.0.1", "HTTP://localhost.x.org"]
    {
        let refused = OriginError::PlainHttp(plain.to_lowercase());
        assert_eq!(Origin::parse(plain, AnyOrigin::Accept), Err(refused), "{plain}");
    }
    assert_eq!(Origin::parse("*", AnyOrigin::Refuse), Err(OriginError::Any));
    assert!(origin("*").is_any());
}

#[test]
fn one_rule_for_an_origin_and_before_the_wildcards() {
    let ours = origin("https://app.example.org");
    let others = foreign(&["https://*.example.org"]);
    let mixed = foreign(&["https://app.example.org", "https://b.org"]);
    let only = foreign(&["https://app.example.org"]);
    let rules = vec![others.clone(), mixed.clone(), only.clone()];
    let mut cors = CorsConfiguration { rules };
    assert!(!cors.admits(&ours));
    assert_eq!(cors.apply(&ours), Ok(vec![mixed, only]));
    let expected = vec![CorsRule::for_origin(&ours), others, foreign(&["https://b.org"])];
    assert_eq!(cors.rules, expected);
    assert!(cors.admits(&ours));
    // Once more changes nothing and displaces nothing.
    assert_eq!(cors.apply(&ours), Ok(vec![]));
    assert_eq!(cors.rules, expected);
    // Everybody's rule must not shadow the others.
    assert_eq!(cors.apply(&origin("*")), Ok(vec![]));
    assert_eq!(cors.rules.last(), Some(&CorsRule::for_origin(&origin("*"))));
    assert!(cors.admits(&ours));
}

#[test]
fn our_rule_is_known_again_in_the_order_of_rgw() {
    let ours = origin("https://app.example.org");
    let mut handed_back = CorsRule::for_origin(&ours);
    handed_back.methods = ["GET", "PUT", "DELETE", "HEAD", "POST"].map(str::to_owned).into();
    let mut cors = CorsConfiguration { rules: vec![handed_back.clone()] };
    assert!(cors.admits(&ours));
    assert_eq!(cors.apply(&ours), Ok(vec![]));
    handed_back.methods.pop();
    assert!(!CorsConfiguration { rules: vec![handed_back] }.admits(&ours));
}

#[test]
fn no_more_rules_than_s3_takes() {
    let rules = vec![foreign(&["https://b.org"]); RULES_MAX];
    let mut cors = CorsConfiguration { rules };
    assert_eq!(cors.apply(&origin("https://a.org")), Err(CorsError::TooManyRules));
    assert_eq!(cors.rules.len(), RULES_MAX);
    assert!(cors.apply(&origin("https://b.org")).is_ok());
}

#[test]
fn documents_round_trip() {
    let mut cors = CorsConfiguration { rules: vec![foreign(&["https://b.org", "*"])] };
    cors.apply(&origin("https://app.example.org")).unwrap();
    assert_eq!(CorsConfiguration::parse(&cors.to_xml()), Ok(cors));
    let empty = CorsConfiguration::default();
    assert_eq!(CorsConfiguration::parse(&empty.to_xml()), Ok(empty));
}

#[test]
fn reads_what_rgw_sends_and_refuses_what_it_would_lose() {
    let xml = "<?xml version=\"1.0\"?><CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.org</AllowedOrigin>\
        <AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>\
        <MaxAgeSeconds>3000</MaxAgeSeconds><ExposeHeader>ETag</ExposeHeader></CORSRule>\
        </CORSConfiguration>";
    let rule = &CorsConfiguration::parse(xml).unwrap().rules[0];
    assert_eq!((rule.methods.len(), rule.max_age, rule.exposed.len()), (2, Some(3000), 1));
    let lost = [
        xml.replace("ExposeHeader", "NewHeader"),
        xml.replace("CORSConfiguration", "Other"),
        xml.replace("3000</", "soon</"),
        String::new(),
        "<html>".to_owned(),
        xml.replace("https://a.org", &"a".repeat(65 << 10)),
    ];
    for xml in lost {
        assert_eq!(CorsConfiguration::parse(&xml), Err(CorsError::Malformed));
    }
}

#[test]
fn the_page_may_read_the_echo() {
    let exposed = CorsRule::for_origin(&origin("https://a.org")).exposed;
    for header in [ALGORITHM, KEY_MD5, "ETag", "x-amz-version-id"] {
        assert!(exposed.iter().any(|one| one == header), "{header}");
    }
}
