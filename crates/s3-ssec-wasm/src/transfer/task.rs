//! Tasks as JSON: requests as the page signs and sends them.

use super::json::Json;
use s3_ssec_core::key::random_bytes;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::removal::TrustedVersion;
use s3_ssec_core::transfer::{Body, Call, Condition, JournalStep, KeyRef, Operation, Stage, Task};
use s3_ssec_core::xml::push_text;

/// A `TransferTask` of this number.
pub(super) fn json(id: usize, task: Task) -> String {
    let mut json = match task {
        Task::Call(call) => request(&call),
        Task::DrawKey { .. } => Json::of("task", "draw-key"),
        Task::Note { record, stage, .. } => {
            let mut note = Json::of("task", "note");
            note.text("record", &record);
            note.text("stage", stage_name(stage));
            note
        }
        Task::Sleep { ms } => {
            let mut sleep = Json::of("task", "sleep");
            sleep.number("ms", ms);
            sleep
        }
        Task::OpenScratch { beside } => open_scratch(&beside),
        Task::CloseScratch { .. } => Json::of("task", "close-scratch"),
        Task::Hash { number, body, .. } => {
            let mut hash = Json::of("task", "hash");
            hash.number("number", number.into());
            push_body(&mut hash, &body);
            hash
        }
        Task::Compare { listed } => {
            let mut parts = Json::object();
            for (number, etag) in &listed {
                parts.text(&number.to_string(), etag);
            }
            let mut compare = Json::of("task", "compare");
            compare.raw("listed", &parts.end());
            compare
        }
        Task::Describe { .. } => Json::of("task", "describe"),
        Task::Journal(step) => journal(&step),
        Task::Read { .. } => other(),
    };
    json.number("id", id as u64);
    json.end()
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Begun => "begun",
        Stage::BegunAlone => "begun-alone",
        Stage::Confirmed { .. } => "confirmed",
    }
}

fn journal(step: &JournalStep) -> Json {
    let mut json = Json::of("task", "journal");
    let name = match step {
        JournalStep::Begun => "begun",
        JournalStep::Created { upload } => {
            json.text("upload", upload);
            "created"
        }
        JournalStep::Stored { number, etag } => {
            json.number("number", (*number).into());
            json.text("etag", etag);
            "stored"
        }
        JournalStep::Completing { .. } => "completing",
        JournalStep::Over => "over",
    };
    json.text("step", name);
    json
}

/// A task of orders that no page runs.
fn other() -> Json {
    Json::of("task", "other")
}

/// With the name that is drawn here; the key is drawn where it is used.
fn open_scratch(beside: &ObjectName) -> Json {
    let Ok(random) = random_bytes() else { return other() };
    let mut open = Json::of("task", "open-scratch");
    open.text("bucket", beside.bucket.as_str());
    open.text("name", beside.scratch_beside(random).key.as_str());
    open
}

fn request(call: &Call) -> Json {
    let Some(mut request) = Request::of(&call.operation) else { return other() };
    let mut json = Json::of("task", "call");
    json.text("operation", request.operation);
    json.text("method", request.method);
    json.raw("headers", &request.headers.end());
    json.flag("isKeyed", call.key.is_some());
    json.flag("isScratch", call.key == Some(KeyRef::Scratch));
    json.flag("isRead", request.is_read);
    let name = call.name.key.as_str();
    match call.operation {
        Operation::Versioning => {}
        Operation::ListVersions | Operation::ListUploads => request.parameters.text("prefix", name),
        _ => json.text("name", name),
    }
    json.raw("parameters", &request.parameters.end());
    if let Some(document) = request.document {
        json.text("document", &document);
    }
    match &call.operation {
        Operation::Put { body, .. } => {
            json.flag("isTyped", matches!(body, Body::Range { .. }));
            push_body(&mut json, body);
        }
        Operation::Create { .. } => json.flag("isTyped", call.key != Some(KeyRef::Scratch)),
        Operation::Part { body, number, .. } => {
            json.number("number", (*number).into());
            push_body(&mut json, body);
        }
        _ => {}
    }
    json
}

#[inline(never)]
fn push_body(json: &mut Json, body: &Body) {
    match body {
        Body::Range { offset, length } => {
            let mut span = offset.to_string();
            span.insert(0, '[');
            span.push(',');
            span.push_str(&length.to_string());
            span.push(']');
            json.raw("body", &span);
        }
        // Contents of scratch objects are text.
        Body::Bytes(bytes) => json.text("content", std::str::from_utf8(bytes).unwrap_or_default()),
    }
}

/// A request without its key and its signature.
struct Request {
    operation: &'static str,
    method: &'static str,
    parameters: Json,
    headers: Json,
    document: Option<String>,
    /// True if the answer's document counts, and not only that of a refusal.
    is_read: bool,
}

type Version = Option<TrustedVersion>;

impl Request {
    #[inline(never)]
    fn new(operation: &'static str, method: &'static str) -> Self {
        let (parameters, headers) = (Json::object(), Json::object());
        Self { operation, method, parameters, headers, document: None, is_read: false }
    }

    #[inline(never)]
    fn of_version(operation: &'static str, method: &'static str, version: &Version) -> Self {
        let mut request = Self::new(operation, method);
        if let Some(version) = version {
            request.parameters.text("versionId", version.id());
        }
        request
    }

    /// `None` for requests of orders that no page runs.
    fn of(operation: &Operation) -> Option<Self> {
        Some(match operation {
            Operation::Head { version } => Self::of_version("HeadObject", "HEAD", version),
            Operation::GetStart { version, ranged } => {
                let mut get = Self::of_version("GetObject", "GET", version);
                // Its answer must not stay in the cache of the browser, from where it would answer a later
                // HEAD. (`cache: "no-store"` would repeat every preflight.)
                get.parameters.text("response-cache-control", "no-store");
                if *ranged {
                    get.headers.text("range", "bytes=0-0");
                }
                get
            }
            Operation::Put { tags, condition, .. } => {
                let mut put = Self::new("PutObject", "PUT");
                put.condition(condition);
                put.tags(tags);
                put
            }
            Operation::Create { tags } => {
                let mut create = Self::read("CreateMultipartUpload", "POST", "uploads");
                create.tags(tags);
                create
            }
            Operation::Part { upload, number, .. } => {
                let mut part = Self::new("UploadPart", "PUT");
                part.parameters.text("partNumber", &number.to_string());
                part.parameters.text("uploadId", upload);
                part
            }
            Operation::Abort { upload } => {
                let mut abort = Self::new("AbortMultipartUpload", "DELETE");
                abort.parameters.text("uploadId", upload);
                abort
            }
            Operation::ListVersions => {
                let mut list = Self::read("ListObjectVersions", "GET", "versions");
                list.parameters.text("encoding-type", "url");
                list
            }
            // Not encoded: RGW encodes the names and does not say so (measured).
            Operation::ListUploads => Self::read("ListMultipartUploads", "GET", "uploads"),
            Operation::ListParts { upload, after } => {
                let mut list = Self::new("ListParts", "GET");
                list.parameters.text("uploadId", upload);
                if let Some(after) = after {
                    list.parameters.text("part-number-marker", after);
                }
                Self { is_read: true, ..list }
            }
            Operation::Complete { upload, etags, condition } => {
                let mut complete = Self::new("CompleteMultipartUpload", "POST");
                complete.parameters.text("uploadId", upload);
                complete.condition(condition);
                Self { document: Some(part_list(etags)), is_read: true, ..complete }
            }
            Operation::PutTags { version, tags } => {
                let mut put = Self::of_version("PutObjectTagging", "PUT", version);
                put.parameters.text("tagging", "");
                Self { document: Some(tag_set(tags)), ..put }
            }
            Operation::Tags { version } => {
                let mut get = Self::of_version("GetObjectTagging", "GET", version);
                get.parameters.text("tagging", "");
                Self { is_read: true, ..get }
            }
            Operation::Delete { version } => Self::of_version("DeleteObject", "DELETE", version),
            Operation::Versioning => Self::read("GetBucketVersioning", "GET", "versioning"),
            // Of the trial of versions, and of an upload whose creation was not answered: a page may send no
            // Content-MD5 everywhere.
            Operation::GetSmall { .. } | Operation::WrongPart { .. } => return None,
        })
    }

    /// Of the subresource of this name.
    #[inline(never)]
    fn read(operation: &'static str, method: &'static str, subresource: &str) -> Self {
        let mut request = Self::new(operation, method);
        request.parameters.text(subresource, "");
        Self { is_read: true, ..request }
    }

    #[inline(never)]
    fn tags(&mut self, tags: &[(String, String)]) {
        if !tags.is_empty() {
            self.headers.text("x-amz-tagging", &tagging(tags));
        }
    }

    #[inline(never)]
    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Always => {}
            Condition::OnlyIfAbsent => self.headers.text("if-none-match", "*"),
            Condition::OnlyIf(etag) => {
                let mut quoted = etag.clone();
                quoted.insert(0, '"');
                quoted.push('"');
                self.headers.text("if-match", &quoted);
            }
        }
    }
}

/// The header of the tags. A record needs no escaping there, and a page sets no other tag.
fn tagging(tags: &[(String, String)]) -> String {
    let mut all = String::new();
    for (key, value) in tags {
        let before = if all.is_empty() { "" } else { "&" };
        for piece in [before, key, "=", value] {
            all.push_str(piece);
        }
    }
    all
}

fn tag_set(tags: &[(String, String)]) -> String {
    let mut xml = String::from("<Tagging><TagSet>");
    for (key, value) in tags {
        xml.push_str("<Tag><Key>");
        push_text(&mut xml, key);
        xml.push_str("</Key><Value>");
        push_text(&mut xml, value);
        xml.push_str("</Value></Tag>");
    }
    xml.push_str("</TagSet></Tagging>");
    xml
}

fn part_list(etags: &[String]) -> String {
    let mut xml = String::from("<CompleteMultipartUpload>");
    for (number, etag) in (1_u32..).zip(etags) {
        xml.push_str("<Part><PartNumber>");
        xml.push_str(&number.to_string());
        xml.push_str("</PartNumber><ETag>&quot;");
        push_text(&mut xml, etag);
        xml.push_str("&quot;</ETag></Part>");
    }
    xml.push_str("</CompleteMultipartUpload>");
    xml
}
