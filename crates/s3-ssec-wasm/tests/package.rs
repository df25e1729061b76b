//! The crate where it runs: in Node and in Chromium. What the vectors do not say: what is thrown, what is
//! wiped, what crosses.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests: a failure is a failed test")]

use js_sys::{Array, Function, Reflect, Uint8Array};
use s3_ssec_wasm as ssec;
use ssec::{CustomerKey, Gateway, Key, KeyFile, ObjectSeal, Signer, UploadJournal};
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
    let (fingerprint, nonce) = (key().fingerprint(), NONCE.to_owned());
    let begun =
        ssec::journal_begun(endpoint, object, source, 100.0, 50.0, fingerprint, nonce).unwrap();
    let stored = ssec::journal_stored(1, "etag".into());
    let never_sent = [begun.clone(), ssec::journal_created("2~a".into()), stored.clone()];
    assert!(UploadJournal::parse(&never_sent.concat()).is_none());
    let sending = ssec::journal_sending(1, "aa".into());
    let lines = [begun, ssec::journal_created("2~a".into()), sending, stored].concat();
    let lines = format!("{lines}{}{{\"cut sho", ssec::journal_sending(2, "bb".into()));
    let journal = UploadJournal::parse(&lines).unwrap();
    assert_eq!(
        (journal.nonce().as_deref(), journal.upload_id().as_deref()),
        (Some(NONCE), Some("2~a"))
    );
    assert_eq!((journal.etag_of(1).as_deref(), journal.etag_of(2)), (Some("etag"), None));
    assert_eq!((journal.sha256_of(2).as_deref(), journal.completing()), (Some("bb"), false));
    let completing = lines.replace("{\"cut sho", &ssec::journal_completing());
    assert!(UploadJournal::parse(&completing).unwrap().completing());
    assert!(UploadJournal::parse("nonsense\n").is_none());
}

#[wasm_bindgen_test]
fn documents_are_merged_into_what_stands() {
    let rule = |name: &str, existing| ssec::apply_policy(existing, "bucket", name);
    let first = rule("require-tls", None).unwrap();
    let both = rule("require-ssec", Some(first.clone())).unwrap();
    assert_eq!(rule("require-ssec", Some(both.clone())).unwrap(), both, "applied twice is once");
    assert_eq!(ssec::remove_policy(Some(both), "require-ssec").unwrap(), Some(first.clone()));
    assert_eq!(ssec::remove_policy(Some(first), "require-tls").unwrap(), None);
    assert_eq!(code(rule("require-https", None)), "argument");
    assert_eq!(code(rule("require-tls", Some("[]".into()))), "policy");
    assert_eq!(code(ssec::apply_cors(&Array::new(), "*")), "origin");
    assert_eq!(code(ssec::apply_cors(&Array::of1(&JsValue::NULL), "https://b.org")), "argument");
    let cors = ssec::apply_cors(&Array::new(), "https://b.org").unwrap();
    assert!(cors.contains("<AllowedOrigin>https://b.org</AllowedOrigin>"), "{cors}");
    assert!(!ssec::admits_origin(&Array::new(), "https://b.org").unwrap());
    let said = ssec::explain_refusal("PutObject", 404, Some("NoSuchBucket".into()), None, "target");
    assert_eq!(text(&said.unwrap(), "cause"), "no-such-bucket");
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
    let file = ssec::key_file_of_words(&typed(&words), Some("direct".into())).unwrap();
    let keys = KeyFile::read(&file).unwrap().keys().unwrap();
    let zeros = Key::from_bytes("direct", &Uint8Array::new_with_length(32)).unwrap();
    assert_eq!((keys.len(), keys[0].fingerprint()), (1, zeros.fingerprint()));
    let with = format!("1. {words}\nfingerprint {}", zeros.fingerprint());
    assert_eq!(ssec::key_file_of_words(&typed(&with), None).unwrap().to_vec(), file.to_vec());
    assert_eq!(code(ssec::key_file_of_words(&typed(&words), None)), "words-kind");
    let kind = || Some("master".to_owned());
    assert_eq!(code(ssec::key_file_of_words(&typed("abandon art"), kind())), "words");
    let changed = words.replace("art", "abandon");
    assert_eq!(code(ssec::key_file_of_words(&typed(&changed), kind())), "words");
    assert_eq!(code(ssec::key_file_of_words(&typed(&words), Some("public".into()))), "argument");
}
