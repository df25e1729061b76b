//! Multipart uploads of the simulated gateway.

use super::{Gateway, Request, Stored, Tags, length, refusal};
use crate::md5::KeyMd5;
use crate::names::ObjectName;
use crate::transfer::task::{Answer, Body, Condition, Operation};
use std::collections::BTreeMap;

/// An incomplete multipart upload.
#[derive(Clone, Debug)]
pub(in crate::transfer::sim) struct Upload {
    id: String,
    key: Option<KeyMd5>,
    pub(in crate::transfer::sim) sent: Option<KeyMd5>,
    tags: Vec<(String, String)>,
    /// Bytes of each part.
    parts: BTreeMap<u16, u64>,
}

impl Upload {
    pub(in crate::transfer::sim) fn id(&self) -> &str {
        &self.id
    }
}

impl Gateway {
    pub(super) fn create(&mut self, key: Option<KeyMd5>, tags: &[(String, String)]) -> Answer {
        if !tags.is_empty() && self.profile.tags == Tags::Refused {
            return refusal(501, "NotImplemented", "");
        }
        let keeps = self.profile.tags == Tags::Kept && self.profile.create_tags;
        let id = format!("u{}", self.next_id);
        self.next_id += 1;
        self.uploads.push(Upload {
            id: id.clone(),
            key: key.filter(|_| !self.stores_plaintext),
            sent: key,
            tags: if keeps { tags.to_vec() } else { Vec::new() },
            parts: BTreeMap::new(),
        });
        let body = format!(
            "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
        );
        Answer { body: body.into_bytes(), ..self.answer_to_put(&Stored::blank(), key, None) }
    }

    pub(super) fn part(
        &mut self,
        key: Option<KeyMd5>,
        id: &str,
        number: u16,
        body: &Body,
    ) -> Answer {
        let Some(upload) = self.uploads.iter_mut().find(|upload| upload.id == id) else {
            return refusal(404, "NoSuchUpload", "");
        };
        if upload.sent != key {
            return refusal(400, "InvalidArgument", "");
        }
        upload.parts.insert(number, length(body));
        let etag = format!("part-{number}");
        self.answer_to_put(&Stored { etag, ..Stored::blank() }, key, None)
    }

    pub(super) fn complete(&mut self, id: &str, etags: &[String], condition: &Condition) -> Answer {
        let Some(index) = self.uploads.iter().position(|upload| upload.id == id) else {
            return refusal(404, "NoSuchUpload", "");
        };
        if self.is_forbidden(condition) {
            return refusal(412, "PreconditionFailed", "");
        }
        if self.uploads[index].parts.len() != etags.len() {
            return refusal(400, "InvalidPart", "");
        }
        let Upload { key, sent, tags, parts, .. } = self.uploads.remove(index);
        let etag = if key.is_some() { "of-cipher" } else { "of-plain" }.to_owned();
        let (size, named) =
            (parts.values().sum(), self.versions.last().map(|last| last.id.clone()));
        self.store(Stored { key, sent, tags, size, etag, ..Stored::blank() });
        let stored = self.versions.last().cloned().unwrap_or_else(Stored::blank);
        let body = b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>".to_vec();
        // RGW before 20.2.4 has no echo here.
        Answer { body, ..self.answer_to_put(&stored, None, named) }
    }

    /// An upload of another writer; its ID.
    pub(in crate::transfer::sim) fn create_of_another(&mut self) -> String {
        let key = crate::key::CustomerKey::from_bytes(&[9; 32]).unwrap();
        self.create(Some(key.md5()), &[]);
        self.uploads.last().map(|upload| upload.id.clone()).unwrap()
    }

    /// False for a Complete of an upload that is gone.
    pub(in crate::transfer::sim) fn may_execute(&self, request: &Request) -> bool {
        match &request.operation {
            Operation::Complete { upload, .. } if request.name.key.as_str() == "a" => {
                self.uploads.iter().any(|one| one.id == *upload)
            }
            _ => true,
        }
    }

    pub(super) fn wrong_part(&self, key: Option<KeyMd5>, id: &str) -> Answer {
        match self.uploads.iter().find(|upload| upload.id == id) {
            None => refusal(404, "NoSuchUpload", ""),
            Some(upload) if upload.sent != key => refusal(400, "InvalidArgument", ""),
            Some(_) => refusal(400, "BadDigest", ""),
        }
    }

    /// Two parts a page.
    pub(super) fn list_parts(&self, id: &str, after: Option<&str>) -> Answer {
        let Some(upload) = self.uploads.iter().find(|upload| upload.id == id) else {
            return refusal(404, "NoSuchUpload", "");
        };
        let after = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        let mut rest = upload.parts.iter().filter(|(number, _)| **number > after);
        let (mut body, mut last) = (String::new(), 0);
        for (number, size) in rest.by_ref().take(2) {
            last = *number;
            body += &format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>part-{number}</ETag><Size>{size}</Size></Part>"
            );
        }
        let more = rest.next().is_some();
        let body = format!(
            "<ListPartsResult><IsTruncated>{more}</IsTruncated>\
             <NextPartNumberMarker>{last}</NextPartNumberMarker>{body}</ListPartsResult>"
        );
        Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
    }

    pub(super) fn list_uploads(&self, name: &ObjectName) -> Answer {
        let mut body = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>".to_owned();
        for upload in &self.uploads {
            let (key, id) = (name.key.as_str(), &upload.id);
            body += &format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
        }
        body += "</ListMultipartUploadsResult>";
        Answer { status: 200, body: body.into_bytes(), ..Answer::default() }
    }

    pub(super) fn abort(&mut self, id: &str) -> Answer {
        let before = self.uploads.len();
        self.uploads.retain(|upload| upload.id != id);
        match before == self.uploads.len() {
            true => refusal(404, "NoSuchUpload", ""),
            false => Answer { status: 204, ..Answer::default() },
        }
    }
}
