//! Writes the record of an object that is there.

use super::RepairError;
use super::complete::Subject;
use crate::client::{Client, Head};
use crate::get::GetError;
use crate::locate::{ObjectState, ReadOptions};
use s3_ssec_core::keyring::Keyring;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::record::{Content, Record, TAG_KEY};

impl Client {
    pub(super) async fn write_record(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        subject: &Subject<'_>,
        content: Content,
    ) -> Result<(), RepairError> {
        let record = Record::write(subject.key, name, subject.nonce, content);
        self.put_record(keys, name, &record, subject.tags.clone(), &subject.head).await
    }

    /// Writes a record into the ledger, and beside the other tags of the object that `before` saw. A
    /// server without tags has it in the ledger alone. That the object needs this key was asked before.
    pub(super) async fn put_record(
        &self,
        keys: &Keyring,
        name: &ObjectName,
        record: &Record,
        others: Vec<(String, String)>,
        before: &Head,
    ) -> Result<(), RepairError> {
        let mut tags = vec![(TAG_KEY.to_owned(), record.to_string())];
        tags.extend(others);
        let noted = self.note(name, record).await;
        match self.put_tags(name, before.version_id.as_deref(), &tags).await {
            Err(error) if error.status() == Some(501) => noted.map_err(RepairError::State)?,
            written => written?,
        }
        // The tag may have landed on a newer object: our key must still open what is there.
        let after = self.stat(keys, name, &ReadOptions::default()).await?;
        if after.state != ObjectState::Described || after.head.etag != before.etag {
            return Err(GetError::Changed(name.clone()).into());
        }
        let in_tag = !after.in_ledger && after.record.as_ref() == Some(record);
        self.confirm(name, record, in_tag).await;
        Ok(())
    }
}
