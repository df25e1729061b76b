//! Draws nonces, never the same one twice for a name.

use s3_ssec_core::derive::Nonce;
use s3_ssec_core::key::{Key, RandomError, random_bytes};
use s3_ssec_core::keyring::Seal;
use s3_ssec_core::names::ObjectName;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The nonces of this process that a later one could still equal: those not yet in the past.
static RECENT: LazyLock<Mutex<HashMap<ObjectName, Nonce>>> = LazyLock::new(Mutex::default);

/// Seconds since 1970.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The nonce for a write of `name` that starts now, greater than `last` and than any this process
/// drew for the name.
pub(crate) fn draw(name: &ObjectName, last: Option<Nonce>) -> Result<Nonce, RandomError> {
    let [random] = random_bytes()?;
    let now = unix_now();
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    // What lies in the past is smaller than anything drawn from now on.
    recent.retain(|_, nonce| u64::from(nonce.unix_seconds()) >= now);
    let last = last.max(recent.get(name).copied());
    let nonce = Nonce::next(now, random, last);
    recent.insert(name.clone(), nonce);
    Ok(nonce)
}

/// Binds `key` and `name` to a nonce drawn now, for a write that something else than
/// [`Client::put`](crate::Client::put) will do.
pub fn fresh_seal<'k>(key: &'k Key, name: &ObjectName) -> Result<Seal<'k>, RandomError> {
    Ok(Seal::new(key, name.clone(), draw(name, None)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3_ssec_core::names::{BucketName, ObjectKey};

    #[test]
    fn a_name_never_gets_a_nonce_twice() {
        let name =
            ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse("key").unwrap());
        let drawn: Vec<_> = (0..2000).map(|_| draw(&name, None).unwrap()).collect();
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        let future = Nonce::next(unix_now() + 1000, 0, None);
        assert!(draw(&name, Some(future)).unwrap() > future);
        assert!(draw(&name, None).unwrap() > future);
    }
}
