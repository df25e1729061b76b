//! What a refusal means.

use crate::error::{ArgumentError, thrown};
use crate::number::object_name;
use js_sys::{Object, Reflect};
use s3_ssec_core::advice::{self, Operation, SentKey, Situation};
use s3_ssec_core::names::{ObjectName, quoted};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Why the gateway refused and what to do. `operation` is the S3 name, such as "PutObject"; `sentKey`
/// says whether a customer key went with the request. `code` and `message` are those of the XML of the
/// answer, which `DOMParser` reads. The address was https.
#[wasm_bindgen(js_name = explainRefusal, unchecked_return_type = "Advice")]
pub fn explain_refusal(
    operation: &str,
    status: u16,
    code: Option<String>,
    message: Option<String>,
    #[wasm_bindgen(unchecked_param_type = "\"none\" | \"target\" | \"target-and-source\"")]
    sent_key: &str,
) -> Result<Object, JsValue> {
    let sent_key = match sent_key {
        "none" => SentKey::None,
        "target" => SentKey::Target,
        "target-and-source" => SentKey::TargetAndSource,
        _ => return Err(thrown(ArgumentError("sentKey is none, target or target-and-source"))),
    };
    let operation = operation_of(operation)?;
    let (code, message) = (code.as_deref(), message.as_deref());
    let situation = Situation { operation, status, code, message, sent_key, secure: true };
    let advice = advice::explain(&situation);
    let object = Object::new();
    let (cause, todo) = (kebab(&format!("{:?}", advice.cause)), advice.remedy.words().to_owned());
    for (name, value) in [("cause", cause), ("what", advice.what), ("todo", todo)] {
        Reflect::set(&object, &name.into(), &value.into())?;
    }
    Ok(object)
}

/// Why an object that is not delivered stays where it is, and what to do. `state` and `words` are those of an
/// `Inspection`.
#[wasm_bindgen(js_name = explainInspected, unchecked_return_type = "{ what: string, todo: string }")]
pub fn explain_inspected(
    state: &str,
    words: &str,
    bucket: &str,
    object_key: &str,
) -> Result<Object, JsValue> {
    let (what, todo) = refusal(state, words, &object_name(bucket, object_key)?);
    let object = Object::new();
    Reflect::set(&object, &"what".into(), &what.into())?;
    Reflect::set(&object, &"todo".into(), &todo.into())?;
    Ok(object)
}

/// Why the content of an object that is not delivered stays where it is, and what to do. `words` are those of
/// an `Inspection`. The page can do less than the command, so it names that one's.
fn refusal(state: &str, words: &str, name: &ObjectName) -> (String, String) {
    let name = quoted(&name.to_string());
    let altered = "Restore it from a copy, and report it to the administrator of the gateway.";
    let (what, todo) = match state {
        "absent" => {
            ("this object does not exist any more".to_owned(), "Refresh the list.".to_owned())
        }
        "other-key" => (
            format!("this object is {words}"),
            format!(
                "Open the file of that key. If the object is yours and its record is lost, search for it: \
                 s3-ssec repair {name} --search"
            ),
        ),
        "pending" => (
            "the record of this object was never completed: its content cannot be verified"
                .to_owned(),
            format!(
                "s3-ssec repair {name} --against FILE completes it from your own copy of the content; \
                 s3-ssec repair {name} --accept-content accepts the content as it is now."
            ),
        ),
        "plain" => (
            "this object is not encrypted with a customer key".to_owned(),
            "Anyone who may read the bucket can read it. Download it only if you expected that."
                .to_owned(),
        ),
        "other-size" => (
            "this is not what was uploaded: it has another size than its record says".to_owned(),
            altered.to_owned(),
        ),
        "unproved" => (
            words.to_owned(),
            "Do not trust what is there. Show this to the administrator of the gateway.".to_owned(),
        ),
        _ => (
            format!("this object is {words}"),
            format!("Look at it with the command: s3-ssec stat {name}"),
        ),
    };
    (what, todo)
}

/// The operations that a page sends.
fn operation_of(name: &str) -> Result<Operation, JsValue> {
    use Operation::*;
    let all = [
        ListBuckets,
        HeadBucket,
        ListObjects,
        PutObject,
        GetObject,
        HeadObject,
        DeleteObject,
        CreateMultipartUpload,
        UploadPart,
        CompleteMultipartUpload,
        AbortMultipartUpload,
        ListParts,
        GetObjectTagging,
        PutObjectTagging,
        GetBucketVersioning,
        GetBucketPolicy,
        PutBucketPolicy,
        DeleteBucketPolicy,
        GetBucketCors,
        PutBucketCors,
        DeleteBucketCors,
        CopyObject,
    ];
    let found = all.into_iter().find(|operation| format!("{operation:?}") == name);
    found.ok_or_else(|| thrown(ArgumentError("no such S3 operation")))
}

/// `WrongKey` becomes `wrong-key`.
fn kebab(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::names::{BucketName, ObjectKey};

    #[test]
    fn a_refusal_names_a_command_that_works() {
        let (bucket, key) = (BucketName::parse("bucket"), ObjectKey::parse("a b;c"));
        let name = ObjectName::new(bucket.unwrap(), key.unwrap());
        for (state, part) in [
            ("other-key", "s3-ssec repair 's3://bucket/a b;c' --search"),
            ("pending", "s3-ssec repair 's3://bucket/a b;c' --against FILE completes"),
            ("pending", "s3-ssec repair 's3://bucket/a b;c' --accept-content accepts"),
            ("outdated", "s3-ssec stat 's3://bucket/a b;c'"),
            ("unproved", "Show this to the administrator"),
        ] {
            let (_, todo) = refusal(state, "encrypted with another key", &name);
            assert!(todo.contains(part), "{todo}");
        }
    }
}
