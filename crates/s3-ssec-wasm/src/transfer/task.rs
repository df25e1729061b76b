//! Tasks as JSON: requests as the page signs and sends them.

use super::json::Json;
use s3_ssec_core::removal::TrustedVersion;
use s3_ssec_core::transfer::{Body, Call, Condition, JournalStep, Operation, Stage, Task};
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
        Task::Hash { number, body, .. } => {
            let mut hash = Json::of("task", "hash");
            part(&mut hash, number, &body);
            hash
        }
        Task::Compare { listed } => {
            let mut compare = Json::of("task", "compare");
            let mut parts = Json::object();
            for (number, etag) in &listed {
                parts.text(&number.to_string(), etag);
            }
            compare.raw("listed", &parts.end());
            compare
        }
        Task::Describe { .. } => Json::of("task", "describe"),
        Task::Journal(step) => journal(&step),
        Task::OpenScratch { .. } | Task::CloseScratch { .. } | Task::Read { .. } => other(),
    };
    json.number("id", id as u64);
    json.end()
}

fn journal(step: &JournalStep) -> Json {
    let mut json = Json::of("task", "journal");
    json.text(
        "step",
        match step {
            JournalStep::Begun => "begun",
            JournalStep::Created { .. } => "created",
            JournalStep::Stored { .. } => "stored",
            JournalStep::Completing { .. } => "completing",
            JournalStep::Over => "over",
        },
    );
    match step {
        JournalStep::Created { upload } => json.text("upload", upload),
        JournalStep::Stored { number, etag } => {
            json.number("number", (*number).into());
            json.text("etag", etag);
        }
        JournalStep::Begun | JournalStep::Completing { .. } | JournalStep::Over => {}
    }
    json
}

/// A part of the content: its number, where it begins, and its length.
fn part(json: &mut Json, number: u16, body: &Body) {
    json.number("number", number.into());
    span(json, body);
}

fn span(json: &mut Json, body: &Body) {
    let Body::Range { offset, length } = body else { return };
    let mut span = offset.to_string();
    span.insert(0, '[');
    span.push(',');
    span.push_str(&length.to_string());
    span.push(']');
    json.raw("body", &span);
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Begun => "begun",
        Stage::BegunAlone => "begun-alone",
        Stage::Confirmed { .. } => "confirmed",
    }
}

/// A task of orders that no page runs.
fn other() -> Json {
    Json::of("task", "other")
}

fn request(call: &Call) -> Json {
    let Some(request) = Request::of(&call.operation, call.name.key.as_str()) else {
        return other();
    };
    let mut json = Json::of("task", "call");
    json.text("operation", request.operation);
    json.text("method", request.method);
    json.raw("parameters", &request.parameters.end());
    json.raw("headers", &request.headers.end());
    json.flag("isKeyed", call.key.is_some());
    json.flag("isRead", request.is_read);
    if !matches!(call.operation, Operation::Versioning | Operation::ListUploads) {
        json.text("name", call.name.key.as_str());
    }
    if let Some(document) = request.document {
        json.text("document", &document);
    }
    match &call.operation {
        Operation::Put { body, .. } => {
            span(&mut json, body);
            json.flag("isTyped", true);
        }
        Operation::Part { number, body, .. } => part(&mut json, *number, body),
        Operation::Create { .. } => json.flag("isTyped", true),
        _ => {}
    }
    json
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
    fn of(operation: &Operation, name: &str) -> Option<Self> {
        Some(match operation {
            Operation::Create { .. }
            | Operation::Part { .. }
            | Operation::Abort { .. }
            | Operation::ListParts { .. } => return Some(Self::of_upload(operation)),
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
            Operation::Put { body: Body::Range { .. }, tags, condition } => {
                let mut put = Self::new("PutObject", "PUT");
                put.condition(condition);
                if !tags.is_empty() {
                    put.headers.text("x-amz-tagging", &tagging(tags));
                }
                put
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
            Operation::Versioning => {
                let mut get = Self::new("GetBucketVersioning", "GET");
                get.parameters.text("versioning", "");
                Self { is_read: true, ..get }
            }
            Operation::ListUploads => {
                let mut list = Self::new("ListMultipartUploads", "GET");
                list.parameters.text("uploads", "");
                list.parameters.text("prefix", name);
                Self { is_read: true, ..list }
            }
            // Of trials.
            Operation::Put { body: Body::Bytes(_), .. }
            | Operation::GetSmall { .. }
            | Operation::WrongPart { .. }
            | Operation::ListVersions => return None,
        })
    }

    fn of_upload(operation: &Operation) -> Self {
        match operation {
            Operation::Create { tags } => {
                let mut create = Self::new("CreateMultipartUpload", "POST");
                create.parameters.text("uploads", "");
                if !tags.is_empty() {
                    create.headers.text("x-amz-tagging", &tagging(tags));
                }
                Self { is_read: true, ..create }
            }
            Operation::Part { upload, number, .. } => {
                let mut put = Self::new("UploadPart", "PUT");
                put.parameters.text("partNumber", &number.to_string());
                put.parameters.text("uploadId", upload);
                put
            }
            Operation::ListParts { upload, after } => {
                let mut list = Self::new("ListParts", "GET");
                list.parameters.text("uploadId", upload);
                if let Some(after) = after {
                    list.parameters.text("part-number-marker", after);
                }
                Self { is_read: true, ..list }
            }
            Operation::Abort { upload } => {
                let mut abort = Self::new("AbortMultipartUpload", "DELETE");
                abort.parameters.text("uploadId", upload);
                abort
            }
            // The others are not of an upload.
            other => Self::new(other.name(), "GET"),
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
