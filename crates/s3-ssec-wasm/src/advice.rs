//! What a refusal means.

use crate::error::{ArgumentError, thrown};
use crate::number::object_name;
use js_sys::{Object, Reflect};
use s3_ssec_core::advice::{self, Operation, SentKey, Situation};
use s3_ssec_core::inspection;
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
    let fields = [("cause", kebab(&format!("{:?}", advice.cause)))];
    for (name, value) in fields.into_iter().chain([("what", advice.what), ("todo", advice.todo)]) {
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
    let (what, todo) = inspection::refusal(state, words, &object_name(bucket, object_key)?);
    let object = Object::new();
    Reflect::set(&object, &"what".into(), &what.into())?;
    Reflect::set(&object, &"todo".into(), &todo.into())?;
    Ok(object)
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
