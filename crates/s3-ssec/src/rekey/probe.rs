//! What the gateway really does with what a run relies on: conditions, copies, ETags. Tried on scratch
//! objects with throw-away keys, at the beginning of every run.

use super::RekeyError;
use crate::carry::{NoHands, carry};
use crate::client::Client;
use crate::trial::WriteKind;
use crate::watch::Watch;
use crate::write::{Existing, PutOptions};
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::transfer::{Replacing, ReplacingVerdict, ScratchLeft, try_replacing};

/// The ways of the gateway, as far as they were seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Abilities {
    /// Copies from one customer key to another are encrypted anew.
    pub(super) copies: bool,
    /// `If-Match` on a PUT replaces only what was named.
    pub(super) put_condition: bool,
    /// `If-Match` on Complete does.
    pub(super) complete_condition: bool,
    /// The ETag of one PUT is the MD5 of its content.
    pub(super) etag_is_md5: bool,
    /// The tags of one PUT are kept.
    pub(super) tags_kept: bool,
}

impl Client {
    /// Tries what a run below `beside` relies on. An error if not even scratch objects can be written
    /// and proved: then nothing is rewritten here. `copies`: the gateway may copy.
    pub(super) async fn try_abilities(
        &self,
        beside: &ObjectName,
        copies: bool,
        watch: &Watch,
    ) -> Result<Abilities, RekeyError> {
        // What a run that was killed left of its own.
        self.clear_trials(&beside.bucket).await;
        let options = PutOptions::default();
        let proved = self.try_first(beside, WriteKind::Single, &options, watch).await?;
        if proved.existing == Existing::Keep {
            return Err(RekeyError::NoTrial(beside.bucket.clone()));
        }
        let copies = copies && self.encrypts_copies(beside).await?;
        let course = |link| try_replacing(link, beside.clone());
        let mut carried = Box::pin(carry(self, &NoHands, &Watch::default(), course)).await;
        let ReplacingVerdict { seen, left } = carried.verdict.clone();
        if let Some(ScratchLeft { name, is_stored: true }) = left {
            tracing::warn!("the trial object {name} could not be removed");
        }
        let Replacing { by_put, by_complete, etag_is_md5 } =
            seen.map_err(|end| carried.failed_trial(&end))?;
        Ok(Abilities {
            copies,
            put_condition: by_put,
            complete_condition: by_complete,
            etag_is_md5,
            tags_kept: proved.tags_kept,
        })
    }
}
