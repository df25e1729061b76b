//! All that the gateway keeps: objects by key, and uploads under way.

use crate::proxy::{Asked, CUSTOMER};
use bytes::Bytes;
use md5::{Digest as _, Md5};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A customer key as it came: a gateway sees it with every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerKey {
    pub base64: String,
    pub md5: String,
}

impl CustomerKey {
    /// The key on a request.
    pub(super) fn of(asked: &Asked) -> Option<Self> {
        Self::with_prefix(asked, CUSTOMER)
    }

    /// The key for the source of a copy.
    pub(super) fn of_source(asked: &Asked) -> Option<Self> {
        Self::with_prefix(asked, "x-amz-copy-source-server-side-encryption-customer-")
    }

    fn with_prefix(asked: &Asked, prefix: &str) -> Option<Self> {
        let header = |name: &str| asked.header(&format!("{prefix}{name}")).map(str::to_owned);
        Some(Self { base64: header("key")?, md5: header("key-md5")? })
    }
}

/// An object, with its content in plaintext whatever its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub content: Bytes,
    /// `None` for a plaintext object.
    pub key: Option<CustomerKey>,
    pub tags: Vec<(String, String)>,
    /// Content headers and user metadata.
    pub headers: Vec<(String, String)>,
    pub etag: String,
    pub modified: SystemTime,
}

impl Object {
    /// An object without tags and metadata, written now.
    pub fn new(content: impl Into<Bytes>, key: Option<CustomerKey>) -> Self {
        let content = content.into();
        let etag = md5_hex(&content);
        let (tags, headers) = (Vec::new(), Vec::new());
        Self { content, key, tags, headers, etag, modified: SystemTime::now() }
    }

    /// The record in its tag.
    pub fn record(&self) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == "s3-ssec").map(|(_, value)| value.as_str())
    }

    /// The same with this record in its tag, or none.
    #[must_use]
    pub fn with_record(mut self, record: Option<&str>) -> Self {
        self.tags.retain(|(name, _)| name != "s3-ssec");
        self.tags.extend(record.map(|record| ("s3-ssec".to_owned(), record.to_owned())));
        self
    }

    /// The same with other bytes under the same key and tags.
    #[must_use]
    pub fn with_content(self, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self { etag: md5_hex(&content), content, ..self }
    }
}

/// An upload in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) object: String,
    /// The headers of Create for the object; its content is empty.
    pub(super) form: Object,
    pub(super) parts: BTreeMap<u32, Bytes>,
}

/// All that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub objects: BTreeMap<String, Object>,
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) counter: u64,
}

impl Store {
    /// The uploads under way: the keys of their objects.
    pub fn uploads(&self) -> Vec<&str> {
        self.uploads.values().map(|upload| upload.object.as_str()).collect()
    }

    /// A name that was not used before.
    pub(super) fn fresh(&mut self, what: &str) -> String {
        self.counter += 1;
        format!("{what}{:08}", self.counter)
    }
}

pub(super) fn md5_hex(content: &[u8]) -> String {
    base16ct::lower::encode_string(&Md5::digest(content))
}
