//! The simulated gateway: one bucket, a pure function of a request and its state.

mod profile;
mod uploads;

use crate::headers::{AES256, ALGORITHM, KEY_MD5};
use crate::md5::KeyMd5;
use crate::names::ObjectName;
use crate::removal::TrustedVersion;
use crate::transfer::task::{Answer, Body, Condition, Operation};
pub(super) use profile::{Lie, Profile, Tags, Versions};
use std::fmt::Write as _;
use uploads::Upload;

/// Who wrote an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    Us,
    Another,
}

/// A version of the one object of these tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) writer: Writer,
    /// `None` for plaintext.
    pub(super) key: Option<KeyMd5>,
    /// The key that came with the PUT.
    pub(super) sent: Option<KeyMd5>,
    pub(super) tags: Vec<(String, String)>,
    size: u64,
    content: Vec<u8>,
    etag: String,
    /// True for a delete marker.
    is_marker: bool,
    /// True once an answer spoke of it.
    is_seen: bool,
    /// True once an answer showed that it can be read without a key.
    is_readable: bool,
}

/// A request as it arrives, with its key.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) name: ObjectName,
    pub(super) key: Option<KeyMd5>,
    pub(super) operation: Operation,
}

impl Request {
    /// True if it leaves an object or an upload whenever it arrives. A part does so only before the abort.
    pub(super) fn is_write(&self) -> bool {
        use Operation::{Complete, Create, Put};
        matches!(self.operation, Put { .. } | Create { .. } | Complete { .. })
    }
}

pub(super) struct Gateway {
    pub(super) profile: Profile,
    pub(super) lie: Lie,
    /// True if it encrypts nothing.
    pub(super) stores_plaintext: bool,
    /// Bytes that it puts to each content of a PUT.
    pub(super) pads: u64,
    /// False while its answers are lost.
    pub(super) is_heard: bool,
    /// The newest last.
    pub(super) versions: Vec<Stored>,
    pub(super) uploads: Vec<Upload>,
    next_id: u32,
    /// Objects of other writers that were removed although an answer had spoken of them. One that comes
    /// between the last look and the removal cannot be saved: DELETE knows no condition.
    pub(super) robbed: Vec<String>,
    /// True if a key was sent for an object that an answer had shown to be readable without one.
    pub(super) leaked: bool,
    /// Objects of ours that were ever stored encrypted: their records.
    pub(super) encrypted: Vec<String>,
}

impl Gateway {
    pub(super) fn new(profile: Profile, lie: Lie) -> Self {
        Self {
            profile,
            lie,
            stores_plaintext: lie.is_plaintext(),
            pads: 0,
            is_heard: true,
            versions: Vec::new(),
            uploads: Vec::new(),
            next_id: 1,
            robbed: Vec::new(),
            leaked: false,
            encrypted: Vec::new(),
        }
    }

    /// A PUT of another writer.
    pub(super) fn write_of_another(&mut self, key: Option<KeyMd5>, size: u64, etag: &str) {
        let (writer, tags, etag) = (Writer::Another, Vec::new(), etag.to_owned());
        self.store(Stored { writer, key, tags, size, etag, ..Stored::blank() });
    }

    pub(super) fn keeps_tags(&self) -> bool {
        self.profile.tags == Tags::Kept
    }

    pub(super) fn forge_removal_of_another(&mut self) {
        self.robbed.push("forged".to_owned());
    }

    fn store(&mut self, stored: Stored) -> String {
        let id = match self.profile.versions {
            Versions::Enabled => format!("v{}", self.next_id),
            Versions::Shown => format!("g{}", self.next_id),
            Versions::None | Versions::Suspended => "null".to_owned(),
        };
        self.next_id += 1;
        match self.profile.versions {
            Versions::Enabled => {}
            Versions::None | Versions::Shown => self.versions.clear(),
            Versions::Suspended => self.versions.retain(|version| version.id != "null"),
        }
        self.versions.push(Stored { id: id.clone(), ..stored });
        id
    }

    /// The object, as it was before this question.
    fn find(&mut self, version: Option<&TrustedVersion>) -> Option<Stored> {
        let found = match version.map(TrustedVersion::id) {
            Some(id) if self.profile.versions != Versions::Shown => {
                self.versions.iter_mut().find(|stored| stored.id == id)
            }
            _ => self.versions.last_mut(),
        };
        let found = found.filter(|stored| !stored.is_marker)?;
        let as_it_was = found.clone();
        found.is_seen |= self.is_heard;
        Some(as_it_was)
    }

    /// Executes a request.
    pub(super) fn handle(&mut self, request: &Request) -> Answer {
        match &request.operation {
            Operation::Head { version } => self.read(version.as_ref(), request.key, true),
            Operation::GetStart { version, .. } => self.read(version.as_ref(), request.key, false),
            Operation::GetSmall { version, .. } => {
                let answer = self.read(version.as_ref(), request.key, false);
                let content = self.find(version.as_ref()).map(|stored| stored.content);
                let body = if answer.is_success() { content } else { None };
                Answer { body: body.unwrap_or(answer.body), ..answer }
            }
            Operation::Put { tags, condition, body } => {
                self.put(request.key, tags, condition, body)
            }
            Operation::Create { tags } => self.create(request.key, tags),
            Operation::WrongPart { upload } => self.wrong_part(request.key, upload),
            Operation::ListParts { upload, after } => self.list_parts(upload, after.as_deref()),
            Operation::Part { upload, number, body, .. } => {
                self.part(request.key, upload, *number, body)
            }
            Operation::Complete { upload, etags, condition } => {
                self.complete(upload, etags, condition)
            }
            Operation::Abort { upload } => self.abort(upload),
            Operation::PutTags { version, tags } => self.put_tags(version.as_ref(), tags),
            Operation::Tags { version } => self.tags(version.as_ref()),
            Operation::Delete { version } => self.delete(version.as_ref()),
            Operation::Versioning => self.versioning(),
            Operation::ListVersions => self.list_versions(&request.name),
            Operation::ListUploads => self.list_uploads(&request.name),
        }
    }

    fn read(
        &mut self,
        version: Option<&TrustedVersion>,
        key: Option<KeyMd5>,
        is_head: bool,
    ) -> Answer {
        let Some(stored) = self.find(version) else { return refusal(404, "NoSuchKey", "") };
        match (stored.key, key) {
            (None, None) => {
                let heard = self.is_heard;
                self.versions.iter_mut().filter(|one| one.id == stored.id).for_each(|one| {
                    one.is_readable |= heard;
                });
                self.object(200, &stored, None)
            }
            (None, Some(_)) => {
                self.leaked |= stored.is_readable;
                self.object(200, &stored, None)
            }
            (Some(own), Some(sent)) if own == sent => self.object(200, &stored, Some(own)),
            (Some(_), Some(_)) => refusal(self.profile.wrong_key, "AccessDenied", ""),
            (Some(_), None) if is_head => Answer { status: 400, ..Answer::default() },
            (Some(_), None) => refusal(400, "InvalidRequest", ""),
        }
    }

    fn object(&self, status: u16, stored: &Stored, echo: Option<KeyMd5>) -> Answer {
        let mut answer = Answer { status, ..Answer::default() };
        let mut add = |name: &str, value: &str| {
            answer.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        };
        add("etag", &format!("\"{}\"", stored.etag));
        add("content-length", &stored.size.to_string());
        if self.profile.versions != Versions::None {
            add("x-amz-version-id", &stored.id);
        }
        if let Some(md5) = echo {
            add(ALGORITHM, AES256);
            add(KEY_MD5, &md5.to_base64());
        }
        answer
    }

    fn put(
        &mut self,
        key: Option<KeyMd5>,
        tags: &[(String, String)],
        condition: &Condition,
        body: &Body,
    ) -> Answer {
        if !tags.is_empty() && self.profile.tags == Tags::Refused {
            return refusal(501, "NotImplemented", "");
        }
        if self.is_forbidden(condition) {
            return refusal(412, "PreconditionFailed", "");
        }
        let tags = if self.profile.tags == Tags::Kept { tags.to_vec() } else { Vec::new() };
        let stored_key = key.filter(|_| !self.stores_plaintext);
        if let (Some(_), Some((_, record))) = (stored_key, tags.first()) {
            self.encrypted.push(record.clone());
        }
        let etag = if stored_key.is_some() { "of-cipher" } else { "of-plain" }.to_owned();
        let named = self.versions.last().map(|stored| stored.id.clone());
        let content = match body {
            Body::Bytes(bytes) => bytes.clone(),
            Body::Range { .. } => Vec::new(),
        };
        let (size, blank) = (length(body) + self.pads, Stored::blank());
        self.store(Stored { key: stored_key, sent: key, tags, size, content, etag, ..blank });
        let stored = self.versions.last().cloned().unwrap_or_else(Stored::blank);
        self.answer_to_put(&stored, key, named)
    }

    fn answer_to_put(&self, stored: &Stored, key: Option<KeyMd5>, below: Option<String>) -> Answer {
        match self.lie {
            Lie::None | Lie::PlaintextEchoed => self.object(200, stored, key),
            Lie::Plaintext | Lie::NoEcho | Lie::Undeletable => self.object(200, stored, None),
            Lie::PlaintextBehind500 => refusal(500, "InternalError", ""),
            Lie::PlaintextBehindNothing => {
                let mut answer = self.object(200, stored, None);
                answer.headers.retain(|(name, _)| name != "etag");
                answer
            }
            Lie::DoubledEcho => {
                let mut answer = self.object(200, stored, key);
                answer.headers.extend(self.object(200, stored, key).headers);
                answer
            }
            Lie::OthersVersion => {
                let id = below.unwrap_or_else(|| stored.id.clone());
                self.object(200, &Stored { id, ..stored.clone() }, None)
            }
        }
    }

    fn put_tags(&mut self, version: Option<&TrustedVersion>, tags: &[(String, String)]) -> Answer {
        if self.profile.tags == Tags::Refused {
            return refusal(501, "NotImplemented", "");
        }
        let Some(target) = self.find(version) else { return refusal(404, "NoSuchKey", "") };
        if self.profile.tags == Tags::Kept {
            let target = self.versions.iter_mut().rfind(|stored| stored.id == target.id);
            if let Some(target) = target {
                target.tags = tags.to_vec();
            }
        }
        Answer { status: 200, ..Answer::default() }
    }

    fn tags(&mut self, version: Option<&TrustedVersion>) -> Answer {
        if self.profile.tags == Tags::Refused {
            return refusal(501, "NotImplemented", "");
        }
        let Some(stored) = self.find(version) else { return refusal(404, "NoSuchKey", "") };
        let mut body = "<Tagging><TagSet>".to_owned();
        for (key, value) in &stored.tags {
            let _ = write!(body, "<Tag><Key>{key}</Key><Value>{value}</Value></Tag>");
        }
        body += "</TagSet></Tagging>";
        Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
    }

    fn delete(&mut self, version: Option<&TrustedVersion>) -> Answer {
        if self.lie == Lie::Undeletable {
            return Answer { status: 204, ..Answer::default() };
        }
        let id = version.map(TrustedVersion::id);
        let removed: Vec<Stored> = match (self.profile.versions, id) {
            (Versions::None | Versions::Shown, _) => std::mem::take(&mut self.versions),
            (_, Some(id)) => self.versions.extract_if(.., |stored| stored.id == id).collect(),
            (_, None) => {
                // Nothing is gone, but a GET of the object finds nothing.
                let hidden = self.versions.last().cloned();
                self.store(Stored { is_marker: true, ..Stored::blank() });
                hidden.into_iter().collect()
            }
        };
        let of_another =
            removed.iter().filter(|stored| stored.writer == Writer::Another && stored.is_seen);
        self.robbed.extend(of_another.map(|stored| stored.id.clone()));
        Answer { status: 204, ..Answer::default() }
    }

    /// True if a condition is heeded and not met.
    fn is_forbidden(&mut self, condition: &Condition) -> bool {
        let etag = self.find(None).map(|stored| stored.etag);
        self.profile.conditions
            && match condition {
                Condition::Always => false,
                Condition::OnlyIfAbsent => etag.is_some(),
                Condition::OnlyIf(only) => etag.as_ref() != Some(only),
            }
    }

    /// True if there is an object or an upload.
    pub(super) fn holds_anything(&self) -> bool {
        !self.uploads.is_empty() || self.versions.iter().any(|version| !version.is_marker)
    }

    fn list_versions(&mut self, name: &ObjectName) -> Answer {
        if !self.profile.tells_versioning {
            return refusal(501, "NotImplemented", "");
        }
        let heard = self.is_heard;
        let mut body = "<ListVersionsResult><IsTruncated>false</IsTruncated>".to_owned();
        let key = name.key.as_str();
        for stored in &mut self.versions {
            stored.is_seen |= heard;
            let (kind, id) =
                (if stored.is_marker { "DeleteMarker" } else { "Version" }, &stored.id);
            let _ = write!(body, "<{kind}><Key>{key}</Key><VersionId>{id}</VersionId>");
            let _ = write!(body, "<IsLatest>true</IsLatest><Size>1</Size></{kind}>");
        }
        body += "</ListVersionsResult>";
        Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
    }

    fn versioning(&self) -> Answer {
        if !self.profile.tells_versioning {
            return refusal(403, "AccessDenied", "");
        }
        let status = match self.profile.versions {
            Versions::None | Versions::Shown => "",
            Versions::Enabled => "<Status>Enabled</Status>",
            Versions::Suspended => "<Status>Suspended</Status>",
        };
        let body = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
        Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
    }
}

impl Stored {
    fn blank() -> Self {
        Self {
            id: String::new(),
            writer: Writer::Us,
            key: None,
            sent: None,
            tags: Vec::new(),
            size: 0,
            content: Vec::new(),
            etag: String::new(),
            is_marker: false,
            is_seen: false,
            is_readable: false,
        }
    }
}

fn length(body: &Body) -> u64 {
    match body {
        Body::Range { length, .. } => *length,
        Body::Bytes(bytes) => bytes.len() as u64,
    }
}

/// A refusal with a document, as S3 has it.
fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer { status, body: body.into_bytes(), ..Answer::default() }
}
