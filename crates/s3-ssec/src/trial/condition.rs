//! Whether a write that is to replace nothing leaves what exists alone: tried on a scratch object.

use crate::carry::{NoHands, carry};
use crate::client::Client;
use crate::watch::Watch;
use crate::write::{Leftover, PutError};
use s3_ssec_core::condition::OnlyIfAbsent;
use s3_ssec_core::names::ObjectName;
use s3_ssec_core::transfer::try_condition;

/// The outcome of a trial of `If-None-Match: *`.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConditionTrial {
    /// Whether the gateway keeps to it.
    pub condition: OnlyIfAbsent,
    /// Why the trial came to no end, and what it left.
    pub problems: Vec<PutError>,
}

impl Client {
    /// Writes a scratch object beside `name` twice with `If-None-Match: *`, under a throw-away key. A trial
    /// that fails shows nothing: [`OnlyIfAbsent::Unknown`].
    ///
    /// The result is not remembered: whether the bucket keeps versions matters, and can change.
    pub async fn try_only_if_absent(&self, name: &ObjectName) -> ConditionTrial {
        self.clear_trials(&name.bucket).await;
        let course = |link| try_condition(link, name.clone());
        let mut carried = Box::pin(carry(self, &NoHands, &Watch::default(), course)).await;
        let verdict = carried.verdict.clone();
        let left = verdict.left.filter(|left| left.is_stored);
        let left = left.map(|left| carried.not_removed().leaving(&left.name, Leftover::Scratch));
        let failed = verdict.end.map(|end| carried.failed_trial(&end));
        let problems = failed.into_iter().chain(left).collect();
        ConditionTrial { condition: verdict.condition, problems }
    }
}
