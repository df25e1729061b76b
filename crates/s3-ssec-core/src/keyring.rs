//! The keys in scope of one command: the first writes, all read.

use crate::derive::Nonce;
use crate::key::{Fingerprint, Key, Kind};
use crate::names::ObjectName;
use crate::record::{OpenedRecord, Record};

/// Two keys cannot stand in one keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// There is no key at all.
    #[error("there is no key in it")]
    Empty,
    /// The same key twice.
    #[error("the key {0} is in it twice")]
    Repeated(Fingerprint),
    /// The same 32 bytes as a master and as a direct key: the master would go on the wire.
    #[error("the same 32 bytes are in it as a master key and as a direct key")]
    BothKinds,
}

/// No key in scope opens the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The record names a master key that is not here.
    #[error("the object was written under the key {0}, which is not among yours")]
    KeyMissing(Fingerprint),
    /// The record was written under a direct key, and it is none of these.
    #[error("the object was written under a direct key that is not among yours")]
    DirectKeyMissing,
    /// The named key is here but the MAC fails: the object was renamed or the record altered.
    #[error("the record of the object is not genuine: it was altered, or the object renamed")]
    NotGenuine,
}

/// At least one key. The first one writes; all of them read.
pub struct Keyring {
    keys: Vec<Key>,
    /// As many as keys, or none at all.
    labels: Vec<Option<String>>,
}

impl Keyring {
    /// Checks that there is a key and that none stands in it twice or under both kinds.
    pub fn new(keys: Vec<Key>) -> Result<Self, KeyringError> {
        if keys.is_empty() {
            return Err(KeyringError::Empty);
        }
        for (index, key) in keys.iter().enumerate() {
            if let Some(clash) = keys[..index].iter().find_map(|other| clash(other, key)) {
                return Err(clash);
            }
        }
        Ok(Self { keys, labels: Vec::new() })
    }

    /// As [`Keyring::new`], with what the owner calls each key.
    pub fn labelled(keys: Vec<(Key, Option<String>)>) -> Result<Self, KeyringError> {
        let (keys, labels) = keys.into_iter().unzip();
        Ok(Self { labels, ..Self::new(keys)? })
    }

    /// Takes in the keys of another ring behind its own, but those that it has already.
    ///
    /// The same bytes under the other kind are an error, as everywhere.
    pub fn join(self, other: Keyring) -> Result<Self, KeyringError> {
        let mut all = self.into_labelled();
        for (key, label) in other.into_labelled() {
            match all.iter().find_map(|(known, _)| clash(known, &key)) {
                Some(KeyringError::Repeated(_)) => {}
                Some(clash) => return Err(clash),
                None => all.push((key, label)),
            }
        }
        Self::labelled(all)
    }

    /// The keys that fit, in their order; `None` if no key does. Where the writer does not fit, the
    /// next one takes its place: ask first.
    pub fn only(self, fits: impl Fn(&Key) -> bool) -> Option<Self> {
        let kept = self.into_labelled().into_iter().filter(|(key, _)| fits(key)).collect();
        Self::labelled(kept).ok()
    }

    /// What the owner calls this key.
    pub fn label(&self, key: Fingerprint) -> Option<&str> {
        let index = self.keys.iter().position(|known| known.fingerprint() == key)?;
        self.labels.get(index)?.as_deref()
    }

    fn into_labelled(self) -> Vec<(Key, Option<String>)> {
        let labels = self.labels.into_iter().chain(std::iter::repeat(None));
        self.keys.into_iter().zip(labels).collect()
    }

    /// The key that writes.
    pub fn writer(&self) -> &Key {
        // `new` refuses an empty list.
        &self.keys[0]
    }

    /// All keys, the writer first.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Takes the keys out again.
    pub fn into_keys(self) -> Vec<Key> {
        self.keys
    }

    /// True if there is a master key.
    pub fn has_master(&self) -> bool {
        self.keys.iter().any(|key| key.kind() == Kind::Master)
    }

    /// The direct keys: the ones to try on objects without a record.
    pub fn direct_keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| key.kind() == Kind::Direct)
    }

    /// Finds the key that made `record` for `name`. Nothing is sent anywhere.
    pub fn open(
        &self,
        record: &Record,
        name: &ObjectName,
    ) -> Result<(&Key, OpenedRecord), OpenError> {
        let (index, opened) = open_with(&self.keys, record, name)?;
        Ok((&self.keys[index], opened))
    }
}

/// Why two keys cannot be used together; `None` if they can.
pub(crate) fn clash(other: &Key, key: &Key) -> Option<KeyringError> {
    other.same_bytes(key).then(|| match other.kind() == key.kind() {
        true => KeyringError::Repeated(key.fingerprint()),
        false => KeyringError::BothKinds,
    })
}

/// Finds the key among `keys` that made `record` for `name`, and says which it is.
pub(crate) fn open_with<'k>(
    keys: impl IntoIterator<Item = &'k Key>,
    record: &Record,
    name: &ObjectName,
) -> Result<(usize, OpenedRecord), OpenError> {
    let fits = |key: &Key| match record.fingerprint() {
        Some(fingerprint) => key.fingerprint() == fingerprint,
        None => key.kind() == Kind::Direct,
    };
    let mut candidates = keys.into_iter().enumerate().filter(|(_, key)| fits(key)).peekable();
    let missing = match record.fingerprint() {
        Some(fingerprint) if candidates.peek().is_none() => OpenError::KeyMissing(fingerprint),
        Some(_) => OpenError::NotGenuine,
        None => OpenError::DirectKeyMissing,
    };
    candidates.find_map(|(index, key)| Some((index, record.open(key, name).ok()?))).ok_or(missing)
}

/// Everything the writer of one object version needs, bound to one key, name and nonce.
pub struct Seal<'k> {
    key: &'k Key,
    name: ObjectName,
    nonce: Nonce,
}

impl<'k> Seal<'k> {
    /// Binds the three. A nonce is spent with the first byte sent.
    pub fn new(key: &'k Key, name: ObjectName, nonce: Nonce) -> Self {
        Self { key, name, nonce }
    }

    /// The person's key behind it.
    pub fn key(&self) -> &'k Key {
        self.key
    }

    /// The object's name.
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// The nonce.
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// The customer key of this object version.
    pub fn customer_key(&self) -> crate::key::CustomerKey {
        self.key.customer_key(&self.name, self.nonce)
    }

    /// The record of this object version for what is known of its content.
    pub fn record(&self, content: crate::record::Content) -> Record {
        Record::write(self.key, &self.name, self.nonce, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{BucketName, ObjectKey};
    use crate::record::Content;

    fn name(key: &str) -> ObjectName {
        ObjectName::new(BucketName::parse("bucket").unwrap(), ObjectKey::parse(key).unwrap())
    }

    fn key(kind: Kind, byte: u8) -> Key {
        Key::from_bytes(kind, &[byte; 32]).unwrap()
    }

    #[test]
    fn one_kind_and_one_place_for_each_key() {
        let ring = |keys| Keyring::new(keys).err();
        assert_eq!(ring(vec![]), Some(KeyringError::Empty));
        let twice = vec![key(Kind::Direct, 1), key(Kind::Direct, 1)];
        assert!(matches!(ring(twice), Some(KeyringError::Repeated(_))));
        let both = vec![key(Kind::Master, 1), key(Kind::Master, 2), key(Kind::Direct, 1)];
        assert_eq!(ring(both), Some(KeyringError::BothKinds));
        assert_eq!(ring(vec![key(Kind::Master, 1), key(Kind::Direct, 2)]), None);
    }

    #[test]
    fn rings_join_and_keep_their_labels() {
        let ring = |keys: &[(Kind, u8, &str)]| {
            let labelled = |(kind, byte, label): &(Kind, u8, &str)| {
                (key(*kind, *byte), Some((*label).to_owned()))
            };
            Keyring::labelled(keys.iter().map(labelled).collect()).unwrap()
        };
        let new = ring(&[(Kind::Master, 1, "new"), (Kind::Direct, 2, "shared")]);
        let old = ring(&[(Kind::Direct, 2, "again"), (Kind::Master, 3, "old")]);
        let both = new.join(old).unwrap();
        let label = |kind, byte| both.label(key(kind, byte).fingerprint());
        assert_eq!(both.keys().len(), 3);
        assert_eq!(label(Kind::Master, 1), Some("new"));
        assert_eq!(label(Kind::Direct, 2), Some("shared"));
        assert_eq!(label(Kind::Master, 3), Some("old"));
        assert_eq!(label(Kind::Master, 9), None);
        let plain = Keyring::new(vec![key(Kind::Master, 9)]).unwrap();
        assert_eq!(plain.label(key(Kind::Master, 9).fingerprint()), None);
        let clash = both.join(ring(&[(Kind::Master, 2, "clash")]));
        assert_eq!(clash.err(), Some(KeyringError::BothKinds));
    }

    #[test]
    fn keys_can_be_left_out() {
        let ring = || {
            let keys =
                vec![(key(Kind::Master, 1), Some("a".to_owned())), (key(Kind::Direct, 2), None)];
            Keyring::labelled(keys).unwrap()
        };
        let masters = ring().only(|key| key.kind() == Kind::Master).unwrap();
        assert_eq!(masters.keys().len(), 1);
        assert_eq!(masters.label(masters.writer().fingerprint()), Some("a"));
        let direct = ring().only(|key| key.kind() == Kind::Direct).unwrap();
        assert_eq!(direct.writer().kind(), Kind::Direct);
        assert!(ring().only(|_| false).is_none());
    }

    #[test]
    fn the_record_finds_its_key() {
        let nonce = Nonce::next(1_700_000_000, 3, None);
        let ring = Keyring::new(vec![
            key(Kind::Master, 1),
            key(Kind::Direct, 2),
            key(Kind::Direct, 3),
            key(Kind::Master, 4),
        ])
        .unwrap();
        for writer in ring.keys() {
            let record = Record::write(writer, &name("a"), nonce, Content::Pending);
            let (found, opened) = ring.open(&record, &name("a")).unwrap();
            assert_eq!(found.fingerprint(), writer.fingerprint());
            assert_eq!(opened.nonce, nonce);
            let renamed = match writer.kind() {
                Kind::Master => OpenError::NotGenuine,
                Kind::Direct => OpenError::DirectKeyMissing,
            };
            assert_eq!(ring.open(&record, &name("b")).err(), Some(renamed));
        }
        let stranger = key(Kind::Master, 9);
        let record = Record::write(&stranger, &name("a"), nonce, Content::Pending);
        let missing = OpenError::KeyMissing(stranger.fingerprint());
        assert_eq!(ring.open(&record, &name("a")).err(), Some(missing));
    }
}
