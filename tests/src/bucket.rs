//! A bucket for one test, emptied and removed at its end.

use crate::lab::Gateway;
use s3_ssec::core::names::{BucketName, ObjectKey, ObjectName};
use s3_ssec::{Client, Listed};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub struct Bucket {
    pub client: Client,
    pub name: BucketName,
}

impl Bucket {
    pub async fn new(gateway: &Gateway) -> Self {
        Self::at(gateway.client().await).await
    }

    /// Made through this client, wherever it leads.
    pub async fn at(client: Client) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let time = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let name = format!("t-{time}-{}-{number}", std::process::id());
        let name = BucketName::parse(&name).unwrap();
        client.create_bucket(&name, None).await.unwrap();
        Self { client, name }
    }

    /// The same bucket by another way.
    pub fn through(&self, client: Client) -> Self {
        Self { client, name: self.name.clone() }
    }

    /// `s3://bucket/key`.
    pub fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    pub fn object(&self, key: &str) -> ObjectName {
        ObjectName::new(self.name.clone(), ObjectKey::parse(key).unwrap())
    }

    /// The keys in it, in order.
    pub async fn keys(&self) -> Vec<String> {
        let (mut keys, mut start) = (Vec::new(), None);
        loop {
            let (page, next) = self.client.list_page(&self.name, "", None, start).await.unwrap();
            keys.extend(page.into_iter().filter_map(|listed| match listed {
                Listed::Object { key, .. } => Some(key),
                _ => None,
            }));
            start = next;
            if start.is_none() {
                return keys;
            }
        }
    }

    /// Multipart uploads under way: their object keys.
    pub async fn uploads(&self) -> Vec<String> {
        let list = self.client.sdk().list_multipart_uploads().bucket(self.name.as_str());
        let list = list.send().await.unwrap();
        list.uploads().iter().map(|upload| upload.key().unwrap_or_default().to_owned()).collect()
    }

    /// Asserts that nothing is in the bucket: no object, no half-done upload.
    pub async fn assert_empty(&self) {
        assert_eq!(self.keys().await, Vec::<String>::new());
        assert_eq!(self.uploads().await, Vec::<String>::new());
    }

    /// Removes the bucket and what is in it, older versions too. Half-done uploads are a defect of
    /// the test.
    pub async fn remove(self) {
        assert_eq!(self.uploads().await, Vec::<String>::new());
        for key in self.keys().await {
            self.client.delete(&self.object(&key), None).await.unwrap();
        }
        let versions = self.client.sdk().list_object_versions().bucket(self.name.as_str());
        // Garage knows no versions, and no such request.
        let none = aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput::builder();
        let versions = match versions.send().await {
            Err(error) if error.raw_response().is_some_and(|a| a.status().as_u16() == 501) => {
                none.build()
            }
            versions => versions.unwrap(),
        };
        let all = versions.versions().iter().map(|version| (version.key(), version.version_id()));
        let markers = versions.delete_markers().iter();
        for (key, id) in all.chain(markers.map(|marker| (marker.key(), marker.version_id()))) {
            self.delete_version(key.unwrap(), id).await;
        }
        self.client.sdk().delete_bucket().bucket(self.name.as_str()).send().await.unwrap();
    }

    /// Deletes a version by its ID, whatever that is worth here.
    pub async fn delete_version(&self, key: &str, id: Option<&str>) {
        let delete = self.client.sdk().delete_object().bucket(self.name.as_str()).key(key);
        delete.set_version_id(id.map(str::to_owned)).send().await.unwrap();
    }

    /// Writes without any key, as a careless tool would.
    pub async fn put_plain(&self, key: &str, content: &[u8]) {
        let put = self.client.sdk().put_object().bucket(self.name.as_str()).key(key);
        put.body(content.to_vec().into()).send().await.unwrap();
    }

    /// The value of the record's tag, if there is one.
    pub async fn record(&self, key: &str) -> Option<String> {
        let tags = self.client.sdk().get_object_tagging().bucket(self.name.as_str()).key(key);
        let tags = tags.send().await.unwrap();
        tags.tag_set().iter().find(|tag| tag.key() == "s3-ssec").map(|tag| tag.value().to_owned())
    }

    /// Keeps every version from now on.
    pub async fn keep_versions(&self) {
        use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
        let request = self.client.sdk().put_bucket_versioning().bucket(self.name.as_str());
        request.versioning_configuration(enabled.build()).send().await.unwrap();
    }

    /// The IDs of all versions and delete markers below a prefix.
    pub async fn versions(&self, prefix: &str) -> Vec<String> {
        let list = self.client.sdk().list_object_versions().bucket(self.name.as_str());
        let list = list.prefix(prefix).send().await.unwrap();
        let versions = list.versions().iter().filter_map(|version| version.version_id());
        let markers = list.delete_markers().iter().filter_map(|marker| marker.version_id());
        versions.chain(markers).map(str::to_owned).collect()
    }

    /// The nonces in the records of all versions of an object.
    pub async fn nonces_of_versions(&self, key: &str) -> Vec<s3_ssec::core::derive::Nonce> {
        let sdk = self.client.sdk();
        let listed = sdk.list_object_versions().bucket(self.name.as_str()).prefix(key);
        let mut nonces = Vec::new();
        for version in listed.send().await.unwrap().versions() {
            let tags = sdk.get_object_tagging().bucket(self.name.as_str()).key(key);
            let tags = tags.version_id(version.version_id().unwrap()).send().await.unwrap();
            let record = tags.tag_set().iter().find(|tag| tag.key() == "s3-ssec").unwrap();
            nonces.push(s3_ssec::core::record::Record::parse(record.value()).unwrap().nonce());
        }
        nonces
    }

    /// Replaces all tags of an object.
    pub async fn set_tags(&self, key: &str, tags: &[(&str, &str)]) {
        use aws_sdk_s3::types::{Tag, Tagging};
        let tag =
            |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build().unwrap();
        let set = Tagging::builder().set_tag_set(Some(tags.iter().map(tag).collect()));
        let put = self.client.sdk().put_object_tagging().bucket(self.name.as_str()).key(key);
        put.tagging(set.build().unwrap()).send().await.unwrap();
    }
}
