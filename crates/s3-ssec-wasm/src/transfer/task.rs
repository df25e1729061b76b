//! Tasks as JSON: requests as the page signs and sends them.

use s3_ssec_core::removal::TrustedVersion;
use s3_ssec_core::transfer::{Body, Call, Condition, Operation, Stage, Task};
use s3_ssec_core::xml::push_text;
use serde_json::{Value, json};

/// A `TransferTask` of this number.
pub(super) fn json(id: usize, task: Task) -> Value {
    let mut json = match task {
        Task::Call(call) => request(&call),
        Task::DrawKey { .. } => json!({ "task": "draw-key" }),
        Task::Note { record, stage, .. } => {
            let stage = match stage {
                Stage::Begun => "begun",
                Stage::BegunAlone => "begun-alone",
                Stage::Confirmed { .. } => "confirmed",
            };
            json!({ "task": "note", "record": record, "stage": stage })
        }
        Task::Sleep { ms } => json!({ "task": "sleep", "ms": ms }),
        Task::TryVersions { .. } => json!({ "task": "try-versions" }),
        Task::Describe { .. } => json!({ "task": "describe" }),
    };
    json["id"] = json!(id);
    json
}

/// A request without its key and its signature.
struct Request {
    operation: &'static str,
    method: &'static str,
    parameters: Value,
    headers: Value,
    document: Option<String>,
    /// The content: where it begins, and its length.
    body: Option<[u64; 2]>,
    /// True if the answer's document counts, and not only that of a refusal.
    is_read: bool,
}

fn request(call: &Call) -> Value {
    let is_keyed = call.key.is_some();
    let Some(request) = Request::of(&call.operation) else { return json!({ "task": "other" }) };
    let mut json = json!({
        "task": "call",
        "operation": request.operation,
        "method": request.method,
        "parameters": request.parameters,
        "headers": request.headers,
        "isKeyed": is_keyed,
        "isRead": request.is_read,
    });
    if !matches!(call.operation, Operation::Versioning) {
        json["name"] = json!(call.name.key.as_str());
    }
    if let Some(document) = request.document {
        json["document"] = json!(document);
    }
    if let Some(body) = request.body {
        json["body"] = json!(body);
    }
    json
}

impl Request {
    fn new(operation: &'static str, method: &'static str, parameters: Value) -> Self {
        let (headers, document) = (json!({}), None);
        Self { operation, method, parameters, headers, document, body: None, is_read: false }
    }

    /// `None` for requests of orders that no page runs.
    fn of(operation: &Operation) -> Option<Self> {
        Some(match operation {
            Operation::Head { version } => Self::new("HeadObject", "HEAD", of_version(version)),
            Operation::GetStart { version, ranged } => {
                let mut get = Self::new("GetObject", "GET", of_version(version));
                // Its answer must not stay in the cache of the browser, from where it would answer a later
                // HEAD. (`cache: "no-store"` would repeat every preflight.)
                get.parameters["response-cache-control"] = json!("no-store");
                if *ranged {
                    get.headers["range"] = json!("bytes=0-0");
                }
                get
            }
            Operation::Put { body: Body::Range { offset, length }, tags, condition } => {
                let mut put = Self::new("PutObject", "PUT", json!({}));
                put.headers = of_condition(condition);
                if !tags.is_empty() {
                    put.headers["x-amz-tagging"] = json!(tagging(tags));
                }
                Self { body: Some([*offset, *length]), ..put }
            }
            Operation::Complete { upload, etags, condition } => {
                let parameters = json!({ "uploadId": upload });
                let complete = Self::new("CompleteMultipartUpload", "POST", parameters);
                let (headers, document) = (of_condition(condition), Some(part_list(etags)));
                Self { headers, document, is_read: true, ..complete }
            }
            Operation::PutTags { version, tags } => {
                let put = Self::new("PutObjectTagging", "PUT", of_tags(version));
                Self { document: Some(tag_set(tags)), ..put }
            }
            Operation::Tags { version } => {
                Self { is_read: true, ..Self::new("GetObjectTagging", "GET", of_tags(version)) }
            }
            Operation::Delete { version } => {
                Self::new("DeleteObject", "DELETE", of_version(version))
            }
            Operation::Versioning => {
                let get = Self::new("GetBucketVersioning", "GET", json!({ "versioning": "" }));
                Self { is_read: true, ..get }
            }
            Operation::Create { .. } | Operation::Part { .. } | Operation::Abort { .. } => {
                return None;
            }
        })
    }
}

fn of_version(version: &Option<TrustedVersion>) -> Value {
    match version {
        Some(version) => json!({ "versionId": version.id() }),
        None => json!({}),
    }
}

fn of_tags(version: &Option<TrustedVersion>) -> Value {
    let mut parameters = of_version(version);
    parameters["tagging"] = json!("");
    parameters
}

fn of_condition(condition: &Condition) -> Value {
    match condition {
        Condition::Always => json!({}),
        Condition::OnlyIfAbsent => json!({ "if-none-match": "*" }),
        Condition::OnlyIf(etag) => json!({ "if-match": format!("\"{etag}\"") }),
    }
}

/// The header of the tags. A record needs no escaping there, and a page sets no other tag.
fn tagging(tags: &[(String, String)]) -> String {
    tags.iter().map(|(key, value)| [key, "=", value].concat()).collect::<Vec<_>>().join("&")
}

fn tag_set(tags: &[(String, String)]) -> String {
    let mut xml = "<Tagging><TagSet>".to_owned();
    for (key, value) in tags {
        xml.push_str("<Tag><Key>");
        push_text(&mut xml, key);
        xml.push_str("</Key><Value>");
        push_text(&mut xml, value);
        xml.push_str("</Value></Tag>");
    }
    xml + "</TagSet></Tagging>"
}

fn part_list(etags: &[String]) -> String {
    let mut xml = "<CompleteMultipartUpload>".to_owned();
    for (number, etag) in (1..).zip(etags) {
        xml.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>&quot;"));
        push_text(&mut xml, etag);
        xml.push_str("&quot;</ETag></Part>");
    }
    xml + "</CompleteMultipartUpload>"
}
