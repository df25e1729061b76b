//! A scratch object, removed by what the answers to its writes said, or by a listing.

use super::scratch_name;
use crate::call::CallError;
use crate::client::Client;
use crate::state::JournalFile;
use s3_ssec_core::key::RandomError;
use s3_ssec_core::names::ObjectName;

/// A scratch object under a name of its own, noted until it is removed.
pub(crate) struct ScratchObject {
    pub(crate) name: ObjectName,
    client: Client,
    note: Option<JournalFile>,
    /// One for each write that was answered.
    versions: Vec<Option<String>>,
    /// A write may have arrived whose answer did not.
    is_unheard: bool,
}

impl ScratchObject {
    pub(crate) fn beside(client: &Client, name: &ObjectName) -> Result<Self, RandomError> {
        let name = scratch_name(name)?;
        let (client, note) = (client.clone(), client.note_trial(&name));
        Ok(Self { name, client, note, versions: Vec::new(), is_unheard: false })
    }

    /// Takes the version that a write names, or what became of it otherwise.
    pub(crate) fn wrote(&mut self, answer: Result<Option<String>, &CallError>) {
        match answer {
            Ok(version) => self.versions.push(version),
            Err(error) => {
                self.is_unheard |= !error.is_refusal();
            }
        }
    }

    /// Removes all that was written. A listing shows what no answer named: without a version ID a
    /// deletion in a bucket with versions leaves a marker (RGW 20 names none for some writes). Where
    /// nothing is listed that was written, the name is deleted.
    pub(crate) async fn remove(self) -> Result<(), CallError> {
        let is_named = !self.is_unheard && self.versions.iter().all(Option::is_some);
        let cleared = match is_named {
            true => false,
            false => match self.client.clear_scratch(&self.name).await {
                Err(error) if self.is_unheard => return Err(error),
                cleared => cleared.is_ok_and(|removed| removed > 0),
            },
        };
        for version in self.versions.iter().filter(|_| !cleared) {
            self.client.delete_scratch(&self.name, version.as_deref()).await?;
        }
        if let Some(note) = self.note {
            note.remove();
        }
        Ok(())
    }
}
