//! Notes of trials under way: what a trial that was killed left behind is removed by the next one.
//!
//! One file for each trial under `trials/`, locked while it runs and gone at its end. A name in it is
//! random and was never anybody's but the trial's, so that removing it harms nothing.

use super::TRIAL_PREFIX;
use crate::call::CallError;
use crate::client::Client;
use crate::list::{ListingOf, ListingPages};
use crate::state::JournalFile;
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::listing::EntryKind;
use s3_ssec_core::names::{BucketName, ObjectKey, ObjectName, S3Address};
use s3_ssec_core::removal::answered_version;
use serde_json::{Value, json};

/// Where the notes are, under the state directory.
const DIRECTORY: &str = "trials";

impl Client {
    /// Notes a trial, safely on disk when this returns. Without a state directory nothing is noted.
    pub(crate) fn note_trial(&self, scratch: &ObjectName) -> Option<JournalFile> {
        let state = self.state.as_ref()?;
        let (endpoint, object) = (self.endpoint().as_str(), scratch.to_string());
        let (mut file, _) = state.journal(DIRECTORY, &[endpoint, &object]).ok()?;
        let line = json!({ "endpoint": endpoint, "object": object });
        file.append(&format!("{line}\n")).ok()?;
        Some(file)
    }

    /// Removes what trials in this bucket left that nobody is making any more. What cannot be
    /// removed now keeps its note.
    pub(crate) async fn clear_trials(&self, bucket: &BucketName) {
        let Some(state) = &self.state else { return };
        for (file, text) in state.journals(DIRECTORY) {
            let note: Value = serde_json::from_str(text.trim_end()).unwrap_or_default();
            let Some(scratch) = note["object"].as_str().and_then(noted) else {
                // Cut short: nothing was sent before the note was whole.
                file.remove();
                continue;
            };
            if note["endpoint"] != self.endpoint().as_str() || scratch.bucket != *bucket {
                continue;
            }
            match self.clear_scratch(&scratch).await {
                Ok(_) => file.remove(),
                Err(error) => tracing::warn!("the trial object {scratch} may be left: {error}"),
            }
        }
    }

    /// Removes uploads and objects of this name, in all versions. Returns the number of objects.
    pub(crate) async fn clear_scratch(&self, scratch: &ObjectName) -> Result<usize, CallError> {
        let (bucket, key) = (scratch.bucket.as_str(), scratch.key.as_str());
        for id in self.uploads_of(scratch).await? {
            let abort = self.s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
            let abort = abort.send().await;
            abort.map_err(self.explain(Operation::AbortMultipartUpload, SentKey::None))?;
        }
        let listed =
            ListingPages::new(self, ListingOf::Versions, &scratch.bucket, key).all().await?;
        let mut removed = 0;
        for version in listed.into_iter().filter(|version| version.key == key) {
            if version.kind != EntryKind::DeleteMarker {
                let id = answered_version(version.id.as_deref());
                self.delete_scratch(scratch, id).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// The object of a note, if its name is a trial's.
fn noted(text: &str) -> Option<ObjectName> {
    let address = S3Address::parse(text).ok()?;
    let key = ObjectKey::parse(&address.path).ok()?;
    let last = key.as_str().rsplit('/').next().unwrap_or_default();
    last.starts_with(TRIAL_PREFIX).then(|| ObjectName::new(address.bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_trials_are_taken_from_notes() {
        assert!(noted("s3://bucket/a/.s3-ssec-trial-0011").is_some());
        for other in ["s3://bucket/a", "s3://bucket/.s3-ssec-trial-0011/a", "s3://bucket", ""] {
            assert_eq!(noted(other), None, "{other}");
        }
    }
}
