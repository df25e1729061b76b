//! The crate where it runs: in Node and in Chromium. What the vectors do not say: what is thrown, what is
//! wiped, what crosses.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests: a failure is a failed test")]

#[path = "package/transfer.rs"]
mod transfer;

use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use s3_ssec_wasm as ssec;
use ssec::{CustomerKey, Gateway, Inspection, Key, KeyFile, ListingPages, ObjectSeal};
use ssec::{PolicyChange, Signer, UploadJournal};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Headers;

const NOW: f64 = 1_700_000_000.0;
const HOME: [&str; 2] = ["research-data", "Größe/a b+c%.bin"];
const NONCE: &str = "6b043d805a";

/// The key of `FORMAT.md`'s example: the bytes 0 to 31.
fn key() -> Key {
    let bytes: Vec<u8> = (0..32).collect();
    Key::from_bytes("master", &Uint8Array::from(&bytes[..])).unwrap()
}

fn other_key() -> Key {
    Key::from_bytes("master", &Uint8Array::from(&[7; 32][..])).unwrap()
}

fn seal(key: &Key) -> ObjectSeal {
    ObjectSeal::resume(key, HOME[0], HOME[1], NONCE).unwrap()
}

/// The code of what was thrown.
fn code<T>(result: Result<T, JsValue>) -> String {
    let thrown = result.err().expect("something is thrown");
    assert!(thrown.is_instance_of::<js_sys::Error>());
    text(&thrown, "code")
}

fn text(object: &JsValue, name: &str) -> String {
    Reflect::get(object, &name.into()).unwrap().as_string().unwrap()
}

fn array(value: JsValue) -> Array {
    value.unchecked_into()
}

/// Name and value of the headers of a key.
fn pairs(of: &Array) -> Vec<(String, String)> {
    let texts = |pair: JsValue| [0, 1].map(|index| array(pair.clone()).get(index).as_string());
    of.iter().map(|pair| texts(pair).map(Option::unwrap).into()).collect()
}

/// What a gateway answers that confirms a key.
fn echo_of(key: &CustomerKey) -> Headers {
    let headers = key.headers().unwrap();
    headers.delete(&pairs(&key.pairs())[1].0).unwrap();
    headers
}

fn js(arguments: &str, body: &str) -> Function {
    Function::new_with_args(arguments, body)
}

/// How often bytes stand in the memory of this module. The bytes are JavaScript's, so that the search
/// does not find itself.
fn found(wanted: &Uint8Array) -> f64 {
    let search = "let count = 0; const all = new Uint8Array(memory.buffer); \
                  for (let at = all.indexOf(wanted[0]); at >= 0; at = all.indexOf(wanted[0], at + 1)) \
                    if (wanted.every((byte, index) => all[at + index] === byte)) count += 1; \
                  return count;";
    let search = js("memory, wanted", search);
    search.call2(&JsValue::NULL, &wasm_bindgen::memory(), wanted).unwrap().as_f64().unwrap()
}

#[wasm_bindgen_test]
fn a_key_and_what_it_seals_are_wiped() {
    let random = js("", "return crypto.getRandomValues(new Uint8Array(32))");
    let secret: Uint8Array = random.call0(&JsValue::NULL).unwrap().unchecked_into();
    let key = Key::from_bytes("master", &secret).unwrap();
    let seal = ObjectSeal::new(&key, HOME[0], HOME[1], NOW, None).unwrap();
    let customer = seal.customer_key();
    seal.pending_tag();
    // The text of the header never comes back into this memory.
    let wire = js("pairs", "return new TextEncoder().encode(pairs[1][1])");
    let wire = wire.call1(&JsValue::NULL, &customer.pairs()).unwrap().unchecked_into();
    assert!(found(&secret) > 0.0 && found(&wire) > 0.0, "the search finds nothing");
    drop((customer, seal, key));
    for half in
        [&secret, &wire].map(|bytes| [bytes.subarray(0, 16), bytes.subarray(16, 32)]).concat()
    {
        assert_eq!(found(&half), 0.0);
    }
}

#[wasm_bindgen_test]
fn errors_have_codes() {
    let short = Uint8Array::new_with_length(31);
    assert_eq!(code(Key::from_bytes("direct", &short)), "key-length");
    assert_eq!(code(Key::from_bytes("public", &short)), "argument");
    assert_eq!(code(key().customer_key()), "argument");
    assert_eq!(code(KeyFile::read(&short)), "key-file");
    assert_eq!(code(ObjectSeal::new(&key(), "B", "a", NOW, None)), "name");
    assert_eq!(code(ObjectSeal::new(&key(), "bucket", "a", -1.0, None)), "argument");
    assert_eq!(code(ObjectSeal::resume(&key(), "bucket", "a", "6B043D805A")), "argument");
    assert_eq!(code(Gateway::new("http://gateway.example.org")), "endpoint");
    assert_eq!(code(ssec::Record::parse("v1.m")), "record-malformed");
    let newer = seal(&key()).pending_tag().replacen("v1", "v2", 1);
    assert_eq!(code(ssec::Record::parse(&newer)), "record-newer-format");
}

#[wasm_bindgen_test]
fn headers_hold_the_key_of_the_object() {
    let customer = seal(&key()).customer_key();
    let all = pairs(&customer.pairs());
    // The object key of `FORMAT.md`'s example and its MD5, made with Python.
    let expected =
        ["AES256", "vi8ZX55MRK7wfEEks85joX8YhFU0XflGt/6nWJ22Cvg=", "AzneV5NG3Eu5VQQ3FANH9Q=="];
    assert_eq!(all.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), expected);
    let headers = customer.headers().unwrap();
    for ((name, value), (copied, same)) in all.iter().zip(&pairs(&customer.copy_source_pairs())) {
        assert_eq!(headers.get(name).unwrap().as_ref(), Some(value));
        assert_eq!((&copied.replace("copy-source-", ""), same), (name, value));
    }
}

#[wasm_bindgen_test]
fn only_the_right_echo_is_believed() {
    let (mine, foreign) = (seal(&key()), seal(&other_key()).customer_key());
    let answer = echo_of(&mine.customer_key());
    ssec::verify_echo(&mine, &answer).unwrap();
    assert_eq!(code(foreign.verify_echo(&answer)), "echo-other-key");
    let names = pairs(&mine.pairs()).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    answer.set(&names[0], "aes256").unwrap();
    assert_eq!(code(ssec::verify_echo(&mine, &answer)), "echo-other-algorithm");
    for name in [&names[0], &names[2]] {
        let answer = echo_of(&mine.customer_key());
        answer.delete(name).unwrap();
        assert!(code(ssec::verify_echo(&mine, &answer)).starts_with("echo-"), "{name}");
    }
    assert_eq!(code(ssec::verify_echo(&mine, &Headers::new().unwrap())), "echo-missing");
}

#[wasm_bindgen_test]
fn a_record_is_opened_by_its_key_and_for_its_name_only() {
    let (key, content) = (key(), b"attack at dawn\n");
    let content_key = key.content_key();
    let mut hasher = ssec::ContentHasher::new(&content_key).unwrap();
    hasher.update(&Uint8Array::from(&content[..])).unwrap();
    let digest = hasher.finish().unwrap();
    let tag = seal(&key).complete_tag(15.0, &digest).unwrap();
    // As in `FORMAT.md`.
    assert!(tag.starts_with("v1.m.4816dfc85c4eac7b.6b043d805a.15.7deb2bb5"), "{tag}");
    assert!(tag.ends_with(".a83e3904495c85cc5bd5206763342fcf"), "{tag}");
    let opened = ssec::open_record(&key, HOME[0], HOME[1], &tag).unwrap();
    assert_eq!(opened.size(), Some(15.0));
    assert!(opened.content_matches(15.0, &digest).unwrap());
    assert!(!opened.content_matches(16.0, &digest).unwrap());
    assert_eq!(code(opened.content_matches(15.0, &digest.subarray(0, 31))), "argument");
    let wire = |key: CustomerKey| pairs(&key.pairs());
    assert_eq!(wire(opened.customer_key()), wire(seal(&key).customer_key()));
    assert_eq!(code(ssec::open_record(&other_key(), HOME[0], HOME[1], &tag)), "record-foreign");
    assert_eq!(code(ssec::open_record(&key, HOME[0], "renamed", &tag)), "record-foreign");
    let pending = seal(&key).pending_tag();
    assert!(ssec::Record::parse(&pending).unwrap().is_pending());
    let opened = ssec::open_record(&key, HOME[0], HOME[1], &pending).unwrap();
    assert_eq!((opened.size(), opened.content_matches(15.0, &digest).unwrap()), (None, false));
}

#[wasm_bindgen_test]
fn pieces_in_any_order_are_the_whole() {
    let content_key = key().content_key();
    let length = ssec::piece_length();
    let content = js("length", "return Uint8Array.from({ length }, (_, at) => (at * 7) & 255)");
    let content = content.call1(&JsValue::NULL, &(length + 10).into()).unwrap();
    let content: Uint8Array = content.unchecked_into();
    let mut whole = ssec::ContentHasher::new(&content_key).unwrap();
    whole.update(&content).unwrap();
    assert_eq!(whole.size(), f64::from(length + 10));
    let pieces = |indices: &[u32]| {
        let mut tree = ssec::ContentTree::new(&content_key).unwrap();
        for &index in indices {
            let mut piece = ssec::PieceHasher::new(&content_key, index).unwrap();
            let end = content.length().min((index + 1) * length);
            piece.update(&content.subarray(index * length, end)).unwrap();
            tree.add(&piece.finish().unwrap().unwrap()).unwrap();
        }
        tree.finish().unwrap().map(|digest| digest.to_vec())
    };
    assert_eq!(pieces(&[1, 0]), Some(whole.finish().unwrap().to_vec()));
    assert_eq!(pieces(&[1]), None, "a piece is missing");
    assert_eq!(code(whole.finish()), "argument");
    let mut piece = ssec::PieceHasher::new(&content_key, 0).unwrap();
    assert_eq!(code(piece.update(&content)), "argument");
}

#[wasm_bindgen_test]
fn a_plan_covers_a_content_once() {
    let plan = ssec::MultipartPlan::new(20_000_000.0, f64::from(5 << 20)).unwrap();
    let mut end = 0.0;
    for number in 1..=plan.part_count() {
        let part = plan.part(number).unwrap();
        assert_eq!((part.number(), part.offset()), (number, end));
        assert!(part.length() <= plan.part_size() && part.length() > 0.0);
        end += part.length();
    }
    assert_eq!(end, 20_000_000.0);
    assert!(plan.part(0).is_none() && plan.part(plan.part_count() + 1).is_none());
    assert_eq!(code(ssec::MultipartPlan::new(6.0 * 2_f64.powi(40), 5.0)), "too-large");
    assert_eq!(code(ssec::MultipartPlan::new(1.5, 5.0)), "argument");
    assert_eq!(ssec::range_header(5.0, 10.0).unwrap(), "bytes=5-14");
    assert_eq!(code(ssec::range_header(0.0, 0.0)), "argument");
}

#[wasm_bindgen_test]
fn a_journal_tells_what_may_have_left() {
    let texts = ["https://gw", "s3://bucket/a", "a.bin"].map(str::to_owned);
    let [endpoint, object, source] = texts;
    let (fingerprint, nonce, content_key) =
        (key().fingerprint(), NONCE.to_owned(), key().content_key());
    let begun =
        ssec::journal_begun(endpoint, object, source, 100.0, 50.0, fingerprint, nonce).unwrap();
    let [sha256, other] = ["aa", "bb"].map(|byte| byte.repeat(32));
    let stored = ssec::journal_stored(&content_key, 1, "5d41402abc4b2a76b9719d911017c592").unwrap();
    let never_sent = [begun.clone(), ssec::journal_created("2~a".into()), stored.clone()];
    assert!(UploadJournal::parse(&never_sent.concat()).is_none());
    let sending = ssec::journal_sending(&content_key, 1, &sha256).unwrap();
    let second = ssec::journal_sending(&content_key, 2, &other).unwrap();
    let lines = [begun, ssec::journal_created("2~a".into()), sending, stored].concat();
    // No hash of the content is in it, only keyed ones.
    assert!(!lines.contains(&sha256) && !lines.contains("5d41402a"), "{lines}");
    let lines = format!("{lines}{second}{{\"cut sho");
    let journal = UploadJournal::parse(&lines).unwrap();
    assert_eq!(
        (journal.nonce().as_deref(), journal.upload_id().as_deref()),
        (Some(NONCE), Some("2~a"))
    );
    let has_stored = |key: &Key, etag| journal.has_stored(&key.content_key(), 1, etag).unwrap();
    assert!(has_stored(&key(), "5d41402abc4b2a76b9719d911017c592") && !has_stored(&key(), "e"));
    assert!(!has_stored(&other_key(), "5d41402abc4b2a76b9719d911017c592"));
    let another = |part, hash: &str| journal.sent_another(&content_key, part, hash).unwrap();
    assert_eq!([another(1, &sha256), another(1, &other), another(3, &other)], [false, true, false]);
    assert_eq!((journal.stored_count(), journal.completing()), (1, false));
    assert_eq!(code(journal.sent_another(&content_key.subarray(1, 32), 1, &other)), "key-length");
    let completing = lines.replace("{\"cut sho", &ssec::journal_completing());
    assert!(UploadJournal::parse(&completing).unwrap().completing());
    assert!(UploadJournal::parse("nonsense\n").is_none());
}

/// The verdict on an object whose gateway answers the three questions like this.
fn inspected(keys: &[(&Key, &str)], tag: &str, refusal: (u16, Option<&str>)) -> Object {
    let mut inspection = Inspection::new(HOME[0], HOME[1]).unwrap();
    for (key, label) in keys {
        inspection.add_key(key, Some((*label).to_owned()));
    }
    assert_eq!(inspection.step().unwrap(), "tags");
    inspection.records(vec![tag.to_owned()], None).unwrap();
    assert_eq!(inspection.step().unwrap(), "first-byte");
    inspection.first_byte(refusal.0, refusal.1.map(str::to_owned), None).unwrap();
    if inspection.step().unwrap() == "head" {
        let echo = echo_of(&inspection.customer_key().unwrap());
        inspection.head(200, Some(15.0), Some(echo)).unwrap();
    }
    if inspection.step().unwrap() == "head-without-key" {
        inspection.head(200, Some(15.0), Some(Headers::new().unwrap())).unwrap();
    }
    assert_eq!(inspection.step().unwrap(), "done");
    inspection.result().unwrap()
}

#[wasm_bindgen_test]
fn an_inspection_says_what_an_object_is() {
    let needed = (400, Some("InvalidRequest"));
    let digest = Uint8Array::new_with_length(32);
    let tag = seal(&key()).complete_tag(15.0, &digest).unwrap();
    let [other, own] = [other_key(), key()];
    let found = inspected(&[(&other, "old"), (&own, "lab")], &tag, needed);
    assert_eq!((text(&found, "state"), text(&found, "tone")), ("open".into(), "good".into()));
    assert_eq!(text(&found, "words"), "encrypted, key “lab”");
    assert_eq!(Reflect::get(&found, &"keyIndex".into()).unwrap(), 1);
    assert_eq!(text(&found, "nonce"), NONCE);
    // A direct key beside a master key is never shown as good.
    let direct = Key::from_bytes("direct", &Uint8Array::from(&[7; 32][..])).unwrap();
    let tag_of_direct = seal(&direct).complete_tag(15.0, &digest).unwrap();
    let found = inspected(&[(&own, "lab"), (&direct, "shared")], &tag_of_direct, needed);
    assert_eq!((text(&found, "state"), text(&found, "tone")), ("open".into(), "caution".into()));
    assert!(text(&found, "words").ends_with("by a key that others may hold"));
    // A record that does not fit is reported, and one that is damaged.
    let bad = |keys: &[(&Key, &str)], tag: &str, refusal| {
        let found = inspected(keys, tag, refusal);
        assert_eq!(text(&found, "tone"), "bad");
        assert_eq!(Reflect::get(&found, &"isDelivered".into()).unwrap(), false);
        text(&found, "state")
    };
    assert_eq!(bad(&[(&direct, "shared")], "v1.m.x", needed), "damaged-record");
    assert_eq!(bad(&[(&direct, "shared")], &tag, needed), "other-key");
    // An echo proves nothing where the object can be read without a key, or is refused for another reason.
    assert_eq!(bad(&[(&own, "lab")], &tag, (206, None)), "plain");
    assert_eq!(bad(&[(&own, "lab")], &tag, (400, Some("BadRequest"))), "unproved");
    let mut both = Inspection::new(HOME[0], HOME[1]).unwrap();
    both.add_key(&other_key(), None);
    both.add_key(&direct, None);
    assert_eq!(code(both.step()), "keyring");
}

#[wasm_bindgen_test]
fn a_content_is_judged_by_its_record() {
    let mut inspection = Inspection::new(HOME[0], HOME[1]).unwrap();
    inspection.add_key(&key(), None);
    let digest = Uint8Array::new_with_length(32);
    inspection.records(vec![seal(&key()).complete_tag(15.0, &digest).unwrap()], None).unwrap();
    assert_eq!(code(inspection.judge(15.0, None)), "argument");
    inspection.first_byte(400, Some("InvalidRequest".into()), None).unwrap();
    let echo = echo_of(&inspection.customer_key().unwrap());
    inspection.head(200, Some(15.0), Some(echo)).unwrap();
    let verdict = inspection.judge(15.0, Some(digest.clone())).unwrap();
    assert_eq!(text(&verdict, "code"), "verified");
    assert_eq!(text(&verdict, "words"), "verified: as it was uploaded");
    assert_eq!(code(inspection.judge(16.0, Some(digest.clone()))), "damaged");
    digest.fill(1, 0, 1);
    assert_eq!(code(inspection.judge(15.0, Some(digest))), "damaged");
    assert_eq!(code(inspection.judge(15.0, None)), "damaged");
}

#[wasm_bindgen_test]
fn marks_of_nonces_only_rise() {
    let slot = ssec::nonce_slot(HOME[0], HOME[1]).unwrap();
    assert!(slot < 4096);
    let drawn = ssec::draw_nonce(NOW, None).unwrap();
    let next = ssec::draw_nonce(NOW, Some(drawn.clone())).unwrap();
    assert!(next > drawn && ssec::draw_nonce(0.0, Some(next.clone())).unwrap() > next);
    let read = |nonce: &str, mark: Option<&String>| {
        ssec::nonce_after_reading(NOW, nonce, mark.cloned()).unwrap()
    };
    assert_eq!(read("0000000001", None), None, "past");
    assert_eq!(read("fffffffff0", Some(&next)).as_deref(), Some("fffffffff0"));
    assert_eq!(read(&drawn, Some(&next)), None);
    assert_eq!(code(ssec::draw_nonce(NOW, Some("soon".into()))), "argument");
}

#[wasm_bindgen_test]
fn a_listing_that_is_not_whole_is_not_read() {
    let page = |rest: &str| {
        let text = format!(
            "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>p/a%2Fb</Key><Size>5</Size>\
             </Contents><CommonPrefixes><Prefix>p/c/</Prefix></CommonPrefixes>{rest}"
        );
        Uint8Array::from(text.as_bytes())
    };
    let end = "<IsTruncated>false</IsTruncated></ListBucketResult>";
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>\
                </ListBucketResult>";
    let pages = || ListingPages::new("objects", "p/".into()).unwrap();
    let found = pages().read(&page(end)).unwrap();
    let json = String::from(js_sys::JSON::stringify(&found).unwrap());
    assert_eq!(json, r#"{"folders":["p/c/"],"objects":[{"name":"p/a/b","size":5}],"parts":[]}"#);
    let mut listing = pages();
    assert_eq!(text(&listing.read(&page(more)).unwrap(), "next"), "t");
    assert_eq!(code(listing.read(&page(more))), "listing", "the same page again");
    for rest in ["", "</ListBucketResult>", "<IsTruncated>true</IsTruncated></ListBucketResult>"] {
        assert_eq!(code(pages().read(&page(rest))), "listing", "{rest}");
    }
    assert_eq!(
        code(ListingPages::new("objects", "q/".into()).unwrap().read(&page(end))),
        "listing"
    );
    assert_eq!(code(ListingPages::new("buckets", String::new())), "argument");
}

#[wasm_bindgen_test]
fn documents_are_merged_into_what_stands() {
    assert_eq!(code(PolicyChange::apply("bucket", "require-https")), "argument");
    assert_eq!(code(PolicyChange::apply("-", "require-tls")), "name");
    assert_eq!(code(ssec::explain_policy("[]".into())), "policy");
    assert_eq!(code(ssec::apply_cors(&Array::new(), "*")), "origin");
    assert_eq!(code(ssec::apply_cors(&Array::of1(&JsValue::NULL), "https://b.org")), "argument");
    let cors = ssec::apply_cors(&Array::new(), "https://b.org").unwrap();
    assert!(cors.contains("<AllowedOrigin>https://b.org</AllowedOrigin>"), "{cors}");
    assert!(!ssec::admits_origin(&Array::new(), "https://b.org").unwrap());
    let said = ssec::explain_refusal("PutObject", 404, Some("NoSuchBucket".into()), None, "target");
    assert_eq!(text(&said.unwrap(), "cause"), "no-such-bucket");
}

/// The page's way through a change: what it is asked to do, with a gateway that `judge` plays.
fn change(
    mut change: PolicyChange,
    policy: &mut Option<String>,
    judge: fn(&str) -> bool,
) -> Object {
    for _ in 0..200 {
        let step = change.step().unwrap();
        match text(&step, "kind").as_str() {
            "read" => change.read(policy.clone()),
            "write" => {
                *policy = Reflect::get(&step, &"document".into()).unwrap().as_string();
                change.done();
            }
            "try" => {
                assert!(text(&step, "name").starts_with(".s3-ssec-trial-"));
                change.tried(judge(&text(&step, "attempt")));
            }
            "wait" | "clear" => change.done(),
            "end" => return step,
            other => panic!("{other}"),
        }
    }
    panic!("it never ends");
}

#[wasm_bindgen_test]
fn a_rule_is_tried_before_it_stands() {
    let mut policy = None;
    let rule = || PolicyChange::apply("bucket", "require-ssec").unwrap();
    // A gateway that refuses nothing, and one that refuses everything.
    for judge in [|_: &str| true, |_: &str| false] {
        let end = change(rule(), &mut policy, judge);
        assert!(text(&end, "what").contains("does not do what it says"));
        assert_eq!((Reflect::get(&end, &"good".into()).unwrap(), &policy), (false.into(), &None));
    }
    let end = change(rule(), &mut policy, |attempt| attempt != "plain");
    assert_eq!(text(&end, "what"), "S3SsecRequireCustomerKey is in force");
    assert!(policy.as_ref().unwrap().contains("arn:aws:s3:::bucket/*"));
    let tls = PolicyChange::apply("bucket", "require-tls").unwrap();
    let end = change(tls, &mut policy, |attempt| attempt != "plain");
    assert!(text(&end, "what").ends_with("was not tried"), "never called in force");
    let end = change(PolicyChange::remove("bucket").unwrap(), &mut policy, |_| true);
    assert_eq!((Reflect::get(&end, &"good".into()).unwrap(), policy), (true.into(), None));
}

#[wasm_bindgen_test]
fn a_signed_request_is_whole_and_spent() {
    let gateway = Gateway::new("https://gateway.example.org").unwrap();
    let secret = Uint8Array::from(&b"secret"[..]);
    let mut signer = Signer::new("us-east-1", "AKID", &secret, None).unwrap();
    let mut request =
        gateway.request("PUT", Some(HOME[0].into()), Some("a \"b\" \\c".into())).unwrap();
    let customer = seal(&key()).customer_key();
    request.key(&customer).unwrap();
    request.header("x-amz-meta-said", r#"C:\ "quoted""#).unwrap();
    let signed = signer.sign(&mut request, NOW).unwrap();
    assert_eq!(text(&signed, "method"), "PUT");
    assert_eq!(text(&signed, "redirect"), "error");
    assert!(text(&signed, "url").ends_with("/research-data/a%20%22b%22%20%5Cc"));
    let headers = Reflect::get(&signed, &"headers".into()).unwrap();
    assert_eq!(text(&headers, "x-amz-meta-said"), r#"C:\ "quoted""#);
    for (name, value) in pairs(&customer.pairs()) {
        assert_eq!(text(&headers, &name), value);
    }
    assert_eq!(code(signer.sign(&mut request, NOW)), "argument");
    assert_eq!(
        code(gateway.request("GET", Some("bucket".into()), Some("a/../b".into()))),
        "request"
    );
}

#[wasm_bindgen_test]
fn a_body_in_chunks_has_a_frame_around_each() {
    let gateway = Gateway::new("https://gateway.example.org").unwrap();
    let secret = Uint8Array::from(&b"secret"[..]);
    let mut signer = Signer::new("us-east-1", "AKID", &secret, None).unwrap();
    let put = || gateway.request("PUT", Some(HOME[0].into()), Some("a".into())).unwrap();
    let digests = Uint8Array::new_with_length(64);
    let signed = signer.sign_chunked(&mut put(), NOW, 8200.0, 8192, &digests).unwrap();
    let frames = Array::from(&Reflect::get(&signed, &"frames".into()).unwrap());
    let begins = |index, text: &str| frames.get(index).as_string().unwrap().starts_with(text);
    assert_eq!(frames.length(), 3);
    assert!(begins(0, "2000;chunk-") && begins(1, "\r\n8;chunk-") && begins(2, "\r\n0;chunk-"));
    assert_eq!(code(signer.sign_chunked(&mut put(), NOW, 8192.0, 8192, &digests)), "argument");
    assert_eq!(code(signer.sign_chunked(&mut put(), NOW, 8200.5, 8192, &digests)), "argument");
}

#[wasm_bindgen_test]
fn words_become_the_key_file_again() {
    let typed = |text: &str| Uint8Array::from(text.as_bytes());
    // 23 times the first word of the list and the one whose checksum fits: 32 bytes of zero.
    let words = "abandon ".repeat(23) + "art";
    let file = ssec::key_file_of_words(&typed(&words), Some("direct".into()), None).unwrap();
    let keys = KeyFile::read(&file).unwrap().keys().unwrap();
    let zeros = Key::from_bytes("direct", &Uint8Array::new_with_length(32)).unwrap();
    assert_eq!((keys.len(), keys[0].fingerprint()), (1, zeros.fingerprint()));
    let with = format!("1. {words}\nfingerprint {}", zeros.fingerprint());
    assert_eq!(ssec::key_file_of_words(&typed(&with), None, None).unwrap().to_vec(), file.to_vec());
    assert_eq!(code(ssec::key_file_of_words(&typed(&words), None, None)), "words-kind");
    let kind = || Some("master".to_owned());
    assert_eq!(code(ssec::key_file_of_words(&typed("abandon art"), kind(), Some(true))), "words");
    let changed = words.replace("art", "abandon");
    assert_eq!(code(ssec::key_file_of_words(&typed(&changed), kind(), Some(true))), "words");
    assert_eq!(
        code(ssec::key_file_of_words(&typed(&words), Some("public".into()), None)),
        "argument"
    );
    // A master key wants its fingerprint, or that its owner does without.
    for given in [None, Some(false)] {
        assert_eq!(
            code(ssec::key_file_of_words(&typed(&words), kind(), given)),
            "words-unconfirmed"
        );
    }
    assert!(ssec::key_file_of_words(&typed(&words), kind(), Some(true)).is_ok());
    let master = Key::from_bytes("master", &Uint8Array::new_with_length(32)).unwrap();
    let confirmed = format!("{words} {}", master.fingerprint());
    assert!(ssec::key_file_of_words(&typed(&confirmed), kind(), None).is_ok());
}
