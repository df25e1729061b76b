//! Object lock, looked at before anything is written: where old versions cannot be removed, every run
//! would add versions that cannot be removed either.

use super::RekeyError;
use crate::call::CallError;
use crate::client::Client;
use crate::nonce::unix_now;
use aws_sdk_s3::types::{DefaultRetention, ObjectLockEnabled};
use s3_ssec_core::advice::{Operation, SentKey};
use s3_ssec_core::lock::{BucketLock, Hold};
use s3_ssec_core::names::{BucketName, ObjectName};

impl Client {
    /// The object lock of a bucket.
    pub(super) async fn bucket_lock(&self, bucket: &BucketName) -> Result<BucketLock, RekeyError> {
        let answer = self.s3.get_object_lock_configuration().bucket(bucket.as_str()).send().await;
        let explain = self.explain(Operation::GetObjectLockConfiguration, SentKey::None);
        let answer = match answer.map_err(explain) {
            Ok(answer) => answer,
            Err(error) => {
                // An answer that is not understood is none of a lock (moto answers 200 without one).
                let lock = match error.status() {
                    Some(200..=299) => Some(BucketLock::Unknown),
                    Some(status) => BucketLock::of_refusal(status),
                    None if !error.is_lost() => Some(BucketLock::Unknown),
                    None => None,
                };
                return lock.ok_or_else(|| error.into());
            }
        };
        let Some(lock) = answer.object_lock_configuration() else { return Ok(BucketLock::None) };
        let is_enabled = lock.object_lock_enabled() == Some(&ObjectLockEnabled::Enabled);
        let default = lock.rule().and_then(|rule| rule.default_retention());
        let default = default.and_then(|rule| Some((rule.mode()?.as_str(), period(rule))));
        let default = default.as_ref().map(|(mode, period)| (*mode, period.as_str()));
        Ok(BucketLock::of_answer(is_enabled, default))
    }

    /// The lock that prevents the removal of a version now. `None` where the bucket has no lock.
    pub(super) async fn hold_of(
        &self,
        name: &ObjectName,
        version: &str,
        lock: &BucketLock,
    ) -> Result<Option<Hold>, CallError> {
        if *lock == BucketLock::None {
            return Ok(None);
        }
        let hold = self.s3.get_object_legal_hold().bucket(name.bucket.as_str());
        let hold = hold.key(name.key.as_str()).version_id(version).send().await;
        let hold = hold.map_err(self.explain(Operation::GetObjectLegalHold, SentKey::None));
        let hold = none_if_unset(hold, lock)?;
        let hold = hold.as_ref().and_then(|answer| answer.legal_hold()?.status());
        let retention = self.s3.get_object_retention().bucket(name.bucket.as_str());
        let retention = retention.key(name.key.as_str()).version_id(version).send().await;
        let retention =
            retention.map_err(self.explain(Operation::GetObjectRetention, SentKey::None));
        let retention = none_if_unset(retention, lock)?;
        let retention = retention.as_ref().and_then(|answer| answer.retention());
        let retention = retention.and_then(|retention| {
            Some((retention.mode()?.as_str(), retention.retain_until_date()?.secs()))
        });
        let now = i64::try_from(unix_now()).unwrap_or(i64::MAX);
        Ok(Hold::of_version(hold.map(|status| status.as_str()), retention, now))
    }
}

fn period(rule: &DefaultRetention) -> String {
    match (rule.days(), rule.years()) {
        (Some(days), _) => format!("{days} days"),
        (None, Some(years)) => format!("{years} years"),
        (None, None) => "for a time that it does not state".to_owned(),
    }
}

/// `None` for a version without a lock of this kind. Where not even the bucket's lock may be read, rights
/// are missing here too, and the versions count as free.
fn none_if_unset<T>(
    answer: Result<T, CallError>,
    lock: &BucketLock,
) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.status() {
            Some(400 | 404 | 405 | 501) => Ok(None),
            Some(403) if *lock == BucketLock::Unknown => Ok(None),
            None if !error.is_lost() && *lock == BucketLock::Unknown => Ok(None),
            _ => Err(error),
        },
    }
}
