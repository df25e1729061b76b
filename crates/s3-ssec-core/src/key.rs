//! The keys a person holds, and the key that goes on the wire.
//!
//! * [`MasterKey`]: 32 random bytes that never leave this machine. Every write derives its own
//!   [`CustomerKey`] from it (module [`derive`](crate::derive)).
//! * [`CustomerKey`]: the 256-bit key of one SSE-C request. A *direct key* is a customer key that
//!   the person holds and sends as it is, as boto, aws, rclone and s3cmd do.
//! * [`Key`]: either of the two, with its kind as part of its identity.
//!
//! None of them is `Debug`, `Display`, `Clone` or `Serialize`. The bytes leave through
//! `expose_bytes`, a name to search for in review.

use crate::md5::KeyMd5;
pub use crate::secret::KeyLengthError;
use crate::secret::{KEY_LENGTH, Secret32, copy_secret, on_wiped_stack};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// How a key is used: derived from, or sent as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A master key: every object version gets a key derived from it.
    Master,
    /// A direct key: sent to the gateway as the customer key of every object.
    Direct,
}

impl Kind {
    /// The letter of this kind in records and fingerprints: `m` or `d`.
    pub fn letter(self) -> char {
        match self {
            Kind::Master => 'm',
            Kind::Direct => 'd',
        }
    }

    /// The kind for a letter of [`Kind::letter`].
    pub fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "m" => Some(Kind::Master),
            "d" => Some(Kind::Direct),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Master => "master",
            Kind::Direct => "direct",
        })
    }
}

/// The public name of a key: 8 bytes of a domain-separated SHA-256 over kind and key.
///
/// Safe to show for a random key. It appears in the tags of objects for master keys only: a typed
/// direct key could be guessed from it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    fn of(kind: Kind, key: &Secret32) -> Self {
        on_wiped_stack(|| {
            let mut hasher = Sha256::new();
            hasher.update(b"s3-ssec/v1/fingerprint\0");
            hasher.update([kind.letter() as u8]);
            hasher.update(key.bytes());
            let digest = hasher.finalize();
            let mut short = [0; 8];
            short.copy_from_slice(&digest[..8]);
            Self(short)
        })
    }

    /// The eight bytes of it.
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }

    /// Parses 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        (text.len() == 16).then(|| base16ct::lower::decode(text, &mut bytes).ok())??;
        Some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The 256-bit key of one SSE-C request: what the three headers carry.
pub struct CustomerKey {
    secret: Secret32,
    /// The master key that it is derived from.
    master: Option<Fingerprint>,
}

/// A 256-bit key from which the customer key of every object version is derived.
///
/// It is never sent anywhere.
pub struct MasterKey(Secret32);

impl CustomerKey {
    /// Copies 32 bytes into a key of their own. The caller wipes its copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        copy_secret(bytes).map(Self::from_secret)
    }

    pub(crate) fn from_secret(secret: Secret32) -> Self {
        Self { secret, master: None }
    }

    pub(crate) fn derived(secret: Secret32, master: Fingerprint) -> Self {
        Self { secret, master: Some(master) }
    }

    /// The fingerprint of the person's key behind it: of the master key that it is derived from, else
    /// its own as a direct key.
    pub fn origin(&self) -> Fingerprint {
        self.master.unwrap_or_else(|| Fingerprint::of(Kind::Direct, &self.secret))
    }

    /// The raw key: the one door out.
    pub fn expose_bytes(&self) -> &[u8; KEY_LENGTH] {
        self.secret.bytes()
    }

    /// The MD5 of the key, which S3 asks for beside it and echoes in its answers.
    pub fn md5(&self) -> KeyMd5 {
        KeyMd5::of(self.expose_bytes())
    }
}

impl MasterKey {
    /// Copies 32 bytes into a key of their own. The caller wipes its copy.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyLengthError> {
        copy_secret(bytes).map(Self)
    }

    /// The raw key: the one door out.
    pub fn expose_bytes(&self) -> &[u8; KEY_LENGTH] {
        self.0.bytes()
    }
}

/// A key a person holds. Its kind is part of it: the same 32 bytes under both kinds are an error
/// wherever keys meet, because a master key must never go on the wire.
pub enum Key {
    /// Derives a key for every object version.
    Master(MasterKey),
    /// Is sent as it is.
    Direct(CustomerKey),
}

impl Key {
    /// Copies 32 bytes into a key of the given kind. The caller wipes its copy.
    pub fn from_bytes(kind: Kind, bytes: &[u8]) -> Result<Self, KeyLengthError> {
        match kind {
            Kind::Master => MasterKey::from_bytes(bytes).map(Key::Master),
            Kind::Direct => CustomerKey::from_bytes(bytes).map(Key::Direct),
        }
    }

    /// Whether the key is derived from or sent.
    pub fn kind(&self) -> Kind {
        match self {
            Key::Master(_) => Kind::Master,
            Key::Direct(_) => Kind::Direct,
        }
    }

    /// The public name of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.kind(), self.secret())
    }

    /// True if the 32 bytes are the same, whatever the kinds. Takes the same time either way.
    pub fn same_bytes(&self, other: &Key) -> bool {
        self.secret().bytes().ct_eq(other.secret().bytes()).into()
    }

    pub(crate) fn secret(&self) -> &Secret32 {
        match self {
            Key::Master(key) => &key.0,
            Key::Direct(key) => &key.secret,
        }
    }
}

#[cfg(feature = "getrandom")]
mod generate {
    //! Keys from the operating system's random source.

    use super::{CustomerKey, Key, Kind, MasterKey};
    use crate::secret::Secret32;

    /// Random bytes could not be had from the operating system.
    #[derive(Debug, thiserror::Error)]
    #[error("the operating system gave no random bytes: {0}")]
    pub struct RandomError(getrandom::Error);

    fn random_secret() -> Result<Secret32, RandomError> {
        Secret32::fill(|bytes| getrandom::fill(bytes)).map_err(RandomError)
    }

    impl CustomerKey {
        /// Makes a key from the operating system's random source.
        pub fn generate() -> Result<Self, RandomError> {
            random_secret().map(Self::from_secret)
        }
    }

    impl MasterKey {
        /// Makes a key from the operating system's random source.
        pub fn generate() -> Result<Self, RandomError> {
            random_secret().map(Self)
        }
    }

    impl Key {
        /// Makes a key of the given kind from the operating system's random source.
        pub fn generate(kind: Kind) -> Result<Self, RandomError> {
            Ok(match kind {
                Kind::Master => Key::Master(MasterKey::generate()?),
                Kind::Direct => Key::Direct(CustomerKey::generate()?),
            })
        }
    }

    /// Fills memory of the caller's, for what must not be moved.
    #[cfg(feature = "shares")]
    pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(RandomError)
    }

    /// Fills `bytes` from the operating system's random source.
    pub fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(bytes)
    }
}

#[cfg(all(feature = "getrandom", feature = "shares"))]
pub(crate) use generate::fill_random;
#[cfg(feature = "getrandom")]
pub use generate::{RandomError, random_bytes};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_bytes_are_a_key() {
        for wrong in [0, 1, 31, 33, 64] {
            let bytes = vec![7; wrong];
            assert_eq!(CustomerKey::from_bytes(&bytes).err(), Some(KeyLengthError { got: wrong }));
            assert_eq!(MasterKey::from_bytes(&bytes).err(), Some(KeyLengthError { got: wrong }));
        }
        assert!(CustomerKey::from_bytes(&[0; 32]).is_ok());
    }

    #[test]
    fn the_kind_is_part_of_the_fingerprint() {
        let bytes: Vec<u8> = (0..32).collect();
        let master = Key::from_bytes(Kind::Master, &bytes).unwrap();
        let direct = Key::from_bytes(Kind::Direct, &bytes).unwrap();
        assert_eq!(master.fingerprint().to_string(), "4816dfc85c4eac7b");
        assert_ne!(master.fingerprint(), direct.fingerprint());
        assert!(master.same_bytes(&direct));
    }

    #[test]
    fn a_customer_key_knows_the_key_of_the_person() {
        use crate::derive::Nonce;
        use crate::names::{BucketName, ObjectKey, ObjectName};
        let bucket = BucketName::parse("bucket").unwrap();
        let name = ObjectName::new(bucket, ObjectKey::parse("a").unwrap());
        for kind in [Kind::Master, Kind::Direct] {
            let key = Key::from_bytes(kind, &[7; 32]).unwrap();
            let derived = key.customer_key(&name, Nonce::from_bytes([1; 5]));
            assert_eq!(derived.origin(), key.fingerprint());
        }
        let Key::Direct(direct) = Key::from_bytes(Kind::Direct, &[7; 32]).unwrap() else {
            panic!()
        };
        assert_eq!(direct.origin(), Fingerprint::of(Kind::Direct, &direct.secret));
    }
}
